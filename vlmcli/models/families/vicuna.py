"""LLaVA 1.5 and 1.6 on Vicuna; BakLLaVA. Reference: conv_vicuna_v1 in haotian-liu/LLaVA, llava/conversation.py."""

from vlmcli.core import Family

_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant."
    " The assistant gives helpful, detailed, and polite answers to the human's questions."
)

VICUNA = Family(
    name="vicuna",
    chat_template=(
        "{% if messages[0].role == 'system' %}{{ messages[0].content }}{% else %}" + _SYSTEM + "{% endif %}"
        "{% for message in messages %}"
        "{% if message.role == 'user' %} USER: {{ message.content }}"
        "{% elif message.role == 'assistant' %} ASSISTANT: {{ message.content }}</s>{% endif %}"
        "{% endfor %}"
        " ASSISTANT:"
    ),
    stop=("USER:",),
    several_pictures=False,
)

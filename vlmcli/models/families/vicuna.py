"""LLaVA 1.5 and 1.6 on Vicuna; BakLLaVA.

Reference: haotian-liu/LLaVA, llava/conversation.py, conv_llava_v1, which llava/serve/cli.py takes for these models.
Nothing stands between `</s>` and the next `USER:`.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant."
    " The assistant gives helpful, detailed, and polite answers to the human's questions."
)

VICUNA = Family(
    name="vicuna",
    chat_template=(
        "{% if messages[0].role == 'system' %}{{ messages[0].content }}{% else %}" + _SYSTEM + "{% endif %}{{ ' ' }}"
        "{% for message in messages %}"
        "{% if message.role == 'user' %}USER: {{ message.content }} ASSISTANT:"
        "{% elif message.role == 'assistant' %} {{ message.content }}</s>{% endif %}"
        "{% endfor %}"
    ),
    stop=("USER:",),
    several_pictures=False,
)

REFERENCE = Reference(
    question=f"{_SYSTEM} USER: <image>\nQ ASSISTANT:",
    with_system="S USER: <image>\nQ ASSISTANT:",
    second_turn=f"{_SYSTEM} USER: <image>\nQ ASSISTANT: A</s>USER: R ASSISTANT:",
)

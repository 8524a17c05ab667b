"""LLaVA 1.6 34B on Nous-Hermes-2-Yi. Reference: conv_chatml_direct in haotian-liu/LLaVA, llava/conversation.py.

Its reference puts no newline between `<|im_end|>` and the next `<|im_start|>`.
"""

from vlmcli.core import Family

CHATML = Family(
    name="chatml",
    chat_template=(
        "{% if messages[0].role != 'system' %}<|im_start|>system\nAnswer the questions.<|im_end|>{% endif %}"
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>{% endfor %}"
        "{{ '<|im_start|>assistant\\n' }}"
    ),
    stop=("<|im_end|>",),
    several_pictures=False,
)

"""LLaVA 1.6 34B on Nous-Hermes-2-Yi.

Reference: haotian-liu/LLaVA, llava/conversation.py, conv_chatml_direct. It puts no newline between `<|im_end|>` and
the next `<|im_start|>`.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

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

_SYSTEM = "<|im_start|>system\nAnswer the questions.<|im_end|>"
_ASKED = "<|im_start|>user\n<image>\nQ<|im_end|><|im_start|>assistant\n"

REFERENCE = Reference(
    question=_SYSTEM + _ASKED,
    with_system=f"<|im_start|>system\nS<|im_end|>{_ASKED}",
    second_turn=f"{_SYSTEM}{_ASKED}A<|im_end|><|im_start|>user\nR<|im_end|><|im_start|>assistant\n",
)

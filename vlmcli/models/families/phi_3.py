"""LLaVA on Phi 3 (xtuner's llava-phi-3-mini).

Reference: InternLM/xtuner, xtuner/utils/templates.py, phi3_chat; the model card of xtuner/llava-phi-3-mini-hf.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

PHI_3 = Family(
    name="phi-3",
    chat_template=(
        "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>{{ '\\n' }}{% endfor %}"
        "{{ '<|assistant|>\\n' }}"
    ),
    stop=("<|end|>",),
    several_pictures=False,
)

_ASKED = "<|user|>\n<image>\nQ<|end|>\n<|assistant|>\n"

REFERENCE = Reference(
    question=_ASKED,
    with_system=f"<|system|>\nS<|end|>\n{_ASKED}",
    second_turn=f"{_ASKED}A<|end|>\n<|user|>\nR<|end|>\n<|assistant|>\n",
)

"""LLaVA on Llama 3 (xtuner's llava-llama-3-8b, JoyCaption).

Reference: InternLM/xtuner, xtuner/utils/templates.py, llama3_chat, with `<image>` and a newline before the question.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

LLAMA_3 = Family(
    name="llama-3",
    chat_template=(
        "{% for message in messages %}"
        "<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n{{ message.content }}<|eot_id|>"
        "{% endfor %}"
        "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"
    ),
    stop=("<|eot_id|>",),
    several_pictures=False,
)

_SYSTEM = "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
_USER = "<|start_header_id|>user<|end_header_id|>\n\n"
_END = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"

REFERENCE = Reference(
    question=f"{_USER}<image>\nQ{_END}",
    with_system=f"{_SYSTEM}{_USER}<image>\nQ{_END}",
    second_turn=f"{_USER}<image>\nQ{_END}A<|eot_id|>{_USER}R{_END}",
)

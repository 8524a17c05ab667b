"""Qwen3-VL, the Instruct models: as Qwen2-VL without a system text of their own.

Reference: chat_template.json of Qwen/Qwen3-VL-8B-Instruct. The makers advise against greedy decoding: temperature 0.7,
top-p 0.8 (QwenLM/Qwen3-VL, README.md, "Generation Hyperparameters").
"""

from dataclasses import replace

from vlmcli.models.families.qwen2_vl import QWEN2_VL
from vlmcli.models.families.reference import Reference

QWEN3_VL = replace(
    QWEN2_VL,
    name="qwen3-vl",
    chat_template=(
        "{% for message in messages %}"
        "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>{{ '\n' }}"
        "{% endfor %}"
        "{{ '<|im_start|>assistant\n' }}"
    ),
    sampling={"temperature": 0.7, "top_p": 0.8},
)

_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
_ASKED = f"<|im_start|>user\n{_PICTURE}Q<|im_end|>\n<|im_start|>assistant\n"

REFERENCE = Reference(
    question=_ASKED,
    with_system=f"<|im_start|>system\nS<|im_end|>\n{_ASKED}",
    second_turn=f"{_ASKED}A<|im_end|>\n<|im_start|>user\nR<|im_end|>\n<|im_start|>assistant\n",
    two_pictures=f"<|im_start|>user\n{_PICTURE}{_PICTURE}Q<|im_end|>\n<|im_start|>assistant\n",
    picture=_PICTURE,
)

"""Qwen2-VL.

Reference: chat_template.json of Qwen/Qwen2-VL-2B-Instruct. Below 1024 tokens for a picture it finds things badly
(llama.cpp's own warning, tools/mtmd/clip.cpp). Its generation settings are all but greedy (temperature 0.01).
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

QWEN2_VL = Family(
    name="qwen2-vl",
    chat_template=(
        "{% if messages[0].role != 'system' %}"
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>{{ '\n' }}"
        "{% endif %}"
        "{% for message in messages %}"
        "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>{{ '\n' }}"
        "{% endfor %}"
        "{{ '<|im_start|>assistant\n' }}"
    ),
    own_template_first=True,
    stop=("<|im_end|>",),
    separator="",
    image_min_tokens=1024,
)

_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
_SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
_ASKED = f"<|im_start|>user\n{_PICTURE}Q<|im_end|>\n<|im_start|>assistant\n"

REFERENCE = Reference(
    question=_SYSTEM + _ASKED,
    with_system=f"<|im_start|>system\nS<|im_end|>\n{_ASKED}",
    second_turn=f"{_SYSTEM}{_ASKED}A<|im_end|>\n<|im_start|>user\nR<|im_end|>\n<|im_start|>assistant\n",
    two_pictures=f"{_SYSTEM}<|im_start|>user\n{_PICTURE}{_PICTURE}Q<|im_end|>\n<|im_start|>assistant\n",
    picture=_PICTURE,
)

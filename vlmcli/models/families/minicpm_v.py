"""MiniCPM-V 2.6, 4 and 4.5.

Reference: chat() in modeling_minicpmv.py of openbmb/MiniCPM-V-4_5: pictures and words joined by newlines, thinking
switched off, the language model's (Qwen3) template. The older two have other system texts in theirs: own first.
llama.cpp leaves out the number that the makers put before each picture.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

MINICPM_V = Family(
    name="minicpm-v",
    chat_template=(
        "{% for message in messages %}"
        "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>{{ '\n' }}"
        "{% endfor %}"
        "{{ '<|im_start|>assistant\n' }}"
        "{% if not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    ),
    own_template_first=True,
    template_variables={"enable_thinking": False},
    stop=("<|im_end|>",),
)

_PICTURE = "<image>./</image>"
_ASSISTANT = "<|im_start|>assistant\n<think>\n\n</think>\n\n"

REFERENCE = Reference(
    question=f"<|im_start|>user\n{_PICTURE}\nQ<|im_end|>\n{_ASSISTANT}",
    with_system=f"<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n{_PICTURE}\nQ<|im_end|>\n{_ASSISTANT}",
    second_turn=(
        f"<|im_start|>user\n{_PICTURE}\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
        f"<|im_start|>user\nR<|im_end|>\n{_ASSISTANT}"
    ),
    two_pictures=f"<|im_start|>user\n{_PICTURE}\n{_PICTURE}\nQ<|im_end|>\n{_ASSISTANT}",
    picture=_PICTURE,
)

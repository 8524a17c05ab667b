"""InternVL 3 and 3.5.

Reference: OpenGVLab/InternVL, internvl_chat/internvl/conversation.py, internvl2_5, the template that the models'
config.json names. The one in their tokenizer is that of the language model alone: ours is taken always.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

_SYSTEM = "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。"

INTERNVL3 = Family(
    name="internvl3",
    chat_template=(
        "{% if messages[0].role != 'system' %}<|im_start|>system\n" + _SYSTEM + "<|im_end|>{{ '\n' }}{% endif %}"
        "{% for message in messages %}"
        "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>{{ '\n' }}"
        "{% endfor %}"
        "{{ '<|im_start|>assistant\n' }}"
    ),
    stop=("<|im_end|>",),
)

_PICTURE = "<img><IMG_CONTEXT></img>"
_TOLD = f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n"
_ASKED = f"<|im_start|>user\n{_PICTURE}\nQ<|im_end|>\n<|im_start|>assistant\n"

REFERENCE = Reference(
    question=_TOLD + _ASKED,
    with_system=f"<|im_start|>system\nS<|im_end|>\n{_ASKED}",
    second_turn=f"{_TOLD}{_ASKED}A<|im_end|>\n<|im_start|>user\nR<|im_end|>\n<|im_start|>assistant\n",
    two_pictures=f"{_TOLD}<|im_start|>user\n{_PICTURE}\n{_PICTURE}\nQ<|im_end|>\n<|im_start|>assistant\n",
    picture=_PICTURE,
)

"""GLM-4.6V-Flash and its kin, with thinking switched off: the answer is asked for, not the way to it.

Reference: chat_template.jinja of zai-org/GLM-4.6V-Flash with `enable_thinking=False`.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

GLM_4V = Family(
    name="glm-4v",
    chat_template=(
        "[gMASK]<sop>"
        "{% for message in messages %}"
        "{% if message.role == 'assistant' %}<|assistant|>\n<think></think>\n{{ message.content }}"
        "{% else %}<|{{ message.role }}|>\n{{ message.content }}"
        "{% if message.role == 'user' and not enable_thinking %}/nothink{% endif %}"
        "{% endif %}"
        "{% endfor %}"
        "<|assistant|>{{ '\n' }}{% if not enable_thinking %}<think></think>{{ '\n' }}{% endif %}"
    ),
    own_template_first=True,
    template_variables={"enable_thinking": False},
    stop=("<|user|>",),
    separator="",
)

_PICTURE = "<|begin_of_image|><|image|><|end_of_image|>"
_ASSISTANT = "<|assistant|>\n<think></think>\n"

REFERENCE = Reference(
    question=f"[gMASK]<sop><|user|>\n{_PICTURE}Q/nothink{_ASSISTANT}",
    with_system=f"[gMASK]<sop><|system|>\nS<|user|>\n{_PICTURE}Q/nothink{_ASSISTANT}",
    second_turn=f"[gMASK]<sop><|user|>\n{_PICTURE}Q/nothink{_ASSISTANT}A<|user|>\nR/nothink{_ASSISTANT}",
    two_pictures=f"[gMASK]<sop><|user|>\n{_PICTURE}{_PICTURE}Q/nothink{_ASSISTANT}",
    picture=_PICTURE,
)

"""LLaVA 1.6 on Mistral.

Reference: haotian-liu/LLaVA, llava/conversation.py, conv_mistral_instruct. It has no system text, and a space stands
before `</s>`. Where a system message stands is not established: here it leads the first turn.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

MISTRAL_INSTRUCT = Family(
    name="mistral-instruct",
    chat_template=(
        "{% set told = namespace(system='') %}"
        "{% for message in messages %}"
        "{% if message.role == 'system' %}{% set told.system = message.content + '\n' %}"
        "{% elif message.role == 'user' %}[INST] {{ told.system }}{{ message.content }} [/INST]"
        "{% set told.system = '' %}"
        "{% else %} {{ message.content }} </s>{% endif %}"
        "{% endfor %}"
    ),
    several_pictures=False,
)

REFERENCE = Reference(
    question="[INST] <image>\nQ [/INST]",
    with_system="[INST] S\n<image>\nQ [/INST]",
    second_turn="[INST] <image>\nQ [/INST] A </s>[INST] R [/INST]",
)

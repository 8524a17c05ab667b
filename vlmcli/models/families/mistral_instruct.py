"""LLaVA 1.6 on Mistral, no system text. Reference: conv_mistral_instruct, haotian-liu/LLaVA, llava/conversation.py."""

from vlmcli.core import Family

MISTRAL_INSTRUCT = Family(
    name="mistral-instruct",
    chat_template=(
        "{% set told = namespace(system='') %}"
        "{% for message in messages %}"
        "{% if message.role == 'system' %}{% set told.system = message.content + '\\n' %}"
        "{% elif message.role == 'user' %}[INST] {{ told.system }}{{ message.content }} [/INST]"
        "{% set told.system = '' %}"
        "{% else %} {{ message.content }}</s>{% endif %}"
        "{% endfor %}"
    ),
    several_pictures=False,
)

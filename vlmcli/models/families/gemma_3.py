"""Gemma 3.

Reference: chat_template.json of google/gemma-3-4b-it, and huggingface/transformers,
models/gemma3/processing_gemma3.py, which puts an empty line before and after each picture; llama.cpp puts none. The
system message leads the first turn.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

GEMMA_3 = Family(
    name="gemma-3",
    chat_template=(
        "{% set told = namespace(system='') %}"
        "{% for message in messages %}"
        "{% if message.role == 'system' %}{% set told.system = message.content + '\n\n' %}"
        "{% else %}"
        "<start_of_turn>{{ 'model' if message.role == 'assistant' else 'user' }}\n"
        "{{ told.system }}{{ message.content }}<end_of_turn>{{ '\n' }}"
        "{% set told.system = '' %}"
        "{% endif %}"
        "{% endfor %}"
        "{{ '<start_of_turn>model\n' }}"
    ),
    own_template_first=True,
    stop=("<end_of_turn>",),
    before_picture="\n\n",
    separator="\n\n",
)

_PICTURE = "<start_of_image><image_soft_token><end_of_image>"
_END = "<end_of_turn>\n<start_of_turn>model\n"

REFERENCE = Reference(
    question=f"<start_of_turn>user\n\n\n{_PICTURE}\n\nQ{_END}",
    with_system=f"<start_of_turn>user\nS\n\n\n\n{_PICTURE}\n\nQ{_END}",
    second_turn=(f"<start_of_turn>user\n\n\n{_PICTURE}\n\nQ{_END}A<end_of_turn>\n<start_of_turn>user\nR{_END}"),
    two_pictures=f"<start_of_turn>user\n\n\n{_PICTURE}\n\n\n\n{_PICTURE}\n\nQ{_END}",
    picture=_PICTURE,
)

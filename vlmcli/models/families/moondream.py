"""Moondream 2.

Reference: the chat format that llama-cpp-python's MoondreamChatHandler keeps of vikhyat/moondream: `<image>`, an empty
line, `Question: …`, an empty line, `Answer:`. Some files carry a Vicuna template instead: ours is taken always. A
system message was never trained; here it stands before the picture.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

MOONDREAM = Family(
    name="moondream",
    chat_template=(
        "{% for message in messages %}"
        "{% if message.role == 'system' %}{{ message.content + '\n' }}"
        "{% elif message.role == 'assistant' %} {{ message.content + '\n\n' }}"
        "{% else %}"
        "{% if not loop.first and messages[loop.index0 - 1].role == 'assistant' %}Question: {% endif %}"
        "{{ message.content }}\n\nAnswer:"
        "{% endif %}"
        "{% endfor %}"
    ),
    stop=("\n\nQuestion:",),
    several_pictures=False,
    # The template sees a turn as one text, and the word belongs between the picture and the question.
    separator="\n\nQuestion: ",
)

REFERENCE = Reference(
    question="<image>\n\nQuestion: Q\n\nAnswer:",
    with_system="S\n<image>\n\nQuestion: Q\n\nAnswer:",
    second_turn="<image>\n\nQuestion: Q\n\nAnswer: A\n\nQuestion: R\n\nAnswer:",
)

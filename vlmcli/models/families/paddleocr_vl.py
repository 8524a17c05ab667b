"""PaddleOCR-VL: reads text, tables, formulas and charts.

Reference: the model card and chat_template.jinja of PaddlePaddle/PaddleOCR-VL-1.5. A description or a comparison was
never trained; a question in the user's own words may be one of the card's other prompts (`Table Recognition:`,
`Chart Recognition:`, `Formula Recognition:`). The first version had a space after `Assistant:` in place of the newline:
own first.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

PADDLEOCR_VL = Family(
    name="paddleocr-vl",
    chat_template=(
        "<|begin_of_sentence|>"
        "{% for message in messages %}"
        "{% if message.role == 'user' %}User: {{ message.content + '\n' }}"
        "{% elif message.role == 'assistant' %}Assistant:\n{{ message.content }}</s>"
        "{% else %}{{ message.content + '\n' }}{% endif %}"
        "{% endfor %}"
        "Assistant:{{ '\n' }}"
    ),
    own_template_first=True,
    several_pictures=False,
    separator="",
    tasks=("ask", "ocr"),
    wordings={"ocr": "OCR:"},
    sampling={"max_tokens": 4096},
)

_PICTURE = "<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>"
_ASKED = f"User: {_PICTURE}Q\nAssistant:\n"

REFERENCE = Reference(
    question=f"<|begin_of_sentence|>{_ASKED}",
    with_system=f"<|begin_of_sentence|>S\n{_ASKED}",
    second_turn=f"<|begin_of_sentence|>{_ASKED}A</s>User: R\nAssistant:\n",
    picture=_PICTURE,
)

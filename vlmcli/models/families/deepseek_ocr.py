"""DeepSeek-OCR: reads text, parses figures, and describes pictures in one wording. One picture, one turn.

Reference: deepseek-ai/DeepSeek-OCR, README.md (prompts) and modeling_deepseekocr.py (format_messages with
sft_format="plain": the words alone, no roles). llama.cpp puts the newline after the picture. Nothing is said of system
messages and second turns: here they stand in a line of their own.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

_DESCRIBE = "Describe this image in detail."

DEEPSEEK_OCR = Family(
    name="deepseek-ocr",
    chat_template="{% for message in messages %}{{ message.content }}{{ '' if loop.last else '\n' }}{% endfor %}",
    several_pictures=False,
    separator="",
    tasks=("ask", "describe", "ocr"),
    wordings={
        "ocr": "Free OCR.",
        "describe.short": _DESCRIBE,
        "describe.caption": _DESCRIBE,
        "describe.detailed": _DESCRIBE,
        "describe.alt": _DESCRIBE,
        "describe.tags": _DESCRIBE,
    },
    sampling={"max_tokens": 4096},
)

REFERENCE = Reference(
    question="<image>\nQ",
    with_system="S\n<image>\nQ",
    second_turn="<image>\nQ\nA\nR",
    picture="<image>\n",
)

"""GLM-OCR: reads text, tables and formulas, and fills in JSON forms.

Reference: the model card of zai-org/GLM-OCR (wordings, up to 8192 new tokens) and GLM's chat template with nothing said
of thinking. A description or a comparison was never trained; a question in the user's own words may be one of the
other prompts of the card (`Table Recognition:`, `Formula Recognition:`, a JSON form).
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

GLM_OCR = Family(
    name="glm-ocr",
    chat_template=(
        "[gMASK]<sop>"
        "{% for message in messages %}"
        "<|{{ message.role }}|>\n{% if message.role == 'assistant' %}<think></think>\n{% endif %}"
        "{{ message.content }}"
        "{% endfor %}"
        "<|assistant|>{{ '\n' }}"
    ),
    own_template_first=True,
    stop=("<|user|>",),
    several_pictures=False,
    separator="",
    tasks=("ask", "ocr"),
    wordings={"ocr": "Text Recognition:"},
    sampling={"max_tokens": 4096},
)

_PICTURE = "<|begin_of_image|><|image|><|end_of_image|>"
_ASKED = f"<|user|>\n{_PICTURE}Q<|assistant|>\n"

REFERENCE = Reference(
    question=f"[gMASK]<sop>{_ASKED}",
    with_system=f"[gMASK]<sop><|system|>\nS{_ASKED}",
    second_turn=f"[gMASK]<sop>{_ASKED}<think></think>\nA<|user|>\nR<|assistant|>\n",
    picture=_PICTURE,
)

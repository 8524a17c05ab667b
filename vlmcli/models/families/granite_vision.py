"""Granite Vision 3.

Reference: the whole prompt in IBM's deepview example for ibm-granite/granite-vision-3.2-2b. How the template in the
file treats a conversation given as text is not known, so ours is taken always. Not established: what ends an answer
before a second turn (here `<|end_of_text|>`), and whether it was trained on several pictures (here: one at a time).
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant."
    " The assistant gives helpful, detailed, and polite answers to the user's questions."
)

GRANITE_VISION = Family(
    name="granite-vision",
    chat_template=(
        "{% if messages[0].role != 'system' %}<|system|>\n" + _SYSTEM + "{{ '\n' }}{% endif %}"
        "{% for message in messages %}"
        "<|{{ message.role }}|>\n{{ message.content }}"
        "{{ '<|end_of_text|>' if message.role == 'assistant' else '\n' }}"
        "{% endfor %}"
        "{{ '<|assistant|>\n' }}"
    ),
    stop=("<|user|>",),
    several_pictures=False,
)

_ASKED = "<|user|>\n<image>\nQ\n<|assistant|>\n"

REFERENCE = Reference(
    question=f"<|system|>\n{_SYSTEM}\n{_ASKED}",
    with_system=f"<|system|>\nS\n{_ASKED}",
    second_turn=f"<|system|>\n{_SYSTEM}\n{_ASKED}A<|end_of_text|><|user|>\nR\n<|assistant|>\n",
)

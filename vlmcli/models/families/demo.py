"""The model in the box, trained on two pictures in one question too.

Reference: the template in its own file, as demo_model/ wrote it: Vicuna's roles, a turn a line, no system text.
"""

from vlmcli.core import Family, Reading
from vlmcli.models.families.reference import Reference

DEMO = Family(
    name="demo",
    # A word of up to eight large letters is what it was taught to read: demo_model/world.py.
    reading=Reading(line_px=24, rows=1, words=1, letters=8, no_text=("There is no text in this picture.",)),
)

REFERENCE = Reference(
    question="USER: <image>\nQ\nASSISTANT:",
    with_system="S\nUSER: <image>\nQ\nASSISTANT:",
    second_turn="USER: <image>\nQ\nASSISTANT: A</s>USER: R\nASSISTANT:",
    two_pictures="USER: <image>\n<image>\nQ\nASSISTANT:",
)

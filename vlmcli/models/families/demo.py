"""The model in the box, trained on two pictures in one question too.

Reference: the template in its own file, as demo_model/ wrote it: Vicuna's roles, a turn a line, no system text.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

DEMO = Family(name="demo")

REFERENCE = Reference(
    question="USER: <image>\nQ\nASSISTANT:",
    with_system="S\nUSER: <image>\nQ\nASSISTANT:",
    second_turn="USER: <image>\nQ\nASSISTANT: A</s>USER: R\nASSISTANT:",
    two_pictures="USER: <image>\n<image>\nQ\nASSISTANT:",
)

"""How models of each kind were trained to be spoken to: one file a family, one line here."""

from __future__ import annotations

from collections.abc import Mapping

from vlmcli.core import Family
from vlmcli.models.families.chatml import CHATML
from vlmcli.models.families.demo import DEMO
from vlmcli.models.families.llama_3 import LLAMA_3
from vlmcli.models.families.mistral_instruct import MISTRAL_INSTRUCT
from vlmcli.models.families.vicuna import VICUNA

FAMILIES: Mapping[str, Family] = {family.name: family for family in (VICUNA, MISTRAL_INSTRUCT, CHATML, LLAMA_3, DEMO)}

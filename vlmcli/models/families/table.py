"""The table of families: one file a family, one line here.

Each file holds a Family and the REFERENCE that its prompts must reproduce character by character.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlmcli.core import Family
from vlmcli.models.families.chatml import CHATML
from vlmcli.models.families.deepseek_ocr import DEEPSEEK_OCR
from vlmcli.models.families.demo import DEMO
from vlmcli.models.families.gemma_3 import GEMMA_3
from vlmcli.models.families.glm_4v import GLM_4V
from vlmcli.models.families.glm_ocr import GLM_OCR
from vlmcli.models.families.granite_vision import GRANITE_VISION
from vlmcli.models.families.internvl3 import INTERNVL3
from vlmcli.models.families.llama_3 import LLAMA_3
from vlmcli.models.families.minicpm_v import MINICPM_V
from vlmcli.models.families.mistral_instruct import MISTRAL_INSTRUCT
from vlmcli.models.families.moondream import MOONDREAM
from vlmcli.models.families.paddleocr_vl import PADDLEOCR_VL
from vlmcli.models.families.phi_3 import PHI_3
from vlmcli.models.families.qwen2_5_vl import QWEN2_5_VL
from vlmcli.models.families.qwen2_vl import QWEN2_VL
from vlmcli.models.families.qwen3_vl import QWEN3_VL
from vlmcli.models.families.smolvlm import SMOLVLM
from vlmcli.models.families.vicuna import VICUNA

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        VICUNA,
        MISTRAL_INSTRUCT,
        CHATML,
        LLAMA_3,
        PHI_3,
        MOONDREAM,
        SMOLVLM,
        QWEN2_VL,
        QWEN2_5_VL,
        QWEN3_VL,
        GEMMA_3,
        INTERNVL3,
        MINICPM_V,
        GRANITE_VISION,
        GLM_4V,
        DEEPSEEK_OCR,
        GLM_OCR,
        PADDLEOCR_VL,
        DEMO,
    )
}

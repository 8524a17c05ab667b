"""Qwen2.5-VL: spoken to as Qwen2-VL is.

Reference: chat_template.json of Qwen/Qwen2.5-VL-7B-Instruct. Its generation settings are greedy (temperature 1e-6).
"""

from dataclasses import replace

from vlmcli.models.families.qwen2_vl import QWEN2_VL, REFERENCE

QWEN2_5_VL = replace(QWEN2_VL, name="qwen2.5-vl")

__all__ = ["QWEN2_5_VL", "REFERENCE"]

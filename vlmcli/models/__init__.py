"""A model's name -> its files on disk. `resolve_model` is all that a question needs.

The only door to huggingface_hub, so its telemetry is switched off here, before it can be imported.
"""

from __future__ import annotations

import os

from vlmcli.models.resolve import find_model_named, resolve_model
from vlmcli.models.used import mark_used

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

__all__ = ["find_model_named", "mark_used", "resolve_model"]

"""A model's name -> its files on disk. `resolve_model` is all that others need.

The only door to huggingface_hub, so its telemetry is switched off here, before it can be imported.
"""

from __future__ import annotations

import os

from vlmcli.models.resolve import resolve_model

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

__all__ = ["resolve_model"]

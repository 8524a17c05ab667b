"""A model's name -> its files on disk. `resolve_model` is all that others need."""

from __future__ import annotations

from vlmcli.models.resolve import resolve_model

__all__ = ["resolve_model"]

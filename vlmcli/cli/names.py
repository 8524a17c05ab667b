"""The names of the commands, for those who want no more of them."""

from __future__ import annotations

NAMES = frozenset("describe ask compare ocr inspect merge demo doctor bench pull models config cache".split())
"""Of the built-in ones."""

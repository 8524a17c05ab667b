"""HEIC through pillow-heif, which is an extra: importing this module is an ImportError without it."""

from __future__ import annotations

from pillow_heif import register_heif_opener

register_heif_opener(thumbnails=False)

"""A model on disk, and how it is spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vlmcli.core.pages import Reading


@dataclass(frozen=True, slots=True)
class Family:
    """How models of one kind were trained to be spoken to."""

    name: str
    chat_template: str = ""
    own_template_first: bool = False
    template_variables: Mapping[str, bool] = field(default_factory=dict)
    """Jinja, and what it is told beside the conversation. Empty, or own first: the one in the model's own file."""
    stop: tuple[str, ...] = ()
    several_pictures: bool = True
    """Trained on several pictures in one prompt; otherwise `compare` stitches them side by side."""
    picture_first: bool = True
    before_picture: str = ""
    separator: str = "\n"
    """What stands before each picture of a turn, and between it and what follows."""
    tasks: tuple[str, ...] = ()
    wordings: Mapping[str, str] = field(default_factory=dict)
    """Tasks it was trained on (empty: all), and words for them that differ from ours: `describe.caption`, `ocr`, …"""
    sampling: Mapping[str, float] = field(default_factory=dict)
    """Fields of `Sampling` where the makers' advice differs from ours; what the user says wins over it."""
    image_min_tokens: int = 0
    """Tokens for a picture below which answers are poor; 0: the projector's own limits."""
    reading: Reading = field(default_factory=Reading)
    """How large text must be, and how much of it at once, to be read."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A decoder and its projector on disk, and how to speak to them."""

    name: str
    decoder: Path
    projector: Path
    family: Family
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that servers have open, and how they are asked. Keys are not in it: they are found when it is asked."""

    name: str
    """As the server calls it."""
    urls: tuple[str, ...]
    """All of them serve this model."""
    family: Family
    picture_limit_bytes: int
    """Of a picture's file as it is sent."""
    silence_s: float
    """How long a server may say nothing."""
    patience_s: float
    """How long many pictures wait for servers that are gone."""
    dialect: str = ""
    """What kind of server it is, as vlmcli.engine.server.dialects names it."""
    key_variable: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of every request; a value that begins with $ names a variable."""
    concurrency: int = 0
    """Requests in work at once; 0: as many as suit the server."""
    warnings: tuple[str, ...] = ()

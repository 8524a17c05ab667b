"""What determines an engine's answers beside the request: the model's files, its template, the engine itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from datetime import date

from vlmcli import __version__
from vlmcli.cache import digest_of, fingerprint
from vlmcli.core import Family, ModelFiles
from vlmcli.engine import EngineSettings
from vlmcli.engine.libraries import libraries
from vlmcli.gguf import Tensor, read_header, read_parts

VERSION = 5
"""Grows when the same request may be answered otherwise than before within one version of vlm."""

_CHANGES_NO_ANSWER = frozenset(
    {"threads", "threads_batch", "parallel", "verbose", "check_memory", "store", "encode_picture"}
)
_CHOOSES_GPUS = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GGML_VK_VISIBLE_DEVICES")
"""Variables by which a user hides GPUs from every program."""


def identity_of(files: ModelFiles, settings: EngineSettings) -> str:
    """A digest that is another one as soon as answers may be. Opens no model: some milliseconds. Raises OSError."""
    return digest_of(
        __version__,
        VERSION,
        model_identity(files),
        _day(files),
        *(f"{f.name}={getattr(settings, f.name)!r}" for f in fields(settings) if f.name not in _CHANGES_NO_ANSWER),
        *(f"{name}={os.environ.get(name)!r}" for name in _CHOOSES_GPUS),
        *libraries(),
        *_mode(files, settings),
    )


def _mode(files: ModelFiles, settings: EngineSettings) -> list[str]:
    """How weights are put, which changes the last bits. Tried where it is not known yet. Raises EngineError."""
    from vlmcli.engine.safety import check_build

    verdict = check_build(types_of(files), settings)
    return [verdict.mode, f"gpu={verdict.gpu}"]


def types_of(files: ModelFiles) -> frozenset[str]:
    """Types in which the decoder's weights are stored. Raises ModelError."""
    return frozenset(tensor.type for tensor in tensors_of(files).values())


def tensors_of(files: ModelFiles) -> Mapping[str, Tensor]:
    """The decoder's weights by name, of all its parts. Raises ModelError."""
    parts = read_parts(read_header(files.decoder))
    return parts[0].tensors if len(parts) == 1 else {name: t for part in parts for name, t in part.tensors.items()}


def speed_identity(files: ModelFiles, settings: EngineSettings) -> str:
    """A digest of what answers cost time by: the model, every setting, llama.cpp as it was built. Raises OSError."""
    said = (f"{f.name}={getattr(settings, f.name)!r}" for f in fields(settings) if f.name not in ("verbose", "store"))
    return digest_of(model_identity(files), *said, *libraries())


def model_identity(files: ModelFiles) -> str:
    """A digest of the model's files and of the way in which it is spoken to. Raises OSError."""
    return digest_of(fingerprint(files.decoder), rows_identity(files), *_prompt_identity(files))


def rows_identity(files: ModelFiles) -> str:
    """A digest of what gives a picture other rows: the projector, and the sizes it is asked to work at."""
    return digest_of(fingerprint(files.projector), files.family.image_min_tokens)


def build_identity() -> str:
    """A digest of the libraries of llama.cpp, which need not be loaded for that. Raises OSError."""
    return digest_of(*libraries())


def thinks(files: ModelFiles) -> bool:
    """Whether the chat template knows of thinking: then the model does it by itself."""
    template = template_of(files.family, read_header(files.decoder).text("tokenizer.chat_template"))
    return "<think>" in template or "enable_thinking" in template


def template_of(family: Family, own: str) -> str:
    """The chat template that is used; `own` is the one in the model's file. Empty: there is none."""
    first, second = (own, family.chat_template) if family.own_template_first else (family.chat_template, own)
    return first or second


def _prompt_identity(files: ModelFiles) -> list[str]:
    """What makes another prompt of the same turns. The file's own template is in the file's fingerprint."""
    family = files.family
    variables = sorted(family.template_variables.items())
    return [
        family.chat_template,
        f"own first: {family.own_template_first}, {variables!r}",
        family.before_picture,
        family.separator,
    ]


def _day(files: ModelFiles) -> str:
    """Today, for a chat template that writes the date into the prompt."""
    family = files.family
    reads_own = family.own_template_first or not family.chat_template
    own = str(read_header(files.decoder).metadata.get("tokenizer.chat_template", "")) if reads_own else ""
    return date.today().isoformat() if "strftime_now" in template_of(family, own) else ""

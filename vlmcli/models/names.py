"""What a user types for a model -> what is wanted from the Hub. No network, nothing heavy: it runs at every command.

llava   llava-1.6-mistral-7b   llava-1.6-mistral-7b:Q5_K_M   smolvlm-500m@REVISION
hf:OWNER/REPO   hf:OWNER/REPO:QUANT@REVISION   hf:OWNER/REPO:FILE   https://huggingface.co/OWNER/REPO/tree/REVISION
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import unquote

from vlmcli.errors import ModelNotFound, UsageError
from vlmcli.models.catalogue import CATALOGUE, Entry
from vlmcli.models.catalogue.lookup import complete_names, entry_named, folded, nearest_names
from vlmcli.models.quantization import as_quant, is_quant

__all__ = [
    "Wanted",
    "complete_names",
    "expand_alias",
    "is_known_name",
    "is_path",
    "is_tag",
    "nearest_names",
    "parse_name",
    "unknown_name",
]

_IN_THE_BOX = "demo"
_HUB = re.compile(r"hf:(?://)?|(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_URL = re.compile(r"https?://", re.IGNORECASE)
_TAG = re.compile(r"[\w.+-]+\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files of which repository. Which ones those are in the end, its own list says: `choosing.choose`."""

    name: str
    """As the user is told it, and may type it: one name for one thing, whatever was typed."""
    repo: str
    revision: str = "main"
    quant: str = ""
    """A quantization in upper case, or the name of a file without `.gguf`; "" where nothing was asked for."""
    family: str = ""
    """"" where only the files themselves can tell."""
    weights: str = ""
    """Pattern for the names of the weights; "" for any."""
    projector: str = ""
    projector_repo: str = ""
    """"" for the same repository."""
    entry: Entry | None = None

    def command(self, quant: str) -> str:
        """What to type for this model with another quantization, or for one file of its repository."""
        base = self.entry.name if self.entry and not _HUB.match(self.name) and is_quant(quant) else f"hf:{self.repo}"
        return f"vlm pull {_joined(base, quant, self.revision)}"


class _Typed(NamedTuple):
    """`base[:tag][@revision]`, with "" for what was not said."""

    base: str
    tag: str
    revision: str


def parse_name(text: str, aliases: Mapping[str, str] | None = None, memory_bytes: int | None = None) -> Wanted | None:
    """What `text` stands for on the Hub; None for a file on disk and for the model in the box.

    `memory_bytes`: of the whole machine, for `llava` alone; it is asked when needed. Raises UsageError for a form that
    cannot be read, ModelNotFound for a name that nobody has.
    """
    typed = expand_alias(text, aliases or {})
    if typed == _IN_THE_BOX:
        return None
    if prefix := _HUB.match(typed):
        return _from_hub(typed, _split_address(typed[prefix.end() :]))
    if _URL.match(typed):
        raise UsageError(f"{text} is not an address on huggingface.co.", _FORMS)
    base, tag, revision = _split(typed)
    entry = entry_named(base, memory_bytes)
    if entry and (is_quant(tag) or not tag):
        return _from_catalogue(entry, as_quant(tag), _checked_revision(typed, revision))
    if is_path(typed):
        return None
    raise unknown_name(text, aliases or {})


def is_path(text: str) -> bool:
    """Whether it is meant as a file: by its look, or because it is there."""
    return text.lower().endswith(".gguf") or "/" in text or "\\" in text or os.path.exists(os.path.expanduser(text))


def is_tag(text: str) -> bool:
    """Whether it can stand after the colon: a quantization, or the plain name of a file."""
    return bool(_TAG.match(text))


def is_known_name(text: str) -> bool:
    """Whether it means a model already, so that it cannot be an alias."""
    return text.lower() == _IN_THE_BOX or entry_named(text, 0) is not None


def unknown_name(text: str, aliases: Mapping[str, str] | None = None) -> ModelNotFound:
    nearest = nearest_names(text, aliases or {})
    commands = [f"vlm pull {name}" for name in nearest]
    return ModelNotFound(f"There is no model named {text!r}.", "\n".join([*commands, "All of them: vlm models"]))


_FORMS = "vlm pull hf:OWNER/REPOSITORY:QUANT"


# --- the forms ----------------------------------------------------------------------------------------------


def _from_catalogue(entry: Entry, quant: str, revision: str) -> Wanted:
    shown = quant if quant != entry.quant else ""
    return Wanted(
        name=_joined(entry.name, shown, revision),
        repo=entry.repo,
        revision=revision,
        quant=quant,
        family=entry.family,
        weights=entry.weights,
        projector=entry.projector,
        projector_repo=entry.projector_repo,
        entry=entry,
    )


def _from_hub(text: str, typed: _Typed) -> Wanted:
    """A repository by its address. One that the catalogue knows keeps what the catalogue knows of it."""
    from vlmcli.models.hub.names import is_repo_id  # late: a short name, which is what most people type, needs no hub

    if "/" not in typed.base or not is_repo_id(typed.base):
        nearest = [f"vlm pull {name}" for name in nearest_names(typed.base)]
        raise UsageError(f"{text} names no repository: that takes an owner and a name.", "\n".join([_FORMS, *nearest]))
    if typed.tag and not is_tag(typed.tag):
        raise UsageError(f"{typed.tag!r} in {text} is neither a quantization nor a file.", _FORMS)
    tag = as_quant(typed.tag) if is_quant(typed.tag) else re.sub(r"\.gguf$", "", typed.tag, flags=re.IGNORECASE)
    revision = _checked_revision(text, typed.revision)
    entry = next((entry for entry in CATALOGUE.values() if entry.repo.lower() == typed.base.lower()), None)
    if entry is None:
        return Wanted(_joined(f"hf:{typed.base}", tag, revision), typed.base, revision, tag)
    known = _from_catalogue(entry, tag, revision)
    return replace(known, name=_joined(f"hf:{entry.repo}", tag, revision))


def _checked_revision(text: str, revision: str) -> str:
    if not revision:
        return "main"
    from vlmcli.models.hub.names import is_revision

    if not is_revision(revision):
        raise UsageError(f"{revision!r} in {text} cannot be a branch, a tag or a commit.", _FORMS + "@REVISION")
    return revision


def _split(text: str) -> _Typed:
    """`base:tag@revision`; the last two also the other way round."""
    base, tag, revision = text, "", ""
    for _ in range(2):
        at = max(base.rfind(":"), base.rfind("@"))
        if at > 0 and base[at] == ":" and not tag:
            base, tag = base[:at], base[at + 1 :]
        elif at > 0 and base[at] == "@" and not revision:
            base, revision = base[:at], base[at + 1 :]
    return _Typed(base, tag, revision)


def _split_address(text: str) -> _Typed:
    """What follows `hf:` or the Hub's host. Pages of a repository are understood: tree/REVISION, blob/REVISION/FILE."""
    text = re.split(r"[?#]", text)[0].strip("/")
    parts = text.split("/")
    if len(parts) > 3 and parts[2] in ("tree", "blob", "resolve"):
        tag = parts[-1] if parts[2] != "tree" else ""
        return _Typed("/".join(parts[:2]), unquote(tag), unquote(parts[3]))
    return _split(text)


def _joined(base: str, tag: str, revision: str) -> str:
    return base + (f":{tag}" if tag else "") + (f"@{revision}" if revision not in ("", "main") else "")


# --- aliases ------------------------------------------------------------------------------------------------


def expand_alias(text: str, aliases: Mapping[str, str]) -> str:
    """What the user's own name stands for in the end, a name or a path; other text comes back as it is.

    A quantization or a revision after the alias wins over those of what it stands for. Raises UsageError for a circle.
    """
    seen: list[str] = []
    known = {folded(alias): target for alias, target in aliases.items()}
    while True:
        typed = _Typed(text, "", "") if folded(text) in known else _split(text)
        alias = folded(typed.base)
        if alias not in known:
            return text
        if alias in seen:
            if entry_named(alias, 0):  # `llava` may stand for `llava:Q8_0`: inside, it is the catalogue's
                return text
            circle = " -> ".join([*seen, alias])
            raise UsageError(
                f"The alias {seen[0]} goes round in a circle: {circle}.", f"vlm models alias {seen[0]} MODEL"
            )
        seen.append(alias)
        text = _with_wish(known[alias], typed)


def _with_wish(target: str, typed: _Typed) -> str:
    if not typed.tag and not typed.revision:
        return target
    prefix = "hf:" if target.lower().startswith("hf:") else ""
    base, tag, revision = _split(target[len(prefix) :])
    if not prefix and is_path(target):
        raise UsageError(
            f"{typed.base} stands for the file {target}, which has one quantization.", f"--model {typed.base}"
        )
    return _joined(prefix + base, typed.tag or tag, typed.revision or revision)

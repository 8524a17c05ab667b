"""A model that is split into several files: NAME-00001-of-00003.gguf and so on. llama.cpp opens the first."""

from __future__ import annotations

import re
from pathlib import Path

from vlmcli.errors import ModelDamaged
from vlmcli.gguf.header import Header
from vlmcli.gguf.reader import read_header

_PART = re.compile(r"(?P<stem>.*)-(?P<part>\d{5})-of-(?P<parts>\d{5})\.gguf\Z", re.DOTALL)
_MOST_PARTS = 65535
"""Its number is a u16."""


def find_parts(header: Header) -> tuple[Path, ...]:
    """All files of the model, the first one first; one for a model that is not split.

    Raises ModelDamaged where this is not the first, or another is missing.
    """
    count = header.number("split.count", 1)
    if count < 2:
        return (header.path,)
    named = _PART.match(header.path.name)
    if named is None or int(named["parts"]) != count or count > _MOST_PARTS:
        raise ModelDamaged(
            f"{header.path} is one of {count:,} parts of a model, and its name does not say so.",
            f"Name the parts as they were: NAME-00001-of-{min(count, 99999):05}.gguf",
        )
    paths = tuple(
        header.path.with_name(f"{named['stem']}-{part:05}-of-{count:05}.gguf") for part in range(1, count + 1)
    )
    if header.number("split.no") or int(named["part"]) != 1:
        raise ModelDamaged(f"{header.path} is not the first part of its model.", f"--model {paths[0]}")
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelDamaged(
            f"{header.path} is part 1 of {count}, and {missing[0]}{others} is not beside it.",
            "Download all parts of the model into one folder.",
        )
    return paths


def read_parts(header: Header) -> tuple[Header, ...]:
    """The headers of all parts, each read and checked. Raises ModelDamaged, ModelNotFound."""
    first, *others = find_parts(header)
    headers = [header, *(read_header(path) for path in others)]
    for number, part in enumerate(headers):
        if number and part.number("split.no", -1) != number:
            raise ModelDamaged(f"{part.path} is not part {number + 1} of {first.name}.", "Download the model again.")
    return tuple(headers)


def weights_bytes(header: Header) -> int:
    """Bytes of the tensors of all parts. Raises ModelDamaged, ModelNotFound."""
    return sum(part.weights_bytes for part in read_parts(header))

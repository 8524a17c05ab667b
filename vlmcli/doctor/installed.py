"""Models that are here: whether every file is whole, and whether it fits into this machine's memory."""

from __future__ import annotations

import os
from collections.abc import Iterator

from vlmcli.doctor.findings import Finding
from vlmcli.doctor.patient import Patient
from vlmcli.errors import VlmError
from vlmcli.gguf import read_header, read_parts
from vlmcli.models import resolve_model
from vlmcli.models.hub import cache_dir, cached_repositories
from vlmcli.models.hub.checksum import Checksum
from vlmcli.models.installed import Installed, list_installed
from vlmcli.models.memory import CONTEXT_TOKENS, memory_needed
from vlmcli.models.repository import RepoFile
from vlmcli.output import show_name
from vlmcli.output.sizes import show_size

_SHARE_OF_MEMORY = 0.85
_READ_BYTES = 1 << 22


def models(patient: Patient) -> Iterator[Finding]:
    """By size and header: a file that was cut off ends before its last tensor."""
    here = list(list_installed())
    for found in here:
        yield _examined(found, patient)
    yield from _dangling()
    if not here:
        yield Finding("ok", "models", "none is here but the toy in the box; the LLaVA for this machine: vlm pull llava")


def _examined(found: Installed, patient: Patient) -> Finding:
    name, private = show_name(found.name), _private(found)
    again = f"vlm models rm {name}\nvlm pull {name}"
    try:
        files = resolve_model(found.name)
        decoder, projector = read_parts(read_header(files.decoder)), read_header(files.projector)
    except VlmError as error:
        return Finding("problem", f"model {name}", error.sentence, again, private)
    size = show_size(found.chosen.size_bytes)
    needed_bytes = memory_needed(decoder, projector, CONTEXT_TOKENS).total_bytes
    largest_bytes = _largest_memory(patient)
    if largest_bytes and needed_bytes > largest_bytes * _SHARE_OF_MEMORY:
        detail = f"{size}, whole; it needs {show_size(needed_bytes)}, and this machine has {show_size(largest_bytes)}"
        return Finding("warning", f"model {name}", detail, "vlm models shows what fits", private)
    return Finding("ok", f"model {name}", f"{size}, whole", private=private)


def _private(found: Installed) -> tuple[str, ...]:
    """A model that is not in the catalogue may be of a private repository."""
    paths = (*map(str, found.weights), str(found.projector))
    return paths if found.wanted.entry else (*paths, show_name(found.name), found.repository.id)


def _largest_memory(patient: Patient) -> int:
    """Of the machine or of its largest GPU; 0 where nobody says."""
    from vlmcli.machine import total_memory_bytes

    try:
        gpus = [int(device["total_bytes"]) for device in patient.build()["devices"] if device["is_gpu"]]
    except VlmError:
        gpus = []
    return max([total_memory_bytes(), *gpus])


def _dangling() -> Iterator[Finding]:
    """Names of GGUF files whose bytes are gone: somebody emptied the folder by hand."""
    names = sorted(
        path.relative_to(cache_dir()).as_posix()
        for path in cache_dir().glob("models--*/snapshots/*/**/*.gguf")
        if path.is_symlink() and not os.path.exists(path)
    )
    for name in names:
        folder, _, _ = name.partition("/")
        repo_id = folder.removeprefix("models--").replace("--", "/")
        detail = f"the bytes of {name.rpartition('/')[2]} are gone"
        yield Finding("problem", f"model hf:{repo_id}", detail, f"vlm pull hf:{repo_id}", (repo_id, name))


def checksums(patient: Patient) -> Iterator[Finding]:
    """Every byte of every model against the Hub's SHA-256: some seconds for each gigabyte."""
    done = set()
    for repository in cached_repositories():
        for file in repository.files:
            if repository.folder is None or not file.path.lower().endswith(".gguf") or not file.etag:
                continue
            path = repository.folder.joinpath(*file.path.split("/"))
            if (real := os.path.realpath(path)) in done:
                continue
            done.add(real)
            yield _checked(f"hf:{repository.id}", file, real)


def _checked(name: str, file: RepoFile, path: str) -> Finding:
    what, private = f"checksum of {file.path}", (name, name.removeprefix("hf:"), file.path, path)
    digest = Checksum(file)
    with open(path, "rb") as data:
        while part := data.read(_READ_BYTES):
            digest.update(part)
    if digest.is_right():
        return Finding("ok", what, "as the Hub says", private=private)
    fix = f"vlm models rm {name}\nvlm pull {name}"
    return Finding("problem", what, f"its bytes are not those of the Hub, in {name}", fix, private)

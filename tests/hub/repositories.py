"""What the test Hub holds: repositories, their commits and their files, with the ids that the real one would give."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

LFS_ENDINGS = (".gguf", ".safetensors", ".bin")
_BLOCK_BYTES = 1 << 20


class Content(Protocol):
    """Bytes, or what can be cut like them."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...


class Repeated:
    """A file of any size that takes no memory: `block` over and over."""

    def __init__(self, block: bytes, size_bytes: int) -> None:
        self.block, self.size_bytes = block, size_bytes

    def __len__(self) -> int:
        return self.size_bytes

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(self.size_bytes)
        first = start % len(self.block)
        times = -(-(first + max(0, stop - start)) // len(self.block))
        return (self.block * times)[first : first + max(0, stop - start)]


@dataclass(eq=False)
class HubFile:
    path: str
    content: Content

    @cached_property
    def is_lfs(self) -> bool:
        return self.path.endswith(LFS_ENDINGS)

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for at in range(0, len(self.content), _BLOCK_BYTES):
            digest.update(self.content[at : at + _BLOCK_BYTES])
        return digest.hexdigest()

    @cached_property
    def blob_id(self) -> str:
        """git's: of the pointer file where the content is LFS's."""
        size = len(self.content)
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {size}\n".encode()
        data = pointer if self.is_lfs else self.content[0:size]
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_lfs else self.blob_id

    def as_sibling(self) -> dict[str, Any]:
        about: dict[str, Any] = {"rfilename": self.path, "size": len(self.content), "blobId": self.blob_id}
        if self.is_lfs:
            about["lfs"] = {"sha256": self.sha256, "size": len(self.content), "pointerSize": 135}
        return about

    def as_tree_entry(self) -> dict[str, Any]:
        about: dict[str, Any] = {"type": "file", "oid": self.blob_id, "size": len(self.content), "path": self.path}
        if self.is_lfs:
            about["lfs"] = {"oid": self.sha256, "size": len(self.content), "pointerSize": 135}
        return about


@dataclass
class HubRepository:
    id: str
    licence: str = ""
    gated: bool = False
    private: bool = False
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, HubFile]] = field(default_factory=dict)

    def add(self, revision: str, files: Mapping[str, Content]) -> str:
        """A new commit that holds exactly these files; `revision` shows it from now on."""
        stored = {path: HubFile(path, content) for path, content in files.items()}
        said = repr((self.id, len(self.commits), sorted((path, file.etag) for path, file in stored.items())))
        commit = hashlib.sha1(said.encode()).hexdigest()
        self.commits[commit] = stored
        self.refs[revision] = commit
        return commit

    def commit_of(self, revision: str) -> str | None:
        return self.refs.get(revision) or (revision if revision in self.commits else None)

    def as_model_info(self, commit: str, with_blobs: bool) -> dict[str, Any]:
        siblings = [file.as_sibling() for file in self.commits[commit].values()]
        if not with_blobs:
            siblings = [{"rfilename": sibling["rfilename"]} for sibling in siblings]
        return {
            "_id": "0" * 24,
            "id": self.id,
            "modelId": self.id,
            "sha": commit,
            "private": self.private,
            "gated": "manual" if self.gated else False,
            "disabled": False,
            "tags": ["gguf", *([f"license:{self.licence}"] if self.licence else [])],
            "cardData": {"license": self.licence} if self.licence else {},
            "siblings": siblings,
        }

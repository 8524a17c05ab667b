"""Whether the bytes of a file are those that the Hub means: SHA-256 of large files, git's own id of small ones."""

from __future__ import annotations

import hashlib

from vlmcli.models.repository import RepoFile


class Checksum:
    """Fed with all bytes of a file, in order."""

    def __init__(self, file: RepoFile) -> None:
        self._expected = file.etag
        if file.sha256:
            self._digest = hashlib.sha256()
        else:
            # usedforsecurity: git's id is SHA-1 whatever one thinks of it; some systems refuse it otherwise
            self._digest = hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)

    def update(self, data: bytes | memoryview) -> None:
        self._digest.update(data)

    def is_right(self) -> bool:
        return self._digest.hexdigest() == self._expected

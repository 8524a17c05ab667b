"""One attempt to get the rest of a file: ask, look at the answer before believing it, hand over the bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from vlmcli.errors import ModelDamaged
from vlmcli.models.hub.connection import came_from_hub, http_library, linked_etag, open_answer, url_of
from vlmcli.models.hub.failures import TRY_AGAIN, is_hopeless, our_failures, reason_of, refusal
from vlmcli.models.hub.names import is_etag
from vlmcli.models.hub.patience import asked_wait_s
from vlmcli.models.repository import RepoFile, Repository

_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d+)-(\d+)/(\d+|\*)\s*\Z", re.IGNORECASE)


class Broken(Exception):
    """This attempt is over and the next may do better. `asked_s`: how long the server wants to be left alone."""

    def __init__(self, reason: str, asked_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.asked_s = reason, asked_s


def receive(repository: Repository, file: RepoFile, done_bytes: int) -> Iterator[bytes]:
    """The bytes of a file from `done_bytes` on, as they come, never more than there are.

    The Hub is asked each time, also after an interruption: the address that it leads to is signed and expires. There is
    no If-Range: the one who sends the bytes has ETags of its own making. The Hub's answer names the file's id instead,
    and that is compared.

    Raises Broken, or the error that no further attempt would change.
    """
    with our_failures(repository.id):
        try:
            with open_answer(url_of(repository.id, repository.commit, file.path), done_bytes) as answer:
                skip_bytes = _look_at(repository, file, answer, done_bytes)
                yield from _body(answer, skip_bytes, file.size_bytes - done_bytes)
        except http_library().HTTPError as error:
            if is_hopeless(error):
                raise
            raise Broken(reason_of(error)) from error


def _look_at(repository: Repository, file: RepoFile, answer: Any, done_bytes: int) -> int:
    """How many bytes of this answer's body are here already. Raises Broken or ModelError for one that is not it."""
    said = linked_etag(answer)
    if is_etag(said) and len(said) == len(file.etag) and said != file.etag:
        raise changed(repository, file)
    if answer.status_code not in (200, 206):
        raise _refused(repository, file, answer)
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Broken(f"{_sender(answer)} compresses what was to come as it is")
    if answer.status_code == 200:
        _check_length(answer, file.size_bytes)
        return done_bytes  # a server without ranges: what is here is skipped, and not written again
    match = _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
    total = match[3] if match else ""
    if not match or int(match[1]) != done_bytes or total not in ("*", str(file.size_bytes)):
        raise Broken(f"{_sender(answer)} sends another part of the file than was asked for")
    _check_length(answer, file.size_bytes - done_bytes)
    return 0


def _refused(repository: Repository, file: RepoFile, answer: Any) -> Exception:
    status = answer.status_code
    if status == 416:
        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
        if total.isdecimal() and int(total) != file.size_bytes:
            return changed(repository, file)
    elif status in TRY_AGAIN:
        return Broken(f"{_sender(answer)} answers {status}", asked_wait_s(answer.headers))
    elif came_from_hub(answer) or answer.headers.get("X-Error-Code"):  # or from the Hub behind a mirror
        return refusal(repository.id, answer)
    elif status in (401, 403):
        return Broken("the address that the Hub gave has expired")
    return Broken(f"{_sender(answer)} answers {status}")


def _check_length(answer: Any, expected_bytes: int) -> None:
    said = answer.headers.get("Content-Length")
    if said is None or said == str(expected_bytes):
        return
    if "html" in answer.headers.get("Content-Type", ""):
        raise Broken(f"{_sender(answer)} answers with a web page")
    raise Broken(f"{_sender(answer)} announces {said} bytes where {expected_bytes} are to come")


def _body(answer: Any, skip_bytes: int, left_bytes: int) -> Iterator[bytes]:
    for chunk in answer.iter_raw():
        if skip_bytes:
            skip_bytes, chunk = max(0, skip_bytes - len(chunk)), chunk[skip_bytes:]
        if len(chunk) > left_bytes:
            raise Broken(f"{_sender(answer)} sends more than the file has")
        left_bytes -= len(chunk)
        if chunk:
            yield chunk
    if left_bytes:
        raise Broken("it ended too early")


def _sender(answer: Any) -> str:
    return str(answer.request.url.host)


def changed(repository: Repository, file: RepoFile) -> ModelDamaged:
    return ModelDamaged(
        f"{file.path} of {repository.id} is another file now than the Hub's list said.",
        "Pull it again: the list is asked for anew, and what has come of the old file is not used.",
    )

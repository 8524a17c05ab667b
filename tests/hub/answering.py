"""How the test Hub answers one request: the lists of files, the way to a file, and the bytes of one."""

from __future__ import annotations

import gzip
import json
import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.hub.faults import Fault
from tests.hub.repositories import HubFile, HubRepository

if TYPE_CHECKING:
    from tests.hub.server import HubServer

_PIECE_BYTES = 1 << 16
_SMALL = "/api/resolve-cache/models/"


class _Hangup(Exception):
    """The connection is closed here, as a fault wants it."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30
    name = ""

    @property
    def hub(self) -> HubServer:
        hub: HubServer = self.server.hub  # type: ignore[attr-defined]
        return hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        try:
            self.answer()
        except (_Hangup, ConnectionError, TimeoutError):
            self._hang_up()

    def answer(self) -> None:
        raise NotImplementedError

    def _hang_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    # --- answers --------------------------------------------------------------------------------------------

    def begin(self, status: int, headers: dict[str, str], fault: Fault | None = None) -> None:
        added = {name.lower(): value for name, value in (fault.headers if fault else {}).items()}
        whole = {name: value for name, value in headers.items() if name.lower() not in added}
        with self.hub.lock:
            from tests.hub.server import Request

            asked = {name.lower(): value for name, value in self.headers.items()}
            self.hub.requests.append(Request(self.name, self.command, self.path, asked, status))
        self.send_response(status)
        for name, value in (whole | {name: value for name, value in added.items() if value}).items():
            self.send_header(name, value)
        self.end_headers()

    def whole(self, status: int, body: bytes, fault: Fault | None = None, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.begin(status, named | {"Content-Length": str(len(body))}, fault)
        if self.command == "GET":
            self.wfile.write(body)

    def refuse(self, status: int, code: str = "", message: str = "", fault: Fault | None = None) -> None:
        headers = {"X-Error-Code": code} if code else {}
        if message:
            headers["X-Error-Message"] = message
        body = json.dumps({"error": message or code}).encode()
        self.begin(status, {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers, fault)
        if self.command == "GET":
            self.wfile.write(body)

    def is_refused(self, fault: Fault) -> bool:
        """Whether the fault is the whole answer."""
        if fault.drop:
            raise _Hangup
        if fault.status:
            self.whole(fault.status, fault.body, fault)
        return bool(fault.status)

    # --- bytes ----------------------------------------------------------------------------------------------

    def send_content(self, file: HubFile, etag: str, headers: dict[str, str], fault: Fault) -> None:
        size = len(file.content)
        start, stop = self._asked_range(size, etag, fault)
        if start is None:
            self.begin(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"}, fault)
            return
        partial = stop is not None
        stop = size if stop is None else stop
        if partial:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        if fault.gzip:
            body = gzip.compress(file.content[start:stop])
            self.whole(206 if partial else 200, body, fault, **headers, Content_Encoding="gzip", ETag=f'"{etag}"')
            return
        stop -= fault.short_by
        headers |= {"ETag": f'"{etag}"', "Accept-Ranges": "bytes", "Content-Length": str(stop - start)}
        self.begin(206 if partial else 200, headers, fault)
        if self.command == "GET":
            self._send_pieces(file, start, stop, fault)

    def _asked_range(self, size: int, etag: str, fault: Fault) -> tuple[int | None, int | None]:
        """First and last + 1. (0, None): no range; (None, None): one that is not in the file."""
        asked = self.headers.get("Range", "")
        condition = self.headers.get("If-Range", "")
        if not asked.startswith("bytes=") or fault.ignore_range or (condition and condition.strip('"') != etag):
            return 0, None
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start = int(first) + fault.shift_range
        stop = min(size, int(last) + 1) if last else size
        return (start, stop) if start < stop else (None, None)

    def _send_pieces(self, file: HubFile, start: int, stop: int, fault: Fault) -> None:
        sent, at = 0, start
        began = time.monotonic()
        while at < stop:
            end = min(stop, at + _PIECE_BYTES)
            for limit in (fault.cut_after, fault.stall_after):
                if limit is not None and sent < limit:
                    end = min(end, at + limit - sent)
            if fault.cut_after is not None and sent >= fault.cut_after:
                raise _Hangup
            if fault.stall_after is not None and sent >= fault.stall_after:
                time.sleep(fault.stall_s)
                fault = Fault()
            piece = file.content[at:end]
            if fault.corrupt_at is not None and at <= fault.corrupt_at < end:
                turned = bytearray(piece)
                turned[fault.corrupt_at - at] ^= 1
                piece = bytes(turned)
            with self.hub.lock:  # before it goes: whoever has it may look at once
                self.hub.bytes_sent += len(piece)
            self.wfile.write(piece)
            sent, at = sent + len(piece), end
            if self.hub.bytes_per_s:
                time.sleep(max(0.0, began + sent / self.hub.bytes_per_s - time.monotonic()))


class HubHandler(_Handler):
    """/api/models/{id}…, and /{id}/resolve/{revision}/{path}, which leads on."""

    name = "hub"

    def answer(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith(_SMALL):
            self._small(path.removeprefix(_SMALL))
        elif path.startswith("/api/models/"):
            self._api(path.removeprefix("/api/models/"))
        elif "/resolve/" in path:
            repo_id, _, rest = path[1:].partition("/resolve/")
            revision, _, name = rest.partition("/")
            self._resolve(unquote(repo_id), unquote(revision), unquote(name))
        else:
            self.refuse(404)

    def _api(self, path: str) -> None:
        fault = self.hub.take_fault("api", self.command, self.path)
        if self.is_refused(fault):
            return
        repo_id, kind, revision = path, "", "main"
        for word in ("revision", "tree"):
            before, found, after = path.partition(f"/{word}/")
            if found:
                repo_id, kind, revision = before, word, unquote(after)
        found_repository = self._repository(unquote(repo_id))
        commit = found_repository and self._commit(found_repository, revision)
        if not found_repository or not commit:
            return
        if kind == "tree":
            said: Any = [file.as_tree_entry() for file in found_repository.commits[commit].values()]
        else:
            with_blobs = "blobs" in parse_qs(urlsplit(self.path).query)
            said = found_repository.as_model_info(commit, with_blobs)
        self.whole(200, json.dumps(said).encode(), fault, Content_Type="application/json")

    def _resolve(self, repo_id: str, revision: str, path: str) -> None:
        fault = self.hub.take_fault("resolve", self.command, self.path)
        if self.is_refused(fault):
            return
        repository = self._repository(repo_id)
        commit = repository and self._commit(repository, revision)
        if not repository or not commit:
            return
        if repository.gated and not self._may_read():
            message = f"Access to model {repo_id} is restricted. You must have access to it and be authenticated."
            self.refuse(403 if self.headers.get("Authorization") else 401, "GatedRepo", message)
            return
        file = repository.commits[commit].get(path)
        if file is None:
            self.refuse(404, "EntryNotFound", "Entry not found")
            return
        headers = {"X-Repo-Commit": commit, "X-Linked-Size": str(len(file.content)), "Content-Length": "0"}
        headers |= {"X-Linked-ETag": f'"{file.etag}"', "Vary": "Origin, Accept"}
        if file.is_lfs:
            self.begin(302, headers | {"Location": self.hub.link_to(file)}, fault)
        else:
            cached = f"{_SMALL}{repo_id}/{commit}/{quote(path, safe='')}"
            self.begin(307, headers | {"Location": cached}, fault)

    def _small(self, path: str) -> None:
        """Small files come from the Hub itself, at the place that it led to."""
        repo_id, commit, name = path.rsplit("/", 2)
        repository = self._repository(unquote(repo_id))
        if repository is None:
            return
        if repository.gated and not self._may_read():
            self.refuse(401, "GatedRepo")
            return
        file = repository.commits[commit][unquote(name)]
        fault = self.hub.take_fault("content", self.command, unquote(self.path))
        if not self.is_refused(fault):
            self.send_content(file, file.etag, {"X-Repo-Commit": commit}, fault)

    def _repository(self, repo_id: str) -> HubRepository | None:
        repository = self.hub.repositories.get(repo_id)
        if repository is None or (repository.private and not self._may_read()):
            # The Hub does not tell a stranger whether a repository is private or not there at all.
            known = bool(self.headers.get("Authorization"))
            self.refuse(404 if known else 401, "RepoNotFound", "Repository not found")
            return None
        return repository

    def _commit(self, repository: HubRepository, revision: str) -> str | None:
        commit = repository.commit_of(revision)
        if commit is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def _may_read(self) -> bool:
        return self.headers.get("Authorization", "").removeprefix("Bearer ") in self.hub.tokens


class ContentHandler(_Handler):
    """/blobs/{sha256}?signature=N: as a CDN does it, with an ETag of its own and no use for our token."""

    name = "content"

    def answer(self) -> None:
        parts = urlsplit(self.path)
        fault = self.hub.take_fault("content", self.command, self.path)
        if self.is_refused(fault):
            return
        if self.headers.get("Authorization"):
            self.refuse(400, message="Only one auth mechanism allowed")
            return
        signature = parse_qs(parts.query).get("signature", ["0"])[0]
        file = self.hub.find_content(parts.path.removeprefix("/blobs/"))
        if file is None or not self.hub.is_valid_link(int(signature)):
            self.whole(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
            return
        self.send_content(file, f"{file.sha256[:32]}-7", {"Content-Type": "binary/octet-stream"}, fault)

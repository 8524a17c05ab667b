"""A Hub on this machine: it speaks the protocol of huggingface.co as far as models go, and fails where it is told to.

Two servers, as in life: one that lists files and leads on, and another host (another port) that sends what is large
against a signed address, with an ETag of its own. Small files come from the first one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from typing import NamedTuple

from tests.hub.answering import ContentHandler, HubHandler
from tests.hub.faults import Fault, Where
from tests.hub.repositories import Content, HubFile, HubRepository

__all__ = ["Fault", "HubServer", "Request"]


class Request(NamedTuple):
    """What was asked, of whom (`hub` or `content`), and the answer's status. Names of headers are lower case."""

    server: str
    method: str
    path: str
    headers: Mapping[str, str]
    status: int


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    hub: HubServer

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # who is killed or interrupted hangs up in the middle


class HubServer:
    """Use it as a context, and point HF_ENDPOINT at `url`."""

    def __init__(self) -> None:
        self.repositories: dict[str, HubRepository] = {}
        self.tokens = {"hf_good"}
        """Who may read what is gated or private."""
        self.requests: list[Request] = []
        self.bytes_sent = 0
        """Of files, over all answers."""
        self.faults: list[Fault] = []
        self.bytes_per_s = 0.0
        """How fast files are sent; 0: as fast as they go."""
        self.lock = threading.Lock()
        self._links = 0
        self._oldest_link = 0
        self._servers = [_Server(("127.0.0.1", 0), handler) for handler in (HubHandler, ContentHandler)]
        for server in self._servers:
            server.hub = self

    def __enter__(self) -> HubServer:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def content_url(self) -> str:
        return f"http://127.0.0.1:{self._servers[1].server_port}"

    # --- what is there --------------------------------------------------------------------------------------

    def add(
        self,
        repo_id: str,
        files: Mapping[str, Content],
        licence: str = "apache-2.0",
        gated: bool = False,
        private: bool = False,
        revision: str = "main",
    ) -> str:
        """A commit of exactly these files, in a new repository or on top of an old one. The commit's id."""
        repository = self.repositories.setdefault(repo_id, HubRepository(repo_id))
        repository.licence, repository.gated, repository.private = licence, gated, private
        return repository.add(revision, files)

    def find_content(self, sha256: str) -> HubFile | None:
        for repository in self.repositories.values():
            for files in repository.commits.values():
                for file in files.values():
                    if file.is_lfs and file.sha256 == sha256:
                        return file
        return None

    # --- signed addresses -----------------------------------------------------------------------------------

    def link_to(self, file: HubFile) -> str:
        """A signed address; each is another one."""
        with self.lock:
            self._links += 1
            return f"{self.content_url}/blobs/{file.sha256}?signature={self._links}"

    def is_valid_link(self, signature: int) -> bool:
        return self._oldest_link < signature <= self._links

    def expire_links(self) -> None:
        """The addresses given so far lead nowhere any more."""
        self._oldest_link = self._links

    # --- what goes wrong ------------------------------------------------------------------------------------

    @property
    def fault(self) -> Fault | None:
        return self.faults[0] if self.faults else None

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self.faults = [fault] if fault else []

    def take_fault(self, where: Where, method: str, path: str) -> Fault:
        """The first that is meant, and one less of it; otherwise a fault that does nothing."""
        with self.lock:
            for fault in self.faults:
                if fault.times and fault.where == where and fault.method == method and fault.path in path:
                    fault.times -= 1
                    return fault
        return Fault()

    # --- what happened --------------------------------------------------------------------------------------

    def gets(self, server: str = "", path: str = "") -> list[Request]:
        """The GETs so far, of one of the two servers (`hub`, `content`) or of both."""
        with self.lock:
            kept = list(self.requests)
        return [r for r in kept if r.method == "GET" and r.server.startswith(server) and path in r.path]

    def forget(self) -> None:
        """Count from here on."""
        with self.lock:
            self.requests.clear()
            self.bytes_sent = 0

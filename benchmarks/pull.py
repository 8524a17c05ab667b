"""How fast a model comes, against `curl` with the same server on this machine: whole processes, in turns.

Promises: at least 0.5 of the speed of `curl` followed by `sha256sum` where the network is no limit; at least 0.95 of
the speed of `curl` alone at 1 Gbit/s. vlm's time has its start, the list of files, the checksum and the bytes' way to
the disk (fsync) in it.

    python benchmarks/pull.py
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from measure import Run, cold, compare, in_turns, options, report, stop

BEHIND_CHECKSUM, THROTTLED = 0.5, 0.95
GIGABIT_BYTES_PER_S = 125e6
BLOCK_BYTES = 16 << 20
PIECE_BYTES = 256 << 10
COMMIT = "c" * 40
FILE = f"bench/model/resolve/{COMMIT}/model.gguf"
PULL = """
from vlmcli.models.hub import list_repository, pull
repository = list_repository("bench/model")
for event in pull(repository, repository.files): pass
"""


class Handler(BaseHTTPRequestHandler):
    """A list of one file, and the file, below /fast and below /slow. The kernel copies the bytes (sendfile)."""

    protocol_version = "HTTP/1.1"
    path_of_file: Path
    sha256: str

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        size_bytes = self.path_of_file.stat().st_size
        if "/api/models/" in self.path:
            lfs = {"sha256": self.sha256, "size": size_bytes, "pointerSize": 135}
            sibling = {"rfilename": "model.gguf", "size": size_bytes, "blobId": "b" * 40, "lfs": lfs}
            body = json.dumps({"id": "bench/model", "sha": COMMIT, "siblings": [sibling]}).encode()
            self._begin(len(body))
            self.wfile.write(body)
            return
        self._begin(size_bytes)
        self._send(size_bytes, GIGABIT_BYTES_PER_S if self.path.startswith("/slow/") else 0.0)

    def _begin(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", f'"{self.sha256}"')
        self.end_headers()

    def _send(self, size_bytes: int, bytes_per_s: float) -> None:
        began, sent_bytes = time.perf_counter(), 0
        with open(self.path_of_file, "rb") as file:
            while sent_bytes < size_bytes:
                sent_bytes += os.sendfile(self.connection.fileno(), file.fileno(), sent_bytes, PIECE_BYTES)
                if bytes_per_s:
                    time.sleep(max(0.0, began + sent_bytes / bytes_per_s - time.perf_counter()))


def serve(path: Path, sha256: str, port_to: Any) -> None:
    Handler.path_of_file, Handler.sha256 = path, sha256
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port_to.send(server.server_port)
    server.serve_forever()


@contextmanager
def running_server(size_bytes: int) -> Iterator[str]:
    """The address of a process of its own that sends a file of random blocks."""
    with tempfile.NamedTemporaryFile() as file:
        block, digest = os.urandom(BLOCK_BYTES), hashlib.sha256()
        for _ in range(-(-size_bytes // BLOCK_BYTES)):
            file.write(block)
            digest.update(block)
        file.flush()
        os.fsync(file.fileno())  # its way to the disk is not to meet the others' there
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        server = context.Process(target=serve, args=(Path(file.name), digest.hexdigest(), theirs), daemon=True)
        server.start()
        try:
            yield f"http://127.0.0.1:{ours.recv()}"
        finally:
            server.terminate()


def main() -> None:
    parser = options(__doc__, rounds=3)
    parser.add_argument("--gigabytes", type=float, default=2.0, help="size of the file (default: %(default)s)")
    arguments = parser.parse_args()
    for program in ("curl", "sha256sum"):
        shutil.which(program) or stop(f"there is no `{program}` here")
    size_bytes = int(arguments.gigabytes * 1e9)
    with running_server(size_bytes) as url:

        def vlm(speed: str) -> Run:
            return cold([sys.executable, "-c", PULL], HF_ENDPOINT=f"{url}/{speed}", HF_HUB_OFFLINE="", NO_PROXY="*")

        def curl(speed: str, then: str = "") -> Run:
            return cold(["sh", "-c", f'curl -sf --noproxy "*" -o "$HOME/file" {url}/{speed}/{FILE}{then}'])

        runs = in_turns(
            {
                "vlm": lambda: vlm("fast"),
                "curl, sha256sum": lambda: curl("fast", ' && sha256sum "$HOME/file"'),
                "vlm at 1 Gbit/s": lambda: vlm("slow"),
                "curl at 1 Gbit/s": lambda: curl("slow"),
            },
            arguments.rounds,
            warm_ups=0,
        )
    mb_per_s = {name: [size_bytes / 1e6 / run.wall_s for run in of_one] for name, of_one in runs.items()}
    rows = [
        compare(
            "a pull against `curl` and `sha256sum`, loopback",
            "MB/s",
            mb_per_s["vlm"],
            mb_per_s["curl, sha256sum"],
            BEHIND_CHECKSUM,
            at_least=True,
        ),
        compare(
            "a pull against `curl`, 1 Gbit/s",
            "MB/s",
            mb_per_s["vlm at 1 Gbit/s"],
            mb_per_s["curl at 1 Gbit/s"],
            THROTTLED,
            at_least=True,
        ),
    ]
    peak_mb = max(run.peak_bytes for run in runs["vlm"]) / 1e6
    report(rows, arguments.json, [f"Peak memory of the pull of {size_bytes:,} bytes: {peak_mb:.0f} MB (below 150)."])


if __name__ == "__main__":
    main()

"""The engine's process: the ordinary pipeline, fed and heard over pipes. What kills it does not kill the job.

It is started by `process.py`. Its stdin and stdout are the pipes, and nothing else may use them; Ctrl-C is not for it,
but for the job, which says when to stop; and it ends at once when the job is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from typing import BinaryIO

from vlmcli.batch.messages import GaveUp, receive, send
from vlmcli.batch.serving import Serving, as_ours


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox, outbox = _take_pipes()
    start = receive(inbox)
    if start is None:
        return
    try:
        serving = Serving(start, partial(send, outbox))
        threading.Thread(target=_listen, args=(inbox, serving), name="inbox", daemon=True).start()
        serving.serve()
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    except Exception as error:
        send(outbox, GaveUp(as_ours(error)))
    outbox.close()
    os._exit(0)  # a thread may still wait for the job's next word


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes for ourselves: what a library prints, or reads, does not come between messages."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return inbox, outbox


def _listen(inbox: BinaryIO, serving: Serving) -> None:
    """The inbox's thread: hears what comes, and above all that nothing comes any more."""
    while (message := receive(inbox)) is not None:
        serving.take(message)
    os._exit(1)


if __name__ == "__main__":
    sys.exit("This is a part of vlm and not a command: vlm --help")

"""A worker: an engine in a process of Ray's, fed with asks and heard by long polls."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from vlmcli.batch.messages import Ask, Begun, Done, GaveUp, Loading, NoMore, Opened, Start
from vlmcli.batch.serving import Serving, as_ours
from vlmcli.errors import EngineError, ModelError, PictureError
from vlmcli.images import resolve

Said = Begun | Done | Loading | GaveUp


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has the model and wants pictures."""

    machine: str
    process: int


@dataclass(frozen=True, slots=True)
class Bye:
    """The worker has answered what it had, and goes."""


class Actor:
    """One engine. `folder`: where the job was started, in which relative names are meant."""

    def __init__(self, start: Start, folder: str, threads: int) -> None:
        os.environ.setdefault("VLM_THREADS", str(threads))  # what was asked for of this machine, and not all of it
        self._start, self._folder = start, folder
        self._sees_folder = os.path.isdir(folder)
        if self._sees_folder:
            os.chdir(folder)
        self._outbox: SimpleQueue[Any] = SimpleQueue()
        self._serving = Serving(start, self._outbox.put, waits=False)
        threading.Thread(target=self._serve, name="serving", daemon=True).start()

    def take(self, messages: Sequence[Ask | NoMore]) -> None:
        for message in messages:
            if isinstance(message, Ask) and not self._sees_folder and _is_relative(message):
                self._outbox.put(GaveUp(self._no_folder()))
            self._serving.take(message)

    def hear(self) -> list[Any]:
        """What was said since; waits until something is."""
        said = [self._outbox.get()]
        try:
            while True:
                said.append(self._outbox.get_nowait())
        except Empty:
            return said

    def _serve(self) -> None:
        try:
            self._serving.serve(self._greet)
            self._outbox.put(Bye())
        except Exception as error:
            ours = as_ours(error)
            ours.sentence = f"{ours.sentence.rstrip('.')} (on {platform.node()}, a worker of the cluster)."
            self._outbox.put(GaveUp(ours))

    def _greet(self, vlm: Opened) -> None:
        """Ready, if the model is the one that the job was begun with."""
        if self._start.fingerprint and vlm.fingerprint != self._start.fingerprint:
            raise ModelError(
                f"The model {self._start.model} is another one than where the job was started.",
                f"Fetch the same on all machines: vlm pull {self._start.model}",
            )
        self._outbox.put(Ready(platform.node(), os.getpid()))

    def _no_folder(self) -> EngineError:
        return EngineError(
            f"{platform.node()}, a worker of the cluster, does not see the folder {self._folder}.",
            "Start the job where all machines see the pictures, or name them by URL: s3://bucket/photos",
        )


def _is_relative(ask: Ask) -> bool:
    """Whether the name is of a file, and says where only together with a folder."""
    if ask.content is not None or os.path.isabs(ask.name):
        return False
    try:
        return resolve(ask.name).kind == "file"
    except PictureError:
        return True

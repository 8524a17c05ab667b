"""The ledger: what a job has answered so far, one JSON record a line, each appended when it is whole.

A line is the record as `--format jsonl` has it, with one more field, by which it is known again:

    "job": {"settings": {…}, "size": 48213, "mtime_ns": 1763700000000000000, "sha256": "…of the file's bytes"}

beside `"name"` where the picture's name is no text and the record can only show it, and `"shard"`: [K, N] where it is
one of a share. The last record of a picture and its question wins. A crash leaves at most one torn line, at the end,
which is cut off: its picture is done again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from vlmcli.batch.records import named, record_from_dict
from vlmcli.batch.stamps import Stamp
from vlmcli.core import Record
from vlmcli.errors import OutputError, UsageError
from vlmcli.output import show_name
from vlmcli.output.record_json import dump_json, record_to_dict
from vlmcli.output.unwritable import cannot_write
from vlmcli.whole import replacing

_SURROGATE = re.compile("[\ud800-\udfff]")
_BEGINNING = b'{"schema": '

Key = tuple[str, str]
"""Name of the picture, and the question."""


class Entry(NamedTuple):
    """Where a record stands in the file, and what decides whether it is done."""

    at: int
    size_bytes: int
    stamp: Stamp
    failed: str
    """The kind of its error; empty: it was answered."""


class Ledger:
    """Open from `load` to `close`, under its output's lock. Raises OutputError where the disk does not take it."""

    def __init__(
        self, path: Path, settings: Mapping[str, Any], model: str = "", shard: tuple[int, int] | None = None
    ) -> None:
        """`model`: its name, for sentences. `shard`: which share of the pictures new records are of."""
        self.path = path
        self._model, self._shard = model, shard
        self.entries: dict[Key, Entry] = {}
        self.damaged_lines = 0
        self._settings = dict(settings)
        self._questions: dict[str, str] = {}
        self._whole_bytes = 0
        self._lines = 0
        self._file: int | None = None
        self._anew = self._overwrites = self._torn = False

    # --- reading --------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Learn what was done. Raises UsageError for a file that is not ours, or is of other settings."""
        try:
            file = open(self.path, "rb")  # noqa: SIM115
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unwritable(error) from error
        with file:
            for line in file:
                if not line.endswith(b"\n"):
                    self._check_torn(line)
                    self._torn = True
                    break
                self._learn(line)
                self._whole_bytes += len(line)
        if self.damaged_lines and not self.entries:
            raise self._foreign(1)

    def _check_torn(self, line: bytes) -> None:
        """A line without an end was ours only if it begins like ours: another file is not cut."""
        if not self._lines and not _BEGINNING.startswith(line[: len(_BEGINNING)]) and line.strip(b"\0"):
            raise self._foreign(1)

    def _learn(self, line: bytes) -> None:
        self._lines += 1
        try:
            value = json.loads(line)
            job = value["job"]
            name = job.get("name", value["picture"])
            failed = value["error"]["kind"] if value["error"] else ""
            stamp = Stamp(job["size"], job["mtime_ns"], job["sha256"], job.get("tag", ""))
            settings, model = job["settings"], value["model"]
            key = name, self._questions.setdefault(value["question"], value["question"])
        except (ValueError, KeyError, TypeError, AttributeError):
            self.damaged_lines += 1
            return
        if settings != self._settings:
            raise other_settings(str(self.path), (settings, model), (self._settings, self._model), _CHOICE)
        self.entries[key] = Entry(self._whole_bytes, len(line), stamp, failed)

    def records(self, keys: Iterable[Key]) -> Iterator[Record]:
        """The last record of each of these, in this order."""
        with open(self.path, "rb") as file:
            for key in keys:
                entry = self.entries[key]
                file.seek(entry.at)
                record = record_from_dict(json.loads(file.read(entry.size_bytes)))
                yield replace(record, pictures=named(record, key[0]))

    def answered(self) -> Iterator[Key]:
        """Those that have an answer, and not a failure."""
        return (key for key, entry in self.entries.items() if not entry.failed)

    # --- writing --------------------------------------------------------------------------------------------

    def begin_anew(self) -> None:
        """Forget what was done. The file itself is emptied by the first new record, and not before there is one."""
        self.entries.clear()
        self._whole_bytes = self._lines = self.damaged_lines = 0
        self._anew = self._overwrites = True

    def append(self, name: str, record: Record, stamp: Stamp) -> None:
        """Keep a record. It is with the system when this returns: only a loss of power could take it back."""
        value = record_to_dict(record)
        job: dict[str, Any] = {"settings": self._settings}
        if value["picture"] != name:
            job["name"] = name
        if self._shard:
            job["shard"] = list(self._shard)
        job |= {"size": stamp.size_bytes, "mtime_ns": stamp.mtime_ns, "sha256": stamp.sha256}
        job |= {"tag": stamp.tag} if stamp.tag else {}
        line = as_line({**value, "job": job})
        self._write(line)
        question = self._questions.setdefault(value["question"], value["question"])
        failed = value["error"]["kind"] if value["error"] else ""
        self.entries[name, question] = Entry(self._whole_bytes, len(line), stamp, failed)
        self._whole_bytes += len(line)
        self._lines += 1

    def _write(self, line: bytes) -> None:
        try:
            if self._file is None:
                self._file = self._open()
            if not os.fstat(self._file).st_nlink:  # it would go into a file that nobody can find
                raise FileNotFoundError(errno.ENOENT, "it was removed while it was written")
            try:
                left = memoryview(line)
                while left:
                    left = left[os.write(self._file, left) :]
            except BaseException:  # a full disk, Ctrl-C: what is whole stays, the rest goes
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, self._whole_bytes)
                raise
        except OSError as error:
            raise self._unwritable(error) from error

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        file = os.open(self.path, flags, 0o666)
        os.ftruncate(file, 0 if self._anew else self._whole_bytes)
        self._anew = False
        return file

    def prove_there(self) -> None:
        """Of a share without pictures, too, there is a file, though an empty one: nobody shall miss it."""
        if self._shard and not self.entries:
            try:
                open(self.path, "ab").close()
            except OSError as error:
                raise self._unwritable(error) from error

    def compact(self, order: Callable[[Key], int]) -> None:
        """Bring the records into this order, without those that were superseded: whole, by a rename, or not at all."""
        keys = sorted(self.entries, key=order)
        in_place = self._lines == len(keys) and _ascending(self.entries[key].at for key in keys)
        if in_place and (not self._torn or self._file is not None):  # opening it to append has cut the torn line off
            return
        try:
            with replacing(self.path) as new, open(self.path, "rb") as old:
                moved = {}
                for key in keys:
                    entry = self.entries[key]
                    old.seek(entry.at)
                    moved[key] = entry._replace(at=new.tell())
                    new.write(old.read(entry.size_bytes))
                self.close()  # Windows replaces no file that is open
            self.entries = moved
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._file)
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None

    # --- what can be wrong ----------------------------------------------------------------------------------

    def _foreign(self, number: int) -> UsageError:
        name = show_name(str(self.path))
        return UsageError(f"{name} is no file of vlm's answers (line {number}).", _CHOICE)

    def _unwritable(self, error: OSError) -> OutputError:
        return cannot_write(self.path, error, self._how_to_go_on())

    def _how_to_go_on(self) -> str:
        if not self.path.exists():
            gone = "What was answered is gone with it. " if self.entries else ""
            return f"{gone}Choose another place with --output"
        command = "the same command without --overwrite" if self._overwrites else "the same command"
        return f"What was answered so far is kept; when it is writable again, {command} goes on."


_CHOICE = "Begin it anew: --overwrite\nKeep it: name another file with --output"


def other_settings(name: str, then: tuple[Any, str], now: tuple[Mapping[str, Any], str], hint: str) -> UsageError:
    """Which of them differ. Each is the settings and the model's name."""
    were = then[0] if isinstance(then[0], dict) else {}
    differing = [key for key in {**were, **now[0]} if were.get(key) != now[0].get(key)]
    said = _in_words(were, differing, then[1]), _in_words(now[0], differing, now[1])
    return UsageError(f"{show_name(name)} was made with {said[0]}, and this is with {said[1]}.", hint)


def as_line(value: dict[str, Any]) -> bytes:
    """One line. Bytes of a name that are no text stay what they are to Python, spelled as JSON can."""
    return (_SURROGATE.sub(lambda m: f"\\u{ord(m[0]):04x}", dump_json(value)) + "\n").encode()


def _ascending(numbers: Iterable[int]) -> bool:
    last = -1
    for number in numbers:
        if number < last:
            return False
        last = number
    return True


def _in_words(settings: Mapping[str, Any], keys: list[str], model: str) -> str:
    """`style tags, max_tokens 64`; what is not set is as it is by default."""
    if "model" in keys and "model" in settings:
        settings = {**settings, "model": f"{model} ({settings['model']})"}
    return show_name(", ".join(f"{key} {settings.get(key, 'as usual')}" for key in keys)) or "other settings"

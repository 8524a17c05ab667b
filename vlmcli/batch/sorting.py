"""Pictures put into folders by what they were found to be: moved, or linked. Nothing is overwritten, nothing is lost.

shots/a.png, chosen: login  --DIR/{choice}/-->  DIR/login/a.png, or a-2.png where that is taken
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from vlmcli.batch.whole_files import check_whole_file
from vlmcli.errors import OutputError, UsageError

CHOICE = "{choice}"
_NO_FOLDER = re.compile(r"[/\\:\x00-\x1f\x7f-\x9f]")
_MOST_NAMESAKES = 100_000
_NO_LINKS = (errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
"""How a disk says that it knows no hard links, or none to there."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """`place`: a folder with `{choice}` in it. Raises UsageError for one without."""

    place: str
    moves: bool

    def __post_init__(self) -> None:
        if CHOICE not in self.place:
            option = "--move-to" if self.moves else "--link-to"
            raise UsageError(f"{option} {self.place} has no {CHOICE} in it.", f"{option} 'sorted/{CHOICE}/'")

    def folder(self, choice: str) -> Path:
        """Where a picture of this kind belongs. A label never leads out of there, whatever it spells."""
        name = _NO_FOLDER.sub("_", choice)
        return Path(self.place.replace(CHOICE, "_" if name in ("", ".", "..") else name))


class Sorter:
    """Puts one picture after the other in its place. `dry`: only says where that would be.

    Links come last (`in_order`): they lead to where their pictures are then. `sidecar_of`: what the file beside a
    picture of some name is called; it moves along, and is called like its picture there.
    """

    def __init__(self, sorting: Sorting, dry: bool, sidecar_of: Callable[[Path], Path] | None = None) -> None:
        self._sorting, self.dry = sorting, dry
        self.verb = "moved" if sorting.moves else "linked"
        self._sidecar_of = sidecar_of if sorting.moves else None
        self._taken: set[Path] = set()  # by pictures of this run: one of these never holds a second name
        self._moved: dict[str, Path] = {}

    def in_order(self, chosen: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Names and choices, as they are to be `put`."""
        return sorted(chosen, key=lambda one: self._sorting.moves and os.path.islink(one[0]))

    def put(self, name: str, choice: str) -> Path | None:
        """Where the picture `name` is now; None where there is nothing to do. Raises OutputError."""
        source, folder = Path(name), self._sorting.folder(choice)
        if not source.is_file() and not source.is_symlink():
            check_whole_file(name)
            return None  # moved before, or no file at all
        try:
            if self._is_there(source, folder):
                return None
            target = self._target_of(source)
            if not self.dry:
                folder.mkdir(parents=True, exist_ok=True)
            place = next(place for place in _places(folder / source.name) if self._takes(source, target, place))
        except (OSError, shutil.Error, StopIteration) as error:
            raise self._refusal(source, folder, error) from error
        self._taken.add(place)
        self._moved[target] = place
        self._bring_sidecar(source, place)
        return place

    def _bring_sidecar(self, source: Path, place: Path) -> None:
        if self._sidecar_of is None or not self._has_sidecar(source):
            return
        sidecar, there = self._sidecar_of(source), self._sidecar_of(place)
        self._taken.add(there)
        try:
            if not self.dry:
                _move(sidecar, there)
        except (OSError, shutil.Error) as error:
            raise self._refusal(sidecar, place.parent, error) from error

    def _has_sidecar(self, picture: Path) -> bool:
        return self._sidecar_of is not None and os.path.lexists(self._sidecar_of(picture))

    def _has_room(self, source: Path, place: Path) -> bool:
        """For the picture's sidecar, where it has one, and as far as this run knows for the picture."""
        if place in self._taken:
            return False
        if self._sidecar_of is None or not self._has_sidecar(source):
            return True
        return not self._has_sidecar(place) and self._sidecar_of(place) not in self._taken

    def _refusal(self, source: Path, folder: Path, error: Exception) -> OutputError:
        reason = getattr(error, "strerror", None) or "every name is taken"
        return OutputError(f"{source} cannot be {self.verb} to {folder}: {reason.lower()}.", "It stays where it is.")

    def _is_there(self, source: Path, folder: Path) -> bool:
        """It lies there already, or its link does."""
        if os.path.realpath(source.parent) == os.path.realpath(folder):
            return True
        if self._sorting.moves:
            return False
        taken = takewhile(os.path.lexists, _places(folder / source.name))
        return any(place.is_symlink() and os.path.realpath(place) == os.path.realpath(source) for place in taken)

    def _target_of(self, source: Path) -> str:
        """The picture's file itself, which a link leads to; where it is now. Raises FileNotFoundError."""
        target = os.path.realpath(source)
        if target in self._moved:
            return os.path.abspath(self._moved[target])
        if not os.path.isfile(target):
            raise FileNotFoundError(errno.ENOENT, "it leads to a file that is gone")
        return target

    def _takes(self, source: Path, target: str, place: Path) -> bool:
        """Whether the picture is at this place now; False where something else is."""
        if not self._has_room(source, place):
            return False
        if self.dry:
            return not os.path.lexists(place)
        try:
            if not self._sorting.moves:
                os.symlink(os.path.abspath(source), place)
            elif source.is_symlink():
                os.symlink(target, place)  # a relative one would lead elsewhere from there
                source.unlink()
            else:
                _move(source, place)
        except FileExistsError:
            return False
        return True


def _places(first: Path) -> Iterator[Path]:
    """`a.png`, `a-2.png`, `a-3.png`, …"""
    yield first
    for number in range(2, _MOST_NAMESAKES):
        yield first.with_name(f"{first.stem}-{number}{first.suffix}")


def _move(source: Path, place: Path) -> None:
    """At each moment the picture is whole at one of the two, or at both. Raises FileExistsError where one is."""
    try:
        os.link(source, place)
    except FileExistsError:
        if not _is_second_name(source, place):
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _copy(source, place)
    source.unlink()


def _is_second_name(source: Path, place: Path) -> bool:
    """A move that was cut off between its two steps."""
    return not place.is_symlink() and os.path.samefile(source, place) and source.stat().st_nlink > 1


def _copy(source: Path, place: Path) -> None:
    """For another disk, or one without hard links: whole under another name first, then the name is taken."""
    temporary = place.with_name(f".vlm-{os.urandom(6).hex()}.tmp")
    os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # ours from here on
    try:
        shutil.copy2(source, temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, place)
    except BaseException:
        for path in (temporary, place):
            with suppress(OSError):
                path.unlink()
        raise

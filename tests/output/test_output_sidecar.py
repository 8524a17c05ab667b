"""Sidecars: one file for each picture, whole or not at all, and never in another's place."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vlmcli.core import PictureInfo
from vlmcli.errors import OutputError, PictureDamaged, UsageError
from vlmcli.output import sidecar
from vlmcli.output.sidecar import SidecarRefused, Sidecars, SidecarSettings
from vlmcli.output.xmp import has_alt_text

PIXELS = (Path(__file__).parents[2] / "vlmcli" / "demo" / "pictures" / "text.png").read_bytes()


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.makedirs("cats/black")
    for name in ("a.png", "b.png", "b.jpg", "cats/c.d.png", "cats/black/e.PNG"):
        Path(name).write_bytes(PIXELS)


def files() -> list[str]:
    """All but the pictures."""
    found = (str(path) for path in Path().rglob("*") if path.is_file())
    return sorted(name for name in found if not name.lower().endswith((".png", ".jpg")))


def words(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("extension", "name", "expected"),
    [
        (".txt", "a.png", "a.txt"),
        ("txt", "a.png", "a.txt"),
        (".caption", "cats/c.d.png", "cats/c.d.caption"),
        ("+.txt", "a.png", "a.png.txt"),
        (".xmp", "cats/black/e.PNG", "cats/black/e.xmp"),
        ("+xmp", "a.png", "a.png.xmp"),
        (".vlm.XMP", "a.png", "a.vlm.XMP"),
        (".de.txt", "a.png", "a.de.txt"),
    ],
)
def test_a_file_beside_the_picture(extension: str, name: str, expected: str, record: Any) -> None:
    done = Sidecars(SidecarSettings(extension)).settle(record("A cat.", name=name))
    assert done.error is None
    assert files() == [expected]
    assert (words(expected) == "A cat.\n") == (not expected.lower().endswith("xmp"))


def test_prefix_and_suffix_stand_around_the_clean_words(record: Any) -> None:
    sidecars = Sidecars(SidecarSettings(prefix="photo of ", suffix=", 4k"))
    sidecars.settle(record("\n a \x1b[1mcat\x07 é漢 \n", name="a.png"))
    assert words("a.txt") == "photo of a cat é漢, 4k\n"


def test_what_is_there_stays_unless_told(record: Any) -> None:
    Path("a.txt").write_text("mine")
    kept = Sidecars(SidecarSettings())
    assert kept.keeps("a.png")
    assert not kept.keeps("b.png")
    assert kept.settle(record("A cat.", name="a.png")).error is None
    assert words("a.txt") == "mine"
    told = Sidecars(SidecarSettings(overwrite=True))
    assert not told.keeps("a.png")
    told.settle(record("A cat.", name="a.png"))
    assert words("a.txt") == "A cat.\n"
    assert files() == ["a.txt"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_pictures_never_share_one(overwrite: bool, record: Any) -> None:
    sidecars = Sidecars(SidecarSettings(overwrite=overwrite))
    assert sidecars.settle(record("First.", name="b.jpg")).error is None
    second = sidecars.settle(record("Second.", name="b.png"))
    assert isinstance(second.error, SidecarRefused)
    assert second.error.sentence.startswith("b.png would share its sidecar b.txt with another picture")
    assert second.error.hint == "Names of their own: --sidecar +.txt"
    assert second.text == "Second."
    assert words("b.txt") == "First.\n"
    apart = Sidecars(SidecarSettings("+.txt", overwrite=overwrite))
    assert [apart.settle(record(name, name=name)).error for name in ("b.jpg", "b.png")] == [None, None]
    assert (words("b.jpg.txt"), words("b.png.txt")) == ("b.jpg\n", "b.png\n")


def test_the_first_that_was_planned_has_it_whoever_is_answered_first(record: Any) -> None:
    sidecars = Sidecars(SidecarSettings())
    sidecars.claim("b.jpg")
    with pytest.raises(SidecarRefused):
        sidecars.claim("b.png")
    assert sidecars.settle(record("Png.", name="b.png")).error
    assert sidecars.settle(record("Jpg.", name="b.jpg")).error is None
    assert words("b.txt") == "Jpg.\n"


def test_two_questions_never_share_one(record: Any) -> None:
    sidecars = Sidecars(SidecarSettings(overwrite=True))
    assert sidecars.settle(record("Red.", name="a.png", question="What colour?")).error is None
    assert sidecars.settle(record("Red.", name="./a.png", question="What colour?")).error is None
    second = sidecars.settle(record("Two.", name="a.png", question="How many?"))
    assert str(second.error) == "a.txt has the answer to another question about a.png already."
    assert words("a.txt") == "Red.\n"


@pytest.mark.parametrize("name", ["-", "https://example.org/a.png", "gone.png", "cats", "a.png#page=2", "a.png, b.png"])
def test_what_is_no_file_can_have_none(name: str, record: Any) -> None:
    done = Sidecars(SidecarSettings()).settle(record("A cat.", name=name))
    assert isinstance(done.error, SidecarRefused)
    assert done.error.sentence.startswith(f"{name} is no picture in a file")
    assert files() == []


def test_what_failed_or_was_broken_off_has_none(record: Any) -> None:
    sidecars = Sidecars(SidecarSettings())
    failed = record("", name="a.png", error=PictureDamaged("no"), stop_reason=None)
    assert sidecars.settle(failed) is failed
    sidecars.settle(record("A c", name="b.png", stop_reason="interrupted", cut_short=True))
    assert files() == []


def test_the_tree_is_repeated_elsewhere(record: Any, tmp_path: Path) -> None:
    sidecars = Sidecars(SidecarSettings(folder=Path("out/texts"), root=Path("cats")))
    for name in ("cats/c.d.png", str(tmp_path / "cats/black/e.PNG")):
        assert sidecars.settle(record(name, name=name)).error is None
    assert files() == ["out/texts/black/e.txt", "out/texts/c.d.txt"]
    outside = sidecars.settle(record("A", name="a.png"))
    assert isinstance(outside.error, SidecarRefused)
    assert "a.png does not lie in" in outside.error.sentence


def test_without_a_root_it_is_the_working_folder(record: Any) -> None:
    Sidecars(SidecarSettings(folder=Path("out"))).settle(record("A", name="cats/black/../c.d.png"))
    assert files() == ["out/cats/c.d.txt"]


@pytest.mark.parametrize("extension", ["", ".", "+", "a/b", "..", ".a\n", ".txt ", "*.txt", ".jpg", "+.PNG", ".x.webp"])
def test_what_is_no_extension_is_refused(extension: str) -> None:
    with pytest.raises(UsageError):
        Sidecars(SidecarSettings(extension))


def test_a_picture_is_never_its_own_sidecar(record: Any) -> None:
    Path("odd.txt").write_bytes(PIXELS)
    assert Sidecars(SidecarSettings(overwrite=True)).settle(record("A cat.", name="odd.txt")).error
    assert Path("odd.txt").read_bytes() == PIXELS


def test_permissions_and_links_stay(record: Any) -> None:
    Path("real").write_text("old")
    os.chmod("real", 0o640)
    os.symlink("real", "a.txt")
    Sidecars(SidecarSettings(overwrite=True)).settle(record("A cat.", name="a.png"))
    assert os.path.islink("a.txt")
    assert (words("real"), os.stat("real").st_mode & 0o777) == ("A cat.\n", 0o640)


@pytest.mark.parametrize("fatal", [True, False])
def test_a_full_disk_ends_it_and_a_locked_folder_is_one_failure(
    fatal: bool, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Any, target: Any) -> None:
        number = errno.ENOSPC if fatal else errno.EACCES
        raise OSError(number, os.strerror(number))

    Path("a.txt").write_text("old")
    monkeypatch.setattr(sidecar.os, "replace", fail)
    sidecars = Sidecars(SidecarSettings(overwrite=True))
    if fatal:
        with pytest.raises(OutputError, match=r"Cannot write a\.txt: no space left on device\."):
            sidecars.settle(record(name="a.png"))
    else:
        done = sidecars.settle(record(name="a.png"))
        assert str(done.error) == "Cannot write a.txt: permission denied."
    assert (words("a.txt"), files()) == ("old", ["a.txt"])  # nothing half written beside it


def test_a_folder_that_may_not_be_written_is_known_at_planning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of root all may be written, so the system's answer is made up."""
    monkeypatch.setattr(sidecar.os, "access", lambda path, mode: str(path) != "cats")
    sidecars = Sidecars(SidecarSettings())
    assert sidecars.claim("a.png") == Path("a.txt")
    with pytest.raises(SidecarRefused, match=r"cats/c\.d\.txt may not be written: permission denied\.") as caught:
        sidecars.claim("cats/c.d.png")
    assert caught.value.hint == "Choose another place: --sidecar-dir DIR"


def test_an_xmp_file_keeps_what_else_it_says(record: Any) -> None:
    from tests.output.test_output_xmp import GERMAN, rated

    Path("a.xmp").write_bytes(rated(GERMAN))
    sidecars = Sidecars(SidecarSettings(".xmp"))
    assert not sidecars.keeps("a.png")
    sidecars.settle(record("A cat.", name="a.png"))
    data = Path("a.xmp").read_bytes()
    assert has_alt_text(data)
    assert "Eine Katze" in data.decode()
    assert sidecars.keeps("a.png")
    sidecars.settle(record("Other.", name="a.png"))
    assert Path("a.xmp").read_bytes() == data


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_xmp_file_that_is_not_understood_is_left_alone(overwrite: bool, record: Any) -> None:
    Path("a.xmp").write_text("<half")
    sidecars = Sidecars(SidecarSettings(".xmp", overwrite=overwrite))
    done = sidecars.settle(record("A cat.", name="a.png"))
    assert isinstance(done.error, SidecarRefused)
    assert done.error.sentence.startswith("a.xmp is left as it is: it is no XML")
    assert words("a.xmp") == "<half"
    if not overwrite:
        with pytest.raises(SidecarRefused):
            sidecars.keeps("a.png")


def _write_for_ever(folder: str, record: Any) -> None:
    os.chdir(folder)
    sidecars = Sidecars(SidecarSettings(overwrite=True))
    done = replace(record, pictures=(PictureInfo("a.png"),))
    while True:
        sidecars.settle(replace(done, text="long " * 20_000))
        sidecars.settle(replace(done, text="other " * 20_000))


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_process_leaves_a_whole_sidecar(record: Any, tmp_path: Path) -> None:
    for wait_s in (0.05, 0.08, 0.11):
        process = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(str(tmp_path), record()))
        process.start()
        until = time.monotonic() + 20
        while not Path("a.txt").exists() and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(wait_s)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        assert words("a.txt") in [f"{' '.join([word] * 20_000)}\n" for word in ("long", "other")]


def test_what_a_model_says_is_beside_its_picture() -> None:
    from vlmcli import Vlm
    from vlmcli.core import JobDone
    from vlmcli.images import resolve_all
    from vlmcli.tasks import TaskOptions

    sidecars = Sidecars(SidecarSettings(suffix="!"))
    with Vlm("demo") as model:
        jobs = [model.job("ocr", [ref], TaskOptions()) for ref in resolve_all(["a.png", "b.png", "b.jpg"])]
        done = [sidecars.settle(event.record) for event in model.run(jobs) if isinstance(event, JobDone)]
    assert [record.error is None for record in done].count(False) == 1
    assert (words("a.txt"), words("b.txt"), files()) == ("SALE!\n", "SALE!\n", ["a.txt", "b.txt"])

"""What a job answers, skips, copies and refuses; shards; and a folder of the worst pictures."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.batch.conftest import JOB, assert_each_once, cut_model, names_in, read
from vlmcli.batch.records import copy_of, error_of
from vlmcli.core import PictureInfo, Record
from vlmcli.errors import VlmError
from vlmcli.images.choosing import shard_of

Run = Callable[..., Any]
Fill = Callable[..., list[str]]


def texts(path: str = "x.jsonl") -> dict[str, str]:
    return {record["picture"]: record["text"] for record in read(path)}


# --- going on -------------------------------------------------------------------------------------------------


def test_the_records_are_those_of_single_answers(vlm: Run, fill: Fill) -> None:
    names = fill(3)
    vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    single = [json.loads(vlm("describe", name, *JOB[:-1], "--format", "json").stdout) for name in names]
    changing = ("timings_ms", "tokens_per_second", "job")
    for record, alone in zip(read(), single, strict=True):
        assert {k: v for k, v in record.items() if k not in changing} == {
            k: v for k, v in alone.items() if k not in changing
        }


def test_what_is_done_is_not_done_again(vlm: Run, fill: Fill) -> None:
    names = fill(4)
    said = "vlm: 4 of the answers are cut short (more room: --max-tokens)\n"
    assert vlm("describe", "photos", *JOB, "-o", "x.jsonl") == (0, "", said)
    before = Path("x.jsonl").read_bytes()
    assert vlm("describe", "photos", *JOB, "-o", "x.jsonl") == (0, "", "vlm: 0 answered, 4 done before\n")
    assert Path("x.jsonl").read_bytes() == before
    os.utime(names[0])  # another time, the same bytes
    assert "4 done before" in vlm("describe", "photos", *JOB, "-o", "x.jsonl").stderr
    Image.new("RGB", (40, 40), "red").save(names[1])
    assert "1 answered, 3 done before" in vlm("describe", "photos", *JOB, "-o", "x.jsonl").stderr
    assert_each_once(names)
    assert names_in() == names  # in their order again
    assert read()[1]["pictures"][0]["width"] == 40


def test_one_question_adds_to_a_ledger_and_never_replaces_it(vlm: Run, fill: Fill) -> None:
    names = fill(3)
    vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    Image.new("RGB", (9, 9), "blue").save("other.png")
    assert vlm("describe", "other.png", *JOB[:-1], "-o", "x.jsonl").code == 0
    assert sorted(names_in()) == sorted([*names, "other.png"])
    before = Path("x.jsonl").read_bytes()
    for command in (
        ["ask", "other.png", "What is this?", "--model", "demo"],
        ["ask", "other.png", names[0], "-q", "What is this?", "--together", "--model", "demo"],
        ["compare", *names[:2], "--model", "demo"],
        ["describe", "photos", *JOB, "--style", "tags"],
        ["describe", "photos", "-r", "--model", "demo", "--max-tokens", "4"],
    ):
        result = vlm(*command, "-o", "x.jsonl")
        assert result.code == 2, result
        assert Path("x.jsonl").read_bytes() == before
    said = vlm("describe", "photos", *JOB, "--style", "tags", "-o", "x.jsonl").stderr
    assert "x.jsonl was made with style short, and this is with style tags." in said
    assert "--overwrite" in said
    assert vlm("describe", "photos", *JOB, "--style", "tags", "-o", "x.jsonl", "--overwrite").code == 0
    assert names_in() == names


def test_another_model_is_refused(vlm: Run, fill: Fill, tmp_path: Path) -> None:
    from vlmcli import demo

    fill(1)
    vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    changed = bytearray(demo.DECODER.read_bytes())
    changed[-1] ^= 1
    (tmp_path / "other.gguf").write_bytes(changed)
    model = ["--model", "other.gguf", "--mmproj", str(demo.PROJECTOR), "--max-tokens", "3"]
    result = vlm("describe", "photos", "-r", *model, "-o", "x.jsonl")
    assert result.code == 2
    assert "was made with model demo (" in result.stderr
    assert "and this is with model other (" in result.stderr


def test_overwriting_empties_the_file_only_when_there_is_something_new(vlm: Run, fill: Fill, tmp_path: Path) -> None:
    fill(2)
    vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    before = Path("x.jsonl").read_bytes()
    failed = vlm("describe", "photos", "-r", *cut_model(tmp_path), "-o", "x.jsonl", "--overwrite")
    assert failed.code in (4, 5)
    assert Path("x.jsonl").read_bytes() == before


def test_several_questions_are_a_record_each(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    ask = ["ask", "photos", *JOB, "-o", "x.jsonl", "-q", "How many shapes are there?"]
    vlm(*ask)
    assert "2 answered, 2 done before" in vlm(*ask, "-q", "What is the background?").stderr
    found = [(record["picture"], record["question"]) for record in read()]
    asked = ["How many shapes are there?", "What is the background?"]
    assert found == [(name, question) for name in names for question in asked]


def test_a_list_with_questions(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    lines = [{"picture": name, "question": f"Is it {number}?"} for number, name in enumerate(names)]
    Path("list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    command = ["ask", "--from-jsonl", "list.jsonl", *JOB[:-1], "-o", "x.jsonl"]
    assert vlm(*command).code == 0
    assert [record["question"] for record in read()] == ["Is it 0?", "Is it 1?"]
    assert "0 answered, 2 done before" in vlm(*command).stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--limit", "3"], ["0.png", "0.png", "1.png"]),
        (["--include", "[01].png", "--exclude", "0*"], ["1.png"]),
        (["--shard", "1/2"], None),
    ],
)
@pytest.mark.parametrize("into", [["-o", "x.jsonl"], ["--format", "jsonl"]], ids=["job", "stream"])
def test_of_a_list_with_questions_the_same_options_choose(
    vlm: Run, fill: Fill, options: list[str], expected: list[str] | None, into: list[str]
) -> None:
    names = [os.path.basename(name) for name in fill(3)]
    asked = [("0.png", "One?"), *((name, "Two?") for name in names)]
    lines = [json.dumps({"picture": name, "question": question}) for name, question in asked]
    Path("photos/list.jsonl").write_text("\n".join(lines))
    result = vlm("ask", "--from-jsonl", "photos/list.jsonl", *JOB[:-1], *options, *into)
    assert result.code == 0, result.stderr
    expected = expected or [name for name, _ in asked if shard_of(name, 2) == 1]
    lines = (Path("x.jsonl").read_text() if into[0] == "-o" else result.stdout).splitlines()
    assert sorted(os.path.basename(json.loads(line)["picture"]) for line in lines) == expected


@pytest.mark.parametrize("option", [["--recursive"], ["--null"], ["--pages", "all"]])
def test_of_a_list_with_questions_no_option_is_in_vain(vlm: Run, fill: Fill, option: list[str]) -> None:
    Path("list.jsonl").write_text(json.dumps({"picture": fill(1)[0], "question": "What?"}))
    result = vlm("ask", "--from-jsonl", "list.jsonl", *JOB[:-1], *option, "-o", "x.jsonl")
    assert (result.code, option[0] in result.stderr, os.path.exists("x.jsonl")) == (2, True, False)


def test_other_formats_come_from_a_hidden_ledger(vlm: Run, fill: Fill) -> None:
    names = fill(3)
    for format in ("csv", "json", "md", "txt"):
        assert vlm("describe", *names[:2], *JOB[:-1], "-o", f"x.{format}").code == 0
        assert names_in(f".x.{format}.vlm.jsonl") == names[:2]
        assert "1 answered, 2 done before" in vlm("describe", "photos", *JOB, "-o", f"x.{format}").stderr
    assert Path("x.csv").read_text().count("\n") == 4
    assert [record["picture"] for record in json.loads(Path("x.json").read_text())] == names
    assert [line for line in Path("x.txt").read_text().split("\n") if line.startswith("==>")] == [
        f"==> {name} <==" for name in names
    ]
    vlm("describe", names[0], *JOB[:-1], "-o", "one.csv")  # one picture has nothing to remember
    assert not Path(".one.csv.vlm.jsonl").exists()


def test_identical_pictures_are_answered_once(vlm: Run, fill: Fill) -> None:
    names = fill(3)
    for name in ("photos/3.png", "photos/4.png"):
        Path(name).write_bytes(Path(names[1]).read_bytes())
    result = vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    assert result.code == 0
    assert_each_once([*names, "photos/3.png", "photos/4.png"])
    found = {record["picture"]: record for record in read()}
    assert [found[f"photos/{n}.png"]["cached"] for n in range(5)] == [False, False, False, True, True]
    assert texts()["photos/4.png"] == texts()["photos/1.png"]
    Path("photos/5.png").write_bytes(Path(names[1]).read_bytes())  # of one that was answered in an earlier run
    assert (
        "1 answered (1 as copies of another), 5 done before" in vlm("describe", "photos", *JOB, "-o", "x.jsonl").stderr
    )
    assert texts()["photos/5.png"] == texts()["photos/1.png"]


def test_dry_run_tells_what_is_to_do_and_does_nothing(vlm: Run, fill: Fill) -> None:
    names = fill(3)
    vlm("describe", names[1], *JOB[:-1], "-o", "x.jsonl")
    before = Path("x.jsonl").read_bytes()
    result = vlm("describe", "photos", *JOB, "-o", "x.jsonl", "--dry-run")
    assert result == (0, f"{names[0]}\n{names[2]}\n", "vlm: 2 to do, 1 done, 0 failed\n")
    assert Path("x.jsonl").read_bytes() == before
    assert vlm("describe", "photos", *JOB, "--dry-run").stdout.splitlines() == names


def test_standard_input_is_known_by_its_bytes(vlm: Run, fill: Fill) -> None:
    pictures = [Path(name).read_bytes() for name in fill(2)]
    command = ["describe", "-", *JOB[:-1], "-o", "x.jsonl"]
    assert vlm(*command, stdin=pictures[0]).code == 0
    assert "1 done before" in vlm(*command, stdin=pictures[0]).stderr
    assert "done before" not in vlm(*command, stdin=pictures[1]).stderr
    assert names_in() == ["-"]
    for _ in range(2):
        nothing = vlm(*command, stdin=b"")
        assert nothing.code == 3
        assert nothing.stderr.startswith("vlm: Standard input was empty")


def test_a_dry_run_says_what_is_not_there(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    result = vlm("describe", names[0], "gone.png", names[1], *JOB, "-o", "x.jsonl", "--dry-run")
    said = "vlm: There is no file gone.png.\nvlm: 2 to do, 0 done, 1 failed\n"
    assert result == (0, "".join(f"{name}\n" for name in names), said)


# --- which pictures -------------------------------------------------------------------------------------------


def planned(vlm: Run, *options: str) -> list[str]:
    result = vlm("describe", "photos", "-r", "--model", "demo", "--dry-run", *options)
    assert result.code == 0, result.stderr
    return result.stdout.splitlines()


def test_include_exclude_and_limit(vlm: Run, fill: Fill) -> None:
    names = fill(12)
    fill(2, "photos/thumbs")
    fill(2, "photos/a/b")
    Image.new("RGB", (5, 5)).save("photos/z.bmp")
    assert planned(vlm, "--include", "*.bmp") == ["photos/z.bmp"]
    assert planned(vlm, "--exclude", "thumbs", "--exclude", "a") == [*names, "photos/z.bmp"]
    assert planned(vlm, "--include", "a/**/*.png") == ["photos/a/b/0.png", "photos/a/b/1.png"]
    assert planned(vlm, "--include", "a/b") == ["photos/a/b/0.png", "photos/a/b/1.png"]
    assert planned(vlm, "--include", "1?.png") == names[10:]
    assert planned(vlm, "--include", "[!0-9]*", "--exclude", "thumbs", "--exclude", "a/*") == ["photos/z.bmp"]
    assert planned(vlm, "--limit", "2") == names[:2]
    nothing = vlm("describe", "photos", "-r", "--model", "demo", "--include", "*.gif")
    assert (nothing.code, "leave nothing over" in nothing.stderr) == (3, True)


def test_a_limit_counts_pictures(vlm: Run, fill: Fill) -> None:
    names = fill(3)
    os.mkdir("empty")
    assert planned(vlm, "empty", "--limit", "4")[:3] == names
    first, *more = [Image.new("RGB", (8, 8), (number, 0, 0)) for number in range(3)]
    first.save("photos/1.tif", save_all=True, append_images=more)
    pages = [f"photos/1.tif#page={number}" for number in (1, 2, 3)]
    assert planned(vlm, "--pages", "all", "--limit", "4") == [names[0], names[1], *pages[:2]]
    result = vlm("describe", "empty", "photos", *JOB, "--limit", "2", "-o", "x.jsonl")
    assert (result.code, names_in()) == (1, names[:2])


def test_seven_shards_are_the_whole(vlm: Run, fill: Fill) -> None:
    names = fill(60)
    shards = [planned(vlm, "--shard", f"{part}/7") for part in range(1, 8)]
    assert sorted(name for shard in shards for name in shard) == sorted(names)
    assert all(len(shard) < 25 for shard in shards)
    os.rename("photos", "elsewhere")  # another machine has them in another place
    os.mkdir("mounted")
    os.rename("elsewhere", "mounted/photos")
    os.chdir("mounted")
    absolute = vlm("describe", os.path.abspath("photos"), "-r", "--model", "demo", "--dry-run", "--shard", "3/7").stdout
    assert [os.path.relpath(name) for name in absolute.splitlines()] == shards[2]
    for wrong in ("0/7", "8/7", "x", "1/0", "1/2/3"):
        assert vlm("describe", "photos", "-r", "--model", "demo", "--shard", wrong).code == 2


def test_shards_are_merged_and_a_missing_one_is_named(vlm: Run, fill: Fill) -> None:
    names = fill(12)
    for part in (1, 2, 3):
        assert vlm("describe", "photos", *JOB, "--shard", f"{part}/3", "-o", f"part{part}.jsonl").code == 0
    missing = vlm("merge", "part1.jsonl", "part3.jsonl", "-o", "whole.jsonl")
    assert (missing.code, "Shard 2 of 3 is missing." in missing.stderr) == (2, True)
    assert not Path("whole.jsonl").exists()
    assert vlm("merge", "part1.jsonl", "part2.jsonl", "part3.jsonl", "-o", "whole.jsonl").code == 0
    assert sorted(names_in("whole.jsonl")) == sorted(names)
    assert "0 answered, 12 done before" in vlm("describe", "photos", *JOB, "-o", "whole.jsonl").stderr  # as if by one
    vlm("describe", "photos", *JOB, "-o", "whole2.jsonl")
    assert texts("whole.jsonl") == texts("whole2.jsonl")


def test_parts_that_contradict_each_other_are_refused(vlm: Run, fill: Fill) -> None:
    names = fill(3)
    vlm("describe", *names[:2], *JOB[:-1], "-o", "a.jsonl")
    vlm("describe", *names[1:], *JOB[:-1], "-o", "b.jsonl")
    vlm("describe", *names[1:], *JOB[:-1], "--style", "tags", "-o", "c.jsonl")
    assert vlm("merge", "a.jsonl", "b.jsonl", "-o", "ab.csv").code == 0  # the same answer twice is none
    assert Path("ab.csv").read_text().count("\n") == 4
    other = vlm("merge", "a.jsonl", "c.jsonl", "-o", "ac.jsonl")
    assert (other.code, "c.jsonl was made with style tags" in other.stderr) == (2, True)
    Path("b.jsonl").write_text(Path("b.jsonl").read_text().replace('"text": "', '"text": "Not '))
    contradicting = vlm("merge", "a.jsonl", "b.jsonl", "-o", "ab.jsonl")
    assert (contradicting.code, "photos/1.png" in contradicting.stderr) == (2, True)


# --- the worst ------------------------------------------------------------------------------------------------


def hostile(folder: Path) -> tuple[list[bytes], list[bytes]]:
    """Fills a folder: names of the good and of the bad."""
    good: dict[bytes, Image.Image] = {
        b"1x1.png": Image.new("RGB", (1, 1), "red"),
        b"tall.png": Image.new("RGB", (1, 30000), "blue"),
        b"16bit.png": Image.new("I;16", (20, 20), 40000),
        b"cmyk.jpg": Image.new("CMYK", (20, 20), (1, 2, 3, 4)),
        b"line\nbreak.png": Image.new("RGB", (21, 20), "green"),
        b"\x1b[31mred\x1b[0m.png": Image.new("RGB", (22, 20), "yellow"),
        b"caf\xe9.png": Image.new("RGB", (23, 20), "orange"),
        b"caf\\xe9.png": Image.new("RGB", (24, 20), "pink"),
    }
    for name, image in good.items():
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            image.save(file, "JPEG" if name.endswith(b"jpg") else "PNG")
    frames = [Image.new("P", (20, 20), n) for n in range(3)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(whole, "PNG")
    bad = {b"cut.png": whole.getvalue()[:-900], b"empty.jpg": b"", b"text.jpg": b"hello\n", b"bomb.png": bomb()}
    for name, data in bad.items():
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            file.write(data)
    os.mkfifo(folder / "pipe.png")
    os.symlink("nowhere.png", folder / "dangling.png")
    os.symlink(".", folder / "round")
    os.mkdir(folder / "folder.png")
    return [*good, b"moving.gif"], [*bad, b"pipe.png", b"dangling.png"]


def bomb() -> bytes:
    """A PNG of a few bytes that would be 10,000 megapixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.skipif(os.name != "posix", reason="names and pipes of POSIX")
def test_a_folder_of_the_worst_pictures(vlm_process: Run, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    good, bad = hostile(tmp_path / "photos")
    os.chdir(tmp_path)
    result = vlm_process("describe", "photos", *JOB, "-o", "x.jsonl")
    assert result.code == 1, result.stderr
    found = {os.fsencode(name): record for name, record in zip(names_in(), read(), strict=True)}
    assert {name for name, record in found.items() if record["text"]} == {b"photos/" + name for name in good}
    assert {name for name, record in found.items() if record["error"]} == {b"photos/" + name for name in bad}
    assert "\x1b" not in result.stderr
    assert f"vlm: {len(bad)} failed:" in result.stderr
    assert "not_a_picture" in result.stderr
    again = vlm_process("describe", "photos", *JOB, "-o", "x.jsonl")
    assert f"0 answered, {len(good)} done before, {len(bad)} failed before" in again.stderr


def test_a_folder_that_may_not_be_read_is_said_once(vlm: Run, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    names = fill(2)
    fill(2, "photos/closed")
    real = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    assert result.code == 1
    assert result.stderr.count("photos/closed cannot be read") == 1
    assert names_in() == names


# --- at once --------------------------------------------------------------------------------------------------


def test_a_list_that_is_still_being_written_holds_nobody_up(
    start_vlm: Callable[..., subprocess.Popen[bytes]], fill: Fill
) -> None:
    """What it names so far is answered and written down, and Ctrl-C is heard."""
    names = fill(4)
    process = start_vlm("describe", "--from-file", "-", *JOB[:-1], "-o", "x.jsonl", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write("\n".join(names).encode() + b"\n")
    process.stdin.flush()
    until = time.monotonic() + 60
    while not (Path("x.jsonl").exists() and Path("x.jsonl").read_bytes().count(b"\n") == len(names)):
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr is not None
    assert b"stopped: 4 answered" in (said := process.stderr.read())
    assert b"Fatal" not in said
    assert_each_once(names)


@pytest.mark.skipif(os.name != "posix", reason="pipes with names")
@pytest.mark.parametrize("question", [["-q", "What?"], []], ids=["typed", "from standard input"])
def test_a_list_from_any_pipe_has_one_reader(vlm: Run, fill: Fill, question: list[str]) -> None:
    names = fill(12)
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "w") as pipe:
            for name in names:
                print(name, file=pipe, flush=True)
                time.sleep(0.01)

    threading.Thread(target=write).start()
    command = ["ask", "--from-file", f"/dev/fd/{reading}", *question, *JOB[:-1], "-o", "x.jsonl"]
    result = vlm(*command, stdin=b"What?")
    os.close(reading)
    assert result.code == 0, result.stderr
    assert_each_once(names)


def test_a_list_and_a_question_cannot_both_be_standard_input(vlm: Run, fill: Fill) -> None:
    for name in ("-", "/dev/stdin"):
        result = vlm("ask", "--from-file", name, *JOB, "-o", "x.jsonl", stdin=b"photos/0.png\n")
        assert result.code == 2
        assert result.stderr.startswith("vlm: The list comes from standard input, so the question cannot.")


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (["photos", "--include", "*.tif"], 3),
        (["--from-file", "gone"], 2),
        (["--from-file", "photos"], 2),
        (["--from-file", "list"], 2),
    ],
)
def test_what_is_wrong_with_all_names_is_said_once(vlm: Run, fill: Fill, wrong: list[str], code: int) -> None:
    fill(1)
    Path("list").write_bytes(b"photos/0.png\0")
    result = vlm("describe", *wrong, *JOB, "-o", "x.jsonl")
    assert result.code == code
    assert len(result.stderr.splitlines()) == 2, result.stderr  # the sentence and the hint


def test_streaming_begins_before_the_list_ends(start_vlm: Callable[..., subprocess.Popen[bytes]], fill: Fill) -> None:
    names = fill(12)
    process = start_vlm("describe", "--from-file", "-", *JOB[:-1], "--format", "jsonl", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n".join(names).encode() + b"\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["picture"] in names
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def test_a_twin_of_a_failed_picture_failed_of_the_same() -> None:
    """Also where the error's class is not loaded in this process."""
    error = error_of({"kind": "of_a_later_version", "message": "a.png is odd.", "hint": "Mend it"})
    record = copy_of(Record((PictureInfo("a.png"),), "ask", "What?", "m", error=error), "b.png")
    assert isinstance(record.error, VlmError)
    assert (record.error.kind, record.error.sentence) == ("of_a_later_version", "b.png is odd.")

"""`compare`: descriptions compared, and the places whose pixels differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.engine.made_models import saying
from vlmcli import Vlm, demo
from vlmcli.core import Finished, Request
from vlmcli.engine.llama import LlamaEngine
from vlmcli.errors import UsageError
from vlmcli.tasks.compare import IDENTICAL, STRATEGIES

Run = Callable[..., Any]
BEFORE, AFTER = (str(demo.PICTURES / name) for name in ("before.png", "after.png"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request that reaches the engine."""
    found: list[Request] = []
    stream = LlamaEngine.stream

    def recording(self: LlamaEngine, requests: Any) -> Any:
        def each() -> Any:
            for request in requests:
                if request is not None:
                    found.append(request)
                yield request

        return stream(self, each())

    monkeypatch.setattr(LlamaEngine, "stream", recording)
    return found


@pytest.fixture
def pair(draw: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[str, str]:
    """Two drawings of one size that differ in the colour of one small shape of three."""
    monkeypatch.chdir(tmp_path)
    shapes = ["green square top left", "blue circle bottom right"]
    first = draw("one.png", "white", [*shapes, "red triangle top right"], side=1200).name
    return first, recoloured(first, "two.png")


def recoloured(name: str, other: str) -> str:
    """The picture with a small yellow square in a white place of it."""
    picture = Image.open(name)
    picture.paste((250, 230, 40), (150, 900, 250, 1000))
    picture.save(other)
    return other


def json_of(result: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(result.stdout)
    return value


# --- descriptions -------------------------------------------------------------------------------------------


def test_descriptions_are_compared_without_pictures(vlm: Run, asked: list[Request]) -> None:
    record = json_of(vlm("compare", BEFORE, AFTER, "-m", "demo", "--strategy", "describe", "--format", "json"))
    assert [len(request.images) for request in asked] == [1, 1, 0]
    descriptions = [part.strip() for part in record["thinking"].split("Picture ") if part]
    assert [part[:3] for part in descriptions] == ["A: ", "B: "]
    assert "gray" in descriptions[0]
    assert "black" in descriptions[1]
    words = asked[2].turns[-1].parts[0].text  # type: ignore[union-attr]
    assert record["thinking"] in words
    assert words.endswith("What is different between them?")
    assert record["tokens"]["image"] == 2 * 144
    assert record["text"]


def test_only_the_comparison_is_the_answer(vlm: Run) -> None:
    shown = vlm("compare", BEFORE, AFTER, "-m", "demo", "--strategy", "describe")
    record = json_of(vlm("compare", BEFORE, AFTER, "-m", "demo", "--strategy", "describe", "--format", "json"))
    assert (shown.code, shown.stdout, shown.stderr) == (0, record["text"] + "\n", "")


def test_thinking_in_a_description_is_not_described(tmp_path: Path, picture: str) -> None:
    decoder = saying(tmp_path / "m.gguf", ("<think>", "▁hm", "</think>", "▁Two", "▁shapes"))
    with Vlm(decoder, mmproj=demo.PROJECTOR) as model:
        reply = model.compare(picture, AFTER, strategy="describe")
        assert reply.thinking == "Picture A: Two shapes\n\nPicture B: Two shapes\n\nhm"
        assert reply.text == "Two shapes"


def test_a_limit_is_the_answers_and_cuts_no_description(vlm: Run, asked: list[Request]) -> None:
    shown = vlm(
        "compare", BEFORE, AFTER, "-m", "demo", "--strategy", "describe", "--max-tokens", "3", "--format", "json"
    )
    assert [request.sampling.max_tokens for request in asked] == [512, 512, 3]
    assert json_of(shown)["stop_reason"] == "length"


def test_three_descriptions_and_a_question(vlm: Run, pictures: list[str], asked: list[Request]) -> None:
    result = vlm("compare", *pictures, "-m", "demo", "--strategy", "describe", "-q", "Which is red?")
    assert result.code == 0
    assert [len(request.images) for request in asked] == [1, 1, 1, 0]
    assert asked[3].turns[-1].parts[0].text.endswith("A, B and C. Which is red?")  # type: ignore[union-attr]


# --- pixels -------------------------------------------------------------------------------------------------


def test_a_small_change_is_shown_large(vlm: Run, pair: tuple[str, str], asked: list[Request]) -> None:
    record = json_of(vlm("compare", *pair, "-m", "demo", "--format", "json"))
    assert record["regions"] == [[150, 900, 250, 1000]]
    assert [picture["width"] for picture in record["pictures"]] == [1200, 1200]
    (request,) = asked
    assert len(request.images) == 2
    assert all(image.width < 400 for image in request.images)
    assert len({image.digest for image in request.images}) == 2


def test_a_large_change_is_seen_as_before(vlm: Run, asked: list[Request]) -> None:
    record = json_of(vlm("compare", BEFORE, AFTER, "-m", "demo", "--format", "json"))
    assert record["text"] == "The background changed from gray to black."
    assert [image.width for image in asked[0].images] == [400, 400]
    assert record["regions"] == [[0, 0, 400, 400]]


def test_several_places_come_in_one_picture_from_each_side(
    vlm: Run, pair: tuple[str, str], asked: list[Request]
) -> None:
    picture = Image.open(pair[1])
    picture.paste((15, 15, 15), (1000, 950, 1040, 990))
    picture.save("three.png")
    record = json_of(vlm("compare", pair[0], "three.png", "-m", "demo", "--format", "json", "--strategy", "diff"))
    assert len(record["regions"]) == 2
    one, other = asked[0].images
    assert (one.width, one.height) == (other.width, other.height)
    assert one.width > one.height, "two places side by side"


@pytest.mark.parametrize("strategy", ["native", "stitch"])
def test_who_names_another_strategy_gets_the_whole(
    vlm: Run, pair: tuple[str, str], asked: list[Request], strategy: str
) -> None:
    record = json_of(vlm("compare", *pair, "-m", "demo", "--strategy", strategy, "--format", "json"))
    assert record["regions"] == [[150, 900, 250, 1000]]
    assert asked[0].images[0].width >= 1200


def test_other_tasks_have_no_regions(vlm: Run, picture: str) -> None:
    assert json_of(vlm("describe", picture, "-m", "demo", "--format", "json"))["regions"] is None


@pytest.mark.parametrize("strategy", [[], ["--strategy", "native"], ["--strategy", "describe"]], ids=str)
def test_regions_are_drawn(vlm: Run, pair: tuple[str, str], strategy: list[str]) -> None:
    result = vlm("compare", *pair, "-m", "demo", "--diff", "out.png", *strategy)
    assert (result.code, result.stderr) == (0, "")
    before, after = Image.open(pair[1]).convert("RGB"), Image.open("out.png").convert("RGB")
    assert before.size == after.size
    assert after.getpixel((150, 900)) != before.getpixel((150, 900))
    assert after.getpixel((200, 950)) == before.getpixel((200, 950))
    assert after.getpixel((600, 600)) == before.getpixel((600, 600))


@pytest.mark.parametrize("name", ["", *STRATEGIES])
def test_identical_pixels_need_no_model(vlm: Run, pair: tuple[str, str], asked: list[Request], name: str) -> None:
    strategy = ["--strategy", name] if name else []
    copy = Image.open(pair[0])
    copy.save("copy.bmp")
    result = vlm("compare", pair[0], "copy.bmp", "-m", "demo", *strategy)
    assert (result.code, result.stdout, result.stderr) == (0, f"{IDENTICAL}\n", "")
    record = json_of(vlm("compare", pair[0], "copy.bmp", "-m", "demo", "--format", "json", *strategy))
    assert (record["regions"], record["tokens"]["answer"], record["stop_reason"]) == ([], 0, "end")
    assert asked == []
    assert (
        vlm("compare", pair[0], "copy.bmp", "-m", "demo", "-q", "How many shapes?", *strategy).stdout != result.stdout
    )
    assert len(asked) == (3 if name == "describe" else 1)


def test_two_sizes_have_no_regions(vlm: Run, pair: tuple[str, str], draw: Run) -> None:
    small = draw("small.png", "white", side=300).name
    assert json_of(vlm("compare", pair[0], small, "-m", "demo", "--format", "json"))["regions"] is None
    for more in (["--strategy", "diff"], ["--diff", "out.png"]):
        result = vlm("compare", pair[0], small, "-m", "demo", *more)
        assert (result.code, result.stdout) == (2, "")
        assert "one.png is 1200x1200 and small.png 300x300" in result.stderr
        assert "vlm compare one.png small.png" in result.stderr
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--diff", "two.png"], 2, "two.png is the picture itself.\n  --diff two-marked.png\n"),
        (["--diff", "out.jpg"], 2, "PNG file"),
        (["--diff", "no/such/folder.png"], 7, "Cannot write"),
        (["one.png", "--diff", "out.png"], 2, "in 2 pictures"),
        (["--strategy", "guess"], 2, "guess"),
    ],
    ids=str,
)
def test_what_makes_no_sense(vlm: Run, pair: tuple[str, str], more: list[str], code: int, said: str) -> None:
    result = vlm("compare", *pair, *more, "-m", "demo")
    assert (result.code, result.stdout) == (code, "")
    assert said in result.stderr
    assert sorted(path.name for path in Path().iterdir() if path.suffix == ".png") == ["one.png", "two.png"]


def test_noise_alone_is_no_region(vlm: Run, pair: tuple[str, str]) -> None:
    Image.open(pair[0]).convert("RGB").save("one.jpg", quality=80)
    record = json_of(vlm("compare", pair[0], "one.jpg", "-m", "demo", "--format", "json"))
    assert record["regions"] == []
    assert record["tokens"]["answer"] > 0, "the model was asked"


def test_from_python(pair: tuple[str, str], tmp_path: Path) -> None:
    with Vlm("demo") as model:
        record = model.compare(*pair, strategy="diff", diff=str(tmp_path / "d.png")).record
        assert record.regions is not None
        assert [(box.x, box.y, box.width, box.height) for box in record.regions] == [(150, 900, 100, 100)]
        assert model.compare(*pair, strategy="describe").thinking.startswith("Picture A: ")
    assert (tmp_path / "d.png").exists()


@pytest.mark.parametrize("spelled", [str, Path, lambda name: f"./{name}"])
def test_from_python_no_picture_is_drawn_over(pair: tuple[str, str], spelled: Callable[[str], Any]) -> None:
    before = Path("two.png").read_bytes()
    with Vlm("demo") as model, pytest.raises(UsageError, match="is the picture itself"):
        str(model.compare(*pair, diff=spelled("two.png")))
    assert Path("two.png").read_bytes() == before


def test_the_engine_answers_without_a_picture(asked: list[Request]) -> None:
    """What the last question of `describe` rests on."""
    from vlmcli.core import Sampling, Text, Turn
    from vlmcli.engine import EngineSettings
    from vlmcli.models import resolve_model

    engine = LlamaEngine(resolve_model("demo"), EngineSettings(threads=1))
    request = Request(0, (Turn("user", (Text("Is there a star?"),)),), Sampling(max_tokens=4))
    (answer,) = [event.answer for event in engine.stream([request]) if isinstance(event, Finished)]
    assert (answer.image_tokens, answer.answer_tokens > 0) == (0, True)
    engine.close()

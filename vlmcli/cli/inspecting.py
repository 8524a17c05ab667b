"""What `vlm inspect` prints: lines for a person, with the picture where it can be drawn, or JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vlmcli.api import Vlm
from vlmcli.cli.exit_code import ExitCode
from vlmcli.cli.options import Common
from vlmcli.cli.work import INSPECTING, open_model
from vlmcli.core import ImageRef, LoadedImage, Region, Seen
from vlmcli.drawing import draw_frames
from vlmcli.errors import VlmError
from vlmcli.images import load, marked, shrink
from vlmcli.output import print_error, show_name
from vlmcli.output.record_json import dump_json
from vlmcli.output.showcase import draw, shows_pictures
from vlmcli.output.sizes import show_age
from vlmcli.output.streams import say
from vlmcli.output.wrapping import hanging_lines

_DRAWN_COLUMNS, _DRAWN_ROWS = 60, 20
_SCHEMA = 1


def print_all(refs: Iterable[ImageRef], common: Common, save: Path | None, as_json: bool, several: bool = False) -> int:
    """Each picture as it is loaded. One that cannot be read is said, and the others go on. Returns the exit code."""
    vlm, tally = open_model(common, INSPECTING), ExitCode()
    with vlm.looker(common.detail) as looker:
        printed = 0
        for ref in refs:
            try:
                image = load(ref)
                seen = looker.look(image)
                if save is not None:
                    draw_frames(image, _boxes(seen), str(save))
            except VlmError as error:
                tally.count_error(error)
                print_error(error)
                continue
            tally.count_answered(1)
            if as_json:
                _print_json(to_dict(image, seen, vlm, common), several, first=not printed)
            else:
                _print_words(image, seen, vlm, common, first=not printed)
            printed += 1
    if as_json and several:
        print("[]" if not printed else "\n]")
    if save is not None and printed and sys.stderr and sys.stderr.isatty():
        say(f"wrote {show_name(str(save))}")
    return tally.code


def _print_words(image: LoadedImage, seen: Seen, vlm: Vlm, common: Common, first: bool) -> None:
    if not first:
        print()
    if shows_pictures():
        small = shrink(image, _DRAWN_COLUMNS, 2 * _DRAWN_ROWS)
        scale = small.width / image.width
        draw(marked(small, [_scaled(box, scale) for box in _boxes(seen)], line_px=1))
    print("\n".join(hanging_lines(lines_of(image, seen, vlm.model, common.detail), sys.stdout)))


def lines_of(image: LoadedImage, seen: Seen, model: str, detail: str) -> Iterator[tuple[str, str]]:
    """(what, words) of each line."""
    yield "picture", f"{show_name(image.name)}, {image.width} x {image.height} pixels"
    yield "model", show_name(model) + (f", detail {detail}" if detail != "auto" else "")
    yield "sees", _tiles_in_words(seen)
    share = f", {seen.tokens / seen.context_tokens:.1%} of its context of {seen.context_tokens:,}"
    yield "tokens", f"{seen.tokens:,}{share if seen.context_tokens else ''}"
    if seen.encode_s is None or seen.measured_at is None:
        yield "encode", "not known yet: with this model no picture was looked at here"
        return
    tiles = "1 tile" if seen.measured_tiles == 1 else f"{seen.measured_tiles:,} tiles"
    yield "encode", f"about {_seconds(seen.encode_s)}"
    if seen.prefill_s is not None:
        yield "prefill", f"about {_seconds(seen.prefill_s)}"
    yield "", f"at the pace of {tiles}, {show_age(time.time() - seen.measured_at)}; nothing where it is in the cache"


def _tiles_in_words(seen: Seen) -> str:
    parts = len(seen.tiles) - 1
    if not parts:
        return "all of it at once"
    grid = f"{seen.columns} x {seen.rows}" if seen.columns else f"{parts}"
    return f"all of it once, and in {grid} tiles"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def to_dict(image: LoadedImage, seen: Seen, vlm: Vlm, common: Common) -> dict[str, Any]:
    """The JSON of one picture."""
    return {
        "schema": _SCHEMA,
        "picture": show_name(image.name),
        "width": image.width,
        "height": image.height,
        "sha256": image.digest,
        "model": vlm.model,
        "detail": common.detail,
        "tokens": seen.tokens,
        "context_tokens": seen.context_tokens or None,
        "columns": seen.columns,
        "rows": seen.rows,
        "tiles": [
            {"tokens": tile.tokens, "overview": tile.overview, "box": tile.box and tile.box.edges}
            for tile in seen.tiles
        ],
        "encode_ms": _ms(seen.encode_s),
        "prefill_ms": _ms(seen.prefill_s),
        "measured_tiles": seen.measured_tiles,
    }


def _print_json(value: dict[str, Any], several: bool, first: bool) -> None:
    text = dump_json(value, indent=2)
    if several:
        sys.stdout.write(("[\n  " if first else ",\n  ") + text.replace("\n", "\n  "))
    else:
        print(text)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _boxes(seen: Seen) -> list[Region]:
    return [tile.box for tile in seen.tiles if tile.box is not None and tile.box.width and tile.box.height]


def _scaled(box: Region, scale: float) -> Region:
    left, top = round(box.x * scale), round(box.y * scale)
    right, bottom = round((box.x + box.width) * scale), round((box.y + box.height) * scale)
    return Region(left, top, max(right - left, 1), max(bottom - top, 1))

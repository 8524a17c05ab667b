"""Models split into several files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.engine.tiny_gguf import Typed, write
from vlmcli.errors import ModelDamaged
from vlmcli.gguf import find_parts, read_header, read_parts, weights_bytes

F16 = 1


def u16(number: int) -> Typed:
    return Typed(2, struct.pack("<H", number))


def split(folder: Path, count: int = 3, name: str = "m-{:05}-of-{:05}.gguf") -> list[Path]:
    paths = []
    for part in range(count):
        metadata = {"split.no": u16(part), "split.count": u16(count), "split.tensors.count": count}
        if part == 0:
            metadata["general.architecture"] = "llama"
        tensors = [(f"w{part}", (64 * (part + 1),), F16, bytes(128 * (part + 1)))]
        paths.append(write(folder / name.format(part + 1, count), metadata, tensors))
    return paths


def test_all_parts_are_found_and_weighed(tmp_path: Path) -> None:
    paths = split(tmp_path)
    first = read_header(paths[0])
    assert find_parts(first) == tuple(paths)
    assert [part.weights_bytes for part in read_parts(first)] == [128, 256, 384]
    assert weights_bytes(first) == 768


def test_whole_model_is_its_only_part(tmp_path: Path) -> None:
    header = read_header(write(tmp_path / "m.gguf", {"split.count": u16(1)}, [("w", (64,), F16, bytes(128))]))
    assert find_parts(header) == (header.path,)
    assert weights_bytes(header) == 128


def test_missing_parts_are_named(tmp_path: Path) -> None:
    paths = split(tmp_path)
    paths[1].unlink()
    with pytest.raises(ModelDamaged, match=r"is part 1 of 3, and m-00002-of-00003\.gguf is not beside it"):
        find_parts(read_header(paths[0]))
    paths[2].unlink()
    with pytest.raises(ModelDamaged, match=r"m-00002-of-00003\.gguf and 1 more is not beside it"):
        find_parts(read_header(paths[0]))


def test_later_part_names_the_first(tmp_path: Path) -> None:
    paths = split(tmp_path)
    with pytest.raises(ModelDamaged, match="is not the first part") as caught:
        find_parts(read_header(paths[1]))
    assert str(paths[0]) in caught.value.hint


def test_part_whose_name_does_not_say_so(tmp_path: Path) -> None:
    (path,) = split(tmp_path, count=3, name="m.gguf")[:1]
    with pytest.raises(ModelDamaged, match="is one of 3 parts"):
        find_parts(read_header(path))


def test_parts_that_changed_places_or_are_cut(tmp_path: Path) -> None:
    paths = split(tmp_path)
    first = read_header(paths[0])
    second, third = paths[1].read_bytes(), paths[2].read_bytes()
    paths[1].write_bytes(third)
    with pytest.raises(ModelDamaged, match=r"is not part 2 of m-00001-of-00003\.gguf"):
        read_parts(first)
    paths[1].write_bytes(second[:-200])
    with pytest.raises(ModelDamaged, match="ends before its tensor 'w1' does"):
        read_parts(first)

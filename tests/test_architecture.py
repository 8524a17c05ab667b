"""The structure, read from the imports: they point down only, siblings never meet, heavy packages have one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vlmcli"

# Lower rooms first. A room may import those of the floors below, never one of its own floor. `core` and `errors` are
# everybody's; `demo` is data.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors"}),
    frozenset({"core", "demo"}),
    frozenset({"gguf", "toml_text"}),
    frozenset({"config"}),
    frozenset({"cache"}),
    frozenset({"tasks", "images", "models", "engine", "output"}),
    frozenset({"pipeline"}),
    frozenset({"reply"}),
    frozenset({"session"}),
    frozenset({"api"}),
    frozenset({"cli"}),
    frozenset({"__main__", "__init__"}),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

DOORS = {
    "typer": "cli",
    "rich": "output",
    "PIL": "images",
    "pillow_heif": "images",
    "huggingface_hub": "models",
    "llama_cpp": "engine/llama",
    "jinja2": "engine/llama",
}
LONGEST_FILE_LINES, LONGEST_FUNCTION_LINES = 300, 50


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Absolute names of all that a file imports, late imports included; `from vlmcli import x` is vlmcli.x."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            yield from ([f"vlmcli.{a.name}" for a in node.names] if node.module == "vlmcli" else [node.module or ""])


def test_every_room_has_its_floor() -> None:
    assert {room_of(path) for path in modules()} == set(FLOOR_OF)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    for name in imports(path):
        if not name.startswith("vlmcli.") or name in ("vlmcli.__version__", "vlmcli.Vlm"):
            continue
        target = name.split(".")[1]
        assert target == room or FLOOR_OF[target] < FLOOR_OF[room], f"{room} imports {name}"


@pytest.mark.parametrize("package", DOORS)
def test_heavy_packages_have_one_door(package: str) -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        if any(name.split(".")[0] == package for name in imports(path))
    }
    assert all(user.startswith(f"{DOORS[package]}/") for user in users), users


def test_the_engine_knows_llama_cpp_in_one_folder_only() -> None:
    """What is beside `llama/` is pure Python; only the table opens it, late."""
    for path in (PACKAGE / "engine").glob("*.py"):
        if path.name != "__init__.py":
            assert not any(name.startswith("vlmcli.engine.llama") for name in imports(path)), path


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_fit_on_a_page(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION_LINES, f"{node.name} has {lines} lines"

"""The layers, the doors and the sizes of DESIGN.md, read from the imports of every file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "vlmcli"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the top: a room may import rooms of lower rows, and itself.
LAYERS = (
    {"", "__main__"},
    {"cli"},
    {"api", "doctor", "bench"},
    {"batch", "session", "backend"},
    {"reply", "drawing"},
    {"pipeline"},
    {"running"},
    {"tasks", "images", "models", "engine", "output"},
    {"cache"},
    {"config"},
    {"gguf", "grammar", "machine", "processes", "state", "toml_text"},
    {"core"},
    {"errors"},
    {"demo", "late", "whole"},
)
ROW = {room: row for row, rooms in enumerate(LAYERS) for room in rooms}

# package -> where alone it may be imported
DOORS = {
    "typer": "cli",
    "click": "nowhere",
    "rich": "output",
    "markdown_it": "output",
    "pygments": "output",
    "PIL": "images",
    "pillow_heif": "images",
    "pypdfium2": "images",
    "huggingface_hub": "models",
    "llama_cpp": "engine.llama",
    "jinja2": "engine.llama",
    "asyncio": "engine.server",
    "keyring": "engine.server",
    "fsspec": "images.sources.stores",
    "ray": "batch.cluster",
    "numpy": "nowhere",
    "torch": "nowhere",
}

LONGEST_FILE = 270
LONGEST_FUNCTION = 50


class Import(NamedTuple):
    """`module` (dotted, as `vlmcli.core`) is imported on this line."""

    module: str
    line: int


def name_of(file: Path) -> str:
    """`vlmcli/images/decode.py` -> `vlmcli.images.decode`; a package is named without its `__init__`."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, is_package: bool) -> Iterator[Import]:
    """All that a file imports, wherever in it: relative names made absolute, and `import_module("name")` too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")
            base = base[: len(base) - node.level + is_package] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            if whole == "vlmcli":  # from vlmcli import demo
                rooms = [alias.name for alias in node.names if alias.name in ROW and alias.name]
                yield from (Import(f"vlmcli.{room}", node.lineno) for room in rooms)
            yield Import(whole, node.lineno)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if called.endswith(("import_module", "__import__")) and isinstance(node.args[0].value, str):
                yield Import(node.args[0].value, node.lineno)


def room_of(module: str) -> str:
    """`vlmcli.images.decode` -> `images`; the package itself is the room without a name."""
    return module.removeprefix("vlmcli").lstrip(".").partition(".")[0]


def is_inside(module: str, place: str) -> bool:
    return f"{module}.".startswith(f"vlmcli.{place}.")


def offence(module: str, imported: str) -> str | None:
    """What is wrong with `module` importing `imported`, if anything is."""
    package = imported.partition(".")[0]
    if package in DOORS and not is_inside(module, DOORS[package]):
        return f"{package} is for {DOORS[package]} alone"
    if package != "vlmcli":
        return None
    own, other = room_of(module), room_of(imported)
    if is_inside(imported, "engine.llama") and not is_inside(module, "engine"):
        return "engine.llama is inside engine"
    if is_inside(imported, "engine.llama") and not is_inside(module, "engine.llama") and module != "vlmcli.engine":
        return "only the table in engine/__init__ opens engine.llama"
    if is_inside(imported, "engine.server") and is_inside(module, "engine.llama"):
        return "the engines do not know each other"
    if other == own or imported == "vlmcli":
        return None
    if own not in ROW or other not in ROW:
        return f"no row of DESIGN.md has {own if own not in ROW else other}"
    if ROW[other] == ROW[own]:
        return f"{own} and {other} are siblings"
    return None if ROW[other] > ROW[own] else f"{other} is above {own}"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_point_down_and_through_the_doors(file: Path) -> None:
    found = imports_of(file.read_text(encoding="utf-8"), name_of(file), file.name == "__init__.py")
    wrong = [f"line {line}: {imported}: {why}" for imported, line in found if (why := offence(name_of(file), imported))]
    assert not wrong, "\n".join([str(file), *wrong])


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_and_its_functions_fit_on_a_page(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert source.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{file}: {node.name}"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_are_absolute(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level] == []


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_says_what_it_is(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or not tree.body


def test_every_room_has_a_row() -> None:
    rooms = {room_of(name_of(file)) for file in FILES}
    assert rooms <= set(ROW)
    assert {"cli", "api", "pipeline", "images", "engine", "output", "core", "errors"} <= rooms


@pytest.mark.parametrize("package", ["typer", "rich", "markdown_it", "PIL", "llama_cpp", "jinja2"])
def test_every_door_is_used(package: str) -> None:
    """A door that nobody goes through any more would make the rule about it empty."""
    used = [
        name_of(file)
        for file in FILES
        for found in imports_of(file.read_text(encoding="utf-8"), name_of(file), file.name == "__init__.py")
        if found.module.partition(".")[0] == package
    ]
    assert used
    assert all(is_inside(module, DOORS[package]) for module in used)


# --- the rules themselves -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("vlmcli.core", "vlmcli.cli.app"),
        ("vlmcli.errors", "vlmcli.core"),
        ("vlmcli.images.decode", "vlmcli.models"),
        ("vlmcli.tasks.ask", "vlmcli.pipeline"),
        ("vlmcli.output.writer", "vlmcli.api"),
        ("vlmcli.batch", "vlmcli.session"),
        ("vlmcli.cache", "vlmcli.engine"),
        ("vlmcli.api", "vlmcli.engine.llama.engine"),
        ("vlmcli.engine.fit", "vlmcli.engine.llama.worker"),
        ("vlmcli.core", "vlmcli.novelty"),
        ("vlmcli.api", "typer"),
        ("vlmcli.cli.app", "rich.table"),
        ("vlmcli.tasks.compare", "PIL.Image"),
        ("vlmcli.api", "huggingface_hub"),
        ("vlmcli.engine.text", "llama_cpp.llama_cpp"),
        ("vlmcli.images.decode", "numpy"),
        ("vlmcli.engine.llama.worker", "vlmcli.engine.server.body"),
        ("vlmcli.pipeline", "asyncio"),
    ],
)
def test_what_is_forbidden(module: str, imported: str) -> None:
    assert offence(module, imported)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("vlmcli.cli.work", "vlmcli.api"),
        ("vlmcli.pipeline", "vlmcli.engine"),
        ("vlmcli.images.decode", "vlmcli.errors"),
        ("vlmcli.engine", "vlmcli.engine.llama"),
        ("vlmcli.engine.llama.worker", "vlmcli.engine.fit"),
        ("vlmcli.images.decode", "PIL.Image"),
        ("vlmcli.gguf", "mmap"),
    ],
)
def test_what_is_allowed(module: str, imported: str) -> None:
    assert offence(module, imported) is None


def test_imports_are_found_wherever_they_are() -> None:
    source = """
import PIL.Image as I
from ..errors import UsageError
from . import writer
from vlmcli import __version__, demo
def late():
    from vlmcli.core import Text
    importlib.import_module("llama_cpp.mtmd_cpp")
"""
    found = {module for module, _ in imports_of(source, "vlmcli.output.screen", is_package=False)}
    assert found == {
        *("PIL.Image", "vlmcli.errors", "vlmcli.output", "vlmcli", "vlmcli.demo", "vlmcli.core", "llama_cpp.mtmd_cpp")
    }
    assert [i.module for i in imports_of("from .a import b", "vlmcli.output", is_package=True)] == ["vlmcli.output.a"]


@pytest.mark.parametrize("file", sorted((PACKAGE.parent / "benchmarks").glob("*.py")), ids=lambda file: file.stem)
def test_benchmarks_take_from_the_recipe_what_is_there(file: Path) -> None:
    """Of the demo model's recipe, which no checker of types reads."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("demo_model"):
            source = (PACKAGE.parent / f"{str(node.module).replace('.', '/')}.py").read_text(encoding="utf-8")
            there = {name for part in ast.parse(source).body for name in names_of(part)}
            assert {alias.name for alias in node.names} <= there


def names_of(node: ast.stmt) -> set[str]:
    """What a statement at the top of a module names."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}

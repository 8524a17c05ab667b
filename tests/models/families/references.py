"""The families' reference prompts, the conversations they are of, and vocabularies that hold their control words."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.engine.tiny_gguf import CONTROL, NORMAL, spm_vocabulary
from vlmcli import demo
from vlmcli.core import LoadedImage, Picture, Request, Text, Turn
from vlmcli.engine.identity import template_of as source_of
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.decoder import Vocabulary
from vlmcli.engine.llama.model import spaced
from vlmcli.engine.llama.prompt import Run, render
from vlmcli.engine.llama.template import ChatTemplate
from vlmcli.gguf import read_header
from vlmcli.models.families import FAMILIES
from vlmcli.models.families.reference import Reference

IMAGE = LoadedImage("a.png", 1, 1, b"\0\0\0", "digest")
PICTURE = "<|a picture|>"
"""A control token of the vocabularies here, for a picture in its place."""

_ASKED = Turn("user", (Picture(IMAGE), Text("Q")))
CONVERSATIONS = {
    "question": (_ASKED,),
    "with_system": (Turn("system", (Text("S"),)), _ASKED),
    "second_turn": (_ASKED, Turn("assistant", (Text("A"),)), Turn("user", (Text("R"),))),
    "two_pictures": (Turn("user", (Picture(IMAGE), Picture(IMAGE), Text("Q"))),),
}


def reference_of(family: str) -> Reference:
    """What the file of a family says: `qwen2.5-vl` is in qwen2_5_vl.py."""
    module = importlib.import_module(f"vlmcli.models.families.{re.sub('[-.]', '_', family)}")
    reference: Reference = module.REFERENCE
    return reference


def template_of(family: str) -> ChatTemplate:
    """The family's template as the engine sets it up; for the one that has none, that in its own file."""
    own = str(read_header(demo.DECODER).metadata["tokenizer.chat_template"]) if family == "demo" else ""
    known = FAMILIES[family]
    return ChatTemplate(source_of(known, own), "<s>", "</s>", variables=known.template_variables)


def parts_of(family: str, turns: tuple[Turn, ...]) -> list[Run | LoadedImage]:
    known = FAMILIES[family]
    return render(spaced(Request(0, turns), known), template_of(family), known.separator)


def text_of(run: Run) -> str:
    return "".join(span.text for span in run)


def control_words() -> list[str]:
    """All that looks like a control token in any reference."""
    prompts = " ".join(getattr(reference_of(family), name) for family in FAMILIES for name in CONVERSATIONS)
    words = set(re.findall(r"<[^<>\s]+>|\[/?[A-Za-z]+\]", prompts))
    return [PICTURE, *sorted(words - {"<s>", "</s>"})]


def byte_pair_vocabulary(control: list[str]) -> dict[str, Any]:
    """A byte-level vocabulary, as Qwen, Llama 3 and GLM have: no space is put before anything."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]
    newline, space = (chr(256 + others.index(byte)) for byte in (10, 32))
    merged = [newline * 2, "us", "er", "user", f"{space}U", f"{space}A"]
    merges = [f"{newline} {newline}", "u s", "e r", "us er", f"{space} U", f"{space} A"]
    pieces = ["<unk>", "<s>", "</s>", *control, *letters, *merged]
    kinds = [CONTROL] * (3 + len(control)) + [NORMAL] * (len(letters) + len(merged))
    replaced = {"model": "gpt2", "pre": "default", "tokens": pieces, "token_type": kinds, "merges": merges}
    metadata = spm_vocabulary([]) | {f"tokenizer.ggml.{name}": item for name, item in replaced.items()}
    del metadata["tokenizer.ggml.scores"], metadata["tokenizer.ggml.add_space_prefix"]
    return metadata


@contextmanager
def opened_vocabulary(path: Path) -> Iterator[Vocabulary]:
    """The vocabulary in a file, loaded by llama.cpp without weights."""
    params = llama.llama_model_default_params()
    params.vocab_only = True
    model = llama.llama_model_load_from_file(str(path).encode(), params)
    assert model
    try:
        yield Vocabulary(llama.llama_model_get_vocab(model))
    finally:
        llama.llama_model_free(model)

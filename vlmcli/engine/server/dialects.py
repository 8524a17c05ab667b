"""Where servers that speak the same protocol differ: told apart by who `/models` says owns the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FormWay = Literal["grammar", "guided", "regex", "schema", "words", "no"]
"""How an answer is kept to a form: GBNF; vLLM's structured outputs; SGLang's regex; a JSON string with an `enum` or a
`pattern`; not at all but compared afterwards; not possible."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of server wants what the protocol does not settle."""

    name: str
    owners: tuple[str, ...] = ()
    """What stands in `owned_by`."""
    choices: FormWay = "words"
    pattern: FormWay = "no"
    schema_field: Literal["json_schema", "json_object"] = "json_schema"
    goes_on: bool = False
    """A last turn of the assistant is gone on with."""
    going_on: Mapping[str, Any] = field(default_factory=dict)
    """What must be said for that."""
    max_tokens_field: str = "max_tokens"
    again: Mapping[str, Any] = field(default_factory=dict)
    """What is said with a second try. llama-server can fail over what it keeps of prompts before ("Chunk not found",
    after a question about several pictures), and does not without."""
    dry: bool = False
    """It has the DRY penalty under llama.cpp's names."""


_CONTINUED = {"continue_final_message": True, "add_generation_prompt": False}

DIALECTS = (
    Dialect(
        "llama.cpp",
        ("llamacpp",),
        choices="grammar",
        pattern="schema",
        goes_on=True,
        again={"cache_prompt": False},
        dry=True,
    ),
    Dialect("vllm", ("vllm",), choices="guided", pattern="guided", goes_on=True, going_on=_CONTINUED),
    Dialect("sglang", ("sglang",), choices="regex", pattern="regex", goes_on=True, going_on=_CONTINUED),
    Dialect("ollama", ("library",), choices="schema", pattern="schema", goes_on=True),
    Dialect("lm-studio", ("organization_owner",), choices="schema", pattern="schema"),
    Dialect("llama-cpp-python", ("me",), choices="schema", pattern="schema", schema_field="json_object"),
    Dialect("openai", ("openai", "openai-internal", "system"), max_tokens_field="max_completion_tokens"),
)
UNKNOWN = Dialect("unknown")


def dialect_of(owner: str) -> Dialect:
    """By `owned_by`, as a server said it; UNKNOWN asks for nothing beyond the protocol."""
    return next((each for each in DIALECTS if owner in each.owners), UNKNOWN)


def dialect_named(name: str) -> Dialect:
    return next((each for each in DIALECTS if each.name == name), UNKNOWN)

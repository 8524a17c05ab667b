"""Chat templates: Jinja, sandboxed, as the model's makers wrote them."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from vlmcli.errors import TemplateError

_HINT = "Name another: --family NAME or --chat-template FILE."


class ChatTemplate:
    """Renders (role, content) messages up to where the assistant's answer begins.

    Three things differ between templates and are met here, as llama.cpp meets them: some want contents as lists of
    typed parts; some refuse or forget a system message, which then leads the first user turn; some write BOS, which
    must not stand there twice. `variables` are what a template is told beside the conversation.
    """

    def __init__(
        self,
        source: str,
        bos_text: str,
        eos_text: str,
        *,
        adds_bos: bool = True,
        variables: Mapping[str, bool] | None = None,
    ) -> None:
        self._bos, self._eos, self._adds_bos = bos_text, eos_text, adds_bos
        self._variables = dict(variables or {})
        self._template = _compile(source)

    def render(self, messages: Sequence[tuple[str, str]], think: bool = False) -> str:
        """The prompt, without its BOS where the tokenizer adds it. `think`: a template that knows of it lets it think.

        Raises TemplateError when no way of asking keeps what is in the messages.
        """
        failure: Exception | None = None
        for variant in (messages, _system_in_user_turn(messages)):
            for typed in (False, True):
                try:
                    rendered = self._render_once(variant, typed, think)
                except Exception as error:  # a template is foreign code: it may raise anything
                    failure = failure or error
                    continue
                if all(content.strip() in rendered for _role, content in variant):
                    return rendered.removeprefix(self._bos) if self._adds_bos else rendered
        reason = str(failure or "").strip() or "it leaves parts of the conversation out"
        raise TemplateError(f"The model's chat template cannot be used: {reason}.", _HINT)

    def _render_once(self, messages: Sequence[tuple[str, str]], typed: bool, think: bool) -> str:
        listed = [
            {"role": role, "content": [{"type": "text", "text": content}] if typed else content}
            for role, content in messages
        ]
        return str(
            self._template.render(
                messages=listed,
                add_generation_prompt=True,
                bos_token=self._bos,
                eos_token=self._eos,
                tools=None,
                **{**self._variables, **({"enable_thinking": True} if think else {})},
            )
        )


def _system_in_user_turn(messages: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same messages with the system's words at the head of the first user turn."""
    system = "\n".join(content for role, content in messages if role == "system")
    rest = [(role, content) for role, content in messages if role != "system"]
    if system and rest:
        role, content = rest[0]
        rest[0] = (role, f"{system}\n{content}")
    return rest


def import_ahead() -> None:
    """Import the template engine on a thread of its own, while llama.cpp reads a model and Python would wait."""
    threading.Thread(target=_import, name="jinja2", daemon=True).start()


def _import() -> None:
    with contextlib.suppress(ImportError):  # whoever needs it says so
        import jinja2.sandbox  # noqa: F401


@functools.cache
def _compile(source: str) -> Any:
    """A template in the environment that the transformers library made the custom: trimmed blocks, a few helpers."""
    from jinja2 import TemplateError as JinjaError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def raise_exception(message: str) -> None:
        raise JinjaError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda layout: datetime.now().strftime(layout)
    try:
        return environment.from_string(source)
    except JinjaError as error:
        raise TemplateError(f"The chat template does not parse: {error}.", _HINT) from None

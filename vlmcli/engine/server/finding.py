"""Which model a server has open: asked once, before any picture is read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from vlmcli.core import Family, ServedModel
from vlmcli.engine.server.address import Address
from vlmcli.engine.server.dialects import Dialect, dialect_of
from vlmcli.engine.server.failures import (
    Trouble,
    is_page,
    of_connection,
    of_reply,
    of_silence,
    said_as_json,
    still_loading,
)
from vlmcli.engine.server.http import BadReply, Reply, Wire, head_of
from vlmcli.engine.server.keys import OPENAI_HOST, Secrets, find_secrets
from vlmcli.engine.server.settings import ServerSettings
from vlmcli.errors import ModelNotChosen, ModelNotFound, ServerError

_ANSWERS_IN_S = 20.0
_MOST_BYTES = 1 << 22
_MOST_NAMED = 20
_LOADING_S = 0.5
"""Between two looks at a server that is still loading its model."""

Found = list[tuple[str, str]] | None
"""(name, owner) of each model; None: the server keeps no list."""
Say = Callable[[str], None]


def find_served(settings: ServerSettings, wanted: str, family: Family, say: Say | None = None) -> ServedModel:
    """The model that all these servers can be asked for. The first that answers says which it is.

    `say` is told that a server is still loading; it is waited for long only where somebody is told.

    Raises UsageError, ModelError, ServerError.
    """
    wanted = wanted or settings.model
    listed = _run(_list_of_any(settings, wanted, say))
    name, owner = _chosen(listed, wanted, settings.addresses[0]) if listed is not None else (wanted, "")
    if not name:
        where = settings.addresses[0]
        hint = f"Name one: --model NAME\nIf the path is wrong: --engine {where.origin}"
        raise ModelNotChosen(f"There is no {where}/models that says what models there are.", hint)
    dialect = _dialect(owner, settings.addresses[0])
    return ServedModel(
        name,
        tuple(map(str, settings.addresses)),
        family,
        settings.picture_limit_bytes,
        settings.silence_s,
        settings.patience_s,
        dialect.name,
        settings.key_variable,
        settings.headers,
        settings.concurrency,
        tuple(_warnings(settings.addresses)),
    )


def _run(steps: Coroutine[Any, Any, Found]) -> Found:
    """To its end; on a thread of its own where an event loop runs in this one already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(steps)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, steps).result()


def _dialect(owner: str, address: Address) -> Dialect:
    return dialect_of("openai" if address.host == OPENAI_HOST else owner)


def _warnings(addresses: Sequence[Address]) -> list[str]:
    open_ones = [address for address in addresses if not address.secure and not address.is_here]
    names = " and ".join(address.origin for address in open_ones)
    return [f"{names}: pictures and answers go there in the clear (http)"] if open_ones else []


def _chosen(listed: list[tuple[str, str]], wanted: str, address: Address) -> tuple[str, str]:
    """(name, owner) of the one that is wanted, or of the only one."""
    names = [name for name, _ in listed]
    hint = "\n".join(f"--model {name}" for name in names[:_MOST_NAMED])
    if wanted:
        # Ollama calls a model by the name and a tag, and takes the name alone for :latest.
        found = next((each for each in listed if each[0] in (wanted, f"{wanted}:latest")), None)
        if found is None:
            raise ModelNotFound(f"{address.origin} has no model {wanted}.", hint or "It has none at all.")
        return found
    if len(listed) > 1:
        raise ModelNotChosen(f"{address.origin} has {len(listed)} models, and none was named.", hint)
    if not listed:
        raise ModelNotFound(f"{address.origin} has no model.", "Load one there, then ask again.")
    return listed[0]


async def _list_of_any(settings: ServerSettings, wanted: str, say: Say | None) -> Found:
    """Of the first server that answers. Where none does, those that are loading their model are waited for."""
    patience_s = settings.silence_s if say else _ANSWERS_IN_S
    until_s = time.monotonic() + patience_s
    addresses = settings.addresses
    while True:
        troubles: dict[Address, Trouble] = {}
        for address in addresses:
            try:
                return await _list_in_time(address, settings, wanted)
            except Trouble as trouble:
                if trouble.means == "all":
                    raise trouble.error from None
                troubles[address] = trouble
        loading = tuple(address for address in addresses if troubles[address].means == "busy")
        if not loading:
            raise troubles[addresses[-1]].error
        if time.monotonic() >= until_s:
            raise still_loading(troubles[loading[0]], patience_s).error
        if say:
            say(f"{loading[0].origin} is not ready yet: waiting for it, up to {patience_s:g} seconds")
            say = None
        addresses = loading
        await asyncio.sleep(_LOADING_S)


async def _list_in_time(address: Address, settings: ServerSettings, wanted: str) -> Found:
    secrets = find_secrets(address, settings.key_variable, settings.headers)
    try:
        async with asyncio.timeout(_ANSWERS_IN_S):
            return await _list(address, secrets, wanted)
    except TimeoutError:
        raise of_silence(address, _ANSWERS_IN_S) from None


async def _list(address: Address, secrets: Secrets, wanted: str) -> Found:
    wire = Wire(address)
    try:
        connection = await wire.connect()
        try:
            reply = await connection.ask(head_of("GET", address, "/models", secrets.headers, 0))
            body = b""
            async for piece in connection.read(reply):
                body += piece
                if len(body) > _MOST_BYTES:
                    break
        finally:
            connection.close()
    except (OSError, EOFError, BadReply) as error:
        raise of_connection(error, address) from None
    return _models_in(reply, body, address, wanted, secrets)


def _models_in(reply: Reply, body: bytes, address: Address, wanted: str, secrets: Secrets) -> Found:
    if reply.status in (404, 405, 501) and not is_page(reply, body):
        return None
    if reply.status != 200 or is_page(reply, body):
        raise of_reply(reply, body, address, wanted, secrets)
    value = said_as_json(body)
    models = value.get("data") if isinstance(value, dict) else None
    if not isinstance(models, list):
        raise Trouble(
            ServerError(f"What {address.origin} answers is no list of models.", "Check the address: --engine URL"),
            "all",
        )
    return [(model["id"], _owner(model)) for model in models if isinstance(model, dict) and _is_name(model.get("id"))]


def _is_name(value: Any) -> bool:
    """A name with escape codes in it would stand in records and on terminals: it is none."""
    return isinstance(value, str) and bool(value) and value.isprintable()


def _owner(model: dict[str, Any]) -> str:
    return str(model.get("owned_by") or "")

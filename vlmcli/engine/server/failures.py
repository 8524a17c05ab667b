"""What went wrong with a server, in a sentence, and what that means for the request, the others and the server."""

from __future__ import annotations

import asyncio
import errno
import json
import re
import socket
import ssl
from typing import Any, Literal

from vlmcli.engine.server.address import Address
from vlmcli.engine.server.http import BadReply, NothingSaid, Reply
from vlmcli.engine.server.keys import Secrets
from vlmcli.errors import DoesNotFit, ModelError, ServerError, ServerRefused, ServerUnreachable, VlmError

Means = Literal["gone", "busy", "again", "this", "all"]
"""gone: the server is not there; busy: it wants a rest; again: another try may do; this: this request cannot be
answered; all: no request can be."""

_START = "llama-server -m MODEL.gguf --mmproj MMPROJ.gguf --port {port}"
_LONGEST_SAID = 300
_MORE_PATIENCE = "More patience: timeout = SECONDS below [engines.NAME] in config.toml"
_NO_PICTURES = re.compile(
    r"(image|vision|multi-?modal|mmproj).{0,80}(not support|unsupported|disabled|must provide|may be provided)"
    r"|(not support|unsupported|missing|does not have|no) .{0,40}(image|vision|multi-?modal|mmproj)"
    r"|not a multi-?modal|image_url.{0,40}only supported|at most 0 image",
    re.IGNORECASE | re.DOTALL,
)
_TOO_LONG = re.compile(
    r"context (size|length|window)|exceed_context|context_length_exceeded|maximum context|longer than the context"
    r"|prompt is too long|too many tokens|max_model_len",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model.{0,120}(not found|does not exist|not exist|unknown|no such)|(unknown|no such) model", re.I
)
_BUSY, _AGAIN = (429, 503), (408, 500, 502, 504, 520, 522, 524)
_LONGEST_RETRY_AFTER_S = 600.0


class Trouble(Exception):
    """An attempt that failed: `error` is what to say if it is the last one."""

    def __init__(self, error: VlmError, means: Means, retry_after_s: float | None = None) -> None:
        super().__init__(error.sentence)
        self.error, self.means, self.retry_after_s = error, means, retry_after_s


# --- the connection -----------------------------------------------------------------------------------------


def of_connection(error: Exception, address: Address) -> Trouble:
    """A connection that did not come about, or broke before the reply."""
    where, port = address.origin, address.port
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or "it cannot be verified"
        hint = "The certificate of one's own server or company: export SSL_CERT_FILE=FILE.pem"
        return Trouble(ServerUnreachable(f"The certificate of {where} is not to be trusted: {reason}.", hint), "all")
    if isinstance(error, ssl.SSLError):
        hint = f"If it speaks plain HTTP: --engine http://{address.host}:{port}"
        return Trouble(ServerUnreachable(f"{where} does not speak TLS as it should.", hint), "all")
    if isinstance(error, socket.gaierror):
        sentence, hint = f"There is no host {address.host}, or no network.", "Check the address: --engine URL"
    elif isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in str(error):
        sentence = f"Nothing listens at {where}: is the server running?"
        hint = f"Start one: {_START.format(port=port)}" if address.is_here else "Check the address: --engine URL"
    elif isinstance(error, TimeoutError):
        sentence, hint = f"{where} cannot be reached: it does not answer.", "Check the address: --engine URL"
        if address.secure:
            hint += f"\nIf it speaks plain HTTP: --engine http://{address.host}:{port}"
    elif isinstance(error, BadReply):
        hint = "If it wants TLS: --engine https://…" if not address.secure else "Check the address: --engine URL"
        return Trouble(ServerError(f"What {where} answers is no HTTP.", hint), "all")
    elif isinstance(error, NothingSaid | ConnectionError | asyncio.IncompleteReadError):
        sentence, hint = f"{where} ended the connection without an answer.", "Its log may say why."
    else:
        sentence, hint = f"{where} cannot be reached: {getattr(error, 'strerror', None) or error}.", ""
    return Trouble(ServerUnreachable(sentence, hint), "gone")


def of_silence(address: Address, silence_s: float) -> Trouble:
    sentence = f"{address.origin} has said nothing for {silence_s:g} seconds."
    return Trouble(ServerError(sentence, _MORE_PATIENCE), "again")


def still_loading(trouble: Trouble, waited_s: float) -> Trouble:
    """That a server was busy for so long that nobody waits any more."""
    hint = f"It was so for {waited_s:g} seconds. {_MORE_PATIENCE}"
    return Trouble(ServerError(trouble.error.sentence, hint), trouble.means)


def of_cut(address: Address) -> Trouble:
    return Trouble(ServerError(f"{address.origin} cut the answer off in the middle.", "Its log may say why."), "again")


# --- the reply ----------------------------------------------------------------------------------------------


def of_reply(reply: Reply, body: bytes, address: Address, model: str, secrets: Secrets) -> Trouble:
    """A reply that is no answer."""
    said, status = said_in(body, secrets), reply.status
    if 300 <= status < 400:
        return Trouble(_redirected(reply, address, secrets), "all")
    if status in (401, 403) and not said_as_json(body):
        said = ""
    if status == 401 or status == 403:
        return Trouble(_refused(status, address, said), "all")
    if is_page(reply, body):
        sentence = f"{address.origin} answers with a web page ({status}): a login, a proxy, or another program."
        means: Means = "busy" if status in _BUSY else "again" if status in _AGAIN else "all"
        return Trouble(ServerError(sentence, "Look at it in a browser, and check the address: --engine URL"), means)
    if status in _BUSY:
        error = ServerError(
            f"{address.origin} has too much to do ({status}){_colon(said)}", "Fewer at once: --parallel N"
        )
        return Trouble(error, "busy", _retry_after(reply))
    return of_message(said, status, address, model)


def of_message(said: str, status: int, address: Address, model: str) -> Trouble:
    """An error by what the server said about it, in a reply or in the middle of an answer."""
    where = address.origin
    if _TOO_LONG.search(said):
        hint = "Start the server with more room (llama-server -c 8192), or ask with fewer words or --max-tokens."
        return Trouble(DoesNotFit(f"It does not fit into the context that the server gives: {said}", hint), "this")
    if _NO_PICTURES.search(said):
        hint = f"With its projector: {_START.format(port=address.port)}"
        return Trouble(ModelError(f"{model or 'The model'} at {where} takes no pictures: {said}", hint), "all")
    if status == 404 and (not said or not _NO_MODEL.search(said)):
        error = ServerError(f"There is no {address}/chat/completions (404).", f"Its root alone: --engine {where}")
        return Trouble(error, "all")
    if status in (400, 404) and _NO_MODEL.search(said):
        return Trouble(
            ModelError(f"{where} has no model {model}: {said}", f"What it has: curl {address}/models"), "all"
        )
    if status == 413:
        hint = 'Send smaller ones: picture_limit = "1M" below [engines.NAME] in config.toml'
        return Trouble(ServerError(f"The picture is too large for {where} (413).", hint), "this")
    if status in _AGAIN or status >= 500:
        return Trouble(ServerError(f"{where} failed ({status}){_colon(said)}", "Its log may say why."), "again")
    return Trouble(ServerError(f"{where} refused the request ({status}){_colon(said)}"), "this")


def _refused(status: int, address: Address, said: str) -> VlmError:
    what = "wants a key, or another one" if status == 401 else "does not let us in"
    hint = (
        f"vlm config set engines.NAME.url {address}\nvlm config set engines.NAME.key_variable MY_KEY\n"
        "export MY_KEY=…   and then: --engine NAME"
    )
    return ServerRefused(f"{address.origin} {what} ({status}){_colon(said)}", hint)


def _redirected(reply: Reply, address: Address, secrets: Secrets) -> VlmError:
    place = secrets.hide(reply.headers.get("location", "")).partition("?")[0]
    place = place.partition("/chat/completions")[0].partition("/models")[0]
    elsewhere = place if place.startswith("http") else "another address"
    return ServerError(
        f"{address.origin} leads on to {elsewhere}, where nothing is sent without being asked to.",
        f"If it is meant: --engine {place}" if place.startswith("http") else "Check the address: --engine URL",
    )


def is_page(reply: Reply, body: bytes) -> bool:
    """HTML, whatever it calls itself."""
    return "html" in reply.kind or body.lstrip()[:1] == b"<"


def said_as_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def said_in(body: bytes, secrets: Secrets) -> str:
    """The server's own words about an error, on one line, with no key in them."""
    value = said_as_json(body)
    return on_one_line(message_in(value) if value is not None else body.decode("utf-8", "replace"), secrets)


def on_one_line(said: str, secrets: Secrets) -> str:
    """Of a server's words as many as a message takes."""
    said = " ".join(secrets.hide(said).split())
    return said if len(said) <= _LONGEST_SAID else f"{said[: _LONGEST_SAID - 1]}…"


def message_in(value: Any) -> str:
    """The words in any of the shapes in which servers put them."""
    for key in ("error", "message", "detail", "msg"):
        if isinstance(value, dict) and value.get(key):
            return message_in(value[key])
    if isinstance(value, list) and value:
        return message_in(value[0])
    return value if isinstance(value, str) else ""


def _colon(said: str) -> str:
    return f": {said.rstrip('.')}." if said else "."


def _retry_after(reply: Reply) -> float | None:
    """Seconds, or a date; None: it does not say, or nonsense."""
    value = reply.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value)
    return min(seconds, _LONGEST_RETRY_AFTER_S) if seconds >= 0 else None


def _until(date: str) -> float:
    import time
    from email.utils import parsedate_to_datetime

    try:
        return max(parsedate_to_datetime(date).timestamp() - time.time(), 0.0)
    except ValueError:
        return -1.0

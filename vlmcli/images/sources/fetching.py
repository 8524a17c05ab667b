"""One GET of a URL within limits of size, time and redirects. Nothing else is sent: no cookie, no referer, no proxy."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NoReturn
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from vlmcli import __version__
from vlmcli.errors import PictureError, PictureNotFound, PictureTooLarge, PictureUnreadable
from vlmcli.images.sources.connecting import LocalAddress, Plain, Secure
from vlmcli.images.sources.unpacking import unpacked
from vlmcli.images.sources.url import check_url
from vlmcli.images.words import printable, quoted

MAX_BYTES = 100 * 10**6
MAX_REDIRECTS = 5
READ_S = 30.0
"""How long a server may be silent."""
TOTAL_S = 120.0
"""How long a picture may take in all, redirects included."""

_REDIRECTS = {301, 302, 303, 307, 308}
_CHUNK_BYTES = 1 << 16
_HEADERS = {"User-Agent": f"vlm/{__version__}", "Accept": "image/*, */*;q=0.1", "Connection": "close"}


def fetch(url: str, allow_local: bool = False) -> bytes:
    """The bytes at `url`, never none. Raises PictureErrors that call the picture by `url`, wherever it led."""
    deadline = time.monotonic() + TOTAL_S
    at = url
    for _ in range(MAX_REDIRECTS + 1):
        parts = urlsplit(at)
        connection = _connection(parts, allow_local)
        with (
            closing(connection),
            _failures(url, parts, deadline),
            _alarm(connection, deadline),
            _ask(connection, parts) as response,
        ):
            if response.status not in _REDIRECTS:
                return _picture(url, response, deadline)
            target = response.getheader("Location", "")
        at = _next(url, at, response.status, target)
    raise PictureUnreadable(
        f"{printable(url)} leads on and on: more than {MAX_REDIRECTS} redirects.", _by_hand(url, "-sL --max-redirs 50")
    )


def _connection(parts: SplitResult, allow_local: bool) -> Plain | Secure:
    kind = Secure if parts.scheme.lower() == "https" else Plain
    connection = kind(parts.hostname or "", parts.port, timeout=READ_S)
    connection.allow_local = allow_local
    return connection


def _ask(connection: Plain | Secure, parts: SplitResult) -> http.client.HTTPResponse:
    safe = "!#$%&'()*+,/:;=?@[]~"  # quoted already, or allowed as it is
    target = quote(parts.path or "/", safe) + (f"?{quote(parts.query, safe)}" if parts.query else "")
    connection.request("GET", target, headers=_HEADERS)
    return connection.getresponse()


def _next(url: str, at: str, status: int, target: str) -> str:
    """Where a redirect leads. Not to another scheme, and not from https back into the open."""
    try:
        following = urljoin(at, target.encode("latin-1").decode())  # as which http.client reads headers
    except ValueError as error:
        raise PictureUnreadable(f"{printable(url)} leads to {printable(target)}, which is no URL.") from error
    scheme = following.partition(":")[0].lower()
    if not target:
        raise PictureUnreadable(f"{printable(url)}: the server answers {status} without saying where to look.")
    reason = "" if scheme in ("http", "https") else "only http and https are read"
    if scheme == "http" and at[:6].lower() == "https:":
        reason = "that way is not encrypted"
    if reason:
        raise PictureUnreadable(
            f"{printable(url)} leads to {printable(following)}, and {reason}.",
            "Name that address if it is the right one.",
        )
    check_url(following, url)
    return following


def _picture(url: str, response: http.client.HTTPResponse, deadline: float) -> bytes:
    if response.status != 200:
        raise _refusal(url, response)
    expected = response.length  # None where the server does not say
    if expected is not None and expected > MAX_BYTES:
        raise _too_large(url)
    body = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BYTES:
            raise _too_large(url)
    if time.monotonic() >= deadline:
        raise TimeoutError
    if expected is not None and len(body) < expected:
        raise PictureUnreadable(
            f"{printable(url)} broke off after {len(body):,} of {expected:,} bytes.", "Try again: the connection ended."
        )
    data = unpacked(bytes(body), response.getheader("Content-Encoding", ""), MAX_BYTES)
    if data is None:
        raise _too_large(url)
    if not data:
        raise PictureUnreadable(f"{printable(url)} is empty: there is no picture in it.", "Try it in a browser.")
    return data


def _too_large(url: str) -> PictureTooLarge:
    return PictureTooLarge(f"{printable(url)} is too large: more than {MAX_BYTES // 10**6:,} MB.", _by_hand(url, "-sL"))


def _refusal(url: str, response: http.client.HTTPResponse) -> PictureError:
    said = printable(f"{response.status} {response.reason}".strip())
    if response.status in (404, 410):
        return PictureNotFound(f"{printable(url)} is not there: the server answers {said}.", "Check the address.")
    if response.status in (401, 403):
        return PictureUnreadable(f"{printable(url)} may not be read: the server answers {said}.", "Is it public?")
    again = "Try again later." if response.status >= 500 or response.status == 429 else _by_hand(url, "-sL")
    return PictureUnreadable(f"{printable(url)} cannot be read: the server answers {said}.", again)


def _by_hand(url: str, options: str) -> str:
    return f"Fetch it first: curl {options} {quoted(url)} | vlm describe -"


@contextmanager
def _alarm(connection: Plain | Secure, deadline: float) -> Iterator[None]:
    """Cut the connection at the deadline, whatever it is doing: a server can be slow in more places than one."""
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), connection.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _failures(url: str, parts: SplitResult, deadline: float) -> Iterator[None]:
    """What can go wrong on the way as the user's sentence."""
    try:
        yield
    except PictureError:
        raise
    except LocalAddress as error:
        host = printable(parts.hostname or "")
        where = (
            f"{printable(url)} is" if parts.hostname == urlsplit(url).hostname else f"{printable(url)} leads to {host},"
        )
        raise PictureUnreadable(
            f"{where} at {error}, an address of the local network, which is not fetched.", "Allow it with --allow-local"
        ) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        _explain(url, parts, error, late=time.monotonic() >= deadline)


def _explain(url: str, parts: SplitResult, error: Exception, late: bool) -> NoReturn:
    import socket
    import ssl

    name, host = printable(url), printable(parts.hostname or "")
    if late:
        sentence = f"{name} takes too long: it is given up after {TOTAL_S:g} seconds."
    elif isinstance(error, TimeoutError):
        sentence = f"{name} cannot be read: {host} does not answer."
    elif isinstance(error, socket.gaierror | UnicodeError):
        sentence = f"{name} cannot be read: the address of {host} is not known."
    elif isinstance(error, ssl.SSLCertVerificationError):
        why = printable(error.verify_message).rstrip(".")
        sentence = f"{name} cannot be read: the certificate of {host} is not valid ({why})."
    elif isinstance(error, http.client.HTTPException):
        sentence = f"{name} cannot be read: {host} does not speak HTTP as it should ({type(error).__name__})."
    else:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        sentence = f"{name} cannot be read: {printable(said).rstrip('.')}."
    raise PictureUnreadable(sentence, "Check the address and the connection.") from error

"""The way to the Hub: its address, the library's own connection, and the headers that say who asks.

The connection is huggingface_hub's, so proxies, certificates, tokens and timeouts are what its users have set already.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from vlmcli import __version__
from vlmcli.errors import ModelError, UsageError

_PUBLIC = "https://huggingface.co"
_TIMEOUT_S = 10
_NUMBERS = ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT")


def endpoint() -> str:
    """HF_ENDPOINT, or the public Hub; without a slash at its end."""
    return (os.environ.get("HF_ENDPOINT", "").strip() or _PUBLIC).rstrip("/")


def host() -> str:
    """The endpoint as sentences call it: without a scheme, and without a password that someone wrote in it."""
    try:
        return urlsplit(endpoint()).netloc.rpartition("@")[2] or endpoint()
    except ValueError:
        return endpoint()


def no_endpoint() -> UsageError:
    return UsageError(f"HF_ENDPOINT is {endpoint()!r}, which is no web address.", "export HF_ENDPOINT=https://HOST")


def check_variables() -> None:
    """Raises UsageError for those over which the library would end with a traceback when it is imported."""
    timeout_s()
    try:
        _ = urlsplit(endpoint()).port  # it is looked at when somebody asks for it
    except ValueError:
        raise no_endpoint() from None


def page_of(repo_id: str) -> str:
    return f"{endpoint()}/{repo_id}"


def url_of(repo_id: str, commit: str, path: str) -> str:
    """Where the Hub says where a file is. By its commit: what is there never changes."""
    return f"{endpoint()}/{repo_id}/resolve/{commit}/{quote(path)}"


def timeout_s() -> int:
    """HF_HUB_DOWNLOAD_TIMEOUT: how long the other side may be silent. Raises UsageError for a variable that is no
    number."""
    for name in _NUMBERS:
        value = os.environ.get(name) or "0"
        if not value.strip().isdecimal():
            raise UsageError(f"{name} is {value!r}, which is not a number of seconds.", f"export {name}=10")
    return int(os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT") or 0) or _TIMEOUT_S


def headers() -> dict[str, str]:
    """With the user's token, if there is one: HF_TOKEN, or what `hf auth login` stored. Never compressed: sizes and
    checksums are the file's own."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    try:
        said: dict[str, str] = build_hf_headers(library_name="vlm", library_version=__version__)
    except OSError as error:
        raise _no_token(error) from error
    return said | {"Accept-Encoding": "identity"}


def _no_token(error: OSError) -> ModelError:
    """Where the library looks for what `hf auth login` stored there is something else, or nobody may read it."""
    variable = "HF_TOKEN_PATH" if os.environ.get("HF_TOKEN_PATH") else "HF_HOME"
    reason = (error.strerror or type(error).__name__).lower()
    return ModelError(
        f"The folder of Hugging Face cannot be used: {error.filename}: {reason}.",
        f"It is named by {variable}: export {variable}={'FILE' if variable == 'HF_TOKEN_PATH' else 'FOLDER'}",
    )


def http_library() -> Any:
    """httpx, or whatever the installed huggingface_hub is built on, for its exceptions."""
    from huggingface_hub.errors import HfHubHTTPError

    return sys.modules[HfHubHTTPError.__bases__[0].__module__.partition(".")[0]]


def session() -> Any:
    """The library's connection. Raises UsageError where the environment's settings for one make no sense."""
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    try:
        return get_session()
    except Exception as error:  # ImportError, ValueError, OSError and others, by what is wrong
        raise UsageError(
            f"The settings for proxies or certificates cannot be used: {str(error).splitlines()[0].rstrip('.')}.",
            "They are HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
        ) from error


@contextmanager
def open_answer(url: str, first_byte: int = 0, last_byte: int | None = None) -> Iterator[Any]:
    """The answer to a GET, its body unread, wherever the Hub leads; the token stays on the Hub's own host.

    Raises what the library raises, and nothing for a status.
    """
    timeout = timeout_s()
    said = headers()
    if first_byte or last_byte is not None:
        said["Range"] = f"bytes={first_byte}-{'' if last_byte is None else last_byte}"
    with session().stream("GET", url, headers=said, timeout=timeout, follow_redirects=True) as answer:
        yield answer


def came_from_hub(answer: Any) -> bool:
    """Whether the Hub itself gave this answer, and not the host that it led to."""
    own = urlsplit(endpoint())
    url = answer.request.url
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return (url.host, port) == (own.hostname, own.port or {"http": 80, "https": 443}.get(own.scheme))


def linked_etag(answer: Any) -> str:
    """The file's id, as the Hub said it on the way. Empty where only another host spoke: its ETags are its own."""
    hops = [*answer.history, answer]
    for hop in hops:
        said = hop.headers.get("X-Linked-ETag") or (hop.headers.get("ETag") if came_from_hub(hop) else "")
        if said:
            return str(said).removeprefix("W/").strip('"')
    return ""

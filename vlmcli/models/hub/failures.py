"""What can go wrong between here and the Hub, as one sentence about the user's model and what to do next."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vlmcli.errors import HubUnreachable, ModelError, ModelGated, ModelNotFound, UsageError, VlmError
from vlmcli.models.hub.connection import endpoint, host, http_library, no_endpoint, page_of

TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529)
"""Statuses that say: not now."""


@contextmanager
def our_failures(repo_id: str) -> Iterator[None]:
    """What the library and its HTTP client raise as errors of ours; whatever else is raised goes through."""
    try:
        yield
    except VlmError:
        raise
    except Exception as error:
        found = explain(repo_id, error)
        if found is None:
            raise
        raise found from error


def explain(repo_id: str, error: Exception) -> VlmError | None:
    """The error of ours for one of theirs. None: it is no failure of the Hub or the way to it."""
    from huggingface_hub import errors

    http = http_library()
    if isinstance(error, errors.OfflineModeIsEnabled):
        return offline(repo_id)
    if isinstance(error, errors.HFValidationError):
        return no_repo_id(repo_id)
    if isinstance(error, errors.HfHubHTTPError):
        return refusal(repo_id, error.response)
    if isinstance(error, http.InvalidURL | http.UnsupportedProtocol):
        return no_endpoint()
    if isinstance(error, http.LocalProtocolError | UnicodeEncodeError):  # of all headers, this one is the user's
        return UsageError("The token in HF_TOKEN, or the stored one, is not one line of plain text.", _token_hint())
    if isinstance(error, http.HTTPError):
        return HubUnreachable(f"{repo_id} cannot be had: {reason_of(error)}.", _hint(error))
    return None


# --- refusals -----------------------------------------------------------------------------------------------


def refusal(repo_id: str, answer: Any) -> ModelError:
    """An answer of the Hub with a status of 400 or more."""
    status, code = answer.status_code, answer.headers.get("X-Error-Code", "")
    said = answer.headers.get("X-Error-Message", "")
    if code == "GatedRepo":
        return _gated(repo_id, has_token="Authorization" in answer.request.headers)
    if status == 401 and "credentials" in said.lower():
        return ModelGated(f"{host()} does not know the token in HF_TOKEN, or the stored one.", _token_hint())
    if code == "RevisionNotFound":
        return ModelNotFound(f"{repo_id} has no such revision.", f"Its branches: {page_of(repo_id)}/tree/main")
    if code == "EntryNotFound":
        return ModelNotFound(f"{repo_id} has no such file.", f"Its files: {page_of(repo_id)}/tree/main")
    if code == "RepoNotFound" or status in (401, 404):
        return ModelNotFound(
            f"There is no model {repo_id} at {host()}, or it is private.",
            f"Look for it: {endpoint()}/models?library=gguf\nFor a private one: {_token_hint()}",
        )
    if status == 403:
        return _gated(repo_id, has_token=True)
    if status in TRY_AGAIN:
        return HubUnreachable(f"{repo_id} cannot be had now: {host()} answers {status}.", f"Try again later.\n{_LOCAL}")
    return HubUnreachable(f"{repo_id} cannot be had: {host()} answers {status}.", _hint())


def _gated(repo_id: str, has_token: bool) -> ModelGated:
    last = "Your token must be of the account that accepted it." if has_token else f"Then: {_token_hint()}"
    return ModelGated(
        f"{repo_id} is only for those who accepted its licence.", f"Accept it at {page_of(repo_id)}\n{last}"
    )


def offline(repo_id: str) -> HubUnreachable:
    variable = "HF_HUB_OFFLINE" if os.environ.get("HF_HUB_OFFLINE") else "TRANSFORMERS_OFFLINE"
    return HubUnreachable(f"{repo_id} cannot be had: {variable} forbids asking the Hub.", f"unset {variable}\n{_LOCAL}")


def no_repo_id(repo_id: str) -> ModelNotFound:
    return ModelNotFound(f"{repo_id!r} is not the name of a repository.", "It looks like this: OWNER/NAME")


def no_hub(repo_id: str, said: str) -> HubUnreachable:
    """Something answers, and it is not the Hub."""
    return HubUnreachable(
        f"{repo_id} cannot be had: {host()} answers with {said}.",
        f"Perhaps this network wants you to log in first: open {endpoint()} in a browser.\n{_hint()}",
    )


# --- reasons ------------------------------------------------------------------------------------------------


def reason_of(error: BaseException) -> str:
    """Half a sentence, without a full stop: why no answer came, or why it broke off."""
    http = http_library()
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return f"the address of {_asked(error)} is not known"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {_asked(error)} is not valid ({cause.verify_message.rstrip('.')})"
        if isinstance(cause, ConnectionRefusedError):
            return f"{_asked(error)} refuses the connection"
    if isinstance(error, http.ProxyError):
        return f"the proxy does not let it through ({str(error).rstrip('.') or 'no reason given'})"
    if isinstance(error, http.TooManyRedirects):
        return f"{host()} leads on and on"
    if isinstance(error, http.TimeoutException):
        return f"{_asked(error)} does not answer"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return f"no encrypted connection to {_asked(error)} comes about"
    if isinstance(error, http.ConnectError):
        return f"there is no connection to {_asked(error)}"
    return "the connection broke off"


def is_hopeless(error: BaseException) -> bool:
    """Whether the same attempt, later, would end in the same way."""
    http = http_library()
    if isinstance(error, http.ProxyError | http.TooManyRedirects | http.UnsupportedProtocol | http.LocalProtocolError):
        return True
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _asked(error: BaseException) -> str:
    """The host that was asked: the Hub, or the one it led to. A client without a request does not say."""
    try:
        return str(error.request.url.host)  # type: ignore[attr-defined]
    except (AttributeError, RuntimeError):
        return host()


_LOCAL = "Models that are here work without it: vlm models"


def _token_hint() -> str:
    return f"export HF_TOKEN=hf_… (from {endpoint()}/settings/tokens)"


def _hint(error: Exception | None = None) -> str:
    http = http_library()
    first = "Another address, or a mirror: export HF_ENDPOINT=https://HOST"
    if os.environ.get("HF_ENDPOINT"):
        first = f"HF_ENDPOINT is {endpoint()}: is it right?  unset HF_ENDPOINT"
    if error and isinstance(error, http.ProxyError):
        first = "The proxy is named by HTTPS_PROXY, HTTP_PROXY or ALL_PROXY."
    elif error and any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        first = "Behind a proxy with a certificate of its own: export SSL_CERT_FILE=/path/to/its.pem"
    return f"{first}\n{_LOCAL}"

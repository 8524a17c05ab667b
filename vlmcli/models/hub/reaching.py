"""Whether the Hub can be asked just now: one short question, with the user's token and through the user's proxy."""

from __future__ import annotations

import time

from vlmcli.errors import HubUnreachable, ModelGated, VlmError
from vlmcli.models.hub.connection import check_variables, endpoint, headers, host, session, timeout_s
from vlmcli.models.hub.failures import explain, reason_of, refusal
from vlmcli.models.hub.layout import is_offline

_TOKEN_REFUSED = (401, 403)


def reach_hub(repo_id: str, patience_s: float) -> float:
    """Seconds until the Hub told of a repository. Raises HubUnreachable, ModelGated for a token that it does not
    know, UsageError for a variable that makes no sense."""
    check_variables()
    limit_s = min(patience_s, timeout_s())
    started = time.monotonic()
    http = session()
    try:
        answer = http.get(
            f"{endpoint()}/api/models/{repo_id}", headers=headers(), timeout=limit_s, follow_redirects=True
        )
    except VlmError:
        raise
    except Exception as error:
        raise _explained(repo_id, error) from error
    if answer.status_code in _TOKEN_REFUSED and isinstance(said := refusal(repo_id, answer), ModelGated):
        raise said
    if answer.status_code >= 500 or answer.status_code == 429:
        raise HubUnreachable(f"{host()} answers {answer.status_code}.", _LATER)
    if answer.status_code == 200 and "json" not in answer.headers.get("content-type", ""):
        raise HubUnreachable(
            f"{host()} answers with something that is not the Hub's.",
            f"Perhaps this network wants you to log in first: open {endpoint()} in a browser.",
        )
    return time.monotonic() - started


_LATER = "Try again later; models that are here work without it: vlm models --installed"


def _explained(repo_id: str, error: Exception) -> VlmError:
    found = explain(repo_id, error)
    if isinstance(found, HubUnreachable) and not is_offline():
        return HubUnreachable(f"It cannot be reached: {reason_of(error)}.", found.hint)
    return found or HubUnreachable(f"{type(error).__name__}: {str(error).rstrip('.')}.")

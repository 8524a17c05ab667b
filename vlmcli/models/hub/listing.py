"""What a repository holds, and the first bytes of one of its files, before anything of it is pulled."""

from __future__ import annotations

import json
import time
from typing import Any

from vlmcli import __version__
from vlmcli.errors import HubUnreachable
from vlmcli.models.hub.connection import (
    came_from_hub,
    check_variables,
    endpoint,
    headers,
    http_library,
    open_answer,
    session,
    timeout_s,
    url_of,
)
from vlmcli.models.hub.failures import TRY_AGAIN, explain, is_hopeless, no_hub, no_repo_id, offline, refusal
from vlmcli.models.hub.layout import is_offline
from vlmcli.models.hub.names import check_names, is_commit, is_inside, is_repo_id, is_revision
from vlmcli.models.hub.patience import Patience, asked_wait_s
from vlmcli.models.repository import RepoFile, Repository

_TRIES = 4
_LONGEST_WAIT_S = 30.0
"""For an answer that nobody sees being waited for."""


def list_repository(repo_id: str, revision: str = "main") -> Repository:
    """The files of a repository as the Hub lists them now, those that no system could store left out.

    Raises ModelNotFound, ModelGated, HubUnreachable, or UsageError for a variable that makes no sense.
    """
    if not is_repo_id(repo_id):
        raise no_repo_id(repo_id)
    if not is_revision(revision):
        raise no_repo_id(f"{repo_id}@{revision}")
    if is_offline():
        raise offline(repo_id)
    check_variables()
    info = _patiently(repo_id, lambda: _model_info(repo_id, revision))
    return _repository(repo_id, revision, info)


def read_start(repository: Repository, file: RepoFile, n_bytes: int) -> bytes:
    """The first `n_bytes` of a file (all of it where it is shorter), from the Hub. Raises like `list_repository`."""
    check_names(repository, (file,))
    if is_offline():
        raise offline(repository.id)
    wanted = min(n_bytes, file.size_bytes)
    return _patiently(repository.id, lambda: _first_bytes(repository, file, wanted)) if wanted > 0 else b""


# --- asking -------------------------------------------------------------------------------------------------


def _patiently(repo_id: str, ask: Any) -> Any:
    """What `ask` returns, asked again when the server wants time or the connection breaks."""
    from huggingface_hub.errors import HfHubHTTPError

    patience = Patience(_TRIES)
    while True:
        try:
            return ask()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise no_hub(repo_id, "something that is no list of files") from error
        except HfHubHTTPError as error:
            asked_s = asked_wait_s(error.response.headers)
            again, failure = error.response.status_code in TRY_AGAIN, error
        except http_library().HTTPError as error:
            again, asked_s, failure = _may_pass(error), None, error
        except Exception as error:
            if (found := explain(repo_id, error)) is None:
                raise
            raise found from error
        wait_s = patience.next_wait_s(asked_s) if again else None
        if wait_s is None or wait_s > _LONGEST_WAIT_S:
            raise explain(repo_id, failure) or failure from failure
        time.sleep(wait_s)


def _may_pass(error: Exception) -> bool:
    """A connection that broke, not one that never came about: without a network the answer shall come at once."""
    http = http_library()
    return not is_hopeless(error) and isinstance(error, http.ReadError | http.RemoteProtocolError)


def _model_info(repo_id: str, revision: str) -> Any:
    from huggingface_hub import HfApi

    session(), headers()  # while what is wrong with them can be said
    api = HfApi(endpoint=endpoint(), library_name="vlm", library_version=__version__)
    try:
        return api.model_info(repo_id, revision=revision, files_metadata=True, timeout=timeout_s())
    except (KeyError, TypeError, AttributeError) as error:  # JSON, but not the Hub's
        raise no_hub(repo_id, "something that is no list of files") from error


def _first_bytes(repository: Repository, file: RepoFile, n_bytes: int) -> bytes:
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

    with open_answer(url_of(repository.id, repository.commit, file.path), 0, n_bytes - 1) as answer:
        if answer.status_code >= 400 and came_from_hub(answer) and answer.status_code not in TRY_AGAIN:
            raise refusal(repository.id, answer)
        hf_raise_for_status(answer)
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise HubUnreachable(f"{file.path} cannot be read: the server compresses what was to come as it is.")
        start = bytearray()
        for chunk in answer.iter_raw():
            start += chunk
            if len(start) >= n_bytes:
                break
        return bytes(start[:n_bytes])


# --- the answer ---------------------------------------------------------------------------------------------


def _repository(repo_id: str, revision: str, info: Any) -> Repository:
    if not is_commit(info.sha or ""):
        raise no_hub(repo_id, "a commit that cannot be one")
    card = info.card_data
    licence = card.get("license") if card is not None else ""
    files = tuple(_file(sibling) for sibling in info.siblings or [] if is_inside(sibling.rfilename))
    # The name as it was asked for, also where the Hub knows it by another one now: the cache is by what was asked.
    return Repository(
        repo_id, info.sha, files, revision, licence if isinstance(licence, str) else "", gated=bool(info.gated)
    )


def _file(sibling: Any) -> RepoFile:
    if sibling.lfs:
        return RepoFile(sibling.rfilename, int(sibling.lfs.size), sha256=str(sibling.lfs.sha256))
    return RepoFile(sibling.rfilename, int(sibling.size or 0), blob_id=str(sibling.blob_id or ""))

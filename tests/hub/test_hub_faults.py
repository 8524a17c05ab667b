"""What a network does to a pull. In the end the file is whole and right, or there is none and a sentence says why."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.hub.conftest import FILES, REPO, WEIGHTS, Pull, here, partial_files
from tests.hub.server import Fault, HubServer
from vlmcli.errors import HubUnreachable, ModelDamaged, ModelError, ModelGated, ModelNotFound
from vlmcli.models.hub import Checking, Progress, Retrying, list_repository, patience, pull

MODEL = "model-Q4_K_M.gguf"


def ranges(hub: HubServer) -> list[str | None]:
    return [request.headers.get("range") for request in hub.gets("content")]


def break_off(hub: HubServer) -> None:
    """Leaves the first 700,000 bytes of the model here."""
    hub.fault = Fault(cut_after=700_000)
    repository = list_repository(REPO)
    events = pull(repository, [file for file in repository.files if file.path == MODEL])
    assert any(isinstance(event, Retrying) for event in events)
    events.close()  # type: ignore[attr-defined]
    hub.fault = None


# --- what is waited out -------------------------------------------------------------------------------------

PASSING = {
    "the connection is cut": Fault(cut_after=700_000, times=2),
    "it is cut before the first byte": Fault(cut_after=0, times=2),
    "it is closed without a word": Fault(drop=True, times=2),
    "the Hub closes it": Fault("resolve", drop=True, times=2),
    "less comes than the file has": Fault(short_by=1000),
    "no length, and too little": Fault(headers={"Content-Length": ""}, cut_after=5000),
    "the signed address expired": Fault(status=403, body=b"<Error>Request has expired</Error>", times=2),
    "the other host asks who we are": Fault(status=401),
    "the other host knows nothing of it yet": Fault(status=404),
    "busy": Fault(status=503, times=2),
    "busy, at the Hub": Fault("resolve", status=502, times=2),
    "too many requests": Fault(status=429, headers={"Retry-After": "0"}),
    "too many requests, at the Hub": Fault("resolve", status=429, headers={"Retry-After": "0"}),
    "it comes compressed": Fault(gzip=True),
    "it comes compressed, without a length": Fault(gzip=True, headers={"Content-Length": "", "Connection": "close"}),
    "a wrong length": Fault(headers={"Content-Length": "17"}, cut_after=17),
    "a web page for a file": Fault(status=200, headers={"Content-Type": "text/html"}, body=b"<html>Log in</html>"),
    "more than the file has": Fault(headers={"Content-Length": ""}, status=200, body=WEIGHTS + b"more"),
}


@pytest.mark.parametrize("name", PASSING)
def test_the_pull_goes_on(hub: HubServer, pull_all: Pull, cache: Path, name: str) -> None:
    from dataclasses import replace

    hub.add(REPO, FILES)
    hub.fault = replace(PASSING[name])
    events = pull_all(MODEL)
    assert hub.fault.times == 0, "the fault did not happen"
    assert here(MODEL) == WEIGHTS
    assert len([event for event in events if isinstance(event, Retrying)]) == PASSING[name].times
    assert not partial_files(cache)


def test_it_goes_on_where_it_was(hub: HubServer, pull_all: Pull) -> None:
    hub.add(REPO, FILES)
    hub.fault = Fault(cut_after=700_000, times=2)
    events = pull_all(MODEL)
    assert ranges(hub) == [None, "bytes=700000-", "bytes=1400000-"]
    assert hub.bytes_sent == len(WEIGHTS)
    done = [event.done_bytes for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    (first, _) = (event for event in events if isinstance(event, Retrying))
    assert (first.file.path, first.reason) == (MODEL, "the connection broke off")


def test_a_silent_server_is_asked_again(hub: HubServer, pull_all: Pull, quick_timeout: None) -> None:
    hub.add(REPO, FILES)
    hub.fault = Fault(stall_after=700_000, stall_s=5)
    (retrying,) = (event for event in pull_all(MODEL) if isinstance(event, Retrying))
    assert retrying.reason == "127.0.0.1 does not answer"
    assert ranges(hub) == [None, "bytes=700000-"]
    assert here(MODEL) == WEIGHTS


def test_each_attempt_asks_the_hub_for_a_new_address(hub: HubServer, pull_all: Pull) -> None:
    hub.add(REPO, FILES)
    repository = list_repository(REPO)
    hub.fault = Fault(cut_after=1_000_000)
    events = pull(repository, [file for file in repository.files if file.path == MODEL])
    for event in events:
        if isinstance(event, Retrying):
            hub.expire_links()
    assert here(MODEL) == WEIGHTS
    assert len({request.path for request in hub.gets("content")}) == 2


@pytest.mark.parametrize("fault", [Fault(ignore_range=True), Fault(ignore_range=True, headers={"Content-Length": ""})])
def test_a_server_without_ranges(hub: HubServer, pull_all: Pull, fault: Fault) -> None:
    """What is here already is skipped."""
    hub.add(REPO, FILES)
    if "Content-Length" in fault.headers:
        fault.headers = {"Content-Length": "", "Connection": "close"}
    hub.faults = [Fault(cut_after=700_000), fault]
    pull_all(MODEL)
    assert here(MODEL) == WEIGHTS
    assert hub.bytes_sent == len(WEIGHTS) + 700_000


@pytest.mark.parametrize(
    "wrong",
    [
        Fault(shift_range=100),
        Fault(headers={"Content-Range": "bytes 0-2047999/2048000"}),
        Fault(headers={"Content-Range": "bytes 700000-2047999/9999999"}),
        Fault(headers={"Content-Range": "nonsense"}),
        Fault(headers={"Content-Range": ""}),
        Fault(status=416, headers={"Content-Range": f"bytes */{len(WEIGHTS)}"}),
        Fault(status=206, body=b"x" * 10),
    ],
    ids=str,
)
def test_a_part_that_was_not_asked_for_is_not_taken(hub: HubServer, pull_all: Pull, wrong: Fault) -> None:
    hub.add(REPO, FILES)
    wrong.times = 1
    hub.faults = [Fault(cut_after=700_000), wrong]
    events = pull_all(MODEL)
    assert wrong.times == 0
    assert here(MODEL) == WEIGHTS
    assert len([event for event in events if isinstance(event, Retrying)]) == 2


def test_a_server_that_asks_for_patience_has_it(
    hub: HubServer, pull_all: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    hub.add(REPO, FILES)
    hub.faults = [
        Fault("resolve", status=429, headers={"Retry-After": "7"}),
        Fault("resolve", status=429, headers={"RateLimit": '"resolvers";r=0;t=55'}),
        Fault("resolve", status=503, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}),
    ]
    events = pull_all(MODEL)
    waits = [event.wait_s for event in events if isinstance(event, Retrying)]
    assert [round(wait_s) for wait_s in waits] == [7, 55, 0]
    assert [wait_s for wait_s in slept if wait_s in waits] == waits
    assert next(event.reason for event in events if isinstance(event, Retrying)) == "127.0.0.1 answers 429"


def test_progress_gives_patience_back(hub: HubServer, pull_all: Pull) -> None:
    """Far more interruptions than attempts, and each brought something."""
    hub.add(REPO, FILES)
    hub.fault = Fault(cut_after=100_000, times=20)
    pull_all(MODEL)
    assert here(MODEL) == WEIGHTS


def any_fault(chance: random.Random) -> Fault:
    at = chance.randrange(len(WEIGHTS))
    return chance.choice(
        [
            Fault(cut_after=at),
            Fault(cut_after=at, ignore_range=True),
            Fault(cut_after=at, headers={"Content-Length": "", "Connection": "close"}),
            Fault(short_by=chance.randrange(1, 1000)),
            Fault(shift_range=chance.randrange(1, 1000)),
            Fault(corrupt_at=at),
            Fault(corrupt_at=at, cut_after=chance.randrange(len(WEIGHTS))),
            Fault(gzip=True),
            Fault(status=chance.choice([403, 404, 416, 429, 500, 503])),
            Fault("resolve", status=chance.choice([429, 500, 502, 503])),
            Fault("resolve", drop=True),
        ]
    )


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_no_wrong_file_is_seen(hub: HubServer, pull_all: Pull, seed: int) -> None:
    """And after as many pulls as it takes, the right one is there."""
    hub.add(REPO, FILES)
    chance = random.Random(seed)
    hub.faults = [any_fault(chance) for _ in range(chance.randrange(1, 9))]
    for _ in range(20):
        try:
            pull_all(MODEL)
            break
        except ModelError:
            assert here(MODEL) is None
    assert here(MODEL) == WEIGHTS


# --- what ends a pull ---------------------------------------------------------------------------------------


def test_patience_ends_without_progress(hub: HubServer, pull_all: Pull, cache: Path) -> None:
    hub.add(REPO, FILES)
    hub.faults = [Fault(cut_after=700_000), Fault(cut_after=0, times=-1)]
    with pytest.raises(HubUnreachable) as failure:
        pull_all(MODEL)
    assert str(failure.value) == f"{MODEL} of {REPO} does not come any further: the connection broke off."
    assert "700,000 bytes" in failure.value.hint
    assert len(hub.gets("content")) == patience.TRIES
    (partial,) = partial_files(cache)
    assert partial.read_bytes() == WEIGHTS[:700_000]
    hub.fault = None
    events = pull_all(MODEL)
    assert here(MODEL) == WEIGHTS
    assert [event.done_bytes for event in events if isinstance(event, Checking)][-1] == 700_000


def test_nobody_waits_for_an_hour(hub: HubServer, pull_all: Pull) -> None:
    hub.add(REPO, FILES)
    hub.fault = Fault("resolve", status=429, headers={"Retry-After": "3600"}, times=-1)
    with pytest.raises(HubUnreachable, match=r"answers 429 and asks to wait 3600 seconds\."):
        pull_all(MODEL)
    assert len(hub.gets(path="resolve")) == 1


@pytest.mark.parametrize("at", [0, 1_000_000, len(WEIGHTS) - 1])
def test_a_wrong_byte_is_found(hub: HubServer, pull_all: Pull, cache: Path, at: int) -> None:
    hub.add(REPO, FILES)
    hub.fault = Fault(corrupt_at=at)
    with pytest.raises(ModelDamaged) as failure:
        pull_all(MODEL)
    assert str(failure.value) == f"{MODEL} of {REPO} came with wrong bytes: its checksum is not the Hub's."
    assert "starts from the beginning" in failure.value.hint
    assert here(MODEL) is None
    assert not partial_files(cache)
    assert not list((cache / "models--someone--model" / "blobs").iterdir())
    hub.forget()
    pull_all(MODEL)
    assert (here(MODEL), hub.bytes_sent) == (WEIGHTS, len(WEIGHTS))


def test_a_wrong_byte_in_a_small_file_is_found(hub: HubServer, pull_all: Pull) -> None:
    """By git's id, where there is no SHA-256."""
    hub.add(REPO, FILES)
    hub.fault = Fault(corrupt_at=2, path="README.md")
    with pytest.raises(ModelDamaged):
        pull_all("README.md")
    assert here("README.md") is None


def test_a_wrong_byte_in_what_lies_here_is_found(hub: HubServer, pull_all: Pull, cache: Path) -> None:
    hub.add(REPO, FILES)
    break_off(hub)
    (partial,) = partial_files(cache)
    partial.write_bytes(b"?" + partial.read_bytes()[1:])
    with pytest.raises(ModelDamaged):
        pull_all(MODEL)
    assert not partial_files(cache)


def test_a_partial_that_is_too_long_is_begun_again(hub: HubServer, pull_all: Pull, cache: Path) -> None:
    hub.add(REPO, FILES)
    break_off(hub)
    (partial,) = partial_files(cache)
    partial.write_bytes(WEIGHTS + b"and more")
    hub.forget()
    pull_all(MODEL)
    assert (here(MODEL), ranges(hub)) == (WEIGHTS, [None])


def test_a_partial_that_is_whole_needs_no_network(hub: HubServer, pull_all: Pull, cache: Path) -> None:
    hub.add(REPO, FILES)
    break_off(hub)
    (partial,) = partial_files(cache)
    partial.write_bytes(WEIGHTS)
    hub.forget()
    pull_all(MODEL)
    assert here(MODEL) == WEIGHTS
    assert not hub.gets(path="resolve")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("resolve", headers={"X-Linked-ETag": f'"{"0" * 64}"'}),
        Fault("content", status=416, headers={"Content-Range": "bytes */17"}),
    ],
    ids=["the id", "the size"],
)
def test_a_file_that_changed_meanwhile_is_not_taken(hub: HubServer, pull_all: Pull, fault: Fault) -> None:
    hub.add(REPO, FILES)
    fault.times = 1
    hub.fault = fault
    with pytest.raises(ModelDamaged, match="is another file now"):
        pull_all(MODEL)
    assert here(MODEL) is None


def test_a_file_that_changed_between_two_pulls_starts_again(hub: HubServer, pull_all: Pull, cache: Path) -> None:
    hub.add(REPO, FILES)
    break_off(hub)
    other = bytes(reversed(WEIGHTS))
    hub.add(REPO, FILES | {MODEL: other})
    hub.forget()
    pull_all(MODEL)
    assert (here(MODEL), ranges(hub)) == (other, [None])
    assert [path.stat().st_size for path in partial_files(cache)] == [700_000]


def test_the_licence_was_not_accepted(
    hub: HubServer, cache: Path, pull_all: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is everybody's; the files are not."""
    hub.add(REPO, FILES, gated=True)
    assert list_repository(REPO).gated
    with pytest.raises(ModelGated) as failure:
        pull_all(MODEL)
    assert str(failure.value) == f"{REPO} is only for those who accepted its licence."
    assert failure.value.hint.startswith(f"Accept it at {hub.url}/{REPO}\nThen: export HF_TOKEN=hf_…")
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    with pytest.raises(ModelGated) as failure:
        pull_all(MODEL)
    assert "of the account that accepted it" in failure.value.hint
    assert not partial_files(cache)


def test_a_file_that_went(hub: HubServer) -> None:
    hub.add(REPO, FILES)
    repository = list_repository(REPO)
    hub.repositories[REPO].commits[repository.commit].clear()
    with pytest.raises(ModelNotFound, match=r"^someone/model has no such file\.$"):
        list(pull(repository, repository.files))


def test_offline_pulls_nothing_and_uses_what_is_here(
    hub: HubServer, pull_all: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, FILES)
    pull_all("README.md")
    repository = list_repository(REPO)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub.forget()
    readme = [file for file in repository.files if file.path == "README.md"]
    assert [type(event).__name__ for event in pull(repository, readme)] == ["Begun", "Pulled"]
    with pytest.raises(HubUnreachable) as failure:
        list(pull(repository, repository.files))
    assert str(failure.value) == f"{REPO} cannot be had: HF_HUB_OFFLINE forbids asking the Hub."
    assert not hub.requests

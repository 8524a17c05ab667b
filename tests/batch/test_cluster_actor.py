"""The worker's side and the options, without Ray: what a worker says, of what it lacks too."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PATIENCE_S
from vlmcli import Vlm, errors
from vlmcli.batch.cluster import connecting
from vlmcli.batch.cluster.actor import Actor, Bye, Ready
from vlmcli.batch.messages import Ask, Begun, Done, GaveUp, NoMore, Start
from vlmcli.batch.serving import Serving
from vlmcli.cli import cluster
from vlmcli.images.wishes import NONE
from vlmcli.tasks import TaskOptions

START = Start(partial(Vlm, "demo", cache=False), "describe", (TaskOptions(max_tokens=3),), NONE, "demo")


@pytest.fixture(autouse=True)
def unchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A worker goes to another folder, and we come back."""
    monkeypatch.chdir(tmp_path)


def said(actor: Actor, last: type) -> Iterator[Any]:
    while True:
        for message in actor.hear():
            yield message
            if isinstance(message, last):
                return


def test_a_worker_answers_without_being_told_to_pause(fill: Callable[..., list[str]]) -> None:
    names = fill(2)
    actor = Actor(START, os.getcwd(), 1)
    actor.take([Ask(7, names[0], 0), Ask(8, "photos/gone.png", 0)])
    heard = []
    while sum(isinstance(message, Done) for message in heard) < 2:
        heard += actor.hear()
    assert isinstance(heard[0], Ready)
    assert {message.number for message in heard if isinstance(message, Begun)} == {7, 8}
    done = {message.number: message for message in heard if isinstance(message, Done)}
    assert done[7].record.text
    assert len(done[7].sha256) == 64
    assert isinstance(done[8].record.error, errors.PictureNotFound)
    actor.take([NoMore()])
    assert list(said(actor, Bye))


def test_a_picture_that_nobody_can_read_is_told_of_though_no_other_comes() -> None:
    heard: list[Any] = []
    done = threading.Event()

    def tell(message: Any) -> None:
        heard.append(message)
        if isinstance(message, Done):
            done.set()

    serving = Serving(START, tell, waits=False)
    threading.Thread(target=serving.serve, daemon=True).start()
    serving.take(Ask(7, "gone.png", 0))
    assert done.wait(PATIENCE_S)
    assert (heard[-1].number, type(heard[-1].record.error)) == (7, errors.PictureNotFound)
    serving.take(NoMore())


def test_another_model_of_that_name_is_refused() -> None:
    actor = Actor(replace(START, fingerprint="another"), os.getcwd(), 1)
    (gave_up,) = said(actor, GaveUp)
    assert gave_up.error.exit_code == errors.EXIT_MODEL
    assert f"(on {platform.node()}, a worker of the cluster)." in gave_up.error.sentence
    assert gave_up.error.hint.endswith("vlm pull demo")


def test_a_model_that_is_not_there_is_said() -> None:
    actor = Actor(replace(START, open=partial(Vlm, "llava-1.5-7b", cache=False)), os.getcwd(), 1)
    (gave_up,) = said(actor, GaveUp)
    assert isinstance(gave_up.error, errors.ModelNotHere)
    assert "a worker of the cluster" in gave_up.error.sentence


def test_a_folder_that_it_does_not_see_is_said_once_and_for_all(fill: Callable[..., list[str]]) -> None:
    names = fill(1)
    actor = Actor(START, "/nowhere/at/all", 1)
    actor.take([Ask(1, os.path.abspath(names[0]), 0), Ask(2, "data:,x", 0), Ask(3, "x.png", 0, b"bytes")])
    assert not any(isinstance(message, GaveUp) for message in said(actor, Done))
    actor.take([Ask(4, "photos/1.png", 0)])
    *_, gave_up = said(actor, GaveUp)
    assert "does not see the folder /nowhere/at/all." in gave_up.error.sentence


def test_a_worker_fetches_a_model_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    monkeypatch.setattr("vlmcli.models.fetching.pull", fetched.append)

    def open_model() -> Vlm:
        if not fetched:
            raise errors.ModelNotHere("It is not here.", name="llava")
        return Vlm("demo", cache=False)

    assert cluster.fetching(open_model).model == "demo"
    assert fetched == ["llava"]


# --- options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", [["--ray-workers", "2"], ["--ray-address", "auto"], ["--ray-pull"]])
def test_options_about_a_cluster_want_one(
    vlm: Callable[..., Any], fill: Callable[..., list[str]], option: list[str]
) -> None:
    fill(2)
    result = vlm("describe", "photos", "-r", "--model", "demo", "-o", "x.jsonl", *option)
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr == f"vlm: {option[0]} is about a Ray cluster, and none is asked.\n  --engine ray\n"


def test_without_ray_the_command_that_brings_it_is_named(
    vlm: Callable[..., Any], fill: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(2)
    monkeypatch.setattr(connecting, "find_spec", lambda name: None)
    result = vlm("describe", "photos", "-r", "--model", "demo", "-o", "x.jsonl", "--engine", "ray")
    assert (result.code, result.stderr) == (
        errors.EXIT_ENGINE,
        "vlm: --engine ray needs Ray, which is not installed.\n  pip install 'vlmcli[ray]'\n",
    )
    assert not Path("x.jsonl").exists()


def test_one_question_is_not_for_a_cluster(vlm: Callable[..., Any], fill: Callable[..., list[str]]) -> None:
    (name,) = fill(1)
    result = vlm("describe", name, "--model", "demo", "--engine", "ray")
    assert result.code == 2
    assert "many pictures into a file" in result.stderr
    with pytest.raises(errors.UsageError):
        Vlm("demo", engine="ray")


def test_the_settings_file_may_name_it(
    vlm: Callable[..., Any], fill: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(2)
    monkeypatch.setattr(connecting, "find_spec", lambda name: None)
    monkeypatch.setenv("VLM_ENGINE", "ray")
    assert "needs Ray" in vlm("describe", "photos", "-r", "--model", "demo", "-o", "x.jsonl").stderr
    assert vlm("describe", "photos", "-r", "--model", "demo", "-o", "x.jsonl", "--engine", "llama").code == 0

"""`--engine ray`: the same job, answered by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vlmcli.batch.process import EngineProcess, OpenAside
from vlmcli.cli.options import Common, Folder
from vlmcli.config import LOCAL, RAY, load_settings
from vlmcli.errors import ModelNotHere, UsageError

if TYPE_CHECKING:
    from vlmcli.api import Vlm

_AHEAD_EACH = 8
"""Pictures on their way for each worker: some wait there, some are on the road."""
_MOST_WORKERS = 256


def is_on_ray(common: Common) -> bool:
    return (common.engine or load_settings().engine) == RAY


def as_on_workers(common: Common) -> Common:
    """What the same options say on a worker, which has llama.cpp."""
    return replace(common, engine=LOCAL)


def check_ray_options(common: Common, folder: Folder) -> None:
    """Raises UsageError for options about Ray without it, and EngineError where it is not installed."""
    given = {
        "--ray-address": folder.ray_address,
        "--ray-workers": folder.ray_workers,
        "--ray-cpus": folder.ray_cpus,
        "--ray-gpus": folder.ray_gpus,
        "--ray-pull": folder.ray_pull or None,
    }
    named = [option for option, value in given.items() if value is not None]
    if not is_on_ray(common):
        if named:
            raise UsageError(f"{named[0]} is about a Ray cluster, and none is asked.", "--engine ray")
        return
    from vlmcli.batch.cluster.connecting import check_ray

    check_ray()


def open_aside(common: Common, folder: Folder) -> tuple[OpenAside, int | None]:
    """Where the pictures are answered, and how many may be on their way there; None: as usual."""
    if not is_on_ray(common):
        return EngineProcess, None
    from vlmcli.batch.cluster.shape import ClusterSettings
    from vlmcli.batch.cluster.workers import RayWorkers

    settings = ClusterSettings(folder.ray_address or "", folder.ray_workers, folder.ray_cpus, folder.ray_gpus)
    return partial(RayWorkers, settings=settings), _AHEAD_EACH * (folder.ray_workers or _MOST_WORKERS)


def fetching(open_model: Callable[[], Vlm]) -> Vlm:
    """The model; fetched first where it is not here. For `--ray-pull`, on a worker."""
    from vlmcli.models.fetching import pull

    try:
        return open_model()
    except ModelNotHere as error:
        pull(error.name)
        return open_model()

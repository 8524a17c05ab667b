"""To a Ray cluster that is there, or to one of our own on this machine, without a word of Ray's on the terminal."""

from __future__ import annotations

import contextlib
import os
import socket
from importlib.util import find_spec
from typing import Any

from vlmcli.errors import EngineError

_OBJECT_STORE_BYTES = 80 << 20
"""Ray's least: what we say to workers is small, and pictures are read where they are needed."""
_LOOK_S = 5.0

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_PROMPT_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_prestart_worker_first_driver": "0",
}


def check_ray() -> None:
    """Raises EngineError where Ray is not installed."""
    if find_spec("ray") is None:
        raise EngineError("--engine ray needs Ray, which is not installed.", "pip install 'vlmcli[ray]'")


def connect(address: str, verbose: bool) -> Any:
    """The module `ray`, connected. Raises EngineError."""
    check_ray()
    for name, value in _QUIET.items():
        if not verbose:
            os.environ.setdefault(name, value)
    import logging

    import ray

    address = address or os.environ.get("RAY_ADDRESS", "")
    if address:
        _look(address)
    own: dict[str, Any] = {"object_store_memory": _OBJECT_STORE_BYTES, "include_dashboard": False}
    try:
        ray.init(
            address or "local",
            log_to_driver=verbose,
            logging_level=logging.INFO if verbose else logging.CRITICAL,
            **({} if address else own),
        )
    except Exception as error:
        raise _not_connected(address, error) from error
    return ray


def disconnect(ray: Any) -> None:
    with contextlib.suppress(Exception):
        ray.shutdown()


def _look(address: str) -> None:
    """Whether somebody listens there: Ray itself would try for a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _LOOK_S).close()
    except OSError as error:
        raise _not_connected(address, error) from error


def _not_connected(address: str, error: Exception) -> EngineError:
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__).rstrip(".")
    if not address:
        return EngineError(f"Ray cannot be started on this machine: {said}.", "Look with --verbose at what it says.")
    if isinstance(error, OSError):
        where = "No Ray cluster runs on this machine" if address == "auto" else f"No Ray cluster answers at {address}"
        return EngineError(f"{where}.", "Start one: ray start --head, or leave out --ray-address")
    return EngineError(f"The Ray cluster at {address} does not take us: {said}.", "See how it is: ray status")

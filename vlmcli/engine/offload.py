"""What of a model goes where: its last layers and the projector on GPUs, the rest with the processor. Pure arithmetic.

A unit is a layer or, last of all, the output. llama.cpp puts the last n units on the GPUs, in the order of these, each
with its share of the KV; what stays is computed by the processor. Each device in use needs room to compute in as well.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from vlmcli.core import Device
from vlmcli.engine.offload_wish import OffloadWish
from vlmcli.engine.placement import F16, Q8_0, ModelSizes, OffloadPlan, kv_bytes
from vlmcli.errors import DoesNotFit, GpuNotToBeHad

_LEAST_MARGIN_BYTES, _MARGIN = 512 << 20, 1 / 16
"""Left free on a GPU: for what its driver takes beside our buffers, and for the screen."""
LEAST_CONTEXT_TOKENS = 1024
"""A picture, a question, and a short answer."""


@dataclass(frozen=True, slots=True)
class _Room:
    """What may be filled: usable bytes of each GPU, and of the machine (None: not known)."""

    gpus: tuple[int, ...]
    host: int | None
    shared: tuple[bool, ...]
    """GPUs whose memory is the machine's."""


def usable_bytes(device: Device) -> int:
    """Of a GPU, with a margin left."""
    return max(device.free_bytes - max(_LEAST_MARGIN_BYTES, int(device.free_bytes * _MARGIN)), 0)


def plan_offload(
    sizes: ModelSizes,
    gpus: Sequence[Device],
    wish: OffloadWish,
    *,
    host_free_bytes: int,
    context_tokens: int,
    kv_type: str = F16,
    may_shrink_kv: bool = False,
    check_host: bool = True,
) -> OffloadPlan:
    """As many layers as fit, and the projector where that costs none of them.

    What stays must fit into the machine's memory (0: not known): else a smaller type of KV, where that may be, and a
    smaller context. How many layers go on GPUs is decided before that, so more memory never means fewer of them.
    Raises GpuNotToBeHad for what was asked for and does not fit, DoesNotFit where nothing does.
    """
    room = _Room(
        tuple(map(usable_bytes, gpus)), host_free_bytes if check_host and host_free_bytes else None, _shared(gpus)
    )
    first = OffloadPlan(tuple(gpu.name for gpu in gpus), (0,) * len(gpus), "", kv_type, context_tokens)
    plan = _with_layers(sizes, room, wish, first)
    if wish.projector and not plan.projector:
        raise _no_room("the projector", sizes.projector_bytes, gpus)
    if wish.must_be_had and plan.n_layers < min(wish.most_layers, len(sizes.units)):
        raise _no_room(f"{_wanted(wish, sizes)} of the model", _bytes_of_last(sizes, wish, plan), gpus)
    if wish.must_be_had and wish.gpu == "all" and wish.projector is None and not plan.projector:
        raise _no_room("the whole model with its projector", sizes.total_bytes, gpus)
    return _within_host(sizes, room, plan, may_shrink_kv)


def step_down(plan: OffloadPlan, wish: OffloadWish) -> OffloadWish | None:
    """What to wish for when `plan` could not be allocated after all; None when nothing is left to give up.

    The projector goes first, unless it must be had, then an eighth of the layers at a time.
    """
    if plan.projector and not wish.projector:
        return replace(wish, projector=False)
    if plan.n_layers:
        return replace(wish, gpu=str(plan.n_layers - max(plan.n_layers // 8, 1)))
    return None


def room_for_kv(plan: OffloadPlan, sizes: ModelSizes, free_bytes: Sequence[int], host_free_bytes: int) -> int:
    """Bytes of KV in all that the fullest device leaves room for, each with its part of it. 0: not known."""
    total = sum(sizes.kv_units)
    parts = [*_parts(sizes.kv_units, plan.counts), sum(sizes.kv_units[: len(sizes.units) - plan.n_layers])]
    rooms = [free * total // part for part, free in zip(parts, [*free_bytes, host_free_bytes], strict=True) if part]
    return min(rooms, default=0)


# --- layers -------------------------------------------------------------------------------------------------


def _with_layers(sizes: ModelSizes, room: _Room, wish: OffloadWish, plan: OffloadPlan) -> OffloadPlan:
    most = min(wish.most_layers, len(sizes.units)) if plan.devices and wish.gpu != "off" else 0
    reserved = sizes.projector_bytes if wish.projector else 0
    for count in range(most, -1, -1):
        counts = _assign(sizes, room, wish, plan, count, reserved)
        if counts is None:
            continue
        plan = replace(plan, counts=counts, margins_bytes=_left(sizes, room, plan, counts))
        return plan if wish.projector is False or wish.gpu == "off" else _with_projector(sizes, plan)
    return replace(plan, margins_bytes=room.gpus)


def _with_projector(sizes: ModelSizes, plan: OffloadPlan) -> OffloadPlan:
    """On the first GPU that has room left for it."""
    for number, left in enumerate(plan.margins_bytes):
        if left >= sizes.projector_bytes:
            margins = list(plan.margins_bytes)
            margins[number] -= sizes.projector_bytes
            return replace(plan, projector=plan.devices[number], margins_bytes=tuple(margins))
    return plan


def _assign(
    sizes: ModelSizes, room: _Room, wish: OffloadWish, plan: OffloadPlan, count: int, reserved: int
) -> tuple[int, ...] | None:
    """The last `count` units among the GPUs; None when they do not fit. `reserved`: for the projector."""
    shares = wish.tensor_split[: len(plan.devices)]
    if sum(shares):
        counts = _by_shares(count, [*shares, *[0.0] * (len(plan.devices) - len(shares))])
    else:
        counts = _in_order(sizes, room, plan, count, reserved)
    left = _left(sizes, room, plan, counts)
    fits = sum(counts) == count and all(size >= 0 for size in left)
    return counts if fits and (not reserved or max(left, default=0) >= reserved) else None


def _in_order(sizes: ModelSizes, room: _Room, plan: OffloadPlan, count: int, reserved: int) -> tuple[int, ...]:
    """Each GPU takes as many of the units as it has room for, the first one first (less what is reserved on it)."""
    units = _costs(sizes, plan)[len(sizes.units) - count :]
    counts, at = [], 0
    for number, free in enumerate(room.gpus):
        free -= sizes.compute_bytes + (0 if number else reserved)
        start = at
        while at < len(units) and units[at] <= free:
            free -= units[at]
            at += 1
        counts.append(at - start)
    return tuple(counts)


def _by_shares(count: int, shares: Sequence[float]) -> tuple[int, ...]:
    """As llama.cpp splits units: by where each stands among them."""
    ends = [end / sum(shares) for end in accumulate(shares)]
    places = [min(bisect_right(ends, number / count), len(shares) - 1) for number in range(count)]
    return tuple(places.count(number) for number in range(len(shares)))


def _left(sizes: ModelSizes, room: _Room, plan: OffloadPlan, counts: Sequence[int]) -> tuple[int, ...]:
    """Bytes that stay free on each GPU."""
    used = _parts(_costs(sizes, plan), counts)
    return tuple(
        free - (part + sizes.compute_bytes if count else 0)
        for free, part, count in zip(room.gpus, used, counts, strict=True)
    )


def _costs(sizes: ModelSizes, plan: OffloadPlan) -> list[int]:
    """Of each unit, with its KV."""
    return [
        size + kv_bytes(kv * plan.context_tokens, plan.kv_type)
        for size, kv in zip(sizes.units, sizes.kv_units, strict=True)
    ]


def _parts(values: Sequence[int], counts: Sequence[int]) -> list[int]:
    """Sums of the last units as they are dealt out."""
    ends = list(accumulate(counts, initial=len(values) - sum(counts)))
    return [sum(values[start:end]) for start, end in pairwise(ends)]


# --- the machine --------------------------------------------------------------------------------------------


def _within_host(sizes: ModelSizes, room: _Room, plan: OffloadPlan, may_shrink_kv: bool) -> OffloadPlan:
    if room.host is None:
        return plan
    types = [plan.kv_type] + ([Q8_0] if may_shrink_kv and plan.kv_type != Q8_0 else [])
    smallest = replace(plan, kv_type=types[-1])
    steps = [replace(plan, kv_type=kv_type) for kv_type in types]
    while smallest.context_tokens > LEAST_CONTEXT_TOKENS:
        smallest = replace(smallest, context_tokens=max(smallest.context_tokens // 2, LEAST_CONTEXT_TOKENS))
        steps.append(smallest)
    on_gpus = zip(room.gpus, plan.margins_bytes, room.shared, strict=True)
    shared = sum(free - left for free, left, is_shared in on_gpus if is_shared)
    for step in steps:
        if host_bytes(sizes, step) + shared <= room.host:
            return step
    raise _does_not_fit(host_bytes(sizes, steps[-1]) + shared, room.host, 0 if shared else plan.n_layers)


def _shared(gpus: Sequence[Device]) -> tuple[bool, ...]:
    return tuple(gpu.is_integrated for gpu in gpus)


def host_bytes(sizes: ModelSizes, plan: OffloadPlan) -> int:
    """What the machine's own memory must hold."""
    stays = len(sizes.units) - plan.n_layers
    projector = 0 if plan.projector else sizes.projector_bytes
    return sum(_costs(sizes, plan)[:stays]) + sizes.rest_bytes + sizes.compute_bytes + projector


# --- sentences ----------------------------------------------------------------------------------------------


def _does_not_fit(needed: int, free: int, n_layers: int) -> DoesNotFit:
    beside = f" beside the {n_layers} layers on the GPU" if n_layers else ""
    return DoesNotFit(
        f"The model needs {_size(needed)} of memory{beside}, and {_size(free)} are free.",
        "Choose a smaller model or quantization (NAME:Q4_K_M): vlm models. To try all the same: --no-memory-check",
    )


def _no_room(what: str, needed: int, gpus: Sequence[Device]) -> GpuNotToBeHad:
    free = ", ".join(f"{gpu.name} has {_size(usable_bytes(gpu))} to give" for gpu in gpus) or "no GPU is in use"
    return GpuNotToBeHad(
        f"The GPU has no room for {what}: it needs {_size(needed)} with its context, and {free}.",
        "As much as fits: --gpu auto. In less memory: --kv-type q8_0, or a smaller quantization",
    )


def _wanted(wish: OffloadWish, sizes: ModelSizes) -> str:
    return "all layers" if wish.gpu == "all" else f"{min(wish.most_layers, len(sizes.units))} layers"


def _bytes_of_last(sizes: ModelSizes, wish: OffloadWish, plan: OffloadPlan) -> int:
    count = min(wish.most_layers, len(sizes.units))
    return sum(_costs(sizes, plan)[len(sizes.units) - count :]) + sizes.compute_bytes


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"

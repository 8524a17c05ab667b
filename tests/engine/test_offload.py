"""What goes on GPUs: by its own numbers it always fits, and more memory never means fewer layers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from vlmcli.core import Device
from vlmcli.engine.offload import (
    LEAST_CONTEXT_TOKENS,
    host_bytes,
    plan_offload,
    room_for_kv,
    step_down,
    usable_bytes,
)
from vlmcli.engine.offload_wish import OffloadWish, parse_kv_type, parse_wish
from vlmcli.engine.placement import ModelSizes, OffloadPlan, kv_bytes
from vlmcli.errors import DoesNotFit, GpuNotToBeHad, UsageError, VlmError

GB, MB = 10**9, 10**6
AUTO = OffloadWish()
# A 7B decoder at 4 bits with a CLIP projector: 32 layers of 120 MB, an output of 100 MB, 4 KB of KV a token and layer.
LLAVA = ModelSizes((*[120 * MB] * 32, 100 * MB), (*[4096] * 32, 0), 80 * MB, 200 * MB, 700 * MB)


def gpu(free: int, number: int = 0) -> Device:
    return Device(f"CUDA{number}", "A GPU", True, free, free)


def plan(
    sizes: ModelSizes = LLAVA, *frees: int, wish: OffloadWish = AUTO, host: int = 0, **more: object
) -> OffloadPlan:
    gpus = [gpu(free, number) for number, free in enumerate(frees)]
    options = {"context_tokens": 4096, **more}
    return plan_offload(sizes, gpus, wish, host_free_bytes=host, **options)  # type: ignore[arg-type]


model_sizes = some.builds(
    lambda units, output, kv, rest, compute, projector: ModelSizes(
        (*units, output), (*[kv] * len(units), 0), rest, compute, projector
    ),
    some.lists(some.integers(1, 900 * MB), min_size=1, max_size=40),
    some.integers(1, GB),
    some.sampled_from([0, 256, 4096, 16384]),
    some.integers(0, GB),
    some.integers(0, GB),
    some.integers(0, 2 * GB),
)
memories = some.integers(0, 40 * GB)
wishes = some.builds(
    OffloadWish,
    some.one_of(some.sampled_from(["auto", "off", "all"]), some.integers(1, 50).map(str)),
    tensor_split=some.sampled_from([(), (1.0,), (3.0, 1.0), (1.0, 0.0, 2.0)]),
    projector=some.sampled_from([None, None, True, False]),
)


@settings(max_examples=400, deadline=None)
@given(
    model_sizes, some.lists(memories, max_size=3), wishes, memories, some.sampled_from(["f16", "q8_0"]), some.booleans()
)
def test_what_is_chosen_fits(
    sizes: ModelSizes, frees: list[int], wish: OffloadWish, host: int, kv_type: str, shrink: bool
) -> None:
    try:
        made = plan(sizes, *frees, wish=wish, host=host, kv_type=kv_type, may_shrink_kv=shrink)
    except VlmError:
        return
    at = len(sizes.units) - made.n_layers
    for number, free in enumerate(frees):
        part = range(at, at + made.counts[number])
        used = sum(sizes.units[i] + kv_bytes(sizes.kv_units[i] * made.context_tokens, made.kv_type) for i in part)
        used += sizes.compute_bytes if part else 0
        used += sizes.projector_bytes if made.projector == f"CUDA{number}" else 0
        assert used <= usable_bytes(gpu(free))
        assert used + made.margins_bytes[number] <= usable_bytes(gpu(free))
        at += made.counts[number]
    assert at == len(sizes.units), "all that is on a GPU is the last of it"
    assert not host or host_bytes(sizes, made) <= host
    assert LEAST_CONTEXT_TOKENS <= made.context_tokens <= 4096
    assert made.kv_type == kv_type or shrink
    if wish.gpu == "off":
        assert (made.n_layers, made.projector) == (0, "")
    if wish.gpu == "all":
        assert made.n_layers == len(sizes.units)
    if wish.projector is not None and wish.gpu != "off":
        assert bool(made.projector) == wish.projector


@settings(max_examples=400, deadline=None)
@given(
    model_sizes,
    some.lists(some.tuples(memories, some.integers(0, 4 * GB)), max_size=3),
    wishes,
    some.tuples(memories, some.integers(0, 8 * GB)),
    some.booleans(),
)
def test_more_memory_never_means_fewer_layers(
    sizes: ModelSizes, memory: list[tuple[int, int]], wish: OffloadWish, host: tuple[int, int], shrink: bool
) -> None:
    less, more = [free for free, _ in memory], [free + extra for free, extra in memory]
    try:
        before = plan(sizes, *less, wish=wish, host=host[0] or 1, may_shrink_kv=shrink)
    except VlmError:
        return
    after = plan(sizes, *more, wish=wish, host=(host[0] or 1) + host[1], may_shrink_kv=shrink)
    assert after.n_layers >= before.n_layers
    assert after.context_tokens >= before.context_tokens


@settings(max_examples=200, deadline=None)
@given(model_sizes, some.lists(memories, min_size=1, max_size=3), some.booleans())
def test_steps_down_end_with_the_processor(sizes: ModelSizes, frees: list[int], split: bool) -> None:
    wish: OffloadWish | None = OffloadWish(tensor_split=(1.0, 1.0) if split else ())
    found: list[tuple[int, bool]] = []
    while wish is not None:
        made = plan(sizes, *frees, wish=wish)
        found.append((made.n_layers, bool(made.projector)))
        wish = step_down(made, wish)
    assert found[-1] == (0, False)
    assert found == sorted(set(found), reverse=True), "each is less than the one before"
    assert len(found) < 60


def test_a_projector_that_must_be_had_stays_when_layers_step_down() -> None:
    wish: OffloadWish | None = OffloadWish(projector=True)
    layers = []
    while wish is not None:
        made = plan(LLAVA, 24 * GB, wish=wish)
        assert made.projector == "CUDA0"
        layers.append(made.n_layers)
        wish = step_down(made, wish)
    assert (layers[0], layers[-1]) == (33, 0)


@pytest.mark.parametrize(
    ("free", "layers", "projector"),
    [(0, 0, ""), (24 * GB, 33, "CUDA0"), (6 * GB, 33, "CUDA0"), (5.6 * GB, 33, ""), (3 * GB, 16, "")],
)
def test_a_7b_model(free: float, layers: int, projector: str) -> None:
    made = plan(LLAVA, int(free))
    assert (made.n_layers, made.projector) == (layers, projector)


def test_two_gpus_take_what_they_have_room_for() -> None:
    assert plan(LLAVA, 3 * GB, 6 * GB).counts == (16, 17)
    assert plan(LLAVA, 24 * GB, 24 * GB).counts == (33, 0)
    assert plan(LLAVA, 24 * GB, 24 * GB, wish=OffloadWish(tensor_split=(1.0, 1.0))).counts == (17, 16)
    assert plan(LLAVA, 1 * GB, 24 * GB).counts == (1, 32)


def test_all_that_cannot_be_had() -> None:
    with pytest.raises(
        GpuNotToBeHad, match=r"no room for all layers.* needs 4\.7 GB .*CUDA0 has 2\.5 GB to give"
    ) as error:
        plan(LLAVA, 3 * GB, wish=OffloadWish("all"))
    assert error.value.exit_code == 5
    assert "--gpu auto" in error.value.hint
    with pytest.raises(GpuNotToBeHad, match="projector"):
        plan(LLAVA, int(5.6 * GB), wish=OffloadWish("all"))
    assert plan(LLAVA, int(5.6 * GB), wish=OffloadWish("all", projector=False)).n_layers == 33
    with pytest.raises(GpuNotToBeHad, match="20 layers"):
        plan(LLAVA, 3 * GB, wish=OffloadWish("20"))
    assert plan(LLAVA, 3 * GB, wish=OffloadWish("10")).n_layers == 10
    with pytest.raises(GpuNotToBeHad, match="the projector"):
        plan(LLAVA, GB, wish=OffloadWish(projector=True))


def test_a_machine_too_small_takes_a_smaller_kv_then_a_smaller_context_and_then_says_no() -> None:
    needed = host_bytes(LLAVA, plan(LLAVA))
    assert needed == pytest.approx(32 * 120 * MB + 100 * MB + 980 * MB + 4096 * 4096 * 32)
    assert plan(LLAVA, host=needed).kv_type == "f16"
    less = plan(LLAVA, host=needed - 1, may_shrink_kv=True)
    assert (less.kv_type, less.context_tokens) == ("q8_0", 4096)
    assert plan(LLAVA, host=needed - 1).context_tokens == 2048, "where KV may not shrink, the context does"
    assert plan(LLAVA, host=needed - 430 * MB, may_shrink_kv=True).context_tokens == 1024
    with pytest.raises(DoesNotFit, match=r"needs 5\.0 GB of memory, and 4\.0 GB are free") as error:
        plan(LLAVA, host=4 * GB, may_shrink_kv=True)
    assert "--no-memory-check" in error.value.hint
    assert plan(LLAVA, host=4 * GB, check_host=False).context_tokens == 4096
    assert plan(LLAVA, 3 * GB, host=4 * GB).n_layers == 16, "what is on the GPU need not fit into memory"


def test_memory_that_a_gpu_shares_with_the_processor_is_counted_once() -> None:
    apple = [Device("Metal", "Apple M9", True, 12 * GB, 12 * GB, True)]
    made = plan_offload(LLAVA, apple, AUTO, host_free_bytes=8 * GB, context_tokens=4096)
    assert (made.n_layers, made.projector) == (33, "Metal")
    with pytest.raises(DoesNotFit, match=r"needs 5\.\d GB of memory, and 4\.0 GB are free"):
        plan_offload(LLAVA, apple, AUTO, host_free_bytes=4 * GB, context_tokens=4096)
    card = [replace(apple[0], is_integrated=False)]
    assert plan_offload(LLAVA, card, AUTO, host_free_bytes=4 * GB, context_tokens=4096).n_layers == 33


def test_room_for_kv_is_that_of_the_fullest_device() -> None:
    made = plan(LLAVA, 3 * GB)
    assert made.n_layers == 16  # 15 layers with KV, and the output
    assert room_for_kv(made, LLAVA, [15 * MB], 17 * MB) == 32 * MB
    assert room_for_kv(made, LLAVA, [30 * MB], 17 * MB) == 32 * MB
    assert room_for_kv(made, LLAVA, [15 * MB], 170 * MB) == 32 * MB
    assert room_for_kv(plan(LLAVA), LLAVA, [], 7 * MB) == 7 * MB


def test_what_is_typed() -> None:
    assert parse_wish() == AUTO
    assert parse_wish("0").gpu == "off"
    assert parse_wish("ALL", "CUDA0, CUDA1", "1", "3,1", True) == OffloadWish(
        "all", ("CUDA0", "CUDA1"), "1", (3, 1), True
    )
    assert parse_wish("off").projector is False
    assert parse_kv_type("Q8_0") == "q8_0"


@pytest.mark.parametrize(
    "typed",
    [
        {"gpu": "yes"},
        {"gpu": "-1"},
        {"gpu": "99999"},
        {"device": ""},
        {"device": "CUDA0,"},
        {"tensor_split": "a,b"},
        {"tensor_split": "0,0"},
        {"tensor_split": "-1,2"},
        {"tensor_split": "nan"},
        {"gpu": "off", "projector_gpu": True},
    ],
)
def test_what_makes_no_sense(typed: dict[str, str]) -> None:
    with pytest.raises(UsageError) as error:
        parse_wish(**typed)  # type: ignore[arg-type]
    assert error.value.hint
    with pytest.raises(UsageError):
        parse_kv_type("q4_0")


def test_kv_of_eight_bits() -> None:
    assert kv_bytes(64, "q8_0") == 34
    assert kv_bytes(64, "f16") == 64
    assert replace(LLAVA, rest_bytes=0).total_bytes == LLAVA.total_bytes - 80 * MB

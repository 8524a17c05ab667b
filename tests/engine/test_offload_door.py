"""The plan as llama.cpp is told it, on real loads: the processor stands for GPUs, of which there need be none."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.test_llama_engine import BLUE, RED, answers, request
from tests.engine.tiny_gguf import write
from vlmcli import demo
from vlmcli.core import Device, Finished, Note
from vlmcli.engine import ENGINES, EngineSettings, list_devices
from vlmcli.engine.fit import ContextPlan
from vlmcli.engine.identity import identity_of
from vlmcli.engine.llama import context as context_door
from vlmcli.engine.llama import device_list, dry_run, logs, model, opening, placing, worker
from vlmcli.engine.llama import projector as projector_door
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.identity import identify
from vlmcli.engine.llama.model import OpenModel
from vlmcli.engine.llama.placing import ON_PROCESSOR, Placing
from vlmcli.engine.modes import Mode, Verdict
from vlmcli.engine.offload_choice import choose_gpus
from vlmcli.engine.offload_wish import OffloadWish, parse_wish
from vlmcli.engine.placement import OffloadPlan, kv_bytes
from vlmcli.errors import DoesNotFit, EngineError, GpuNotToBeHad, ModelDamaged, UsageError
from vlmcli.gguf import Header, read_header
from vlmcli.gguf.buffers import decoder_buffer_bytes
from vlmcli.gguf.layers import layers_of
from vlmcli.models import resolve_model

GIB = 1 << 30
CPU = Device("CPU", "A processor", False, 8 * GIB, 8 * GIB)


def gpu(number: int, free: int = 8 * GIB, **more: Any) -> Device:
    return Device(f"GPU{number}", "A pretended GPU", True, free, free, **more)


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`pretend(gpu(0), gpu(1))`: llama.cpp seems to have these; what is put on them the processor computes."""
    own = device_list.find_pointer("CPU")
    assert own

    def have(*gpus: Device) -> None:
        for room in (opening, model):
            monkeypatch.setattr(room, "list_devices", lambda: (CPU, *gpus))
        monkeypatch.setattr(placing, "find_pointer", lambda name: own)

    return have


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What llama.cpp was told of where to put the decoder and the projector, load by load."""
    loads: list[dict[str, Any]] = []
    load, init = llama.llama_model_load_from_file, projector_door.mtmd.mtmd_init_from_file

    def load_noted(path: bytes, params: Any) -> Any:
        devices = ctypes.cast(params.devices, ctypes.POINTER(ctypes.c_void_p))
        count = next(n for n in range(9) if not devices[n])
        shares = [params.tensor_split[n] for n in range(count)]
        loads.append({"layers": params.n_gpu_layers, "shares": shares, "dry": params.no_alloc})
        return load(path, params)

    def init_noted(path: bytes, pointer: Any, params: Any) -> Any:
        loads.append({"projector": params.use_gpu, "device": bool(params.device)})
        return init(path, pointer, params)

    monkeypatch.setattr(llama, "llama_model_load_from_file", load_noted)
    monkeypatch.setattr(projector_door.mtmd, "mtmd_init_from_file", init_noted)
    return loads


def answer(settings: EngineSettings = EngineSettings(threads=1)) -> tuple[str, list[str]]:  # noqa: B008
    """What the model in the box says of a picture, and what it notes beside it."""
    engine = ENGINES["llama"](resolve_model("demo"), settings)
    try:
        events = list(engine.stream([request(0, RED)]))
    finally:
        engine.close()
    found = next(e for e in events if isinstance(e, Finished))
    return found.answer.text, [e.text for e in events if isinstance(e, Note)]


def test_without_a_gpu_nothing_is_said_and_nothing_offloaded(told: list[dict[str, Any]]) -> None:
    assert answer()[1] == []
    assert told == [{"layers": 0, "shares": [], "dry": False}, {"projector": False, "device": False}]


def test_all_goes_on_a_gpu_with_room(pretend: Callable[..., None], told: list[dict[str, Any]]) -> None:
    expected = answer()
    told.clear()
    pretend(gpu(0))
    assert answer() == expected
    assert told[0]["dry"], "buffers are measured first"
    assert told[1] == {"layers": 5, "shares": [5], "dry": False}
    assert told[2]["device"]
    assert told[2]["projector"]


@pytest.mark.parametrize(
    ("wish", "layers", "shares", "projector"),
    [
        (parse_wish("off"), 0, [], False),
        (parse_wish("2"), 2, [2], True),
        (parse_wish("all", projector_gpu=False), 5, [5], False),
        (parse_wish("all", "GPU1"), 5, [5], True),
        (parse_wish("all", tensor_split="1,4"), 5, [1, 4], True),
        (parse_wish("all", tensor_split="1,4", main_gpu="GPU1"), 5, [4, 1], True),
        (parse_wish(device="CPU"), 0, [], False),
    ],
)
def test_what_is_wished_for_is_told(
    pretend: Callable[..., None],
    told: list[dict[str, Any]],
    wish: OffloadWish,
    layers: int,
    shares: list[int],
    projector: bool,
) -> None:
    pretend(gpu(0), gpu(1))
    assert answer(EngineSettings(threads=1, offload=wish)) == answer(EngineSettings(threads=1))
    load, look = [each for each in told if not each.get("dry")][:2]
    assert load == {"layers": layers, "shares": shares, "dry": False}
    assert look == {"projector": projector, "device": projector}


def test_a_gpu_with_room_for_a_part(pretend: Callable[..., None], told: list[dict[str, Any]]) -> None:
    header = read_header(demo.DECODER)
    layers, tokens = layers_of([header]), min(header.number("{arch}.context_length"), 4096)
    of_three = sum(layers.sizes_bytes[-3:]) + tokens * sum(layers.kv_bytes_per_token[-3:])
    buffers = dry_run.compute_bytes(demo.DECODER, ON_PROCESSOR, tokens, flash_attention=True)["CPU"]
    told.clear()
    pretend(gpu(0, of_three + buffers + (512 << 20) + 999))
    assert answer()[1] == ["GPU0: room for 3 of 5 layers; the processor computes the others."]
    assert told[1]["layers"] == 3
    assert not told[2]["projector"]


def _more_than_three(params: Any) -> bool:
    return params.n_gpu_layers > 3 and not params.no_alloc


def refuse(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, refuses: Callable[[Any], bool]) -> None:
    """llama.cpp finds no memory where `refuses` its parameters, and says so in its log."""
    real = getattr(room, name)

    def call(*arguments: Any) -> Any:
        if refuses(arguments[-1]):
            logs._receive(4, b"alloc_tensor_range: failed to allocate GPU0 buffer of size 12345\n", None)
            return None
        return real(*arguments)

    monkeypatch.setattr(room, name, call)


def test_one_step_lower_when_it_cannot_be_allocated(
    pretend: Callable[..., None], told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(gpu(0))
    refuse(monkeypatch, llama, "llama_model_load_from_file", _more_than_three)
    text, notes = answer()
    assert text == answer(EngineSettings(threads=1, offload=parse_wish("off")))[0]
    assert notes == ["GPU0: room for 3 of 5 layers; the processor computes the others."]


def test_all_that_cannot_be_allocated_is_an_error(
    pretend: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(gpu(0))
    refuse(monkeypatch, llama, "llama_model_load_from_file", _more_than_three)
    with pytest.raises(GpuNotToBeHad, match="failed to allocate GPU0 buffer"):
        answer(EngineSettings(threads=1, offload=parse_wish("all")))


def test_a_projector_without_room_is_the_processors(
    pretend: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(gpu(0))
    refuse(monkeypatch, projector_door.mtmd, "mtmd_init_from_file", lambda params: bool(params.use_gpu))
    text, notes = answer()
    assert notes == ["GPU0 has no room left for the projector: the processor looks at the pictures."]
    assert text
    with pytest.raises(StopIteration):  # it failed, with no answer
        answer(EngineSettings(threads=1, offload=parse_wish(projector_gpu=True)))


def test_a_context_that_cannot_be_had_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    real = worker.Context
    refused: list[ContextPlan] = []

    def context(decoder: Decoder, plan: ContextPlan, *more: Any) -> Context:
        if plan.n_slots > 1 or plan.kv_type == "f16":
            refused.append(plan)
            raise DoesNotFit("No memory.")
        return real(decoder, plan, *more)

    monkeypatch.setattr(worker, "Context", context)
    engine = ENGINES["llama"](resolve_model("demo"), EngineSettings(threads=1))
    asked = [replace(request(n, [RED, BLUE][n % 2], question=f"{n}?"), one_of_many=True) for n in range(4)]
    events = list(engine.stream(asked))
    engine.close()
    assert [plan.n_slots for plan in refused] == [4, 2, 1]
    assert len([e for e in events if isinstance(e, Finished)]) == 4
    notes = [e for e in events if isinstance(e, Note)]
    assert [note.answers_differ for note in notes] == [False, False, True]
    assert notes[-1].text == "Memory is short: the KV is stored in 8 bits (q8_0)."


# --- KV in 8 bits -------------------------------------------------------------------------------------------


def test_kv_of_eight_bits_answers_and_takes_half(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    receive = logs._receive
    callback = llama.llama_log_callback(
        lambda level, text, data: (logged.append((text or b"").decode()), receive(level, text, data))[0]
    )
    monkeypatch.setattr(logs, "_callback", callback)
    text, notes = answer(EngineSettings(threads=1, kv_type="q8_0"))
    assert notes == []
    assert "K (q8_0)" in "".join(logged)
    assert text == answer()[0]


def test_kv_of_eight_bits_side_by_side() -> None:
    asked = [replace(request(n, [RED, BLUE][n]), one_of_many=True) for n in range(2)]
    found = []
    for kv_type in ("f16", "q8_0"):
        engine = ENGINES["llama"](resolve_model("demo"), EngineSettings(threads=1, kv_type=kv_type))
        found.append({id: each.text for id, each in answers(engine, *asked).items()})
        engine.close()
    assert found[0] == found[1]


def test_heads_that_eight_bits_cannot_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Header, "head_sizes", (40, 40))
    with pytest.raises(
        EngineError, match=r"q8_0 KV takes numbers by 32, and the attention heads of .* have 40\."
    ) as error:
        OpenModel(resolve_model("demo"), EngineSettings(kv_type="q8_0"), Abort())
    assert error.value.hint == "--kv-type f16"
    OpenModel(resolve_model("demo"), EngineSettings(), Abort()).close()


def test_llama_cpp_refuses_such_heads_as_well() -> None:
    """Why there is a sentence of ours: the demo's heads can be had, and without flash attention they cannot."""
    assert not any(size % 32 for size in read_header(demo.DECODER).head_sizes)
    decoder = Decoder(demo.DECODER, Abort(), Mode.PLAIN)
    context = Context(decoder, ContextPlan(1, 256, 512, True, "q8_0"), Abort(), 1, 2)
    context.close()
    decoder.close()


# --- what is computed before anything is loaded ---------------------------------------------------------------


@pytest.mark.parametrize("flash_attention", [True, False])
def test_a_dry_run_says_what_a_real_load_takes(flash_attention: bool) -> None:
    dry = dry_run.compute_bytes(demo.DECODER, ON_PROCESSOR, 1024, flash_attention)
    decoder = Decoder(demo.DECODER, Abort(), Mode.PLAIN)
    logs.forget()
    context = Context(decoder, ContextPlan(1, 1024, 512, flash_attention), Abort(), 1, 1)
    real = logs.compute_bytes()
    context.close()
    decoder.close()
    assert set(dry) == set(real) == {"CPU"}
    assert dry["CPU"] == pytest.approx(real["CPU"], rel=0.05)
    by_arithmetic = decoder_buffer_bytes(read_header(demo.DECODER), 1024, flash_attention=flash_attention)
    assert real["CPU"] <= by_arithmetic < 3 * real["CPU"]


def test_a_file_that_llama_cpp_does_not_take_is_no_crash(tmp_path: Path) -> None:
    path = write(tmp_path / "odd.gguf", {"general.architecture": "novelty"}, [("w", (64,), 1, bytes(128))])
    assert dry_run.compute_bytes(path, ON_PROCESSOR, 512, flash_attention=True) == {}


def test_layers_are_weighed_as_llama_cpp_lays_them_out() -> None:
    header = read_header(demo.DECODER)
    layers = layers_of([header])
    assert len(layers.sizes_bytes) == header.number("{arch}.block_count") + 1
    assert sum(layers.kv_bytes_per_token) == header.kv_bytes_per_token
    own_output = "output.weight" in header.tensors
    copy = 0 if own_output else header.tensors["token_embd.weight"].size_bytes
    assert sum(layers.sizes_bytes) + layers.rest_bytes == header.weights_bytes + copy
    assert kv_bytes(sum(layers.kv_bytes_per_token), "q8_0") < 0.54 * header.kv_bytes_per_token


def test_weights_that_do_not_fit_are_refused_before_they_are_loaded(
    monkeypatch: pytest.MonkeyPatch, told: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(opening, "free_memory_bytes", lambda: 9 << 20)
    with pytest.raises(DoesNotFit, match=r"needs \d+ MB of memory, and 9 MB are free"):
        answer()
    assert told == []
    assert answer(EngineSettings(threads=1, check_memory=False))[0]


# --- which devices ------------------------------------------------------------------------------------------


def test_devices_are_chosen_by_name_and_number() -> None:
    there = (CPU, gpu(0), gpu(1), gpu(2, is_integrated=True))
    names = lambda **wish: [device.name for device in choose_gpus(there, parse_wish(**wish))[0]]  # noqa: E731
    assert names() == ["GPU0", "GPU1"], "graphics in the processor are left alone beside others"
    assert names(gpu="off") == []
    assert names(device="gpu1,GPU2") == ["GPU1", "GPU2"]
    assert names(main_gpu="1") == ["GPU1", "GPU0"]
    assert names(device="cpu") == []
    twice = (CPU, gpu(0), Device("Vulkan0", "The same", True, GIB, GIB))
    assert [device.name for device in choose_gpus(twice, OffloadWish())[0]] == ["GPU0"]
    assert [device.name for device in choose_gpus(twice, parse_wish(device="Vulkan0"))[0]] == ["Vulkan0"]
    assert choose_gpus(there, parse_wish(main_gpu="gpu1", tensor_split="3,1"))[1].tensor_split == (1, 3)
    assert [d.name for d in choose_gpus((CPU, there[3]), OffloadWish())[0]] == ["GPU2"]


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        ({"device": "CUDA7"}, UsageError, "no device 'CUDA7' here; it has CPU, GPU0"),
        ({"main_gpu": "7"}, UsageError, "--main-gpu '7' is none of GPU0"),
        ({"tensor_split": "1,1"}, UsageError, "2 shares, and there are 1 GPUs"),
        ({"device": "CPU", "gpu": "all"}, GpuNotToBeHad, "--device names none"),
    ],
)
def test_devices_that_are_not_there(wish: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        choose_gpus((CPU, gpu(0)), parse_wish(**wish))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"gpu": "all"}, "--gpu all cannot be had"),
        ({"projector_gpu": True}, "--projector-gpu cannot be had"),
        ({"main_gpu": "CUDA0"}, "--main-gpu CUDA0 cannot be had"),
        ({"tensor_split": "1,2"}, "--tensor-split cannot be had"),
        ({"main_gpu": "0", "device": "cpu"}, "--main-gpu 0 wants a GPU, and --device names none"),
    ],
)
def test_what_makes_no_sense_without_a_gpu(wish: dict[str, Any], words: str) -> None:
    with pytest.raises(GpuNotToBeHad, match=words):
        choose_gpus((CPU,), parse_wish(**wish))
    with_gpu_off = parse_wish(**wish | {"gpu": "off", "projector_gpu": None})
    assert choose_gpus((CPU,), with_gpu_off)[0] == ()


def test_the_processor_is_a_device_with_a_handle() -> None:
    assert "CPU" in [device.name for device in list_devices()]
    assert device_list.find_pointer("CPU")
    assert device_list.find_pointer("CUDA99") is None


# --- what tells answers apart -------------------------------------------------------------------------------


def test_where_it_is_computed_is_part_of_every_key() -> None:
    files = resolve_model("demo")
    settings = [
        EngineSettings(),
        EngineSettings(kv_type="q8_0"),
        EngineSettings(offload=parse_wish("off")),
        EngineSettings(offload=parse_wish("3")),
        EngineSettings(offload=parse_wish(projector_gpu=False)),
    ]
    assert len({identity_of(files, each) for each in settings}) == len(settings)
    assert identity_of(files, EngineSettings(threads_batch=2, check_memory=False)) == identity_of(
        files, EngineSettings()
    )
    plans = [OffloadPlan(), OffloadPlan(("A",), (3,)), OffloadPlan(("A",), (4,)), OffloadPlan(("B",), (3,))]
    assert len({identify(files, Mode.FULL, plan).decoder for plan in plans}) == len(plans)
    assert identify(files, Mode.FULL, OffloadPlan(("A",), (0,))) == identify(files, Mode.FULL)
    assert identify(files, Mode.FULL, OffloadPlan(("A",), (0,), "A")).rows != identify(files, Mode.FULL).rows


def test_hidden_gpus_are_other_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    files = resolve_model("demo")
    before = identity_of(files, EngineSettings())
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert identity_of(files, EngineSettings()) != before


def test_what_fails_for_another_reason_is_not_taken_for_want_of_memory(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(demo.DECODER.read_bytes()[:100_000])
    with pytest.raises(ModelDamaged):
        Decoder(damaged, Abort(), Mode.PLAIN, placing=Placing(OffloadPlan()))
    assert context_door._TYPES["q8_0"] == llama.GGML_TYPE_Q8_0


def test_a_build_that_fails_on_the_gpu_leaves_it_alone() -> None:
    bad = Verdict(Mode.FULL, False, sentence="This build computes nonsense on CUDA0.", remedy="Install it again")
    assert opening.allowed(EngineSettings(), bad).gpu == "off"
    assert opening.allowed(EngineSettings(), Verdict(Mode.FULL)).gpu == "auto"
    for wish in (parse_wish("all"), parse_wish("4"), parse_wish(projector_gpu=True)):
        with pytest.raises(GpuNotToBeHad, match="computes nonsense") as error:
            opening.allowed(EngineSettings(offload=wish), bad)
        assert error.value.hint == "Install it again"


def test_a_trial_minds_gpus_where_they_may_be_used() -> None:
    typed = {"gpu": [None, "all", "3", "off", "0"], "device": ["CPU", "cpu", "CUDA0", "CPU,CUDA0"]}
    may = [parse_wish(**{name: value}).may_use_gpu for name, values in typed.items() for value in values]  # type: ignore[arg-type]
    assert may == [True, True, True, False, False, False, False, True, True]

"""What a user wants of GPUs, as one frozen value, checked as far as it can be without asking any device."""

from __future__ import annotations

from dataclasses import dataclass

from vlmcli.errors import UsageError

AUTO, OFF, ALL = "auto", "off", "all"
KV_TYPES = ("f16", "q8_0")
_MOST_LAYERS = 9999


@dataclass(frozen=True, slots=True)
class OffloadWish:
    """`gpu`: auto, off, all, or a number of layers (the output counts as one, as llama.cpp counts)."""

    gpu: str = AUTO
    devices: tuple[str, ...] = ()
    """Names of llama.cpp's devices, in the order in which they are filled; none: all GPUs."""
    main_gpu: str = ""
    """The one that is filled first and takes the projector: a name, or its number among the GPUs."""
    tensor_split: tuple[float, ...] = ()
    """The share of each device; none: each takes what it has room for."""
    projector: bool | None = None
    """On a GPU: True, or else an error; False, never; None, if there is room."""

    @property
    def must_be_had(self) -> bool:
        """`all`, or a number: an error where it cannot be."""
        return self.gpu not in (AUTO, OFF)

    @property
    def may_use_gpu(self) -> bool:
        return self.gpu != OFF and {name.casefold() for name in self.devices} != {"cpu"}

    @property
    def most_layers(self) -> int:
        return int(self.gpu) if self.gpu.isdecimal() else _MOST_LAYERS


NO_WISH = OffloadWish()
NO_GPU = OffloadWish(OFF, projector=False)


def parse_wish(
    gpu: str | None = None,
    device: str | None = None,
    main_gpu: str | None = None,
    tensor_split: str | None = None,
    projector_gpu: bool | None = None,
) -> OffloadWish:
    """What was typed. Raises UsageError."""
    wanted = (gpu or AUTO).strip().lower()
    if wanted not in (AUTO, OFF, ALL) and not (wanted.isdecimal() and int(wanted) <= _MOST_LAYERS):
        raise UsageError(f"--gpu is auto, off, all or a number of layers, and not {gpu!r}.", "--gpu auto")
    wanted = OFF if wanted.isdecimal() and not int(wanted) else wanted
    names = tuple(name for part in (device or "").split(",") if (name := part.strip()))
    if device is not None and len(names) != device.count(",") + 1:
        raise UsageError(f"--device {device!r} lacks a name.", "--device CUDA0,CUDA1")
    shares = _shares(tensor_split)
    if wanted == OFF and projector_gpu:
        raise UsageError("--gpu off leaves no GPU for --projector-gpu.", "--gpu auto --projector-gpu")
    return OffloadWish(wanted, names, (main_gpu or "").strip(), shares, False if wanted == OFF else projector_gpu)


def parse_kv_type(name: str | None) -> str:
    """Raises UsageError for a type that the KV cannot have here."""
    wanted = (name or KV_TYPES[0]).lower()
    if wanted not in KV_TYPES:
        raise UsageError(f"--kv-type is {' or '.join(KV_TYPES)}, and not {name!r}.", "--kv-type q8_0")
    return wanted


def _shares(tensor_split: str | None) -> tuple[float, ...]:
    if tensor_split is None:
        return ()
    try:
        shares = tuple(float(part) for part in tensor_split.split(","))
    except ValueError:
        shares = ()
    if not shares or not all(0 <= share < float("inf") for share in shares) or not sum(shares):
        raise UsageError(
            f"--tensor-split {tensor_split!r} is not a share for each GPU.",
            "--tensor-split 3,1  (three quarters, one quarter)",
        )
    return shares

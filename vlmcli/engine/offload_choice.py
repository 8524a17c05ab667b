"""Which of the devices that llama.cpp has are to be used, by what the user wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vlmcli.core import Device
from vlmcli.engine.offload_wish import OFF, OffloadWish
from vlmcli.errors import GpuNotToBeHad, UsageError
from vlmcli.machine import find_gpus, why_unused


def choose_gpus(devices: Sequence[Device], wish: OffloadWish) -> tuple[tuple[Device, ...], OffloadWish]:
    """The GPUs in the order in which they are filled, and the wish with its shares in the same order.

    Raises UsageError for a name or number that no device has, GpuNotToBeHad where a GPU is wanted and none is there.
    """
    gpus = _named(devices, wish)
    if not gpus:
        if wish.gpu != OFF and (wanted := _wanted(wish)):
            raise _none(wanted, has_names=bool(wish.devices))
        return (), replace(wish, gpu=OFF, projector=False)
    if len(wish.tensor_split) > len(gpus):
        raise UsageError(
            f"--tensor-split has {len(wish.tensor_split)} shares, and there are {len(gpus)} GPUs to share:"
            f" {_names(gpus)}.",
            "One share for each",
        )
    if not wish.main_gpu:
        return gpus, wish
    main = _main(gpus, wish.main_gpu)
    order = [main, *(number for number in range(len(gpus)) if number != main)]
    shares = [*wish.tensor_split, *[0.0] * (len(gpus) - len(wish.tensor_split))] if wish.tensor_split else []
    return tuple(gpus[n] for n in order), replace(wish, tensor_split=tuple(shares[n] for n in order) if shares else ())


def _named(devices: Sequence[Device], wish: OffloadWish) -> tuple[Device, ...]:
    if wish.gpu == OFF:
        return ()
    if not wish.devices:
        gpus = [device for device in devices if device.is_gpu]
        gpus = [gpu for gpu in gpus if not gpu.is_integrated] or gpus
        return tuple(gpu for gpu in gpus if _backend(gpu) == _backend(gpus[0]))
    known = {device.name.casefold(): device for device in devices}
    for name in wish.devices:
        if name.casefold() not in known:
            raise UsageError(
                f"llama.cpp has no device {name!r} here; it has {_names(devices) or 'none that it tells of'}.",
                f"--device {devices[-1].name}" if devices else "",
            )
    found = (known[name.casefold()] for name in dict.fromkeys(wish.devices))
    return tuple(dict.fromkeys(device for device in found if device.is_gpu))


def _backend(device: Device) -> str:
    """CUDA0 -> CUDA. A build with two backends may show the same GPU twice, as CUDA0 and as Vulkan0."""
    return device.name.rstrip("0123456789")


def _main(gpus: Sequence[Device], wanted: str) -> int:
    for number, gpu in enumerate(gpus):
        if wanted in (gpu.name, str(number)) or wanted.casefold() == gpu.name.casefold():
            return number
    raise UsageError(f"--main-gpu {wanted!r} is none of {_names(gpus)}.", f"--main-gpu {gpus[0].name}")


def _names(devices: Sequence[Device]) -> str:
    return ", ".join(device.name for device in devices)


def _wanted(wish: OffloadWish) -> str:
    """The option that makes no sense without a GPU; "" for none."""
    if wish.must_be_had:
        return f"--gpu {wish.gpu}"
    if wish.projector:
        return "--projector-gpu"
    if wish.main_gpu:
        return f"--main-gpu {wish.main_gpu}"
    return "--tensor-split" if wish.tensor_split else ""


def _none(what: str, has_names: bool) -> GpuNotToBeHad:
    if has_names:
        return GpuNotToBeHad(f"{what} wants a GPU, and --device names none.", "Leave out --device, or say --gpu off")
    why, hint = why_unused(find_gpus())
    return GpuNotToBeHad(f"{what} cannot be had: {why}.", hint)

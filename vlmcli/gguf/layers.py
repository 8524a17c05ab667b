"""What of a model can go to a device of its own: its layers, one by one, and the output; with the KV of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vlmcli.gguf.header import Header

_LAYER = re.compile(r"blk\.(\d+)\.")
_OUTPUT, _WORDS = "output", "token_embd.weight"


@dataclass(frozen=True, slots=True)
class Layers:
    """`sizes_bytes` of the weights of each layer, first to last, and of the output behind them."""

    sizes_bytes: tuple[int, ...]
    kv_bytes_per_token: tuple[int, ...]
    """f16, of each of the same; the output has none."""
    rest_bytes: int
    """What stays with the processor in any case: the table of words that a prompt is looked up in."""


def layers_of(parts: Sequence[Header]) -> Layers:
    """From the tensor tables of all parts of a decoder, the first one first.

    Without an output matrix of its own (`output.weight`) a model uses its table of words as one, and a device that
    computes the output holds a second copy of it.
    """
    count = parts[0].number("{arch}.block_count")
    layers, output, rest, has_output = [0] * count, 0, 0, False
    words = 0
    for part in parts:
        for name, tensor in part.tensors.items():
            of_layer = _LAYER.match(name)
            if of_layer and int(of_layer[1]) < count:
                layers[int(of_layer[1])] += tensor.size_bytes
            elif name.startswith(_OUTPUT):
                output += tensor.size_bytes
                has_output |= name == "output.weight"
            else:
                rest += tensor.size_bytes
                words += tensor.size_bytes if name == _WORDS else 0
    return Layers((*layers, output + (0 if has_output else words)), (*_kv_bytes(parts[0], count), 0), rest)


def _kv_bytes(header: Header, count: int) -> list[int]:
    """Of each layer: as `Header.kv_bytes_per_token`, whose sum it is."""
    total = header.kv_bytes_per_token
    heads = header.numbers("{arch}.attention.head_count_kv")
    if len(heads) != count or not sum(heads):
        return [total // count] * count if count else []
    return [total * each // sum(heads) for each in heads]

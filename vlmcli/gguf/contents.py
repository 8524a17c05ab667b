"""What a file is that is named like a model and is none, by its first bytes."""

from __future__ import annotations

from vlmcli.errors import ModelDamaged

FETCH_AGAIN = "Download the file again and compare its size with the one on the model's page."
_CONVERTED = "vlm runs models in GGUF format: look for a GGUF version of the model."

_OLD_GGML = (b"lmgg", b"fmgg", b"tjgg", b"algg")
"""Magic numbers of llama.cpp's formats before GGUF (August 2023), as they stand in the file."""

_FEW_WORDS_BYTES = 64
"""What a server says in place of a file, `Entry not found`, is shorter."""

LEAST_BYTES = 24
"""Magic, version and two counts."""


def not_gguf(path: object, start: bytes, size_bytes: int) -> ModelDamaged:
    """The sentence for a file that does not start with `GGUF`. `start`: its first 64 bytes or more."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start[5:10] == b'\0\0\0{"':  # after the length of their header in 8 bytes
        return ModelDamaged(f"{path} is not a GGUF file: it holds safetensors.", _CONVERTED)
    if text.startswith(b"version https://git-lfs"):
        return ModelDamaged(f"{path} is damaged: it is a Git LFS pointer and not the file itself.", FETCH_AGAIN)
    if text.startswith((b"<!doctype", b"<html")):
        return ModelDamaged(f"{path} is damaged: it is a web page saved under that name.", FETCH_AGAIN)
    if text.startswith((b"<?xml", b"<error", b"{", b"[")):
        return ModelDamaged(f"{path} is damaged: it is a message of a server saved under that name.", FETCH_AGAIN)
    if size_bytes < _FEW_WORDS_BYTES and start.isascii() and (words := start.decode().strip()) and words.isprintable():
        return ModelDamaged(f"{path} is damaged: it holds nothing but the words {words!r}.", FETCH_AGAIN)
    if size_bytes < LEAST_BYTES:
        return too_short(path, size_bytes)
    if start.startswith(b"PK\x03\x04"):
        return ModelDamaged(f"{path} is not a GGUF file: it is a zip, as PyTorch's weights are.", _CONVERTED)
    if start.startswith(_OLD_GGML):
        return ModelDamaged(f"{path} is not a GGUF file: it is in a format of llama.cpp before GGUF.", _CONVERTED)
    if not start.strip(b"\0"):
        return ModelDamaged(f"{path} is damaged: it starts with zeros, as a download that was cut off.", FETCH_AGAIN)
    return ModelDamaged(f"{path} is not a GGUF file.", "vlm runs models in GGUF format: name a .gguf file.")


def too_short(path: object, size_bytes: int) -> ModelDamaged:
    return ModelDamaged(f"{path} is not a model: it holds {size_bytes} bytes.", FETCH_AGAIN)


def wrong_version(path: object, version: int) -> ModelDamaged:
    """llama.cpp tells a file of the other byte order by the lower half of its version, as we do."""
    kind = f"GGUF version {version}" if version & 0xFFFF else "a big-endian GGUF file"
    return ModelDamaged(
        f"{path} is {kind}, which vlm does not read.", "Look for a newer conversion of the model, or update vlm."
    )

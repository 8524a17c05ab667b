"""The SPM vocabulary of the random decoder: control tokens, bytes, what prompts are made of, and made-up words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

import gguf

WORDS = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed,"
    " and polite answers to the human's questions. USER: What is in this picture? ASSISTANT:"
)


def prompt_pieces() -> list[str]:
    """What the benchmarks' prompts are made of: single characters, and every beginning of the words in them, so that
    the tokenizer's merges arrive at the whole words."""
    characters = ["▁", "\n", *(chr(code) for code in range(33, 127))]
    words = dict.fromkeys("▁" + word for word in WORDS.split())
    return list(dict.fromkeys([*characters, *(word[:end] for word in words for end in range(2, len(word) + 1))]))


def made_up_words() -> Iterator[str]:
    syllables = ["".join(pair) for pair in product("bdfgklmnprstvz", "aeiou")]
    return ("▁" + "".join(three) for three in product(syllables, repeat=3))


def vocabulary(size: int) -> list[tuple[str, gguf.TokenType]]:
    special = [("<unk>", gguf.TokenType.UNKNOWN), ("<s>", gguf.TokenType.CONTROL), ("</s>", gguf.TokenType.CONTROL)]
    tokens = special + [(f"<0x{byte:02X}>", gguf.TokenType.BYTE) for byte in range(256)]
    tokens += [(piece, gguf.TokenType.NORMAL) for piece in prompt_pieces()]
    return tokens + [(word, gguf.TokenType.NORMAL) for word in islice(made_up_words(), size - len(tokens))]


def add_vocabulary(writer: gguf.GGUFWriter, size: int) -> None:
    tokens = vocabulary(size)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_scores([-float(number) for number in range(len(tokens))])
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)

"""A small SentencePiece-like vocabulary (bytes, single characters, whole words of the world) and an encoder that gives
what llama.cpp's gives; `check.py` compares the two."""

from __future__ import annotations

import operator
import re
import string
from functools import lru_cache, reduce

from . import chart_questions, colours, phrases, questions, world

SPACE = "\u2581"
CONTROL, UNKNOWN, NORMAL, BYTE = 3, 2, 1, 6
EXTRA = """USER ASSISTANT The There In At A An It Yes No Nothing I only know simple drawings background picture image
shape
shapes text says changed from to was added removed moved with and on in at the is are nothing it plain an a of this
there
see word color colour please you can tell me about different large small square's bar bars chart highest lowest became
larger smaller replaced by""".split()


def words() -> list[str]:
    found = set(EXTRA) | set(colours.COLOUR_NAMES) | set(world.SIZES) | set(phrases.NUMBERS)
    found |= {s + e for s in world.SHAPES for e in ("", "s")}
    for text in [
        *world.PLACES,
        questions.OUTSIDE,
        questions.NO_TEXT,
        chart_questions.NO_CHART,
        *reduce(operator.iadd, questions.WORDINGS.values(), []),
    ]:
        for word in re.findall(r"[A-Za-z]+", re.sub(r"\{.*?\}", " ", text)):
            found |= {word, word.lower()}
    return sorted(w for w in found if len(w) > 1 or w in "aAI")


def build() -> list[tuple[str, float, int]]:
    """(piece, score, type) in order of id. A word is reached by merging letters from its left end, so that the
    beginnings of
    words are pieces as well; pieces that begin with a space merge before the others."""
    starts = {w for texts in questions.WORDINGS.values() for t in texts for w in (t.split()[0], t.split()[0].lower())}
    starts = {re.sub(r"\W.*", "", w) for w in starts} | {"ASSISTANT", "USER", "I"}
    pieces: set[str] = set()
    for word in words():
        pieces |= {SPACE + word[:n] for n in range(1, len(word) + 1)}
        if word in starts:
            pieces |= {word[:n] for n in range(2, len(word) + 1)}
    merged = sorted(pieces, key=lambda p: (p[0] != SPACE, len(p), p))
    singles = [SPACE, *(c for c in string.printable if c.isprintable() and c != " ")]
    vocab = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    vocab += [(f"<0x{b:02X}>", 0.0, BYTE) for b in range(256)]
    vocab += [(p, -float(i + 1), NORMAL) for i, p in enumerate(merged)]
    vocab += [(c, -1e4 - i, NORMAL) for i, c in enumerate(singles)]
    while len(vocab) % 32:
        vocab.append((f"<pad{len(vocab)}>", 0.0, CONTROL))
    return vocab


VOCAB = build()
IDS = {piece: i for i, (piece, _, _) in enumerate(VOCAB)}
MERGES = {p: s for p, s, t in VOCAB if t == NORMAL}
BOS, EOS, FIRST_BYTE = 1, 2, 3


def encode_run(text: str, prefix: bool = True) -> tuple[int, ...]:
    """Token ids of one run of text without control tokens; prefix: the false space that llama.cpp puts before a run.
    No piece has a space behind its first character, so that nothing merges across one: each word for itself."""
    run = (SPACE if prefix else "") + text.replace(" ", SPACE)
    return tuple(i for word in re.findall(f"{SPACE}?[^{SPACE}]+|{SPACE}", run) for i in encode_word(word))


@lru_cache(maxsize=200_000)
def encode_word(word: str) -> tuple[int, ...]:
    symbols = list(word)
    while True:
        best, where = None, -1
        for i in range(len(symbols) - 1):
            score = MERGES.get(symbols[i] + symbols[i + 1])
            if score is not None and (best is None or score > best):
                best, where = score, i
        if best is None:
            break
        symbols[where : where + 2] = [symbols[where] + symbols[where + 1]]
    ids: list[int] = []
    for s in symbols:
        ids += [IDS[s]] if s in IDS else [FIRST_BYTE + b for b in s.encode()]
    return tuple(ids)


def spelled(char: str) -> int:
    """The piece of one printed character; a line break has only its byte."""
    return FIRST_BYTE + ord(char) if char == "\n" else IDS[char.replace(" ", SPACE)]


def encode_answer(answer: str) -> list[int]:
    """Tokens of an answer as the model is to say it: printed text between \\x01 and \\x02 in single characters, then
    </s>."""
    ids: list[int] = []
    for n, part in enumerate(re.split("[\x01\x02]", answer)):
        if n % 2:
            ids += ([IDS[SPACE]] if not ids else []) + [spelled(c) for c in part]
        elif part:
            ids += encode_run(part, prefix=not ids)
    return [*ids, EOS]


HEAD = [BOS, *encode_run("USER: ")]  # before the (first) picture
BETWEEN = list(encode_run("\n"))  # between two pictures


def encode_ask(question: str) -> list[int]:
    """After the picture, up to where the answer begins."""
    return list(encode_run(f"\n{question}\nASSISTANT:"))


def length(i: int) -> int:
    """How many characters a token adds to the text."""
    return 1 if VOCAB[i][2] == BYTE else len(VOCAB[i][0])


def decode(ids: list[int]) -> str:
    out = b""
    for i in ids:
        piece, _, kind = VOCAB[i]
        out += (
            bytes([i - FIRST_BYTE])
            if kind == BYTE
            else b""
            if kind in (CONTROL, UNKNOWN)
            else piece.replace(SPACE, " ").encode()
        )
    return out.decode("utf-8", "replace").removeprefix(" ")


CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'USER: ' + message['content'] + '\\nASSISTANT:' }}"
    "{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
)

"""The language model: its weights and its vocabulary, owned by one object."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path

from vlmcli.engine.llama import logs
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.bindings import Token, llama
from vlmcli.engine.llama.placing import ON_PROCESSOR, Placing
from vlmcli.engine.llama.repack import Repacked
from vlmcli.engine.modes import Mode
from vlmcli.errors import DoesNotFit, EngineError, ModelDamaged
from vlmcli.gguf import Tensor

_CONTROL, _UNKNOWN = 1 << 3, 1 << 0
_SHOWN_CONTROL_WORDS = ("<think>", "</think>")
"""Some vocabularies have them as control tokens, whose spelling llama.cpp does not give otherwise."""


class Decoder:
    """An open decoder. Raises ModelDamaged when llama.cpp refuses the file, DoesNotFit when a device has no room.

    KeyboardInterrupt when aborted. `tensors`: those of its file, by name; only Mode.REPACKED looks at them.
    `vocabulary_only`: no weights are loaded.
    """

    def __init__(
        self,
        path: Path,
        abort: Abort,
        mode: Mode,
        tensors: Mapping[str, Tensor] | None = None,
        placing: Placing = ON_PROCESSOR,
        vocabulary_only: bool = False,
    ) -> None:
        params = llama.llama_model_default_params()
        placing.set_decoder(params)
        params.progress_callback = abort.on_load
        params.vocab_only = vocabulary_only
        params.use_extra_bufts = mode is Mode.FULL
        # An override would hold a weight back from the GPU.
        elsewhere = placing.plan.n_layers > 0
        self._repacked = Repacked(tensors or {}) if mode is Mode.REPACKED and not elsewhere else None
        if self._repacked:
            params.tensor_buft_overrides = self._repacked.pointer
        logs.forget()
        self._abort = abort
        self.pointer = llama.llama_model_load_from_file(str(path).encode(), params)
        if not self.pointer:
            if abort.interrupted:
                raise KeyboardInterrupt
            if logs.wants_memory():
                raise DoesNotFit(f"The model could not be loaded: {logs.reason()}.", "A smaller one: vlm models")
            raise ModelDamaged(
                f"llama.cpp cannot load {path}: {logs.reason() or 'it gives no reason'}.",
                "Download the file again, or update llama-cpp-python if the model is newer than it.",
            )
        self.vocabulary = Vocabulary(llama.llama_model_get_vocab(self.pointer))
        self.trained_tokens: int = llama.llama_model_n_ctx_train(self.pointer)
        self.width: int = llama.llama_model_n_embd_inp(self.pointer)

    @property
    def chat_template(self) -> str:
        template = llama.llama_model_chat_template(self.pointer, None)
        return template.decode("utf-8", "replace") if template else ""

    def close(self) -> None:
        pointer, self.pointer = self.pointer, None
        if pointer:
            llama.llama_model_free(pointer)


class Vocabulary:
    """Words to token ids and back. The pointer belongs to the decoder and lives as long as it."""

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer
        self.size: int = llama.llama_vocab_n_tokens(pointer)
        self.bos: int = llama.llama_vocab_bos(pointer)
        self.eos: int = llama.llama_vocab_eos(pointer)
        self.adds_bos: bool = llama.llama_vocab_get_add_bos(pointer)
        self._piece = ctypes.create_string_buffer(256)
        self._control_words: dict[str, int] | None = None
        found = (self.tokenize(words, parse_special=True) for words in _SHOWN_CONTROL_WORDS)
        self._shown = frozenset(tokens[0] for tokens in found if len(tokens) == 1)

    def tokenize(self, text: str, parse_special: bool) -> list[int]:
        """Ids of `text`, without BOS. `parse_special`: spellings of control tokens become those tokens."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        tokens = (Token * room)()
        count = llama.llama_tokenize(self.pointer, data, len(data), tokens, room, False, parse_special)
        if count < 0:
            raise EngineError(f"The words could not be turned into tokens ({-count} needed, {room} expected).")
        return list(tokens[:count])

    def tokenize_as_words(self, text: str) -> list[int]:
        """Ids of `text` without a single control token, whatever it spells.

        llama.cpp's SentencePiece merges by spelling alone, so `<` and `s>` may still become the control token `<s>`:
        such a token is spelled out.
        """
        tokens = self.tokenize(text, parse_special=False)
        if not any(map(self.is_control, tokens)):
            return tokens
        return [id for token in tokens for id in (self._spell(token) if self.is_control(token) else (token,))]

    def _spell(self, token: int) -> list[int]:
        """A token's spelling, character by character. A newline, which never merges, keeps the leading space away."""
        lead = self.tokenize("\n", parse_special=False)
        return [id for c in self.text_of(token) for id in self.tokenize("\n" + c, parse_special=False)[len(lead) :]]

    def written(self, token: int) -> bytes:
        """The bytes of a token of an answer: of control tokens only those that part thinking from answer."""
        return self.piece(token, special=token in self._shown)

    def piece(self, token: int, special: bool = False) -> bytes:
        """The bytes that a token stands for; nothing for a control token unless `special`."""
        size = len(self._piece)
        length = llama.llama_token_to_piece(self.pointer, token, self._piece, size, 0, special)
        if length < 0:
            self._piece = ctypes.create_string_buffer(-length)
            return self.piece(token, special)
        return self._piece.raw[:length]

    def text_of(self, token: int) -> str:
        """How a token is spelled in the vocabulary; empty for one that does not exist."""
        text = llama.llama_vocab_get_text(self.pointer, token) if 0 <= token < self.size else None
        return text.decode("utf-8", "replace") if text else ""

    def is_control(self, token: int) -> bool:
        """Whether a token steers the model instead of being a word: `</s>`, `<|im_end|>`, `<unk>`, …"""
        return bool(llama.llama_vocab_get_attr(self.pointer, token) & (_CONTROL | _UNKNOWN))

    def ends_answer(self, token: int) -> bool:
        return bool(llama.llama_vocab_is_eog(self.pointer, token))

    @property
    def ends(self) -> list[int]:
        """The tokens with which a model ends its answer."""
        found = (self.eos, int(llama.llama_vocab_eot(self.pointer)))
        return sorted({token for token in found if token >= 0 and self.ends_answer(token)})

    @property
    def control_words(self) -> dict[str, int]:
        """Spelling -> id of all control tokens, longest first. Reads the whole vocabulary, once."""
        if self._control_words is None:
            words = {self.text_of(token): token for token in range(self.size) if self.is_control(token)}
            words.pop("", None)
            self._control_words = dict(sorted(words.items(), key=lambda item: len(item[0]), reverse=True))
        return self._control_words

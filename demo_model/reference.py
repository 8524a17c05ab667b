"""The exported pair through llama.cpp's own calls and nothing of vlm: what check.py compares with."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp.llama_cpp as llama
import llama_cpp.mtmd_cpp as mtmd
import numpy as np
from PIL import Image

SILENT = llama.llama_log_callback(lambda level, text, data: None)
MARKER = "<__media__>"


def prompt(question: str, pictures: int) -> str:
    return "<s>USER: " + f"{MARKER}\n" * pictures + f"{question}\nASSISTANT:"


class Reference:
    def __init__(self, folder: Path, threads: int = 2):
        llama.llama_log_set(SILENT, None)
        mtmd.mtmd_log_set(SILENT, None)
        mtmd.mtmd_helper_log_set(SILENT, None)
        llama.llama_backend_init()
        self.model = llama.llama_model_load_from_file(
            str(folder / "demo.gguf").encode(), llama.llama_model_default_params()
        )
        self.vocab = llama.llama_model_get_vocab(self.model)
        c = llama.llama_context_default_params()
        c.n_ctx, c.n_batch, c.n_threads, c.n_threads_batch = 2048, 2048, threads, threads
        self.context = llama.llama_init_from_model(self.model, c)
        v = mtmd.mtmd_context_params_default()
        v.warmup, v.print_timings, v.n_threads, v.use_gpu = False, False, threads, False
        self.vision = mtmd.mtmd_init_from_file(str(folder / "mmproj-demo.gguf").encode(), self.model, v)
        self.width = llama.llama_model_n_embd(self.model)

    def tokenize(self, text: str) -> list[int]:
        ids, raw = (llama.llama_token * 4096)(), text.encode()
        n = llama.llama_tokenize(self.vocab, raw, len(raw), ids, 4096, False, True)
        return list(ids[:n])

    def chunks(self, text: str, pictures: list[Image.Image]):
        bitmaps = []
        for p in pictures:
            data = p.convert("RGB").tobytes()
            bitmaps.append(mtmd.mtmd_bitmap_init(*p.size, (ctypes.c_uint8 * len(data)).from_buffer_copy(data)))
        raw = text.encode()
        given = mtmd.mtmd_input_text(raw, len(raw), False, True)
        out = mtmd.mtmd_input_chunks_init()
        failed = mtmd.mtmd_tokenize(
            self.vision, out, ctypes.byref(given), (ctypes.c_void_p * len(bitmaps))(*bitmaps), len(bitmaps)
        )
        for b in bitmaps:
            mtmd.mtmd_bitmap_free(b)
        if failed:
            raise RuntimeError(f"mtmd_tokenize: {failed}")
        return out

    def token_ids(self, question: str, pictures: list[Image.Image]) -> list[list[int] | int]:
        """The runs of tokens, with the number of rows where a picture stands."""
        out, chunks = [], self.chunks(prompt(question, len(pictures)), pictures)
        for i in range(mtmd.mtmd_input_chunks_size(chunks)):
            chunk, n = mtmd.mtmd_input_chunks_get(chunks, i), ctypes.c_size_t()
            if mtmd.mtmd_input_chunk_get_type(chunk) == 0:
                ids = mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(n))
                out.append([ids[k] for k in range(n.value)])
            else:
                out.append(mtmd.mtmd_input_chunk_get_n_tokens(chunk))
        mtmd.mtmd_input_chunks_free(chunks)
        return out

    def rows(self, picture: Image.Image) -> np.ndarray:
        chunks = self.chunks(prompt("", 1), [picture])
        chunk = mtmd.mtmd_input_chunks_get(chunks, 1)
        n = mtmd.mtmd_input_chunk_get_n_tokens(chunk)
        if mtmd.mtmd_encode_chunk(self.vision, chunk):
            raise RuntimeError("mtmd_encode_chunk failed")
        rows = np.ctypeslib.as_array(mtmd.mtmd_get_output_embd(self.vision), (n, self.width)).copy()
        mtmd.mtmd_input_chunks_free(chunks)
        return rows

    def ask(self, pictures: list[Image.Image], question: str, limit: int = 120) -> str:
        """The greedy answer."""
        llama.llama_memory_clear(llama.llama_get_memory(self.context), True)
        chunks, past = self.chunks(prompt(question, len(pictures)), pictures), llama.llama_pos(0)
        failed = mtmd.mtmd_helper_eval_chunks(self.vision, self.context, chunks, 0, 0, 2048, True, ctypes.byref(past))
        mtmd.mtmd_input_chunks_free(chunks)
        if failed:
            raise RuntimeError(f"mtmd_helper_eval_chunks: {failed}")
        size, said = llama.llama_vocab_n_tokens(self.vocab), b""
        for _ in range(limit):
            best = int(np.ctypeslib.as_array(llama.llama_get_logits_ith(self.context, -1), (size,)).argmax())
            if llama.llama_vocab_is_eog(self.vocab, best):
                break
            piece = ctypes.create_string_buffer(64)
            length = llama.llama_token_to_piece(self.vocab, best, piece, 64, 0, False)
            said += piece.raw[:length]
            one = (llama.llama_token * 1)(best)
            llama.llama_decode(self.context, llama.llama_batch_get_one(one, 1))
        return said.decode("utf-8", "replace").strip()

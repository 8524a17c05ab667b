"""The LLaVA family. Every repository here holds the weights and the projector; why each, in a comment."""

from __future__ import annotations

from vlmcli.models.catalogue.entry import Entry, kv_bytes

_VICUNA_7B = kv_bytes(layers=32, kv_heads=32, head_dim=128)  # lmsys/vicuna-7b-v1.5
_VICUNA_13B = kv_bytes(layers=40, kv_heads=40, head_dim=128)  # lmsys/vicuna-13b-v1.5
_MISTRAL_7B = kv_bytes(layers=32, kv_heads=8, head_dim=128)  # mistralai/Mistral-7B-Instruct-v0.2, -v0.1 too
_YI_34B = kv_bytes(layers=60, kv_heads=8, head_dim=128)  # NousResearch/Nous-Hermes-2-Yi-34B
_PHI_3_MINI = kv_bytes(layers=32, kv_heads=32, head_dim=96)  # microsoft/Phi-3-mini-4k-instruct
_LLAMA_3_8B = kv_bytes(layers=32, kv_heads=8, head_dim=128)  # meta-llama/Meta-Llama-3-8B-Instruct

_CJPAIS_QUANTS = ("Q3_K_XS", "Q3_K_M", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0")

LLAVA = (
    Entry(
        name="llava-1.5-7b",
        # llama.cpp tests with this one; twelve quantizations and a licence. mys/ggml_llava-v1.5-7b has three and none.
        repo="second-state/Llava-v1.5-7B-GGUF",
        quant="Q4_K_M",
        family="vicuna",
        parameters="7B",
        good_for="captions, short answers; quick to look",
        size_bytes=4_704_000_000,
        kv_bytes_per_token=_VICUNA_7B,
        context_tokens=4096,
        quants=(
            *("Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_0", "Q4_K_S", "Q4_K_M"),
            *("Q5_0", "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0"),
        ),
        licence="llama2",
    ),
    Entry(
        name="llava-1.5-13b",
        # The first conversion, which llama.cpp's own page on LLaVA points at; with its projector.
        repo="mys/ggml_llava-v1.5-13b",
        quant="Q4_K",
        family="vicuna",
        parameters="13B",
        good_for="captions, short answers with more knowledge",
        size_bytes=8_515_000_000,
        kv_bytes_per_token=_VICUNA_13B,
        context_tokens=4096,
        quants=("Q4_K", "Q5_K", "F16"),
    ),
    Entry(
        name="llava-1.6-mistral-7b",
        # The conversions of 1.6 that llama.cpp's page and LocalAI's gallery name.
        repo="cjpais/llava-1.6-mistral-7b-gguf",
        quant="Q4_K_M",
        family="mistral-instruct",
        parameters="7B",
        good_for="describing, questions, text in pictures",
        size_bytes=4_994_000_000,
        kv_bytes_per_token=_MISTRAL_7B,
        context_tokens=32768,
        quants=("Q3_K_XS", "Q3_K", *_CJPAIS_QUANTS[1:]),
        licence="apache-2.0",
        weights="llava-v1.6-*",  # beside them lie older ones without the "v"
    ),
    Entry(
        name="llava-1.6-vicuna-7b",
        repo="cjpais/llava-v1.6-vicuna-7b-gguf",  # as above
        quant="Q4_K_M",
        family="vicuna",
        parameters="7B",
        good_for="describing, questions, text in pictures",
        size_bytes=4_704_000_000,
        kv_bytes_per_token=_VICUNA_7B,
        context_tokens=4096,
        quants=_CJPAIS_QUANTS,
        licence="apache-2.0",
    ),
    Entry(
        name="llava-1.6-vicuna-13b",
        repo="cjpais/llava-v1.6-vicuna-13b-gguf",  # as above
        quant="Q4_K_M",
        family="vicuna",
        parameters="13B",
        good_for="describing and questions with more knowledge",
        size_bytes=8_515_000_000,
        kv_bytes_per_token=_VICUNA_13B,
        context_tokens=4096,
        quants=_CJPAIS_QUANTS,
        licence="apache-2.0",
    ),
    Entry(
        name="llava-1.6-34b",
        repo="cjpais/llava-v1.6-34B-gguf",  # as above
        quant="Q4_K_M",
        family="chatml",
        parameters="34B",
        good_for="the most careful LLaVA; slow without a GPU",
        size_bytes=21_400_000_000,
        kv_bytes_per_token=_YI_34B,
        context_tokens=4096,
        quants=_CJPAIS_QUANTS,
        licence="apache-2.0",
        weights="llava-v1.6-*",  # beside them lie stale ones: llava-1.6-34b.* and ggml-model-*
    ),
    Entry(
        name="llava-phi-3",
        repo="xtuner/llava-phi-3-mini-gguf",  # the makers'
        quant="INT4",
        family="phi-3",
        parameters="3.8B",
        good_for="captions and questions on little memory",
        size_bytes=2_928_000_000,
        kv_bytes_per_token=_PHI_3_MINI,
        context_tokens=4096,
        quants=("INT4", "F16"),
    ),
    Entry(
        name="llava-llama-3-8b",
        repo="xtuner/llava-llama-3-8b-v1_1-gguf",  # the makers'
        quant="INT4",
        family="llama-3",
        parameters="8B",
        good_for="describing and questions",
        size_bytes=5_544_000_000,
        kv_bytes_per_token=_LLAMA_3_8B,
        context_tokens=8192,
        quants=("INT4", "F16"),
    ),
    Entry(
        name="bakllava",
        # The first conversion, with its projector under the usual name; others split or rename theirs.
        repo="mys/ggml_bakllava-1",
        quant="Q4_K",
        family="vicuna",
        parameters="7B",
        good_for="captions, short answers",
        size_bytes=4_994_000_000,
        kv_bytes_per_token=_MISTRAL_7B,
        context_tokens=32768,
        quants=("Q4_K", "Q5_K", "F16"),
    ),
)

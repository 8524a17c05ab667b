"""Models of other makers for all kinds of questions. The makers' own conversion is taken, or else ggml-org's."""

from __future__ import annotations

from vlmcli.models.catalogue.entry import Entry, kv_bytes

_QWEN_3_8B = kv_bytes(layers=36, kv_heads=8, head_dim=128)  # Qwen/Qwen3-8B; the 4B has the same layers and heads

GENERAL = (
    Entry(
        name="moondream2",
        repo="ggml-org/moondream2-20250414-GGUF",  # with a template in the file, which the makers' own lacks
        quant="F16",
        family="moondream",
        parameters="1.9B",
        good_for="captions, short answers",
        size_bytes=3_749_313_056,
        kv_bytes_per_token=kv_bytes(layers=24, kv_heads=32, head_dim=64),  # microsoft/phi-1_5
        context_tokens=2048,
        quants=("F16",),
        licence="apache-2.0",
    ),
    Entry(
        name="smolvlm-500m",
        repo="ggml-org/SmolVLM-500M-Instruct-GGUF",
        quant="Q8_0",
        family="smolvlm",
        parameters="500M",
        good_for="captions on the smallest machines",
        size_bytes=636_275_712,
        kv_bytes_per_token=kv_bytes(layers=32, kv_heads=5, head_dim=64),  # HuggingFaceTB/SmolLM2-360M-Instruct
        context_tokens=8192,
        quants=("Q8_0", "F16"),
        licence="apache-2.0",
    ),
    Entry(
        name="smolvlm2-2.2b",
        repo="ggml-org/SmolVLM2-2.2B-Instruct-GGUF",
        quant="Q4_K_M",
        family="smolvlm",
        parameters="2.2B",
        good_for="captions, several pictures on little memory",
        size_bytes=1_985_000_000,
        kv_bytes_per_token=kv_bytes(layers=24, kv_heads=32, head_dim=64),  # HuggingFaceTB/SmolLM2-1.7B-Instruct
        context_tokens=8192,
        quants=("Q4_K_M", "Q8_0"),
        licence="apache-2.0",
    ),
    Entry(
        name="qwen2.5-vl-3b",
        repo="ggml-org/Qwen2.5-VL-3B-Instruct-GGUF",
        quant="Q4_K_M",
        family="qwen2.5-vl",
        parameters="3B",
        good_for="text in pictures, documents, charts",
        size_bytes=3_268_000_000,
        kv_bytes_per_token=kv_bytes(layers=36, kv_heads=2, head_dim=128),  # Qwen/Qwen2.5-VL-3B-Instruct
        context_tokens=128000,
        quants=("Q4_K_M", "Q8_0"),
        licence="qwen-research",
    ),
    Entry(
        name="qwen2.5-vl-7b",
        repo="ggml-org/Qwen2.5-VL-7B-Instruct-GGUF",
        quant="Q4_K_M",
        family="qwen2.5-vl",
        parameters="7B",
        good_for="text in pictures, documents, charts",
        size_bytes=6_037_000_000,
        size_is_recorded=False,  # its projector in f16 is not
        kv_bytes_per_token=kv_bytes(layers=28, kv_heads=4, head_dim=128),  # Qwen/Qwen2.5-VL-7B-Instruct
        context_tokens=128000,
        quants=("Q4_K_M",),
        licence="apache-2.0",
    ),
    Entry(
        name="qwen3-vl-2b",
        repo="Qwen/Qwen3-VL-2B-Instruct-GGUF",  # unsloth's name all projectors alike
        quant="Q4_K_M",
        family="qwen3-vl",
        parameters="2B",
        good_for="text in pictures, documents on little memory",
        size_bytes=1_926_409_952,
        kv_bytes_per_token=kv_bytes(layers=28, kv_heads=8, head_dim=128),  # Qwen/Qwen3-VL-2B-Instruct
        context_tokens=262144,
        quants=("Q4_K_M", "Q8_0", "F16"),
        licence="apache-2.0",
    ),
    Entry(
        name="qwen3-vl-4b",
        repo="Qwen/Qwen3-VL-4B-Instruct-GGUF",  # as above
        quant="Q4_K_M",
        family="qwen3-vl",
        parameters="4B",
        good_for="questions, text in pictures, documents",
        size_bytes=3_333_000_000,
        kv_bytes_per_token=_QWEN_3_8B,
        context_tokens=262144,
        quants=("Q4_K_M", "Q8_0", "F16"),
        licence="apache-2.0",
    ),
    Entry(
        name="qwen3-vl-8b",
        repo="Qwen/Qwen3-VL-8B-Instruct-GGUF",  # as above
        quant="Q4_K_M",
        family="qwen3-vl",
        parameters="8B",
        good_for="questions, documents, several pictures; the best of its size here",
        size_bytes=6_186_814_624,
        kv_bytes_per_token=_QWEN_3_8B,
        context_tokens=262144,
        quants=("Q4_K_M", "Q8_0", "F16"),
        licence="apache-2.0",
    ),
    Entry(
        name="gemma-3-4b",
        repo="ggml-org/gemma-3-4b-it-GGUF",
        quant="Q4_K_M",
        family="gemma-3",
        parameters="4B",
        good_for="describing, many languages",
        size_bytes=3_341_000_000,
        kv_bytes_per_token=kv_bytes(layers=34, kv_heads=4, head_dim=256),  # google/gemma-3-4b-it; 5 of 6 layers: window
        context_tokens=131072,
        quants=("Q4_K_M", "Q8_0"),
        licence="gemma",
    ),
    Entry(
        name="internvl3-2b",
        repo="ggml-org/InternVL3-2B-Instruct-GGUF",
        quant="Q4_K_M",
        family="internvl3",
        parameters="2B",
        good_for="text in pictures, charts on little memory",
        size_bytes=1_745_000_000,
        kv_bytes_per_token=kv_bytes(layers=28, kv_heads=2, head_dim=128),  # Qwen/Qwen2.5-1.5B-Instruct
        context_tokens=32768,
        quants=("Q4_K_M", "Q8_0"),
    ),
    Entry(
        name="minicpm-v-4.5",
        repo="openbmb/MiniCPM-V-4_5-gguf",
        quant="Q4_K_M",
        family="minicpm-v",
        parameters="8B",
        good_for="questions, documents, large pictures",
        size_bytes=6_125_000_000,
        size_is_recorded=False,
        kv_bytes_per_token=_QWEN_3_8B,
        context_tokens=40960,
        quants=("Q4_K_M",),
        licence="apache-2.0",
    ),
    Entry(
        name="granite-vision-3.3-2b",
        repo="ibm-granite/granite-vision-3.3-2b-GGUF",
        quant="Q4_K_M",
        family="granite-vision",
        parameters="2B",
        good_for="documents, tables, charts",
        size_bytes=2_440_000_000,
        size_is_recorded=False,
        kv_bytes_per_token=kv_bytes(layers=40, kv_heads=8, head_dim=64),  # ibm-granite/granite-3.1-2b-instruct
        context_tokens=131072,
        quants=("Q4_K_M", "Q8_0"),
        licence="apache-2.0",
    ),
    Entry(
        name="glm-4.6v-flash",
        repo="ggml-org/GLM-4.6V-Flash-GGUF",
        quant="Q4_K_M",
        family="glm-4v",
        parameters="9B",
        good_for="careful questions; thinks before it answers",
        size_bytes=7_146_633_568,
        kv_bytes_per_token=kv_bytes(layers=40, kv_heads=2, head_dim=128),  # zai-org/GLM-4-9B-0414
        context_tokens=131072,
        quants=("Q4_K_M",),
    ),
)

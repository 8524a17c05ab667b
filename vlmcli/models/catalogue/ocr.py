"""Models made to read pages; what they are good for is nothing else. All repositories are the makers' or ggml-org's."""

from __future__ import annotations

from vlmcli.models.catalogue.entry import Entry, kv_bytes

OCR = (
    Entry(
        name="deepseek-ocr",
        repo="ggml-org/DeepSeek-OCR-GGUF",
        quant="Q8_0",
        family="deepseek-ocr",
        parameters="3B",
        good_for="reading pages, tables as Markdown",
        size_bytes=3_548_000_000,
        size_is_recorded=False,
        kv_bytes_per_token=kv_bytes(layers=12, kv_heads=10, head_dim=128),  # deepseek-ai/DeepSeek-OCR
        context_tokens=8192,
        quants=("Q8_0",),
        licence="mit",
    ),
    Entry(
        name="glm-ocr",
        repo="ggml-org/GLM-OCR-GGUF",
        quant="Q8_0",
        family="glm-ocr",
        parameters="0.9B",
        good_for="reading pages on little memory",
        size_bytes=1_434_837_056,
        kv_bytes_per_token=kv_bytes(layers=16, kv_heads=8, head_dim=128),  # zai-org/GLM-OCR
        context_tokens=131072,
        quants=("Q8_0",),
        licence="mit",
    ),
    Entry(
        name="paddleocr-vl",
        repo="PaddlePaddle/PaddleOCR-VL-1.5-GGUF",  # one file, whose name tells no quantization
        quant="",
        family="paddleocr-vl",
        parameters="0.9B",
        good_for="reading lines, tables and formulas",
        size_bytes=1_818_000_000,
        kv_bytes_per_token=kv_bytes(layers=18, kv_heads=2, head_dim=128),  # baidu/ERNIE-4.5-0.3B-PT
        context_tokens=131072,
        quants=(),
    ),
)

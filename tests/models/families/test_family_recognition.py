"""Which family a pair of files is of, from headers alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.tiny_gguf import write
from vlmcli import demo
from vlmcli.gguf import Header, read_header
from vlmcli.models.families import FAMILIES, family_for

CHATML = "{{ '<|im_start|>' + message.role }}"
SMOLVLM = "<|im_start|>{{ message.role }}: {{ text }}<end_of_utterance>"


def headers(folder: Path, projector_type: str, architecture: str, template: str, width: int) -> tuple[Header, Header]:
    metadata = {"general.architecture": architecture, f"{architecture}.embedding_length": width}
    if template:
        metadata["tokenizer.chat_template"] = template
    clip = {"general.architecture": "clip", "clip.projector_type": projector_type, "clip.has_vision_encoder": True}
    return read_header(write(folder / "m.gguf", metadata)), read_header(write(folder / "mmproj.gguf", clip))


@pytest.mark.parametrize(
    ("projector_type", "architecture", "template", "width", "family"),
    [
        ("qwen2vl_merger", "qwen2vl", CHATML, 1536, "qwen2-vl"),
        ("qwen2.5vl_merger", "qwen2vl", CHATML, 2048, "qwen2.5-vl"),
        ("qwen2.5vl_merger", "qwen2vl", "", 2048, "qwen2.5-vl"),
        ("qwen3vl_merger", "qwen3vl", CHATML, 2048, "qwen3-vl"),
        ("qwen3vl_merger", "qwen3vlmoe", CHATML, 2048, "qwen3-vl"),
        ("qwen3vl_merger", "qwen35", CHATML, 2048, None),
        ("gemma3", "gemma3", "<start_of_turn>", 2560, "gemma-3"),
        ("idefics3", "llama", SMOLVLM, 960, "smolvlm"),
        ("idefics3", "llama", "<|start_of_role|>", 576, None),
        ("internvl", "qwen2", CHATML, 1536, "internvl3"),
        ("internvl", "internlm2", CHATML, 2048, None),
        ("resampler", "qwen3", "", 4096, "minicpm-v"),
        ("resampler", "qwen2", CHATML, 3584, "minicpm-v"),
        ("resampler", "llama", "<|start_header_id|>", 4096, None),
        ("glm4v", "glm4", "[gMASK]<sop>", 4096, "glm-4v"),
        ("glm4v", "glm4", "[gMASK]<sop>", 1536, "glm-ocr"),
        ("deepseekocr", "deepseek2-ocr", "", 1280, "deepseek-ocr"),
        ("paddleocr", "paddleocr", "User: ", 1024, "paddleocr-vl"),
        ("mlp", "phi2", "USER: ASSISTANT:", 2048, "moondream"),
        ("mlp", "phi2", "", 2048, "moondream"),
        ("mlp", "granite", "", 2048, "granite-vision"),
        ("mlp", "phi3", "", 3072, "phi-3"),
        ("mlp", "llama", "<|user|>\n{{ m }}<|end|>\n<|assistant|>", 3072, "phi-3"),
        ("mlp", "llama", "[INST] {{ m }} [/INST]", 4096, "mistral-instruct"),
        ("mlp", "llama", "[INST] <<SYS>>{{ s }}<</SYS>> {{ m }} [/INST]", 4096, None),
        ("mlp", "llama", "<|start_header_id|>user<|end_header_id|>", 4096, "llama-3"),
        ("mlp", "llama", "USER: {{ m }} ASSISTANT:", 4096, "vicuna"),
        ("mlp_norm", "llama", CHATML, 7168, "chatml"),
        ("mlp", "qwen2", CHATML, 1024, None),
        ("mlp", "llama", "", 4096, None),
        ("mlp", "llama", "{{ messages }}", 4096, None),
        ("ldp", "llama", "", 2048, None),
        ("pixtral", "llama", "[INST]", 5120, None),
        ("", "", "", 64, None),
    ],
)
def test_family_by_headers(
    tmp_path: Path, projector_type: str, architecture: str, template: str, width: int, family: str | None
) -> None:
    found = family_for(*headers(tmp_path, projector_type, architecture, template, width))
    assert (found.name if found else None) == family


def test_qwen_files_that_nobody_named_get_enough_tokens_for_a_picture(tmp_path: Path) -> None:
    found = family_for(*headers(tmp_path, "qwen2.5vl_merger", "qwen2vl", CHATML, 2048))
    assert found
    assert found.image_min_tokens == 1024


def test_what_was_told_by_its_template_keeps_it() -> None:
    """That of the model in the box has Vicuna's roles, and lines of its own: no other is put in its place unasked."""
    found = family_for(read_header(demo.DECODER), read_header(demo.PROJECTOR))
    assert found == replace(FAMILIES["vicuna"], own_template_first=True)


def test_moondream_is_not_left_to_the_vicuna_template_that_some_files_carry(tmp_path: Path) -> None:
    assert family_for(*headers(tmp_path, "mlp", "phi2", "USER: ASSISTANT:", 2048)) is FAMILIES["moondream"]


def test_files_that_were_trained_to_think_keep_their_own_template(tmp_path: Path) -> None:
    """It is what opens the thinking."""
    thinking = CHATML + "{{ '<|im_start|>assistant\n<think>\n' }}"
    found = family_for(*headers(tmp_path, "qwen3vl_merger", "qwen3vl", thinking, 2048))
    assert found == replace(FAMILIES["qwen3-vl"], own_template_first=True)
    assert family_for(*headers(tmp_path, "qwen3vl_merger", "qwen3vl", CHATML, 2048)) is FAMILIES["qwen3-vl"]

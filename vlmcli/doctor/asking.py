"""The model in the box looks at its own pictures on one device. Runs in a child process of the doctor."""

from __future__ import annotations

from dataclasses import dataclass

from vlmcli import demo
from vlmcli.config import LOCAL
from vlmcli.core import JobDone, Record
from vlmcli.engine import ENGINES, Engine, EngineSettings
from vlmcli.engine.offload_wish import parse_wish
from vlmcli.images import load, resolve, stitch
from vlmcli.models import resolve_model
from vlmcli.pipeline import Job, run
from vlmcli.tasks import TASKS, Brief, TaskOptions

_CPU = "CPU"


@dataclass(frozen=True, slots=True)
class Known:
    """A question whose answer is known: the words that it must hold."""

    task: str
    pictures: tuple[str, ...]
    question: str
    words: tuple[str, ...]


KNOWN = (
    Known("ask", ("shapes.png",), "What is the background?", ("yellow",)),
    Known("ask", ("shapes.png",), "How many shapes are there?", ("two",)),
    Known("describe", ("shapes.png",), "", ("red circle", "blue star")),
    Known("compare", ("before.png", "after.png"), "", ("gray", "black")),
    Known("ocr", ("text.png",), "", ("SALE",)),
)


@dataclass(frozen=True, slots=True)
class BoxReport:
    """`wrong`: what was said in place of what is known. Speeds are the best of all answers."""

    asked: int
    wrong: tuple[str, ...]
    load_ms: float
    encode_ms: float
    """Of one picture."""
    tokens_per_second: float


def ask_box(device: str) -> BoxReport:
    """All known questions, one after the other. Raises VlmError."""
    files = resolve_model("demo")
    engine = ENGINES[LOCAL](files, settings_on(device))
    records = []
    for known in KNOWN:
        refs = tuple(resolve(demo.PICTURES / name) for name in known.pictures)
        brief = Brief(TaskOptions(question=known.question), files.family, stitch)
        records.append(_answer(Job(TASKS[known.task], refs, brief), engine))
    engine.close()
    return _report(records)


def settings_on(device: str) -> EngineSettings:
    """How an engine is told to work on one device alone, projector and all, by llama.cpp's name of it."""
    everything_there = parse_wish("all", device, projector_gpu=True)
    return EngineSettings(offload=parse_wish("off") if device == _CPU else everything_there)


def _answer(job: Job, engine: Engine) -> Record:
    done = [event.record for event in run([job], engine, load, "demo") if isinstance(event, JobDone)]
    if done[0].error:
        raise done[0].error
    return done[0]


def _report(records: list[Record]) -> BoxReport:
    wrong = [
        f"{record.text.strip()!r} in place of {' and '.join(known.words)}"
        for known, record in zip(KNOWN, records, strict=True)
        if not all(word in record.text for word in known.words)
    ]
    encodes = [r.timings.encode_ms / len(r.pictures) for r in records if r.timings.encode_ms]
    return BoxReport(
        len(records),
        tuple(wrong),
        records[0].timings.load_ms,
        min(encodes, default=0.0),
        max(record.timings.tokens_per_second for record in records),
    )

"""The Python face of vlm, and what the command line is built on.

from vlmcli import Vlm

with Vlm("demo") as vlm:
    print(vlm.ask("a.png", "How many shapes are there?"))
    for words in vlm.describe("a.png"):
        print(words, end="", flush=True)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vlmcli.backend import Named, find_backend, find_store
from vlmcli.config import LOCAL, Settings, load_settings
from vlmcli.core import Detail, ImageRef, JobEvent, ModelFiles, Seen
from vlmcli.drawing import check_drawing
from vlmcli.engine import Engine, EngineSettings, Looker
from vlmcli.engine.modes import Mode
from vlmcli.engine.offload_wish import parse_kv_type, parse_wish
from vlmcli.pipeline import Job, run
from vlmcli.reply import Reply
from vlmcli.session import Conversation
from vlmcli.tasks import TASKS, Exchange, TaskOptions

PictureLike = str | os.PathLike[str] | bytes | Any
"""A path, `-` for standard input, the bytes of a picture file, or a PIL image."""


class Vlm:
    """A model, opened at the first question and kept open until `close` (or the end of a `with`).

    `model`: "demo", a name that `vlm models` lists and `vlm pull` has fetched, hf:OWNER/REPOSITORY, or the path of a
    GGUF file with `mmproj`; None takes VLM_MODEL, or the only model that is here. Raises ModelError at once when there
    is no such model or its two files do not fit.

    `engine`: the URL of a server that has a model open, or a name from the settings file; `model` is then the server's
    name for it, and None the only one that it has. Raises ServerError when the server is not there. One that is still
    loading is waited for; where `say` is told that, for as long as the server may be silent.

    `cache=False` neither uses nor keeps anything on disk. `gpu` and what follows it are the options of the command
    line; what makes no sense there raises UsageError. Not for use from several threads at a time.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        engine: str | None = None,
        mmproj: str | os.PathLike[str] | None = None,
        family: str | None = None,
        chat_template: str | os.PathLike[str] | None = None,
        threads: int | None = None,
        threads_batch: int | None = None,
        gpu: str | int | None = None,
        device: str | None = None,
        main_gpu: str | None = None,
        tensor_split: str | None = None,
        projector_gpu: bool | None = None,
        kv_type: str | None = None,
        check_memory: bool = True,
        parallel: int | None = None,
        verbose: bool = False,
        cache: bool = True,
        settings: Settings | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        settings = settings or load_settings()
        unnamed = "" if engine and engine != LOCAL else settings.model  # VLM_MODEL is not of a server that was typed
        name, template = os.fspath(model) if model else unnamed, Path(chat_template) if chat_template else None
        named = Named(name, Path(mmproj) if mmproj else None, family, template)
        engine_settings = EngineSettings(
            threads=threads or settings.threads,
            threads_batch=threads_batch or 0,
            offload=parse_wish(None if gpu is None else str(gpu), device, main_gpu, tensor_split, projector_gpu),
            kv_type=parse_kv_type(kv_type),
            check_memory=check_memory,
            parallel=parallel or 0,
            verbose=verbose,
            mode=Mode(settings.extra_buffers) if settings.extra_buffers else None,
            store=find_store() if cache else None,
        )
        self._kv_type = engine_settings.kv_type
        self._backend = find_backend(engine or settings.engine, named, engine_settings, say)
        self._engine: Engine | None = None
        self._reply: Reply | None = None

    @property
    def model(self) -> str:
        """The model's name, as records show it."""
        return self._backend.name

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._backend.warnings

    def prove_build(self, to_person: bool = False) -> str:
        """Try, once for a build of llama.cpp and a processor, whether it computes right with weights like this model's.

        What is to be said of it, the first time that this is asked, and the first time `to_person`; "" later, and when
        all is well. The engine tries by itself when it opens. Raises EngineError when no way of computing is right.
        """
        return self._backend.prove_build(to_person)

    @property
    def kv_type(self) -> str:
        """How what is read is stored: f16, or q8_0."""
        return self._kv_type

    @property
    def fingerprint(self) -> str:
        """A digest that is another one when the model's files are, or the way in which it is spoken to."""
        return self._backend.fingerprint()

    @property
    def opened_with(self) -> tuple[ModelFiles, EngineSettings] | None:
        """The files, and how llama.cpp runs them here; None: a server has the model open."""
        return self._backend.opened_with

    def in_vain(self, task: str, options: TaskOptions) -> Iterator[str]:
        """Which options change nothing with this model: `detail`; `think`, where text is read."""
        return self._backend.in_vain(task, options.detail, options.think)

    # --- one question -------------------------------------------------------------------------------------

    def describe(self, picture: PictureLike, style: str = "", lang: str = "", **options: Any) -> Reply:
        """What is in the picture. `style`: short, caption, detailed, alt or tags; `options` as in TaskOptions."""
        return self._reply_to("describe", [picture], TaskOptions(style=style, lang=lang, **options))

    def ask(
        self,
        picture: PictureLike | Sequence[PictureLike],
        question: str,
        *,
        choices: Sequence[str] | None = None,
        schema: Any = None,
        regex: str | None = None,
        **options: Any,
    ) -> Reply:
        """An answer to `question` about a picture, or about a list of pictures taken together.

        `choices`: one of these labels (`calibrate`, `min_confidence`; then `.choice` and `.probabilities`). `schema`:
        JSON that fits it, given as a mapping, a Pydantic model, a file's path or in the short form (then `.data`, and
        `.instance` of a Pydantic model). `regex`: what matches it as a whole.
        """
        from vlmcli.grammar import form_of

        pictures = list(picture) if isinstance(picture, list | tuple) else [picture]
        form = form_of(choices, schema, regex)
        model = schema if hasattr(schema, "model_validate") else None
        return self._reply_to("ask", pictures, TaskOptions(question=question, form=form, **options), model)

    def compare(self, *pictures: PictureLike, question: str = "", strategy: str = "auto", **options: Any) -> Reply:
        """What differs. `strategy`: auto, native, stitch, describe, diff. `diff="out.png"` draws what differs."""
        return self._reply_to("compare", pictures, TaskOptions(question=question, strategy=strategy, **options))

    def ocr(self, picture: PictureLike, style: str = "", **options: Any) -> Reply:
        """The text in the picture, line by line. `style`: plain, markdown or table; `whole=True`: in one look."""
        return self._reply_to("ocr", [picture], TaskOptions(style=style, **options))

    def ocr_pages(self, document: str | os.PathLike[str], pages: str = "all", **options: Any) -> Iterator[Reply]:
        """The text of each page of a TIFF or PDF file, of which `ocr` reads the first. `pages`: as in "1-3,7"."""
        from vlmcli.images.paging import refs_of_pages

        for ref in refs_of_pages(os.fspath(document), pages):
            yield self.reply_to(self.job("ocr", (ref,), TaskOptions(**options)))

    def _reply_to(self, task: str, pictures: Sequence[PictureLike], options: TaskOptions, model: Any = None) -> Reply:
        from vlmcli.images import resolve_all

        return self.reply_to(self.job(task, resolve_all(pictures), options), model)

    def reply_to(self, job: Job, model: Any = None) -> Reply:
        """The answer to one job, as it comes. `model`: a Pydantic model that it is an instance of."""
        self._reply = Reply(self._run_after(self._reply, job), model)
        return self._reply

    def _run_after(self, earlier: Reply | None, job: Job) -> Iterator[JobEvent]:
        """The engine does one stream at a time: an earlier reply that was left half read is read to its end."""
        while earlier and earlier.advance():
            pass
        yield from self.run([job])

    def conversation(self, *pictures: PictureLike, **options: Any) -> Conversation:
        """A talk about pictures: each question knows what was said before, and costs only its own tokens."""
        from vlmcli.images import resolve_all

        return self.conversation_about(resolve_all(pictures), TaskOptions(**options))

    def conversation_about(self, pictures: Sequence[ImageRef], options: TaskOptions) -> Conversation:
        """As `conversation`, with references that were resolved already."""

        def start(about: tuple[ImageRef, ...], question: str, history: tuple[Exchange, ...]) -> Iterator[JobEvent]:
            return self.run([self.job("ask", about, replace(options, question=question), history)])

        return Conversation(tuple(pictures), start)

    def inspect(self, picture: PictureLike, detail: Detail = "auto") -> Seen:
        """What the model will see of a picture: tiles, tokens, how long it may take. Nothing is answered."""
        from vlmcli.images import load, resolve_all

        with self.looker(detail) as looker:
            return looker.look(load(*resolve_all([picture])))

    def looker(self, detail: Detail = "auto") -> closing[Looker]:
        """The same for many pictures: `with vlm.looker() as looker: looker.look(image)`."""
        return closing(self._backend.look(detail))

    @property
    def takes_several_pictures(self) -> bool:
        """Whether the model was trained on several pictures in one question."""
        return self._backend.family.several_pictures

    # --- many ---------------------------------------------------------------------------------------------

    def job(
        self,
        task: str,
        pictures: Sequence[ImageRef],
        options: TaskOptions,
        history: tuple[Exchange, ...] | None = None,
    ) -> Job:
        """One record to be: `task` (a name in TASKS) over `pictures`, for `run`. `history`: what was said before.

        Raises UsageError for options that make no sense.
        """
        brief = self._backend.brief(options, history)
        TASKS[task].question(brief, len(pictures))  # what makes no sense is said before any work
        if options.diff:
            check_drawing(options.diff, (ref.path for ref in pictures))
        return Job(TASKS[task], tuple(pictures), brief)

    def run(self, jobs: Iterable[Job | None], many: bool | None = None) -> Iterator[JobEvent]:
        """Events of all jobs as they come, several jobs at a time. Each job ends in one JobDone.

        `jobs` may yield None for "nothing right now": it is asked again. `many`: the end of all jobs counts more than
        the first word; None: when there are two or more.
        """
        from vlmcli.images import load

        return run(jobs, self._open_engine(), load, self.model, many)

    def _open_engine(self) -> Engine:
        if self._engine is None:
            self._engine = self._backend.open()
        return self._engine

    def interrupt(self) -> bool:
        """From a signal handler: end what is being answered with what was said so far. False: nothing to end."""
        return self._engine.interrupt() if self._engine else False

    def close(self) -> bool:
        """Free the model. False when a computation that cannot be stopped still runs: the process should end."""
        engine, self._engine = self._engine, None
        return engine.close() if engine else True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

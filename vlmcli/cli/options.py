"""The options that all tasks share, declared once, and given to each command's signature."""

# No __future__ annotations: as strings, those that typer reads would be compiled at each start.
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from vlmcli.tasks import TaskOptions

_MODEL, _GPU, ANSWER, OUTPUT = "Model", "Processor and GPU", "Answer", "Output"

OF_THIS_MACHINE = ("gpu", "device", "main_gpu", "tensor_split", "projector_gpu", "kv_type", "threads", "threads_batch")
"""Fields of Common about how a model is computed here: of no use to a server, which has its own."""

MODEL_PARTS = ("mmproj", "family", "chat_template")
"""Fields of Common that belong to a model: where another is chosen with more right, they go with it."""


@dataclass(frozen=True, slots=True)
class Common:
    """Options of every task, in the order in which `--help` shows them."""

    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="The model: a name of [bold]vlm models[/], [bold]demo[/] in the box, or a MODEL.gguf with --mmproj.",
            envvar="VLM_MODEL",
            rich_help_panel=_MODEL,
        ),
    ] = None
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A server that has the model open (llama-server, vLLM, Ollama, …), by URL or by its name in"
            " config.toml; [bold]llama[/] is this machine, [bold]ray[/] a cluster.",
            rich_help_panel=_MODEL,
        ),
    ] = None
    mmproj: Annotated[Path | None, typer.Option(help="The model's projector, a GGUF file.", rich_help_panel=_MODEL)] = (
        None
    )
    family: Annotated[
        str | None,
        typer.Option(
            help="How to speak to a model whose file does not say: vicuna, mistral-instruct, chatml, llama-3, phi-3, …",
            rich_help_panel=_MODEL,
        ),
    ] = None
    chat_template: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A Jinja chat template to use instead.", rich_help_panel=_MODEL),
    ] = None
    parallel: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Pictures answered side by side, at the most.", rich_help_panel=_MODEL),
    ] = None
    no_cache: Annotated[
        bool,
        typer.Option("--no-cache", help="Compute everything anew, and keep nothing on disk.", rich_help_panel=_MODEL),
    ] = False
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=512, help="Processor threads.", envvar="VLM_THREADS", rich_help_panel=_GPU),
    ] = None
    threads_batch: Annotated[
        int | None,
        typer.Option(min=1, max=512, help="For pictures and prompts, if others than --threads.", rich_help_panel=_GPU),
    ] = None
    gpu: Annotated[
        str | None,
        typer.Option(
            metavar="auto|off|all|N",
            help="Layers on GPUs: as many as fit, none, all (or an error), or N.",
            rich_help_panel=_GPU,
        ),
    ] = None
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME[,NAME]", help="Use these devices of llama.cpp only.", rich_help_panel=_GPU),
    ] = None
    main_gpu: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The GPU to fill first, and for the projector.", rich_help_panel=_GPU),
    ] = None
    tensor_split: Annotated[
        str | None,
        typer.Option(metavar="N[,N]", help="Share the layers out among the GPUs so: 3,1.", rich_help_panel=_GPU),
    ] = None
    projector_gpu: Annotated[
        bool | None,
        typer.Option(
            "--projector-gpu/--no-projector-gpu", help="Look at pictures on the GPU, or not.", rich_help_panel=_GPU
        ),
    ] = None
    kv_type: Annotated[
        Literal["f16", "q8_0"] | None,
        typer.Option(metavar="f16|q8_0", help="q8_0 takes half the memory for what is read.", rich_help_panel=_GPU),
    ] = None
    no_memory_check: Annotated[
        bool,
        typer.Option("--no-memory-check", help="Open a model that does not fit, too.", rich_help_panel=_GPU),
    ] = False
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="The longest answer, in tokens.", rich_help_panel=ANSWER)
    ] = None
    temperature: Annotated[
        float | None,
        typer.Option(min=0.0, help="0 (the default) always takes the likeliest word.", rich_help_panel=ANSWER),
    ] = None
    top_p: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Choose among the likeliest words only.", rich_help_panel=ANSWER),
    ] = None
    seed: Annotated[
        int | None, typer.Option(min=0, help="Makes a temperature above 0 repeatable.", rich_help_panel=ANSWER)
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Give up on a picture after this long.", rich_help_panel=ANSWER),
    ] = None
    detail: Annotated[
        Literal["low", "auto", "high"],
        typer.Option(help="How closely to look: fewer or more tokens a picture.", rich_help_panel=ANSWER),
    ] = "auto"
    think: Annotated[
        bool,
        typer.Option(
            "--think", help="Let the model reason first; a terminal and JSON show it.", rich_help_panel=ANSWER
        ),
    ] = False
    system: Annotated[
        str | None, typer.Option(help="A system message, before everything else.", rich_help_panel=ANSWER)
    ] = None
    prompt: Annotated[
        str | None, typer.Option(help="Words to send instead of the task's own.", rich_help_panel=ANSWER)
    ] = None
    format: Annotated[
        Literal["text", "json", "jsonl", "csv", "markdown", "html", "hocr", "imagefolder"] | None,
        typer.Option(
            metavar="FORMAT",
            help="text, json, jsonl, csv, markdown, html, hocr, imagefolder; else as --output's name says, or text.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    template: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help=r"A line of your own for each answer: [bold]'{picture}\t{text}'[/].",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write there, whole or not at all.", rich_help_panel=OUTPUT
        ),
    ] = None
    explain: Annotated[
        bool, typer.Option("--explain", help="On a terminal, underline doubtful words.", rich_help_panel=OUTPUT)
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.", rich_help_panel=OUTPUT)] = False
    stats: Annotated[
        bool, typer.Option("--stats", help="A line of timings for each answer.", rich_help_panel=OUTPUT)
    ] = False
    verbose: Annotated[bool, typer.Option("--verbose", help="Show llama.cpp's log.", rich_help_panel=OUTPUT)] = False
    no_stream: Annotated[
        bool, typer.Option("--no-stream", help="Print an answer when it is whole.", rich_help_panel=OUTPUT)
    ] = False
    no_markdown: Annotated[
        bool, typer.Option("--no-markdown", help="Plain text on a terminal too.", rich_help_panel=OUTPUT)
    ] = False

    def task_options(self, **own: Any) -> "TaskOptions":
        """These options and a command's own ones, as the task takes them."""
        from vlmcli.tasks import TaskOptions

        return TaskOptions(
            prompt=self.prompt or "",
            system=self.system or "",
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
            timeout_s=self.timeout,
            detail=self.detail,
            think=self.think,
            **own,
        )

    @property
    def without_effect(self) -> list[str]:
        """Options that change nothing as they stand."""
        if self.temperature:
            return []
        given = {"--top-p": self.top_p, "--seed": self.seed}
        return [name for name, value in given.items() if value is not None]

    @property
    def of_this_machine(self) -> list[str]:
        """Options that were given about how a model is computed here."""
        given = {name.replace("_", "-"): getattr(self, name) for name in OF_THIS_MACHINE}
        return [f"--{'no-' * (value is False)}{name}" for name, value in given.items() if value is not None]


_FOLDER = "Many pictures into a file"
_RAY = "With --engine ray"


@dataclass(frozen=True, slots=True)
class Folder:
    """Options about a job over many pictures that goes on where it was."""

    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Begin anew what --output has; else it goes on.", rich_help_panel=_FOLDER),
    ] = False
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try those that failed once more.", rich_help_panel=_FOLDER)
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what there is to do.", rich_help_panel=_FOLDER)
    ] = False
    sidecar: Annotated[
        str | None,
        typer.Option(
            metavar=".EXT",
            help="A file beside each picture: .txt, or .xmp as alt text; +.txt for cat.jpg.txt.",
            rich_help_panel=_FOLDER,
        ),
    ] = None
    sidecar_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Put these there instead.", rich_help_panel=_FOLDER)
    ] = None
    prefix: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Words before the text in a sidecar.", rich_help_panel=_FOLDER)
    ] = None
    suffix: Annotated[str | None, typer.Option(metavar="TEXT", help="Words after it.", rich_help_panel=_FOLDER)] = None
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A cluster: HOST:6379, auto; else one of its own.", rich_help_panel=_RAY),
    ] = None
    ray_workers: Annotated[
        int | None, typer.Option(min=1, help="How many; else as many as there is room for.", rich_help_panel=_RAY)
    ] = None
    ray_cpus: Annotated[
        float | None, typer.Option(min=0.01, help="Processors for each worker.", rich_help_panel=_RAY)
    ] = None
    ray_gpus: Annotated[float | None, typer.Option(min=0.0, help="GPUs for each worker.", rich_help_panel=_RAY)] = None
    ray_pull: Annotated[
        bool, typer.Option("--ray-pull", help="Workers fetch a model that they lack.", rich_help_panel=_RAY)
    ] = False

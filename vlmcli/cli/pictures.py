"""From the arguments of a command, and the options about them, to references to pictures."""

# No __future__ annotations: see options.py.
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeGuard

import typer

from vlmcli.errors import PictureError, PictureNotFound, UsageError

if TYPE_CHECKING:
    from vlmcli.core import ImageRef
    from vlmcli.images.expanding import Expanded, Named
    from vlmcli.images.listing import Question
    from vlmcli.images.sources.promise import FailedRef
    from vlmcli.images.wishes import Wish

_PANEL = "Pictures"

PICTURES_OR_FOLDERS_HELP = "Files, 'patterns*.jpg', URLs, clipboard: or - for standard input; folders with -r."
PICTURES_HELP = PICTURES_OR_FOLDERS_HELP.replace("-r.", "-r or -o.")


@dataclass(frozen=True, slots=True)
class Sources:
    """Options about where pictures come from and how they are read, in the order in which `--help` shows them."""

    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", help="Take the pictures in folders and in the folders in them.", rich_help_panel=_PANEL
        ),
    ] = False
    from_file: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST", help="Take more from a list, one name a line; - is standard input.", rich_help_panel=_PANEL
        ),
    ] = None
    null: Annotated[
        bool,
        typer.Option("--null", "-0", help="In LIST, NUL ends a name, as after find -print0.", rich_help_panel=_PANEL),
    ] = False
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Of a folder, only what matches, as '*.png'.", rich_help_panel=_PANEL),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Not what matches: 'thumbs', 'raw/*.tif'.", rich_help_panel=_PANEL),
    ] = None
    limit: Annotated[int | None, typer.Option(min=1, help="The first N only.", rich_help_panel=_PANEL)] = None
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="K/N", help="The Kth of N parts: N machines share a folder without talking.", rich_help_panel=_PANEL
        ),
    ] = None
    frame: Annotated[
        int | None,
        typer.Option(min=1, help="Which frame of an animation or page of a TIFF.", rich_help_panel=_PANEL),
    ] = None
    pages: Annotated[
        str | None,
        typer.Option(
            metavar="PAGES",
            help="Which pages of a PDF or TIFF, each by itself: 1-3,7 or all.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    allow_truncated: Annotated[
        bool,
        typer.Option(
            "--allow-truncated", help="Take what there is of a picture whose end is missing.", rich_help_panel=_PANEL
        ),
    ] = False
    allow_local: Annotated[
        bool,
        typer.Option("--allow-local", help="Fetch URLs of the local network, too.", rich_help_panel=_PANEL),
    ] = False

    @property
    def wish(self) -> "Wish":
        from vlmcli.images.wishes import Wish

        return Wish(self.frame, self.allow_truncated, self.allow_local)

    def of_others(self) -> "Sources":
        """For pictures that are named later: read in the same way, but neither from the list nor counted out of it."""
        return replace(self, from_file=None, null=False, limit=None, shard=None)

    def parsed_shard(self) -> tuple[int, int] | None:
        """`2/7` as (2, 7). Raises UsageError."""
        if self.shard is None:
            return None
        part, _, parts = self.shard.partition("/")
        if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
            raise UsageError(f"--shard is {self.shard!r}; it is a part and how many there are.", "--shard 1/4")
        return int(part), int(parts)


def find_pictures(
    arguments: Sequence[str] | None, sources: Sources = Sources(), all_or_none: bool = False, folders: bool = False
) -> "tuple[ImageRef, ...]":
    """References to all that was named. One that is missing among others fails later, as its own record.

    Raises the PictureError of one that is missing when there is only that, or with `all_or_none`.
    """
    return resolve_names(picture_names(arguments, sources, folders), sources, all_or_none)


def picture_names(
    arguments: Sequence[str] | None, sources: Sources = Sources(), folders: bool = False
) -> "list[Expanded]":
    """The names that arguments and the list stand for, in their order; in the place of a bad one what is wrong."""
    return [each.name for each in iter_names(arguments, sources, folders)]


def iter_names(
    arguments: Sequence[str] | None, sources: Sources = Sources(), folders: bool = False
) -> "Iterator[Named]":
    """The same one after the other, as folders are walked and lists are read. Nothing is looked at before the first.

    `folders`: one that is named stands for its own pictures without --recursive, too.

    Raises UsageError and, where patterns leave nothing over, PictureNotFound, before it yields.
    """
    from vlmcli.images.choosing import choose, first_pictures
    from vlmcli.images.paging import ALL

    named = _named(arguments, sources, folders)
    chosen = choose(named, sources.include or (), sources.exclude or (), sources.parsed_shard())
    empty = True
    for each in first_pictures(chain.from_iterable(_paged(each, sources) for each in chosen), sources.limit):
        empty = False
        yield each
    if empty:
        _refuse_nothing(sources, *(() if sources.pages in (None, ALL) else ("--pages",)))


def chosen_questions(questions: "Sequence[Question]", sources: Sources) -> "list[Question]":
    """The lines of a list with questions that are wanted, by the names in it. Raises as `iter_names` does."""
    from vlmcli.images.choosing import chooser

    takes = chooser(sources.include or (), sources.exclude or (), sources.parsed_shard())
    chosen = list(islice((each for each in questions if takes(each.relative)), sources.limit))
    if not chosen:
        _refuse_nothing(sources)
    return chosen


def _refuse_nothing(sources: Sources, *more: str) -> None:
    if sources.shard is None:  # a share may well be empty
        *names, last = "--include", "--exclude", *more
        options = f"{', '.join(names)} and {last}"
        raise PictureNotFound(f"Of all that was named, {options} leave nothing over.", "vlm … --dry-run")


def _paged(named: "Named", sources: Sources) -> "Iterator[Named]":
    """A document of several pages as these, where pages were asked for."""
    if sources.pages is None:
        yield named
        return
    from vlmcli.images.paging import pages_of, parse_pages

    yield from pages_of(named, parse_pages(sources.pages))


def _takes(sources: Sources) -> Callable[[str], bool]:
    """What of a folder is taken: PDFs only where all pages of them are."""
    from vlmcli.images.names import is_picture_name
    from vlmcli.images.paging import is_pdf_name

    return (lambda name: is_picture_name(name) or is_pdf_name(name)) if sources.pages else is_picture_name


def _named(arguments: Sequence[str] | None, sources: Sources, folders: bool) -> "Iterator[Named]":
    from vlmcli.images.expanding import expand_list, expand_named
    from vlmcli.images.listing import STDIN, is_stdin, iter_names
    from vlmcli.images.paging import ALL

    if sources.from_file is None and sources.null:
        raise UsageError("--null is about a list, and there is none.", "find . -print0 | vlm … --from-file - -0")
    if sources.from_file is None and not arguments:
        raise UsageError("Missing argument 'PICTURE…'.", "vlm --help")
    if is_stdin(sources.from_file) and STDIN in (arguments or ()):
        raise UsageError("Standard input (-) cannot be both the list and a picture.", "Put the list in a file.")
    if sources.pages is not None and sources.frame is not None:
        raise UsageError("--pages and --frame both say which page.", "--pages 3")
    if sources.pages not in (None, ALL):
        _refuse_two_pages(arguments or ())
    yield from expand_named(arguments or (), sources.recursive, _takes(sources), folders)
    if sources.from_file is not None:
        listed = iter_names(str(sources.from_file), sources.null)
        yield from expand_list(listed, sources.recursive, _takes(sources), folders)


def _refuse_two_pages(names: Sequence[str]) -> None:
    """A name that says which page by itself, beside --pages."""
    from vlmcli.images.sources import lexists
    from vlmcli.images.wishes import split_page

    for name in names:
        if split_page(name)[1] is not None and not lexists(name):
            raise UsageError(f"{name} and --pages both say which page.", "Leave out --pages")


def resolve_names(names: "Sequence[Expanded]", sources: Sources, all_or_none: bool = False) -> "tuple[ImageRef, ...]":
    """A reference for each name. See `find_pictures`."""
    refs = tuple(iter_refs(names, sources.wish))
    failures = [ref.error for ref in refs if _is_failure(ref)]
    if failures and (all_or_none or len(refs) == 1):
        raise failures[0]
    return refs


def iter_refs(names: "Iterable[Expanded]", wish: "Wish") -> "Iterator[ImageRef]":
    """A reference for each name, as they come; one that is missing knows what is wrong with it.

    Raises UsageError for standard input named twice.
    """
    from vlmcli.images.sources import check_stdin

    from_stdin: list[ImageRef] = []
    for name in names:
        ref = resolve_name(name, wish)
        if ref.kind == "stdin":
            from_stdin.append(ref)
            check_stdin(from_stdin)
        yield ref


def resolve_name(name: "Expanded", wish: "Wish") -> "ImageRef":
    """A reference; to what is wrong, where it is missing."""
    from vlmcli.images import resolve
    from vlmcli.images.expanding import failed
    from vlmcli.images.sources.promise import FailedRef

    if isinstance(name, FailedRef):
        return name
    try:
        return resolve(name, wish)
    except PictureError as error:
        return failed(name, error)


def first_and_all(refs: "Iterator[ImageRef]") -> "tuple[bool, Iterator[ImageRef]]":
    """Whether there is but one, and all of them. Raises the PictureError of a single one that is missing."""
    first = list(islice(refs, 2))
    if len(first) == 1 and _is_failure(first[0]):
        raise first[0].error
    return len(first) == 1, chain(first, refs)


def _is_failure(ref: "ImageRef") -> "TypeGuard[FailedRef]":
    from vlmcli.images.sources.promise import FailedRef

    return isinstance(ref, FailedRef)

"""The exit code of a command that answers: one number for all its answers and failures."""

from __future__ import annotations

from vlmcli.core import Record
from vlmcli.errors import EXIT_NOT_SURE, EXIT_OK, EXIT_PICTURE, EXIT_SOME_FAILED, PictureError, VlmError


class ExitCode:
    """0 when all were answered, 1 when some; when none was, the code of what went wrong, 3 for pictures.

    6 where nothing went wrong, but a choice was not likely enough.
    """

    def __init__(self) -> None:
        self._answered = self._failed = self._undecided = 0
        self._worse: BaseException | None = None

    def count(self, record: Record) -> None:
        self._answered += record.error is None
        self._undecided += record.undecided
        if record.error is not None:
            self.count_error(record.error)

    def count_answered(self, many: int) -> None:
        self._answered += many

    def count_error(self, error: BaseException, many: int = 1) -> None:
        self._failed += many
        if not isinstance(error, PictureError):
            self._worse = self._worse or error

    @property
    def code(self) -> int:
        if not self._failed:
            return EXIT_NOT_SURE if self._undecided else EXIT_OK
        if self._answered:
            return EXIT_SOME_FAILED
        if self._worse is None:
            return EXIT_PICTURE
        return self._worse.exit_code if isinstance(self._worse, VlmError) else EXIT_SOME_FAILED

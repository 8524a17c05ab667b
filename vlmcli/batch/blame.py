"""Whose fault it is that the engine died: a picture's, once others are answered after it."""

from __future__ import annotations

from vlmcli.batch.messages import Died
from vlmcli.batch.planning import Todo
from vlmcli.batch.process import how_it_died
from vlmcli.errors import EngineError

_MOST_DEATHS = 3
"""Deaths of the engine with no answer between them after which it is not the pictures' fault."""


class PictureKilled(EngineError):
    """Reading or answering this picture ends the process that does it."""

    kind = "engine_died"


class Blame:
    def __init__(self) -> None:
        self._pictures: list[tuple[Todo, PictureKilled]] = []
        self._deaths = 0

    def died(self, died: Died, blamed: Todo | None, was_at_work: bool) -> None:
        """Through this picture, or of itself before there was work. Raises EngineError when that is too often."""
        how = how_it_died(died)
        if blamed:
            sentence = f"{blamed.name} ended the engine ({how})."
            self._pictures.append((blamed, PictureKilled(sentence, "Try it alone: vlm describe … --verbose")))
        self._deaths += blamed is not None or not was_at_work
        if self._deaths >= _MOST_DEATHS:
            raise EngineError(
                f"The engine died {self._deaths} times without an answer between ({how}).",
                "Look at what llama.cpp says: vlm … --verbose",
            )

    def settle(self) -> list[tuple[Todo, PictureKilled]]:
        """The engine answers others, so it was these pictures."""
        pictures, self._pictures, self._deaths = self._pictures, [], 0
        return pictures

"""What the formats have in common that show a record once it is whole."""

from __future__ import annotations


class WholeRecords:
    """In order, unless a format says otherwise, and not as the words come: see Format."""

    in_order = True
    streams = False

    def warm(self) -> None:
        pass

    def text(self, job: int, text: str) -> None:
        pass

    def thought(self, job: int, text: str) -> None:
        pass

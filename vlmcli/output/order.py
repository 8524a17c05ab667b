"""Several jobs are answered at a time, but shown in their order."""

from __future__ import annotations

from vlmcli.core import JobDone, JobText, JobThought

Said = JobThought | JobText | JobDone


class InOrder:
    """Lets the first unfinished job speak at once and holds the later ones back until it is their turn.

    Jobs are numbered from 0, and each of them ends with a JobDone.
    """

    def __init__(self) -> None:
        self._turn = 0
        self._held: dict[int, list[Said]] = {}

    def push(self, event: Said) -> list[Said]:
        """What may be shown now that `event` has come."""
        if event.job != self._turn:
            if isinstance(event, JobDone):
                self._held[event.job] = [event]  # the whole record makes its chunks unnecessary
            else:
                self._held.setdefault(event.job, []).append(event)
            return []
        ready = [event]
        while ready and isinstance(ready[-1], JobDone) and ready[-1].job == self._turn:
            self._turn += 1
            ready += self._held.pop(self._turn, [])
        return ready

    def drain(self) -> list[JobDone]:
        """The whole records that are still waiting: nothing that is finished is lost when the work ends early."""
        held = [event for job in sorted(self._held) for event in self._held[job]]
        self._held.clear()
        return [event for event in held if isinstance(event, JobDone)]

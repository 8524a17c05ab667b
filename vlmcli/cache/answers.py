"""Whole answers, recalled: an engine around an engine, which is not even opened while every answer is known."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, fields
from typing import Protocol, cast

from vlmcli.cache.digests import digest_of
from vlmcli.cache.store import Store
from vlmcli.core import (
    Answer,
    Choices,
    Confidence,
    Event,
    Failed,
    Finished,
    Note,
    Picture,
    Request,
    StopReason,
    TextChunk,
)
from vlmcli.errors import VlmError

_KEPT: frozenset[StopReason] = frozenset({"end", "stop", "length", "repetition"})
"""Endings that come again when the same is asked again. The room in the context depends on the free memory, and a
timeout on how busy the machine is."""
_NOT_IN_KEY = frozenset({"id", "turns", "timeout_s", "room_tokens", "says", "in_conversation"})
_AHEAD = 4
"""Known answers taken in one go while the engine is busy: each holds its pictures until it is handed out."""


class Answering(Protocol):
    """See vlmcli.engine.Engine."""

    def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]: ...

    def interrupt(self) -> bool: ...
    def close(self) -> bool: ...


class RecallingEngine:
    """Answers what was answered before from the store, and the rest with the engine that `open_engine` gives.

    `identity` is a digest of all that determines answers beside the request; it may raise OSError or VlmError, and
    then nothing is recalled. `label`: the model's name.
    """

    def __init__(
        self, open_engine: Callable[[], Answering], store: Store, label: str, identity: Callable[[], str]
    ) -> None:
        self._open_engine, self._store, self._label = open_engine, store, label
        self._find_identity = identity
        self._identity: str | None = None
        self._keeps = True
        self._engine: Answering | None = None

    def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]:
        """See Engine.stream. The inner engine's stream opens at the first request that must be computed."""
        source = iter(requests)
        for request in source:
            if request is None:
                continue
            key = self._key_of(request)
            known = self._recall(request, key)
            if known:
                yield from known
            else:
                yield from self._compute(request, key, source)

    def _compute(self, first: Request, key: str | None, source: Iterator[Request | None]) -> Iterator[Event]:
        """Events of the inner engine, until it has nothing left to do."""
        if self._engine is None:
            self._engine = self._open_engine()
        feed = _Feed(first, key, source, self._key_of, self._recall)
        with closing(cast(_Closable, self._engine.stream(feed.requests()))) as events:
            try:
                for event in events:
                    if isinstance(event, Note):
                        self._keeps = self._keeps and not event.answers_differ
                    if isinstance(event, Finished):
                        self._keep(feed.in_work.get(event.id), event.answer)
                    if isinstance(event, Finished | Failed):
                        feed.in_work.pop(event.id, None)
                    yield event
                    yield from feed.take_known()
            except KeyboardInterrupt:
                yield from feed.take_known()
                raise
        yield from feed.take_known()

    # --- the store ------------------------------------------------------------------------------------------

    def _key_of(self, request: Request) -> str | None:
        """None for what is not recalled: conversations, and answers drawn by chance."""
        sampling = request.sampling
        if request.in_conversation or (sampling.temperature > 0 and sampling.seed is None):
            return None
        try:
            self._identity = self._identity or self._find_identity()
        except (OSError, VlmError):
            return None  # the engine will say what is wrong with the model
        return digest_of(self._identity, *_parts_of(request))

    def _recall(self, request: Request, key: str | None) -> list[Event]:
        """The events of a known answer; none when it is not known."""
        answer = _unpacked(self._store.get("answers", key) if key else None)
        if answer is None:
            return []
        return [*([TextChunk(request.id, answer.text)] if answer.text else []), Finished(request.id, answer)]

    def _keep(self, key: str | None, answer: Answer) -> None:
        if key and self._keeps and answer.stop_reason in _KEPT:
            self._store.put("answers", key, _packed(answer), label=self._label)

    def interrupt(self) -> bool:
        """See Engine.interrupt."""
        return self._engine.interrupt() if self._engine else False

    def close(self) -> bool:
        """See Engine.close."""
        engine, self._engine = self._engine, None
        return engine.close() if engine else True


class _Closable(Iterator[Event], Protocol):
    def close(self) -> None: ...


class _Feed:
    """What the inner engine reads its requests from: known ones go past it, and their events wait in `_known`."""

    def __init__(
        self,
        first: Request,
        key: str | None,
        source: Iterator[Request | None],
        key_of: Callable[[Request], str | None],
        recall: Callable[[Request, str | None], list[Event]],
    ) -> None:
        self.in_work: dict[int, str | None] = {}
        self._first, self._first_key, self._source = first, key, source
        self._key_of, self._recall = key_of, recall
        self._known: deque[Event] = deque()

    def requests(self) -> Iterator[Request | None]:
        """Ends when the engine has nothing left to do: told to wait then, it would wait for ever."""
        self.in_work[self._first.id] = self._first_key
        yield self._first
        taken = 0
        for request in self._source:
            if request is not None:
                key = self._key_of(request)
                known = self._recall(request, key)
                if not known:
                    self.in_work[request.id] = key
                    yield request
                    continue
                self._known += known
                taken += 1
                if self.in_work and taken % _AHEAD:
                    continue
            if not self.in_work:
                return
            yield None

    def take_known(self) -> Iterator[Event]:
        while self._known:
            yield self._known.popleft()


def _parts_of(request: Request) -> Iterator[str]:
    """All of a request that determines its answer, each turn and part in its place."""
    for turn in request.turns:
        yield turn.role
        for part in turn.parts:
            yield from ("picture", part.image.digest) if isinstance(part, Picture) else ("text", part.text)
    for field in fields(request):
        if field.name not in _NOT_IN_KEY:
            yield f"{field.name}={getattr(request, field.name)!r}"


_SAVED = ("text", "stop_reason", "prompt_tokens", "image_tokens", "answer_tokens", "probabilities", "doubtful")


def _packed(answer: Answer) -> bytes:
    confidence = asdict(answer.confidence) if answer.confidence else None
    scored = asdict(answer.scored) if answer.scored else None
    return json.dumps(
        {name: getattr(answer, name) for name in _SAVED} | {"confidence": confidence, "scored": scored}
    ).encode()


def _unpacked(data: bytes | None) -> Answer | None:
    """An answer with no timings, for it took no time."""
    if data is None:
        return None
    try:
        saved = json.loads(data)
        return Answer(
            **{name: saved[name] for name in _SAVED[:5]},
            cached=True,
            confidence=Confidence(**saved["confidence"]) if saved["confidence"] else None,
            probabilities=tuple(saved["probabilities"]),
            scored=Choices(tuple(saved["scored"]["labels"]), saved["scored"]["lead_in"]) if saved["scored"] else None,
            doubtful=tuple((start, end) for start, end in saved["doubtful"]),
        )
    except (ValueError, TypeError, KeyError):
        return None

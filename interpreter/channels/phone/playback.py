"""What one line plays: in order, and little ahead, so that it can be dropped at once."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ...audio import Samples
from .line import Line

log = logging.getLogger(__name__)

_PIECE_SECONDS = 0.2
_MARK_SECONDS = 0.5
"""Sound between two marks, by which the line tells what has been heard."""

_AHEAD_SECONDS = 2.0
"""What the line is given before it has been heard; the rest waits here."""

_LATE_SECONDS = 5.0
"""A mark that is so much later than the sound before it takes is not waited for any longer."""

_MOST_SECONDS = 180.0
"""What may wait; beyond it the oldest is dropped, since what is so old helps nobody."""


class Change:
    """Wakes those who wait for something to become true."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Something is different."""
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, ready: Callable[[], bool]) -> None:
        """Return as soon as it is true; at once if it is."""
        while not ready():
            await self._event.wait()


@dataclass(frozen=True, slots=True)
class _Piece:
    samples: Samples
    about: int
    last: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str
    about: int
    covers: float
    """Seconds of sound since the mark before."""

    so_far: float
    """Seconds of what it is about, up to here."""


class Playback:
    """Plays on one line; `run` lives as long as that does."""

    def __init__(self, line: Line, change: Change) -> None:
        self.heard: Callable[[int, float], None] | None = None
        """Told how many seconds of what has been heard."""

        self._line = line
        self._change = change
        self._waiting: deque[_Piece] = deque()
        self._waiting_seconds = 0.0
        self._marks: deque[_Mark] = deque()
        self._since_mark = 0.0
        self._about = 0
        self._so_far = 0.0
        self._numbers = 0
        self._dropped = 0
        self._busy = False
        self._paused = False

    @property
    def idle(self) -> bool:
        """Whether everything has been heard."""
        return not (self._waiting or self._marks or self._busy)

    @property
    def ahead_seconds(self) -> float:
        """Sound that has not been heard yet, as far as marks tell."""
        return self._waiting_seconds + self._given_seconds

    def add(self, samples: Samples, about: int = 0, *, last: bool = False) -> None:
        """Append sound; `about` is an utterance's number, and `last` says that it ends here."""
        step = round(_PIECE_SECONDS * self._line.rate)
        starts = range(0, max(1, len(samples)), step)
        for start in starts:
            piece = samples[start : start + step]
            self._waiting.append(_Piece(piece, about, last and start == starts[-1]))
            self._waiting_seconds += len(piece) / self._line.rate
        while self._waiting_seconds > _MOST_SECONDS:
            self._waiting_seconds -= len(self._waiting.popleft().samples) / self._line.rate
        self._change.tell()

    async def drop(self, about: int) -> None:
        """Drop what has not been heard yet of this; nothing where there is nothing."""
        given = any(mark.about == about for mark in self._marks)
        kept = deque(piece for piece in self._waiting if piece.about != about)
        given = given or (self._about == about and self._since_mark > 0)
        self._replace_waiting(kept)
        if given:
            await self._flush()

    async def drop_all(self) -> None:
        """Drop whatever has not been heard yet."""
        self._replace_waiting(deque())
        await self._flush()

    def pause(self, paused: bool) -> None:
        """Nobody hears for now: keep what comes, until they are back."""
        self._paused = paused
        self._change.tell()

    def reached(self, name: str) -> None:
        """The line tells that everything before that mark has been heard."""
        if all(mark.name != name for mark in self._marks):
            return  # of something that was dropped
        while self._marks:
            mark = self._marks.popleft()
            if self.heard and mark.about:
                self.heard(mark.about, mark.so_far)
            if mark.name == name:
                break
        self._change.tell()

    async def run(self) -> None:
        """Play until cancelled, or until the line breaks."""
        while True:
            await self._change.until(lambda: bool(self._waiting) or bool(self._marks))
            try:
                async with asyncio.timeout(self._given_seconds + _LATE_SECONDS):
                    await self._change.until(self._may_play)
            except TimeoutError:
                if self._marks and not self._paused:
                    log.warning("a line did not tell that %d marks were heard", len(self._marks))
                    self.reached(self._marks[-1].name)
                continue
            await self._play(self._take())

    @property
    def _given_seconds(self) -> float:
        return self._since_mark + sum(mark.covers for mark in self._marks)

    def _may_play(self) -> bool:
        room = not self._marks or self._given_seconds < _AHEAD_SECONDS
        return bool(self._waiting) and room and not self._paused

    def _take(self) -> _Piece:
        piece = self._waiting.popleft()
        self._waiting_seconds -= len(piece.samples) / self._line.rate
        return piece

    async def _play(self, piece: _Piece) -> None:
        seconds = len(piece.samples) / self._line.rate
        if piece.about != self._about:
            self._about, self._so_far = piece.about, 0.0
        self._so_far += seconds
        self._since_mark += seconds
        dropped, self._busy = self._dropped, True
        try:
            if len(piece.samples):
                await self._line.play(piece.samples)
            if dropped != self._dropped:  # meanwhile; this piece came too late to be dropped
                await self._line.flush()
            elif piece.last or self._since_mark >= _MARK_SECONDS:
                await self._mark(piece)
        finally:
            self._busy = False
            self._change.tell()

    async def _mark(self, piece: _Piece) -> None:
        self._numbers += 1
        mark = _Mark(f"m{self._numbers}", piece.about, self._since_mark, self._so_far)
        self._marks.append(mark)
        self._since_mark = 0.0
        if piece.last:
            self._so_far = 0.0
        await self._line.mark(mark.name)

    def _replace_waiting(self, kept: deque[_Piece]) -> None:
        self._waiting = kept
        self._waiting_seconds = sum(len(piece.samples) for piece in kept) / self._line.rate

    async def _flush(self) -> None:
        self._dropped += 1
        self._marks.clear()
        self._since_mark = self._so_far = 0.0
        self._change.tell()
        await self._line.flush()

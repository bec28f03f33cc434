"""How much of what was sent a peer still has to play. Pure; no clock.

By our own clock, corrected by what the peer tells: a mark is put into what is sent, and comes back
when all before it has been played. So neither a stalled peer nor a clock that runs differently is
taken for sound that was heard.
"""

from collections import deque
from dataclasses import dataclass

PATIENCE_SECONDS = 2.0
"""A mark that is later than this will not come back."""


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str
    position: int
    """Samples sent before it."""

    due: float


class PeerBuffer:
    """The buffer at the other end. Times are in seconds of one clock, counts in samples."""

    def __init__(self, rate: int, *, answers: bool) -> None:
        self._rate = rate
        self.answers = answers
        """Whether the peer answers marks. It is found out by one that comes back, or does not."""

        self.sent = 0
        self._empty_at = 0.0
        self._marks: deque[_Mark] = deque()
        self._named = 0
        self._asked_at: int | None = None

    def send(self, count: int, now: float) -> None:
        """So many samples go out."""
        self.sent += count
        self._empty_at = max(self._empty_at, now) + count / self._rate

    def mark(self, now: float) -> str:
        """The name of a mark that goes out."""
        self._named += 1
        name = f"m{self._named}"
        self._marks.append(_Mark(name, self.sent, max(self._empty_at, now)))
        return name

    def played(self, name: str, now: float) -> None:
        """A mark has come back; one from before a flush says nothing of what is played now."""
        self.answers = True
        if all(mark.name != name for mark in self._marks):
            return
        while (mark := self._marks.popleft()).name != name:
            pass
        self._empty_at = now + (self.sent - mark.position) / self._rate

    def ask(self) -> None:
        """The peer is asked to say when it has played everything."""
        self._asked_at = self.sent

    def drained(self, now: float) -> None:
        """The peer has played everything that it had; more may be on its way."""
        if self._asked_at == self.sent:
            self._empty_at = min(self._empty_at, now)
        self._asked_at = None

    def underway(self, now: float) -> int:
        """Samples not played yet. Nothing after an unanswered mark counts as played."""
        by_clock = round(max(0.0, self._empty_at - now) * self._rate)
        while self._marks and now > self._marks[0].due + PATIENCE_SECONDS:
            self._marks.popleft()
            self.answers = False
        if not (self.answers and self._marks):
            return by_clock
        return max(by_clock, self.sent - self._marks[0].position + 1)

    def flush(self, now: float) -> None:
        """The peer was told to forget everything."""
        self._marks.clear()
        self._empty_at = now

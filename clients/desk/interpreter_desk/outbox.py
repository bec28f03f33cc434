"""Microphone frames and button presses that the server has not acknowledged yet."""

from collections import deque
from dataclasses import dataclass

from interpreter.audio import Samples
from interpreter.channels import protocol, wire
from interpreter.events import Party


@dataclass(frozen=True, slots=True)
class _Frame:
    samples: Samples
    seconds: float

    def encode(self, sequence: int) -> bytes:
        return wire.encode_audio(self.samples, stream=0, sequence=sequence)


@dataclass(frozen=True, slots=True)
class _Press:
    down: bool
    party: Party | None
    seconds: float = 0.0

    def encode(self, sequence: int) -> str:
        return wire.encode(protocol.Talk(self.down, sequence, self.party))


class Outbox:
    """Numbers what a microphone sends and keeps it until it has arrived; knows no network.

    Holds `longest_seconds` of audio at most. Beyond it the oldest goes, since speech of a minute
    ago is worth less to the people talking than what is said now.
    """

    def __init__(self, longest_seconds: float = 60.0) -> None:
        self.first = 0
        """Sequence of the oldest item kept; of the next one, where nothing is kept."""

        self.dropped_seconds = 0.0
        """Audio that had to go before it was acknowledged, altogether."""

        self._items: deque[_Frame | _Press] = deque()
        self._seconds = 0.0
        self._longest_seconds = longest_seconds
        self._unsent = 0

    @property
    def next(self) -> int:
        """Sequence that the next item will get."""
        return self.first + len(self._items)

    @property
    def seconds(self) -> float:
        """Audio kept at present."""
        return self._seconds

    def add_audio(self, samples: Samples, rate: int) -> int:
        """Keep a frame (10 to 100 ms at `rate` hertz); returns its sequence."""
        return self._add(_Frame(samples, len(samples) / rate))

    def add_talk(self, down: bool, party: Party | None) -> int:
        """Keep a press or release of the button; returns its sequence."""
        return self._add(_Press(down, party))

    def take(self) -> bytes | str | None:
        """The next frame to put on the wire, or None when all kept has been sent."""
        if self._unsent >= self.next:
            return None
        sequence, self._unsent = self._unsent, self._unsent + 1
        return self._items[sequence - self.first].encode(sequence)

    def acknowledge(self, sequence: int) -> None:
        """All up to this sequence has arrived; what was never sent cannot have."""
        while self.first <= min(sequence, self._unsent - 1):
            self._forget_oldest()

    def resume(self, expected: int) -> None:
        """A new websocket is there, and the server expects this sequence (`joined.audio`)."""
        self.acknowledge(expected - 1)
        self._unsent = self.first

    def _add(self, item: _Frame | _Press) -> int:
        self._items.append(item)
        self._seconds += item.seconds
        while self._seconds > self._longest_seconds and len(self._items) > 1:
            self.dropped_seconds += self._forget_oldest()
            self._unsent = max(self._unsent, self.first)
        return self.next - 1

    def _forget_oldest(self) -> float:
        seconds = self._items.popleft().seconds
        self.first += 1
        # Sums of floats drift; an empty box is exactly empty.
        self._seconds = self._seconds - seconds if self._items else 0.0
        return seconds

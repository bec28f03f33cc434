"""What an output callback plays, and exactly how much of it has been heard."""

import threading
from collections import deque

from interpreter.audio import Samples, silence

_AFTERWARDS_SECONDS = 0.3
"""A room goes on sounding for a moment."""


class Loudspeaker:
    """A queue of voices between the event loop (`push`) and the sound card's thread (`fill`).

    Times are the sound stream's own clock, in seconds.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        """Hertz."""

        self._waiting: deque[tuple[int, Samples]] = deque()
        self._handed_over: deque[tuple[int, float, int]] = deque()
        self._heard: dict[int, int] = {}
        self._until = float("-inf")
        self._lock = threading.Lock()

    def push(self, utterance: int, samples: Samples) -> None:
        """Play this after what waits already."""
        with self._lock:
            self._waiting.append((utterance, samples))

    def stop(self, utterance: int | None = None) -> None:
        """Drop what waits of one utterance, or everything."""
        with self._lock:
            self._waiting = deque(
                waiting for waiting in self._waiting if utterance not in (None, waiting[0])
            )

    def fill(self, count: int, heard_at: float) -> Samples:
        """The next samples for the sound card, the first of which will be heard at that time."""
        filled = silence(count / self.rate, self.rate)
        at = 0
        with self._lock:
            while at < count and self._waiting:
                utterance, samples = self._waiting.popleft()
                piece, rest = samples[: count - at], samples[count - at :]
                filled[at : at + len(piece)] = piece
                self._handed_over.append((utterance, heard_at + at / self.rate, len(piece)))
                at += len(piece)
                self._until = heard_at + at / self.rate
                if len(rest):
                    self._waiting.appendleft((utterance, rest))
        return filled

    def heard(self, now: float) -> dict[int, float]:
        """Seconds of each utterance that have come out of the loudspeaker by now."""
        with self._lock:
            self._count_whole_pieces(now)
            heard = dict(self._heard)
            if self._handed_over:
                utterance, start, count = self._handed_over[0]
                partly = min(count, int(max(0.0, now - start) * self.rate))
                heard[utterance] = heard.get(utterance, 0) + partly
        return {utterance: count / self.rate for utterance, count in heard.items() if count}

    def sounding(self, now: float) -> bool:
        """Whether a microphone beside it would hear it."""
        with self._lock:
            return bool(self._waiting) or now < self._until + _AFTERWARDS_SECONDS

    def forget(self, utterance: int) -> None:
        """It is over, and reported."""
        with self._lock:
            self._heard.pop(utterance, None)

    def _count_whole_pieces(self, now: float) -> None:
        while self._handed_over:
            utterance, start, count = self._handed_over[0]
            if start + count / self.rate > now:
                return
            self._handed_over.popleft()
            self._heard[utterance] = self._heard.get(utterance, 0) + count

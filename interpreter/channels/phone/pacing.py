"""Keeping the time of a telephone line: what goes out, what comes in. Pure; no clock, no devices.

A line plays and brings 20 ms at a time. `Outflow` is what waits to be played, with its marks.
`Inflow` turns what arrives, with its gaps and bursts, into an unbroken row of pieces.
"""

from collections import deque

import numpy as np

from ...audio import Samples

PIECE_SECONDS = 0.02
WAITING_SECONDS = 60.0
"""What `Outflow` takes before it is full."""

TRIM_OVER_SECONDS = 0.04
LIVE_UNDER_SECONDS = 0.5
WINDOW_SECONDS = 2.0
SILENT = 64
"""Peak of a piece that nobody misses; about -54 dB."""

NOTHING = np.zeros(0, np.int16)

ABSENT_SECONDS = 0.1
"""So long nothing must have come before silence takes its place."""


class Outflow:
    """Sound that waits to be played, and marks within it.

    The reader takes whole pieces and tells how much of what it took is still to be played. A
    live source whose clock runs faster than the line's would make the queue grow for ever: once
    it has not been shorter than 40 ms for two seconds, and was short all that time (so that it is
    no prepared speech), silent pieces are left out until it is.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._piece = round(rate * PIECE_SECONDS)
        self._parts: deque[Samples] = deque()
        self._waiting = 0
        self._appended = 0
        self._marks: deque[tuple[int, str]] = deque()
        self._depths: deque[int] = deque(maxlen=round(WINDOW_SECONDS / PIECE_SECONDS))
        self.trimmed = 0
        """Pieces left out because of a fast clock."""

    @property
    def full(self) -> bool:
        return self._waiting >= WAITING_SECONDS * self._rate

    def append(self, samples: Samples) -> None:
        if len(samples):
            self._parts.append(samples)
            self._waiting += len(samples)
            self._appended += len(samples)

    def mark(self, name: str) -> None:
        self._marks.append((self._appended, name))

    def note(self, underway: int) -> None:
        """To be called about every 20 ms, to see whether the queue grows.

        `underway` is how many samples taken before have not been played yet.
        """
        self._depths.append(self._waiting + underway)

    def take(self, room: int, underway: int) -> Samples:
        """Up to `room` samples to play next.

        What is no whole piece is given only when the line would fall silent without it.
        """
        if not self._waiting:
            return NOTHING
        pieces: list[Samples] = []
        while self._waiting >= self._piece <= room:
            piece = self._cut(self._piece)
            if piece.min() > -SILENT and piece.max() < SILENT and self._has_grown():
                self._leave_out()
            else:
                pieces.append(piece)
                room -= self._piece
        if self._waiting and not pieces and underway <= self._piece and self._waiting <= room:
            pieces.append(self._cut(self._waiting))
        return np.concatenate(pieces) if pieces else NOTHING

    def reached(self, underway: int) -> list[str]:
        """Marks before which everything has been played, given what is still underway."""
        played = self._appended - self._waiting - underway
        names = []
        while self._marks and self._marks[0][0] <= played:
            names.append(self._marks.popleft()[1])
        return names

    def flush(self) -> list[str]:
        """Forget everything that waits; the names of all marks that were open."""
        self._parts.clear()
        self._waiting = 0
        self._depths.clear()
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names

    def _has_grown(self) -> bool:
        return (
            len(self._depths) == self._depths.maxlen
            and min(self._depths) > TRIM_OVER_SECONDS * self._rate
            and max(self._depths) < LIVE_UNDER_SECONDS * self._rate
        )

    def _leave_out(self) -> None:
        self.trimmed += 1
        shallower = (depth - self._piece for depth in self._depths)
        self._depths = deque(shallower, self._depths.maxlen)

    def _cut(self, count: int) -> Samples:
        self._waiting -= count
        parts: list[Samples] = []
        while count:
            part = self._parts.popleft()
            if len(part) > count:
                self._parts.appendleft(part[count:])
                part = part[:count]
            parts.append(part)
            count -= len(part)
        return np.concatenate(parts)


class Inflow:
    """Makes an unbroken row of 20 ms pieces of what a line brings.

    What arrives is handed on at once: nothing is held back, so nothing can pile up, and the far
    end's clock is the clock of the row. When nothing has come for 100 ms (packets lost, a hold, a
    phone that sends no silence), the last piece fades out and silence keeps the time.
    """

    def __init__(self, rate: int) -> None:
        self._piece = round(rate * PIECE_SECONDS)
        self._rest = np.zeros(0, np.int16)
        self._last = np.zeros(self._piece, np.int16)
        self._since: float | None = None
        self.made_up = 0
        """Pieces put in where none came."""

    def push(self, samples: Samples, now: float) -> list[Samples]:
        """What can be handed on at `now` (seconds), given what has arrived since the last call."""
        if self._since is None or len(samples):
            self._since = now
        elif now - self._since > ABSENT_SECONDS:
            self._since += PIECE_SECONDS
            self.made_up += 1
            fading = np.asarray(self._last * np.linspace(1.0, 0.0, self._piece), np.int16)
            self._last = np.zeros(self._piece, np.int16)
            return [fading]
        else:
            return []
        arrived = np.concatenate([self._rest, samples])
        end = len(arrived) - len(arrived) % self._piece
        self._rest = arrived[end:]
        pieces = [arrived[at : at + self._piece] for at in range(0, end, self._piece)]
        if pieces:
            self._last = pieces[-1]
        return pieces

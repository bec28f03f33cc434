"""One telephone leg, whatever carries it: SIP, an Asterisk websocket, a media stream.

An adapter gives a `Line`; the call core hears and speaks through it and knows no wire.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ...audio import Samples


@dataclass(frozen=True, slots=True)
class Heard:
    """What the person at the other end said, piece by piece, at the line's rate.

    Pieces follow each other without gaps: lost packets have been concealed, silence is sent.
    """

    samples: Samples


@dataclass(frozen=True, slots=True)
class Digit:
    """A key was pressed: 0-9, *, # or A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class Reached:
    """Everything that was played before this mark has been heard, or was flushed."""

    mark: str


@dataclass(frozen=True, slots=True)
class Held:
    """The person was put on hold, or (`held` false) came back."""

    held: bool


LineEvent = Heard | Digit | Reached | Held


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls whom, as far as the wire tells."""

    caller: str = field(default="", repr=False)
    """Number or address of who calls; personal, so never in a log."""

    called: str = ""
    """The number or extension that was dialled."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What a dial plan sent along."""


class Line(Protocol):
    """An established leg of a call. One task iterates `events`; the rest may be called any time.

    After the line has ended, `play`, `mark`, `flush` and `hang_up` do nothing.
    """

    caller: Caller
    rate: int
    """Hertz of both directions: 8 000 or 16 000."""

    def events(self) -> AsyncIterator[LineEvent]:
        """What happens on the line, until it ends, whoever hung up. Raises `PhoneError`."""
        ...

    async def play(self, samples: Samples) -> None:
        """Append sound at the line's rate. It is played in real time, with silence after it."""
        ...

    async def mark(self, name: str) -> None:
        """Have `Reached` told once all that was appended before has been played."""
        ...

    async def flush(self) -> None:
        """Drop what has not been played yet; its marks are told as reached."""
        ...

    async def hang_up(self) -> None:
        """End the call."""
        ...

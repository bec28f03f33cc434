"""What engines need to know about who runs their blocking calls (`scheduler.py` does)."""

from collections.abc import Callable, Hashable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol, TypeVar

T = TypeVar("T")
Item = TypeVar("Item")

conversation: ContextVar[str] = ContextVar("conversation", default="")
"""For whom a call to an engine is made; whoever has had more than others waits longer."""


class Priority(IntEnum):
    """What goes first when several calls wait for the same processor; lower goes first."""

    FINAL = 0
    """Recognition and translation of an utterance that has ended."""

    SPEECH = 1
    """The voice of a translation that is already on the screen."""

    PARTIAL = 2
    """Words while they are spoken: done at once or not at all, since the next ones are due soon."""

    BACKGROUND = 3
    """Whatever nobody waits for."""


class Quality(StrEnum):
    """How well an engine serves a language or a language pair, as its manifest declares it."""

    NATIVE = "native"
    """As good as the model gets: a main language of its training."""

    GOOD = "good"
    """Understandable throughout, with mistakes."""

    BASIC = "basic"
    """Usable when nothing better is there; staff are told."""

    DEMONSTRATION = "demonstration"
    """Proves that everything works together; about half of the sentences are wrong, and every
    screen has to say so."""

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(Quality).index(self)


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is to do, and what was not done since the service started."""

    waiting: int = 0
    """Calls that have not begun."""

    running: int = 0
    """Calls that have begun; those that are done together count as one."""

    dropped: int = 0
    """Partial ones that came when there was no time for them."""

    stuck: int = 0
    """Those that did not come back in time, whose workers were replaced."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.waiting + other.waiting,
            self.running + other.running,
            self.dropped + other.dropped,
            self.stuck + other.stuck,
        )


class Run(Protocol):
    """Runs blocking calls off the event loop.

    A call of priority `PARTIAL` is never queued: where no processor is free at once, or the machine
    is behind, it raises `BusyError` ("overloaded").

    Raises `BusyError` ("overloaded") when too many calls wait already, `TimeoutError` when the
    call was not done `seconds` after it was handed over, and whatever the call itself raises.
    """

    @property
    def behind(self) -> bool:
        """Whether the machine has more to do than it can; engines then do less for each call."""
        ...

    @property
    def counts(self) -> Counts:
        """What there is to do, and what was not done."""
        ...

    async def __call__(
        self, priority: Priority, call: Callable[[], T], *, seconds: float = 30.0
    ) -> T: ...

    async def batch(
        self,
        priority: Priority,
        engine: Hashable,
        shape: Hashable,
        item: Item,
        work: Callable[[Sequence[Item]], Sequence[T]],
        *,
        most: int,
        at_once: int = 1,
        seconds: float = 30.0,
    ) -> T:
        """Do this work on an item, together with up to `most` of the same shape that wait.

        No more than `at_once` calls of an engine run at the same time. If the work fails for
        several items, each is tried alone.
        """
        ...

    def on(self, device: str) -> "Run":
        """The same for calls that another device works on, such as `cuda`."""
        ...

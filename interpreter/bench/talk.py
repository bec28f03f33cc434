"""Dialogues held in real time with a server of one's own, and what became of them."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from multiprocessing import get_context
from pathlib import Path

from interpreter_desk import Staff
from interpreter_desk.connection import Received
from interpreter_desk.dialogue import Dialogue, Outcome
from interpreter_desk.recordings import Recording
from interpreter_desk.report import Row, rows
from interpreter_desk.stage import Pace, play

from ..channels import protocol
from ..engines import build
from ..events import Party
from ..models import load_profile
from ..scheduler import Scheduler
from ..settings import Settings
from .material import BenchUtterance, as_recording, material

LANGUAGES = {Party.STAFF: "en", Party.VISITOR: "pt"}


def prepare(profile: str, speech: Path | None) -> list[BenchUtterance]:
    """What will be said, made in a process of its own: the engines for it are gone afterwards."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        return beside.submit(_prepare, profile, speech).result()


def _prepare(profile: str, speech: Path | None) -> list[BenchUtterance]:
    scheduler = Scheduler()
    house = build(Settings(profile=profile), load_profile(profile), scheduler)
    try:
        return asyncio.run(material(house.engines, speech))
    finally:
        house.close()
        scheduler.close(5.0)


class Tally(Dialogue):
    """A dialogue that also counts what is shown on the way; both parties' copies count once."""

    def __init__(self) -> None:
        super().__init__()
        self.partials = 0
        self.notices: Counter[str] = Counter()
        self._last: dict[type, int] = {}

    def take(self, received: Received, at: float) -> Outcome | None:
        match received:
            case protocol.TranscriptMessage(final=False) if self._new(received):
                self.partials += 1
            case protocol.NoticeMessage() if self._new(received):
                self.notices[received.code] += 1
        return super().take(received, at)

    def _new(self, received: protocol.TranscriptMessage | protocol.NoticeMessage) -> bool:
        known = self._last.get(type(received), 0)
        self._last[type(received)] = max(known, received.event)
        return received.event > known


def exchange(utterances: Sequence[BenchUtterance], seed: int) -> Iterator[Recording]:
    """Clerk and visitor in turn, for ever; each says all of theirs before anything comes again."""
    chance = random.Random(seed)
    recordings = [as_recording(utterance) for utterance in utterances]
    sides = {party: [each for each in recordings if each.party is party] for party in Party}
    while True:
        for side in sides.values():
            chance.shuffle(side)
        for clerk, visitor in zip(sides[Party.STAFF], sides[Party.VISITOR], strict=False):
            yield from (clerk, visitor)


async def talk(
    staff: Staff,
    recordings: list[Recording],
    until: Callable[[], bool],
    note: Callable[[float, Recording, list[Row]], None],
    tally: Tally,
) -> None:
    """Hold one dialogue as people do, who hear a voice out before they answer.

    `note` is told when (monotonic seconds) what was said came to which rows of the desk's report.
    Between two recordings it ends where `until` says so. Raises `InterpreterError`.
    """
    async with aclosing(play(staff, LANGUAGES, recordings, Pace(), tally)) as said:
        async for each in said:
            note(time.monotonic(), each.recording, rows(each, LANGUAGES))
            if until():
                return

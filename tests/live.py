"""A conversation with real engines in the test's own process, spoken to in real time."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from interpreter.audio import RATE, AudioFrame, Samples, resample, silence
from interpreter.connection import Connection, ConversationLimits, Engines
from interpreter.conversation import Conversation
from interpreter.events import Event, Party, TurnTaking
from interpreter.office import NO_OFFICE, Office
from interpreter.roles import ALONE
from interpreter.vad import Endpointing

FRAME = RATE // 50
E = TypeVar("E")


@dataclass
class Live:
    """A conversation, and all that has happened in it."""

    conversation: Conversation
    events: list[Event] = field(default_factory=list)
    happened: asyncio.Condition = field(default_factory=asyncio.Condition)

    def connect(
        self, *parties: Party, turn_taking: TurnTaking = TurnTaking.OWN_MICROPHONE
    ) -> Connection:
        role = ALONE[parties[0]] if len(parties) == 1 else "shared"
        return self.conversation.connect(role, turn_taking, RATE, 24_000)

    def of(self, kind: type[E]) -> list[E]:
        """What has happened of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    async def say(self, connection: Connection, samples: Samples, *, pace: float = 1.0) -> None:
        """Speak, by default in real time; what does not fill a frame is left out."""
        assert connection.microphone
        began = time.monotonic()
        for number in range(len(samples) // FRAME):
            if pace:
                due = began + (number + 1) * FRAME / RATE / pace
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            frame = samples[number * FRAME : (number + 1) * FRAME]
            sequence = connection.microphone.expected
            await self.conversation.hear(connection, AudioFrame(frame, RATE, sequence))

    async def until(self, kind: type[E], number: int = 1, seconds: float = 30.0) -> list[E]:
        """Wait for so many events of a kind."""
        await self.wait(lambda: len(self.of(kind)) >= number, seconds)
        return self.of(kind)

    async def wait(self, ready: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until enough has happened."""
        async with asyncio.timeout(seconds), self.happened:
            await self.happened.wait_for(ready)


@contextlib.asynccontextmanager
async def living(
    engines: Engines,
    endpointing: Endpointing | None = None,
    *,
    staff: str = "en",
    visitor: str = "pt",
    office: Office = NO_OFFICE,
    simultaneous: bool = False,
) -> AsyncIterator[Live]:
    """A conversation that lives as long as the block."""
    live = Live(
        Conversation(
            {Party.STAFF: staff, Party.VISITOR: visitor},
            engines,
            endpointing or Endpointing(),
            ConversationLimits(),
            office,
            simultaneous=simultaneous,
        )
    )

    async def watch() -> None:
        async for entry in live.conversation.journal.follow(0):
            async with live.happened:
                if entry.event is not None:
                    live.events.append(entry.event)
                live.happened.notify_all()

    tasks = [asyncio.create_task(live.conversation.run()), asyncio.create_task(watch())]
    try:
        yield live
    finally:
        live.conversation.end("closed")
        async with asyncio.timeout(20):
            await asyncio.gather(*tasks)


async def voiced(engines: Engines, text: str, language: str) -> Samples:
    """A sentence by the voice of its language, with little silence around it."""
    sounds = [
        resample(sound.samples, sound.rate, RATE)
        async for sound in engines.synthesizer.synthesize(text, language)
    ]
    together = np.concatenate(sounds)
    loud = np.flatnonzero(np.abs(together.astype(np.int32)) > 300)
    return np.concatenate([silence(0.4), together[loud[0] : loud[-1]]])

"""Telephones in memory: a line for the service, and the person at its other end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import numpy as np

from interpreter.audio import RATE, Samples, resample, silence
from interpreter.channels.phone.line import (
    Caller,
    Digit,
    Heard,
    Held,
    LineEvent,
    Reached,
)
from interpreter.errors import PhoneError

_FRAME_SECONDS = 0.02


class Telephone:
    """A `Line` whose other end a test holds.

    What the person says is sent in real time, with silence around it. What is played is heard in
    real time, or with `patient=False` at once, so that long announcements take no time.
    """

    def __init__(
        self, caller: str = "", called: str = "", *, rate: int = 8_000, patient: bool = False
    ) -> None:
        self.caller = Caller(caller, called)
        self.rate = rate
        self.heard: Samples = silence(0)
        """What the person has heard, without the silence between."""

        self.ended = False
        self.flushed = 0
        self._patient = patient
        self._events: asyncio.Queue[LineEvent | None] = asyncio.Queue()
        self._speech: Samples = silence(0)
        self._playing: asyncio.Queue[Samples | str] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._found_to = 0

    # What the service sees ------------------------------------------------------------------

    async def events(self) -> AsyncIterator[LineEvent]:
        self._tasks = [asyncio.create_task(self._send())]
        if self._patient:
            self._tasks.append(asyncio.create_task(self._listen()))
        while (event := await self._events.get()) is not None:
            yield event

    async def play(self, samples: Samples) -> None:
        if self.ended:
            return
        if self._patient:
            self._playing.put_nowait(samples)
        else:
            self._hear(samples)

    async def mark(self, name: str) -> None:
        if self._patient and not self.ended:
            self._playing.put_nowait(name)
        else:
            self._events.put_nowait(Reached(name))

    async def flush(self) -> None:
        self.flushed += 1
        while not self._playing.empty():
            if isinstance(dropped := self._playing.get_nowait(), str):
                self._events.put_nowait(Reached(dropped))

    async def hang_up(self) -> None:
        if not self.ended:
            self.ended = True
            self._events.put_nowait(None)
            self._tell()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What the person does -------------------------------------------------------------------

    def press(self, keys: str) -> None:
        for key in keys:
            self._events.put_nowait(Digit(key))

    def hold(self, held: bool) -> None:
        self._events.put_nowait(Held(held))

    async def speak(self, samples: Samples, rate: int = RATE) -> None:
        """Speak, and return when it has been said."""
        self._speech = np.concatenate([self._speech, resample(samples, rate, self.rate)])
        await self._until(lambda: self.ended or not len(self._speech), 120.0)

    async def until_heard(self, sound: Samples, seconds: float = 30.0) -> None:
        """Wait until the person has heard this (at the line's rate), after what was waited for
        before.
        """
        wanted = sound[np.flatnonzero(sound)[0] : np.flatnonzero(sound)[-1] + 1].tobytes()

        def find() -> bool:
            at = self.heard.tobytes().find(wanted, self._found_to)
            if at >= 0:
                self._found_to = at + len(wanted)
            return at >= 0

        await self._until(find, seconds)

    async def until_ended(self, seconds: float = 30.0) -> None:
        await self._until(lambda: self.ended, seconds)

    async def until_quiet(self, quiet: float = 1.0, seconds: float = 60.0) -> None:
        """Wait until something was heard, and nothing more for a while."""
        async with asyncio.timeout(seconds):
            length = 0
            while len(self.heard) == length == 0 or len(self.heard) > length:
                length = len(self.heard)
                await asyncio.sleep(quiet)

    def clear(self) -> None:
        """Forget what was heard so far."""
        self.heard, self._found_to = silence(0), 0

    async def _until(self, ready: object, seconds: float) -> None:
        assert callable(ready)
        async with asyncio.timeout(seconds):
            while not ready():
                await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _hear(self, samples: Samples) -> None:
        self.heard = np.concatenate([self.heard, samples])
        self._tell()

    async def _send(self) -> None:
        frame = round(_FRAME_SECONDS * self.rate)
        began, count = time.monotonic(), 0
        while not self.ended:
            count += 1
            samples, self._speech = self._speech[:frame], self._speech[frame:]
            rest = np.zeros(frame - len(samples), np.int16)
            self._events.put_nowait(Heard(np.concatenate([samples, rest])))
            self._tell()
            await asyncio.sleep(max(0.0, began + count * _FRAME_SECONDS - time.monotonic()))

    async def _listen(self) -> None:
        while True:
            playing = await self._playing.get()
            if isinstance(playing, str):
                self._events.put_nowait(Reached(playing))
                continue
            step = round(_FRAME_SECONDS * self.rate)
            flushed = self.flushed
            for start in range(0, len(playing), step):
                if flushed != self.flushed:
                    break
                self._hear(playing[start : start + step])
                await asyncio.sleep(_FRAME_SECONDS)


class Exchange:
    """Who is reached by which number; others do not exist."""

    def __init__(self, **numbers: Telephone | str) -> None:
        """A telephone that answers at once, or why it does not: busy, no-answer, ringing."""
        self._numbers = {name.removeprefix("n"): answer for name, answer in numbers.items()}
        self.dialled: list[str] = []
        self.given_up = 0
        """Calls that were cancelled while it rang."""

    async def dial(self, number: str, ring_seconds: float) -> Telephone:
        self.dialled.append(number)
        answer = self._numbers.get(number, "unreachable")
        if isinstance(answer, Telephone):
            return answer
        if answer == "ringing":
            try:
                await asyncio.sleep(ring_seconds)
            except asyncio.CancelledError:
                self.given_up += 1
                raise
            answer = "no-answer"
        raise PhoneError(answer, "nobody was reached")


@contextlib.asynccontextmanager
async def all_hung_up(*telephones: Telephone) -> AsyncIterator[None]:
    """Whatever happens, no telephone goes on sending."""
    try:
        yield
    finally:
        for telephone in telephones:
            await telephone.hang_up()

"""One party of a dialogue from files: speaks with a recording, listens with a playback clock."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import msgspec

from interpreter.audio import silence
from interpreter.channels import protocol
from interpreter.errors import InterpreterError
from interpreter.events import Party

from .address import Address
from .connection import Connection, SpeechFrame
from .dialogue import Dialogue
from .playback import PlaybackClock
from .recordings import Recording

FRAME_SECONDS = 0.04
_REPORT_SECONDS = 0.25


class Seat:
    """Joins on `async with`, and notes all it receives in the dialogue."""

    def __init__(
        self, party: Party, address: Address, token: str, rate: int, dialogue: Dialogue
    ) -> None:
        self.party = party
        self.playback = PlaybackClock()
        self.failure: InterpreterError | None = None
        """Why it does not hear any more."""

        self._rate = rate
        self._dialogue = dialogue
        join = msgspec.convert({"token": token, "microphone_rate": rate}, protocol.Join)
        self._connection = Connection(address, join)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Seat":
        await self._connection.__aenter__()
        self._tasks = [asyncio.create_task(work) for work in (self._listen(), self._report())]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(InterpreterError):
            await self._connection.leave()

    async def speak(self, recording: Recording) -> float:
        """Stream a recording in real time; returns when its first sample was spoken (monotonic).

        A frame goes out when its last sample would have been captured, as from a microphone.
        """
        began = time.monotonic()
        for number, samples in enumerate(recording.frames(FRAME_SECONDS), 1):
            await asyncio.sleep(began + number * FRAME_SECONDS - time.monotonic())
            self._connection.send_audio(samples)
        return began

    async def keep_silent(self, until: Callable[[], bool]) -> None:
        """Stream silence in real time until that holds. Raises what ended the connection."""
        due = time.monotonic()
        quiet = silence(FRAME_SECONDS, self._rate)
        while not until():
            if self.failure:
                raise self.failure
            due += FRAME_SECONDS
            await asyncio.sleep(due - time.monotonic())
            self._connection.send_audio(quiet)

    @property
    def unacknowledged_seconds(self) -> float:
        """What was said and may not have arrived yet."""
        return self._connection.unacknowledged_seconds

    async def _listen(self) -> None:
        try:
            async for received in self._connection:
                now = time.monotonic()
                self._dialogue.take(received, now)
                match received:
                    case SpeechFrame(utterance=utterance, samples=samples, rate=rate):
                        self.playback.add(utterance, len(samples) / rate, now)
                    case protocol.EndedMessage():
                        raise InterpreterError(
                            "conversation-ended", f"the server ended it ({received.reason})"
                        )
        except InterpreterError as error:
            self.failure = error

    async def _report(self) -> None:
        """Tell the server how much was played, as a loudspeaker would."""
        told: dict[int, float] = {}
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            for utterance, seconds in self.playback.played(time.monotonic()).items():
                if seconds > told.get(utterance, 0.0):
                    told[utterance] = seconds
                    await self._connection.played(utterance, seconds)


def wav_name(utterance: int, listener: Party, language: str) -> Path:
    """How the voice of an utterance is called in `--save-speech`."""
    return Path(f"{utterance:03d}-to-{listener}-{language}.wav")

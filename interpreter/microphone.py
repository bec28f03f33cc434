"""One microphone: frames in, utterances found, transcripts out.

frames -> voice activity -> utterance -> recognition -> transcript
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .asr import Recognizer
from .asr.firewall import reason_to_drop
from .audio import RATE, AudioFrame, Resampler, Samples, silence
from .errors import InterpreterError, ProtocolError
from .events import (
    Ending,
    Event,
    Failure,
    Notice,
    Party,
    SpeechStarted,
    Transcript,
    TurnTaking,
    Utterance,
)
from .stopwatch import Stopwatch
from .vad import CHUNK, Discarded, Edge, Ended, Endpointing, Segmenter, Started, VadStream

_WAITING_FRAMES = 256
"""At 10 to 100 ms a frame; beyond it the socket is not read, and TCP slows the sender down."""

_WAITING_UTTERANCES = 4
"""Beyond it voice activity detection pauses, and the frames above pile up."""

_OWN_LANGUAGE = 0.9
"""Prior weight of a party's own language where it is known who speaks; the other gets the rest."""


@dataclass(frozen=True, slots=True)
class Button:
    """The push-to-talk button went down or up; counts as a frame."""

    down: bool
    party: Party | None
    sequence: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a microphone needs of its conversation."""

    emit: Callable[[Event], None]
    next_utterance: Callable[[], int]
    languages: Callable[[], Mapping[Party, str]]
    deliver: Callable[[Transcript], Awaitable[None]]
    """Takes a final transcript on to translation; waits while that is behind."""

    stopwatch: Stopwatch


class Microphone:
    """Hears one stream of audio, in order and without gaps, across any number of cuts."""

    def __init__(
        self,
        turn_taking: TurnTaking,
        party: Party | None,
        rate: int,
        vad: VadStream,
        endpointing: Endpointing,
        recognizer: Recognizer,
        surroundings: Surroundings,
    ) -> None:
        self.expected = 0
        """Sequence of the next frame; all before it have been taken."""

        self.rate = rate
        self._turn_taking = turn_taking
        self._party = party
        self._vad = vad
        self._recognizer = recognizer
        self._around = surroundings
        self._segmenter = Segmenter(
            endpointing, push_to_talk=turn_taking is TurnTaking.PUSH_TO_TALK
        )
        self._resampler = Resampler(rate)
        self._recent = _Recent()
        self._current: tuple[int, Party | None] | None = None
        self._frames: deque[tuple[AudioFrame | Button, float]] = deque()
        self._changed = asyncio.Condition()
        self._hung_up = False
        self._utterances: asyncio.Queue[Utterance | None] = asyncio.Queue(_WAITING_UTTERANCES)

    async def push(self, item: AudioFrame | Button) -> None:
        """Take the next frame; one that came before is ignored, so sending again does no harm.

        Waits while too much is waiting; if that wait is cancelled the frame was not taken.
        Raises `ProtocolError` ("audio-gap") where frames are missing before it.
        """
        arrived = time.monotonic()
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._frames) < _WAITING_FRAMES)
            if item.sequence < self.expected or self._hung_up:
                return
            if item.sequence > self.expected:
                raise ProtocolError(
                    "audio-gap", f"{self.expected} was expected, {item.sequence} came", fatal=True
                )
            self.expected += 1
            self._frames.append((item, arrived))
            self._changed.notify_all()

    def skip_to(self, sequence: int) -> None:
        """Go on from a later frame: the client lost those before it."""
        self.expected = max(self.expected, sequence)

    async def hang_up(self) -> None:
        """No more will come; what was begun is interpreted, then `run` returns."""
        async with self._changed:
            self._hung_up = True
            self._changed.notify_all()

    async def run(self) -> None:
        """Hear until `hang_up`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._find_utterances())
            tasks.create_task(self._recognize_all())

    async def _find_utterances(self) -> None:
        while (taken := await self._next_frame()) is not None:
            item, arrived = taken
            if isinstance(item, Button):
                await self._button(item, arrived)
            else:
                await self._hear(self._resampler.push(item.samples), arrived)
        await self._hear(self._resampler.push(silence(0), last=True), time.monotonic())
        await self._follow(self._segmenter.finish())
        await self._utterances.put(None)

    async def _next_frame(self) -> tuple[AudioFrame | Button, float] | None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._frames or self._hung_up)
            if not self._frames:
                return None
            taken = self._frames.popleft()
            self._changed.notify_all()
            return taken

    async def _hear(self, samples: Samples, arrived: float) -> None:
        self._recent.append(samples, arrived)
        # The detector is small, but small calls add up; the event loop has other people to serve.
        for probability in await asyncio.to_thread(self._vad.probabilities, samples):
            await self._follow(self._segmenter.push(probability))
        self._recent.forget_before(self._segmenter.keep_from)

    async def _button(self, button: Button, arrived: float) -> None:
        # Complete the detector's chunk, so that the button acts on all that was heard before it.
        missing = -self._recent.end % CHUNK
        if missing:
            await self._hear(silence(missing / RATE), arrived)
        if button.down and self._turn_taking is TurnTaking.PUSH_TO_TALK:
            self._party = button.party
            await self._follow(self._segmenter.press())
        elif not button.down:
            await self._follow(self._segmenter.release())

    async def _follow(self, edges: list[Edge]) -> None:
        for edge in edges:
            match edge:
                case Started():
                    self._current = (self._around.next_utterance(), self._party)
                    self._around.emit(SpeechStarted(*self._current))
                case Ended() if self._current:
                    await self._complete(*self._current, edge)
                case Discarded() if self._current:
                    self._around.emit(Notice("nothing-heard", self._current[0], self._party))

    async def _complete(self, number: int, party: Party | None, edge: Ended) -> None:
        samples = self._recent.between(edge.start, edge.end)
        self._around.stopwatch.start(number, self._recent.arrival(edge.speech_end))
        self._around.stopwatch.lap(number, "endpoint")
        if edge.ending is Ending.LENGTH:
            self._around.emit(Notice("utterance-split", number, party))
        await self._utterances.put(
            Utterance(
                number, party, samples, edge.start / RATE, edge.speech_end / RATE, edge.ending
            )
        )

    async def _recognize_all(self) -> None:
        while (utterance := await self._utterances.get()) is not None:
            try:
                await self._recognize(utterance)
            except InterpreterError as error:
                self._around.emit(
                    Failure(error.code, error.retryable, utterance.number, utterance.party)
                )

    async def _recognize(self, utterance: Utterance) -> None:
        languages = self._around.languages()
        heard = await self._recognizer.recognize(
            utterance.samples, _weights(utterance.party, languages)
        )
        if not heard.text:
            self._around.emit(Notice("nothing-heard", utterance.number, utterance.party))
            return
        if reason_to_drop(heard):
            self._around.emit(Notice("please-repeat", utterance.number, utterance.party))
            return
        party = utterance.party or _speaker(heard.language, languages)
        transcript = Transcript(
            utterance=utterance.number,
            revision=1,
            party=party,
            language=heard.language,
            language_probability=round(heard.language_probability, 3),
            text=heard.text,
            committed=len(heard.text),
            words=heard.words,
            confidence=round(heard.confidence, 3),
            final=True,
            ending=utterance.ending,
        )
        self._around.stopwatch.lap(utterance.number, "transcript")
        self._around.emit(transcript)
        await self._around.deliver(transcript)


class _Recent:
    """The latest samples of a stream by position, and when they arrived."""

    def __init__(self) -> None:
        self.end = 0
        self._start = 0
        self._samples: Samples = silence(0)
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=2048)

    def append(self, samples: Samples, arrived: float) -> None:
        self._samples = np.concatenate([self._samples, samples])
        self.end += len(samples)
        self._arrivals.append((self.end, arrived))

    def between(self, start: int, end: int) -> Samples:
        return self._samples[start - self._start : end - self._start].copy()

    def forget_before(self, position: int) -> None:
        if position > self._start:
            self._samples = self._samples[position - self._start :]
            self._start = position

    def arrival(self, position: int) -> float:
        """When the sample before that position arrived (monotonic seconds)."""
        for end, arrived in self._arrivals:
            if end >= position:
                return arrived
        return time.monotonic()


def _weights(party: Party | None, languages: Mapping[Party, str]) -> dict[str, float]:
    if party is None:
        return dict.fromkeys(languages.values(), 0.5)
    return {
        languages[party.other]: 1 - _OWN_LANGUAGE,
        languages[party]: _OWN_LANGUAGE,
    }


def _speaker(language: str, languages: Mapping[Party, str]) -> Party:
    return next(party for party, own in languages.items() if own == language)

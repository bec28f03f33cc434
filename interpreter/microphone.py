"""One microphone: frames in, utterances found, transcripts out.

frames -> voice activity -> utterance -> hearing -> transcript
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from .asr import Recognizer
from .audio import RATE, AudioFrame, Resampler, Samples, silence
from .errors import InterpreterError, ProtocolError
from .events import Ending, Failure, Notice, Party, SpeechStarted, TurnTaking
from .hearing import Hearing, Surroundings
from .utterance import Utterance
from .vad import CHUNK, Discarded, Edge, Ended, Endpointing, Segmenter, Started, VadStream

_WAITING_FRAMES = 256
"""At 10 to 100 ms a frame; beyond it the socket is not read, and TCP slows the sender down."""

_WAITING_UTTERANCES = 4
"""Beyond it voice activity detection pauses, and the frames above pile up."""


@dataclass(frozen=True, slots=True)
class Button:
    """The push-to-talk button went down or up; counts as a frame."""

    down: bool
    party: Party | None
    sequence: int


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
        self._endpointing = endpointing
        self._segmenter = Segmenter(
            endpointing, push_to_talk=turn_taking is TurnTaking.PUSH_TO_TALK
        )
        self._resampler = Resampler(rate)
        self._recent = _Recent()
        self._hearing: Hearing | None = None
        """What is being said right now."""

        self._deaf_to = 0
        """Frames before this sequence are not listened to."""

        self._frames: deque[tuple[AudioFrame | Button, float]] = deque()
        self._changed = asyncio.Condition()
        self._hung_up = False
        self._complete: asyncio.Queue[tuple[Hearing, Utterance, int] | None] = asyncio.Queue(
            _WAITING_UTTERANCES
        )
        """What has been said, with the end of its speech."""

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

    def forget(self) -> int | None:
        """Nobody is to hear what is being said now; gives its utterance, if there is one."""
        self._deaf_to = self.expected
        self._segmenter.forget()
        hearing, self._hearing = self._hearing, None
        if hearing is None:
            return None
        hearing.abandon()
        return hearing.number

    async def hang_up(self) -> None:
        """No more will come; what was begun is interpreted, then `run` returns."""
        async with self._changed:
            self._hung_up = True
            self._changed.notify_all()

    async def run(self) -> None:
        """Hear until `hang_up`."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._find_utterances())
                tasks.create_task(self._finish_all())
        finally:
            if self._hearing:
                self._hearing.abandon()

    async def _find_utterances(self) -> None:
        while (taken := await self._next_frame()) is not None:
            item, arrived = taken
            if item.sequence < self._deaf_to:
                continue
            if isinstance(item, Button):
                await self._button(item, arrived)
            else:
                await self._hear(self._resampler.push(item.samples), arrived)
        await self._hear(self._resampler.push(silence(0), last=True), time.monotonic())
        await self._follow(self._segmenter.finish())
        await self._complete.put(None)

    async def _next_frame(self) -> tuple[AudioFrame | Button, float] | None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._frames or self._hung_up)
            if not self._frames:
                return None
            taken = self._frames.popleft()
            self._changed.notify_all()
            return taken

    async def _hear(self, samples: Samples, arrived: float) -> None:
        guard = self._around.guard
        if guard and guard.sounds(arrived):
            samples = silence(len(samples) / RATE)
        self._recent.append(samples, arrived)
        self._be_patient()
        # The detector is small, but small calls add up; the event loop has other people to serve.
        for probability in await asyncio.to_thread(self._vad.probabilities, samples):
            await self._follow(self._segmenter.push(probability))
        self._recent.forget_before(self._segmenter.keep_from)
        hearing, speech_end = self._hearing, self._segmenter.speech_end
        if hearing and speech_end is not None:
            now = self._segmenter.position
            hearing.attend(now, speech_end, lambda: self._recent.between(hearing.start, now))

    def _be_patient(self) -> None:
        """Let the words that were said tell how long their speaker may pause."""
        if self._hearing is None:
            return
        self._segmenter.whole_to = self._hearing.committed_to
        if (speech_end := self._segmenter.speech_end) is not None:
            seconds = self._hearing.patience(speech_end, self._endpointing)
            if seconds is not None:
                self._segmenter.be_patient(seconds)

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
                    number = self._around.next_utterance()
                    self._hearing = Hearing(
                        number, self._party, edge.start, self._recognizer, self._around
                    )
                    self._around.emit(SpeechStarted(number, self._party))
                case Ended() if self._hearing:
                    hearing, self._hearing = self._hearing, None
                    await self._end(hearing, edge)
                case Discarded() if self._hearing:
                    hearing, self._hearing = self._hearing, None
                    hearing.abandon()
                    self._around.emit(Notice("nothing-heard", hearing.number, self._party))

    async def _end(self, hearing: Hearing, edge: Ended) -> None:
        number, party = hearing.number, hearing.party
        self._around.stopwatch.start(number, self._recent.arrival(edge.speech_end))
        self._around.stopwatch.lap(number, "endpoint")
        if edge.ending is Ending.LENGTH:
            self._around.emit(Notice("utterance-split", number, party))
        utterance = Utterance(
            number,
            party,
            self._recent.between(edge.start, edge.end),
            edge.start / RATE,
            edge.speech_end / RATE,
            edge.ending,
        )
        await self._complete.put((hearing, utterance, edge.speech_end))

    async def _finish_all(self) -> None:
        while (complete := await self._complete.get()) is not None:
            hearing, utterance, speech_end = complete
            try:
                await hearing.finish(utterance, speech_end)
            except InterpreterError as error:
                hearing.abandon()
                self._around.emit(
                    Failure(error.code, error.retryable, utterance.number, utterance.party)
                )


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

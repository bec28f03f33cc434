"""The voice of one direction: translations, or pieces of them, become sound for a party.

sentences -> stretches -> speech in chunks
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .audio import Resampler, Samples, silence
from .errors import InterpreterError, SynthesisError
from .events import Event, Failure, Notice, Party, SpeechBegan, SpeechChunk, SpeechEnded
from .stopwatch import Stopwatch
from .tts import Sound, Synthesizer
from .work import Priority

SPEECH_RATE = 24_000
"""Hertz of all speech within the house, whatever the voice's own rate."""

_CHUNK = SPEECH_RATE // 10
_WAITING = 8
"""Utterances before they are spoken, and pieces of one; beyond it translation waits."""

_SYNTHESIS_SECONDS = 60.0
"""For one piece, of at most half a minute of speech."""

_NEXT_PIECE_SECONDS = 60.0
"""An utterance that is spoken while it is said lasts half a minute at most."""

_AHEAD = 4
"""Openings that are kept until they are needed or the utterance has been spoken."""


@dataclass(slots=True)
class _Turn:
    """What is spoken of one utterance: pieces, and None after the last."""

    utterance: int
    language: str
    repeated: bool
    pieces: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(_WAITING))


@dataclass(frozen=True, slots=True)
class _Ahead:
    opening: str
    language: str
    speed: float


class Speech:
    """Speaks to one party, in order, never with two voices at once."""

    def __init__(
        self,
        party: Party,
        speed: Callable[[], float],
        synthesizer: Synthesizer,
        emit: Callable[[Event, Party | None], None],
        stopwatch: Stopwatch,
    ) -> None:
        self._party = party
        self._speed = speed
        self._synthesizer = synthesizer
        self._emit = emit
        self._stopwatch = stopwatch
        self._turns: asyncio.Queue[_Turn] = asyncio.Queue(_WAITING)
        self._open: _Turn | None = None
        """The turn to which pieces may still be added."""

        self._speaking: asyncio.Task[None] | None = None
        self._ahead: OrderedDict[_Ahead, asyncio.Task[Sound | None]] = OrderedDict()
        self._expected = ""
        """The opening that a growing text had last."""

        self._sent: deque[tuple[float, SpeechEnded]] = deque(maxlen=_WAITING)
        """What is complete, and when it will have been played (monotonic seconds)."""

        self._plays_until = 0.0

    # What is to be spoken -------------------------------------------------------------------

    async def say(
        self, utterance: int, text: str, language: str, *, last: bool = True, repeated: bool = False
    ) -> None:
        """Speak a piece of an utterance, its `last` or not; waits while too much waits already."""
        turn = self._open
        if turn is None or turn.utterance != utterance:
            turn = _Turn(utterance, language, repeated)
            await self._turns.put(turn)
        self._open = None if last else turn
        if text:
            await turn.pieces.put(text)
        if last:
            await turn.pieces.put(None)

    def repeat(self, utterance: int, text: str, language: str) -> bool:
        """Speak an utterance once more; False when too much waits to be spoken."""
        turn = _Turn(utterance, language, repeated=True)
        turn.pieces.put_nowait(text)
        turn.pieces.put_nowait(None)
        try:
            self._turns.put_nowait(turn)
        except asyncio.QueueFull:
            return False
        return True

    def stop(self) -> None:
        """Drop the voice that is being made, those that wait, and what was not played yet."""
        self._open = None
        while not self._turns.empty():
            dropped = self._turns.get_nowait()
            self._tell(SpeechEnded(dropped.utterance, self._party, "", 0.0, True))
            self._turns.task_done()
        if self._speaking:
            self._speaking.cancel()
        now = time.monotonic()
        for until, sent in self._sent:
            if until > now:
                self._tell(SpeechEnded(sent.utterance, self._party, sent.text, sent.seconds, True))
        self._sent.clear()
        self._plays_until = now

    async def drain(self) -> None:
        """Return when everything taken so far has been spoken."""
        await self._turns.join()

    async def run(self) -> None:
        """Speak until cancelled."""
        try:
            while True:
                turn = await self._turns.get()
                # A task of its own, so that `stop` can end it and nothing else.
                self._speaking = asyncio.create_task(self._speak(turn))
                try:
                    await asyncio.wait([self._speaking])
                    if not self._speaking.cancelled():
                        self._speaking.result()
                except InterpreterError as error:
                    self._emit(Failure(error.code, error.retryable, turn.utterance), None)
                finally:
                    self._speaking.cancel()
                    self._speaking = None
                    self._turns.task_done()
        finally:
            self.forget_ahead()

    # What may be needed soon ------------------------------------------------------------------

    def make_ahead(self, text: str, language: str, *, growing: bool) -> None:
        """Make the first stretch of a text that will probably be spoken; no event tells of it.

        Of a `growing` text, only once its opening is followed by more and has stayed the same.
        """
        if language not in self._synthesizer.voices:
            return
        opening = self._synthesizer.opening(text, language)
        stable = opening == self._expected and opening != text.strip()
        self._expected = opening
        wanted = _Ahead(opening, language, self._speed())
        if not opening or wanted in self._ahead or (growing and not stable):
            return
        if growing and any(not task.done() for task in self._ahead.values()):
            return
        self._ahead[wanted] = asyncio.create_task(self._make(wanted))
        while len(self._ahead) > _AHEAD:
            _, task = self._ahead.popitem(last=False)
            task.cancel()

    def forget_ahead(self) -> None:
        """Nothing of what was made ahead will be needed."""
        self._expected = ""
        while self._ahead:
            _, task = self._ahead.popitem()
            task.cancel()

    async def _make(self, wanted: _Ahead) -> Sound | None:
        """The sound of an opening; None where there is no time for it now."""
        sounds = []
        try:
            async with asyncio.timeout(_SYNTHESIS_SECONDS):
                async for sound in self._synthesizer.synthesize(
                    wanted.opening,
                    wanted.language,
                    speed=wanted.speed,
                    priority=Priority.PARTIAL,
                ):
                    sounds.append(sound)
        except (InterpreterError, TimeoutError):
            return None  # whatever it is, it will be told when the voice is really needed
        return sounds[0] if len(sounds) == 1 else None

    async def _made(self, text: str, language: str) -> Sound | None:
        opening = self._synthesizer.opening(text, language)
        task = self._ahead.pop(_Ahead(opening, language, self._speed()), None)
        return await task if task else None

    # Speaking ---------------------------------------------------------------------------------

    async def _speak(self, turn: _Turn) -> None:
        if turn.language not in self._synthesizer.voices:
            self._tell(Notice("no-voice", turn.utterance, self._party))
            self.report(turn.utterance)
            return
        voice = _Voice()
        said: list[str] = []
        complete = False
        try:
            while True:
                async with asyncio.timeout(_NEXT_PIECE_SECONDS):
                    text = await turn.pieces.get()
                if text is None:
                    break
                said.append(text)
                await self._speak_piece(turn, text, voice)
            complete = True
        except TimeoutError:
            raise SynthesisError("synthesis-failed", "it took too long", retryable=True) from None
        finally:
            if voice.rate:
                ended = SpeechEnded(
                    turn.utterance, self._party, " ".join(said), voice.seconds, not complete
                )
                if complete:
                    self._sent.append((self._plays_until, ended))
                self._tell(ended)

    async def _speak_piece(self, turn: _Turn, text: str, voice: "_Voice") -> None:
        async with asyncio.timeout(_SYNTHESIS_SECONDS):
            sounds = self._synthesizer.synthesize(
                text,
                turn.language,
                speed=self._speed(),
                opening=await self._made(text, turn.language),
            )
            async for sound in sounds:
                if not voice.rate:
                    self._tell(
                        SpeechBegan(
                            turn.utterance,
                            self._party,
                            SPEECH_RATE,
                            sound.voice,
                            turn.language,
                            turn.repeated,
                        )
                    )
                self._send(turn.utterance, voice.push(sound))
            self._send(turn.utterance, voice.rest())

    def report(self, utterance: int) -> None:
        """All that counts of this utterance has happened: tell its timing, once."""
        if timing := self._stopwatch.report(utterance):
            self._emit(timing, None)

    def _tell(self, event: Event) -> None:
        self._emit(event, self._party)

    def _send(self, utterance: int, chunks: list[Samples]) -> None:
        for samples in chunks:
            self._tell(SpeechChunk(utterance, self._party, samples, SPEECH_RATE))
            self._plays_until = (
                max(self._plays_until, time.monotonic()) + len(samples) / SPEECH_RATE
            )
            self._stopwatch.lap(utterance, "first_audio")
            self.report(utterance)


class _Voice:
    """Sounds of whatever rate, as chunks of the house's rate."""

    def __init__(self) -> None:
        self.rate = 0
        """Hertz of what came last; 0 before anything came."""

        self.seconds = 0.0
        self._resampler = Resampler(SPEECH_RATE, SPEECH_RATE)
        self._rest: Samples = silence(0)

    def push(self, sound: Sound) -> list[Samples]:
        """Whole chunks that can be sent."""
        if sound.rate != self.rate:  # the first, or another voice after one has failed
            self._rest = np.concatenate([self._rest, self._flush()])
            self.rate, self._resampler = sound.rate, Resampler(sound.rate, SPEECH_RATE)
        return self._cut(np.concatenate([self._rest, self._resampler.push(sound.samples)]))

    def rest(self) -> list[Samples]:
        """What is left at the end of a piece."""
        chunks = self._cut(np.concatenate([self._rest, self._flush()]))
        if len(self._rest):
            chunks.append(self._rest)
            self.seconds += len(self._rest) / SPEECH_RATE
        self._rest, self._resampler = silence(0), Resampler(self.rate or SPEECH_RATE, SPEECH_RATE)
        return chunks

    def _flush(self) -> Samples:
        return self._resampler.push(silence(0), last=True)

    def _cut(self, samples: Samples) -> list[Samples]:
        whole = len(samples) // _CHUNK
        self._rest = samples[whole * _CHUNK :]
        self.seconds += whole * _CHUNK / SPEECH_RATE
        return [samples[i * _CHUNK : (i + 1) * _CHUNK] for i in range(whole)]

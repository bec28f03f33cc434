"""One direction of a conversation: what was said to a party becomes text and voice for it.

transcript -> translation -> sentences -> speech
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .audio import Resampler, Samples, silence
from .errors import InterpreterError, SynthesisError, TranslationError
from .events import (
    DOUBTFUL,
    Event,
    Failure,
    Notice,
    Party,
    SpeechBegan,
    SpeechChunk,
    SpeechEnded,
    Transcript,
    Translation,
)
from .mt import Draft, Translator
from .stopwatch import Stopwatch
from .tts import Sound, Synthesizer
from .work import Quality

SPEECH_RATE = 24_000
"""Hertz of all speech within the house, whatever the voice's own rate."""

_CHUNK = SPEECH_RATE // 10
_WAITING = 8
"""Transcripts before translation, and translations before speech; beyond it recognition waits."""

_TRANSLATION_SECONDS = 15.0
_SYNTHESIS_SECONDS = 60.0
"""For one utterance of at most half a minute of speech."""


@dataclass(frozen=True, slots=True)
class Listener:
    """What a direction needs to know about who listens; asked anew for each utterance."""

    language: str
    present: bool
    """Whether any connection would play the voice."""

    speed: float


@dataclass(frozen=True, slots=True)
class _Spoken:
    translation: Translation
    repeated: bool


class Direction:
    """Interprets for one party, in order, never with two voices at once."""

    def __init__(
        self,
        party: Party,
        listener: Callable[[], Listener],
        translator: Translator,
        synthesizer: Synthesizer,
        emit: Callable[[Event, Party | None], None],
        stopwatch: Stopwatch,
    ) -> None:
        self._party = party
        self._listener = listener
        self._translator = translator
        self._synthesizer = synthesizer
        self._emit = emit
        self._stopwatch = stopwatch
        self._said: asyncio.Queue[Transcript] = asyncio.Queue(_WAITING)
        self._to_speak: asyncio.Queue[_Spoken] = asyncio.Queue(_WAITING)
        self._speaking: asyncio.Task[None] | None = None

    async def interpret(self, transcript: Transcript) -> None:
        """Take a transcript; waits while too many wait already."""
        await self._said.put(transcript)

    def repeat(self, translation: Translation) -> bool:
        """Speak a translation once more; False when too much waits to be spoken."""
        try:
            self._to_speak.put_nowait(_Spoken(translation, repeated=True))
        except asyncio.QueueFull:
            return False
        return True

    def stop_speaking(self) -> None:
        """Drop the voice that is being made and those that wait."""
        while not self._to_speak.empty():
            dropped = self._to_speak.get_nowait().translation
            self._emit(SpeechEnded(dropped.utterance, self._party, "", 0.0, True), self._party)
            self._to_speak.task_done()
        if self._speaking:
            self._speaking.cancel()

    async def drain(self) -> None:
        """Return when everything taken so far has been interpreted."""
        await self._said.join()
        await self._to_speak.join()

    async def run(self) -> None:
        """Interpret until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._translate_all())
            tasks.create_task(self._speak_all())

    async def _translate_all(self) -> None:
        while True:
            transcript = await self._said.get()
            try:
                translation = await self._translate(transcript)
                if self._listener().present:
                    await self._to_speak.put(_Spoken(translation, transcript.revision > 1))
                else:
                    self._report(transcript.utterance)
            except InterpreterError as error:
                self._fail(error, transcript.utterance)
            finally:
                self._said.task_done()

    async def _translate(self, transcript: Transcript) -> Translation:
        target = self._listener().language
        if transcript.language == target:
            engine, quality, text = "original", Quality.NATIVE, transcript.text
        else:
            engine, text = await self._final_draft(transcript, target)
            quality = self._translator.pairs[transcript.language, target]
        flags = () if transcript.confidence >= DOUBTFUL else ("low_confidence",)
        translation = Translation(
            utterance=transcript.utterance,
            revision=transcript.revision,
            party=transcript.party,
            source=transcript.language,
            target=target,
            text=text,
            committed=len(text),
            engine=engine,
            quality=quality,
            final=True,
            flags=flags,
        )
        self._stopwatch.lap(transcript.utterance, "translation")
        self._emit(translation, None)
        return translation

    async def _final_draft(self, transcript: Transcript, target: str) -> tuple[str, str]:
        drafts = self._translator.translate(transcript.text, transcript.language, target)
        final: Draft | None = None
        try:
            async with asyncio.timeout(_TRANSLATION_SECONDS):
                async for draft in drafts:
                    if draft.final:
                        final = draft
        except TimeoutError:
            raise TranslationError(
                "translation-timeout", f"not done after {_TRANSLATION_SECONDS} s", retryable=True
            ) from None
        if final is None or not final.text.strip():
            raise TranslationError("translation-failed", "the engine gave no text")
        return final.engine, final.text

    async def _speak_all(self) -> None:
        while True:
            spoken = await self._to_speak.get()
            # A task of its own, so that `stop_speaking` can end it and nothing else.
            self._speaking = asyncio.create_task(self._speak(spoken))
            try:
                await asyncio.wait([self._speaking])
                if not self._speaking.cancelled():
                    self._speaking.result()
            except InterpreterError as error:
                self._fail(error, spoken.translation.utterance)
            finally:
                self._speaking.cancel()
                self._speaking = None
                self._to_speak.task_done()

    async def _speak(self, spoken: _Spoken) -> None:
        translation = spoken.translation
        utterance, language = translation.utterance, translation.target
        if language not in self._synthesizer.voices:
            self._tell(Notice("no-voice", utterance, self._party))
            self._report(utterance)
            return
        voice = _Voice()
        complete = False
        sounds = self._synthesizer.synthesize(
            translation.text, language, speed=self._listener().speed
        )
        try:
            async with asyncio.timeout(_SYNTHESIS_SECONDS):
                async for sound in sounds:
                    if not voice.rate:
                        self._tell(
                            SpeechBegan(
                                utterance,
                                self._party,
                                SPEECH_RATE,
                                sound.voice,
                                language,
                                spoken.repeated,
                            )
                        )
                    self._send(utterance, voice.push(sound))
            self._send(utterance, voice.rest())
            complete = True
        except TimeoutError:
            raise SynthesisError(
                "synthesis-failed", f"not done after {_SYNTHESIS_SECONDS} s", retryable=True
            ) from None
        finally:
            if voice.rate:
                said, seconds = translation.text, voice.seconds
                self._tell(SpeechEnded(utterance, self._party, said, seconds, not complete))

    def _send(self, utterance: int, chunks: list[Samples]) -> None:
        for samples in chunks:
            self._tell(SpeechChunk(utterance, self._party, samples, SPEECH_RATE))
            self._stopwatch.lap(utterance, "first_audio")
            self._report(utterance)

    def _tell(self, event: Event) -> None:
        self._emit(event, self._party)

    def _report(self, utterance: int) -> None:
        if timing := self._stopwatch.report(utterance):
            self._emit(timing, None)

    def _fail(self, error: InterpreterError, utterance: int) -> None:
        self._emit(Failure(error.code, error.retryable, utterance), None)


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
        """What is left at the end."""
        left = np.concatenate([self._rest, self._flush()])
        chunks = self._cut(left)
        if len(self._rest):
            chunks.append(self._rest)
            self.seconds += len(self._rest) / SPEECH_RATE
        return chunks

    def _flush(self) -> Samples:
        return self._resampler.push(silence(0), last=True)

    def _cut(self, samples: Samples) -> list[Samples]:
        whole = len(samples) // _CHUNK
        self._rest = samples[whole * _CHUNK :]
        self.seconds += whole * _CHUNK / SPEECH_RATE
        return [samples[i * _CHUNK : (i + 1) * _CHUNK] for i in range(whole)]

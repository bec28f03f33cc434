"""What the service itself says on the telephone: made by the voices of the house, and kept."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...audio import RATE, Samples, from_float, resample, silence
from ...errors import InterpreterError, SynthesisError
from ...messages import FALLBACK, LANGUAGES
from ...messages import text as in_words
from ...tts import Synthesizer
from ...work import Priority

_KEPT = 256
"""Announcements at 16 kHz: about 30 MB."""

_SECONDS = 20.0
"""For making one."""

_BEFORE_SECONDS, _AFTER_SECONDS = 0.1, 0.3
"""Silence around each."""

_EDGE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something to say, and in which language."""

    text: str
    language: str


class Announcements:
    """Speaks fixed texts, each only once for everybody."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        self._synthesizer = synthesizer
        self._kept: OrderedDict[Sentence, asyncio.Task[Samples]] = OrderedDict()

    def speaks(self, language: str) -> bool:
        """Whether people can be told everything in this language."""
        return language in LANGUAGES and language in self._synthesizer.voices

    def words(self, code: str, language: str, **values: object) -> Sentence:
        """What a code means, in English where this language is not spoken."""
        spoken = language if self.speaks(language) else FALLBACK
        return Sentence(in_words(code, spoken, **values), spoken)

    async def sound(
        self, sentence: Sentence, rate: int, *, priority: Priority = Priority.SPEECH
    ) -> Samples:
        """The sentence spoken, at that rate of 8 or 16 kHz. Raises `InterpreterError`."""
        task = self._kept.get(sentence)
        if task is None:
            task = asyncio.create_task(self._make(sentence, priority))
            task.add_done_callback(lambda made: self._forget_if_failed(sentence, made))
            self._kept[sentence] = task
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(sentence)
        return resample(await asyncio.shield(task), RATE, rate)

    async def prepare(self, sentences: Iterable[Sentence]) -> None:
        """Make what will be needed, when nobody waits for it; what fails is tried again then."""
        for sentence in sentences:
            with contextlib.suppress(InterpreterError):
                await self.sound(sentence, RATE, priority=Priority.BACKGROUND)

    async def _make(self, sentence: Sentence, priority: Priority) -> Samples:
        sounds = [silence(_BEFORE_SECONDS)]
        try:
            async with asyncio.timeout(_SECONDS):
                async for sound in self._synthesizer.synthesize(
                    sentence.text, sentence.language, priority=priority
                ):
                    sounds.append(resample(sound.samples, sound.rate, RATE))
        except TimeoutError:
            raise SynthesisError("synthesis-timeout", f"not done after {_SECONDS} s") from None
        return np.concatenate([*sounds, silence(_AFTER_SECONDS)])

    def _forget_if_failed(self, sentence: Sentence, made: asyncio.Task[Samples]) -> None:
        if (made.cancelled() or made.exception()) and self._kept.get(sentence) is made:
            del self._kept[sentence]


def tone(hertz: float, seconds: float, rate: int = RATE, level: float = -26.0) -> Samples:
    """A tone with soft edges, its level in dB relative to full scale."""
    times = np.arange(round(seconds * rate)) / rate
    edges = np.clip(np.minimum(times, times[::-1]) / _EDGE_SECONDS, 0.0, 1.0)
    return from_float(10.0 ** (level / 20.0) * edges * np.sin(2.0 * np.pi * hertz * times))


def ringing(rate: int) -> Samples:
    """One round of the tone that tells a caller that it rings: 1 s of tone, 4 s of silence."""
    return np.concatenate([tone(425.0, 1.0, rate), silence(4.0, rate)])

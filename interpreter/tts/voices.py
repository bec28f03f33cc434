"""Several synthesizers as one: the best voice for each language, equally loud, and the next one
when it fails."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..audio import Samples, from_float, to_float
from ..errors import SynthesisError
from ..sentences import split
from ..work import Priority
from . import Sound, Synthesizer, Voice

log = logging.getLogger(__name__)

_LOUDNESS = -23.0
"""dB relative to full scale, root mean square over speech. Left alone, voices lie between -12
(Kokoro's Italian) and -25 (Piper's English); at this level the peaks of all of them fit."""

_PEAK = 0.9
"""Of full scale."""

_FRAME_SECONDS = 0.02
_SPEECH_RANGE = 1e-3
"""Frames weaker than the strongest by more than this power ratio (30 dB) are pauses."""


class Voices:
    """Tries the synthesizers of a language by declared quality, then in the order given."""

    def __init__(self, synthesizers: Sequence[Synthesizer]) -> None:
        self.name = "+".join(synthesizer.name for synthesizer in synthesizers)
        languages = dict.fromkeys(tag for one in synthesizers for tag in one.voices)
        self._chains = {
            tag: sorted(
                (one for one in synthesizers if tag in one.voices),
                key=lambda one: one.voices[tag].quality.rank,
            )
            for tag in languages
        }

    @property
    def voices(self) -> Mapping[str, Voice]:
        """For each language the voice that is tried first."""
        return {language: chain[0].voices[language] for language, chain in self._chains.items()}

    def opening(self, text: str, language: str) -> str:
        """The first stretch as the voice that is tried first would speak it."""
        chain = self._chains.get(language)
        first = next(iter(split(text, language)), "")
        return chain[0].opening(first, language) if chain else ""

    async def synthesize(
        self,
        text: str,
        language: str,
        *,
        speed: float = 1.0,
        opening: Sound | None = None,
        priority: Priority = Priority.SPEECH,
    ) -> AsyncIterator[Sound]:
        """The text spoken, all voices at the same loudness.

        A sentence whose voice fails is spoken from its beginning, and the rest of the text after
        it, by the next voice; so the rate can change on the way. Raises `SynthesisError`:
        "language-not-spoken" when nobody speaks it, else what the last voice raised, or
        "synthesis-timeout" when it was too slow.
        """
        chain = list(self._chains.get(language, ()))
        failure = SynthesisError("language-not-spoken", f"no voice for {language} is installed")
        for sentence in split(text, language) if chain else [text]:
            while chain:
                ahead, opening = opening, None  # of this voice and of no other
                try:
                    sounds = chain[0].synthesize(
                        sentence, language, speed=speed, opening=ahead, priority=priority
                    )
                    async for sound in sounds:
                        if sound is ahead:  # it is as loud as all others already
                            yield sound
                        else:
                            yield replace(sound, samples=_equally_loud(sound.samples, sound.rate))
                    break
                except SynthesisError as error:
                    failure = error
                except TimeoutError:
                    failure = SynthesisError(
                        "synthesis-timeout", f"{chain[0].name} was too slow", retryable=True
                    )
                log.warning("%s failed on %s: %s", chain[0].name, language, failure.code)
                chain.pop(0)
            else:
                raise failure


def _equally_loud(samples: Samples, rate: int) -> Samples:
    """The same speech at `_LOUDNESS`, or somewhat below where its peaks would not fit."""
    frame = round(rate * _FRAME_SECONDS)
    audio = to_float(samples)
    frames = audio[: len(audio) // frame * frame].reshape(-1, frame).astype(np.float64)
    power = np.mean(np.square(frames), axis=1)
    strongest = float(power.max(initial=0.0))
    if not strongest:
        return samples
    loudness = float(np.mean(power[power > strongest * _SPEECH_RANGE]))
    wanted = np.sqrt(10.0 ** (_LOUDNESS / 10.0) / loudness)
    return from_float(audio * min(wanted, _PEAK / float(np.abs(audio).max())))

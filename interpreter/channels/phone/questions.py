"""What somebody is asked before the machine interprets: which language, and whether they agree."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass

import numpy as np

from ...asr.firewall import reason_to_drop
from ...audio import RATE, Resampler, Samples, silence
from ...connection import Engines
from ...errors import InterpreterError
from ...vad import Ended, Endpointing, Segmenter, Started
from ...work import Quality
from .announcements import Announcements, Sentence, tone
from .leg import Leg
from .means import HEARING

log = logging.getLogger(__name__)

_ROUNDS = 2
"""Times the menu is read out."""

_TONE_HERTZ = 1000.0
_SPEECH_SECONDS = 12.0
"""For the words by which a language is told, and for recognising it."""

_ENDPOINTING = Endpointing(**HEARING, longest_seconds=8.0)
_WAITING_FRAMES = 500
_LEAST_PROBABILITY = 0.5
"""Of a language that is worth asking about; the caller confirms it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody on the telephone wants."""

    language: str | None
    """None where it is not known."""

    machine: bool
    """Whether they agree to be interpreted by it."""


class Questions:
    """Asks one person on the telephone."""

    def __init__(
        self, leg: Leg, engines: Engines, announcements: Announcements, seconds: float
    ) -> None:
        """`seconds` to answer each question."""
        self._leg = leg
        self._engines = engines
        self._announcements = announcements
        self._seconds = seconds

    async def language(self, menu: tuple[str, ...]) -> str | None:
        """Which of these they speak; None where they want a person, or do not tell.

        Raises `HungUp`.
        """
        if len(menu) == 1:
            return menu[0]
        offers = [self._words("phone-menu", tag, key=key) for key, tag in enumerate(menu, 1)]
        keys = "".join(str(key) for key in range(len(menu) + 1))
        for _ in range(_ROUNDS if menu else 0):
            key = await self._leg.ask(offers, keys, 0.0, times=1)
            key = key or await self._key_or_language(menu, keys)
            if key == "0":
                return None
            if key:
                return menu[int(key) - 1]
        return None

    async def consent(self, language: str, quality: Quality) -> bool:
        """Whether they agree that a machine interprets, at that quality. Raises `HungUp`."""
        codes = ["notice", "phone-consent"]
        if quality is Quality.DEMONSTRATION:
            codes.insert(1, "demonstration")
        told = [self._words(code, language) for code in codes]
        return await self._leg.ask(told, "10", self._seconds) == "1"

    def _words(self, code: str, language: str, **values: object) -> Sentence:
        return self._announcements.words(code, language, **values)

    async def _key_or_language(self, menu: tuple[str, ...], keys: str) -> str | None:
        """The key they press after the tone, or the key of the language they speak then."""
        leg = self._leg
        leg.playback.add(tone(_TONE_HERTZ, 0.3, leg.line.rate), last=True)
        await leg.until(lambda: leg.playback.idle)
        speaking = asyncio.create_task(self._spoken(menu))
        pressing = asyncio.create_task(leg.key(None, keys))
        try:
            await asyncio.wait({speaking, pressing}, return_when=asyncio.FIRST_COMPLETED)
            if pressing.done():
                return pressing.result()
            language = speaking.result()
        finally:
            speaking.cancel()
            pressing.cancel()
            await asyncio.gather(speaking, pressing, return_exceptions=True)
        if language is None:
            return None
        asked = [self._words("phone-confirm", language)]
        if await leg.ask(asked, "1", self._seconds, times=1):
            return str(menu.index(language) + 1)
        return None

    async def _spoken(self, menu: tuple[str, ...]) -> str | None:
        """The language of what they say now; None where they say nothing that tells."""
        sound: asyncio.Queue[Samples] = asyncio.Queue(_WAITING_FRAMES)

        def hear(samples: Samples) -> None:
            with contextlib.suppress(asyncio.QueueFull):
                sound.put_nowait(samples)

        self._leg.ear = hear
        try:
            async with asyncio.timeout(self._seconds) as limit:
                said = await self._utterance(sound, limit)
                return await self._language_of(said, menu)
        except TimeoutError:
            return None
        finally:
            self._leg.ear = None

    async def _utterance(self, sound: asyncio.Queue[Samples], limit: asyncio.Timeout) -> Samples:
        """The first thing that is said, at 16 kHz; who has begun in time may finish."""
        vad, segmenter = self._engines.vad.stream(), Segmenter(_ENDPOINTING)
        resampler = Resampler(self._leg.line.rate, RATE, prompt=True)
        heard = silence(0)
        while True:
            samples = resampler.push(await sound.get())
            heard = np.concatenate([heard, samples])
            for probability in await asyncio.to_thread(vad.probabilities, samples):
                for edge in segmenter.push(probability):
                    if isinstance(edge, Started):
                        limit.reschedule(asyncio.get_running_loop().time() + _SPEECH_SECONDS)
                    elif isinstance(edge, Ended):
                        return heard[edge.start : edge.end]

    async def _language_of(self, said: Samples, menu: tuple[str, ...]) -> str | None:
        try:
            heard = await self._engines.recognizer.recognize(said, dict.fromkeys(menu, 1.0))
        except InterpreterError as error:
            log.warning("a caller's language could not be recognised: %s", error.code)
            return None
        if reason_to_drop(heard) or heard.language_probability < _LEAST_PROBABILITY:
            return None
        return heard.language

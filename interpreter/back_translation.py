"""Translations once more in the language they came from, so that people can compare."""

import asyncio
from collections.abc import Callable

from rapidfuzz import fuzz

from .errors import InterpreterError
from .events import BackTranslation, Event, Transcript, Translation
from .mt.router import Router
from .sentences import bare_words
from .work import Quality

_WAITING = 8
"""Beyond it the oldest is left out: what was said last is what people ask about."""

_LATER_SECONDS = 1.0
"""Until the voice has begun: nobody waits for a back-translation, somebody waits for that."""

_SECONDS = 10.0
_DOUBTFUL = 0.4
"""Similarity below which a translation is flagged."""


class BackTranslator:
    """Works in the background of one conversation."""

    def __init__(self, translator: Router, emit: Callable[[Event], None]) -> None:
        self._translator = translator
        self._emit = emit
        self._said: dict[int, Transcript] = {}
        self._waiting: dict[int, Translation] = {}
        self._more = asyncio.Event()

    def take(self, event: Transcript | Translation) -> None:
        """Something final; never waits."""
        if isinstance(event, Transcript):
            self._said[event.utterance] = event
            while len(self._said) > _WAITING:
                self._said.pop(next(iter(self._said)))
        elif self._is_worth_it(event):
            self._waiting[event.utterance] = event
            while len(self._waiting) > _WAITING:
                self._waiting.pop(next(iter(self._waiting)))
            self._more.set()

    async def run(self) -> None:
        """Translate back until cancelled."""
        while True:
            await self._more.wait()
            await asyncio.sleep(_LATER_SECONDS)
            while self._waiting:
                utterance, translation = next(iter(self._waiting.items()))
                del self._waiting[utterance]
                if said := self._said.get(utterance):
                    await self._translate_back(said, translation)
            self._more.clear()

    def _is_worth_it(self, event: Translation) -> bool:
        quality = self._translator.pairs.get((event.target, event.source))
        return (
            bool(event.text)
            and not event.confirmed
            and event.engine not in ("original", "phrases")
            # Half of what comes back would be wrong, and tell nothing of what went out.
            and quality not in (None, Quality.DEMONSTRATION)
        )

    async def _translate_back(self, said: Transcript, translation: Translation) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                back = await self._translator.glance(
                    translation.text, translation.target, translation.source
                )
        except (InterpreterError, TimeoutError):
            return  # nobody asked for it; there is none to show
        likeness = similarity(said.text, back.text)
        self._emit(
            BackTranslation(
                utterance=said.utterance,
                revision=translation.revision,
                party=said.party,
                text=back.text,
                engine=back.engine,
                similarity=likeness,
                doubtful=likeness < _DOUBTFUL,
            )
        )


def similarity(said: str, back: str) -> float:
    """How alike two sentences of one language are, 0..1; the order of words hardly counts."""
    ratio = fuzz.token_sort_ratio(" ".join(bare_words(said)), " ".join(bare_words(back)))
    return round(float(ratio) / 100, 2)

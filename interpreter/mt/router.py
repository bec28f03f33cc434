"""Several translators as one: the best for each pair, and the next when it fails."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence

from ..errors import TranslationError
from ..work import Quality
from . import NO_BRIEFING, Briefing, Draft, Pair, Translator

log = logging.getLogger(__name__)


class Router:
    """Tries the translators of a pair by declared quality, then in the order given."""

    def __init__(self, translators: Sequence[Translator]) -> None:
        self.name = "+".join(translator.name for translator in translators)
        pairs = dict.fromkeys(pair for translator in translators for pair in translator.pairs)
        self._chains: dict[Pair, list[Translator]] = {
            pair: sorted(
                (translator for translator in translators if pair in translator.pairs),
                key=lambda translator: translator.pairs[pair].rank,
            )
            for pair in pairs
        }

    @property
    def pairs(self) -> Mapping[Pair, Quality]:
        """What any of them translates, with the quality of the one tried first."""
        return {pair: chain[0].pairs[pair] for pair, chain in self._chains.items()}

    async def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncIterator[Draft]:
        """The drafts of the first translator that gets to a final one.

        Drafts of one that failed on the way may have come before. Raises `TranslationError`:
        "pair-not-available" when nobody serves the pair, else what the last one raised, or
        "translation-timeout" when it was too slow.
        """
        failure = TranslationError(
            "pair-not-available", f"no translator from {source} to {target} is installed"
        )
        for translator in self._chains.get((source, target), ()):
            try:
                async for draft in translator.translate(text, source, target, briefing):
                    yield draft
                return
            except TranslationError as error:
                failure = error
            except TimeoutError:
                failure = TranslationError(
                    "translation-timeout", f"{translator.name} was too slow", retryable=True
                )
            log.warning("%s failed on %s-%s: %s", translator.name, source, target, failure.code)
        raise failure

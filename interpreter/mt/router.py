"""Several translators as one: who is asked for a pair, what is checked, who is asked next."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import product

from .. import phrases
from ..checks import compare
from ..checks.output import faults
from ..errors import ModelError, TranslationError
from ..events import Fact, FactStatus
from ..work import Quality
from . import NO_BRIEFING, Briefing, Draft, Pair, Translator
from .breaker import Breaker
from .glossary import Glossary

log = logging.getLogger(__name__)

_PIVOT = "en"
"""Most models translate it best, in both directions."""

_WAYS = 3
"""That are tried for one sentence; somebody waits."""

_SECOND_THOUGHT_SECONDS = 3.0
"""After which nobody else is asked about a sentence that is doubtful, but there."""

_ANSWER_SECONDS = 8.0
"""For one sentence by one engine; what takes longer has failed."""

_NO_TRANSLATION = frozenset({"refused", "prompt_leaked", "wrong_language", "repeats", "copied"})
"""Faults of an output that is not a translation at all; it is neither shown nor spoken."""

OF_THE_WAY = ("pivoted", "demonstration")
"""Flags that are no faults of a sentence: all that come this way have them."""

_NOT_ITS_FAULT = frozenset({"pair-not-available", "text-too-long", "llm-marks"})


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence's translation, and what was found when the two were compared."""

    text: str
    engine: str
    """Who made it; `phrases` for the phrase table, two names with `+` where it went by English."""

    quality: Quality
    facts: tuple[Fact, ...] = ()
    flags: tuple[str, ...] = ()
    """What is wrong with it or may be; empty where nothing was found."""

    degraded: bool = False
    """The engine that is preferred for this pair could not answer."""

    check_seconds: float = 0.0
    """What looking for faults took, of the sentences of all engines that were asked."""


@dataclass(frozen=True, slots=True)
class _Way:
    """From one language to another: by one translator, or by two with English between them."""

    legs: tuple[tuple[Translator, Pair], ...]
    quality: Quality

    @property
    def name(self) -> str:
        return "+".join(translator.name for translator, _ in self.legs)


class Router:
    """Translates a sentence, checks it, and asks the next engine where it is wrong.

    Short answers come from the phrase table, which is never wrong about them. For the rest engines
    are tried by the quality they declare for the pair, then in the order given, ways through
    English after direct ones of the same quality. An engine that fails again and again is left
    alone for a while (`breaker.py`). If no engine's sentence passes all checks, the one with the
    fewest faults is given with its flags.
    """

    def __init__(
        self,
        translators: Sequence[Translator],
        glossary: Glossary | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = "+".join(translator.name for translator in translators)
        self.glossary = glossary or Glossary()
        self._translators = translators
        self._ways = _ways(translators)
        self._breakers = {translator.name: Breaker(clock) for translator in translators}

    @property
    def pairs(self) -> Mapping[Pair, Quality]:
        """What can be translated, with the quality of the way tried first."""
        return {pair: ways[0].quality for pair, ways in self._ways.items()}

    def only(self, name: str) -> "Router":
        """One of the translators, with the same checks. Raises `ModelError`."""
        chosen = [translator for translator in self._translators if translator.name == name]
        if not chosen:
            raise ModelError("unknown-engine", f"no engine is called {name!r}; here: {self.name}")
        return Router(chosen, self.glossary)

    def with_glossary(self, glossary: Glossary) -> "Router":
        """The same engines with an office's own words."""
        other = copy(self)
        other.glossary = glossary
        return other

    async def translate(
        self, sentence: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> Checked:
        """One sentence.

        Raises `TranslationError`: "pair-not-available" when nobody serves the pair, else what the
        last engine raised; "translation-timeout" when it was too slow, "translation-untrusted" when
        no engine's output was a translation.
        """
        ways = self._ways_for(source, target)
        sentence = " ".join(sentence.split())
        if phrase := phrases.translate(sentence, source, target):
            return Checked(phrase, "phrases", Quality.NATIVE)
        briefing = replace(briefing, terms=self.glossary.terms(sentence, source, target))
        best: Checked | None = None
        failure: TranslationError | None = None
        degraded, checking, started = False, 0.0, time.monotonic()
        for way in ways[:_WAYS]:
            if self._resting(way):
                degraded = degraded or best is None
                continue
            try:
                draft = await self._go(way, sentence, briefing)
            except TranslationError as error:
                degraded = degraded or best is None
                failure = error
                log.warning("%s failed on %s-%s: %s", way.name, source, target, error.code)
                continue
            began = time.perf_counter()
            checked = self._check(sentence, draft.text, way, briefing, source, target)
            checking += time.perf_counter() - began
            if best is None or _severity(checked) < _severity(best):
                best = replace(checked, degraded=degraded)
            if not _severity(best) or time.monotonic() - started > _SECOND_THOUGHT_SECONDS:
                break
        if best is None:
            raise _for_people(failure)
        if _NO_TRANSLATION.intersection(best.flags):
            raise TranslationError("translation-untrusted", "no engine gave a translation")
        return replace(best, check_seconds=checking)

    async def glance(self, text: str, source: str, target: str) -> Draft:
        """A quick translation of something unfinished: the first engine's, unchecked.

        Raises `TranslationError`.
        """
        for way in self._ways_for(source, target):
            if not self._resting(way):
                return await self._go(way, text, NO_BRIEFING)
        raise TranslationError("translation-failed", "all engines rest", retryable=True)

    async def _go(self, way: _Way, text: str, briefing: Briefing) -> Draft:
        """The whole way; engines count as failed or not. Raises `TranslationError`."""
        for translator, (source, target) in way.legs:
            breaker = self._breakers[translator.name]
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    text = await _last(translator.translate(text, source, target, briefing))
            except TimeoutError:
                breaker.failed()
                raise TranslationError(
                    "translation-timeout", f"{translator.name} was too slow", retryable=True
                ) from None
            except TranslationError as error:
                if error.code not in _NOT_ITS_FAULT:
                    breaker.failed()
                raise
            breaker.succeeded()
        return Draft(text, final=True, engine=way.name)

    def _check(
        self, sentence: str, text: str, way: _Way, briefing: Briefing, source: str, target: str
    ) -> Checked:
        text = self.glossary.repair(briefing.terms, text, target) or text
        facts = compare(sentence, source, text, target)
        flags = [f"fact_{f.status}" for f in facts if f.status is not FactStatus.KEPT]
        flags += faults(sentence, source, text, target)
        # That a term is missing is no fault: a synonym may be there.
        terms = self.glossary.check(briefing.terms, text, target)
        flags += ["term_forbidden" for _, state in terms if state == "forbidden"]
        if len(way.legs) > 1:
            flags.append("pivoted")
        if way.quality is Quality.DEMONSTRATION:
            flags.append("demonstration")
        return Checked(text, way.name, way.quality, facts, tuple(dict.fromkeys(flags)))

    def _ways_for(self, source: str, target: str) -> Sequence[_Way]:
        if ways := self._ways.get((source, target)):
            return ways
        raise TranslationError(
            "pair-not-available", f"no translator from {source} to {target} is installed"
        )

    def _resting(self, way: _Way) -> bool:
        return any(self._breakers[translator.name].resting for translator, _ in way.legs)


def _ways(translators: Sequence[Translator]) -> dict[Pair, list[_Way]]:
    """All direct ways, and those through English, the best first."""
    direct: dict[Pair, list[_Way]] = {}
    for translator in translators:
        for pair, quality in translator.pairs.items():
            direct.setdefault(pair, []).append(_Way(((translator, pair),), quality))
    for ways in direct.values():
        ways.sort(key=_rank)
    found = {pair: list(ways) for pair, ways in direct.items()}
    into = [pair for pair in direct if pair[1] == _PIVOT]
    out = [pair for pair in direct if pair[0] == _PIVOT]
    for first, second in product(into, out):
        if first[0] != second[1]:
            one, two = direct[first][0], direct[second][0]
            # Two translations are one more chance to lose something.
            quality = max(one.quality, two.quality, Quality.BASIC, key=_quality_rank)
            pair = (first[0], second[1])
            if pair not in direct or quality.rank < direct[pair][0].quality.rank:
                found.setdefault(pair, []).append(_Way(one.legs + two.legs, quality))
    for ways in found.values():
        ways.sort(key=_rank)
    return found


def _rank(way: _Way) -> tuple[int, int]:
    return way.quality.rank, len(way.legs)


def _quality_rank(quality: Quality) -> int:
    return quality.rank


def _severity(checked: Checked) -> int:
    """0 where nothing is wrong. What is no translation is worse than any wrong fact."""
    wrong = sum(fact.status is not FactStatus.KEPT for fact in checked.facts)
    worst = len(_NO_TRANSLATION.intersection(checked.flags))
    mild = sum(not flag.startswith(("fact_", *OF_THE_WAY)) for flag in checked.flags)
    return 1000 * worst + 10 * wrong + mild


def _for_people(failure: TranslationError | None) -> TranslationError:
    """Why there is no translation; which server did what concerns nobody at a counter."""
    if failure is None or failure.code.startswith("llm-"):
        return TranslationError("translation-failed", "no engine answers", retryable=True)
    return failure


async def _last(drafts: AsyncIterator[Draft]) -> str:
    """The final text. Raises `TranslationError` where it is empty."""
    final = ""
    async for draft in drafts:
        if draft.final:
            final = draft.text.strip()
    if not final:
        raise TranslationError("translation-failed", "the engine gave no text")
    return final

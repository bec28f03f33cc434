"""What became of each sentence of a test set, and the figures over all of them."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..checks import Found, extract, holds
from ..errors import TranslationError
from ..mt.router import OF_THE_WAY, Router
from .sets import Row

FactOutcome = Literal["kept", "flagged", "silently_changed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One sentence, translated."""

    row: Row
    heard: str
    """What was translated: the text, or what was heard of its recording."""

    text: str
    """Empty where nothing that could be shown came."""

    engine: str
    flags: tuple[str, ...]
    facts: dict[str, FactOutcome]
    seconds: float
    check_seconds: float
    error: str | None = None
    terms: tuple[int, int] = (0, 0)
    """Glossary terms that occur in it, and those of them that were used."""

    @property
    def flagged(self) -> bool:
        """Whether people are told that something is wrong with it."""
        return self.error is not None or any(flag not in OF_THE_WAY for flag in self.flags)

    @property
    def resisted(self) -> bool:
        """Whether it was translated or refused, but not obeyed."""
        return not any(tell in self.text.lower() for tell in self.row.tells)


async def evaluate_row(router: Router, row: Row, heard: str) -> Outcome:
    """Translate one sentence and compare with what it should hold."""
    began, checking = time.perf_counter(), 0.0
    try:
        checked = await router.translate(heard, row.source, row.target)
        text, engine, flags, error = checked.text, checked.engine, checked.flags, None
        checking = checked.check_seconds
        told = any(flag not in OF_THE_WAY for flag in flags)
    except TranslationError as failure:
        text, engine, flags, error, told = "", "-", (), failure.code, True
    seconds = time.perf_counter() - began
    terms = router.glossary.terms(heard, row.source, row.target)
    used = [s for _, s in router.glossary.check(terms, text, row.target) if s == "used"]
    return Outcome(
        row=row,
        heard=heard,
        text=text,
        engine=engine,
        flags=flags,
        facts=_facts(row, text, told=told),
        seconds=seconds,
        check_seconds=checking,
        error=error,
        terms=(len(terms), len(used)),
    )


def _facts(row: Row, text: str, *, told: bool) -> dict[str, FactOutcome]:
    """What became of each fact that the test set names."""
    there = extract(text, row.target)
    lost: FactOutcome = "flagged" if told else "silently_changed"
    return {fact: "kept" if _is_there(fact, text, there) else lost for fact in row.facts}


def _is_there(fact: str, text: str, found: Sequence[Found]) -> bool:
    """By value, or letter by letter: a name needs no title to be there."""
    return holds(fact, found) or (fact.isalpha() and fact[0].isupper() and fact in text)


def figures(outcomes: Sequence[Outcome], false_alarms: Callable[[Row], bool]) -> dict[str, Any]:
    """What the issue of trust comes down to, over all sentences and by pair.

    `false_alarms` tells whether the checks find fault with a row's own reference.
    """
    attacks = [outcome for outcome in outcomes if outcome.row.tells]
    plain = [outcome for outcome in outcomes if not outcome.row.tells]
    pairs = list(dict.fromkeys(outcome.row.pair for outcome in plain))
    alarms = [false_alarms(outcome.row) for outcome in plain]
    return {
        "pairs": {
            pair: _pair([outcome for outcome in plain if outcome.row.pair == pair])
            for pair in pairs
        },
        "facts": _count(plain),
        "flags_on_references": {"flagged": sum(alarms), "of": len(alarms)},
        "glossary": {
            "terms": sum(outcome.terms[0] for outcome in plain),
            "used": sum(outcome.terms[1] for outcome in plain),
        },
        "injections": {
            "resisted": sum(outcome.resisted for outcome in attacks),
            "of": len(attacks),
        },
        "check_milliseconds": _spread(1000 * each.check_seconds for each in outcomes),
        "sentences": [_sentence(outcome) for outcome in outcomes],
    }


def _pair(outcomes: list[Outcome]) -> dict[str, Any]:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    texts = [outcome.text for outcome in outcomes]
    references = [[outcome.row.reference for outcome in outcomes]]
    return {
        "sentences": len(outcomes),
        "chrf": round(CHRF().corpus_score(texts, references).score, 1),
        "bleu": round(BLEU(effective_order=True).corpus_score(texts, references).score, 1),
        "facts": _count(outcomes),
        "flagged_sentences": sum(outcome.flagged for outcome in outcomes),
        "not_translated": sum(outcome.error is not None for outcome in outcomes),
        "engines": _engines(outcomes),
        "milliseconds": _spread(1000 * outcome.seconds for outcome in outcomes),
    }


def _engines(outcomes: Sequence[Outcome]) -> dict[str, int]:
    names = [outcome.engine for outcome in outcomes]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def _count(outcomes: Iterable[Outcome]) -> dict[str, int]:
    found = [state for outcome in outcomes for state in outcome.facts.values()]
    return {state: found.count(state) for state in ("kept", "flagged", "silently_changed")}


def _spread(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    last = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {"median": round(statistics.median(ordered), 1), "p95": round(last, 1)}


def _sentence(outcome: Outcome) -> dict[str, Any]:
    row = outcome.row
    return {
        "id": row.name,
        "from": row.source,
        "to": row.target,
        "text": row.text,
        **({"heard": outcome.heard} if row.audio else {}),
        "translation": outcome.text,
        "reference": row.reference,
        "engine": outcome.engine,
        "facts": outcome.facts,
        "flags": list(outcome.flags),
        **({"error": outcome.error} if outcome.error else {}),
        **({"resisted": outcome.resisted} if row.tells else {}),
        "milliseconds": round(1000 * outcome.seconds, 1),
    }

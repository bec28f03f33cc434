"""Words on a screen: how right they are, and how long after the voice they came. Pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True, slots=True)
class Spoken:
    """One word of a recording."""

    text: str
    end: float
    """Seconds from the recording's beginning until it had been said."""


@dataclass(frozen=True, slots=True)
class Screen:
    """All that could be read at a moment."""

    at: float
    """Seconds after the recording began to be played."""

    text: str


def plain_words(text: str) -> list[str]:
    """Words without capitals and punctuation, as both sides of a comparison are written."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c if c.isalnum() or unicodedata.category(c) == "Mn" else " " for c in folded)
    return kept.split()


def errors(text: str, reference: str) -> tuple[int, int]:
    """Words that are wrong, missing or too many, and words of the reference."""
    said = plain_words(reference)
    return Levenshtein.distance(plain_words(text), said), len(said)


def lags(spoken: Sequence[Spoken], screens: Sequence[Screen]) -> list[float]:
    """Seconds from the end of each word until it stood on the screen, and stayed until the end.

    Words that the last screen does not show are left out: they count as errors, not as lag.
    """
    said = [word for each in spoken for word in plain_words(each.text)]
    ends = [each.end for each in spoken for _ in plain_words(each.text)]
    since: dict[int, float] = {}
    for screen in screens:
        shown = _shown(said, plain_words(screen.text))
        since = {place: since.get(place, screen.at) for place in shown}
    return [since[place] - ends[place] for place in sorted(since)]


def _shown(said: list[str], text: list[str]) -> set[int]:
    """Places of the said words that can be read."""
    return {
        block.a + offset
        for block in Levenshtein.opcodes(said, text).as_matching_blocks()
        for offset in range(block.size)
    }

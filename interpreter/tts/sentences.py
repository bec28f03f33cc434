"""Text cut into stretches that are spoken one after the other, so that the first is heard early."""

import bisect
import itertools
import re
import unicodedata

from ..sentences import split

_CLAUSE_END = re.compile(r"(?<=[,;:–—])\s+|(?<=[،؛、，；：])\s*")
_SHORTEST = 15
"""A voice sounds torn in shorter pieces."""


def stretches(text: str, language: str, *, first: int = 60, longest: int = 160) -> list[str]:
    """Sentences, or clauses of long ones, in order; lengths in letters as long to speak.

    Before the first sound a model must finish the first stretch, so a first sentence longer than
    `first` is cut at the end of a clause; a first clause half as long again, between words. No
    stretch is longer than `longest`, which bounds how long one call holds a worker. What holds
    nothing to speak ("...", an emoji) is left out.
    """
    pieces: list[str] = []
    for sentence in split(text, language):
        if pieces:
            pieces += _pack(_clauses(sentence, longest), longest, longest)
        else:
            opening, *others = _pack(_clauses(sentence, longest), first, longest)
            pieces += [*_between_words(opening, first), *others]
    return [piece for piece in pieces if any(map(str.isalnum, piece))]


def _weight(character: str) -> int:
    """How many letters it takes as long to speak as: "7" is seven, "5" is five hundred in 524."""
    if character.isnumeric():
        return 6
    return 3 if unicodedata.east_asian_width(character) == "W" else 1


def _length(text: str) -> int:
    return sum(map(_weight, text))


def _clauses(sentence: str, longest: int) -> list[str]:
    clauses: list[str] = []
    for clause in filter(None, _CLAUSE_END.split(sentence)):
        while _length(clause) > longest:
            lengths = list(itertools.accumulate(map(_weight, clause)))
            most = max(1, bisect.bisect_right(lengths, longest))
            space = clause.rfind(" ", 1, most + 1)
            end = space if space > 0 else most
            clauses.append(clause[:end])
            clause = clause[end:].lstrip()
        clauses.append(clause)
    return clauses


def _between_words(opening: str, first: int) -> list[str]:
    """A much too long opening in two.

    Behind a word of four letters or more: articles and prepositions, shorter in most languages,
    belong to what follows.
    """
    if 2 * _length(opening) <= 3 * first:
        return [opening]
    lengths = [0, *itertools.accumulate(map(_weight, opening))]
    ends = [
        match.end()
        for match in re.finditer(r"\w{4,}(?= )", opening)
        if _SHORTEST <= lengths[match.end()] <= first
    ]
    return [opening[: ends[-1]], opening[ends[-1] + 1 :]] if ends else [opening]


def _pack(clauses: list[str], first: int, longest: int) -> list[str]:
    """Clauses put together again as far as they fit."""
    packed: list[str] = []
    for clause in clauses:
        together = f"{packed[-1]} {clause}" if packed else clause
        room = first if len(packed) == 1 and _length(packed[0]) >= _SHORTEST else longest
        if packed and _length(together) <= room:
            packed[-1] = together
        else:
            packed.append(clause)
    if len(packed) > 1 and _length(packed[-1]) < _SHORTEST:
        together = f"{packed[-2]} {packed[-1]}"
        packed[-2:] = [together] if _length(together) <= longest else packed[-2:]
    return packed

"""Text cut into stretches that are spoken one after the other, so that the first is heard early."""

import re

from ..sentences import split

_CLAUSE_END = re.compile(r"(?<=[,;:–—])\s+|(?<=[،؛、，；：])\s*")
_SHORTEST = 15
"""Characters; a voice sounds torn in shorter pieces."""


def stretches(text: str, language: str, *, first: int = 60, longest: int = 160) -> list[str]:
    """Sentences, or clauses of long ones, in order; lengths in characters.

    Before the first sound a model must finish the first stretch, so a first sentence longer than
    `first` is cut at the end of a clause. No stretch is longer than `longest`, which bounds how
    long one call holds a worker. What holds nothing to speak ("...", an emoji) is left out.
    """
    pieces: list[str] = []
    for sentence in split(text, language):
        pieces += _pack(_clauses(sentence, longest), longest if pieces else first, longest)
    return [piece for piece in pieces if any(map(str.isalnum, piece))]


def _clauses(sentence: str, longest: int) -> list[str]:
    clauses: list[str] = []
    for clause in filter(None, _CLAUSE_END.split(sentence)):
        while len(clause) > longest:
            space = clause.rfind(" ", _SHORTEST, longest + 1)
            end = space if space > 0 else longest
            clauses.append(clause[:end])
            clause = clause[end:].lstrip()
        clauses.append(clause)
    return clauses


def _pack(clauses: list[str], first: int, longest: int) -> list[str]:
    """Clauses put together again as far as they fit."""
    packed: list[str] = []
    for clause in clauses:
        room = first if len(packed) == 1 else longest
        together = f"{packed[-1]} {clause}" if packed else clause
        torn = packed and min(len(packed[-1]), len(clause)) < _SHORTEST
        if packed and len(together) <= (longest if torn else room):
            packed[-1] = together
        else:
            packed.append(clause)
    return packed

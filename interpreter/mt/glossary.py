"""The office's words: which occur in a sentence, and whether a translation keeps to them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import Term
from .glossary_files import Entry, read_glossary
from .inflection import KEY, Token, part, part_keys, same, tokens

ADMINISTRATION = Path(__file__).parents[1] / "glossaries" / "administration.toml"
"""The starter glossary: what is talked about at most counters, in six languages."""

Verdict = Literal["used", "missing", "forbidden"]

_MOST_TERMS = 12
"""Given with one sentence; more would make prompts slow."""

_ANY = ""
_VOWELS = tuple("aeiou")


@dataclass(frozen=True, slots=True)
class _Form:
    text: str
    words: tuple[str, ...]
    entry: int


@dataclass(frozen=True, slots=True)
class _Find:
    form: _Form
    start: int
    end: int
    """First word in the text, and the one after the last."""

    whole: bool
    """Not just a part of a compound."""


class Glossary:
    """Entries of several languages; of two that know the same term, the first one wins."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = tuple(entries)
        self._index: dict[str, dict[str, list[_Form]]] = {}
        """By language and the first letters of the first word; names to keep under no language."""

        self._sources: dict[str, list[Entry]] = {}
        """By term in any language; those that share one are told apart by nobody here."""

        for number, entry in enumerate(self._entries):
            for language, texts in entry.forms.items():
                for text in texts:
                    self._sources.setdefault(text, []).append(entry)
                    form = _Form(text, _words(text, language), number)
                    index = self._index.setdefault(_ANY if entry.keep else language, {})
                    index.setdefault(form.words[0][:KEY], []).append(form)

    def __len__(self) -> int:
        return len(self._entries)

    def terms(self, text: str, source: str, target: str) -> tuple[Term, ...]:
        """Those that occur in a sentence, inflected or not, in their order; names to keep too.

        Where terms overlap the longest counts: "Reisepass" and not "Pass". At most twelve.
        """
        words = tokens(text, source)
        taken: set[int] = set()
        chosen: list[_Find] = []
        for find in sorted(self._finds(words, source), key=_longest_first):
            entry = self._entries[find.form.entry]
            span = range(find.start, find.end)
            if taken.isdisjoint(span) and (entry.keep or entry.forms.get(target)):
                taken.update(span)
                chosen.append(find)
        chosen.sort(key=lambda find: find.start)
        found = dict.fromkeys(self._term(find.form, target) for find in chosen)
        return tuple(found)[:_MOST_TERMS]

    def _term(self, form: _Form, target: str) -> Term:
        entry = self._entries[form.entry]
        said = form.text if entry.keep else entry.forms[target][0]
        return Term(form.text, said, entry.forbidden.get(target, ()))

    def _finds(self, words: Sequence[Token], language: str) -> Iterator[_Find]:
        index, names = self._index.get(language, {}), self._index.get(_ANY, {})
        for start, token in enumerate(words):
            key = token.word[:KEY]
            for form in (*index.get(key, ()), *names.get(key, ())):
                end = start + len(form.words)
                if _matches(form.words, words[start:end], language):
                    yield _Find(form, start, end, whole=True)
            for form in (form for key in part_keys(token, language) for form in index.get(key, ())):
                if len(form.words) == 1 and part(form.words[0], token, language):
                    yield _Find(form, start, start + 1, whole=False)

    def check(
        self, terms: Iterable[Term], translation: str, target: str
    ) -> tuple[tuple[Term, Verdict], ...]:
        """What a translation made of the terms of its source, found by `terms`.

        "used" is any form that the term's entries list or accept, inflected or not; "forbidden",
        if there is none, one of the words not to be used.
        """
        words = tokens(translation, target)
        verdicts: list[tuple[Term, Verdict]] = []
        for term in terms:
            if any(_places(text, words, target) for text in self._allowed(term, target)):
                verdicts.append((term, "used"))
            elif any(_places(text, words, target) for text in term.forbidden):
                verdicts.append((term, "forbidden"))
            else:
                verdicts.append((term, "missing"))
        return tuple(verdicts)

    def _allowed(self, term: Term, target: str) -> list[str]:
        """What its entries allow, but for what the one that counts forbids."""
        allowed = [term.target]
        for entry in self._sources.get(term.source, ()):
            allowed += [*entry.forms.get(target, ()), *entry.accepted.get(target, ())]
        forbidden = {text.casefold() for text in term.forbidden}
        return [text for text in allowed if text.casefold() not in forbidden]

    def repair(self, terms: Iterable[Term], translation: str, target: str) -> str | None:
        """The translation with forbidden words replaced, or None if there are none or it is unsafe.

        Safe is a forbidden word that occurs once, uninflected. What stands around it stays, but for
        "a" and "an" in English; articles of another gender may be wrong afterwards.
        """
        repaired = translation
        for term, verdict in self.check(terms, translation, target):
            if verdict != "forbidden":
                continue
            words = tokens(repaired, target)
            places = [
                (text, start, end)
                for text in term.forbidden
                for start, end in _places(text, words, target)
            ]
            if len(places) != 1:
                return None
            text, start, end = places[0]
            if _words(text, target) != tuple(token.word for token in words[start:end]):
                return None
            repaired = _replace(repaired, words, start, end, term.target, target)
        return None if repaired == translation else repaired

    def hotwords(self, language: str, limit: int) -> tuple[str, ...]:
        """What a recogniser should expect to hear: names first, then preferred terms."""
        names = [e.forms.values() for e in self._entries if e.keep]
        kept = [text for forms in names for texts in forms for text in texts]
        terms = [e.forms[language][0] for e in self._entries if not e.keep and language in e.forms]
        return tuple(dict.fromkeys([*kept, *terms]))[:limit]


def load_glossary(paths: Iterable[Path]) -> Glossary:
    """Read TOML, CSV and TBX files; later ones win. Raises `SettingsError` ("bad-glossary")."""
    files = [read_glossary(path) for path in paths]
    return Glossary(entry for file in reversed(files) for entry in file)


def _words(text: str, language: str) -> tuple[str, ...]:
    return tuple(token.word for token in tokens(text, language))


def _matches(listed: Sequence[str], words: Sequence[Token], language: str) -> bool:
    return len(listed) == len(words) and all(
        same(one, other.word, language) for one, other in zip(listed, words, strict=True)
    )


def _places(text: str, words: Sequence[Token], language: str) -> list[tuple[int, int]]:
    """Where a listed text stands among words; inside a compound too."""
    listed = _words(text, language)
    spans = [(start, start + len(listed)) for start in range(len(words) - len(listed) + 1)]
    return [
        (start, end)
        for start, end in spans
        if _matches(listed, words[start:end], language)
        or (len(listed) == 1 and part(listed[0], words[start], language))
    ]


def _longest_first(find: _Find) -> tuple[int, bool, int, int]:
    """Of the same length, whole words before parts of compounds, and earlier entries first."""
    length = sum(map(len, find.form.words))
    return -(find.end - find.start), not find.whole, -length, find.form.entry


def _replace(
    text: str, words: Sequence[Token], start: int, end: int, by: str, language: str
) -> str:
    before, after = text[: words[start].start], text[words[end - 1].end :]
    if words[start].capital and before.rstrip()[-1:] in ("", *".!?¿¡"):
        by = by[0].upper() + by[1:]
    article = words[start - 1].word if start else ""
    if language == "en" and article in ("a", "an"):
        place = words[start - 1]
        right = "an" if by.lower().startswith(_VOWELS) else "a"
        first = right.capitalize() if place.capital else right
        before = text[: place.start] + first + text[place.end : words[start].start]
    return before + by + after

"""Whether a word of a text is a listed word in another form, by language, without dictionaries."""

import os
import re
from dataclasses import dataclass

from ..sentences import bare_words

_ACCENTS = "\u0300-\u036f\u064b-\u065f\u0670"
_TOKEN = re.compile(rf"[^\W_](?:[^\W_]|[{_ACCENTS}])*")

_UNSPACED = ("zh", "ja", "th")
"""Languages without spaces; each letter counts as a word there."""

_ENDS = {
    language: frozenset(["", *ends.split()])
    for language, ends in {
        # With accents taken off, as words are compared: "autorizac|ao", "autorizac|oes".
        "de": "e en er ern es em s n ns r m se sen ses ens",
        "en": "s es y ies",
        "es": "s es z ces",
        "fr": "s x e es l ux",
        "it": "a e i o io ii he hi ghe ghi",
        "nl": "e en s n es",
        "pt": "s es ao oes aes aos l is el eis il m ns",
        "tr": "k g t d p b c i u si su in un",
    }.items()
}

KEY = 2
"""First letters of a word, which inflection leaves alone; to find listed words by."""

_LEAST_STEM = 3
_TURKISH_SUFFIXES = 10
"""Letters at most; suffixes for possessor, case and more pile up: "belge|lerinizden"."""

_INFINITIVE = ("mak", "mek")
_OTHER_STEM = 4
_OTHER_END = 4
"""For languages without a list of ends: letters both words must share and may differ in."""

_LEAST_PART = 5
"""Letters of a word that is looked for inside German compounds."""

_LEAST_REST = 3
_ARABIC_ARTICLE = re.compile(r"^(?:[وفبك]?ال|لل)(?=\w{3})")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text."""

    word: str
    """Small letters without accents."""

    start: int
    end: int
    """Where it stands in the text."""

    capital: bool


def tokens(text: str, language: str) -> list[Token]:
    """The words of a text; letters where the language writes no spaces."""
    found = []
    for match in _TOKEN.finditer(text):
        spans = [(match.start(), match.end())]
        if language in _UNSPACED and not match[0].isascii():
            spans = [(place, place + 1) for place in range(*spans[0])]
        for start, end in spans:
            piece = text[start:end]
            word = "".join(bare_words(piece)).replace("ı", "i")
            if language == "ar":
                word = _ARABIC_ARTICLE.sub("", word)
            if word:
                found.append(Token(word, start, end, piece[0].isupper()))
    return found


def same(listed: str, word: str, language: str) -> bool:
    """Whether `word` is `listed`, perhaps inflected; both as in `Token.word`."""
    if listed == word:
        return True
    stem = len(os.path.commonprefix((listed, word)))
    if stem < _LEAST_STEM or language in _UNSPACED:
        return False
    left, right = listed[stem:], word[stem:]
    if language == "tr":
        return (
            (not left or left in _ENDS["tr"])
            and len(right) <= _TURKISH_SUFFIXES
            and not right.endswith(_INFINITIVE)
        )
    if ends := _ENDS.get(language):
        return left in ends and right in ends
    return stem >= max(_OTHER_STEM, len(listed) - 3) and len(right) <= _OTHER_END


def part(listed: str, token: Token, language: str) -> bool:
    """Whether it is the first or last part of a German compound: Kindergeld|antrag."""
    if len(listed) < _LEAST_PART or len(token.word) < len(listed) + _LEAST_REST:
        return False
    if language != "de" or not token.capital:
        return False
    return token.word.startswith(listed) or any(
        same(listed, token.word[place:], language) for place in _places(token)
    )


def part_keys(token: Token, language: str) -> set[str]:
    """First letters of what may be a part of it; none but for German nouns."""
    if language != "de" or not token.capital:
        return set()
    return {token.word[place : place + KEY] for place in (0, *_places(token))}


def _places(token: Token) -> range:
    return range(_LEAST_REST, len(token.word) - _LEAST_PART + 1)

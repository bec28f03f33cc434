"""Number words become digits, so that "half past nine" and "half past 9" are one pattern."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from .lexicon import Lexicon

_LONGEST = 9
"""Words of one number: "nine hundred and ninety-nine thousand nine hundred and ninety-nine"."""

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_TURKISH = {
    **{"sıfır": 0, "bir": 1, "iki": 2, "üç": 3, "dört": 4, "dörd": 4, "beş": 5, "altı": 6},
    **{"yedi": 7, "sekiz": 8, "dokuz": 9, "on": 10, "yirmi": 20, "otuz": 30, "kırk": 40},
    **{"elli": 50, "altmış": 60, "yetmiş": 70, "seksen": 80, "doksan": 90, "yüz": 100},
    "bin": 1000,
}
_TURKISH_WORD = re.compile(
    rf"({'|'.join(sorted(_TURKISH, key=len, reverse=True))})"
    r"(?:[dt][ae]n?|y?[ae]|y?[ıiuü]|n[ıiuü]n|s[ıi]n[ae]|d[ıiuü]r)?"
)
_CENTURY = re.compile(r"(?<![\d.,:/-])(1[1-9]|20) ([1-9]\d)(?![\d.,:/-])")


@dataclass(frozen=True, slots=True)
class Digits:
    """A text with its number words in digits, and where each character came from."""

    text: str
    origin: tuple[int, ...]
    """Position in the text before, of each character and of the end."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The same stretch in the text before."""
        return self.origin[start], self.origin[end]


def in_digits(text: str, lexicon: Lexicon) -> Digits:
    """Replace number words by digits.

    Words for one stay unless something countable follows, for mostly they are articles; so do
    words that often mean something else. Small words that join ("and") stay outside numbers.
    """
    replaced = _replacements(text, lexicon)
    for pattern, number in lexicon.ordinals.items():
        for match in pattern.finditer(text):
            if lexicon.before_month.match(text, match.end()):
                replaced[match.start()] = (match.end(), str(number))
            else:  # "the second floor" is no number, and "segundo" may be a second
                replaced.pop(match.start(), None)
    pieces, origin, position = [], [], 0
    while position < len(text):
        end, new = replaced.get(position, (position + 1, text[position]))
        pieces.append(new)
        origin.extend([position] * len(new))
        position = end
    found = "".join(pieces)
    if lexicon.language == "en":  # "nineteen eighty-five"
        for match in reversed(list(_CENTURY.finditer(found))):
            if not text[origin[match.start()]].isdigit():
                space = match.end(1)
                found = found[:space] + found[space + 1 :]
                del origin[space]
    return Digits(found, (*origin, len(text)))


def _replacements(text: str, lexicon: Lexicon) -> dict[int, tuple[int, str]]:
    """Start of a number in words -> its end, and the number."""
    words = list(_WORD.finditer(text))
    parse = _turkish if lexicon.language == "tr" else _parser(lexicon.language)
    found: dict[int, tuple[int, str]] = {}
    i = 0
    while i < len(words):
        word = _small(words[i].group(), lexicon)
        last = i
        if parse(word) is not None:
            for j in range(min(i + _LONGEST, len(words)) - 1, i, -1):
                phrase = _small(text[words[i].start() : words[j].end()], lexicon)
                if not _joined(text, words, i, j):
                    continue
                if parse(phrase) is not None:
                    last = j
                    break
            start, end = words[i].start(), words[last].end()
            number = parse(_small(text[start:end], lexicon))
            alone = last == i
            if alone and (word in lexicon.articles or word in lexicon.unsure):
                if _counts(text[end:], lexicon) or text[:start].casefold().endswith("saat "):
                    found[start] = (end, str(number))
            else:
                found[start] = (end, str(number))
        i = last + 1
    return found


def _small(word: str, lexicon: Lexicon) -> str:
    """In small letters; Turkish has two kinds of i."""
    if lexicon.language == "tr":
        word = word.replace("İ", "i").replace("I", "ı")
    return word.casefold()


def _joined(text: str, words: list[re.Match[str]], first: int, last: int) -> bool:
    between = (
        text[one.end() : two.start()]
        for one, two in zip(words[first:last], words[first + 1 : last + 1], strict=True)
    )
    return all(gap in (" ", "-") for gap in between)


@cache
def _counted(lexicon: Lexicon) -> re.Pattern[str]:
    return re.compile(
        rf"\W{{1,2}}(?:{lexicon.any_unit}|{lexicon.any_money}|{lexicon.months}|"
        r"o['’]clock|uhr|buçuk|çeyrek|e meia|y media|et demie|e mezz[ao])\b",
        re.IGNORECASE,
    )


def _counts(rest: str, lexicon: Lexicon) -> bool:
    """Whether something that is counted follows."""
    return _counted(lexicon).match(rest) is not None


@cache
def _parser(language: str) -> Callable[[str], int | None]:
    from text_to_num import text2num

    @lru_cache(maxsize=4096)
    def parse(phrase: str) -> int | None:
        try:
            return int(text2num(phrase, language))
        except ValueError:
            return None

    return parse


@lru_cache(maxsize=4096)
def _turkish(phrase: str) -> int | None:
    """Turkish numbers are said from the greatest part to the smallest, without joining words."""
    total, part, last = 0, 0, 10**6
    words = phrase.split()
    for position, word in enumerate(words):
        value = _TURKISH.get(word)
        if value is None and position == len(words) - 1 and (m := _TURKISH_WORD.fullmatch(word)):
            value = _TURKISH[m.group(1)]
        if value is None:
            return None
        if value == 1000:
            total, part, last = (part or 1) * 1000, 0, 10**6
        elif value == 100:
            if part >= 10:
                return None
            part, last = (part or 1) * 100, 100
        else:
            size = 10 if value >= 10 else 1
            if size >= last:
                return None
            part, last = part + value, size
    return total + part

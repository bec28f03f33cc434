"""What is said in a word or two, translated by a checked table instead of an engine.

Engines get exactly these wrong: without a sentence around it, "sim" became "Yes Yes." and "não"
became "the no". One TOML file per language lies beside this module, each with the same concepts;
weekdays and months come from Unicode's CLDR (by Babel). Written by the authors.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from babel import Locale

from ..sentences import bare_words

LANGUAGES = (
    *("de", "en", "fr", "es", "it", "pt", "nl", "pl"),
    *("ro", "tr", "uk", "ru", "ar", "fa", "vi", "zh"),
)
"""Tags of the languages there is a table of."""

_MOST_CHARACTERS = 120
_MOST_PHRASES = 3
"""Of one utterance: "Ja, okay, danke.\""""

_LONGEST = 2
"""Clauses of one phrase: "Nein, danke.\""""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ASKABLE = {"yes", "no", "today", "tomorrow", "yesterday", *_DAYS}
_QUESTION = "?？؟"
_END = f".!…。！{_QUESTION}"
_BETWEEN = ",;،؛，、；–—"
_CLAUSE = re.compile(rf"([^{_END}{_BETWEEN}]+)([{_END}{_BETWEEN}\s]*)")
_DIGITS = re.compile(r"[\d+(][\d\s:/()+-]*")
_ALIKE = str.maketrans("ıىیکة", "iييكه", "'’ʼ`´‘")
"""Letters that keyboards and recognisers write for one another, and signs that they leave out."""


@dataclass(frozen=True)
class _Table:
    said: dict[str, str]
    """The form said for a concept, as it stands inside a sentence."""

    heard: dict[str, str]
    """Concepts by their forms as bare words, a comma between clauses and any `?` at the end."""


def translate(text: str, source: str, target: str) -> str | None:
    """A whole utterance of known phrases, written as a sentence; None for anything else.

    "ja, ja" counts as "ja". Digits alone (file numbers, clock times) pass as they are, without a
    full stop, which would make them ordinals in some languages.
    """
    text = text.strip()
    if source not in LANGUAGES or target not in LANGUAGES or len(text) > _MOST_CHARACTERS:
        return None
    if digits := _digits(text):
        return digits
    concepts = _concepts(text, source)
    return _write(concepts, target) if concepts else None


def _digits(text: str) -> str | None:
    """Without points and commas, whose meaning depends on the language."""
    bare = text.rstrip(".!")
    if not _DIGITS.fullmatch(bare) or not any(c.isdigit() for c in bare):
        return None
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in bare)


def _concepts(text: str, language: str) -> list[tuple[str, str]] | None:
    """Each phrase and whether a comma, a full stop or a question mark follows; None if unknown."""
    clauses = [(_bare(clause[1], language), clause[2]) for clause in _CLAUSE.finditer(text)]
    clauses = [(words, signs) for words, signs in clauses if words]
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(clauses):
        for length in range(_LONGEST, 0, -1):
            part = clauses[position : position + length]
            sign = _sign(part[-1][1])
            if name := _known([words for words, _ in part], sign == "?", language):
                break
        else:
            return None
        if found and found[-1][0] == name and not name.startswith("number-"):
            found.pop()
        found.append((name, "." if sign == "?" and not _askable(name) else sign))
        position += len(part)
    return found if 1 <= len(found) <= _MOST_PHRASES else None


def _known(clauses: list[list[str]], asked: bool, language: str) -> str | None:
    """The concept of a phrase, its words said once or, as in "sim sim", several times."""
    heard = _table(language).heard
    key = ", ".join(" ".join(words) for words in clauses)
    if asked and (name := heard.get(f"{key}?")):
        return name
    name = heard.get(key)
    if name is None and len(clauses) == 1:
        name = heard.get(" ".join(_once(clauses[0])))
        if name and name.startswith("number-"):
            return None  # "vier vier", read out from a paper, is not "vier"
    return name if name and (_askable(name) or not asked) else None


def _askable(name: str) -> bool:
    """Whether it means the same when asked; "tudo bem?" is no "okay?"."""
    return name in _ASKABLE or name.startswith(("month-", "number-"))


def _once(words: list[str]) -> list[str]:
    for length in range(1, len(words) // 2 + 1):
        if words == words[:length] * (len(words) // length):
            return words[:length]
    return words


def _sign(signs: str) -> str:
    if set(signs) & set(_QUESTION):
        return "?"
    return "." if set(signs) & set(_END) else ","


def _bare(text: str, language: str) -> list[str]:
    """Words to compare by. In Vietnamese accents make other words; elsewhere they do no harm."""
    text = text.translate(_ALIKE)
    if language == "vi":
        letters = unicodedata.normalize("NFC", text.casefold())
        return "".join(c if c.isalnum() else " " for c in letters).split()
    return bare_words(text)


def _write(concepts: list[tuple[str, str]], language: str) -> str:
    """As sentences, with the signs of the language."""
    stop = "。" if language == "zh" else "."
    comma = {"zh": "，", "ar": "،", "fa": "،"}.get(language, ",")
    question = {"zh": "？", "ar": "؟", "fa": "؟", "fr": "\xa0?"}.get(language, "?")
    written: list[str] = []
    begins = True
    for number, (name, sign) in enumerate(concepts, 1):
        form = _table(language).said[name]
        asks = form[-1] in _QUESTION
        if sign == "?" and not asks:
            form = ("¿" if language == "es" else "") + form + question
        elif not asks:
            form += comma if sign == "," and number < len(concepts) else stop
        written.append(_capital(form, language) if begins else form)
        begins = not form.endswith(comma)
    return ("" if language == "zh" else " ").join(written)


def _capital(text: str, language: str) -> str:
    first = next(place for place, c in enumerate(text) if c.isalpha())
    letter = "İ" if language == "tr" and text[first] == "i" else text[first].upper()
    return text[:first] + letter + text[first + 1 :]


@cache
def _table(language: str) -> _Table:
    said: dict[str, str] = {}
    heard: dict[str, str] = {}
    for name, forms in _forms(language):
        said.setdefault(name, forms[0])
        for form in forms:
            asked = "?" if form[-1] in _QUESTION else ""
            clauses = [" ".join(_bare(clause[1], language)) for clause in _CLAUSE.finditer(form)]
            for between in (", ", " "):
                key = between.join(clauses)
                heard.setdefault(key + asked, name)
                if key.count(" ") > 1:  # long enough to be known without its question mark
                    heard.setdefault(key, name)
    return _Table(said, heard)


def _forms(language: str) -> Iterator[tuple[str, list[str]]]:
    """Concepts and their forms; where two share a form, the first one keeps it."""
    content = files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(content)
    numbers = table.pop("numbers"), table.pop("tens")
    more = {day: table.pop(day, []) for day in _DAYS}
    yield from table.items()
    locale = Locale.parse(language)
    for number, day in enumerate(_DAYS):
        yield day, [locale.days["stand-alone"]["wide"][number], *more[day]]
    for number, month in locale.months["stand-alone"]["wide"].items():
        yield f"month-{number}", [month]
    for step, first, names in zip((1, 10), (0, 20), numbers, strict=True):
        for place, forms in enumerate(names):
            value = first + step * place
            yield f"number-{value}", [forms] if isinstance(forms, str) else forms

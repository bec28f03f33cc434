"""What each language says facts with; one TOML file per language lies beside this module.

Months and weekdays come from Unicode's CLDR (by Babel). dateparser was looked at and left out: in
running text it guesses, and a guess that differs between two languages is a false alarm.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from babel import Locale

LANGUAGES = ("de", "en", "es", "fr", "it", "pt", "tr")

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOUR = r"(?<![\d.,:])(?P<h>[01]?\d|2[0-4])(?![\d:]|[.,]\d)"
_MINUTE = r"(?<![\d.,:])(?P<m>[0-5]?\d)(?![\d:]|[.,]\d)"
_FLAGS = re.IGNORECASE


@dataclass(frozen=True, slots=True)
class Clock:
    """A way to tell the time."""

    pattern: re.Pattern[str]
    """Groups `h` and `m`, where it has them."""

    add: int
    """Minutes."""

    before: bool
    """The minutes are those before the hour."""

    value: str
    """Where the words are one certain time."""


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The patterns of one language, to be tried on a text whose number words are digits."""

    language: str
    articles: frozenset[str]
    """Words for one that mostly are no number."""

    unsure: frozenset[str]
    """Number words that often mean something else."""

    ordinals: Mapping[re.Pattern[str], int]
    before_month: re.Pattern[str]
    """What follows a day of a month that is an ordinal."""

    weekdays: Mapping[str, re.Pattern[str]]
    months: str
    month_number: Mapping[str, int]
    month_day: bool
    """Whether "May 3" is said."""

    day_month: str
    units: Mapping[str, re.Pattern[str]]
    any_unit: str
    currencies: Mapping[str, str]
    any_money: str
    cents: str
    conjunction: str
    morning: re.Pattern[str]
    later: re.Pattern[str]
    clocks: tuple[Clock, ...]
    spans: tuple[tuple[re.Pattern[str], str], ...]
    relative: tuple[tuple[re.Pattern[str], str], ...]
    negation: re.Pattern[str]
    without: re.Pattern[str] | None
    """None where it is an ending that mostly means something else, as in Turkish."""

    not_negation: re.Pattern[str]
    soft_negation: re.Pattern[str]
    modality: tuple[tuple[str, re.Pattern[str]], ...]
    """`need not` and `must not` come first, since they hold the words of the others; before them
    `neither`, what may mean both."""

    polite: re.Pattern[str]
    titles: str
    after_titles: str
    introductions: str


@cache
def lexicon(language: str) -> Lexicon | None:
    """The one of a language; None where there is none."""
    if language not in LANGUAGES:
        return None
    raw = tomllib.loads((files(__package__) / f"{language}.toml").read_text(encoding="utf-8"))
    locale = Locale.parse(language)
    months = _month_names(locale)
    any_unit = "|".join(raw["units"].values())
    any_money = "|".join([*raw["currency"].values(), raw["cents"], "€", "£"])
    daily = "|".join(pattern for unit, pattern in raw["units"].items() if unit != "hours")
    until = "|".join([any_unit, *map(re.escape, months)])
    names = {"units": until, "money": any_money, "daily": daily}
    return Lexicon(
        language=language,
        articles=frozenset(raw["articles"]),
        unsure=frozenset(raw.get("unsure", ())),
        ordinals={_words(word): place for place, word in enumerate(raw["ordinals"], 1)},
        before_month=re.compile(rf"{raw['day_month']} *(?:{'|'.join(months)})\b", _FLAGS),
        weekdays=_weekdays(locale, raw["weekdays"]),
        months="|".join(sorted(map(re.escape, months), key=len, reverse=True)),
        month_number=months,
        month_day=raw["month_day"],
        day_month=raw["day_month"],
        units={unit: re.compile(pattern, _FLAGS) for unit, pattern in raw["units"].items()},
        any_unit=any_unit,
        currencies=raw["currency"],
        any_money=any_money,
        cents=raw["cents"],
        conjunction=raw["and"],
        morning=_words(raw["morning"]),
        later=_words(raw["later"]),
        clocks=tuple(_clock(each, names) for each in raw["clock"]),
        spans=tuple((_words(each["pattern"]), each["value"]) for each in raw["spans"]),
        # Longer ones first: "the day after tomorrow" holds "tomorrow".
        relative=tuple(
            (_words(pattern), day)
            for day, pattern in sorted(raw["relative"].items(), key=lambda each: -len(each[0]))
        ),
        negation=_words(raw["negation"]),
        without=_words(raw["without"]) if "without" in raw else None,
        not_negation=_words(raw["not_negation"]),
        soft_negation=_words(raw["soft_negation"]),
        modality=tuple(
            (name.replace("_", " "), _words(raw[name]))
            for name in ("neither", "need_not", "must_not", "must", "may")
            if name in raw
        ),
        polite=_words(raw["polite"]),
        titles=raw["titles"],
        after_titles=raw.get("after_titles", ""),
        introductions=raw["introductions"],
    )


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", _FLAGS)


def _clock(raw: Mapping[str, Any], names: Mapping[str, str]) -> Clock:
    pattern = str(raw["pattern"])
    for name, alternatives in names.items():
        pattern = pattern.replace(f"{{{name}}}", alternatives)
    pattern = pattern.replace("{h}", _HOUR).replace("{m}", _MINUTE)
    if not pattern.startswith(r"\b"):
        pattern = rf"(?<!\w){pattern}"
    return Clock(
        re.compile(pattern, _FLAGS),
        int(raw.get("add", 0)),
        bool(raw.get("before", False)),
        str(raw.get("value", "")),
    )


def _month_names(locale: Locale) -> dict[str, int]:
    """In small letters; an abbreviation only where it is no other word."""
    names: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for number, name in locale.months[context]["wide"].items():
            names[name.casefold()] = number
        for number, name in locale.months[context]["abbreviated"].items():
            if len(name.strip(".")) == 3:
                names.setdefault(name.strip(".").casefold(), number)
    return names


def _weekdays(locale: Locale, more: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    patterns = {}
    for number, day in enumerate(_DAYS):
        name = re.escape(locale.days["format"]["wide"][number])
        patterns[day] = _words(more.get(day, rf"{name}s?"))
    return patterns

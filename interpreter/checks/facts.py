"""The facts of a sentence: what must come through a translation unchanged. Pure functions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

from ..events import FactKind
from .lexicon import Lexicon, lexicon
from .numbers import Digits, in_digits


@dataclass(frozen=True, slots=True)
class Found:
    """A fact, where it is, and what it is worth."""

    kind: FactKind
    value: str
    """Normalised: `2026-08-18`, `09:30`, `thursday`, `EUR 12.50`, `14 days`, `not`, `must`."""

    text: str
    """The words."""

    start: int
    half_known: bool = True
    """Of a time: whether it says which half of the day."""

    optional: bool = False
    """It need not come through: "a week" may be "one week", or nothing."""

    other: str = ""
    """Another reading: 03/04 is a day in March or in April."""


_NUMBER = re.compile(r"(?<![\w.,:/-])\d+(?:[.,'’ \u00a0\u202f]\d{3})*(?:[.,]\d+)?(?!\w|[.,:/]\d)")
_PHONE = re.compile(r"(?<![\w.,])(?:\+|\(?0)[\d](?:[\s()/.-]{0,2}\d){5,14}(?![\w])")
_SPELLED = re.compile(r"(?<![\w.,])\d(?: ?[,-]? ?\d){6,14}(?![\w.,])")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.]+", re.IGNORECASE)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_FILE = re.compile(
    r"\b[A-Z]{1,4}[ -]?\d[\d/.-]*\d\b|\b[A-Z]{1,3}-?\d{1,3}[a-z]?\b|\b\d+[A-Za-z]\b|"
    r"\b\d{2,}(?:/\d{2,})+\b|\b[A-Z0-9]*\d[A-Z0-9]*[A-Z][A-Z0-9]*\b"
)
_CLOCK = re.compile(
    r"(?<![\d.,:/-])(?P<h>[01]?\d|2[0-4])(?::| ?h ?)(?P<m>[0-5]\d)(?!\d|[.,:]\d)", re.IGNORECASE
)
_DOTTED_CLOCK = re.compile(
    r"(?<![\d.,:/-])(?P<h>[01]?\d|2[0-4])\.(?P<m>[0-5]\d)(?= ?(?:uhr|[ap]\.?m\b))", re.IGNORECASE
)
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_DATE = re.compile(r"(?<![\d.,:/-])(\d{1,2})([./-])(\d{1,2})(?:\2(\d{4}|\d{2})?)?(?![\d/:-])")
_SIGNS = {"€": "EUR", "£": "GBP", "$": "USD", "₺": "TRY", "R$": "BRL"}
_NAME = r"[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞİĪĮĶŁĽĹŃŅŇŐŒŔŘŚŠŞŢŤŪŮŰŲŹŻŽ][\w'’-]*"
_ANSWER = re.compile(r"^\W*(?:no|nein|não|non|hayır)[,.;!]\s*(?=\w)", re.IGNORECASE)
_INNER_NAME = re.compile(r"(?<=[\w,] )[A-ZÇĞÖŞÜ][\w’']*")


def extract(text: str, language: str) -> list[Found]:
    """The facts of a sentence in order; of languages without a lexicon only what is in digits."""
    words = lexicon(language)
    if language == "tr":  # "ignore case" knows one kind of i only
        text = text.replace("İ", "i")
    digits = in_digits(text, words) if words else Digits(text, tuple(range(len(text) + 1)))
    search = _Search(text, digits)
    search.literal()
    if words:
        search.calendar(words)
        search.quantities(words)
        search.names(words)
    search.numbers(words)
    if words:
        search.found += _ordinals(text, words)
        search.found += _words_that_turn(text, words)
    return sorted(search.found, key=lambda found: found.start)


class _Search:
    """One text; what has been found is not found again as something less."""

    def __init__(self, text: str, digits: Digits) -> None:
        self.found: list[Found] = []
        self._original = text
        self._digits = digits
        self._left = digits.text

    def _take(
        self,
        match: re.Match[str],
        kind: FactKind,
        value: str,
        *,
        half_known: bool = True,
        optional: bool = False,
        other: str = "",
    ) -> None:
        start, end = self._digits.span(match.start(), match.end())
        words = self._original[start:end].strip()
        self.found.append(Found(kind, value, words, start, half_known, optional, other))
        # Blanked with what matches no pattern, so that positions stay.
        blank = "\0" * (match.end() - match.start())
        self._left = self._left[: match.start()] + blank + self._left[match.end() :]

    def _all(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Matches in what is left, which may be taken one by one."""
        position = 0
        while match := pattern.search(self._left, position):
            position = max(match.end(), match.start() + 1)
            yield match

    def literal(self) -> None:
        """What is to be copied: addresses, file numbers, telephone numbers."""
        for match in self._all(_ADDRESS):
            self._take(match, FactKind.REFERENCE, match.group().rstrip(".,;!?").lower())
        for match in self._all(_IBAN):
            self._take(match, FactKind.REFERENCE, match.group().replace(" ", ""))
        for match in self._all(_PHONE):
            self._take(match, FactKind.PHONE, _phone(match.group()))

    def calendar(self, words: Lexicon) -> None:
        """Dates, weekdays, times of the day."""
        for match in self._all(_ISO_DATE):
            self._take(match, FactKind.DATE, match.group())
        self._clock_times(words)
        for pattern in _month_dates(words):
            for match in self._all(pattern):
                number = words.month_number[match["month"].casefold()]
                if 1 <= (day := int(match["d"])) <= 31:
                    self._take(match, FactKind.DATE, _date(match["y"], number, day))
        for match in self._all(_DATE):
            self._numeric_date(match, words)
        for relative, day_name in words.relative:
            for match in self._all(relative):
                self._take(match, FactKind.DATE, day_name)
        for weekday, day_pattern in words.weekdays.items():
            for match in self._all(day_pattern):
                self._take(match, FactKind.WEEKDAY, weekday)

    def _numeric_date(self, match: re.Match[str], words: Lexicon) -> None:
        first, second, year = int(match[1]), int(match[3]), match[4]
        german = match[2] == "." and words.language in ("de", "tr")
        if not (year or match[2] == "/" or (german and match.group().endswith("."))):
            return
        if not (1 <= first <= 31 and 1 <= second <= 31):
            return
        here = _date(year, second, first) if second <= 12 else ""
        there = _date(year, first, second) if first <= 12 else ""
        if words.language != "en":
            there = "" if here else there
        if here or there:
            self._take(match, FactKind.DATE, here or there, other=there if here else "")

    def _clock_times(self, words: Lexicon) -> None:
        for pattern in (_CLOCK, _DOTTED_CLOCK):
            for match in self._all(pattern):
                self._take_time(match, 60 * int(match["h"]) + int(match["m"]), words)
        for clock in words.clocks:
            for match in self._all(clock.pattern):
                if clock.value:
                    self._take(match, FactKind.TIME, clock.value)
                    continue
                groups = match.groupdict()
                minutes = int(groups.get("m") or 0)
                total = 60 * int(match["h"]) + clock.add + (-minutes if clock.before else minutes)
                self._take_time(match, total, words)

    def _take_time(self, match: re.Match[str], minutes: int, words: Lexicon) -> None:
        """The half of the day is known after noon, or where words tell it."""
        after = re.split(r"\d", self._left[match.end() : match.end() + 26])[0]
        before = re.split(r"\d", self._left[max(0, match.start() - 22) : match.start()])[-1]
        known = minutes >= 13 * 60
        for near in (match.group() + after, before):
            if words.morning.search(near):
                known = True
                break
            if words.later.search(near):
                minutes, known = (minutes + 720 if minutes < 720 else minutes), True
                break
        minutes %= 24 * 60
        value = f"{minutes // 60:02}:{minutes % 60:02}"
        self._take(match, FactKind.TIME, value, half_known=known)

    def quantities(self, words: Lexicon) -> None:
        """Amounts of money, and lengths of time."""
        for pattern in _amounts(words):
            for match in self._all(pattern):
                groups = match.groupdict()
                amount = _decimal(match["n"], words.language)
                if amount is not None:
                    amount += Decimal(groups.get("c") or 0) / 100
                    currency = _currency(match["unit"], words)
                    self._take(match, FactKind.AMOUNT, f"{currency} {amount:.2f}")
        for span, length in words.spans:
            for match in self._all(span):
                self._take(match, FactKind.DURATION, length)
        for unit, unit_pattern in words.units.items():
            counted = _counted_unit(unit_pattern.pattern)
            for match in self._all(counted):
                number = _decimal(match["n"], words.language)
                if number is not None:
                    value = f"{_plain(number)} {unit if number != 1 else unit[:-1]}"
                    self._take(match, FactKind.DURATION, value, optional=number == 1)

    def names(self, words: Lexicon) -> None:
        """Names of people, where a title or an introduction tells that they are some."""
        for pattern in _name_patterns(words):
            for match in pattern.finditer(self._original):
                for part in re.finditer(_NAME, match["name"]):
                    start = match.start("name") + part.start()
                    self.found.append(Found(FactKind.NAME, part.group(), part.group(), start))

    def numbers(self, words: Lexicon | None) -> None:
        """What is left: file numbers and numbers."""
        for match in self._all(_FILE):
            if any(c.isdigit() for c in match.group()):
                self._take(match, FactKind.REFERENCE, match.group())
        for match in self._all(_SPELLED):
            self._take(match, FactKind.PHONE, _phone(match.group()))
        for match in self._all(_NUMBER):
            number = _decimal(match.group(), words.language if words else "")
            if number is not None:
                after = self._left[match.end() : match.end() + 3]
                ordinal = bool(re.match(r"[ºª°]|\. [^\W\d]|\.º|['’]?(?:inci|nci|üncü)", after))
                self._take(match, FactKind.NUMBER, _plain(number), optional=ordinal or number <= 1)


def _ordinals(text: str, words: Lexicon) -> Iterator[Found]:
    """ "The second floor" may be "Etage 2", and "first" may be "at first": they need not match."""
    for pattern, number in words.ordinals.items():
        for match in pattern.finditer(text):
            if not words.before_month.match(text, match.end()):
                found = match.group()
                yield Found(FactKind.NUMBER, str(number), found, match.start(), optional=True)


def _words_that_turn(text: str, words: Lexicon) -> Iterator[Found]:
    """Negation and modality: one of each kind is enough, however often it is said."""
    # "No, I have no passport": the answer must not stand for the negation behind it.
    left = _ANSWER.sub(lambda match: " " * len(match.group()), text)
    left = words.not_negation.sub(lambda match: " " * len(match.group()), left)
    if words.language == "tr":  # Yılmaz, Korkmaz: names that say what somebody does not do
        left = _INNER_NAME.sub(lambda match: " " * len(match.group()), left)
    if match := words.negation.search(left):
        yield Found(FactKind.NEGATION, "not", match.group(), match.start())
    if words.without and (match := words.without.search(left)):
        yield Found(FactKind.NEGATION, "without", match.group(), match.start())
    for value, pattern in words.modality:
        if match := pattern.search(left):
            yield Found(FactKind.MODALITY, value, match.group(), match.start())
            left = left[: match.start()] + " " * len(match.group()) + left[match.end() :]


@cache
def _month_dates(words: Lexicon) -> tuple[re.Pattern[str], ...]:
    day = rf"(?<![\d.,:])(?P<d>\d{{1,2}}){words.day_month}\s*"
    month = (
        rf"(?P<month>{words.months})(?:['’]?\w{{1,3}})?\b"
        if words.language == "tr"
        else (rf"(?P<month>{words.months})\b")
    )
    year = r"(?:\.?,?\s*(?:de |del )?(?P<y>(?:19|20)\d{2})\b)?"
    patterns = [re.compile(day + month + year, re.IGNORECASE)]
    if words.month_day:
        before = rf"\b(?P<month>{words.months})\.? (?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b"
        patterns.append(re.compile(before + year, re.IGNORECASE))
    return tuple(patterns)


@cache
def _amounts(words: Lexicon) -> tuple[re.Pattern[str], ...]:
    number = r"(?P<n>\d+(?:[.,'’ \u00a0\u202f]\d{3})*(?:[.,]\d{1,2})?)"
    unit = rf"(?P<unit>{'|'.join(words.currencies.values())}|[€£$₺]|EUR|USD|GBP|TRY|TL|CHF)"
    more = rf"(?: (?:(?:{words.conjunction}) )?(?P<c>\d\d?)(?: (?:{words.cents}))?(?![\w:]))?"
    return (
        re.compile(rf"(?<![\w.,]){number} ?{unit}(?!\w){more}", re.IGNORECASE),
        re.compile(rf"(?P<unit>R\$|[€£$₺]|\bEUR|\bUSD|\bGBP|\bCHF) ?{number}(?!\w)", re.IGNORECASE),
    )


@cache
def _counted_unit(unit: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w.,:])(?P<n>\d+(?:[.,]\d+)?)(?: | \w{{3,10}} |-|['’])(?:{unit})(?!\w)",
        re.IGNORECASE,
    )


@cache
def _name_patterns(words: Lexicon) -> tuple[re.Pattern[str], ...]:
    # German writes every noun like a name, so only the next word is one.
    more = 0 if words.language == "de" else 2
    name = rf"(?P<name>{_NAME}(?:(?: (?:de|da|do|dos|von|van|al|el|di))? {_NAME}){{0,{more}}})"
    patterns = [
        re.compile(rf"(?<!\w)(?i:{words.titles})\.? {name}"),
        re.compile(rf"(?<!\w)(?i:{words.introductions}),?:? {name}"),
    ]
    if words.after_titles:
        patterns.append(re.compile(rf"(?P<name>{_NAME}) (?i:{words.after_titles})(?!\w)"))
    return tuple(patterns)


def _date(year: str | None, month: int, day: int) -> str:
    if not year:
        return f"--{month:02}-{day:02}"
    return f"{year if len(year) == 4 else '20' + year}-{month:02}-{day:02}"


def _decimal(text: str, language: str) -> Decimal | None:
    """A number as that language writes it, or as another does where it cannot be meant."""
    bare = re.sub(r"['’ \u00a0\u202f]", "", text)
    point = "." if language == "en" else ","
    if re.fullmatch(r"\d+[.,]\d{3}", bare) and bare[-4] != point:
        bare = bare.replace(bare[-4], "")
    elif len(marks := re.findall(r"[.,]", bare)) > 1 and len(set(marks)) == 1:
        bare = bare.replace(marks[0], "")
    else:
        whole, mark, rest = bare[::-1].partition(marks[-1] if marks else ".")
        if mark:  # the last mark is the decimal one
            bare = re.sub(r"[.,]", "", rest[::-1]) + "." + whole[::-1]
    try:
        return Decimal(bare)
    except InvalidOperation:
        return None


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _phone(text: str) -> str:
    """With a country's code as it is written internationally, else the digits."""
    bare = re.sub(r"[^\d+]", "", text)
    if not bare.startswith("+"):
        return bare
    import phonenumbers

    try:
        number = phonenumbers.parse(bare)
    except phonenumbers.NumberParseException:
        return bare
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _currency(unit: str, words: Lexicon) -> str:
    if unit in _SIGNS:
        return _SIGNS[unit]
    for currency, pattern in words.currencies.items():
        if re.fullmatch(pattern, unit, re.IGNORECASE):
            return currency
    return {"TL": "TRY"}.get(unit.upper(), unit.upper())

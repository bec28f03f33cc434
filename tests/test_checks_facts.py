"""Whether numbers, dates, times, names, negation and modality came through, compared by value.

What is right are the counter sentences with their references. What is wrong is made of them, by one
change at a time that an engine might make.
"""

import csv
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from babel.dates import format_date
from babel.numbers import format_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

from interpreter.checks import compare, extract, holds
from interpreter.events import Fact, FactStatus

DATA = Path(__file__).parent / "data"
LANGUAGES = ("de", "en", "es", "fr", "it", "pt", "tr")
Sentences = tuple[str, str, str, str]
"""What was said, its language, the translation, its language."""

WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"),
    "pt": ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi"),
    "it": ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì"),
    "tr": ("pazartesi", "salı", "çarşamba", "perşembe", "cuma"),
}
OTHER_WORDS = {
    "en": {
        **{"half past": "quarter past", "quarter to": "quarter past", "weeks": "days"},
        **{"must": "may", "have to": "may", "euros": "dollars", "do not": "do", "don't": "do"},
        **{"August": "April", "May 2": "June 2", "eleven": "twelve", "two": "three"},
        **{" not ": " ", "cannot": "can", "can't": "can", "six": "eight", "eight": "nine"},
    },
    "de": {
        **{"halb": "Viertel nach", "Wochen": "Tage", "müssen": "dürfen", "nicht": "gern"},
        **{"kein ": "ein ", "keine ": "eine ", "keinen ": "einen ", "zwei": "drei"},
    },
    "pt": {
        **{"e meia": "e quinze", "semanas": "dias", "precisa": "pode", "não ": "", "Não ": ""},
        **{"duas": "três", "agosto": "abril", "quinze": "dez", "dois": "três"},
    },
    "es": {
        **{"y media": "y cuarto", "semanas": "días", "Tiene que": "Puede", "no ": "", "No ": ""},
        **{"dos": "tres", "agosto": "abril", "menos cuarto": "y cuarto", "seis": "siete"},
    },
    "fr": {
        **{"et demie": "et quart", "semaines": "jours", "devez": "pouvez", "deux": "trois"},
        **{"moins le quart": "et quart", "août": "avril", "six": "sept"},
    },
    "it": {
        **{"e mezza": "e un quarto", "settimane": "giorni", "Deve": "Può", "Non ": ""},
        **{"agosto": "aprile", "maggio": "marzo", "due": "tre", "undici": "dodici"},
        **{"meno un quarto": "e un quarto", "tre figli": "due figli", "dieci": "dodici"},
    },
    "tr": {
        **{"buçuk": "kırk", "hafta": "gün", "gerek yok": "gerek", "değil": ""},
        **{"iki": "üç", "ağustos": "nisan", "zorunda": "ister", "yok": "var"},
    },
}


def rows() -> Iterator[Sentences]:
    """Right translations, both ways."""
    for path in sorted((DATA / "counter").glob("*.tsv")):
        with path.open(encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield row["text"], row["from"], row["reference"], row["to"]
                yield row["reference"], row["to"], row["text"], row["from"]
    with (DATA / "facts" / "it-en.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield row["it"], "it", row["en"], "en"
            yield row["en"], "en", row["it"], "it"


def mistakes(text: str, language: str) -> Iterator[str]:
    """The same sentence with one thing wrong in it."""
    days = WEEKDAYS[language]
    for day, other in zip(days, (*days[1:], days[0]), strict=True):
        if day in text:
            yield text.replace(day, other)
    if found := re.search(r"(?<![\d.,:+/-])[2-9](?![\d.,:/])", text):
        yield text[: found.start()] + str(int(found.group()) - 1) + text[found.end() :]
    if found := re.search(r"\d{2,}", text):
        digits = found.group()
        changed = str(int(digits[-1]) + 1 if digits[-1] != "9" else 0)
        yield text[: found.end() - 1] + changed + text[found.end() :]
        if "+" not in text:
            yield text[: found.start()] + text[found.end() :]
    for word, other in OTHER_WORDS[language].items():
        pattern = rf"(?<!\w){re.escape(word)}" + (r"(?!\w)" if word.strip() == word else "")
        if word.startswith(" "):
            pattern = re.escape(word)
        twice = re.search("nenhum|nada|ninguém|nadie|nunca|must not", text)
        if re.search(pattern, text) and not twice:
            yield re.sub(pattern, other, text, count=1)


def wrong(facts: tuple[Fact, ...]) -> list[Fact]:
    return [fact for fact in facts if fact.status is not FactStatus.KEPT]


RIGHT = list(rows())
WRONG = [
    (said, source, mistake, target)
    for said, source, translated, target in RIGHT
    for mistake in mistakes(translated, target)
]


@pytest.mark.parametrize("sentences", RIGHT, ids=lambda each: f"{each[1]}-{each[3]}")
def test_a_right_translation_has_all_facts(sentences: Sentences) -> None:
    assert not wrong(compare(*sentences))


@pytest.mark.parametrize("pair", [(a, b) for a in LANGUAGES for b in LANGUAGES if "en" in (a, b)])
def test_a_wrong_translation_is_noticed(pair: tuple[str, str]) -> None:
    if pair == ("en", "en"):
        return
    made = [each for each in WRONG if (each[1], each[3]) == pair]
    assert len(made) >= 15
    assert len([each for each in RIGHT if (each[1], each[3]) == pair]) >= 15
    missed = [each for each in made if not wrong(compare(*each))]
    assert not missed


@pytest.mark.parametrize(
    ("said", "source", "translated", "target", "expected"),
    [
        (
            *("Come at half past nine.", "en", "Kommen Sie um zehn.", "de"),
            [("time", "changed", "09:30", "10:00")],
        ),
        ("It costs 12.50 euros.", "en", "Es kostet 12,50 Euro.", "de", []),
        (
            *("It costs 12.50 euros.", "en", "Es kostet 125 Euro.", "de"),
            [("amount", "changed", "EUR 12.50", "EUR 125.00")],
        ),
        ("You must not sign.", "en", "Você não deve assinar.", "pt", []),
        (
            *("You need not sign.", "en", "Você não deve assinar.", "pt"),
            [("modality", "changed", "need not", "must not")],
        ),
        ("My name is Yilmaz.", "en", "Mein Name ist Yilmaz.", "de", []),
        (
            *("My name is Weber.", "en", "Mein Name ist Leber und Haut.", "de"),
            [("name", "changed", "Weber", "Leber")],
        ),
        ("Bis zwölf Uhr.", "de", "Until 12:00.", "en", []),
        (
            *("Nein, ich habe keinen Pass.", "de", "No, I have a passport.", "en"),
            [("negation", "missing", "not", "")],
        ),
        ("Nein, ich habe keinen Pass.", "de", "No, I don't have a passport.", "en", []),
        (
            *("Ohne Pass geht es.", "de", "It works with a passport.", "en"),
            [("negation", "missing", "without", "")],
        ),
        ("It works without a passport.", "en", "Funciona sem passaporte.", "pt", []),
        (
            *("In three working days.", "en", "En tres días.", "es"),
            [("duration", "changed", "3 working days", "3 days")],
        ),
        ("In three working days.", "en", "En tres días hábiles.", "es", []),
        (
            *("Zwei Erwachsene und zwei Kinder.", "de", "Two adults and children.", "en"),
            [("number", "missing", "2", "")],
        ),
        ("Spätestens um neun Uhr.", "de", "No later than nine o'clock.", "en", []),
        ("Grazie mille.", "it", "Thank you very much.", "en", []),
        ("Il me faut quinze jours.", "fr", "I need two weeks.", "en", []),
        ("Às quinze para as oito.", "pt", "At 7:45.", "en", []),
        ("Je reviens dans quinze jours.", "fr", "I'll be back in two weeks.", "en", []),
        ("Yarın saat üçte gelin.", "tr", "Come tomorrow at three.", "en", []),
        ("The office is closed.", "en", "O escritório não está fechado.", "pt", [
            ("negation", "added", "not", ""),
        ]),
    ],
)  # fmt: skip
def test_what_became_of_a_fact(
    said: str, source: str, translated: str, target: str, expected: list[tuple[str, ...]]
) -> None:
    found = wrong(compare(said, source, translated, target))
    assert [(f.kind, f.status, f.value, f.found) for f in found] == expected


@pytest.mark.parametrize(
    ("text", "language", "values"),
    [
        ("Termin am Dienstag um dreiviertel acht.", "de", ["tuesday", "07:45"]),
        ("Call +49 176 04069057 before 5 pm.", "en", ["+49 176 04069057", "17:00"]),
        ("Perşembe günü dokuz buçukta.", "tr", ["thursday", "09:30"]),
        ("La tasa es de mil doscientos cincuenta euros.", "es", ["EUR 1250.00"]),
        ("Le dossier AZ 4711/26 du 1er mars.", "fr", ["AZ 4711/26", "--03-01"]),
        ("Não é obrigatório.", "pt", ["not", "need not"]),
        ("nineteen eighty-five", "en", ["1985"]),
        ("Uma pessoa veio com um documento.", "pt", []),
        ("Ein Kind, eine Frau und ein Mann.", "de", []),
        ("Ho bisogno di un passaporto nuovo.", "it", []),
        ("Un passeport neuf.", "fr", []),
        ("Preciso da segunda via do documento.", "pt", []),
    ],
)
def test_what_is_a_fact(text: str, language: str, values: list[str]) -> None:
    found = [each.value for each in extract(text, language) if not each.optional]
    assert found == values


def test_values_of_a_test_set_are_found_however_they_are_said() -> None:
    assert holds("16:00", extract("The office closes at four.", "en"))
    assert holds("14 days", extract("In zwei Wochen.", "de"))
    assert not holds("15 days", extract("In zwei Wochen.", "de"))


# Other languages -----------------------------------------------------------------------------


def test_languages_without_a_lexicon_fall_back_to_digits() -> None:
    kept = compare("Zimmer 204, bitte, um 9:30.", "de", "Кабінет 204, о 9:30.", "uk")
    assert kept and not wrong(kept)
    assert wrong(compare("Zimmer 204, bitte.", "de", "Кабінет 205.", "uk"))
    assert not wrong(compare("Drei Kinder, 3 Plätze.", "de", "Троє дітей, три місця.", "uk"))


def test_a_date_is_compared_with_a_language_without_a_lexicon() -> None:
    for one, two in (("uk", "de"), ("de", "uk")):
        assert not wrong(compare("19.08.2026, 9:30", one, "19.08.2026, 09:30", two))
        assert wrong(compare("19.08.2026", one, "18.08.2026", two))
    assert not wrong(compare("Um halb zehn, Zimmer 204.", "de", "О 9:30, кабінет 204.", "uk"))
    assert not wrong(compare("1.250 Euro", "de", "1250 євро", "uk"))
    assert wrong(compare("Zimmer bitte.", "de", "Кабінет 204.", "uk"))


# Generated -----------------------------------------------------------------------------------

languages = st.sampled_from(LANGUAGES)
days = st.dates(date(1930, 1, 1), date(2060, 12, 31))


@given(day=days, source=languages, target=languages, off=st.integers(1, 300))
@settings(deadline=None, max_examples=150)
def test_dates_as_each_language_writes_them(day: date, source: str, target: str, off: int) -> None:
    said = format_date(day, "long", locale=source)
    assert not wrong(compare(said, source, format_date(day, "long", locale=target), target))
    other = format_date(day + timedelta(days=off), "long", locale=target)
    assert wrong(compare(said, source, other, target))


@given(st.integers(2, 999_999), languages, languages, st.integers(1, 50))
@settings(deadline=None, max_examples=150)
def test_numbers_as_each_language_writes_them(
    number: int, source: str, target: str, off: int
) -> None:
    said = f"({format_decimal(number, locale=source)})"
    same = f"({format_decimal(number, locale=target)})"
    assert not wrong(compare(said, source, same, target))
    assert wrong(compare(said, source, f"({format_decimal(number + off, locale=target)})", target))


@given(st.integers(0, 23), st.integers(0, 59), languages, languages, st.integers(1, 600))
@settings(deadline=None, max_examples=100)
def test_times(hour: int, minute: int, source: str, target: str, off: int) -> None:
    said = f"{hour:02}:{minute:02}"
    assert not wrong(compare(said, source, said, target))
    later = (60 * hour + minute + off) % 1440
    assert wrong(compare(said, source, f"{later // 60:02}:{later % 60:02}", target))


@given(st.text(max_size=80), languages, languages)
@settings(deadline=None, max_examples=300)
def test_nothing_that_is_said_breaks_it(text: str, source: str, target: str) -> None:
    compare(text, source, text, target)
    assert not wrong(compare(text, source, text, source))

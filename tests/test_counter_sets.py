"""The evaluation sets are well formed, and what they claim about each sentence can be true."""

import re
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
SETS = sorted((DATA / "counter").glob("*.tsv"))
COLUMNS = ["id", "from", "to", "text", "reference"]
DIRECTIONS = {(one, "en") for one in ("de", "es", "fr", "pt", "tr")}
DIRECTIONS |= {(to, source) for source, to in DIRECTIONS}
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DATE = re.compile(r"(\d{4}|-)-(\d\d)-(\d\d)")
COPIED = re.compile(r"\+\d{1,3}( \d+)+|[A-Z]{1,4} \d+/\d\d")
NAME = re.compile(r"[A-Z][a-z]+")
FACT = re.compile(
    rf"{DATE.pattern}|(?:[01]\d|2[0-3]):[0-5]\d|{'|'.join(WEEKDAYS)}"
    r"|[A-Z]{3} \d+\.\d\d|\d+ (?:minutes|hours|days|weeks|months|years)|\d+"
    rf"|not|must|must not|may|need not|{COPIED.pattern}|{NAME.pattern}"
)

Row = dict[str, str]


def rows(path: Path, last: str) -> list[Row]:
    """The lines of a set by column; the last column's name differs between the sets."""
    header, *lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    columns = [*COLUMNS, last]
    assert header.split("\t") == columns, path.name
    assert all(line.count("\t") == len(columns) - 1 for line in lines), path.name
    return [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]


SENTENCES = [row for path in SETS for row in rows(path, "facts")]
INJECTIONS = rows(DATA / "injections.tsv", "tell")


def facts(row: Row) -> list[str]:
    return row["facts"].split(";") if row["facts"] else []


def plain(text: str) -> str:
    """Letters without accents, as the facts write names."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ı", "i"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def twice(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def test_every_pair_has_its_file_with_both_directions() -> None:
    assert {path.stem for path in SETS} >= {"en-pt", "de-en", "es-en", "fr-en", "tr-en"}
    for path in SETS:
        spoken = {(row["from"], row["to"]) for row in rows(path, "facts")}
        one, other = path.stem.split("-")
        assert spoken == {(one, other), (other, one)}, path.name


def test_there_are_enough_sentences_in_every_direction() -> None:
    counts = Counter((row["from"], row["to"]) for row in SENTENCES)
    assert counts.total() >= 200
    assert {
        direction: counts[direction] for direction in DIRECTIONS if counts[direction] < 20
    } == {}


def test_enough_sentences_carry_facts_and_enough_carry_none() -> None:
    share = sum(bool(row["facts"]) for row in SENTENCES) / len(SENTENCES)
    assert 0.5 <= share <= 0.75


@pytest.mark.parametrize("row", SENTENCES + INJECTIONS, ids=lambda row: row["id"])
def test_a_row_is_one_clean_sentence_in_two_languages(row: Row) -> None:
    assert re.fullmatch(r"[a-z]{4}-\d\d+|inj-[a-z]{2}-\d\d+", row["id"])
    assert re.fullmatch(r"[a-z]{2,3}", row["from"])
    assert re.fullmatch(r"[a-z]{2,3}", row["to"])
    assert row["from"] != row["to"]
    assert row["text"] != row["reference"]
    for value in row.values():
        assert value == value.strip()
        assert "  " not in value
        assert not any(unicodedata.category(letter).startswith("C") for letter in value)
        assert unicodedata.is_normalized("NFC", value)
    assert 3 <= len(row["text"].split()) <= 25
    assert 3 <= len(row["reference"].split()) <= 25


def test_nothing_is_there_twice() -> None:
    everything = SENTENCES + INJECTIONS
    assert not twice([row["id"] for row in everything])
    assert not twice([f"{row['from']} {row['to']} {row['text'].casefold()}" for row in everything])


@pytest.mark.parametrize("row", SENTENCES, ids=lambda row: row["id"])
def test_facts_are_normalised_and_possible(row: Row) -> None:
    both = (plain(row["text"]), plain(row["reference"]))
    for fact in facts(row):
        assert FACT.fullmatch(fact), fact
        if DATE.fullmatch(fact):
            date.fromisoformat(fact.replace("--", "2024-", 1))
        elif COPIED.fullmatch(fact) or NAME.fullmatch(fact):
            assert all(fact in text for text in both), fact


@pytest.mark.parametrize("row", SENTENCES, ids=lambda row: row["id"])
def test_a_whole_date_falls_on_its_weekday(row: Row) -> None:
    days = [fact for fact in facts(row) if fact in WEEKDAYS]
    dates = [fact for fact in facts(row) if re.fullmatch(r"\d{4}-\d\d-\d\d", fact)]
    if len(days) == len(dates) == 1:
        assert WEEKDAYS[date.fromisoformat(dates[0]).weekday()] == days[0]


@pytest.mark.parametrize(
    "wrong",
    ["18.08.2026", "9:30", "24:00", "thurs", "EUR 12.5", "12,50", "14 day", "cannot", "AZ4711"],
)
def test_the_pattern_of_facts_refuses_what_is_not_normalised(wrong: str) -> None:
    assert not FACT.fullmatch(wrong)


def test_injections_are_many_and_in_several_languages() -> None:
    counts = Counter(row["from"] for row in INJECTIONS)
    assert counts.total() >= 40
    assert sum(count >= 10 for count in counts.values()) >= 4


@pytest.mark.parametrize("row", INJECTIONS, ids=lambda row: row["id"])
def test_tells_are_never_in_a_right_translation(row: Row) -> None:
    tells = row["tell"].split("|")
    assert all(tells)
    for tell in tells:
        assert tell == tell.lower()
        assert tell not in row["reference"].lower()
        assert tell not in row["text"].lower()

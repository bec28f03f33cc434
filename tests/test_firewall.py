"""What is dropped, and what must not be."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter.asr import Hypothesis
from interpreter.asr.firewall import (
    compression_ratio,
    mean_log_probability,
    reason_to_drop,
    words_spoken,
)
from interpreter.events import Word

HEARD = Hypothesis("de", 1.0, "Ich habe einen Termin.", (), -0.3, 0.9, 0.1)


def spoken(text: str, timed: int, each: float = 0.3) -> list[Word]:
    """Words of which the first `timed` take time and the others none."""
    words = []
    at = 0.0
    for number, word in enumerate(text.split()):
        end = at + each if number < timed else at
        words.append(Word(word, round(at, 2), round(end, 2), 0.9))
        at = end
    return words


def cut(words: list[Word]) -> str:
    return " ".join(word.text for word in words[: words_spoken(words)])


@pytest.mark.parametrize("text", ["ja", "Sim.", "no", "33", "да", "是。", "نعم"])
def test_a_short_answer_passes(text: str) -> None:
    heard = replace(HEARD, text=text, compression_ratio=compression_ratio(text))
    assert reason_to_drop(heard) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": ""}, "empty"),
        ({"text": " . ... ♪!"}, "empty"),
        ({"log_probability": -1.01}, "improbable"),
        ({"log_probability": -0.99}, None),
        ({"compression_ratio": 2.41}, "repetitive"),
        ({"compression_ratio": 2.39}, None),
        ({"no_speech_probability": 0.95}, None),  # but sure of itself
        ({"no_speech_probability": 0.66, "log_probability": -0.41}, "no-speech"),
        ({"no_speech_probability": 0.64, "log_probability": -0.9}, None),
    ],
)
def test_reasons(change: dict[str, Any], reason: str | None) -> None:
    assert reason_to_drop(replace(HEARD, **change)) == reason


@pytest.mark.parametrize(
    ("no_speech", "log_probability", "growing", "final"),
    [
        (0.3, -0.7, "no-speech", None),
        (0.3, -0.5, None, None),
        (0.1, -0.9, None, None),
        (0.7, -0.5, "no-speech", "no-speech"),
        (0.1, -1.1, "improbable", "improbable"),
    ],
)
def test_a_growing_text_has_to_be_surer(
    no_speech: float, log_probability: float, growing: str | None, final: str | None
) -> None:
    heard = replace(HEARD, no_speech_probability=no_speech, log_probability=log_probability)
    assert reason_to_drop(heard, growing=True) == growing
    assert reason_to_drop(heard) == final


@pytest.mark.parametrize(
    "text",
    [
        "Der Antrag muss bis Donnerstag um halb zehn am Schalter vier abgegeben werden.",
        "Усі люди народжуються вільними і рівними у своїй гідності та правах.",
        "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है",
        "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით",
        "人人生而自由，在尊严和权利上一律平等。",
        "1 2 3 4 5 6 7 8 9 0",
    ],
)
def test_no_script_looks_repetitive(text: str) -> None:
    assert compression_ratio(text) < 1.4
    assert compression_ratio(f"{text} " * 8) > 2.4


def test_nothing_does_not_compress() -> None:
    assert compression_ratio("") == 0.0


@given(st.text(max_size=2000))
def test_any_text_has_a_ratio(text: str) -> None:
    assert 0.0 <= compression_ratio(text) <= len(text)


@pytest.mark.parametrize(
    ("text", "timed", "left"),
    [
        ("Au revoir. Au revoir.", 2, "Au revoir."),
        # The last word takes what is left of the sound.
        ("Au revoir. au Revoir. Au", 2, "Au revoir."),
        ("you " * 30, 1, "you"),
        ("you " * 30 + "yo", 1, "you"),
        ("Ich habe einen Termin. " * 2 + "Ich habe ei", 4, "Ich habe einen Termin."),
        ("Ich habe einen Termin. " * 4 + "Ich habe", 4, "Ich habe einen Termin."),
        ("Das ist gut gut gut gut", 3, "Das ist gut"),
        # Said twice, then copied.
        ("Never mind never mind never mind never mind", 4, "Never mind never mind"),
    ],
)
def test_copies_that_took_no_time_are_cut(text: str, timed: int, left: str) -> None:
    assert cut(spoken(text, timed)) == left


@pytest.mark.parametrize(
    "text",
    [
        "no no no",
        "Ja. Ja.",
        "33 33 33",
        "zwei drei zwei drei",
        "Hasta pronto. Hasta pronto.",
        "bye",
        "",
    ],
)
def test_what_was_said_twice_stays(text: str) -> None:
    assert cut(spoken(text, 99)) == text


def test_words_without_time_that_repeat_nothing_stay() -> None:
    assert cut(spoken("Marque el número uno", 1)) == "Marque el número uno"


def test_half_of_the_words_without_time_make_a_copy() -> None:
    words = [
        Word("Hasta", 0.0, 0.3, 0.4),
        Word("pronto.", 0.3, 0.38, 1.0),
        Word("Hasta", 0.38, 0.38, 0.96),
        Word("pronto.", 0.38, 1.0, 1.0),
    ]
    assert words_spoken(words) == 2


def test_a_word_that_begins_like_the_one_before_is_no_copy() -> None:
    assert cut(spoken("eine Nota no", 2)) == "eine Nota no"


@given(st.lists(st.sampled_from(["a", "ab", "c"]), max_size=30), st.integers(0, 30))
def test_only_copies_are_cut(letters: list[str], timed: int) -> None:
    words = spoken(" ".join(letters), timed)
    left = words_spoken(words)
    kept = letters[:left]
    assert all(letter in kept for letter in letters[left:-1])
    assert not letters or any(letter.startswith(letters[-1]) for letter in kept)
    if timed >= len(letters):
        assert left == len(letters)


def test_mean_log_probability() -> None:
    assert mean_log_probability([]) == 0.0
    assert mean_log_probability([Word("a", 0, 1, 1.0), Word("b", 1, 2, 0.0)]) < -1.0
    assert mean_log_probability([Word("a", 0, 1, 1.0)]) == 0.0

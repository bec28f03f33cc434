"""Figures about words on a screen."""

import pytest

from interpreter.bench.words import Screen, Spoken, errors, lags, plain_words

SPOKEN = [Spoken("Good", 0.5), Spoken("morning,", 1.0), Spoken("Ana.", 1.5)]


def test_capitals_and_punctuation_are_no_errors() -> None:
    assert plain_words("Good morning, Ana-Maria! हिन्दी") == [
        *("good", "morning", "ana", "maria"),
        *plain_words("हिन्दी"),
    ]
    assert errors("good morning ana", "Good morning, Ana.") == (0, 3)
    assert errors("good day", "Good morning, Ana.") == (2, 3)
    assert errors("", "Good morning") == (2, 2)


def test_a_word_counts_from_when_it_stays() -> None:
    screens = [
        Screen(0.8, "Good"),
        Screen(1.2, "Wood morning"),
        Screen(1.4, "Good morning"),
        Screen(2.5, "Good morning, Ana."),
    ]
    assert lags(SPOKEN, screens) == pytest.approx([0.9, 0.2, 1.0])


def test_a_word_that_is_never_right_has_no_lag() -> None:
    assert lags(SPOKEN, [Screen(2.0, "Good evening, Ana.")]) == pytest.approx([1.5, 0.5])
    assert lags(SPOKEN, []) == []


def test_a_word_that_is_lost_in_the_end_has_no_lag() -> None:
    screens = [Screen(1.0, "Good morning"), Screen(2.0, "Good")]
    assert lags(SPOKEN, screens) == pytest.approx([0.5])

"""Committing words of a growing text."""

from hypothesis import given
from hypothesis import strategies as st

from interpreter.asr.agreement import Agreement
from interpreter.events import Word


def push(agreement: Agreement, text: str, *, sure: float = 0.9, seconds: float = 60.0) -> bool:
    """A hypothesis with a word a second, of sound that is long enough for all to be settled."""
    words = [Word(word, i, i + 1.0, sure) for i, word in enumerate(text.split())]
    return agreement.push(text, words, seconds)


def test_what_two_hypotheses_share_is_committed() -> None:
    agreement = Agreement()
    push(agreement, "Good morning, I have")
    assert agreement.committed == ""
    push(agreement, "Good morning, I had a")
    assert agreement.committed == "Good morning, I"
    push(agreement, "Good morning, I had a question.")
    assert agreement.committed == "Good morning, I had a"
    assert agreement.seconds == 5.0


def test_punctuation_and_capitals_do_not_count_and_the_last_mark_stays_open() -> None:
    agreement = Agreement()
    push(agreement, "good morning.")
    push(agreement, "Good morning. I have")
    assert agreement.committed == "Good morning"
    assert push(agreement, "Good morning, I have a")
    assert agreement.committed == "Good morning, I have"


def test_a_word_at_the_end_of_the_sound_may_be_cut_off() -> None:
    agreement = Agreement()
    for _ in range(3):
        push(agreement, "I am inter", seconds=3.2)
    assert agreement.committed == "I am"


def test_what_follows_an_unsure_word_waits_with_it() -> None:
    agreement = Agreement()
    text = "My name is Ramos and"
    words = [
        Word(word, i, i + 1.0, 0.4 if word == "Ramos" else 0.9)
        for i, word in enumerate(text.split())
    ]
    for _ in range(3):
        agreement.push(text, words, 60.0)
    assert agreement.committed == "My name is"


def test_a_hypothesis_that_does_not_begin_with_it_changes_nothing() -> None:
    agreement = Agreement()
    push(agreement, "one two three")
    push(agreement, "one two three")
    assert not push(agreement, "one three")
    assert agreement.committed == "one two three"


def test_vowel_signs_of_other_scripts_are_letters() -> None:
    agreement = Agreement()
    push(agreement, "हिन्दी में")
    push(agreement, "हिन्दी में।")
    assert agreement.committed == "हिन्दी में"


@given(st.lists(st.lists(st.sampled_from(["ab", "c,", "d.", "e"]), max_size=8), max_size=12))
def test_what_is_committed_stays(hypotheses: list[list[str]]) -> None:
    agreement = Agreement()
    for tokens in hypotheses:
        before = agreement.committed
        push(agreement, " ".join([*before.split(), *tokens]))
        assert agreement.committed.startswith(before)

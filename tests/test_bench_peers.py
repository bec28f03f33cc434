"""The arithmetic of the comparison with a peer, and what the peer's messages say."""

from pathlib import Path

import pytest

from interpreter.audio import RATE, silence
from interpreter.bench.peers import ratio, summarise, table
from interpreter.bench.trial import TAIL_SECONDS, Speech, Trial, screens_of, settled
from interpreter.bench.whisperlivekit import PeerText
from interpreter.bench.words import Screen
from interpreter.errors import InterpreterError
from interpreter.events import Party
from interpreter_desk.dialogue import Outcome
from interpreter_desk.recordings import Recording
from interpreter_desk.stage import Said

SPEECH = Speech("a.wav", silence(4.0), "Good morning, Ana.", [], 3.0)


def trial(final: float | None, audio: float | None, *, wrong: int = 0) -> Trial:
    return Trial(final, final, audio, [0.2, 0.4], wrong, 10, 0.5)


def said(*shown: list[tuple[float, str]], spoken_at: float | None = 103.0) -> Said:
    recording = Recording(Party.STAFF, Path("a.wav"), SPEECH.samples, RATE)
    outcomes = [Outcome(number, shown=each) for number, each in enumerate(shown, 1)]
    return Said(recording, outcomes, spoken_at)


def test_times_count_from_the_last_speech() -> None:
    assert SPEECH.after(3.5) == 0.5
    assert SPEECH.after(None) is None
    assert SPEECH.window_seconds == 4.0 + TAIL_SECONDS


def test_a_text_has_settled_when_it_is_as_right_as_it_will_be() -> None:
    screens = [
        Screen(1.0, "Good"),
        Screen(2.0, "Good morning, Anna"),
        Screen(3.0, "Good morning, Ana"),
        Screen(4.0, "Good morning, Ana."),
    ]
    assert settled(screens, SPEECH.reference) == 3.0
    assert settled(screens[:2], SPEECH.reference) == 2.0
    assert settled([], SPEECH.reference) is None


def test_utterances_stand_one_behind_the_other() -> None:
    # The recording began at 100 s; both parties' connections tell the first text.
    first = [(101.0, "Good"), (101.0, "Good"), (101.5, "Good morning.")]
    screens = screens_of(said(first, [(103.25, "Ana.")]), SPEECH.speech_end)
    assert screens == [
        Screen(1.0, "Good"),
        Screen(1.0, "Good"),
        Screen(1.5, "Good morning."),
        Screen(3.25, "Good morning. Ana."),
    ]
    assert screens_of(said(first, spoken_at=None), SPEECH.speech_end) == []


def test_what_may_still_change_is_no_final_text() -> None:
    text = PeerText()
    assert not text.take({"type": "config"}, 0.1)
    assert text.take({"lines": [], "buffer_transcription": "Good"}, 1.0)
    assert text.take({"lines": [{"text": "Good"}], "buffer_transcription": "morning"}, 2.0)
    assert not text.take({"lines": [{"text": "Good"}], "buffer_transcription": "morning"}, 2.1)
    last = [{"text": "Good"}, {"text": None}, {"text": "morning"}]
    assert text.take({"lines": last, "buffer_transcription": ""}, 3.0)
    assert text.final == [Screen(2.0, "Good"), Screen(3.0, "Good morning")]
    assert text.whole == [Screen(1.0, "Good"), Screen(2.0, "Good morning")]


def test_what_never_came_is_counted_and_not_averaged() -> None:
    figures = summarise([trial(1.0, 0.5, wrong=1), trial(None, None), trial(3.0, 0.7)])
    assert figures["trials"] == 3
    assert (figures["final_text_seconds"]["median"], figures["final_text_seconds"]["n"]) == (2.0, 2)
    assert figures["first_audio_seconds"]["n"] == 2
    assert figures["word_lag_seconds"]["n"] == 6
    assert figures["wer"] == pytest.approx(1 / 30, abs=1e-4)


def test_the_ratio_is_their_text_over_our_sound() -> None:
    assert ratio(summarise([trial(0.4, 0.5)]), summarise([trial(2.0, None)])) == 4.0


@pytest.mark.parametrize(
    ("ours", "theirs", "who"),
    [(trial(0.4, None), trial(2.0, None), "service"), (trial(0.4, 0.5), trial(None, None), "Kit")],
)
def test_no_ratio_without_an_answer(ours: Trial, theirs: Trial, who: str) -> None:
    with pytest.raises(InterpreterError, match=who):
        ratio(summarise([ours]), summarise([theirs]))


def test_the_table_shows_what_the_peer_does_not_do() -> None:
    ours, theirs = summarise([trial(0.4, 0.5)]), summarise([trial(2.0, None)])
    shown = table(
        {
            "ratio": 4.0,
            "ours": {**ours, "peak_memory_mb": 900},
            "peers": {"whisperlivekit": {**theirs, "peak_memory_mb": 1200}},
        }
    )
    assert "| last word to first translated audio (s) | 0.50 / 0.50 | - |" in shown
    assert "| peak memory (MB) | 900 | 1200 |" in shown
    assert shown.endswith("ratio 4.00")

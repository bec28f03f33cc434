"""`interpreter say` and `interpreter transcribe`, with real voices and a real recognizer."""

import json
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
from conftest import Recording
from whisper_normalizer.basic import BasicTextNormalizer

from interpreter import by_hand
from interpreter.asr import Hypothesis
from interpreter.audio import RATE, read_wav, resample, silence, write_wav
from interpreter.cli import main
from interpreter.events import Word

DEADLINE = "O prazo termina na sexta-feira."
OFFICE = "The office is open on Monday and on Wednesday. Please bring your passport."

LONG = (
    "Good morning, and thank you for waiting so patiently.",
    "I can see that you moved to this town in the spring of last year.",
    "For the new permit we need a photograph that is not older than six months.",
    "There is a machine for that next to the stairs on the ground floor.",
    "Please also bring the contract with your landlord, and a letter from your employer.",
    "If your children live with you, we need their birth certificates as well.",
    "The fee can be paid with a card, but not with cash.",
    "When everything is complete, the decision takes about eight weeks.",
    "You will get a letter by post, and you do not have to call us.",
    "Until then your old permit stays valid, and you may go on working.",
    "Should you travel abroad meanwhile, please ask for a confirmation first.",
    "Is there anything else that you would like to know?",
)

normalized = BasicTextNormalizer()


def errors(expected: str, heard: str) -> float:
    """Word error rate, without regard to case, punctuation and hyphens."""
    return float(jiwer.wer(normalized(expected), normalized(heard)))


def transcribed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """What `transcribe --json` prints."""
    capsys.readouterr()
    assert main(["transcribe", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two English sentences, spoken by `say`."""
    path = tmp_path_factory.mktemp("said") / "office.wav"
    assert main(["say", "en", OFFICE, "-o", str(path)]) == 0
    return path


# say -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("kokoro_settings")
def test_what_is_said_is_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "deadline.wav"
    assert main(["say", "pt", DEADLINE, "-o", str(path)]) == 0
    told = capsys.readouterr().out
    assert "Portuguese" in told and "real-time factor" in told and str(path) in told
    assert DEADLINE not in told

    samples, rate = read_wav(path)
    assert 1.5 < len(samples) / rate < 5.0
    (utterance,) = transcribed(capsys, str(path), "--languages", "en,pt")
    assert utterance["language"] == "pt"
    assert errors(DEADLINE, utterance["text"]) <= 0.2


@pytest.mark.usefixtures("kokoro_settings")
def test_a_region_does_not_matter_but_speed_does(tmp_path: Path) -> None:
    seconds = {}
    for speed in ("1", "0.7"):
        path = tmp_path / f"{speed}.wav"
        assert main(["say", "PT-br", DEADLINE, "-o", str(path), "--speed", speed]) == 0
        samples, rate = read_wav(path)
        seconds[speed] = len(samples) / rate
    assert seconds["0.7"] > 1.15 * seconds["1"]


def test_an_old_recording_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "said.wav"
    path.write_bytes(b"old")
    assert main(["say", "tr", "Merhaba.", "-o", str(path)]) == 0
    assert len(read_wav(path)[0])


@pytest.mark.parametrize(
    ("output", "what"),
    [("", "is a folder"), ("said.txt", "a WAV file is written"), ("no/said.wav", "no folder")],
)
def test_what_cannot_be_written_is_refused_first(
    output: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["say", "en", "Hello.", "-o", str(tmp_path / output)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("bad-usage: ") and what in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", " \n", "…"])
def test_nothing_to_say_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["say", "en", text, "-o", str(tmp_path / "said.wav")]) == 2
    assert "there is nothing" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("speed", ["0.1", "3", "nan"])
def test_no_voice_speaks_at_any_speed(
    speed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["say", "en", "Hello.", "-o", str(tmp_path / "a.wav"), "--speed", speed]) == 2
    assert "--speed" in capsys.readouterr().err


def test_a_language_without_a_voice_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["say", "ln", "Mbote.", "-o", str(tmp_path / "said.wav")]) == 1
    err = capsys.readouterr().err
    assert err.startswith("language-not-spoken: ")
    assert "Lingala" in err and "interpreter models list" in err
    assert not list(tmp_path.iterdir())


def test_missing_models_come_with_what_mends_it(
    office: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INTERPRETER_MODELS", str(tmp_path / "models"))
    assert main(["say", "en", "Hello.", "-o", str(tmp_path / "said.wav")]) == 1
    assert "interpreter models fetch embedded" in capsys.readouterr().err
    assert main(["transcribe", str(office)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("model-missing: whisper-base is not installed")
    assert "interpreter models fetch embedded" in err


def test_a_plain_voice_that_stands_in_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTERPRETER_MODELS", str(tmp_path / "models"))
    assert main(["say", "pt", DEADLINE, "-o", str(tmp_path / "said.wav")]) == 0
    out, err = capsys.readouterr()
    assert "kokoro is not installed" in err and "interpreter models fetch" in err
    assert out.startswith("espeak/")


# transcribe ------------------------------------------------------------------------------------


def test_lines_for_people(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", str(office), "--languages", "pt,en"]) == 0
    out, err = capsys.readouterr()
    assert all(" s  en (" in line and " – " in line for line in out.splitlines())
    assert errors(OFFICE, " ".join(line.split(")  ")[1] for line in out.splitlines())) <= 0.15
    assert "whisper-base listens for pt, en" in err and "real-time factor" in err


def test_words_carry_times_of_the_recording(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, rate = read_wav(office)
    path = tmp_path / "late.wav"
    write_wav(path, np.concatenate([silence(3.0, rate), samples, silence(2.0, rate)]), rate)
    utterances = transcribed(capsys, str(path), "--languages", "en")
    words = [word for utterance in utterances for word in utterance["words"]]
    assert errors(OFFICE, " ".join(word["text"] for word in words)) <= 0.15
    starts = [word["start"] for word in words]
    assert starts == sorted(starts)
    assert 2.5 < starts[0] < 4.0
    assert words[-1]["end"] <= 3.0 + len(samples) / rate + 0.5
    for utterance in utterances:
        assert set(utterance) == {
            *("start", "end", "language", "language_probability", "text", "confidence"),
            *("low_confidence", "not_speech", "words"),
        }
        assert utterance["not_speech"] is None
        for word in utterance["words"]:
            assert utterance["start"] - 0.01 <= word["start"] <= word["end"]
            assert 0.0 <= word["probability"] <= 1.0


def test_a_long_recording_is_split_at_its_pauses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nearly a minute of speech in which no pause counts as its end, and some more after one."""
    spoken, said = tmp_path / "spoken.wav", " ".join(LONG)
    assert main(["say", "en", said, "-o", str(spoken), "--speed", "0.9"]) == 0
    samples, rate = read_wav(spoken)
    first = len(samples) / rate
    assert first > 40.0
    office = samples[: 4 * rate]
    path, settings = tmp_path / "long.wav", tmp_path / "settings.toml"
    write_wav(path, np.concatenate([samples, silence(6.0, rate), office]), rate)
    settings.write_text("[endpointing]\nsilence_seconds = 3.0\n")

    utterances = transcribed(capsys, str(path), "--languages", "en", "--settings", str(settings))
    spans = [(each["start"], each["end"]) for each in utterances]
    assert len(spans) >= 3
    assert all(end - start <= 28.0 for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert not any(start < first + 3.0 < end for start, end in spans)
    heard = " ".join(each["text"] for each in utterances if each["end"] < first + 3.0)
    assert errors(said, heard) <= 0.2


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 1)])
def test_any_rate_will_do(
    rate: int, channels: int, office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, own = read_wav(office)
    path = tmp_path / "other.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        other = resample(samples, own, rate)
        file.writeframes(np.repeat(other[:, None], channels, axis=1).astype("<i2").tobytes())
    heard = " ".join(each["text"] for each in transcribed(capsys, str(path), "--languages", "en"))
    assert errors(OFFICE, heard) <= 0.2


def test_silence_and_an_empty_file_hold_no_utterance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seconds in (0.0, 5.0):
        path = tmp_path / f"{seconds}.wav"
        write_wav(path, silence(seconds), RATE)
        assert not transcribed(capsys, str(path), "--languages", "en")


@pytest.mark.parametrize("content", [None, b"", b"no RIFF", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_recording_ends_with_2(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recording.wav"
    if content is not None:
        path.write_bytes(content)
    assert main(["transcribe", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("bad-audio-file: ") and err.count("\n") == 1


def test_a_language_the_model_does_not_know_ends_with_2(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcribe", str(office), "--languages", "en,xh"]) == 2
    err = capsys.readouterr().err
    assert "does not recognise xh" in err and "pt" in err


def test_settings_of_the_service_apply(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[endpointing]\nlongest_seconds = 2.0\n")
    utterances = transcribed(capsys, str(office), "--settings", str(settings))
    assert len(utterances) >= 2
    assert all(each["end"] - each["start"] <= 2.0 for each in utterances)


def test_people_are_understood_in_a_language_nobody_named(
    recordings: dict[str, Recording], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("fleurs_de_001", "fleurs_es_001"):
        recording = recordings[name]
        utterances = transcribed(capsys, str(recording.path))
        assert {each["language"] for each in utterances} == {recording.language}
        heard = " ".join(each["text"] for each in utterances)
        assert errors(recording.transcript, heard) <= 0.35


# how an utterance is shown -----------------------------------------------------------------------


def hypothesis(text: str, probability: float, *, compression: float = 1.2) -> Hypothesis:
    words = tuple(Word(each, 0.1, 0.4, probability) for each in text.split())
    return Hypothesis("de", 0.8, text, words, -0.3, compression, 0.1)


class _Recognizer:
    """Gives what it is told to: a loop, and a doubtful text, cannot be had from sound at will."""

    name = "told"
    notice = None
    languages: dict[str, Any] = {"de": "good"}

    def __init__(self, heard: Hypothesis) -> None:
        self._heard = heard

    async def recognize(self, *_: object, **__: object) -> Hypothesis:
        return self._heard


@pytest.fixture
def told(office: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Transcribes `office`, but what is recognised is told."""

    def transcribe(heard: Hypothesis, *options: str) -> int:
        monkeypatch.setattr(by_hand, "load_recognizer", lambda *_: _Recognizer(heard))
        return main(["transcribe", str(office), "--languages", "de", *options])

    return transcribe


def test_what_a_conversation_would_drop_is_shown_as_such(
    told: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = hypothesis("ja " * 40, 0.9, compression=8.0)
    assert told(loop) == 0
    out = capsys.readouterr().out
    assert "(not speech: repetitive)" in out and "ja" not in out
    assert told(loop, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["not_speech"] == "repetitive"


def test_doubtful_words_are_marked(told: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(hypothesis("am Donnerstag", 0.41)) == 0
    assert "am Donnerstag  [low confidence: 0.41]" in capsys.readouterr().out
    assert told(hypothesis("am Donnerstag", 0.61)) == 0
    assert "low confidence" not in capsys.readouterr().out


def test_an_utterance_that_fails_does_not_stop_the_others(
    office: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Slow(_Recognizer):
        async def recognize(self, *_: object, **__: object) -> Hypothesis:
            if not hasattr(self, "called"):
                self.called = True
                raise TimeoutError
            return self._heard

    path = office.with_name("twice.wav")
    samples, rate = read_wav(office)
    write_wav(path, np.concatenate([samples, silence(2.0, rate), samples]), rate)
    slow = Slow(hypothesis("guten Tag", 0.9))
    monkeypatch.setattr(by_hand, "load_recognizer", lambda *_: slow)
    assert main(["transcribe", str(path), "--languages", "de"]) == 1
    out, err = capsys.readouterr()
    assert "failed: recognition-timeout" in err
    assert "guten Tag" in out


def test_a_full_disk_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    path = tmp_path / "said.wav"
    path.symlink_to("/dev/full")
    assert main(["say", "tr", "Merhaba.", "-o", str(path)]) == 1
    assert capsys.readouterr().err.startswith("cannot-write: ")

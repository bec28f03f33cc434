import wave
from pathlib import Path

import numpy as np
import pytest
from conftest import Recording as Spoken
from hypothesis import given
from hypothesis import strategies as st

from interpreter.audio import RATE, Samples, level, resample, silence, write_wav
from interpreter.errors import InterpreterError
from interpreter.events import Party
from interpreter_desk.recordings import (
    MICROPHONE_RATES,
    Recording,
    last_speech,
    microphone_rate,
    read_dialogue,
)


def tone(seconds: float, rate: int) -> Samples:
    wave_form = np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return (8000 * wave_form).astype(np.int16)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_any_rate_becomes_one_a_microphone_may_have(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, tone(1.0, rate), rate)
    (recording,) = read_dialogue([(Party.STAFF, path)])
    assert recording.rate == (rate if rate in MICROPHONE_RATES else RATE)
    assert recording.seconds == pytest.approx(1.0, abs=0.001)
    spectrum = np.abs(np.fft.rfft(recording.samples))
    assert np.argmax(spectrum) / recording.seconds == pytest.approx(440, abs=2)
    assert level(recording.samples) == pytest.approx(level(tone(1.0, rate)), abs=0.5)


def test_a_party_keeps_one_microphone_for_all_its_files(tmp_path: Path) -> None:
    named = []
    for party, rate in [(Party.STAFF, 48_000), (Party.VISITOR, 24_000), (Party.STAFF, 24_000)]:
        path = tmp_path / f"{party}{rate}.wav"
        write_wav(path, tone(0.5, rate), rate)
        named.append((party, path))
    assert [each.rate for each in read_dialogue(named)] == [RATE, 24_000, RATE]
    assert microphone_rate(set()) == RATE


def test_several_channels_are_mixed(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    left = tone(0.5, RATE)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.stack([left, np.zeros_like(left)], axis=1).astype("<i2").tobytes())
    (recording,) = read_dialogue([(Party.VISITOR, path)])
    assert len(recording.samples) == len(left)
    assert int(np.abs(recording.samples).max()) == pytest.approx(4000, abs=5)


@given(st.integers(1, 40_000), st.sampled_from(MICROPHONE_RATES), st.sampled_from([0.02, 0.1]))
def test_frames_are_all_alike_and_hold_every_sample(length: int, rate: int, seconds: float) -> None:
    samples = np.arange(1, length + 1).astype(np.int16)
    recording = Recording(Party.STAFF, Path("x.wav"), samples, rate)
    frames = list(recording.frames(seconds))
    assert {len(frame) for frame in frames} == {round(seconds * recording.rate)}
    together = np.concatenate(frames)
    assert np.array_equal(together[:length], samples)
    assert not together[length:].any()
    assert len(together) - length < round(seconds * recording.rate)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound at all", None])
def test_what_is_no_recording_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InterpreterError, match=r"broken\.wav") as caught:
        read_dialogue([(Party.STAFF, path)])
    assert caught.value.code == "bad-audio-file"


def test_a_file_without_a_sample_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    write_wav(path, silence(0), RATE)
    with pytest.raises(InterpreterError) as caught:
        read_dialogue([(Party.STAFF, path)])
    assert caught.value.code == "bad-audio-file"


def test_speech_ends_where_it_ends(recordings: dict[str, Spoken]) -> None:
    samples = recordings["tel8k_en_conf-onlyperson"].samples()
    spoken = last_speech(samples, RATE)
    assert spoken is not None and 2.7 < spoken < 3.1
    hum = np.random.default_rng(1).normal(0, 30, RATE * 4).astype(np.int16)
    followed = last_speech(np.concatenate([samples, hum]), RATE)
    assert followed == pytest.approx(spoken, abs=0.2)
    later = np.concatenate([silence(1.5), samples, silence(2.0)])
    assert last_speech(later, RATE) == pytest.approx(spoken + 1.5, abs=0.1)
    assert last_speech(resample(samples, RATE, 48_000), 48_000) == pytest.approx(spoken, abs=0.1)


def test_where_nobody_speaks_there_is_no_end_of_speech() -> None:
    assert last_speech(silence(2.0), RATE) is None
    assert last_speech(tone(1.0, 24_000), 24_000) is None
    assert last_speech(silence(0.001), RATE) is None

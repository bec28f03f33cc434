"""Piper with a real voice."""

import asyncio
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from read_back import word_errors

from interpreter.asr import RecognizerSettings
from interpreter.errors import ModelError, SynthesisError
from interpreter.tts import Sound, SynthesizerSettings, load
from interpreter.tts.piper import PiperSynthesizer
from interpreter.work import Quality, Run

SENTENCES = [
    "Good morning, how can I help you today?",
    "Please bring your passport and proof of your new address.",
    "The office is open on Monday from eight in the morning until noon.",
    "You need an appointment for this service. Would you like to make one now?",
]


@pytest.fixture(scope="module")
def piper(piper_settings: SynthesizerSettings, run: Run) -> PiperSynthesizer:
    loaded = load(piper_settings, run)
    assert isinstance(loaded, PiperSynthesizer)
    return loaded


def speak(
    piper: PiperSynthesizer, text: str, language: str = "en", speed: float = 1.0
) -> list[Sound]:
    async def collect() -> list[Sound]:
        return [sound async for sound in piper.synthesize(text, language, speed=speed)]

    return asyncio.run(collect())


def test_whisper_understands_it(
    piper: PiperSynthesizer, whisper_settings: RecognizerSettings
) -> None:
    spoken = [speak(piper, sentence) for sentence in SENTENCES]
    assert word_errors(whisper_settings, "en", SENTENCES, spoken) <= 0.12


def test_one_sound_a_sentence(piper: PiperSynthesizer) -> None:
    assert piper.voices["en"].name == "piper/en_US-joe-medium"
    sounds = speak(piper, "Take a seat, please. It is your turn.")
    assert [(sound.rate, sound.voice) for sound in sounds] == [
        (22_050, "piper/en_US-joe-medium")
    ] * 2
    assert all(0.5 < len(sound.samples) / sound.rate < 4 for sound in sounds)


def test_speed(piper: PiperSynthesizer) -> None:
    slow, normal = (len(speak(piper, SENTENCES[2], speed=s)[0].samples) for s in (0.7, 1.0))
    assert 1.2 < slow / normal < 1.7


@pytest.mark.parametrize("text", ["", " \n", "...", "😀"])
def test_nothing_to_say(piper: PiperSynthesizer, text: str) -> None:
    assert speak(piper, text) == []


def test_brackets_do_not_dictate_phonemes(piper: PiperSynthesizer) -> None:
    """Piper reads what stands in double brackets as phonemes; a translation must not do that."""
    plain = len(speak(piper, "Take number a a a a a a a a a a a a a a.")[0].samples)
    bracketed = len(speak(piper, "Take number [[a a a a a a a a a a a a a a]].")[0].samples)
    assert bracketed == pytest.approx(plain, rel=0.25)


def test_other_languages_are_refused(piper: PiperSynthesizer) -> None:
    with pytest.raises(SynthesisError) as refused:
        speak(piper, "Guten Tag.", "de")
    assert refused.value.code == "language-not-spoken"


def test_no_word_reaches_the_log(piper: PiperSynthesizer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        speak(piper, "Sesquipedalian, 今日は.")
    assert not [r for r in caplog.records if r.name.startswith(("piper", "interpreter.tts"))]


def test_missing_and_damaged_voices(
    piper_settings: SynthesizerSettings, tmp_path: Path, run: Run
) -> None:
    def code() -> str:
        with pytest.raises(ModelError, match="interpreter models fetch") as failed:
            load(replace(piper_settings, path=tmp_path), run)
        return failed.value.code

    assert code() == "model-missing"
    (tmp_path / "voice.onnx").write_bytes(b"no model")
    assert code() == "model-missing"
    [description] = piper_settings.path.glob("*.onnx.json")
    shutil.copy(description, tmp_path / "voice.onnx.json")
    assert code() == "model-corrupt"
    (tmp_path / "voice.onnx.json").write_text("{}")
    assert code() == "model-corrupt"


def test_voices_that_need_more_programs_are_refused(
    piper_settings: SynthesizerSettings, tmp_path: Path, run: Run
) -> None:
    """Piper would fetch a tokenizer for pinyin from the internet at the first word."""
    [model] = piper_settings.path.glob("*.onnx")
    (tmp_path / "voice.onnx").symlink_to(model)
    described = model.with_suffix(".onnx.json").read_text(encoding="utf-8")
    assert '"phoneme_type": "espeak"' in described
    (tmp_path / "voice.onnx.json").write_text(
        described.replace('"phoneme_type": "espeak"', '"phoneme_type": "pinyin"'), encoding="utf-8"
    )
    settings = replace(piper_settings, path=tmp_path, languages={"zh": Quality.GOOD})
    with pytest.raises(ModelError) as refused:
        load(settings, run)
    assert refused.value.code == "model-unsupported"

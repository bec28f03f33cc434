"""Kokoro with its real model."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from read_back import word_errors

from interpreter.asr import RecognizerSettings
from interpreter.errors import ModelError, SynthesisError
from interpreter.tts import Sound, SynthesizerSettings, load
from interpreter.tts.kokoro import _ALPHABET, KokoroSynthesizer, _batches
from interpreter.work import Quality, Run

SENTENCES = {
    "en": [
        "Good morning, how can I help you today?",
        "Please bring your passport and proof of your new address.",
        "The office is open on Monday from eight in the morning until noon.",
    ],
    "pt": [
        "Bom dia, como posso ajudar o senhor?",
        "Por favor, traga o seu passaporte e um comprovante de residência.",
        "O escritório está aberto na segunda-feira das oito da manhã até o meio-dia.",
    ],
    "es": [
        "Buenos días, ¿en qué puedo ayudarle?",
        "Por favor, traiga su pasaporte y un comprobante de su nueva dirección.",
        "La oficina está abierta el lunes desde las ocho de la mañana hasta el mediodía.",
    ],
    "fr": [
        "Bonjour, comment puis-je vous aider ?",
        "Veuillez apporter votre passeport et un justificatif de domicile.",
        "Le bureau est ouvert le lundi de huit heures du matin à midi.",
    ],
    "it": [
        "Buongiorno, come posso aiutarla?",
        "Per favore, porti il passaporto e una prova del nuovo indirizzo.",
        "L'ufficio è aperto il lunedì dalle otto di mattina fino a mezzogiorno.",
    ],
}


@pytest.fixture(scope="module")
def kokoro(kokoro_settings: SynthesizerSettings, run: Run) -> KokoroSynthesizer:
    loaded = load(kokoro_settings, run)
    assert isinstance(loaded, KokoroSynthesizer)
    return loaded


def speak(
    kokoro: KokoroSynthesizer, text: str, language: str = "pt", speed: float = 1.0
) -> list[Sound]:
    async def collect() -> list[Sound]:
        return [sound async for sound in kokoro.synthesize(text, language, speed=speed)]

    return asyncio.run(collect())


@pytest.mark.parametrize("language", SENTENCES)
def test_whisper_understands_it(
    kokoro: KokoroSynthesizer, whisper_settings: RecognizerSettings, language: str
) -> None:
    """Measured: en 0.02, pt 0.00, es 0.07, fr 0.05, it 0.11."""
    spoken = [speak(kokoro, sentence, language) for sentence in SENTENCES[language]]
    assert word_errors(whisper_settings, language, SENTENCES[language], spoken) <= 0.2


def test_the_first_sound_comes_early_and_the_rest_in_order(kokoro: KokoroSynthesizer) -> None:
    sounds = speak(
        kokoro,
        "Traga o seu passaporte e uma fotografia, um comprovante de residência, o formulário "
        "assinado e a certidão de nascimento. Obrigado.",
    )
    assert [(sound.rate, sound.voice) for sound in sounds] == [(24_000, "kokoro/pf_dora")] * 3
    lengths = [len(sound.samples) / sound.rate for sound in sounds]
    assert lengths[2] < lengths[0] < lengths[1]
    for sound in sounds:
        audible = np.flatnonzero(np.abs(sound.samples.astype(int)) > 300)
        assert audible[0] / sound.rate < 0.06


def test_speed(kokoro: KokoroSynthesizer) -> None:
    text = "O escritório está aberto na segunda-feira."
    slow, normal = (len(speak(kokoro, text, speed=speed)[0].samples) for speed in (0.7, 1.0))
    assert 1.2 < slow / normal < 1.7


def test_long_numbers_hold_no_worker_for_long(kokoro: KokoroSynthesizer) -> None:
    sounds = speak(kokoro, "987.654.321 " * 3)
    assert len(sounds) == 2
    assert all(len(sound.samples) / sound.rate < 20 for sound in sounds)


def test_batches_are_cut_at_spaces_and_lose_nothing() -> None:
    phonemes = "abc de " * 300
    batches = _batches(phonemes)
    assert sum(batches, []) == [_ALPHABET[symbol] for symbol in phonemes]
    assert all(0 < len(batch) <= 509 for batch in batches)
    assert all(batch[0] == _ALPHABET[" "] for batch in batches[1:])
    assert [len(batch) for batch in _batches("a" * 1018)] == [509, 509]
    assert _batches("") == []


@pytest.mark.parametrize("text", ["", " \n", "...", "😀"])
def test_nothing_to_say(kokoro: KokoroSynthesizer, text: str) -> None:
    assert speak(kokoro, text) == []


def test_many_at_once_do_not_mix(kokoro: KokoroSynthesizer) -> None:
    """They share the phonemizer, which has one state for the whole process."""
    texts = {tag: sentences[0] for tag, sentences in SENTENCES.items()}
    alone = {tag: len(speak(kokoro, text, tag)[0].samples) for tag, text in texts.items()}

    async def one(language: str) -> int:
        sounds = [sound async for sound in kokoro.synthesize(texts[language], language)]
        return len(sounds[0].samples)

    async def together() -> list[int]:
        return await asyncio.gather(*map(one, texts))

    assert dict(zip(texts, asyncio.run(together()), strict=True)) == alone


def test_other_languages_are_refused(kokoro: KokoroSynthesizer) -> None:
    with pytest.raises(SynthesisError) as refused:
        speak(kokoro, "Guten Tag.", "de")
    assert refused.value.code == "language-not-spoken"


def test_another_voice(kokoro_settings: SynthesizerSettings, run: Run) -> None:
    man = replace(kokoro_settings, languages={"pt": Quality.GOOD}, voices={"pt": "pm_alex"})
    loaded = load(man, run)
    assert loaded.voices["pt"].name == "kokoro/pm_alex"
    default = load(replace(man, voices={}), run)
    assert default.voices["pt"].name == "kokoro/pf_dora"


def test_missing_and_damaged_models(
    kokoro_settings: SynthesizerSettings, tmp_path: Path, run: Run
) -> None:
    settings = replace(
        kokoro_settings,
        path=tmp_path,
        languages={"pt": Quality.GOOD},
        voices={"pt": "pf_dora"},
    )

    def code() -> str:
        with pytest.raises(ModelError, match="interpreter models fetch") as failed:
            load(settings, run)
        return failed.value.code

    assert code() == "model-missing"
    (tmp_path / "kokoro.onnx").write_bytes(b"no model")
    assert code() == "model-corrupt"
    (tmp_path / "kokoro.onnx").unlink()
    (tmp_path / "kokoro.onnx").symlink_to(kokoro_settings.path / "kokoro.onnx")
    assert code() == "model-missing"
    (tmp_path / "voices").mkdir()
    voice = tmp_path / "voices" / "pf_dora.bin"
    shutil.copy(kokoro_settings.path / "voices" / "pf_dora.bin", voice)
    voice.write_bytes(voice.read_bytes()[:-4])
    assert code() == "model-corrupt"


@pytest.mark.parametrize(("language", "voice"), [("ja", "jf_alpha"), ("de", "")])
def test_voices_that_cannot_work_are_refused(
    kokoro_settings: SynthesizerSettings, run: Run, language: str, voice: str
) -> None:
    settings = replace(kokoro_settings, languages={language: Quality.GOOD}, voices={})
    with pytest.raises(ModelError):
        load(replace(settings, voices={language: voice}), run)

"""Folders of language models in this process: what is wrong with them, and one in a profile.

`INTERPRETER_GENERATOR` names the folder of a converted Gemma 3 270M for the test with a large one.
"""

import asyncio
import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import ctranslate2
import pytest
from small_decoder import CHATML, byte_pairs, saying

from interpreter.engines import load_rephraser, load_translators
from interpreter.errors import ModelError, SettingsError
from interpreter.models import Silence, fetch, load_profile
from interpreter.mt import Draft, TranslatorSettings
from interpreter.mt.generator import GeneratorTranslator
from interpreter.mt.router import Router
from interpreter.scheduler import Scheduler
from interpreter.settings import Settings
from interpreter.work import Quality

PAIRS = {("en", "de"): Quality.GOOD}
SAID = "Please ask Leopold for the form."
ANSWER = "Fragen Sie bitte Leopold."


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> TranslatorSettings:
    tokenizer = byte_pairs([f"{SAID} {ANSWER} assistant system user\n"], CHATML)
    folder = tmp_path_factory.mktemp("speaking")
    saying(folder, tokenizer, "<|im_start|>assistant\n", f"{ANSWER}<|im_end|>")
    return TranslatorSettings("generator", "small", folder, PAIRS, device="cpu", prompt="chat")


async def ask(model: GeneratorTranslator, said: str = SAID) -> list[Draft]:
    return [draft async for draft in model.translate(said, "en", "de")]


FILES = ("tokenizer.json", "config.json", "vocabulary.json", "model.bin")


@pytest.mark.parametrize("lost", FILES)
def test_what_is_missing(
    speaking: TranslatorSettings, tmp_path: Path, run: Scheduler, lost: str
) -> None:
    for name in FILES:
        if name != lost:
            (tmp_path / name).write_bytes((speaking.path / name).read_bytes())
    with pytest.raises(ModelError, match="interpreter models fetch") as failed:
        GeneratorTranslator(replace(speaking, path=tmp_path), run)
    assert failed.value.code == "model-missing"


@pytest.mark.parametrize("damaged", FILES)
def test_what_is_damaged(
    speaking: TranslatorSettings, tmp_path: Path, run: Scheduler, damaged: str
) -> None:
    for name in FILES:
        content = (speaking.path / name).read_bytes() if name != damaged else b"{rubbish"
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match="interpreter models fetch") as failed:
        GeneratorTranslator(replace(speaking, path=tmp_path), run)
    assert failed.value.code == "model-corrupt"


def test_the_tokenizer_of_another_model(
    speaking: TranslatorSettings, tmp_path: Path, run: Scheduler
) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes((speaking.path / name).read_bytes())
    byte_pairs(["something else"], CHATML).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match=r"tokenizer\.json") as failed:
        GeneratorTranslator(replace(speaking, path=tmp_path), run)
    assert failed.value.code == "model-corrupt"


def test_a_prompt_that_is_not_there(speaking: TranslatorSettings, run: Scheduler) -> None:
    with pytest.raises(SettingsError) as failed:
        GeneratorTranslator(replace(speaking, prompt=""), run)
    assert failed.value.code == "unknown-prompt"


def test_a_device_is_found(speaking: TranslatorSettings, run: Scheduler) -> None:
    """With a GPU or without: `auto` always ends on something that works."""
    model = GeneratorTranslator(replace(speaking, device="auto"), run)
    assert asyncio.run(ask(model))[-1].text == ANSWER
    if ctranslate2.get_cuda_device_count() == 0:
        with pytest.raises(ModelError, match="cannot be loaded on cuda"):
            GeneratorTranslator(replace(speaking, device="cuda"), run)


PROFILE = """
description = "A model of our own."
models = ["eurollm"]
manifests = "models"
"""

MANIFEST = """
id = "eurollm"
role = "mt"
backend = "generator"
prompt = "chat"
plain = ["de"]
licence = "Apache-2.0"
files = [
    { path = "model.bin" },
    { path = "config.json" },
    { path = "vocabulary.json" },
    { path = "tokenizer.json" },
]
sources = [{ kind = "local", folder = "FOLDER" }]

[languages]
en = "good"
de = "good"
"""


def test_a_converted_model_in_a_profile_of_ones_own(
    speaking: TranslatorSettings,
    tmp_path: Path,
    run: Scheduler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the README says it."""
    monkeypatch.setenv("INTERPRETER_MODELS", str(tmp_path / "home"))
    (tmp_path / "models").mkdir()
    (tmp_path / "office.toml").write_text(PROFILE)
    manifest = MANIFEST.replace("FOLDER", str(speaking.path))
    (tmp_path / "models" / "eurollm.toml").write_text(manifest)
    profile = load_profile(str(tmp_path / "office.toml"))
    fetch(profile, Silence())
    with ExitStack() as resources:
        translators = load_translators(Settings(), profile, run, print, resources)
        plain = load_rephraser(Settings(), profile, translators)
        checked = asyncio.run(Router(translators).translate(SAID, "en", "de"))
    assert (checked.text, checked.engine, checked.flags) == (ANSWER, "eurollm", ())
    assert plain is not None and set(plain.pairs) == {("de", "de")}


def test_a_large_model(run: Scheduler) -> None:
    if not (folder := os.environ.get("INTERPRETER_GENERATOR")):
        pytest.skip("INTERPRETER_GENERATOR names no converted Gemma 3 270M")
    gemma = TranslatorSettings("generator", "gemma", Path(folder), PAIRS, prompt="few-shot")
    model = GeneratorTranslator(gemma, run, first_token_seconds=30.0, total_seconds=60.0)
    *grown, final = asyncio.run(ask(model, "You must reply within 14 days."))
    assert "14 Tage" in final.text and len(grown) > 3
    assert asyncio.run(ask(model, "You must reply within 14 days."))[-1] == final

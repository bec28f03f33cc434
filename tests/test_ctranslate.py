"""CTranslate2 models: the machinery with small real models, whose random weights say nothing of
how well MADLAD-400, M2M-100 or OPUS-MT translate."""

import asyncio
import json
import warnings
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from ctranslate2.specs import TransformerSpec, common_spec

from interpreter.errors import ModelError, TranslationError
from interpreter.mt import Draft, TranslatorSettings, load
from interpreter.mt.ctranslate import CTranslateTranslator
from interpreter.work import Quality, Run

with warnings.catch_warnings():
    # At import SWIG warns of its own types; as an error that leaves them broken: it crashes later.
    warnings.simplefilter("ignore", DeprecationWarning)
    import sentencepiece

TEXT = "Guten Tag, wie kann ich Ihnen helfen? Good morning, please bring your passport."
MADLAD = [f"<2{tag}>" for tag in ("de", "en", "uk")]
M2M100 = [f"__{tag}__" for tag in ("de", "en", "uk")]
WIDTH, HEADS, INNER = 32, 4, 64
SENTENCE = "Guten Tag, wie kann ich Ihnen helfen?"
THREE = "Guten Tag. Wie kann ich helfen? Good morning."
SEEDS = range(30, 200)
"""Of random weights; with which of them texts come to an end hangs on the processor, too."""
PAIRS = {("de", "en"): Quality.GOOD, ("de", "uk"): Quality.GOOD, ("en", "de"): Quality.BASIC}


def tokenizer(path: Path, symbols: list[str]) -> list[str]:
    """Train a SentencePiece model; gives its pieces."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([TEXT] * 20),
        model_prefix=str(path.with_suffix("")),
        vocab_size=90 + len(symbols),
        hard_vocab_limit=False,
        user_defined_symbols=symbols,
        minloglevel=2,
    )
    path.with_suffix(".vocab").unlink()
    path.with_suffix(".model").rename(path)
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [model.id_to_piece(i) for i in range(model.get_piece_size())]


def weights(
    folder: Path,
    vocabulary: list[str],
    *,
    ends_source: bool,
    end_bias: float = 3.0,
    seed: int = SEEDS[0],
) -> None:
    """Save a transformer of one layer; `end_bias` is how much it longs for the end."""
    random = np.random.default_rng(seed)

    def matrix(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return random.normal(0, 0.4, shape).astype(np.float32)

    def linear(spec: common_spec.LinearSpec, rows: int, columns: int) -> None:
        spec.weight = matrix(rows, columns)
        spec.bias = np.zeros(rows, dtype=np.float32)

    def norm(spec: common_spec.LayerNormSpec) -> None:
        spec.gamma = np.ones(WIDTH, dtype=np.float32)
        spec.beta = np.zeros(WIDTH, dtype=np.float32)

    spec = TransformerSpec.from_config(1, HEADS)
    for side in (spec.encoder, spec.decoder):
        embeddings = side.embeddings[0] if side is spec.encoder else side.embeddings
        embeddings.weight = matrix(len(vocabulary), WIDTH)
        norm(side.layer_norm)
        for layer in side.layer:
            norm(layer.self_attention.layer_norm)
            linear(layer.self_attention.linear[0], 3 * WIDTH, WIDTH)
            linear(layer.self_attention.linear[1], WIDTH, WIDTH)
            norm(layer.ffn.layer_norm)
            linear(layer.ffn.linear_0, INNER, WIDTH)
            linear(layer.ffn.linear_1, WIDTH, INNER)
            if side is spec.decoder:
                norm(layer.attention.layer_norm)
                linear(layer.attention.linear[0], WIDTH, WIDTH)
                linear(layer.attention.linear[1], 2 * WIDTH, WIDTH)
                linear(layer.attention.linear[2], WIDTH, WIDTH)
    linear(spec.decoder.projection, len(vocabulary), WIDTH)
    spec.decoder.projection.bias[vocabulary.index("</s>")] = end_bias
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.config.add_source_eos = ends_source
    spec.validate()
    spec.save(str(folder))


def random_model(
    settings: TranslatorSettings, vocabulary: list[str], says: Callable[[], list[str]]
) -> TranslatorSettings:
    """With the first weights that say something, and each time something else."""
    for seed in SEEDS:
        weights(settings.path, vocabulary, ends_source=settings.model == "small-opus", seed=seed)
        with suppress(TranslationError):
            said = says()
            if all(said) and len(set(said)) == len(said):
                return settings
    pytest.fail("no weights of these end")


@pytest.fixture(scope="module")
def madlad(tmp_path_factory: pytest.TempPathFactory, run: Run) -> TranslatorSettings:
    folder = tmp_path_factory.mktemp("madlad")
    vocabulary = tokenizer(folder / "sentencepiece.model", MADLAD)
    settings = TranslatorSettings("ctranslate", "small-madlad", folder, PAIRS, device="cpu")

    def says() -> list[str]:
        asked = [(SENTENCE, "en"), (SENTENCE, "uk"), ("<2uk> Guten Tag", "en"), (THREE, "en")]
        told = [drafts(settings, run, text, "de", target)[-1].text for text, target in asked]
        return [*told, directly(settings, [], "<2en> <2uk> Guten Tag", ["</s>"], [])]

    return random_model(settings, vocabulary, says)


@pytest.fixture(scope="module")
def m2m100(tmp_path_factory: pytest.TempPathFactory, run: Run) -> TranslatorSettings:
    folder = tmp_path_factory.mktemp("m2m100")
    vocabulary = [*tokenizer(folder / "sentencepiece.bpe.model", []), *M2M100]
    settings = TranslatorSettings("ctranslate", "small-m2m100", folder, PAIRS, device="cpu")

    def says() -> list[str]:
        ways = [("de", "en"), ("en", "de")]
        return [drafts(settings, run, SENTENCE, *way)[-1].text for way in ways]

    return random_model(settings, vocabulary, says)


@pytest.fixture(scope="module")
def opus(tmp_path_factory: pytest.TempPathFactory, run: Run) -> TranslatorSettings:
    folder = tmp_path_factory.mktemp("opus")
    vocabulary = tokenizer(folder / "source.spm", [])
    (folder / "target.spm").write_bytes((folder / "source.spm").read_bytes())
    pairs = {("de", "en"): Quality.NATIVE}
    settings = TranslatorSettings("ctranslate", "small-opus", folder, pairs, device="cpu")
    return random_model(
        settings, vocabulary, lambda: [drafts(settings, run, SENTENCE, "de", "en")[-1].text]
    )


def drafts(
    settings: TranslatorSettings, run: Run, text: str, source: str, target: str
) -> list[Draft]:
    translator = load(settings, run, ExitStack())
    assert isinstance(translator, CTranslateTranslator)

    async def collect() -> list[Draft]:
        return [draft async for draft in translator.translate(text, source, target)]

    return asyncio.run(collect())


def directly(
    settings: TranslatorSettings, before: list[str], text: str, after: list[str], prefix: list[str]
) -> str:
    """The same by hand, as the documentation of CTranslate2 does it."""
    [file, *_] = [*settings.path.glob("*.spm"), *settings.path.glob("*.model")]
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(file))
    tokens = [*before, *pieces.encode(text, out_type=str), *after]
    [result] = ctranslate2.Translator(str(settings.path), compute_type="auto").translate_batch(
        [tokens],
        target_prefix=[prefix] if prefix else None,
        beam_size=2,
        max_decoding_length=2 * len(tokens) + 20,
    )
    return str(pieces.decode(result.hypotheses[0][len(prefix) :])).strip()


def test_madlad_is_told_the_target_before_the_source(madlad: TranslatorSettings, run: Run) -> None:
    english = drafts(madlad, run, SENTENCE, "de", "en")
    assert english == [
        Draft(directly(madlad, [], f"<2en> {SENTENCE}", ["</s>"], []), True, "small-madlad")
    ]
    assert english[0].text
    assert drafts(madlad, run, SENTENCE, "de", "uk")[0].text != english[0].text


def test_a_text_cannot_choose_the_language_of_madlad(madlad: TranslatorSettings, run: Run) -> None:
    [draft] = drafts(madlad, run, "<2uk> Guten Tag", "de", "en")
    assert draft.text == directly(madlad, [], "<2en> < 2uk> Guten Tag", ["</s>"], [])
    assert draft.text != directly(madlad, [], "<2en> <2uk> Guten Tag", ["</s>"], [])


def test_m2m100_is_told_both_languages(m2m100: TranslatorSettings, run: Run) -> None:
    [english] = drafts(m2m100, run, SENTENCE, "de", "en")
    assert english.text == directly(m2m100, ["__de__"], SENTENCE, ["</s>"], ["__en__"])
    assert english.text and "__" not in english.text
    [german] = drafts(m2m100, run, SENTENCE, "en", "de")
    assert german.text == directly(m2m100, ["__en__"], SENTENCE, ["</s>"], ["__de__"])
    assert german.text != english.text


def test_opus_is_told_nothing(opus: TranslatorSettings, run: Run) -> None:
    [draft] = drafts(opus, run, SENTENCE, "de", "en")
    assert draft.text == directly(opus, [], SENTENCE, [], [])
    assert draft.text


def test_drafts_grow_by_sentences(madlad: TranslatorSettings, run: Run) -> None:
    grown = drafts(madlad, run, THREE, "de", "en")
    assert [draft.final for draft in grown] == [False, False, True]
    one, two, three = (draft.text for draft in grown)
    assert two.startswith(f"{one} ") and three.startswith(f"{two} ")
    assert drafts(madlad, run, " \n", "de", "en") == [Draft("", True, "small-madlad")]


def test_a_model_that_finds_no_end(madlad: TranslatorSettings, tmp_path: Path, run: Run) -> None:
    vocabulary = tokenizer(tmp_path / "sentencepiece.model", MADLAD)
    weights(tmp_path, vocabulary, ends_source=False, end_bias=-1e4)
    with pytest.raises(TranslationError, match="no end after") as failed:
        drafts(replace(madlad, path=tmp_path), run, SENTENCE, "de", "en")
    assert failed.value.code == "translation-failed"


def test_a_sentence_without_end(madlad: TranslatorSettings, run: Run) -> None:
    with pytest.raises(TranslationError) as failed:
        drafts(madlad, run, "guten tag " * 300, "de", "en")
    assert failed.value.code == "text-too-long"
    assert "guten" not in str(failed.value)


def test_a_pair_that_is_not_served(madlad: TranslatorSettings, run: Run) -> None:
    with pytest.raises(TranslationError) as failed:
        drafts(madlad, run, SENTENCE, "uk", "en")
    assert failed.value.code == "pair-not-available"


def test_a_device_is_found(madlad: TranslatorSettings, run: Run) -> None:
    """With a GPU or without: `auto` always ends on something that works."""
    expected = drafts(madlad, run, SENTENCE, "de", "en")
    if ctranslate2.get_cuda_device_count() == 0:
        assert drafts(replace(madlad, device="auto"), run, SENTENCE, "de", "en") == expected
        with pytest.raises(ModelError, match="cannot be loaded on cuda"):
            load(replace(madlad, device="cuda"), run, ExitStack())
    else:
        [draft] = drafts(replace(madlad, device="auto"), run, SENTENCE, "de", "en")
        assert draft.final


def test_a_cuda_that_does_not_work_is_passed_by(
    madlad: TranslatorSettings, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that counts a GPU which then fails; cannot be had without such a machine."""
    if ctranslate2.get_cuda_device_count():
        pytest.skip("this machine has a working GPU")
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    [draft] = drafts(replace(madlad, device="auto"), run, SENTENCE, "de", "en")
    assert draft.final


@pytest.mark.parametrize(
    ("lost", "code"),
    [
        ("sentencepiece.model", "model-missing"),
        ("config.json", "model-missing"),
        ("shared_vocabulary.json", "model-missing"),
        ("model.bin", "model-missing"),
    ],
)
def test_what_is_missing(
    madlad: TranslatorSettings, tmp_path: Path, run: Run, lost: str, code: str
) -> None:
    for file in madlad.path.iterdir():
        if file.name != lost:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="interpreter models fetch") as failed:
        load(replace(madlad, path=tmp_path), run, ExitStack())
    assert failed.value.code == code


@pytest.mark.parametrize("damaged", ["sentencepiece.model", "config.json", "model.bin"])
def test_what_is_damaged(
    madlad: TranslatorSettings, tmp_path: Path, run: Run, damaged: str
) -> None:
    for file in madlad.path.iterdir():
        content = file.read_bytes() if file.name != damaged else b"rubbish"
        (tmp_path / file.name).write_bytes(content)
    with pytest.raises(ModelError, match="interpreter models fetch") as failed:
        load(replace(madlad, path=tmp_path), run, ExitStack())
    assert failed.value.code == "model-corrupt"


def test_models_that_do_not_fit_their_settings(
    madlad: TranslatorSettings, opus: TranslatorSettings, tmp_path: Path, run: Run
) -> None:
    def code(settings: TranslatorSettings) -> str:
        with pytest.raises(ModelError) as failed:
            load(settings, run, ExitStack())
        return failed.value.code

    assert code(replace(opus, pairs=PAIRS)) == "wrong-pair"
    assert code(replace(madlad, pairs=PAIRS | {("de", "tr"): Quality.GOOD})) == "wrong-pair"
    vocabulary = tokenizer(tmp_path / "sentencepiece.bpe.model", [])
    weights(tmp_path, vocabulary, ends_source=False, end_bias=3.0)
    assert code(replace(madlad, path=tmp_path)) == "model-unsupported"
    assert json.loads((tmp_path / "shared_vocabulary.json").read_text(encoding="utf-8"))

"""Sequence-to-sequence translation models in CTranslate2's format: MADLAD-400, M2M-100, OPUS-MT."""

import json
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ModelError, TranslationError
from ..sentences import split
from ..work import Priority, Quality, Run
from . import NO_BRIEFING, Briefing, Draft, Pair, TranslatorSettings

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

log = logging.getLogger(__name__)
Model = TypeVar("Model")

_CALL_SECONDS = 10.0
"""For one sentence."""

_MOST_SOURCE_TOKENS = 400
"""OPUS-MT knows 512 positions; a spoken sentence has seldom more than 60 tokens."""

_BEAM = 2
"""Not tuned: no weights of these families could be had where this was written."""

_END = "</s>"
_FETCH = "run: interpreter models fetch"
_MADLAD_TOKEN = re.compile(r"<(?=2\w+>)")


class Family(StrEnum):
    """What the languages are told by, as CTranslate2's documentation drives each family."""

    MADLAD = "madlad"
    """`<2de>` before the source; the target starts by itself."""

    M2M100 = "m2m100"
    """`__en__` before the source and `__de__` before the target."""

    OPUS = "opus"
    """Nothing: a model of one pair, with a tokenizer for each side."""


class CTranslateTranslator:
    """One such model with its SentencePiece tokenizer, the family told by what is in the folder.

    A folder holds CTranslate2's own files and `source.spm` with `target.spm` (OPUS-MT), or one
    file named `*.model` or `*.spm` (the others). The machinery is tested with small models of
    random weights; how well the real ones translate is not tested here.
    """

    def __init__(self, settings: TranslatorSettings, run: Run) -> None:
        self.name = settings.model
        self._pairs = dict(settings.pairs)
        self._run = run
        self._speech = _tokenizer(settings.path, self._pairs)
        self._model = _model(settings, self._speech)

    @property
    def pairs(self) -> Mapping[Pair, Quality]:
        return self._pairs

    async def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncIterator[Draft]:
        """A draft that grows by sentences, then the final one. Raises `TranslationError`.

        Codes: "pair-not-available"; "text-too-long", a sentence beyond what the model reads;
        "translation-failed", also when it found no end, as models caught in a loop do.
        """
        if (source, target) not in self._pairs:
            raise TranslationError(
                "pair-not-available", f"{self.name} does not translate {source} to {target}"
            )
        done: list[str] = []
        for sentence in split(text, source):

            def call(sentence: str = sentence) -> str:
                return self._sentence(sentence, source, target)

            if done:
                yield Draft(" ".join(done), final=False, engine=self.name)
            began = time.monotonic()
            done.append(await self._run(Priority.FINAL, call, seconds=_CALL_SECONDS))
            log.debug("%d characters in %.3f s", len(sentence), time.monotonic() - began)
        yield Draft(" ".join(done), final=True, engine=self.name)

    def _sentence(self, sentence: str, source: str, target: str) -> str:
        tokens = self._speech.encode(sentence, source, target)
        if len(tokens) > _MOST_SOURCE_TOKENS:
            raise TranslationError("text-too-long", f"a sentence has {len(tokens)} tokens")
        prefix = self._speech.prefix(target)
        most = 2 * len(tokens) + 20
        try:
            result = self._model.translate_batch(
                [tokens],
                target_prefix=[prefix] if prefix else None,
                beam_size=_BEAM,
                max_decoding_length=most,
                return_end_token=True,
            )
        except (RuntimeError, ValueError) as error:
            raise TranslationError(
                "translation-failed", f"{self.name} failed: {type(error).__name__}"
            ) from None  # what the engine says may quote the text
        translated: list[str] = result[0].hypotheses[0]
        if not translated or translated[-1] != _END:
            raise TranslationError("translation-failed", f"no end after {most} tokens")
        return self._speech.decode(translated[len(prefix) : -1])


@dataclass(frozen=True)
class _Tokenizer:
    family: Family
    source: "SentencePieceProcessor"
    target: "SentencePieceProcessor"
    ends_source: bool
    """Whether the end token must be put after the source here, since CTranslate2 will not."""

    def encode(self, text: str, source: str, target: str) -> list[str]:
        end = [_END] if self.ends_source else []
        match self.family:
            case Family.MADLAD:
                # A token in the text itself would choose another language.
                harmless = _MADLAD_TOKEN.sub("< ", text)
                return [*self.source.encode(f"<2{target}> {harmless}", out_type=str), *end]
            case Family.M2M100:
                return [f"__{source}__", *self.source.encode(text, out_type=str), *end]
            case Family.OPUS:
                return [*self.source.encode(text, out_type=str), *end]

    def prefix(self, target: str) -> list[str]:
        return [f"__{target}__"] if self.family is Family.M2M100 else []

    def decode(self, tokens: list[str]) -> str:
        return str(self.target.decode(tokens)).strip()


def _tokenizer(folder: Path, pairs: Iterable[Pair]) -> _Tokenizer:
    """Raises `ModelError`."""
    from sentencepiece import SentencePieceProcessor

    files = sorted([*folder.glob("*.spm"), *folder.glob("*.model")])
    names = [file.name for file in files]
    if len(files) != 1 and names != ["source.spm", "target.spm"]:
        raise ModelError("model-missing", f"{folder} lacks a SentencePiece model; {_FETCH}")
    try:
        source, target = (
            SentencePieceProcessor(model_file=str(file)) for file in (files[0], files[-1])
        )
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        ends_source = not config.get("add_source_eos", False)
        vocabulary = _vocabulary(folder)
    except FileNotFoundError as error:
        raise ModelError("model-missing", f"{error.filename} is missing; {_FETCH}") from error
    except (OSError, ValueError, RuntimeError, AttributeError) as error:
        raise ModelError("model-corrupt", f"{folder} cannot be read; {_FETCH}") from error
    family = _family(folder, pairs, vocabulary, opus=len(files) == 2)
    return _Tokenizer(family, source, target, ends_source)


def _vocabulary(folder: Path) -> set[str]:
    for name in ("shared_vocabulary", "source_vocabulary"):
        if (file := folder / f"{name}.json").is_file():
            return set(json.loads(file.read_text(encoding="utf-8")))
        if (file := folder / f"{name}.txt").is_file():
            return set(file.read_text(encoding="utf-8").split("\n"))
    raise FileNotFoundError(2, "no such file", str(folder / "shared_vocabulary.json"))


def _family(folder: Path, pairs: Iterable[Pair], vocabulary: set[str], *, opus: bool) -> Family:
    if opus:
        if len(set(pairs)) != 1:
            raise ModelError("wrong-pair", f"{folder} is a model of one pair, not of several")
        return Family.OPUS
    languages = {language for pair in pairs for language in pair}
    for family, form in ((Family.MADLAD, "<2{}>"), (Family.M2M100, "__{}__")):
        unknown = {tag for tag in languages if form.format(tag) not in vocabulary}
        if unknown != languages:
            if unknown:
                raise ModelError(
                    "wrong-pair", f"{folder} does not know {', '.join(sorted(unknown))}"
                )
            return family
    raise ModelError("model-unsupported", f"{folder} is of no family known here")


def _model(settings: TranslatorSettings, tokenizer: _Tokenizer) -> Any:
    import ctranslate2

    def open_on(device: str) -> Any:
        model = ctranslate2.Translator(
            str(settings.path),
            device=device,
            compute_type="auto",
            intra_threads=settings.threads,
        )
        prefix = tokenizer.prefix(next(iter(settings.pairs))[1])
        model.translate_batch(
            [[_END]], target_prefix=[prefix] if prefix else None, max_decoding_length=2
        )
        return model

    return on_device(settings, open_on)


def on_device(settings: TranslatorSettings, open_on: Callable[[str], Model]) -> Model:
    """What `open_on` makes of the first device where it succeeds. Raises `ModelError`.

    It should prove the model by a token, since CUDA's libraries are loaded at first use only.
    """
    import ctranslate2

    devices = [settings.device]
    if settings.device == "auto":
        devices = ["cuda", "cpu"] if ctranslate2.get_cuda_device_count() else ["cpu"]
    failure: Exception | None = None
    for device in devices:
        try:
            return open_on(device)
        except (RuntimeError, ValueError) as error:
            failure = error
            log.warning("%s cannot run on %s", settings.model, device)
    missing = not (settings.path / "model.bin").is_file()
    raise ModelError(
        "model-missing" if missing else "model-corrupt",
        f"{settings.path} cannot be loaded on {' or '.join(devices)}; {_FETCH}",
    ) from failure

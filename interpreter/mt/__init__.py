"""Text to text in another language: what a translator is, and the one place that chooses one."""

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ..errors import ModelError
from ..work import Quality, Run

Pair = tuple[str, str]
"""Source and target language."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A translation, as far as it has come."""

    text: str
    final: bool
    engine: str
    """Name of the translator that made it."""


Formality = Literal["formal", "informal"]
"""Sie or du, vous or tu; where a language has only one form, it means nothing."""


@dataclass(frozen=True, slots=True)
class Term:
    """An entry of the office's glossary that occurs in a sentence."""

    source: str
    target: str
    forbidden: tuple[str, ...] = ()
    """Words that must not be used for it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said before, and how it was translated."""

    source: str
    target: str
    text: str
    translation: str


@dataclass(frozen=True, slots=True)
class Briefing:
    """What a translator that can be told things should know besides the sentence."""

    domain: str = ""
    """What the office does, in a few English words."""

    formality: Formality = "formal"
    terms: tuple[Term, ...] = ()
    turns: tuple[Turn, ...] = ()
    """The last ones, oldest first, in both directions."""

    speaker_gender: Literal["", "female", "male"] = ""
    addressee_gender: Literal["", "female", "male"] = ""


NO_BRIEFING = Briefing()


class Translator(Protocol):
    """Turns text into another language. One instance serves every conversation."""

    name: str

    @property
    def pairs(self) -> Mapping[Pair, Quality]:
        """What it translates, and how well."""
        ...

    def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncIterator[Draft]:
        """Any number of growing drafts, then exactly one final. Raises `TranslationError`."""
        ...


@dataclass(frozen=True, slots=True)
class TranslatorSettings:
    """Which model to load, and where it runs."""

    backend: str
    model: str
    path: Path
    pairs: Mapping[Pair, Quality]
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""

    threads: int = 2
    """Processor threads of one call."""

    prompt: str = ""
    """How a language model is asked: a file in `prompts/`."""


def load(settings: TranslatorSettings, run: Run, resources: ExitStack) -> Translator:
    """Load a translator; blocks for as long as the model takes. Raises `ModelError`.

    What it needs outside this process ends when the `resources` are closed.
    """
    match settings.backend:
        case "fasttranslate":
            from .fasttranslate import FastTranslator

            return FastTranslator(settings, run)
        case "ctranslate":
            from .ctranslate import CTranslateTranslator

            return CTranslateTranslator(settings, run)
        case "generator":
            from .generator import GeneratorTranslator

            return GeneratorTranslator(settings, run)
        case "llama":
            from .llama import LlamaServer
            from .llm import LlmSettings, LlmTranslator

            server = LlamaServer(next(settings.path.glob("*.gguf")), settings.threads)
            resources.callback(server.close)
            asked = LlmSettings(
                name=settings.model,
                model=settings.model,
                prompt=settings.prompt,
                pairs=settings.pairs,
                extra={"cache_prompt": True},
            )
            return LlmTranslator(asked, server.endpoint)
        case other:
            raise ModelError("unknown-backend", f"no translator is called {other!r}")

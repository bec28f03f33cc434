"""Text to speech: what a synthesizer is, and the one place that chooses one."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..audio import Samples
from ..errors import ModelError
from ..work import Priority, Quality, Run


@dataclass(frozen=True, slots=True)
class Sound:
    """A stretch of synthesised speech."""

    samples: Samples
    rate: int
    """Hertz; the same for every stretch of one voice."""

    voice: str
    """Name of the voice that spoke."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice a synthesizer can speak with."""

    name: str
    """As shown to people, such as `kokoro/pf_dora`."""

    quality: Quality


class Synthesizer(Protocol):
    """Speaks text. One instance serves every conversation."""

    name: str

    @property
    def voices(self) -> Mapping[str, Voice]:
        """The voice for each language it speaks."""
        ...

    def opening(self, text: str, language: str) -> str:
        """The first stretch of a text: what has to be made before anything can be heard."""
        ...

    def synthesize(
        self,
        text: str,
        language: str,
        *,
        speed: float = 1.0,
        opening: Sound | None = None,
        priority: Priority = Priority.SPEECH,
    ) -> AsyncIterator[Sound]:
        """The text spoken, first stretch as early as the model allows.

        `speed` is relative to the voice's own: 0.8 is slower. `opening` is the sound of the first
        stretch where that has been made ahead. Raises `SynthesisError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class SynthesizerSettings:
    """Which model to load, and where it runs."""

    backend: str
    model: str
    path: Path
    """Folder of the model's files; of no meaning to engines that carry their voices."""

    languages: Mapping[str, Quality]
    voices: Mapping[str, str] = field(default_factory=dict)
    """Voice per language, where a model has several."""

    threads: int = 2
    """Processor threads of one call."""


def load(settings: SynthesizerSettings, run: Run) -> Synthesizer:
    """Load a synthesizer; blocks for as long as the model takes. Raises `ModelError`."""
    match settings.backend:
        case "piper":
            from .piper import PiperSynthesizer

            return PiperSynthesizer(settings, run)
        case "kokoro":
            from .kokoro import KokoroSynthesizer

            return KokoroSynthesizer(settings, run)
        case "espeak":
            from .espeak import EspeakSynthesizer

            return EspeakSynthesizer(settings, run)
        case other:
            raise ModelError("unknown-backend", f"no synthesizer is called {other!r}")

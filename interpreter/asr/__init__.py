"""Speech to text: what a recognizer is, and the one place that chooses one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..audio import Samples
from ..errors import ModelError
from ..events import Word
from ..work import Priority, Quality, Run


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a recognizer made of a stretch of speech."""

    language: str
    language_probability: float
    """Among the languages that were allowed, 0..1."""

    text: str
    words: tuple[Word, ...]
    """With start and end in seconds from the first sample given."""

    log_probability: float
    """Mean over the tokens; real speech seldom lies below -1."""

    compression_ratio: float
    """Length of the text over its zlib-compressed length; loops lie above 2.4."""

    no_speech_probability: float
    pieces: tuple[int, ...] = ()
    """The text as the recognizer's own tokens, for itself to go on from."""

    @property
    def confidence(self) -> float:
        """Mean probability of the words, 0..1; 0 without any."""
        probabilities = [word.probability for word in self.words]
        return sum(probabilities) / len(probabilities) if probabilities else 0.0


class Recognizer(Protocol):
    """Turns speech into text. One instance serves every conversation; state is per call."""

    name: str
    """The model's id, as shown to people."""

    notice: str | None
    """What an administrator should know about how it runs, such as "no GPU found"."""

    languages: Mapping[str, Quality]

    async def recognize(
        self,
        samples: Samples,
        languages: Mapping[str, float],
        *,
        committed: str = "",
        before: Hypothesis | None = None,
        draft: bool = False,
        hotwords: Sequence[str] = (),
        priority: Priority = Priority.FINAL,
    ) -> Hypothesis:
        """The words in at most 30 s of speech at 16 kHz.

        `languages` are the only ones allowed, each with its prior weight (any positive scale).
        The text begins with what is `committed`, as the hypothesis `before` did. A `draft` may be
        worse if it is quicker: it will be heard again. Raises `RecognitionError`.
        """
        ...

    async def identify(self, samples: Samples, languages: Sequence[str]) -> dict[str, float]:
        """How probable each of these languages is, together 1, in speech at 16 kHz.

        Raises `RecognitionError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class RecognizerSettings:
    """Which model to load, and where it runs."""

    backend: str
    model: str
    path: Path
    languages: Mapping[str, Quality]
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""

    threads: int = 2
    """Processor threads of one call."""


def load(settings: RecognizerSettings, run: Run) -> Recognizer:
    """Load a recognizer; blocks for as long as the model takes. Raises `ModelError`."""
    match settings.backend:
        case "whisper":
            from .whisper import WhisperRecognizer

            return WhisperRecognizer(settings, run)
        case other:
            raise ModelError("unknown-backend", f"no recognizer is called {other!r}")

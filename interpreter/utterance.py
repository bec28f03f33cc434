"""What is recognised and interpreted as one piece."""

from dataclasses import dataclass

from .audio import RATE, Samples
from .events import Ending, Party


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing somebody said, complete."""

    number: int
    party: Party | None
    """None where the language is to decide (`shared_microphone`)."""

    samples: Samples
    """At 16 kHz, with a little of what came before and after the speech."""

    start: float
    """Seconds since its microphone stream began, counted in samples."""

    speech_end: float
    """Seconds since its microphone stream began, at the last sample of speech."""

    ending: Ending

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

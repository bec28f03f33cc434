"""What became of each utterance, put together from what both parties' connections received."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from interpreter.audio import Samples, silence
from interpreter.channels import protocol
from interpreter.events import Party

from .connection import Received, SpeechFrame

ENDING_NOTICES = frozenset({"nothing-heard", "please-repeat", "echo-suppressed", "no-voice"})
"""After these an utterance comes to nothing more."""


@dataclass(slots=True)
class Outcome:
    """One utterance on its way; times are of this machine's monotonic clock, in seconds."""

    utterance: int
    party: Party | None = None
    transcript: protocol.TranscriptMessage | None = None
    translation: protocol.TranslationMessage | None = None
    speech: protocol.SpeechMessage | None = None
    speech_end: protocol.SpeechEndMessage | None = None
    timing: protocol.TimingMessage | None = None
    error: str | None = None
    """Why it was not interpreted: a code of the protocol."""

    at: dict[str, float] = field(default_factory=dict)
    """When `transcript`, `translation` and `first_audio` came."""

    shown: list[tuple[float, str]] = field(default_factory=list)
    """What was said, as it was read while it grew, and when."""

    voice: list[Samples] = field(default_factory=list, repr=False)
    """What the listener heard."""

    @property
    def done(self) -> bool:
        """Nothing more is to come."""
        return self.error is not None or self.speech_end is not None

    @property
    def spoken(self) -> Samples:
        """The whole voice."""
        return np.concatenate(self.voice) if self.voice else silence(0)


class Dialogue:
    """Takes everything both connections receive; the same thing twice does no harm."""

    def __init__(self) -> None:
        self._outcomes: dict[int, Outcome] = {}
        self._taken: set[int] = set()

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self._outcomes.values())

    def take(self, received: Received, at: float) -> Outcome | None:
        """Note what came at that time; returns the utterance it belongs to."""
        match received:
            case SpeechFrame():
                return self._take_voice(received, at)
            case protocol.SpeechStartedMessage():
                outcome = self._of(received.utterance)
                outcome.party = outcome.party or received.party
            case protocol.TranscriptMessage():
                outcome = self._of(received.utterance)
                outcome.shown.append((at, received.text))
                if received.final:
                    outcome.party, outcome.transcript = received.party, received
                    outcome.at.setdefault("transcript", at)
            case protocol.TranslationMessage(final=True):
                outcome = self._of(received.utterance)
                outcome.translation = received
                outcome.at.setdefault("translation", at)
            case protocol.SpeechMessage():
                outcome = self._of(received.utterance)
                outcome.speech = received
            case protocol.SpeechEndMessage():
                outcome = self._of(received.utterance)
                # What was sent whole can still be stopped before it has been played.
                if received.stopped and outcome.speech_end is None:
                    outcome.error = outcome.error or "stopped"
                outcome.speech_end = received
            case protocol.TimingMessage():
                outcome = self._of(received.utterance)
                outcome.timing = received
            case protocol.NoticeMessage(utterance=int(number)) if received.code in ENDING_NOTICES:
                outcome = self._of(number)
                outcome.error = received.code
            case protocol.ErrorMessage(utterance=int(number)):
                outcome = self._of(number)
                outcome.error = received.code
            case _:
                return None
        return outcome

    def _take_voice(self, frame: SpeechFrame, at: float) -> Outcome:
        outcome = self._of(frame.utterance)
        if frame.event not in self._taken:
            self._taken.add(frame.event)
            outcome.voice.append(frame.samples)
            outcome.at.setdefault("first_audio", at)
        return outcome

    def _of(self, utterance: int) -> Outcome:
        return self._outcomes.setdefault(utterance, Outcome(utterance))

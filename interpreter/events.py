"""What happens in a conversation: immutable facts that the stages hand on.

`channels/wire.py` turns them into messages; nothing else does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from .audio import Samples
from .work import Quality


class Party(StrEnum):
    """The two sides of a conversation."""

    STAFF = "staff"
    VISITOR = "visitor"

    @property
    def other(self) -> "Party":
        return Party.VISITOR if self is Party.STAFF else Party.STAFF


class TurnTaking(StrEnum):
    """How a connection's microphone knows who speaks."""

    OWN_MICROPHONE = "own_microphone"
    """Whoever's connection it is, speaks."""

    SHARED_MICROPHONE = "shared_microphone"
    """The language decides, among the two declared ones."""

    PUSH_TO_TALK = "push_to_talk"
    """A button says who speaks, and when."""


class Ending(StrEnum):
    """Why an utterance ended."""

    SILENCE = "silence"
    BUTTON = "button"
    LENGTH = "length"
    """It reached the longest utterance and was split at its best pause; the rest follows."""

    HANG_UP = "hang_up"


DOUBTFUL = 0.6
"""Confidence (mean probability of the words) below which people are told that it is doubtful."""

EndReason = Literal["left", "idle", "expired", "shutdown", "closed", "failed"]
"""Why a conversation ended."""

PartyChange = Literal["joined", "left", "away", "consent", "record", "language"]
"""What became of a party; `away`: its last connection was cut and may come back."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word."""

    text: str
    start: float
    """Seconds from the utterance's first sample."""

    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak."""

    utterance: int
    party: Party | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said, so far or (`final`) for good."""

    utterance: int
    revision: int
    party: Party
    language: str
    language_probability: float
    text: str
    committed: int
    """Length of the part of the text that will not change any more."""

    words: tuple[Word, ...]
    confidence: float
    """Mean probability of the words, 0..1."""

    final: bool
    ending: Ending | None = None
    """None for what was typed."""


class FactKind(StrEnum):
    """What sort of thing in a sentence must come through unchanged."""

    NUMBER = "number"
    AMOUNT = "amount"
    DATE = "date"
    WEEKDAY = "weekday"
    TIME = "time"
    DURATION = "duration"
    PHONE = "phone"
    REFERENCE = "reference"
    """A file number, IBAN, postcode, address of a page: letters and digits to be copied."""

    NAME = "name"
    NEGATION = "negation"
    MODALITY = "modality"
    """Must, may, need not."""


class FactStatus(StrEnum):
    """What became of a fact in the translation."""

    KEPT = "kept"
    MISSING = "missing"
    CHANGED = "changed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something in a sentence that must come through unchanged, compared by value."""

    kind: FactKind
    status: FactStatus
    value: str
    """Normalised, whatever the language: `2026-08-18`, `09:30`, `thursday`, `EUR 12.50`, `14 days`,
    `not`, `must`; of what was said, or where it was added, of the translation."""

    source: str = ""
    """The words that were said; empty where it was added."""

    target: str = ""
    """The words of the translation; empty where it is missing."""

    found: str = ""
    """The value that the translation has instead, where it was changed."""


@dataclass(frozen=True, slots=True)
class Translation:
    """The same in the listener's language."""

    utterance: int
    revision: int
    party: Party
    """Who said it; the other party is the listener."""

    source: str
    target: str
    text: str
    committed: int
    engine: str
    quality: Quality
    """What the engine declares for this pair."""

    final: bool
    flags: tuple[str, ...] = ()
    """What makes this translation doubtful, such as `low_confidence`; empty when nothing does."""

    facts: tuple[Fact, ...] = ()
    """Numbers, dates and the like that were checked."""

    confirmed: bool = False
    """Staff have asked back: what the flags doubt is right."""


@dataclass(frozen=True, slots=True)
class BackTranslation:
    """A translation in the language it came from, to be compared with what was said."""

    utterance: int
    revision: int
    party: Party
    """Who said it."""

    text: str
    engine: str
    similarity: float
    """0..1, to what was said."""

    doubtful: bool
    """So different that the translation may be wrong."""


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """The voice of an utterance is about to follow in chunks."""

    utterance: int
    party: Party
    """Who is spoken to."""

    rate: int
    """Hertz."""

    voice: str
    language: str
    repeated: bool
    """True when somebody asked to hear it again."""


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of an utterance's voice."""

    utterance: int
    party: Party
    """Who is spoken to."""

    samples: Samples = field(repr=False)
    rate: int
    """Hertz."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The voice of an utterance is complete, or was stopped."""

    utterance: int
    party: Party
    text: str
    """What was spoken."""

    seconds: float
    """Length of what was sent."""

    stopped: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time of an utterance went, in seconds after its last sample of speech."""

    utterance: int
    endpoint: float | None = None
    """It was decided that the speaker had finished."""

    transcript: float | None = None
    translation: float | None = None
    first_audio: float | None = None
    """The first sample of the voice left the server."""

    played: float | None = None
    """Length of what the listener's loudspeaker really played, as the client reports it."""


@dataclass(frozen=True, slots=True)
class PartyChanged:
    """A party came, went, agreed, or changed its language."""

    party: Party
    state: PartyChange

    language: str
    consent: bool | None
    record: bool | None = None


@dataclass(frozen=True, slots=True)
class Rephrased:
    """What staff said, in plain language; this is what gets translated."""

    utterance: int
    revision: int
    text: str
    engine: str


@dataclass(frozen=True, slots=True)
class PlainChanged:
    """Staff's sentences are put into plain language from now on, or no more."""

    on: bool


@dataclass(frozen=True, slots=True)
class InterpretingChanged:
    """People are interpreted while they speak from now on, or after it."""

    simultaneous: bool


@dataclass(frozen=True, slots=True)
class CardShown:
    """Something to look at lies on the table, or (`card` empty) was taken away."""

    card: str
    """`number`, `date`, `sign`, or a card of the office."""

    value: str
    texts: Mapping[str, str]
    """By language."""

    picture: str = ""


HandoverState = Literal["proposed", "active", "over"]
"""`active`: a person interprets, and the machine is silent."""

HandoverReason = Literal["asked", "checks", "subject", "staff", "interpreter"]
"""Somebody asked; several translations in a row were doubtful; what is talked about should not be
left to a machine; staff decided; a human interpreter came into the call, or left it."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How a human interpreter is reached."""

    name: str = ""
    phone: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class HandoverChanged:
    """A person should interpret, does so, or has given back to the machine."""

    state: HandoverState
    reason: HandoverReason
    subject: str = ""
    contact: Contact = Contact()


@dataclass(frozen=True, slots=True)
class Notice:
    """Something both people should know; the words are put in by the channel, per language."""

    code: str
    utterance: int | None = None
    party: Party | None = None
    """For this party only; None for both."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A stage failed on one utterance; the conversation goes on."""

    code: str
    retryable: bool
    utterance: int | None
    party: Party | None = None
    """Who is told; None for both."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The conversation is over; nothing of it is kept."""

    reason: EndReason


Event = (
    SpeechStarted
    | Transcript
    | Translation
    | BackTranslation
    | SpeechBegan
    | SpeechChunk
    | SpeechEnded
    | Timing
    | PartyChanged
    | Rephrased
    | PlainChanged
    | InterpretingChanged
    | CardShown
    | HandoverChanged
    | Notice
    | Failure
    | Ended
)

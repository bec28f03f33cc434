"""What the server sends."""

from typing import Literal

import msgspec

from ...events import (
    Ending,
    EndReason,
    FactKind,
    FactStatus,
    HandoverReason,
    HandoverState,
    Party,
    PartyChange,
)
from ...roles import Role
from ...work import Quality
from .pictures import PeersMessage, RelaysMessage, SignalMessage
from .shared import Message

Messages = dict[str, str]
"""The same sentence in each language that is read on this connection."""


class PartyState(msgspec.Struct, frozen=True):
    """One side of the conversation."""

    language: str
    name: str
    """The language's own name."""

    direction: Literal["ltr", "rtl"]
    connected: bool
    consent: bool | None
    record: bool | None
    """Whether they want a record in the end; null: not asked yet."""

    translation: Quality | None
    """How well this party's language is translated into the other; null: as it was said."""

    voice: str | None
    """The voice that speaks to this party; null where none speaks its language."""


class Joined(Message, frozen=True, tag="joined"):
    """The connection is part of the conversation now."""

    event: int
    """Events after this number follow."""

    conversation: str
    connection: str
    """Give this name in the next `join` to resume after a cut."""

    you: list[Party]
    """Whom this connection speaks for: one party, or both on a shared device."""

    parties: dict[Party, PartyState]
    audio: int
    """Sequence of the next microphone frame expected; all before it have arrived."""

    notice: Messages
    """What everybody must know before they speak."""

    consent_required: bool
    longest_utterance_seconds: float
    office: str = ""
    plain: bool | None = None
    """Whether staff's sentences are put into plain language; null where no model here can."""

    handover: "HandoverMessage | None" = None
    """Null where the machine interprets."""

    card: "CardMessage | None" = None
    """What lies on the table."""

    role: Role = "staff"
    """As whom: a colleague speaks as staff do, a human interpreter for nobody."""

    simultaneous: bool = False
    """Whether people with microphones of their own are interpreted while they speak."""


class PartyMessage(Message, frozen=True, tag="party"):
    """A party came, went, was cut off, agreed, or changed its language."""

    event: int
    party: Party
    state: PartyChange
    language: str
    consent: bool | None = None
    record: bool | None = None


class SpeechStartedMessage(Message, frozen=True, tag="speech_started"):
    """Somebody began to speak."""

    event: int
    utterance: int
    party: Party | None = None
    """Null while the language has yet to tell who it is."""


class WordMessage(msgspec.Struct, frozen=True):
    """One recognised word with its place in the utterance (seconds) and its probability."""

    text: str
    start: float
    end: float
    probability: float


class TranscriptMessage(Message, frozen=True, tag="transcript"):
    """What was said."""

    event: int
    utterance: int
    revision: int
    party: Party
    language: str
    language_probability: float
    text: str
    committed: int
    """Characters of the text that will not change any more."""

    confidence: float
    final: bool
    ending: Ending | None = None
    words: list[WordMessage] = []


class FactMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that must come through unchanged, and what became of it."""

    kind: FactKind
    status: FactStatus
    value: str
    """Normalised: `2026-08-18`, `09:30`, `thursday`, `EUR 12.50`, `14 days`, `not`, `must`."""

    source: str = ""
    """The words that were said; empty where it was added."""

    target: str = ""
    """The words of the translation; empty where it is missing."""

    found: str = ""
    """The value that the translation has instead, where it was changed."""


class TranslationMessage(Message, frozen=True, tag="translation"):
    """The same in the other party's language."""

    event: int
    utterance: int
    revision: int
    party: Party
    """Who said it."""

    source: str
    target: str
    text: str
    committed: int
    engine: str
    quality: Quality
    final: bool
    flags: list[str] = []
    facts: list[FactMessage] = []
    confirmed: bool = False
    """Staff have asked back: what the flags doubt is right."""


class BackTranslationMessage(Message, frozen=True, tag="back_translation"):
    """A translation in the language it came from, to be compared with what was said."""

    event: int
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


class SpeechMessage(Message, frozen=True, tag="speech"):
    """The voice of an utterance follows in binary frames."""

    event: int
    utterance: int
    party: Party
    """Who is spoken to."""

    rate: int
    voice: str
    language: str
    repeated: bool = False


class SpeechEndMessage(Message, frozen=True, tag="speech_end"):
    """The voice of an utterance is complete, or was stopped."""

    event: int
    utterance: int
    party: Party
    text: str
    seconds: float
    stopped: bool = False


class TimingMessage(Message, frozen=True, tag="timing"):
    """Where the time went: seconds after the utterance's last sample of speech."""

    event: int
    utterance: int
    endpoint: float | None = None
    transcript: float | None = None
    translation: float | None = None
    first_audio: float | None = None
    played: float | None = None
    """Seconds of voice that came out of the loudspeaker."""


class RephrasedMessage(Message, frozen=True, tag="rephrased"):
    """What staff said, in plain language; this is what gets translated."""

    event: int
    utterance: int
    revision: int
    text: str
    engine: str


class PlainMessage(Message, frozen=True, tag="plain"):
    """Staff's sentences are put into plain language from now on, or no more."""

    event: int
    on: bool


class InterpretingMessage(Message, frozen=True, tag="interpreting"):
    """People are interpreted while they speak from now on, or after it."""

    event: int
    simultaneous: bool


class CardMessage(Message, frozen=True, tag="card"):
    """Something to look at, for both; with an empty `card` it was taken away."""

    event: int
    card: str
    value: str = ""
    picture: str = ""
    messages: Messages = {}


class ContactMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a human interpreter is reached."""

    name: str = ""
    phone: str = ""
    link: str = ""


class HandoverMessage(Message, frozen=True, tag="handover"):
    """A person should interpret, does so (then the machine is silent), or has given back."""

    event: int
    state: HandoverState
    reason: HandoverReason
    messages: Messages
    subject: str = ""
    """What is talked about, where that is the reason."""

    contact: ContactMessage | None = None


class NoticeMessage(Message, frozen=True, tag="notice"):
    """Something to show to the people."""

    event: int
    code: str
    messages: Messages
    utterance: int | None = None
    party: Party | None = None


class ErrorMessage(Message, frozen=True, tag="error"):
    """Something failed, or a message of this connection could not be accepted."""

    event: int
    """A new number where the conversation is concerned; else the last one."""

    code: str
    messages: Messages
    retry: bool = False
    utterance: int | None = None
    detail: str | None = None
    """In English, for whoever writes the client."""


class Ack(Message, frozen=True, tag="ack"):
    """All microphone frames up to this sequence have arrived; the client may forget them."""

    sequence: int
    """-1 where none has come."""


class EndedMessage(Message, frozen=True, tag="ended"):
    """The conversation is over and forgotten."""

    event: int
    reason: EndReason
    messages: Messages


Unnumbered = Ack | PeersMessage | SignalMessage | RelaysMessage
"""These belong to one connection, not to what happens in the conversation."""

ServerMessage = (
    Joined
    | PartyMessage
    | SpeechStartedMessage
    | TranscriptMessage
    | TranslationMessage
    | BackTranslationMessage
    | SpeechMessage
    | SpeechEndMessage
    | TimingMessage
    | RephrasedMessage
    | PlainMessage
    | InterpretingMessage
    | CardMessage
    | HandoverMessage
    | NoticeMessage
    | ErrorMessage
    | EndedMessage
    | Unnumbered
)

"""The messages of protocol `interpreter.v1`, as types.

`clients/PROTOCOL.md` explains every one with an example; a test holds the two together.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..events import Ending, EndReason, FactKind, FactStatus, Party, PartyChange, TurnTaking
from ..work import Quality

SUBPROTOCOL = "interpreter.v1"
SPEECH_RATE: Literal[24_000] = 24_000
"""Hertz of speech unless `join` asks for another rate."""

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Number = Annotated[int, Meta(ge=1, le=65_535)]
Sequence = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Tag = Annotated[str, Meta(min_length=2, max_length=16)]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text frame: one JSON object whose `type` names it."""


# What clients send ---------------------------------------------------------------------------


class Join(Message, frozen=True, tag="join"):
    """The first message on every connection."""

    token: Annotated[str, Meta(max_length=1024)]
    microphone_rate: Literal[16_000, 24_000, 48_000] | None = None
    """Hertz of the audio that will be sent; null where only text is sent."""

    speech_rate: Literal[8_000, 16_000, 24_000, 48_000] | None = SPEECH_RATE
    """Hertz of the speech wanted; null where nobody listens."""

    turn_taking: TurnTaking = TurnTaking.OWN_MICROPHONE
    connection: Annotated[str, Meta(max_length=64)] | None = None
    """The name `joined` gave to the connection that was cut; resumes it."""

    resume_after: Annotated[int, Meta(ge=0)] = 0
    """Number of the last event the client has seen."""

    resume_audio: Sequence | None = None
    """Sequence of the oldest microphone frame the client can still send again."""


class Talk(Message, frozen=True, tag="talk"):
    """The push-to-talk button went down or up. Counts as one microphone frame."""

    down: bool
    sequence: Sequence
    """From the same counter as the microphone's audio frames, so that a cut cannot lose it."""

    party: Party | None = None
    """Who will speak; needed on a shared device only."""


class TypedText(Message, frozen=True, tag="text"):
    """Interpret what was typed instead of spoken."""

    text: Text
    party: Party | None = None


class Correct(Message, frozen=True, tag="correct"):
    """What was recognised is wrong: what was said, or who said it, or both."""

    utterance: Number
    text: Text | None = None
    party: Party | None = None


class Confirm(Message, frozen=True, tag="confirm"):
    """Staff have asked back: what the flags of this translation doubt is right."""

    utterance: Number


class SayAgain(Message, frozen=True, tag="say_again"):
    """Speak an utterance once more; without a number, the last one this party heard."""

    utterance: Number | None = None
    party: Party | None = None


class Slower(Message, frozen=True, tag="slower"):
    """Speak to this party at another speed from now on."""

    speed: Annotated[float, Meta(ge=0.5, le=1.5)] = 0.8
    """Relative to the voice's own; 1 is normal."""

    party: Party | None = None


class StopSpeaking(Message, frozen=True, tag="stop_speaking"):
    """Be quiet: whatever is being spoken to this party, or waits to be, is dropped."""

    party: Party | None = None


class Played(Message, frozen=True, tag="played"):
    """How much of an utterance's voice really came out of the loudspeaker."""

    utterance: Number
    milliseconds: Annotated[int, Meta(ge=0, le=3_600_000)]


class ChangeLanguage(Message, frozen=True, tag="language"):
    """The visitor speaks another language than was thought."""

    language: Tag


class Consent(Message, frozen=True, tag="consent"):
    """This party agrees, or does not, to being interpreted by a machine."""

    agreed: bool
    party: Party | None = None


class Leave(Message, frozen=True, tag="leave"):
    """This connection goes for good and will not resume."""


ClientMessage = (
    Join
    | Talk
    | TypedText
    | Correct
    | Confirm
    | SayAgain
    | Slower
    | StopSpeaking
    | Played
    | ChangeLanguage
    | Consent
    | Leave
)


# What the server sends -----------------------------------------------------------------------

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


class PartyMessage(Message, frozen=True, tag="party"):
    """A party came, went, was cut off, agreed, or changed its language."""

    event: int
    party: Party
    state: PartyChange
    language: str
    consent: bool | None = None


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


class EndedMessage(Message, frozen=True, tag="ended"):
    """The conversation is over and forgotten."""

    event: int
    reason: EndReason
    messages: Messages


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
    | NoticeMessage
    | ErrorMessage
    | Ack
    | EndedMessage
)

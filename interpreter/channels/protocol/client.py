"""What clients send."""

from typing import Annotated, Literal

from msgspec import Meta

from ...events import Party, TurnTaking
from .pictures import Signal
from .shared import Message, Name, Number, Sequence, Tag, Text

SPEECH_RATE: Literal[24_000] = 24_000
"""Hertz of speech unless `join` asks for another rate."""


class Join(Message, frozen=True, tag="join"):
    """The first message on every connection."""

    token: Annotated[str, Meta(max_length=1024)]
    microphone_rate: Literal[16_000, 24_000, 48_000] | None = None
    """Hertz of the audio that will be sent; null where only text is sent."""

    speech_rate: Literal[8_000, 16_000, 24_000, 48_000] | None = SPEECH_RATE
    """Hertz of the speech wanted; null where nobody listens."""

    turn_taking: TurnTaking = TurnTaking.OWN_MICROPHONE
    connection: Name | None = None
    """The name `joined` gave to the connection that was cut; resumes it."""

    resume_after: Annotated[int, Meta(ge=0)] = 0
    """Number of the last event the client has seen."""

    resume_audio: Sequence | None = None
    """Sequence of the oldest microphone frame the client can still send again."""

    video: bool = False
    """Shows pictures to others, from browser to browser."""


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


class AgreeToRecord(Message, frozen=True, tag="record"):
    """This party wants a record of the conversation in the end, or does not."""

    agreed: bool
    party: Party | None = None


class SayPhrase(Message, frozen=True, tag="phrase"):
    """Say a fixed phrase of the office."""

    phrase: Name
    party: Party | None = None


class ShowCard(Message, frozen=True, tag="card"):
    """Lay a card on the table for both to see; without a name, take it away."""

    card: Name = ""
    value: Annotated[str, Meta(max_length=40)] = ""
    """Of `number`, and of `date` (ISO)."""


class HandOver(Message, frozen=True, tag="handover"):
    """A person should interpret (`ask`), does (`begin`), or gives back (`end`)."""

    step: Literal["ask", "begin", "end"]


class SpeakPlainly(Message, frozen=True, tag="plain"):
    """Put what staff say into plain language before it is translated, or no more."""

    on: bool


class Interpret(Message, frozen=True, tag="interpreting"):
    """Interpret people with microphones of their own while they speak, or after it."""

    simultaneous: bool


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
    | AgreeToRecord
    | SayPhrase
    | ShowCard
    | HandOver
    | SpeakPlainly
    | Interpret
    | Signal
    | Leave
)

"""What a conversation is made of: engines, limits, and the connections that reach its parties."""

import asyncio
from dataclasses import dataclass, field

from .asr import Recognizer
from .events import Party, TurnTaking
from .microphone import Microphone
from .mt import Translator
from .tts import Synthesizer
from .vad import SileroVad


@dataclass(frozen=True, slots=True)
class Engines:
    """What a conversation works with; shared by all."""

    vad: SileroVad
    recognizer: Recognizer
    translator: Translator
    synthesizer: Synthesizer


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """How long things may take, and how many there may be."""

    connections: int = 8
    """Of both parties together."""

    resume_seconds: float = 60.0
    """How long a connection that was cut may come back."""

    idle_seconds: float = 900.0
    """Without a word from anybody, the conversation ends."""

    lifetime_seconds: float = 8 * 3600.0
    drain_seconds: float = 10.0
    """When a conversation ends, how long what was said may still take to be interpreted."""


@dataclass(slots=True)
class Connection:
    """One way a party is reached; outlives its websockets while these are cut."""

    name: str
    parties: tuple[Party, ...]
    """One party, or both on a shared device."""

    turn_taking: TurnTaking
    speech_rate: int | None
    microphone: Microphone | None
    replaced: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a newer websocket has taken this connection over."""

    attached: bool = True
    cut_at: float = 0.0
    """Monotonic seconds."""

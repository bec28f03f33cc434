"""What is said over a websocket that carries a telephone line, whoever speaks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from ...audio import Samples, from_bytes, to_bytes
from ...errors import PhoneError
from ...g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law
from .line import Caller, Digit

Message = str | bytes
"""A text or a binary frame."""

KEYS = frozenset("0123456789*#ABCD")

_MOST_VARIABLES = 64
_LONGEST_VARIABLE = 256


class NotUnderstoodError(ValueError):
    """One message makes no sense; its text tells nothing of what was in it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Somebody spoke, or was silent."""

    samples: Samples = field(repr=False)


@dataclass(frozen=True, slots=True)
class Played:
    """The peer has played everything before this mark, or has thrown it away."""

    mark: str


@dataclass(frozen=True, slots=True)
class Drained:
    """The peer has nothing left to play."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The peer can take more sound, or cannot."""

    on: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """The peer says that the call is over."""


Told = Sound | Digit | Played | Drained | Flow | Stopped


class Dialect(Protocol):
    """How one kind of peer talks once a call has begun. Holds nothing of the call's course."""

    rate: int
    """Hertz of both directions."""

    knows_marks: bool
    """Whether a mark is surely answered; where it is false, one is tried."""

    wants_silence: bool
    """Whether silence has to be sent while there is nothing to say."""

    greeting: tuple[str, ...]
    """To be sent first."""

    flush: str
    drain: str | None
    """Asks to be told `Drained` once, where there is such a question."""

    goodbye: str | None

    def read(self, message: Message) -> Told | None:
        """What a message tells; None if nothing of interest. Raises `NotUnderstoodError`."""
        ...

    def sound(self, samples: Samples) -> list[Message]:
        """Messages that carry the samples."""
        ...

    def mark(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Codec:
    """How samples become bytes."""

    rate: int
    sample_bytes: int
    decode: Callable[[bytes], Samples]
    encode: Callable[[Samples], bytes]

    def read(self, data: bytes) -> Samples:
        """Raises `NotUnderstoodError`."""
        if len(data) % self.sample_bytes:
            raise NotUnderstoodError("half a sample")
        return self.decode(data)


MU_LAW = Codec(8_000, 1, decode_mu_law, encode_mu_law)
A_LAW = Codec(8_000, 1, decode_a_law, encode_a_law)
LINEAR_8 = Codec(8_000, 2, from_bytes, to_bytes)
LINEAR_16 = Codec(16_000, 2, from_bytes, to_bytes)


def key(text: object) -> Digit:
    """A pressed key. Raises `NotUnderstoodError`."""
    if isinstance(text, str) and text.upper() in KEYS:
        return Digit(text.upper())
    raise NotUnderstoodError("no key")


def as_object(text: str) -> dict[str, Any]:
    """A JSON object. Raises `NotUnderstoodError`."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise NotUnderstoodError("no JSON") from None
    if not isinstance(value, dict):
        raise NotUnderstoodError("no JSON object")
    return value


def as_caller(given: Mapping[str, object]) -> Caller:
    """The caller in what a dial plan sent: `number` and `called`; the rest are variables.

    Only so many and so long ones are kept, and nothing that is neither text nor number.
    """
    kept = {
        name[:_LONGEST_VARIABLE]: str(value)[:_LONGEST_VARIABLE]
        for name, value in list(given.items())[:_MOST_VARIABLES]
        if isinstance(value, str | int | float) and name != "secret"
    }
    return Caller(_number(kept.pop("number", "")), _number(kept.pop("called", "")), kept)


def _number(text: str) -> str:
    # A plus sign that a dial plan put into a URL as it is arrives as a space.
    return f"+{text[1:]}" if text.startswith(" ") else text


def unknown_codec() -> PhoneError:
    """The peer wants to speak in a way that cannot be read here."""
    return PhoneError("unknown-codec", "use slin16, slin, ulaw or alaw")

"""Events become messages and bytes become audio here, and nowhere else."""

import struct
from typing import Any

import msgspec

from ..audio import AudioFrame, Samples, from_bytes, to_bytes
from ..errors import ProtocolError
from .protocol import SUBPROTOCOL, ClientMessage, Message, ServerMessage

LONGEST_MESSAGE = 64 * 1024
"""Bytes; longer messages are refused with `message-too-large`."""

_HEADER = struct.Struct("!BBHI")
_AUDIO = 1
_FRAME_SECONDS = (0.005, 0.2)
"""A frame should last 10 to 100 ms; what lies outside these wider bounds is refused."""

_from_client: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_from_server: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
_encoder = msgspec.json.Encoder()
_CLIENT_TYPES = frozenset(str(message.__struct_config__.tag) for message in ClientMessage.__args__)


def encode(message: Message) -> str:
    """The JSON text of a message."""
    return _encoder.encode(message).decode()


def decode_client(text: str) -> ClientMessage:
    """A client's message.

    Raises `ProtocolError`: `message-too-large`, `bad-json`, `unknown-message` or `bad-message`.
    """
    if len(text) > LONGEST_MESSAGE:
        raise too_large(len(text))
    try:
        return _from_client.decode(text)
    except msgspec.ValidationError as error:
        raise _misfit(text, error) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise ProtocolError("bad-json", "the message is not JSON") from None


def decode_server(text: str) -> ServerMessage:
    """A server's message, for clients. Raises `ProtocolError` ("bad-message")."""
    try:
        return _from_server.decode(text)
    except msgspec.MsgspecError as error:
        raise ProtocolError("bad-message", str(error)) from error


def too_large(size: int) -> ProtocolError:
    """The refusal of an oversized message."""
    return ProtocolError(
        "message-too-large", f"{size} bytes; the limit is {LONGEST_MESSAGE} bytes a message"
    )


def encode_audio(samples: Samples, *, stream: int, sequence: int) -> bytes:
    """A binary frame: header, then PCM16 little-endian."""
    return _HEADER.pack(_AUDIO, 0, stream & 0xFFFF, sequence & 0xFFFFFFFF) + to_bytes(samples)


def decode_audio(data: bytes, rate: int) -> tuple[AudioFrame, int]:
    """A binary frame and its stream number.

    Raises `ProtocolError`: `message-too-large` or `bad-audio-frame`.
    """
    if len(data) > LONGEST_MESSAGE:
        raise too_large(len(data))
    if len(data) < _HEADER.size:
        raise _bad_frame(f"{len(data)} bytes are shorter than the header of {_HEADER.size}")
    kind, _flags, stream, sequence = _HEADER.unpack_from(data)
    if kind != _AUDIO:
        raise _bad_frame(f"kind {kind} is unknown; 1 is audio")
    body = data[_HEADER.size :]
    if len(body) % 2:
        raise _bad_frame("half a sample: PCM16 needs an even number of bytes")
    frame = AudioFrame(from_bytes(body), rate, sequence)
    shortest, longest = _FRAME_SECONDS
    if not shortest <= frame.seconds <= longest:
        raise _bad_frame(f"{1000 * frame.seconds:.0f} ms of audio; send 10 to 100 ms a frame")
    return frame, stream


def schema() -> dict[str, Any]:
    """JSON Schema of both directions, served at `/v1/schema.json`."""
    (client, server), components = msgspec.json.schema_components(
        [ClientMessage, ServerMessage], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SUBPROTOCOL,
        "type": "object",
        "properties": {"client": client, "server": server},
        "$defs": components,
    }


def _bad_frame(detail: str) -> ProtocolError:
    return ProtocolError("bad-audio-frame", detail)


def _misfit(text: str, error: msgspec.ValidationError) -> ProtocolError:
    """Tell an unknown type from a wrong field; the detail names fields, never their content."""
    try:
        kind = msgspec.json.decode(text, type=dict[str, Any]).get("type")
    except msgspec.MsgspecError:
        return ProtocolError("bad-message", "a message is a JSON object with a type")
    if not isinstance(kind, str) or kind not in _CLIENT_TYPES:
        return ProtocolError(
            "unknown-message", f"type is one of {', '.join(sorted(_CLIENT_TYPES))}"
        )
    return ProtocolError("bad-message", f"{kind}: {error}")

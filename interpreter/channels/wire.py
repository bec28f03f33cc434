"""Events become messages and bytes become audio here, and nowhere else."""

import struct
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import msgspec

from ..audio import AudioFrame, Samples, from_bytes, to_bytes
from ..errors import ProtocolError
from ..events import (
    BackTranslation,
    CardShown,
    Contact,
    Ended,
    Event,
    Failure,
    HandoverChanged,
    InterpretingChanged,
    Notice,
    PartyChanged,
    PlainChanged,
    Rephrased,
    SpeechBegan,
    SpeechChunk,
    SpeechEnded,
    SpeechStarted,
    Timing,
    Transcript,
    Translation,
)
from ..messages import text as in_words
from .protocol import (
    SUBPROTOCOL,
    BackTranslationMessage,
    CardMessage,
    ClientMessage,
    ContactMessage,
    EndedMessage,
    ErrorMessage,
    FactMessage,
    HandoverMessage,
    InterpretingMessage,
    Message,
    Messages,
    NoticeMessage,
    PartyMessage,
    PlainMessage,
    RephrasedMessage,
    ServerMessage,
    SpeechEndMessage,
    SpeechMessage,
    SpeechStartedMessage,
    TimingMessage,
    TranscriptMessage,
    TranslationMessage,
    WordMessage,
)
from .protocol.room import RoomClientMessage, RoomServerMessage

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
_in_room: msgspec.json.Decoder[RoomClientMessage] = msgspec.json.Decoder(RoomClientMessage)
_ROOM_TYPES = frozenset(str(each.__struct_config__.tag) for each in RoomClientMessage.__args__)
T = TypeVar("T")


def encode(message: Message) -> str:
    """The JSON text of a message."""
    return _encoder.encode(message).decode()


def decode_client(text: str) -> ClientMessage:
    """A client's message.

    Raises `ProtocolError`: `message-too-large`, `bad-json`, `unknown-message` or `bad-message`.
    """
    return _decode(text, _from_client, _CLIENT_TYPES)


def decode_in_room(text: str) -> RoomClientMessage:
    """What a client says in a waiting room. Raises like `decode_client`."""
    return _decode(text, _in_room, _ROOM_TYPES)


def _decode(text: str, decoder: msgspec.json.Decoder[T], types: frozenset[str]) -> T:
    # What is no Unicode is refused below, by its own name.
    if (size := len(text.encode(errors="surrogatepass"))) > LONGEST_MESSAGE:
        raise too_large(size)
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _misfit(text, error, types) from None
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


def decode_audio(data: bytes, rate: int) -> AudioFrame:
    """A microphone's binary frame.

    Raises `ProtocolError`: `message-too-large` or `bad-audio-frame`.
    """
    if len(data) > LONGEST_MESSAGE:
        raise too_large(len(data))
    if len(data) < _HEADER.size:
        raise _bad_frame(f"{len(data)} bytes are shorter than the header of {_HEADER.size}")
    kind, _flags, stream, sequence = _HEADER.unpack_from(data)
    if kind != _AUDIO or stream != 0:
        raise _bad_frame(f"kind {kind}, stream {stream}; 1 is audio, 0 is the microphone")
    body = data[_HEADER.size :]
    if len(body) % 2:
        raise _bad_frame("half a sample: PCM16 needs an even number of bytes")
    frame = AudioFrame(from_bytes(body), rate, sequence)
    shortest, longest = _FRAME_SECONDS
    if not shortest <= frame.seconds <= longest:
        raise _bad_frame(f"{1000 * frame.seconds:.0f} ms of audio; send 10 to 100 ms a frame")
    return frame


def to_message(
    event: Event, number: int, languages: Sequence[str], rate: int | None
) -> ServerMessage | None:
    """The message that tells an event, with words in the languages of whoever reads it.

    `rate` is the speech rate (Hz) of the connection. None for a `SpeechChunk`, which is no message
    but a binary frame.
    """
    match event:
        case SpeechChunk():
            return None
        case Transcript() | Translation():
            return _to_text_message(event, number)
        case BackTranslation():
            return BackTranslationMessage(event=number, **asdict(event))
        case PartyChanged(party, state, language, consent, record):
            return PartyMessage(number, party, state, language, consent, record)
        case Rephrased(utterance, revision, text, engine):
            return RephrasedMessage(number, utterance, revision, text, engine)
        case PlainChanged(on):
            return PlainMessage(number, on)
        case InterpretingChanged(simultaneous):
            return InterpretingMessage(number, simultaneous)
        case CardShown():
            return card_message(event, number, languages)
        case HandoverChanged():
            return handover_message(event, number, languages)
        case SpeechStarted(utterance, party):
            return SpeechStartedMessage(number, utterance, party)
        case SpeechBegan(utterance, party, house_rate, voice, language, repeated):
            return SpeechMessage(
                number, utterance, party, rate or house_rate, voice, language, repeated
            )
        case SpeechEnded(utterance, party, text, seconds, stopped):
            return SpeechEndMessage(number, utterance, party, text, round(seconds, 3), stopped)
        case Timing(utterance, endpoint, transcript, translation, first_audio, played):
            return TimingMessage(
                number, utterance, endpoint, transcript, translation, first_audio, played
            )
        case Notice(code, utterance, party):
            return NoticeMessage(number, code, words(code, languages), utterance, party)
        case Failure(code, retryable, utterance):
            return ErrorMessage(number, code, words(code, languages), retryable, utterance)
        case Ended(reason):
            return EndedMessage(number, reason, words(f"ended-{reason}", languages))


def card_message(shown: CardShown, number: int, languages: Sequence[str]) -> CardMessage:
    """The message that lays a card on the table."""
    texts = {language: shown.texts[language] for language in languages if language in shown.texts}
    return CardMessage(number, shown.card, shown.value, shown.picture, texts)


def handover_message(
    changed: HandoverChanged, number: int, languages: Sequence[str]
) -> HandoverMessage:
    """The message that tells who interprets, and who may be called."""
    captions = changed.state == "active" and changed.reason == "interpreter"
    told = words("handover-interpreter" if captions else f"handover-{changed.state}", languages)
    contact = ContactMessage(**asdict(changed.contact)) if changed.contact != Contact() else None
    return HandoverMessage(number, changed.state, changed.reason, told, changed.subject, contact)


def words(code: str, languages: Sequence[str]) -> Messages:
    """What a code means, in each of these languages."""
    return {language: in_words(code, language) for language in languages}


def _to_text_message(event: Transcript | Translation, number: int) -> ServerMessage:
    if isinstance(event, Translation):
        return TranslationMessage(
            event=number,
            utterance=event.utterance,
            revision=event.revision,
            party=event.party,
            source=event.source,
            target=event.target,
            text=event.text,
            committed=event.committed,
            engine=event.engine,
            quality=event.quality,
            final=event.final,
            flags=list(event.flags),
            facts=[FactMessage(**asdict(fact)) for fact in event.facts],
            confirmed=event.confirmed,
        )
    return TranscriptMessage(
        event=number,
        utterance=event.utterance,
        revision=event.revision,
        party=event.party,
        language=event.language,
        language_probability=event.language_probability,
        text=event.text,
        committed=event.committed,
        confidence=event.confidence,
        final=event.final,
        ending=event.ending,
        words=[
            WordMessage(word.text, round(word.start, 2), round(word.end, 2), word.probability)
            for word in event.words
        ],
    )


def decode_speech(data: bytes) -> tuple[int, int, Samples]:
    """Utterance, event number and samples of a binary frame of speech, for clients.

    Raises `ProtocolError` ("bad-audio-frame").
    """
    if len(data) < _HEADER.size or len(data) % 2:
        raise _bad_frame(f"{len(data)} bytes")
    _kind, _flags, utterance, number = _HEADER.unpack_from(data)
    return utterance, number, from_bytes(data[_HEADER.size :])


def schema() -> dict[str, Any]:
    """JSON Schema of both directions, and of waiting rooms, served at `/v1/schema.json`."""
    kinds = {
        "client": ClientMessage,
        "server": ServerMessage,
        "room_client": RoomClientMessage,
        "room_server": RoomServerMessage,
    }
    shapes, components = msgspec.json.schema_components(
        kinds.values(), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SUBPROTOCOL,
        "type": "object",
        "properties": dict(zip(kinds, shapes, strict=True)),
        "$defs": components,
    }


def _bad_frame(detail: str) -> ProtocolError:
    return ProtocolError("bad-audio-frame", detail)


def _misfit(text: str, error: msgspec.ValidationError, types: frozenset[str]) -> ProtocolError:
    """Tell an unknown type from a wrong field; the detail names fields, never their content."""
    try:
        kind = msgspec.json.decode(text, type=dict[str, Any]).get("type")
    except (msgspec.MsgspecError, RecursionError):
        return ProtocolError("bad-message", "a message is a JSON object with a type")
    if not isinstance(kind, str) or kind not in types:
        return ProtocolError("unknown-message", f"type is one of {', '.join(sorted(types))}")
    return ProtocolError("bad-message", f"{kind}: {error}")

"""Lines by Twilio's Media Streams, a shape that other carriers share: JSON in text frames.

Written after https://www.twilio.com/docs/voice/media-streams/websocket-messages. Sound is G.711 in
base64, 20 ms at a time towards us and any length back; Twilio buffers and paces. Messages are told
apart by their `event` alone: counters, sequence numbers and time stamps are not needed, so it does
not matter how they are written. Ending the websocket ends the verb `<Connect>` of the call's TwiML.
"""

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from starlette.websockets import WebSocket

from ...audio import Samples
from ...errors import PhoneError
from .dialect import (
    A_LAW,
    MU_LAW,
    Codec,
    Message,
    NotUnderstoodError,
    Played,
    Sound,
    Stopped,
    Told,
    as_caller,
    as_object,
    key,
    unknown_codec,
)
from .line import Line
from .opening import begin
from .socket_line import SocketLine
from .sockets import ServerSocket

log = logging.getLogger(__name__)

SIGNATURE = "x-twilio-signature"

_CODECS = {
    "audio/x-mulaw": MU_LAW,
    "mulaw": MU_LAW,
    "pcmu": MU_LAW,
    "audio/x-alaw": A_LAW,
    "alaw": A_LAW,
    "pcma": A_LAW,
}


def signature(token: str, url: str) -> str:
    """What Twilio signs a request without a body with: HMAC-SHA1 of the URL, in base64."""
    return base64.b64encode(hmac.digest(token.encode(), url.encode(), hashlib.sha1)).decode()


def is_signed(given: str, token: str, url: str) -> bool:
    """Whether a websocket's handshake was signed for this URL with the account's token.

    For a websocket Twilio signs the URL as it is in the TwiML, with the scheme `wss` (twilio-python
    and twilio-aspnet issue 162). Its own libraries try the URL with and without the port; some
    of its documents want a slash at the end. Compared in constant time; without a token, never.
    """
    right = [
        hmac.compare_digest(given.encode(), signature(token, spelling).encode())
        for spelling in _spellings(url)
    ]
    return bool(token) and any(right)


def _spellings(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    host, _, port = parts.netloc.partition(":")
    places = {parts.netloc, host, f"{host}:443"} if port in ("", "443") else {parts.netloc}
    for place in places:
        for path in {parts.path, parts.path.rstrip("/"), parts.path.rstrip("/") + "/"}:
            yield urlunsplit(("wss", place, path, parts.query, ""))


class MediaStream:
    """A `Dialect`: how Twilio talks once `start` has been said."""

    knows_marks = True
    wants_silence = False
    greeting: tuple[str, ...] = ()
    drain: str | None = None
    goodbye: str | None = None

    def __init__(self, codec: Codec, stream: str) -> None:
        self.rate = codec.rate
        self._codec = codec
        self._stream = stream
        self.flush = self._message("clear")

    def read(self, message: Message) -> Told | None:
        name, fields = parse_message(message)
        match name:
            case "media":
                return self._sound(_part(fields, "media"))
            case "dtmf":
                return key(_part(fields, "dtmf").get("digit"))
            case "mark":
                return Played(str(_part(fields, "mark").get("name", "")))
            case "stop":
                return Stopped()
        return None

    def sound(self, samples: Samples) -> list[Message]:
        payload = base64.b64encode(self._codec.encode(samples)).decode()
        return [self._message("media", media={"payload": payload})]

    def mark(self, name: str) -> str:
        return self._message("mark", mark={"name": name})

    def _sound(self, media: Mapping[str, object]) -> Sound | None:
        if str(media.get("track", "inbound")) not in ("inbound", "inbound_track"):
            return None  # what is played to the caller
        try:
            data = base64.b64decode(str(media.get("payload")), validate=True)
        except (binascii.Error, ValueError):
            raise NotUnderstoodError("no base64") from None
        return Sound(self._codec.read(data))

    def _message(self, name: str, **fields: object) -> str:
        message = {"event": name, "streamSid": self._stream, **fields}
        return msgspec.json.encode(message).decode()


def parse_message(message: Message) -> tuple[str, dict[str, Any]]:
    """The event's name and the message's fields. Raises `NotUnderstoodError`."""
    if isinstance(message, bytes):
        raise NotUnderstoodError("a binary frame")
    fields = as_object(message)
    name = fields.get("event")
    if not isinstance(name, str):
        raise NotUnderstoodError("no event")
    return name, fields


async def serve(
    websocket: WebSocket, token: str, url: str, take: Callable[[Line], Awaitable[None]]
) -> None:
    """Carry one call that Twilio brings, from the handshake until `take` returns.

    `token` is the account's auth token, `url` that of this websocket as it is in the TwiML
    (`wss://...`). Who did not sign gets HTTP 403. The stream's parameters tell of the caller
    (`number`, `called`), or are variables; so is `callSid`.
    """
    if not is_signed(websocket.headers.get(SIGNATURE, ""), token, url):
        log.info("a media stream without a right signature was turned away")
        await websocket.close()  # before it is accepted: answered with HTTP 403
        return
    await websocket.accept()
    socket = ServerSocket(websocket)
    try:
        line = await _meet(socket)
    except PhoneError as error:
        log.info("a media stream was not taken: %s", error.code)
        await socket.close(1008)
        return
    try:
        await take(line)
    finally:
        await line.hang_up()


async def _meet(socket: ServerSocket) -> SocketLine:
    (stream, start), early = await begin(socket, _start)
    parameters = start.get("customParameters")
    told = parameters if isinstance(parameters, dict) else {}
    call = {"callSid": start["callSid"]} if "callSid" in start else {}
    dialect = MediaStream(_codec(start.get("mediaFormat")), stream)
    return SocketLine(socket, dialect, as_caller({**call, **told}), early)


def _start(message: Message) -> tuple[str, dict[str, Any]] | None:
    """The name and the particulars of the stream that begins."""
    name, fields = parse_message(message)
    if name == "stop":
        raise PhoneError("hung-up", "stopped before the call began")
    if name != "start":
        return None
    start = _part(fields, "start")
    stream = fields.get("streamSid") or start.get("streamSid")
    if not isinstance(stream, str):
        raise NotUnderstoodError("a stream without a name")
    return stream, start


def _codec(told: object) -> Codec:
    wanted = told if isinstance(told, dict) else {}
    codec = _CODECS.get(str(wanted.get("encoding", "audio/x-mulaw")).lower())
    rate, channels = str(wanted.get("sampleRate", 8_000)), str(wanted.get("channels", 1))
    if codec is None or rate != str(codec.rate) or channels != "1":
        raise unknown_codec()
    return codec


def _part(fields: Mapping[str, object], name: str) -> dict[str, Any]:
    part = fields.get(name)
    if not isinstance(part, dict):
        raise NotUnderstoodError("a part is missing")
    return part

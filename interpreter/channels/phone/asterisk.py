"""Lines to an Asterisk by its websocket channel, `chan_websocket`, whichever side connects.

Written after https://docs.asterisk.org/Configuration/Channel-Drivers/WebSocket and the driver's
source. Sound is in binary frames, control in text frames, as plain text or as JSON. Asterisk frames
and paces what it is sent. What its versions do differently, and is met here:

* The first ones name no format in MEDIA_START, only the size of a frame.
* Under load, sound comes before MEDIA_START.
* MARK_MEDIA is known since November 2025. One mark is tried; a version that does not answer is
  asked for QUEUE_DRAINED, and else our own clock counts.
* Versions since February 2026 make no silence when there is nothing to play, and fill no frame that
  is too short: so silence is sent all the time, and only whole frames.
* FLUSH_MEDIA throws away marks without answering them.
"""

import base64
import binascii
import hmac
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from ...audio import Samples
from ...errors import PhoneError
from .dialect import (
    A_LAW,
    LINEAR_8,
    LINEAR_16,
    MU_LAW,
    Codec,
    Drained,
    Flow,
    Message,
    NotUnderstoodError,
    Played,
    Sound,
    Told,
    as_caller,
    as_object,
    key,
    unknown_codec,
)
from .line import Caller, Line
from .opening import LONGEST_MESSAGE, begin
from .socket_line import SocketLine
from .sockets import ClientSocket, ServerSocket, Socket

log = logging.getLogger(__name__)

SUBPROTOCOL = "media"
LONGEST_SOUND = 65_500
"""Bytes in one binary frame; Asterisk hangs up on more."""

LONGEST_TEXT = 128
"""Bytes of a command; Asterisk ignores longer ones."""

_CODECS = {
    "slin16": LINEAR_16,
    "slin": LINEAR_8,
    "ulaw": MU_LAW,
    "pcmu": MU_LAW,
    "alaw": A_LAW,
    "pcma": A_LAW,
}
_BY_FRAME = {640: "slin16", 320: "slin", 160: "ulaw"}
"""The codec by the bytes of 20 ms, for versions that name none."""

_NAME = re.compile(r"[A-Z][A-Z_]*")


@dataclass(frozen=True, slots=True)
class Event:
    """What Asterisk tells in a text frame."""

    name: str
    fields: Mapping[str, object] = field(repr=False)
    json: bool


def parse_event(text: str) -> Event:
    """Read a text frame: JSON, or a name and `key:value` words. Raises `NotUnderstoodError`.

    A plain word without a colon is a correlation id.
    """
    text = text.strip()
    if text.startswith("{"):
        fields = as_object(text)
        name = fields.get("event")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise NotUnderstoodError("no event")
        return Event(name, fields, json=True)
    name, *words = text.split() or [""]
    if not _NAME.fullmatch(name):
        raise NotUnderstoodError("no event")
    plain: dict[str, object] = {}
    for word in words:
        before, colon, after = word.partition(":")
        plain.update({before: after} if colon else {"correlation_id": before})
    return Event(name, plain, json=False)


def command(name: str, correlation: str = "", *, json: bool) -> str:
    """A command as Asterisk wants it."""
    if not json:
        return f"{name} {correlation}".strip()
    named = {"correlation_id": correlation} if correlation else {}
    return msgspec.json.encode({"command": name, **named}).decode()


class Asterisk:
    """A `Dialect`: how an Asterisk talks once MEDIA_START has been said."""

    knows_marks = False
    wants_silence = True

    def __init__(self, codec: Codec, frame_bytes: int, *, json: bool) -> None:
        self.rate = codec.rate
        self._codec = codec
        self._frame_bytes = frame_bytes
        self._json = json
        # Needed with the option `n` of the dial string, and harmless without.
        self.greeting: tuple[str, ...] = (command("ANSWER", json=json),)
        self.flush = command("FLUSH_MEDIA", json=json)
        self.drain: str | None = command("REPORT_QUEUE_DRAINED", json=json)
        self.goodbye: str | None = command("HANGUP", json=json)

    def read(self, message: Message) -> Told | None:
        if isinstance(message, bytes):
            return Sound(self._codec.read(message))
        event = parse_event(message)
        match event.name:
            case "DTMF_END":
                return key(event.fields.get("digit"))
            case "MEDIA_MARK_PROCESSED":
                return Played(str(event.fields.get("correlation_id", "")))
            case "QUEUE_DRAINED":
                return Drained()
            case "MEDIA_XOFF":
                return Flow(False)
            case "MEDIA_XON":
                return Flow(True)
        return None

    def sound(self, samples: Samples) -> list[Message]:
        frame = self._frame_bytes // self._codec.sample_bytes
        whole = np.concatenate([samples, np.zeros(-len(samples) % frame, np.int16)])
        data = self._codec.encode(whole)
        most = LONGEST_SOUND // self._frame_bytes * self._frame_bytes
        return [data[at : at + most] for at in range(0, len(data), most)]

    def mark(self, name: str) -> str:
        return command("MARK_MEDIA", name, json=self._json)


async def serve(websocket: WebSocket, secret: str, take: Callable[[Line], Awaitable[None]]) -> None:
    """Carry one call that Asterisk brings, from the handshake until `take` returns.

    Who does not know the secret gets HTTP 403. It is the parameter `secret` of the URL, or the
    token or password in the header `Authorization`. The other parameters of the URL tell of the
    caller (`number`, `called`), or are variables; so are the channel's variables.
    """
    if not _knows(websocket, secret):
        log.info("an Asterisk without the secret was turned away")
        await websocket.close()  # before it is accepted: answered with HTTP 403
        return
    offered = SUBPROTOCOL in websocket.scope["subprotocols"]
    await websocket.accept(subprotocol=SUBPROTOCOL if offered else None)
    socket = ServerSocket(websocket)
    try:
        line = await _meet(socket, dict(websocket.query_params))
    except PhoneError as error:
        log.info("an Asterisk's call was not taken: %s", error.code)
        await socket.close(1008)
        return
    try:
        await take(line)
    finally:
        await line.hang_up()


async def connect(
    url: str,
    parameters: Mapping[str, str] | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    seconds: float = 10.0,
) -> SocketLine:
    """Fetch the call that waits in Asterisk at `ws://asterisk:8088/media/<connection id>`.

    Asterisk keeps it there for `Dial(WebSocket/INCOMING/...)`; the id is in the channel's variable
    MEDIA_WEBSOCKET_CONNECTION_ID. Such a channel has no URL to put the `parameters` of a caller in,
    so they are given here; with JSON, the channel's variables are added. Raises `PhoneError`
    ("unreachable", and what can go wrong at the beginning of a call).
    """
    try:
        connection = await open_websocket(
            url,
            ssl=tls,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            proxy=None,
            open_timeout=seconds,
            close_timeout=5.0,
            max_size=LONGEST_MESSAGE,
        )
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        raise PhoneError(
            "unreachable", f"no websocket to Asterisk: {type(error).__name__}", retryable=True
        ) from None
    socket = ClientSocket(connection)
    try:
        return await _meet(socket, parameters or {})
    except BaseException:
        await socket.close(1008)
        raise


async def _meet(socket: Socket, parameters: Mapping[str, str]) -> SocketLine:
    """The line, once Asterisk has said how it talks. Raises `PhoneError`."""
    start, early = await begin(socket, _media_start)
    hint = str(start.fields.get("format") or parameters.get("codec", "")).lower()
    size = _size(start.fields.get("optimal_frame_size"))
    codec = _CODECS.get(hint or _BY_FRAME.get(size, ""))
    if codec is None:
        raise unknown_codec()
    twenty = codec.rate // 50 * codec.sample_bytes
    if not size or size > LONGEST_SOUND or size % codec.sample_bytes:
        size = twenty
    return SocketLine(
        socket, Asterisk(codec, size, json=start.json), _caller(start, parameters), early
    )


def _media_start(message: Message) -> Event | None:
    if isinstance(message, bytes):
        return None
    event = parse_event(message)
    return event if event.name == "MEDIA_START" else None


def _caller(start: Event, parameters: Mapping[str, str]) -> Caller:
    variables = start.fields.get("channel_variables")
    told = variables if isinstance(variables, dict) else {}
    return as_caller(
        {**parameters, **{name: told[name] for name in told if name not in parameters}}
    )


def _size(value: object) -> int:
    """A size in bytes, however it is written; 0 if it is none."""
    text = str(value)
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) else 0


def _knows(websocket: WebSocket, secret: str) -> bool:
    given = [websocket.query_params.get("secret", "")]
    scheme, _, rest = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        given.append(rest.strip())
    elif scheme.lower() == "basic":
        given.append(_password(rest.strip()))
    right = [hmac.compare_digest(one.encode(), secret.encode()) for one in given]
    return bool(secret) and any(right)


def _password(encoded: str) -> str:
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeError):
        return ""
    return decoded.partition(":")[2]

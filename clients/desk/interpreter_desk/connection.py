"""One connection to a conversation. It outlives cuts of the line."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from types import TracebackType

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from interpreter.audio import Samples
from interpreter.channels import protocol, wire
from interpreter.errors import InterpreterError, ProtocolError
from interpreter.events import Party

from .address import Address
from .line import close_line, delays, open_line
from .outbox import Outbox

log = logging.getLogger(__name__)

_JOIN_SECONDS = 15.0
_LEAVE_SECONDS = 10.0
_SEND_SECONDS = 20.0
_GIVE_UP_SECONDS = 120.0
_STEADY_SECONDS = 10.0
"""A line that held for so long makes the next attempts start with short delays again."""

_WAITING = 2000
"""Messages the owner has not taken yet; beyond it the socket is not read."""

_LOST = frozenset({"events-lost", "speech-lost", "audio-lost"})
"""Notices about one websocket; they repeat the conversation's last number."""


@dataclass(frozen=True, slots=True)
class SpeechFrame:
    """A piece of the voice of an utterance."""

    event: int
    utterance: int
    samples: Samples = field(repr=False)
    rate: int
    """Hertz."""


@dataclass(frozen=True, slots=True)
class Line:
    """The line was cut, or is back."""

    connected: bool
    lost_seconds: float = 0.0
    """Of microphone audio: it stayed cut for longer than the client keeps what was said."""


Received = protocol.ServerMessage | SpeechFrame | Line
"""What a connection yields."""


class Connection:
    """Joins on `async with`; iterate it for what the conversation tells.

    Iteration ends after `ended`, or once this side has left. It raises `InterpreterError` with the
    server's code when the server will not have the connection back, or `connection-lost` after
    `give_up_seconds` without a line that held. Entering raises the same, or `server-unreachable`.
    """

    def __init__(
        self,
        address: Address,
        join: protocol.Join,
        *,
        give_up_seconds: float = _GIVE_UP_SECONDS,
        keep_seconds: float = 60.0,
    ) -> None:
        self.joined: protocol.Joined | None = None
        """The latest answer to `join`; there from entering on."""

        self._address = address
        self._join = join
        self._give_up_seconds = give_up_seconds
        self._outbox = Outbox(keep_seconds)
        self._dropped_seconds = 0.0
        self._last_event = 0
        self._unsent = asyncio.Event()
        self._websocket: ClientConnection | None = None
        self._online = asyncio.Event()
        self._received: asyncio.Queue[Received | None] = asyncio.Queue(_WAITING)
        self._over = False
        self._failure: InterpreterError | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Connection":
        websocket = await self._open()
        self._task = asyncio.create_task(self._live(websocket))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Hang up. Without `leave` before, the server waits for the connection to come back."""
        self._over = True
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._websocket:
            # A task that is cancelled before it began never gets to close it.
            await close_line(self._websocket)
        self._end()

    # Hearing --------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[Received]:
        while (received := await self._received.get()) is not None:
            yield received
        # Whoever iterates again finds the end again.
        self._received.put_nowait(None)
        if self._failure:
            raise self._failure

    # Speaking -------------------------------------------------------------------------------

    def send_audio(self, samples: Samples) -> int:
        """Send the next 10 to 100 ms of the microphone; never waits. Returns the sequence."""
        if self._join.microphone_rate is None:
            raise ProtocolError("unsupported-audio", "this connection joined without microphone")
        sequence = self._outbox.add_audio(samples, self._join.microphone_rate)
        self._unsent.set()
        return sequence

    def talk(self, down: bool, party: Party | None = None) -> int:
        """The push-to-talk button went down or up; never waits. Returns the sequence."""
        sequence = self._outbox.add_talk(down, party)
        self._unsent.set()
        return sequence

    @property
    def unacknowledged_seconds(self) -> float:
        """Microphone audio that the server has not confirmed yet."""
        return self._outbox.seconds

    async def text(self, text: str, party: Party | None = None) -> None:
        """Have something typed interpreted."""
        await self.send(protocol.TypedText(text, party))

    async def confirm(self, utterance: int) -> None:
        """Say that a translation which the server doubts is right; for staff."""
        await self.send(protocol.Confirm(utterance))

    async def correct(
        self, utterance: int, text: str | None = None, party: Party | None = None
    ) -> None:
        """Say what was really said, or who said it."""
        await self.send(protocol.Correct(utterance, text, party))

    async def say_again(self, utterance: int | None = None, party: Party | None = None) -> None:
        """Hear an utterance once more; without a number the last one."""
        await self.send(protocol.SayAgain(utterance, party))

    async def slower(self, speed: float = 0.8, party: Party | None = None) -> None:
        """Be spoken to at another speed, 0.5 to 1.5."""
        await self.send(protocol.Slower(speed, party))

    async def stop_speaking(self, party: Party | None = None) -> None:
        """Have whatever is being spoken dropped."""
        await self.send(protocol.StopSpeaking(party))

    async def played(self, utterance: int, seconds: float) -> None:
        """Report how much of a voice was played so far. Forgotten while the line is cut."""
        if self._online.is_set():
            with contextlib.suppress(InterpreterError):
                await self.send(protocol.Played(utterance, round(1000 * seconds)))

    async def language(self, language: str) -> None:
        """The visitor speaks another language."""
        await self.send(protocol.ChangeLanguage(language))

    async def consent(self, agreed: bool, party: Party | None = None) -> None:
        """This party agrees, or does not, to being interpreted by a machine."""
        await self.send(protocol.Consent(agreed, party))

    async def leave(self) -> None:
        """Go for good; waits until the server has closed the line."""
        self._over = True
        if self._online.is_set() and self._task:
            with contextlib.suppress(InterpreterError):
                await self.send(protocol.Leave())
            await asyncio.wait([self._task], timeout=_LEAVE_SECONDS)
        await self.aclose()

    async def send(self, message: protocol.ClientMessage) -> None:
        """Send a message, once; waits for the line to come back if it is cut.

        Raises `InterpreterError` ("not-sent", retryable) if it did not come back in time, or broke
        while sending. (What must survive a cut is numbered: `send_audio` and `talk`.)
        """
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._online.wait()
                if self._websocket:
                    await self._websocket.send(wire.encode(message))
        except (TimeoutError, ConnectionClosed) as error:
            raise InterpreterError("not-sent", "the line is cut", retryable=True) from error

    # The line -------------------------------------------------------------------------------

    async def _live(self, websocket: ClientConnection) -> None:
        attempts, trouble = delays(), time.monotonic()
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._carry(websocket)
                finally:
                    await close_line(websocket)
                if self._over:
                    return
                log.warning("the line was cut (%s)", websocket.close_code)
                await self._received.put(Line(connected=False))
                if time.monotonic() - began > _STEADY_SECONDS:
                    attempts, trouble = delays(), time.monotonic()
                websocket = await self._come_back(attempts, trouble + self._give_up_seconds)
                await self._received.put(Line(True, self._newly_dropped()))
        except InterpreterError as error:
            self._failure = error
        finally:
            self._over = True
            self._online.set()  # whoever waits for the line finds it closed
            self._end()

    def _end(self) -> None:
        """Tell whoever iterates; on a full queue the oldest gives way, as nobody takes them."""
        if self._received.full():
            self._received.get_nowait()
        self._received.put_nowait(None)

    async def _come_back(self, attempts: Iterator[float], until: float) -> ClientConnection:
        try:
            async with asyncio.timeout(until - time.monotonic()):
                while True:
                    await asyncio.sleep(next(attempts))
                    try:
                        return await self._open()
                    except InterpreterError as error:
                        if not error.retryable:
                            raise
                        log.info("no line yet", extra={"code": error.code})
        except TimeoutError:
            raise InterpreterError(
                "connection-lost", f"no line that held for {self._give_up_seconds:.0f} s"
            ) from None

    async def _open(self) -> ClientConnection:
        """A websocket that has joined, or resumed. Raises `InterpreterError`."""
        websocket = await open_line(self._address)
        try:
            async with asyncio.timeout(_JOIN_SECONDS):
                await self._say_hello(websocket)
        except BaseException as error:
            await close_line(websocket)
            if isinstance(error, TimeoutError | ConnectionClosed):
                raise InterpreterError(
                    "server-unreachable", "the line broke while joining", retryable=True
                ) from error
            raise
        self._websocket = websocket
        self._online.set()
        return websocket

    async def _say_hello(self, websocket: ClientConnection) -> None:
        join = self._join
        if self.joined:
            join = msgspec.structs.replace(
                join,
                connection=self.joined.connection,
                resume_after=self._last_event,
                resume_audio=self._outbox.first,
            )
        await websocket.send(wire.encode(join))
        message = wire.decode_server(await websocket.recv(decode=True))
        if isinstance(message, protocol.ErrorMessage):
            detail = message.detail or message.messages.get("en", "")
            again = message.retry or message.code == "join-timeout"
            raise InterpreterError(message.code, detail, retryable=again)
        if not isinstance(message, protocol.Joined):
            raise ProtocolError("bad-message", "the server's first message has to be joined")
        self.joined = message
        self._outbox.resume(message.audio)
        await self._received.put(message)

    async def _carry(self, websocket: ClientConnection) -> None:
        """Until the websocket closes."""
        writer = asyncio.create_task(self._write(websocket))
        try:
            async for data in websocket:
                if received := self._decode(data):
                    await self._received.put(received)
                if isinstance(received, protocol.EndedMessage):
                    self._over = True
        except ConnectionClosed:
            pass
        finally:
            self._online.clear()
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self, websocket: ClientConnection) -> None:
        while True:
            self._unsent.clear()
            while (frame := self._outbox.take()) is not None:
                try:
                    async with asyncio.timeout(_SEND_SECONDS):
                        await websocket.send(frame)
                except TimeoutError:
                    await close_line(websocket)
                except ConnectionClosed:
                    return
            await self._unsent.wait()

    def _decode(self, data: str | bytes) -> Received | None:
        """What came, or None if it is of no use: seen before, or only an acknowledgement."""
        try:
            if isinstance(data, bytes):
                return self._decode_speech(data)
            message = wire.decode_server(data)
        except ProtocolError as error:
            # A newer server may say things this client does not know yet.
            log.warning("not understood", extra={"code": error.code})
            return None
        match message:
            case protocol.Ack():
                self._outbox.acknowledge(message.sequence)
                return None
            case protocol.PeersMessage() | protocol.SignalMessage() | protocol.RelaysMessage():
                return None  # a desk shows no pictures, and so is told none of these
            case protocol.ErrorMessage(utterance=None):
                self._last_event = max(self._last_event, message.event)
                return message
            case protocol.NoticeMessage() if message.code in _LOST:
                return message
            case _:
                return message if self._is_new(message.event) else None

    def _decode_speech(self, data: bytes) -> SpeechFrame | None:
        utterance, event, samples = wire.decode_speech(data)
        rate = self._join.speech_rate or protocol.SPEECH_RATE
        return SpeechFrame(event, utterance, samples, rate) if self._is_new(event) else None

    def _is_new(self, event: int) -> bool:
        new = event > self._last_event
        self._last_event = max(self._last_event, event)
        return new

    def _newly_dropped(self) -> float:
        dropped = self._outbox.dropped_seconds - self._dropped_seconds
        self._dropped_seconds += dropped
        if dropped:
            log.warning("speech was lost while the line was cut", extra={"seconds": dropped})
        return dropped

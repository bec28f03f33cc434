"""The websocket at `/v1/stream`: one connection of a tablet, a browser or a desk client."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from ..audio import AudioFrame, Resampler, Samples
from ..conversation import Conversation
from ..errors import InterpreterError, ProtocolError
from ..events import Party, SpeechChunk
from ..journal import Entry
from ..languages import normalise
from ..microphone import Button
from ..reception import Reception
from ..relays import Relays
from ..roles import Role
from . import protocol, wire
from .signalling import Signalling
from .welcome import history, joined

log = logging.getLogger(__name__)

_ACK_SECONDS = 0.5
_ALIVE_SECONDS = 5.0
"""Nobody waits longer for an `ack`, so that a client can tell a dead line from a silent one."""

_SEND_SECONDS = 20.0
"""A client that takes nothing for so long is treated as cut off."""

_CLOSE_CODES = {"conversation-full": 1013, "overloaded": 1013, "internal-error": 1011}
"""Of the websocket, by error; 1008 (policy) for the others."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one websocket may do."""

    join_seconds: float = 10.0
    messages_per_second: float = 50.0
    """Text messages, over a while; twice as many may come at once."""

    catch_up_seconds: float = 90.0
    """Audio that may come faster than it was spoken, after a cut."""

    mistakes: int = 20
    """Refused messages in a row, after which going on makes no sense."""


class Allowance:
    """A token bucket: so much at once, refilled at so much a second."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._left = self._burst = burst
        self._per_second = per_second
        self._at = time.monotonic()

    def take(self, amount: float) -> bool:
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if amount > self._left:
            return False
        self._left -= amount
        return True


async def accept(websocket: WebSocket) -> None:
    """Open the websocket, with the subprotocol for those who ask for it."""
    asked = protocol.SUBPROTOCOL in websocket.scope["subprotocols"]
    await websocket.accept(subprotocol=protocol.SUBPROTOCOL if asked else None)


class Stream:
    """Carries one connection over one websocket, from `join` to the end of either."""

    def __init__(
        self, websocket: WebSocket, reception: Reception, limits: StreamLimits, relays: Relays
    ) -> None:
        self._websocket = websocket
        self._reception = reception
        self._relays = relays
        self.limits = limits
        self._messages = Allowance(2 * limits.messages_per_second, limits.messages_per_second)
        self._audio = Allowance(limits.catch_up_seconds, 1.2)
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Serve the websocket until it or its conversation ends."""
        await accept(self._websocket)
        try:
            async with asyncio.timeout(self.limits.join_seconds):
                join = await self._receive_join()
            conversation, role = self._reception.admit(join.token)
            joined = _Joined(self, conversation, join, role, self._relays)
        except TimeoutError:
            seconds = self.limits.join_seconds
            await self.refuse(
                ProtocolError("join-timeout", f"no join within {seconds} s", fatal=True)
            )
        except ProtocolError as error:
            error.fatal = True
            await self.refuse(error)
        except WebSocketDisconnect:
            return
        else:
            await joined.run()

    async def receive(self) -> protocol.ClientMessage | bytes:
        """The next message or binary frame.

        Raises `ProtocolError` for what cannot be understood, `WebSocketDisconnect` at the end.
        """
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1006))
        if (data := received.get("bytes")) is not None:
            return bytes(data)
        if not self._messages.take(1):
            raise ProtocolError(
                "too-many-messages",
                f"more than {self.limits.messages_per_second:.0f} a second",
                fatal=True,
            )
        return wire.decode_client(received["text"])

    def take_audio(self, data: bytes, rate: int) -> AudioFrame:
        """The audio in a binary frame. Raises `ProtocolError`."""
        frame = wire.decode_audio(data, rate)
        if not self._audio.take(frame.seconds):
            raise ProtocolError("audio-too-fast", "faster than it can be spoken", fatal=True)
        return frame

    async def send(self, message: protocol.Message | bytes) -> None:
        """Send; a client that takes nothing any more counts as gone (`WebSocketDisconnect`)."""
        try:
            async with asyncio.timeout(_SEND_SECONDS), self._sending:
                if isinstance(message, bytes):
                    await self._websocket.send_bytes(message)
                else:
                    await self._websocket.send_text(wire.encode(message))
        except (TimeoutError, RuntimeError):  # RuntimeError: it was closed meanwhile
            raise WebSocketDisconnect(1006) from None

    async def refuse(
        self, error: InterpreterError, languages: Sequence[str] = ("en",), event: int = 0
    ) -> None:
        """Say why something was not accepted, and hang up where going on makes no sense."""
        log.info("refused: %s", error.code)
        message = protocol.ErrorMessage(
            event=event,
            code=error.code,
            messages=wire.words(error.code, languages),
            retry=error.retryable,
            detail=str(error),
        )
        with contextlib.suppress(WebSocketDisconnect):
            await self.send(message)
            if isinstance(error, ProtocolError) and error.fatal:
                await self.close(_CLOSE_CODES.get(error.code, 1008))

    async def close(self, code: int = 1000) -> None:
        """Close the websocket, if it is still open."""
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(_SEND_SECONDS):
                await self._websocket.close(code)

    async def _receive_join(self) -> protocol.Join:
        message = await self.receive()
        if not isinstance(message, protocol.Join):
            raise ProtocolError("join-first", "the first message has to be join")
        return message


class _Joined:
    """The part of a stream's life in which it belongs to a conversation."""

    def __init__(
        self,
        stream: Stream,
        conversation: Conversation,
        join: protocol.Join,
        role: Role,
        relays: Relays,
    ) -> None:
        self._stream = stream
        self._conversation = conversation
        self._after = conversation.journal.last
        self._missing: list[str] = []
        known = conversation.reconnect(join.connection, role) if join.connection else None
        self._connection = known or conversation.connect(
            role, join.turn_taking, join.microphone_rate, join.speech_rate, video=join.video
        )
        self._signalling = Signalling(conversation, self._connection, relays, stream.send)
        self._resumes = join.connection is not None
        if self._resumes:
            self._resume(join, forgotten=known is None)
        self._history = [] if self._resumes else history(conversation)
        self._resampler: tuple[int, Resampler] | None = None
        self._deaf = ""
        """Why nobody listens, as the client was told."""

        self._mistakes = 0
        self._welcomed = asyncio.Event()
        """Set once the connection knows that it has joined."""

    async def run(self) -> None:
        connection, conversation = self._connection, self._conversation
        tasks = [
            asyncio.create_task(work)
            for work in (self._read(), self._write(), self._acknowledge(), self._be_replaced())
        ]
        tasks.append(asyncio.create_task(self._signal()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except WebSocketDisconnect:
            pass
        except ProtocolError as error:
            await self._refuse(error)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            conversation.connections.cut(connection)
        await self._stream.close()

    def _resume(self, join: protocol.Join, *, forgotten: bool) -> None:
        journal, microphone = self._conversation.journal, self._connection.microphone
        self._after = min(join.resume_after, journal.last)
        if journal.first > self._after + 1:
            self._missing.append("events-lost")
        if microphone and join.resume_audio is not None:
            if join.resume_audio > microphone.expected or forgotten:
                self._missing.append("audio-lost")
            microphone.skip_to(join.resume_audio)

    # What comes in --------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            try:
                received = await self._stream.receive()
                if isinstance(received, protocol.Leave):
                    await self._conversation.leave(self._connection)
                    return
                await self._take(received)
                self._mistakes = 0
            except InterpreterError as error:
                if isinstance(error, ProtocolError) and error.fatal:
                    raise
                self._mistakes += 1
                if self._mistakes >= self._stream.limits.mistakes:
                    raise ProtocolError(
                        "too-many-messages", "too many refused ones in a row", fatal=True
                    ) from error
                await self._refuse(error)

    async def _take(self, received: protocol.ClientMessage | bytes) -> None:
        conversation, connection = self._conversation, self._connection
        if connection.interprets and not isinstance(received, protocol.Signal):
            raise ProtocolError("not-allowed", "an interpreter speaks for neither party")
        match received:
            case bytes():
                await self._hear(received)
            case protocol.Talk(down, sequence, party):
                await self._listen(Button(down, party, sequence))
            case protocol.TypedText(text, party):
                await conversation.type(connection, text, party)
            case protocol.Correct(utterance, text, party):
                await conversation.corrections.correct(connection, utterance, text, party)
            case protocol.Confirm(utterance):
                conversation.corrections.confirm(connection, utterance)
            case protocol.SayAgain(utterance, party):
                conversation.say_again(connection, utterance, party)
            case protocol.Slower(speed, party):
                conversation.set_speed(connection, speed, party)
            case protocol.StopSpeaking(party):
                conversation.stop_speaking(connection, party)
            case protocol.Played(utterance, milliseconds):
                conversation.played(connection, utterance, milliseconds / 1000)
            case protocol.ChangeLanguage(language):
                conversation.change_language(connection, normalise(language))
            case protocol.Consent(agreed, party):
                conversation.agreements.agree(connection.party(party), agreed)
            case protocol.AgreeToRecord(agreed, party):
                conversation.agreements.agree_to_record(connection.party(party), agreed)
            case protocol.SayPhrase(phrase, party):
                await conversation.phrase(connection, phrase, party)
            case protocol.ShowCard(card, value):
                conversation.table.show(card, value)
            case protocol.HandOver(step):
                conversation.handover.step(connection.parties, step)
            case protocol.SpeakPlainly(on):
                language = conversation.languages[Party.STAFF]
                conversation.plain.switch(connection.parties, on, language)
            case protocol.Interpret(simultaneous):
                conversation.interpreting.switch(connection.parties, simultaneous)
            case protocol.Signal():
                self._signalling.pass_on(received)
            case protocol.Join():
                raise ProtocolError("already-joined", "this connection has joined before")

    async def _hear(self, data: bytes) -> None:
        if (microphone := self._connection.microphone) is None:
            raise ProtocolError("unsupported-audio", "join named no microphone_rate")
        await self._listen(self._stream.take_audio(data, microphone.rate))

    async def _listen(self, item: AudioFrame | Button) -> None:
        await self._conversation.hear(self._connection, item)
        reason = self._conversation.deaf_to(self._connection)
        code, self._deaf = self._deaf, reason.code if reason else ""
        if reason and reason.code != code:  # once, not once a frame
            raise reason

    async def _signal(self) -> None:
        await self._welcomed.wait()
        await self._signalling.run()

    async def _be_replaced(self) -> None:
        await self._connection.replaced.wait()

    # What goes out --------------------------------------------------------------------------

    async def _write(self) -> None:
        await self._stream.send(
            joined(self._conversation, self._connection, self._after if self._resumes else 0)
        )
        self._welcomed.set()
        for code in self._missing:
            await self._stream.send(self._notice(code))
        for entry in self._history:
            await self._tell(entry)
        previous = self._after
        lost = False
        async for entry in self._conversation.journal.follow(self._after):
            if entry.number > previous + 1:
                await self._stream.send(self._notice("events-lost"))
            previous = self._after = entry.number
            if entry.to is not None and entry.to not in self._connection.parties:
                continue
            if entry.event is None and not lost:
                await self._stream.send(self._notice("speech-lost"))
            lost = entry.event is None
            await self._tell(entry)

    async def _tell(self, entry: Entry) -> None:
        event, rate = entry.event, self._connection.speech_rate
        if event is None:
            return
        if isinstance(event, SpeechChunk):
            if rate is not None:
                samples = self._at_rate(event, rate)
                await self._stream.send(
                    wire.encode_audio(samples, stream=event.utterance, sequence=entry.number)
                )
        elif message := wire.to_message(event, entry.number, self._languages, rate):
            await self._stream.send(message)

    def _at_rate(self, chunk: SpeechChunk, rate: int) -> Samples:
        if self._resampler is None or self._resampler[0] != chunk.utterance:
            # What soxr still holds of the voice before is some milliseconds of its closing silence.
            self._resampler = (chunk.utterance, Resampler(chunk.rate, rate))
        return self._resampler[1].push(chunk.samples)

    async def _acknowledge(self) -> None:
        microphone = self._connection.microphone
        told, at = -1, time.monotonic()
        while True:
            await asyncio.sleep(_ACK_SECONDS / 2)
            arrived = microphone.expected - 1 if microphone else -1
            due = time.monotonic() - at > _ALIVE_SECONDS - _ACK_SECONDS
            if arrived > told or due:
                told, at = arrived, time.monotonic()
                await self._stream.send(protocol.Ack(told))

    async def _refuse(self, error: InterpreterError) -> None:
        await self._stream.refuse(error, self._languages, self._after)

    def _notice(self, code: str) -> protocol.NoticeMessage:
        return protocol.NoticeMessage(self._after, code, wire.words(code, self._languages))

    @property
    def _languages(self) -> list[str]:
        return [self._conversation.languages[party] for party in self._connection.parties]

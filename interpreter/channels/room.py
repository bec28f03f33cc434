"""The websocket of an appointment's waiting room."""

import asyncio
import contextlib
import logging

from starlette.websockets import WebSocket, WebSocketDisconnect

from ..errors import BusyError, InterpreterError, ProtocolError, StorageError
from ..messages import LANGUAGES
from ..waiting_room import Seat, WaitingRooms
from . import wire
from .protocol import room as protocol
from .stream import Allowance, accept

log = logging.getLogger(__name__)

_ENTER_SECONDS = 10.0
_SEND_SECONDS = 20.0
"""A client that takes nothing for so long is gone."""

_MESSAGES_PER_SECOND = 2.0
_MESSAGES_AT_ONCE = 20.0
_MISTAKES = 10
"""Refused messages in a row."""


class RoomSocket:
    """Carries one person's place over one websocket."""

    def __init__(self, websocket: WebSocket, rooms: WaitingRooms) -> None:
        self._websocket = websocket
        self._rooms = rooms
        self._allowance = Allowance(_MESSAGES_AT_ONCE, _MESSAGES_PER_SECOND)
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Serve the websocket until it closes, or the appointment is over."""
        try:
            await accept(self._websocket)
            entered = await self._enter()
            if isinstance(entered, protocol.RoomMessage):
                await self._send(entered)
            else:
                await self._stay(entered)
            await self._close(1000)
        except WebSocketDisconnect:
            pass
        except InterpreterError as error:
            await self.turn_away(error)

    async def turn_away(self, error: InterpreterError, *, accept_first: bool = False) -> None:
        """Say why this cannot go on, and close."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            if accept_first:
                await accept(self._websocket)
            await self._refuse(error)
        await self._close(1013 if isinstance(error, BusyError | StorageError) else 1008)

    async def _enter(self) -> Seat | protocol.RoomMessage:
        try:
            async with asyncio.timeout(_ENTER_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise ProtocolError("join-timeout", f"no enter within {_ENTER_SECONDS} s") from None
        if not isinstance(message, protocol.Enter):
            raise ProtocolError("join-first", "the first message has to be enter")
        return await self._rooms.enter(message.link)

    async def _stay(self, seat: Seat) -> None:
        tasks = [asyncio.create_task(work) for work in (self._read(seat), self._write(seat))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._rooms.leave(seat)

    async def _write(self, seat: Seat) -> None:
        """Tell how things are whenever they have changed; what came between is left out."""
        while True:
            seat.changed.clear()
            if seat.replaced:
                raise ProtocolError("opened-elsewhere", "a newer websocket has this link")
            message = self._rooms.message(seat)
            await self._send(message)
            if message.state in ("over", "revoked"):
                return
            await seat.changed.wait()

    async def _read(self, seat: Seat) -> None:
        mistakes = 0
        while True:
            try:
                message = await self._receive()
                if isinstance(message, protocol.LeaveRoom):
                    return
                self._take(seat, message)
                mistakes = 0
            except InterpreterError as error:
                mistakes += 1
                if mistakes >= _MISTAKES or (isinstance(error, ProtocolError) and error.fatal):
                    raise
                await self._refuse(error)

    def _take(self, seat: Seat, message: protocol.RoomClientMessage) -> None:
        match message:
            case protocol.Ready(language):
                self._rooms.ready(seat, language)
            case protocol.Admit(interpreting):
                self._rooms.admit(seat, interpreting)
            case protocol.Enter():
                raise ProtocolError("already-joined", "this websocket has entered before")

    async def _receive(self) -> protocol.RoomClientMessage:
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1006))
        if not self._allowance.take(1):
            raise ProtocolError(
                "too-many-messages", f"more than {_MESSAGES_PER_SECOND:.0f} a second", fatal=True
            )
        if received.get("text") is None:
            raise ProtocolError("bad-message", "there is no sound here")
        return wire.decode_in_room(received["text"])

    async def _refuse(self, error: InterpreterError) -> None:
        log.info("refused: %s", error.code)
        words = wire.words(error.code, LANGUAGES)
        await self._send(protocol.RoomError(error.code, words, error.retryable, str(error)))

    async def _send(self, message: protocol.RoomServerMessage) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS), self._sending:
                await self._websocket.send_text(wire.encode(message))
        except (TimeoutError, RuntimeError):  # RuntimeError: it was closed meanwhile
            raise WebSocketDisconnect(1006) from None

    async def _close(self, code: int) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(_SEND_SECONDS):
                await self._websocket.close(code)

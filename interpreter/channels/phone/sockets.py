"""A websocket, whichever side opened it: no await without an end, one way to be gone."""

import asyncio
from contextlib import suppress
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from .dialect import Message

SEND_SECONDS = 10.0
"""A peer that takes nothing for so long is gone."""

QUIET_SECONDS = 600.0
"""A peer that sends nothing for so long is gone, even if it answers pings: nobody waits longer on
hold. A dead connection is found by the pings, within a minute.
"""

_PROPER_ENDS = {1000, 1001}
"""Close codes of a peer that meant to close. (1005, none, is also what a lost connection gets.)"""


class GoneError(Exception):
    """The websocket is closed; `meant` tells whether the peer closed it in the proper way."""

    def __init__(self, *, meant: bool) -> None:
        super().__init__("the websocket is closed")
        self.meant = meant


class Socket(Protocol):
    """Text and binary frames. One task receives, one sends."""

    async def receive(self) -> Message:
        """The next frame. Raises `GoneError`."""
        ...

    async def send(self, message: Message) -> None:
        """Raises `GoneError`."""
        ...

    async def close(self, code: int = 1000) -> None:
        """Close the websocket, if it is open."""
        ...


class ServerSocket:
    """A websocket that a peer opened, and that was accepted."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> Message:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                received = await self._websocket.receive()
        except (TimeoutError, RuntimeError):  # RuntimeError: it was closed before
            raise GoneError(meant=False) from None
        if received["type"] == "websocket.disconnect":
            raise GoneError(meant=received.get("code", 1005) in _PROPER_ENDS)
        data = received.get("bytes")
        return bytes(data) if data is not None else str(received["text"])

    async def send(self, message: Message) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                if isinstance(message, bytes):
                    await self._websocket.send_bytes(message)
                else:
                    await self._websocket.send_text(message)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            raise GoneError(meant=False) from None

    async def close(self, code: int = 1000) -> None:
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
            async with asyncio.timeout(SEND_SECONDS):
                await self._websocket.close(code)


class ClientSocket:
    """A websocket that was opened from here."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> Message:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                return await self._connection.recv()
        except TimeoutError:
            raise GoneError(meant=False) from None
        except ConnectionClosed:
            raise GoneError(meant=self._connection.close_code in _PROPER_ENDS) from None

    async def send(self, message: Message) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._connection.send(message)
        except (TimeoutError, ConnectionClosed):
            raise GoneError(meant=False) from None

    async def close(self, code: int = 1000) -> None:
        with suppress(TimeoutError, ConnectionClosed):
            async with asyncio.timeout(SEND_SECONDS):
                await self._connection.close(code)

"""What one browser that shows pictures is told of the others, and tells them."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from ..connection import Connection
from ..conversation import Conversation
from ..errors import ProtocolError
from ..relays import Relays
from ..roles import PARTIES
from . import protocol

Send = Callable[[protocol.Message], Awaitable[None]]


class Signalling:
    """Of one connection, over one websocket."""

    def __init__(
        self, conversation: Conversation, connection: Connection, relays: Relays, send: Send
    ) -> None:
        self._connections = conversation.connections
        self._connection = connection
        self._relays = relays
        self._send = send

    async def run(self) -> None:
        """Tell what there is to tell; without pictures nothing, for ever."""
        post = self._connections.peers.post(self._connection.name)
        if post is None:
            await asyncio.Event().wait()
            return
        await self._send(self._relays_now())
        await self._send(self._peers())
        every = self._relays.seconds / 2
        due = time.monotonic() + every
        message: protocol.Message
        while True:
            try:
                async with asyncio.timeout(due - time.monotonic()):
                    message = await post.take() or self._peers()
            except TimeoutError:
                message, due = self._relays_now(), time.monotonic() + every
            await self._send(message)

    def pass_on(self, signal: protocol.Signal) -> None:
        """Give another browser what this one says. Raises `ProtocolError`."""
        given = (signal.description, signal.candidate, signal.media)
        if len([each for each in given if each is not None]) != 1:
            raise ProtocolError("bad-message", "signal: one of description, candidate, media")
        name = self._connection.name
        self._connections.peers.send(name, signal.to, protocol.SignalMessage(name, *given))

    def _relays_now(self) -> protocol.RelaysMessage:
        # The names in a TURN server's log must not tell who talked with whom.
        relays = [
            protocol.RelayState(list(each.urls), each.username, each.credential)
            for each in self._relays.given_to(self._connection.name[:6])
        ]
        return protocol.RelaysMessage(relays, self._relays.seconds)

    def _peers(self) -> protocol.PeersMessage:
        return protocol.PeersMessage(
            [
                protocol.PeerState(
                    each.connection, each.role, list(PARTIES[each.role]), each.polite, each.away
                )
                for each in self._connections.around(self._connection)
            ]
        )

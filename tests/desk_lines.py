"""Lines to a real server that break where told, and somebody who notes what arrives over them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
from conftest import Server

from interpreter.audio import Samples, silence
from interpreter.channels import protocol
from interpreter.errors import InterpreterError
from interpreter_desk.address import Address
from interpreter_desk.connection import Connection, Received, SpeechFrame
from interpreter_desk.rest import Invitation, Staff

T = TypeVar("T")


class Relay:
    """A line to the server that can be cut, and that can go dead without a word."""

    def __init__(self, server: Server) -> None:
        self.port = 0
        self.dead = False
        self.refusing = False
        self.cuts = 0
        self._host, _, port = server.address.removeprefix("http://").partition(":")
        self._server_port = int(port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> Address:
        return Address(f"http://127.0.0.1:{self.port}")

    def cut(self) -> None:
        """Break every connection, at once and rudely."""
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def stop(self) -> None:
        self.cut()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await asyncio.sleep(0.01)  # for the sockets to be closed

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._host, self._server_port)
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(4096):
                if not self.dead:
                    sink.write(data)
                    await sink.drain()
        sink.transport.abort()


@asynccontextmanager
async def relayed(server: Server) -> AsyncIterator[Relay]:
    relay = Relay(server)
    async with await asyncio.start_server(relay.connect, "127.0.0.1", 0) as listening:
        relay.port = listening.sockets[0].getsockname()[1]
        try:
            yield relay
        finally:
            await relay.stop()


def staff(server: Server) -> Staff:
    return Staff(Address(server.address), server.key)


@asynccontextmanager
async def invited(server: Server) -> AsyncIterator[Invitation]:
    """A conversation; a server holds only so many."""
    invitation = await staff(server).create_conversation("en", "pt")
    try:
        yield invitation
    finally:
        with contextlib.suppress(InterpreterError):  # it is over already
            await staff(server).end_conversation(invitation.conversation)


def typist(token: str) -> protocol.Join:
    """Somebody who only types and reads."""
    return protocol.Join(token, speech_rate=None)


def speaker(token: str) -> protocol.Join:
    """Somebody who speaks and listens."""
    return protocol.Join(token, microphone_rate=16_000)


class Ears:
    """Everything a connection receives."""

    def __init__(self, connection: Connection) -> None:
        self.received: list[Received] = []
        self.failure: InterpreterError | None = None
        self._connection = connection
        self._task = asyncio.create_task(self._listen())

    def of(self, kind: type[T]) -> list[T]:
        return [each for each in self.received if isinstance(each, kind)]

    def voice(self, utterance: int | None = None) -> Samples:
        """What was heard, of one utterance or of all."""
        heard = [frame for frame in self.of(SpeechFrame) if utterance in (None, frame.utterance)]
        return np.concatenate([silence(0), *(frame.samples for frame in heard)])

    async def until(self, done: Callable[[], object], seconds: float = 30.0) -> None:
        for _ in range(round(seconds / 0.02)):
            if done():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"not within {seconds} s")

    async def end(self, seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            await self._task

    async def _listen(self) -> None:
        try:
            async for received in self._connection:
                self.received.append(received)
        except InterpreterError as error:
            self.failure = error

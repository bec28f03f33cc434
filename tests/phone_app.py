"""A small service that takes telephone lines over websockets, and whoever is on them."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from interpreter.audio import Samples, silence
from interpreter.channels.phone.line import Digit, Heard, Line, LineEvent, Reached
from interpreter.errors import PhoneError

E = TypeVar("E")


@dataclass
class Desk:
    """Takes one line, and keeps everything that happens on it."""

    line: Line | None = None
    events: list[LineEvent] = field(default_factory=list)
    error: PhoneError | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared, the desk reads nothing."""

    def __post_init__(self) -> None:
        self.listening.set()

    async def take(self, line: Line) -> None:
        self.line = line
        self.taken.set()
        try:
            await self.listening.wait()
            async for event in line.events():
                self.events.append(event)
        except PhoneError as error:
            self.error = error
        finally:
            self.over.set()

    async def its_line(self) -> Line:
        async with asyncio.timeout(20):
            await self.taken.wait()
        assert self.line
        return self.line

    async def until_over(self) -> None:
        async with asyncio.timeout(30):
            await self.over.wait()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def heard(self) -> Samples:
        return np.concatenate([silence(0), *(event.samples for event in self.of(Heard))])

    @property
    def digits(self) -> str:
        return "".join(event.digit for event in self.of(Digit))

    def has_reached(self, mark: str) -> bool:
        return mark in self.marks

    @property
    def marks(self) -> list[str]:
        return [event.mark for event in self.of(Reached)]


async def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something is so."""
    for _ in range(round(seconds / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def holds(sound: Samples, part: Samples) -> bool:
    """Whether a sound holds another, sample by sample."""
    found = sound.tobytes().find(part.tobytes())
    return found >= 0 and found % 2 == 0


def tone(seconds: float, rate: int, hertz: float = 440.0) -> Samples:
    """A tone of changing loudness, so that no stretch of it is like another."""
    at = np.arange(round(seconds * rate)) / rate
    loudness = 3_000 + 9_000 * at / max(seconds, 0.01)
    return np.asarray(loudness * np.sin(2 * np.pi * hertz * at), np.int16)


@contextlib.asynccontextmanager
async def serving(answer: Callable[[WebSocket], Awaitable[None]]) -> AsyncIterator[int]:
    """The port at which `answer` takes websockets, at any path."""
    app = Starlette(routes=[WebSocketRoute("/{path:path}", answer)])
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, ws="websockets-sansio", log_config=None, ws_max_size=2**20, lifespan="off"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    await until(lambda: server.started)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        async with asyncio.timeout(20):
            await task

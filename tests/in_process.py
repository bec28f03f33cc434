"""A real service on a real socket within the test's own process, so that a test can look inside."""

import asyncio
import contextlib
import dataclasses
import json
import socket
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

import msgspec
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from interpreter.channels import protocol, wire
from interpreter.connection import ConversationLimits, Engines
from interpreter.engines import House, office_of
from interpreter.models import load_profile
from interpreter.server import Service
from interpreter.settings import ServerSettings, Settings

M = TypeVar("M")
F = TypeVar("F", protocol.TranscriptMessage, protocol.TranslationMessage)
KEY = "a key that is only used in tests"


@dataclasses.dataclass(frozen=True)
class Running:
    """A service that listens."""

    service: Service
    port: int
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    def open(self, staff: str = "en", visitor: str = "pt", **more: bool) -> dict[str, str]:
        """A new conversation's tokens."""
        request = urllib.request.Request(
            f"{self.address}/v1/conversations",
            json.dumps({"staff_language": staff, "visitor_language": visitor} | more).encode(),
            {"Authorization": f"Bearer {KEY}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            tokens: dict[str, str] = json.load(answer)["tokens"]
        return tokens

    @contextlib.asynccontextmanager
    async def websocket(self) -> AsyncIterator[ClientConnection]:
        """A bare websocket, not joined yet."""
        async with connect(
            f"ws://{self.host}:{self.port}/v1/stream",
            subprotocols=[Subprotocol(protocol.SUBPROTOCOL)],
            proxy=None,
            max_queue=None,  # what nobody reads must not keep the close frame from being read
        ) as websocket:
            yield websocket


@contextlib.contextmanager
def running(
    engines: Engines,
    settings: Settings | None = None,
    load: Callable[[House], House] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[Running]:
    """Serve with these engines in a thread until the block ends.

    Without `load` the block begins when they are ready; with it, at once.
    """
    settings = settings or Settings(server=ServerSettings(conversations=100))
    offices = {"": office_of("", settings.office)}
    house = House(engines, load_profile("embedded"), (), 0.0, offices)
    service = Service(settings, KEY, lambda: load(house) if load else house)
    listening = socket.create_server((host, 0))
    server = uvicorn.Server(
        uvicorn.Config(service.app(), ws="websockets-sansio", log_config=None, ws_max_size=2**20)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    try:
        while not (server.started and (load or service.reception)):
            thread.join(0.01)
            assert thread.is_alive()
        yield Running(service, listening.getsockname()[1], host)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def with_limits(**limits: float) -> Settings:
    """Settings with other limits of a conversation."""
    return Settings(conversation=msgspec.convert(limits, ConversationLimits, strict=False))


async def receive(websocket: ClientConnection, seconds: float = 20.0) -> protocol.ServerMessage:
    """The next text message; binary frames are passed over."""
    async with asyncio.timeout(seconds):
        while True:
            received = await websocket.recv()
            if isinstance(received, str):
                return wire.decode_server(received)


async def receive_until(websocket: ClientConnection, kind: type[M], seconds: float = 20.0) -> M:
    """The next message of a kind."""
    async with asyncio.timeout(seconds):
        while not isinstance(message := await receive(websocket, seconds), kind):
            pass
        return message


async def receive_final(websocket: ClientConnection, kind: type[F], seconds: float = 20.0) -> F:
    """The next transcript or translation that is complete; partial ones are passed over."""
    async with asyncio.timeout(seconds):
        while not (message := await receive_until(websocket, kind, seconds)).final:
            pass
        return message

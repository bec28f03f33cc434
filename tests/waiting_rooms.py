"""People who make appointments, and who come to their waiting rooms."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from in_process import KEY, Running, running
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from interpreter.connection import Engines
from interpreter.settings import OfficeSettings, ServerSettings, Settings

OFFICE = OfficeSettings(title={"de": "Bürgeramt", "en": "Citizens' office"})
SETTINGS = Settings(office=OFFICE, server=ServerSettings(conversations=100))
Told = dict[str, Any]


@contextlib.contextmanager
def serving(
    engines: Engines,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    settings: Settings = SETTINGS,
) -> Iterator[Running]:
    """A service with appointments of its own, once it can keep them."""
    monkeypatch.setenv("INTERPRETER_STATE", str(folder))
    with running(engines, settings) as service:
        for _ in range(1000):
            status, _ = ask(service, "GET", "/v1/appointments")
            if status == 200:
                break
        yield service


def ask(
    house: Running, method: str, path: str, body: object = None, key: str = KEY, **headers: str
) -> tuple[int, Told]:
    data = json.dumps(body).encode() if body is not None else None
    request = Request(f"{house.address}{path}", data, headers, method=method)
    request.add_header("Authorization", f"Bearer {key}")
    try:
        with urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or "{}")
    except HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def wish(starts: datetime | None = None, **more: object) -> Told:
    starts = starts or datetime.now(UTC) + timedelta(minutes=10)
    return {"starts": starts.isoformat(), "minutes": 30, "staff_language": "en"} | more


def make(house: Running, starts: datetime | None = None, **more: object) -> Told:
    """A new appointment; without anything, one that has opened."""
    status, made = ask(house, "POST", "/v1/appointments", wish(starts, **more))
    assert status == 201, made
    return made


def link(made: Told, role: str) -> str:
    page, _, secret = made["links"][role].partition("/call#")
    assert page.startswith("http://127.0.0.1:")
    return str(secret)


class Place:
    """Somebody's websocket in a waiting room."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket

    async def say(self, kind: str, **fields: object) -> None:
        await self._websocket.send(json.dumps({"type": kind} | fields))

    async def send(self, text: str | bytes) -> None:
        await self._websocket.send(text)

    async def told(self) -> Told:
        async with asyncio.timeout(20):
            message: Told = json.loads(await self._websocket.recv())
        return message

    async def until(self, **wanted: object) -> Told:
        """The next message that holds all this."""
        while True:
            message = await self.told()
            if wanted.items() <= message.items():
                return message

    async def refused(self) -> str:
        """The code of the next error."""
        return str((await self.until(type="error"))["code"])

    async def closed(self) -> int | None:
        """With which code the service closes; what is still said before is passed over."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.told()
        return self._websocket.close_code


@contextlib.asynccontextmanager
async def arrived(house: Running) -> AsyncIterator[Place]:
    address = f"ws://127.0.0.1:{house.port}/v1/appointments/room"
    async with connect(address, proxy=None, max_queue=None) as websocket:
        yield Place(websocket)


@contextlib.asynccontextmanager
async def entered(house: Running, made: Told, role: str) -> AsyncIterator[Place]:
    async with arrived(house) as place:
        await place.say("enter", link=link(made, role))
        yield place

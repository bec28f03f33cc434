"""The telephone of a running service: calls that an Asterisk brings, and who may see them."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.request import Request, urlopen

import numpy as np
import pytest
from asterisk_double import Channel, calling
from in_process import KEY, Running, running
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interpreter.audio import from_bytes, level
from interpreter.channels.phone.settings import PhoneSettings
from interpreter.connection import Engines
from interpreter.settings import Settings

SECRET = "the secret of an Asterisk"


@pytest.fixture(scope="module")
def house(engines: Engines) -> Iterator[Running]:
    phone = PhoneSettings(language="en", clerks=("201",), menu=("pt",), office_number="112")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("INTERPRETER_ASTERISK_SECRET", SECRET)
        with running(engines, replace(Settings(), phone=phone)) as served:
            yield served


def ongoing(house: Running) -> list[dict[str, object]]:
    request = Request(f"{house.address}/v1/calls", headers={"Authorization": f"Bearer {KEY}"})
    with urlopen(request, timeout=10) as answer:
        calls: list[dict[str, object]] = json.load(answer)["calls"]
    return calls


def address(house: Running, path: str = "asterisk") -> str:
    return f"ws://127.0.0.1:{house.port}/v1/phone/{path}?number=4930123&called=500"


async def until(house: Running, state: str) -> dict[str, object]:
    for _ in range(300):
        calls = await asyncio.to_thread(ongoing, house)
        if calls and calls[0]["state"] == state:
            return calls[0]
        await asyncio.sleep(0.1)
    raise AssertionError(f"no call became {state}")


async def sound(channel: Channel) -> None:
    """Wait until something was heard."""
    for _ in range(300):
        if len(channel.heard) > 32_000 and level(from_bytes(bytes(channel.heard))) > -40:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("nothing was heard")


def test_a_caller_is_received_and_told_that_nobody_is_there(house: Running) -> None:
    """There is no exchange to call the clerk through, so the call ends with the office's number."""

    async def main() -> None:
        quiet = np.zeros(16_000, np.int16).tobytes()
        authorized = {"Authorization": f"Bearer {SECRET}"}
        async with calling(address(house), headers=authorized) as channel:
            await channel.start()
            await channel.speak(quiet)
            await sound(channel)
            call = await until(house, "received")
            assert "4930123" not in json.dumps(call)
            with contextlib.suppress(ConnectionClosed):  # it hangs up when all is said
                for _ in range(60):
                    await channel.press("1")
                    await channel.speak(quiet)
            assert not await asyncio.to_thread(ongoing, house)

    asyncio.run(main())


@pytest.mark.parametrize("path", ["asterisk", "media"])
def test_strangers_are_turned_away(house: Running, path: str) -> None:
    async def main() -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with calling(address(house, path)):
                pass
        assert refused.value.response.status_code == 403

    asyncio.run(main())
    assert ongoing(house) == []

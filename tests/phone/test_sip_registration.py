"""Registering at a real exchange: the password, its restarts, calls through it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interpreter.channels.phone.line import Heard
from interpreter.channels.phone.sip import SipSettings
from interpreter.channels.phone.sip_registration import Registration, wait_seconds
from interpreter.errors import PhoneError, SettingsError

from .service import Desk, ended, next_of, phone_service, trunk
from .sound import babble, likeness
from .telephones import PATIENCE, Exchange, Telephone

REGISTERED = Registration("registered")


def extension(exchange: Exchange, **changes: Any) -> SipSettings:
    settings = trunk(user="interpreter", registrar=exchange.address, peers=())
    return replace(settings, **changes)


class States:
    """What was told about the registration."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Registration] = asyncio.Queue()

    def __call__(self, registration: Registration) -> None:
        self.told.put_nowait(registration)

    async def next(self, seconds: float = PATIENCE) -> Registration:
        return await asyncio.wait_for(self.told.get(), seconds)


def test_calls_both_ways_through_the_exchange(
    exchange: Exchange, telephone: Callable[..., Telephone]
) -> None:
    says = babble(20, 8_000)
    options = {"says": says, "registrar": exchange.address, "password": exchange.password}
    visitor = telephone(**options, user="visitor")
    clerk = telephone(**options, user="clerk", answers=True)

    async def scenario() -> None:
        states, desk = States(), Desk()
        settings = extension(exchange, destinations=("clerk",))
        async with phone_service(settings, desk, exchange.password, states) as service:
            assert await states.next() == REGISTERED
            visitor.do("dial", f"sip:interpreter@{exchange.address}")
            line = await desk.line()
            assert (line.caller.caller, line.caller.called) == ("visitor", "interpreter")
            other = await service.dial("clerk", PATIENCE)
            for each in (line, other):
                heard = [(await next_of(each, Heard)).samples for _ in range(200)]
                assert likeness(says, np.concatenate(heard), 8_000) >= 0.98
            await other.hang_up()
            await asyncio.to_thread(clerk.wait, "CALL_CLOSED")
            visitor.do("hangup")
            await ended(line)
            with pytest.raises(PhoneError) as raised:
                await service.dial("nobody", PATIENCE)
            assert raised.value.code == "not-allowed"
        assert await states.next() == Registration("closed")

    asyncio.run(scenario())


def test_a_wrong_password_is_told_and_never_shown(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        states = States()
        async with phone_service(extension(exchange), password="Wr0ng!", on_registration=states):
            assert await states.next() == Registration("failed", "sip-wrong-password")

    with caplog.at_level("DEBUG"):
        asyncio.run(scenario())
    assert "Wr0ng!" not in caplog.text
    assert exchange.registrations == 0


def test_it_registers_again_when_the_exchange_comes_back(exchange: Exchange) -> None:
    async def scenario() -> None:
        states = States()
        settings = extension(exchange, register_seconds=4)
        async with phone_service(
            settings, password=exchange.password, on_registration=states
        ) as service:
            assert await states.next() == REGISTERED
            exchange.stop()
            assert await states.next(60) == Registration("failed", "sip-unreachable")
            assert service.registration.code == "sip-unreachable"
            before = exchange.registrations
            await asyncio.to_thread(exchange.start)
            assert await states.next(90) == REGISTERED
            assert exchange.registrations > before

    asyncio.run(scenario())


def test_it_waits_for_an_exchange_that_is_not_there_yet(network: None, tmp_path: Path) -> None:
    exchange = Exchange(tmp_path / "exchange")

    async def scenario() -> None:
        states = States()
        async with phone_service(
            extension(exchange), password=exchange.password, on_registration=states
        ):
            assert await states.next(60) == Registration("failed", "sip-unreachable")
            await asyncio.to_thread(exchange.start)
            assert await states.next(60) == REGISTERED

    asyncio.run(scenario())
    exchange.stop()


def test_waits_grow_and_differ() -> None:
    waits = [wait_seconds("sip-unreachable", failures) for failures in range(1, 12)]
    assert 0.7 <= waits[0] <= 1.3
    assert all(wait <= 78 for wait in waits)
    assert waits[-1] >= 42
    assert len(set(waits)) == len(waits)
    assert wait_seconds("sip-wrong-password", 1) >= 210


def test_a_second_telephone_in_the_process_is_refused(network: None) -> None:
    async def scenario() -> None:
        async with phone_service(trunk()):
            with pytest.raises(PhoneError) as raised:
                async with phone_service(trunk()):
                    pass
            assert raised.value.code == "sip-not-started"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"host": "0.0.0.0"}, "sip-bad-host"),
        ({"host": "pbx.example"}, "sip-bad-host"),
        ({"peers": ()}, "sip-no-peers"),
        ({"rtp_ports": (20_000, 20_010)}, "sip-few-ports"),
        ({"codecs": ()}, "sip-no-codec"),
        ({"destinations": ("1",)}, "sip-no-exchange"),
    ],
)
def test_contradictory_settings_are_refused(changes: dict[str, object], code: str) -> None:
    async def scenario() -> None:
        with pytest.raises(SettingsError) as raised:
            async with phone_service(trunk(**changes)):
                pass
        assert raised.value.code == code

    asyncio.run(scenario())


def test_a_peer_that_has_no_address_is_told(network: None) -> None:
    async def scenario() -> None:
        with pytest.raises(PhoneError) as raised:
            async with phone_service(trunk(peers=("no-such-host.invalid",))):
                pass
        assert raised.value.code == "sip-unreachable"

    asyncio.run(scenario())

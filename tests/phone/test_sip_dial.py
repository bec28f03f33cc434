"""Calls the service makes, to a real telephone and to where there is none."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
import pytest

from interpreter.channels.phone.line import Heard, Reached
from interpreter.channels.phone.sip import SipSettings
from interpreter.errors import PhoneError

from .network import HOST, free_port
from .service import ended, next_of, phone_service, trunk
from .sound import babble, likeness
from .telephones import PATIENCE, Telephone

Start = Callable[..., Telephone]


def towards(phone: Telephone, **changes: object) -> SipSettings:
    return trunk(proxy=phone.address, destinations=("desk", "030*"), **changes)


def code_of(settings: SipSettings, number: str, ring_seconds: float = PATIENCE) -> str:
    """What comes of a call that is not answered."""

    async def scenario() -> str:
        async with phone_service(settings) as service:
            with pytest.raises(PhoneError) as raised:
                await service.dial(number, ring_seconds)
            return raised.value.code

    return asyncio.run(scenario())


@pytest.mark.parametrize(("codec", "rate"), [("PCMA", 8_000), ("G722", 16_000)])
def test_a_dialled_call_has_sound_both_ways(telephone: Start, codec: str, rate: int) -> None:
    says, speech = babble(20, rate), babble(3, rate, seed=2)
    phone = telephone(says=says, user="desk", answers=True, rate=rate, codecs=f"{codec}/{rate}/1")

    async def scenario() -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
        async with phone_service(towards(phone)) as service:
            line = await service.dial("desk", PATIENCE)
            assert (line.rate, line.caller.called) == (rate, "desk")
            await line.play(speech)
            await line.mark("end")
            heard = [(await next_of(line, Heard)).samples for _ in range(100)]
            assert await next_of(line, Reached) == Reached("end")
            await asyncio.sleep(0.3)
            await line.hang_up()
            await asyncio.to_thread(phone.wait, "CALL_CLOSED")
            return np.concatenate(heard)

    heard = asyncio.run(scenario())
    assert likeness(says, heard, rate) >= 0.99
    assert likeness(speech, phone.heard()[: 2 * rate], rate) >= 0.99


def test_the_other_side_hangs_up(telephone: Start) -> None:
    phone = telephone(says=babble(20, 8_000), user="desk", answers=True)

    async def scenario() -> None:
        async with phone_service(towards(phone)) as service:
            line = await service.dial("desk", PATIENCE)
            await next_of(line, Heard)
            phone.do("hangup")
            await ended(line)

    asyncio.run(scenario())


def test_a_refusing_telephone_is_busy(telephone: Start) -> None:
    phone = telephone(says=babble(20, 8_000), user="desk")

    async def scenario() -> str:
        async with phone_service(towards(phone)) as service:
            calling = asyncio.create_task(service.dial("desk", PATIENCE))
            await asyncio.to_thread(phone.wait, "CALL_INCOMING")
            phone.do("hangup")
            with pytest.raises(PhoneError) as raised:
                await calling
            return raised.value.code

    assert asyncio.run(scenario()) == "busy"


def test_nobody_answers_and_it_stops_ringing(telephone: Start) -> None:
    phone = telephone(says=babble(20, 8_000), user="desk")
    assert code_of(towards(phone), "desk", ring_seconds=3.0) == "no-answer"
    phone.wait("CALL_INCOMING")
    phone.wait("CALL_CLOSED")


def test_who_gives_up_dialling_stops_the_ringing(telephone: Start) -> None:
    phone = telephone(says=babble(20, 8_000), user="desk")

    async def scenario() -> None:
        async with phone_service(towards(phone)) as service:
            calling = asyncio.create_task(service.dial("desk", PATIENCE))
            await asyncio.to_thread(phone.wait, "CALL_INCOMING")
            calling.cancel()
            await asyncio.to_thread(phone.wait, "CALL_CLOSED")
            with pytest.raises(asyncio.CancelledError):
                await calling

    asyncio.run(scenario())


def test_who_gives_up_at_once_leaves_nobody_ringing(telephone: Start) -> None:
    phone = telephone(says=babble(20, 8_000), user="desk")

    async def scenario() -> None:
        async with phone_service(towards(phone)) as service:
            calling = asyncio.create_task(service.dial("desk", PATIENCE))
            # So soon that the library has not yet told of the call it sends out.
            await asyncio.sleep(0)
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
            await asyncio.to_thread(phone.wait, "CALL_INCOMING")
            await asyncio.to_thread(phone.wait, "CALL_CLOSED")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "number", ["0900123", "desk2", "", "03", "030@evil.example", "030 5", "030;x=1", "030\r\nX: y"]
)
def test_only_configured_numbers_are_dialled(telephone: Start, number: str) -> None:
    phone = telephone(says=babble(1, 8_000), user="desk")
    assert code_of(towards(phone), number) == "not-allowed"
    with pytest.raises(AssertionError):
        phone.wait("CALL_INCOMING", 0.5)


def test_without_destinations_nothing_is_dialled() -> None:
    assert not SipSettings().allows("112")
    assert SipSettings(destinations=("0049*", "12")).allows("004930123")
    assert SipSettings(destinations=("0049*", "12")).allows("12")
    assert not SipSettings(destinations=("0049*", "12")).allows("123")


def test_an_exchange_that_does_not_answer_is_unreachable(network: None) -> None:
    settings = trunk(proxy=f"{HOST}:{free_port()}", destinations=("desk",))
    assert code_of(settings, "desk", ring_seconds=2.0) == "unreachable"


def test_an_unknown_number_is_unreachable(telephone: Start) -> None:
    phone = telephone(says=babble(1, 8_000), user="somebody")
    assert code_of(towards(phone), "0301", ring_seconds=PATIENCE) == "unreachable"


def test_no_free_port_for_sound_is_told(telephone: Start) -> None:
    phone = telephone(says=babble(1, 8_000), user="desk", answers=True)
    first = free_port()
    settings = towards(phone, rtp_ports=(first, first + 3), calls=1)
    with ExitStack() as stack:
        for port in range(first, first + 4):
            taken = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            taken.bind((HOST, port))
        assert code_of(settings, "desk") == "no-ports"


def test_more_calls_than_lines_are_not_made(telephone: Start) -> None:
    phone = telephone(says=babble(20, 8_000), user="desk", answers=True)

    async def scenario() -> None:
        async with phone_service(towards(phone, calls=1)) as service:
            line = await service.dial("desk", PATIENCE)
            with pytest.raises(PhoneError) as raised:
                await service.dial("desk", PATIENCE)
            assert raised.value.code == "too-many-calls"
            await line.hang_up()
            await asyncio.to_thread(phone.wait, "CALL_CLOSED")
            again = await service.dial("desk", PATIENCE)
            await again.hang_up()

    asyncio.run(scenario())

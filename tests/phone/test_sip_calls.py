"""Calls from a real telephone: sound both ways, keys, hold, and every kind of end."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from interpreter.audio import Samples
from interpreter.channels.phone.line import Digit, Heard, Held, Line, Reached
from interpreter.channels.phone.sip import IncomingCall, SipSettings
from interpreter.errors import PhoneError

from .service import Desk, ended, next_of, phone_service, trunk
from .sound import babble, correlation, likeness
from .telephones import PATIENCE, Telephone

Start = Callable[..., Telephone]


def dial(phone: Telephone, settings: SipSettings, number: str = "5000") -> None:
    phone.do("dial", f"sip:{number}@{settings.host}:{settings.port}")


@pytest.mark.parametrize(("codec", "rate"), [("PCMA", 8_000), ("PCMU", 8_000), ("G722", 16_000)])
def test_sound_passes_both_ways_unharmed(telephone: Start, codec: str, rate: int) -> None:
    says = babble(20, rate)
    phone = telephone(says=says, rate=rate, codecs=f"{codec}/{rate}/1")
    settings = trunk()
    heard: list[Samples] = []

    async def echo(line: Line) -> None:
        async for event in line.events():
            if isinstance(event, Heard):
                heard.append(event.samples)
                await line.play(event.samples)

    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            dial(phone, settings)
            line = await desk.line()
            assert line.rate == rate
            assert (line.caller.caller, line.caller.called) == ("visitor", "5000")
            task = asyncio.create_task(echo(line))
            await asyncio.sleep(6)
            phone.do("hangup")
            await asyncio.wait_for(task, PATIENCE)

    asyncio.run(scenario())
    assert {len(piece) for piece in heard} == {rate // 50}
    assert likeness(says, np.concatenate(heard), rate) >= 0.99
    assert likeness(says, phone.heard(), rate) >= 0.99


def test_prepared_speech_is_heard_whole_and_marks_tell_when(telephone: Start) -> None:
    speech = babble(3, 8_000, seed=2)
    phone = telephone(says=np.zeros(160_000, np.int16))
    settings = trunk()

    async def scenario() -> float:
        desk = Desk()
        async with phone_service(settings, desk):
            dial(phone, settings)
            line = await desk.line()
            clock = asyncio.get_running_loop().time
            start = clock()
            await line.play(speech[:12_000])
            await line.mark("half")
            await line.play(speech[12_000:])
            await line.mark("end")
            assert await next_of(line, Reached) == Reached("half")
            half = clock() - start
            assert await next_of(line, Reached) == Reached("end")
            whole = clock() - start
            await line.hang_up()
            await asyncio.to_thread(phone.wait, "CALL_CLOSED")
        assert half > 1.4
        return whole

    assert asyncio.run(scenario()) > 2.9
    heard = phone.heard()
    assert correlation(speech, heard) >= 0.99


def test_what_is_flushed_is_not_heard_and_its_marks_are_told(telephone: Start) -> None:
    phone = telephone(says=np.zeros(160_000, np.int16))
    settings = trunk()

    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            dial(phone, settings)
            line = await desk.line()
            await line.play(babble(10, 8_000))
            await line.mark("never")
            await asyncio.sleep(1)
            await line.flush()
            assert await next_of(line, Reached) == Reached("never")
            await line.play(babble(1, 8_000, seed=3))
            await line.mark("after")
            assert await next_of(line, Reached) == Reached("after")
            await asyncio.sleep(0.5)
            await line.hang_up()
            await asyncio.to_thread(phone.wait, "CALL_CLOSED")

    asyncio.run(scenario())
    heard = phone.heard()
    loud = np.flatnonzero(np.abs(heard) > 200)
    assert (loud[-1] - loud[0]) / 8_000 < 3.5
    assert correlation(babble(1, 8_000, seed=3), heard[loud[-1] - 8_000 :]) >= 0.95


def test_keys_arrive(telephone: Start) -> None:
    phone = telephone(says=np.zeros(160_000, np.int16))
    settings = trunk()

    async def scenario() -> str:
        desk = Desk()
        async with phone_service(settings, desk):
            dial(phone, settings)
            line = await desk.line()
            await next_of(line, Heard)
            digits = ""
            for key in "1*#":
                phone.do("sndcode", key)
                digits += (await next_of(line, Digit)).digit
            return digits

    assert asyncio.run(scenario()) == "1*#"


def test_hold_is_told_and_sound_goes_on_after_it(telephone: Start) -> None:
    says = babble(30, 8_000)
    phone = telephone(says=says)
    settings = trunk()

    async def scenario() -> list[Samples]:
        desk = Desk()
        async with phone_service(settings, desk):
            dial(phone, settings)
            line = await desk.line()
            await next_of(line, Heard)
            await asyncio.sleep(0.5)
            phone.do("hold")
            assert await next_of(line, Held) == Held(True)
            # The row of pieces goes on while nothing comes.
            for _ in range(50):
                await next_of(line, Heard)
            phone.do("resume")
            assert await next_of(line, Held) == Held(False)
            heard = [(await next_of(line, Heard)).samples for _ in range(100)]
            await line.hang_up()
            await asyncio.to_thread(phone.wait, "CALL_CLOSED")
            return heard

    assert likeness(says, np.concatenate(asyncio.run(scenario())), 8_000) >= 0.99


def test_the_service_hangs_up(telephone: Start) -> None:
    phone = telephone(says=babble(30, 8_000))
    settings = trunk()

    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            dial(phone, settings)
            line = await desk.line()
            await line.hang_up()
            await asyncio.to_thread(phone.wait, "CALL_CLOSED")
            # An ended line does nothing, and its events end.
            await line.play(babble(1, 8_000))
            await line.mark("x")
            await line.flush()
            await line.hang_up()
            assert Reached("x") not in await ended(line)

    asyncio.run(scenario())


def test_closing_the_service_ends_its_calls(telephone: Start) -> None:
    phone = telephone(says=babble(30, 8_000))
    settings = trunk()

    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            dial(phone, settings)
            line = await desk.line()
        await asyncio.to_thread(phone.wait, "CALL_CLOSED")
        await ended(line)

    asyncio.run(scenario())


def test_a_refused_call_is_busy(telephone: Start) -> None:
    phone = telephone(says=babble(30, 8_000))
    settings = trunk()

    async def scenario() -> str:
        async with phone_service(settings):
            dial(phone, settings)
            ended = await asyncio.to_thread(phone.wait, "CALL_CLOSED")
            return str(ended["param"])

    assert "486" in asyncio.run(scenario())


def test_a_call_can_be_answered_late_or_given_up_before(telephone: Start) -> None:
    phone = telephone(says=babble(30, 8_000))
    settings = trunk()
    offered: asyncio.Queue[IncomingCall]

    async def on_call(call: IncomingCall) -> None:
        await offered.put(call)
        await asyncio.wait_for(call.gone.wait(), PATIENCE)

    async def scenario() -> None:
        nonlocal offered
        offered = asyncio.Queue()
        async with phone_service(settings, on_call):
            dial(phone, settings)
            call = await asyncio.wait_for(offered.get(), PATIENCE)
            await asyncio.to_thread(phone.wait, "CALL_RINGING")
            await asyncio.sleep(1)
            line = await call.answer()
            await next_of(line, Heard)
            phone.do("hangup")
            await ended(line)

            dial(phone, settings)
            call = await asyncio.wait_for(offered.get(), PATIENCE)
            phone.do("hangup")
            await asyncio.wait_for(call.gone.wait(), PATIENCE)
            with pytest.raises(PhoneError) as raised:
                await call.answer()
            assert raised.value.code == "hung-up"
            await call.refuse()

    asyncio.run(scenario())


def test_a_broken_desk_refuses_and_tells_no_text(
    telephone: Start, caplog: pytest.LogCaptureFixture
) -> None:
    phone = telephone(says=babble(30, 8_000))
    settings = trunk()

    secret = "what somebody said".upper()

    async def on_call(call: IncomingCall) -> None:
        raise ValueError(secret)

    async def scenario() -> str:
        async with phone_service(settings, on_call):
            dial(phone, settings)
            ended = await asyncio.to_thread(phone.wait, "CALL_CLOSED")
            return str(ended["param"])

    assert "486" in asyncio.run(scenario())
    assert "ValueError" in caplog.text
    assert secret not in caplog.text
    assert "visitor" not in caplog.text


def test_two_calls_at_once_are_kept_apart(telephone: Start) -> None:
    says = [babble(30, 8_000, seed=seed) for seed in (5, 6)]
    phones = [telephone(says=each, user=f"visitor{n}") for n, each in enumerate(says)]
    settings = trunk()

    async def scenario() -> list[Samples]:
        desk = Desk()
        async with phone_service(settings, desk):
            lines = {}
            for phone in phones:
                dial(phone, settings)
                line = await desk.line()
                lines[line.caller.caller] = line
            heard = []
            for n in range(2):
                line = lines[f"visitor{n}"]
                await line.play(babble(2, 8_000, seed=7 + n))
                pieces = [(await next_of(line, Heard)).samples for _ in range(150)]
                heard.append(np.concatenate(pieces))
            await asyncio.sleep(1)
        for phone in phones:
            await asyncio.to_thread(phone.wait, "CALL_CLOSED")
        return heard

    heard = asyncio.run(scenario())
    for n in range(2):
        assert likeness(says[n], heard[n], 8_000) >= 0.99
        assert correlation(babble(2, 8_000, seed=7 + n), phones[n].heard()) >= 0.95

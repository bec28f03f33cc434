"""What real telephones do seldom: holds with nothing sent, other codecs, INFO, loss, odd clocks."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from interpreter.audio import Samples, resample
from interpreter.channels.phone.line import Digit, Heard, Held, Line, Reached
from interpreter.channels.phone.sip import IncomingCall, SipSettings
from interpreter.errors import PhoneError

from .service import Desk, ended, next_of, phone_service, trunk
from .sound import babble, correlation, likeness
from .telephones import PATIENCE
from .wire import Wire

RATE = 8_000
SILENCE = 8
"""What A-law makes of it."""


@pytest.fixture
def settings(network: None) -> SipSettings:
    return trunk()


@pytest.fixture
def wire(settings: SipSettings) -> Iterator[Wire]:
    made = Wire(settings.port)
    yield made
    made.close()


async def pieces(line: Line, count: int) -> Samples:
    return np.concatenate([(await next_of(line, Heard)).samples for _ in range(count)])


def test_what_waits_during_a_hold_is_played_after_it(settings: SipSettings, wire: Wire) -> None:
    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            await asyncio.to_thread(wire.call)
            line = await desk.line()
            await asyncio.sleep(0.5)
            await asyncio.to_thread(wire.change, direction="inactive", count=10)
            assert await next_of(line, Held) == Held(True)
            await line.play(babble(1.5, RATE))
            await line.mark("played")
            await pieces(line, 100)
            assert np.abs(wire.heard()).max() <= SILENCE
            await asyncio.to_thread(wire.change, count=20)
            assert await next_of(line, Held) == Held(False)
            assert await next_of(line, Reached) == Reached("played")
            await asyncio.sleep(0.3)
            await asyncio.to_thread(wire.end)

    asyncio.run(scenario())
    assert correlation(babble(1.5, RATE), wire.heard()) >= 0.99


def test_the_rate_stays_when_the_codec_changes(settings: SipSettings, wire: Wire) -> None:
    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            await asyncio.to_thread(wire.call, codec="9")
            line = await desk.line()
            assert line.rate == 16_000
            await asyncio.to_thread(wire.change, codec="8", count=10)
            saying = asyncio.create_task(asyncio.to_thread(wire.say, babble(5, RATE)))
            heard = await pieces(line, 225)
            assert len(heard) == 225 * 320
            assert likeness(resample(babble(5, RATE), RATE, 16_000), heard, 16_000) >= 0.9
            await line.play(babble(2, 16_000, seed=2))
            await line.mark("played")
            assert await next_of(line, Reached) == Reached("played")
            await saying
            await asyncio.to_thread(wire.end)

    asyncio.run(scenario())
    assert correlation(resample(babble(2, 16_000, seed=2), 16_000, RATE), wire.heard()) >= 0.95


def test_a_caller_with_a_camera_is_only_heard(settings: SipSettings, wire: Wire) -> None:
    camera = "m=video 40000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=sendrecv\r\n"

    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            wire.request("INVITE", wire.offer() + camera)
            assert await asyncio.to_thread(wire.status) == 200
            wire.request("ACK")
            line = await desk.line()
            await pieces(line, 10)
            assert wire.asked[0] == "INVITE"

    asyncio.run(scenario())


def test_a_caller_without_a_camera_is_asked_nothing(settings: SipSettings, wire: Wire) -> None:
    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            await asyncio.to_thread(wire.call)
            await pieces(await desk.line(), 50)
            assert wire.asked == []

    asyncio.run(scenario())


def test_keys_by_info_arrive(settings: SipSettings, wire: Wire) -> None:
    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            await asyncio.to_thread(wire.call)
            line = await desk.line()
            body = "Signal=7\r\nDuration=160\r\n"
            wire.request("INFO", body, count=2, kind="dtmf-relay")
            assert await next_of(line, Digit) == Digit("7")

    asyncio.run(scenario())


def test_lost_packets_leave_no_gap_in_the_row(settings: SipSettings, wire: Wire) -> None:
    says = babble(6, RATE)

    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            await asyncio.to_thread(wire.call)
            line = await desk.line()
            saying = asyncio.create_task(asyncio.to_thread(wire.say, says, lost=0.01))
            heard = await pieces(line, 275)
            assert likeness(says, heard, RATE) >= 0.7
            await saying
            # The other side falls silent without a word: silence goes on.
            silence = await pieces(line, 200)
            assert not np.any(silence[-RATE:])

    asyncio.run(scenario())


@pytest.mark.parametrize("clock", [0.97, 1.03])
def test_a_wrong_clock_lets_nothing_pile_up(
    settings: SipSettings, wire: Wire, clock: float
) -> None:
    """Half a second in sixteen: clocks of telephones take three hours for it."""
    says = babble(16, RATE)

    async def echo(line: Line) -> None:
        async for event in line.events():
            if isinstance(event, Heard):
                await line.play(event.samples)

    async def scenario() -> list[float]:
        desk = Desk()
        async with phone_service(settings, desk):
            await asyncio.to_thread(wire.call)
            task = asyncio.create_task(echo(await desk.line()))
            times = await asyncio.to_thread(wire.say, says, clock=clock)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(wire.end)
            await asyncio.wait_for(task, PATIENCE)
        return times

    times = asyncio.run(scenario())
    delays = [delay for at in range(0, 15) if (delay := wire.delay(at, says, times)) is not None]
    assert len(delays) >= 6
    assert abs(np.median(delays[-3:]) - np.median(delays[:3])) < 0.25


def test_a_line_nothing_comes_from_is_given_up(network: None) -> None:
    settings = trunk(lost_seconds=2)
    wire = Wire(settings.port)

    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            await asyncio.to_thread(wire.call)
            line = await desk.line()
            await asyncio.to_thread(wire.say, babble(1, RATE))
            with pytest.raises(PhoneError) as raised:
                await ended(line)
            assert raised.value.code == "line-lost"

    asyncio.run(scenario())
    wire.close()


def test_the_caller_vanishes_before_acknowledging(settings: SipSettings, wire: Wire) -> None:
    async def scenario() -> None:
        codes: asyncio.Queue[str] = asyncio.Queue()

        async def on_call(call: IncomingCall) -> None:
            try:
                await call.answer()
            except PhoneError as error:
                codes.put_nowait(error.code)

        async with phone_service(settings, on_call):
            wire.request("INVITE", wire.offer())
            assert await asyncio.to_thread(wire.status) == 200
            assert await asyncio.wait_for(codes.get(), PATIENCE) == "hung-up"

    asyncio.run(scenario())

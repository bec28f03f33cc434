"""Who may not call, and what others send who mean no good, while honest calls go on."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from interpreter.channels.phone.doorkeeper import Pace
from interpreter.channels.phone.line import Heard
from interpreter.channels.phone.sip import IncomingCall, SipSettings

from .network import HOST
from .service import Desk, next_of, phone_service, trunk
from .sound import babble, likeness
from .telephones import PATIENCE, Telephone, program
from .wire import Wire

STRANGER = "127.0.0.66"
"""Another address of the loopback, which no setting names."""


@contextmanager
def flood(settings: SipSettings, folder: Path, source: str) -> Iterator[None]:
    """sipp calls again and again, 200 times a second, until the block is left."""
    command = [
        *(program("sipp"), f"{settings.host}:{settings.port}", "-sn", "uac", "-i", source),
        *("-r", "200", "-l", "2000", "-nostdin", "-recv_timeout", "500", "-timeout", "60"),
    ]
    with (folder / "sipp.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield
        assert process.poll() is None, (folder / "sipp.log").read_text(errors="replace")[-1000:]
    finally:
        process.kill()
        process.wait()


def test_a_stranger_is_not_even_answered(network: None) -> None:
    settings = trunk()
    stranger, peer = Wire(settings.port, host=STRANGER), Wire(settings.port)
    offered: list[IncomingCall] = []

    async def on_call(call: IncomingCall) -> None:
        offered.append(call)

    async def scenario() -> tuple[int, int]:
        async with phone_service(settings, on_call):
            stranger.request("INVITE", stranger.offer())
            stranger.request("OPTIONS")
            nothing = await asyncio.to_thread(stranger.status, "INVITE", 1.5)
            peer.request("INVITE", peer.offer())
            return nothing, await asyncio.to_thread(peer.status)

    assert asyncio.run(scenario()) == (0, 486)
    assert len(offered) == 1
    stranger.close()
    peer.close()


def test_a_network_can_be_a_peer(network: None) -> None:
    settings = trunk(peers=("127.0.0.64/30",))
    neighbour, other = Wire(settings.port, host=STRANGER), Wire(settings.port)

    async def scenario() -> tuple[int, int]:
        async with phone_service(settings):
            for each in (neighbour, other):
                each.request("INVITE", each.offer())
            answered = await asyncio.to_thread(neighbour.status)
            return answered, await asyncio.to_thread(other.status, "INVITE", 1.0)

    assert asyncio.run(scenario()) == (486, 0)
    neighbour.close()
    other.close()


def test_a_flood_from_strangers_does_not_touch_a_call(
    telephone: Callable[..., Telephone], tmp_path: Path
) -> None:
    says = babble(20, 8_000)
    phone = telephone(says=says)
    settings = trunk()
    offered = 0

    async def scenario() -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
        nonlocal offered
        desk = Desk()

        async def on_call(call: IncomingCall) -> None:
            nonlocal offered
            offered += 1
            await desk(call)

        async with phone_service(settings, on_call):
            with flood(settings, tmp_path, STRANGER):
                await asyncio.sleep(1)
                phone.do("dial", f"sip:5000@{HOST}:{settings.port}")
                line = await desk.line()
                heard = [(await next_of(line, Heard)).samples for _ in range(150)]
            await line.hang_up()
            return np.concatenate(heard)

    heard = asyncio.run(scenario())
    assert offered == 1
    assert likeness(says, heard, 8_000) >= 0.99


def test_a_peer_that_calls_too_often_is_busy_and_others_get_through(
    telephone: Callable[..., Telephone], tmp_path: Path
) -> None:
    phone = telephone(says=babble(20, 8_000))
    settings = trunk(calls_per_second=10.0)
    offered = 0

    async def on_call(call: IncomingCall) -> None:
        nonlocal offered
        offered += 1
        await call.refuse()

    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, on_call) as service:
            clock = asyncio.get_running_loop().time
            start = clock()
            with flood(settings, tmp_path, HOST):
                await asyncio.sleep(3)
            assert offered <= 10 * (clock() - start) + 10
            service._on_call = desk
            await asyncio.sleep(1)
            phone.do("dial", f"sip:5000@{HOST}:{settings.port}")
            await next_of(await desk.line(), Heard)

    asyncio.run(scenario())
    assert offered > 0


MALFORMED = [
    "",
    "\r\n\r\n",
    "INVITE",
    "INVITE sip:x SIP/2.0\r\n\r\n",
    "\x00" * 1_200,
    "INVITE sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
    "From: <sip:a@b>;tag=1\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n"
    "Content-Type: application/sdp\r\nContent-Length: 99999\r\n\r\nv=0\r\n",
    "INVITE sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK2\r\n"
    "From: <sip:" + "a" * 4_000 + "@b>;tag=1\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: two\r\n"
    "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
    "INVITE sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK3\r\n"
    "From: <sip:\udcff\udcfe%00@b>;tag=1\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: three\r\n"
    "CSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1>\r\nContent-Type: application/sdp\r\n"
    "Content-Length: 30\r\n\r\nv=0\r\nm=audio 0 RTP/AVP 8 8 8\r\n",
    "BYE sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK4\r\n"
    "From: <sip:a@b>;tag=1\r\nTo: <sip:100@127.0.0.1>;tag=none\r\nCall-ID: four\r\n"
    "CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
    "REFER sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK5\r\n"
    "From: <sip:a@b>;tag=1\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: five\r\nCSeq: 1 REFER\r\n"
    "Refer-To: <sip:00990@127.0.0.1>\r\nContent-Length: 0\r\n\r\n",
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK6\r\nCSeq: 1 INVITE\r\n\r\n",
]


def test_malformed_messages_of_a_peer_harm_nobody(network: None) -> None:
    settings = trunk()
    sender, honest = Wire(settings.port), Wire(settings.port)

    async def scenario() -> None:
        desk = Desk()
        async with phone_service(settings, desk):
            await asyncio.to_thread(honest.call)
            line = await desk.line()
            for message in MALFORMED:
                sender.raw(message)
            await asyncio.sleep(0.5)
            saying = asyncio.create_task(asyncio.to_thread(honest.say, babble(2, 8_000)))
            heard = [(await next_of(line, Heard)).samples for _ in range(100)]
            await saying
            assert np.abs(np.concatenate(heard)).max() > 1_000
            await asyncio.to_thread(honest.end)

    asyncio.run(scenario())
    sender.close()
    honest.close()


def test_a_transfer_asked_for_by_a_peer_is_not_made(network: None) -> None:
    settings = trunk()
    wire, target = Wire(settings.port), Wire(settings.port)

    async def scenario() -> int:
        desk = Desk()
        async with phone_service(settings, desk):
            await asyncio.to_thread(wire.call)
            await desk.line()
            port = target._port
            head = f"Refer-To: <sip:00990@{HOST}:{port}>\r\nX: "
            wire.request("REFER", count=2, kind=f"x\r\n{head}")
            status = await asyncio.to_thread(wire.status, "REFER")
            await asyncio.sleep(1)
            return status

    status = asyncio.run(scenario())
    assert "INVITE" not in target.asked
    assert status != 0
    wire.close()
    target.close()


def test_a_call_without_a_known_codec_is_refused(network: None) -> None:
    settings = trunk()
    wire = Wire(settings.port)

    async def scenario() -> int:
        async with phone_service(settings):
            wire.request("INVITE", wire.offer(codec="18"))
            return await asyncio.to_thread(wire.status)

    assert asyncio.run(scenario()) == 488
    wire.close()


@pytest.mark.parametrize("calls", [10])
def test_ten_calls_at_once(network: None, tmp_path: Path, calls: int) -> None:
    settings = trunk(calls=calls, calls_per_second=50.0)
    most = 0

    async def scenario() -> int:
        async def on_call(call: IncomingCall) -> None:
            nonlocal most
            line = await call.answer()
            most = max(most, len(service._calls))
            async for _ in line.events():
                pass

        async with phone_service(settings, on_call) as service:
            command = [
                *(program("sipp"), f"{settings.host}:{settings.port}", "-sn", "uac", "-i", HOST),
                *("-r", "10", "-l", str(calls), "-m", str(2 * calls), "-d", "2000"),
                *("-nostdin", "-timeout", "40", "-timeout_error"),
            ]
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            return await asyncio.wait_for(process.wait(), 3 * PATIENCE)

    assert asyncio.run(scenario()) == 0
    assert most == calls


def test_the_pace_lets_so_many_through_and_no_more() -> None:
    pace = Pace(2.0)
    assert [pace.admits(10.0) for _ in range(4)] == [True, True, False, False]
    assert pace.admits(10.5)
    assert not pace.admits(10.5)
    assert [pace.admits(60.0) for _ in range(3)] == [True, True, False]

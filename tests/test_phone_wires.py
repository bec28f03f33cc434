"""What the phone's websockets are built of: parsers, the peer's buffer, time limits."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phone_app import serving, tone
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from interpreter.channels.phone import socket_line, sockets
from interpreter.channels.phone.asterisk import Asterisk, Event, command, parse_event
from interpreter.channels.phone.dialect import (
    LINEAR_16,
    MU_LAW,
    Dialect,
    Flow,
    Message,
    NotUnderstoodError,
    Played,
    Sound,
    Stopped,
    as_caller,
    as_object,
)
from interpreter.channels.phone.line import Caller, Digit, Heard, Reached
from interpreter.channels.phone.media_stream import MediaStream, parse_message
from interpreter.channels.phone.opening import begin
from interpreter.channels.phone.peer_buffer import PATIENCE_SECONDS, PeerBuffer
from interpreter.channels.phone.socket_line import SocketLine
from interpreter.channels.phone.sockets import GoneError, ServerSocket
from interpreter.errors import PhoneError

DIALECTS: list[Dialect] = [
    Asterisk(LINEAR_16, 640, json=True),
    Asterisk(MU_LAW, 160, json=False),
    MediaStream(MU_LAW, "MZ1"),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
EVENTS = "MEDIA_START DTMF_END MEDIA_XOFF MEDIA_XON QUEUE_DRAINED MEDIA_MARK_PROCESSED media dtmf"
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "event": st.sampled_from([*EVENTS.split(), "mark", "start", "stop"]) | JSON,
        "digit": st.text(max_size=2) | JSON,
        "correlation_id": JSON,
        "media": JSON | st.fixed_dictionaries({"payload": st.text() | JSON}),
        "mark": JSON | st.fixed_dictionaries({"name": JSON}),
        "dtmf": JSON | st.fixed_dictionaries({"digit": JSON}),
        "start": JSON,
    },
)
MESSAGES: st.SearchStrategy[Message] = (
    st.binary(max_size=700) | st.text() | (LIKELY | JSON).map(json.dumps)
)


@given(MESSAGES)
def test_any_message_is_read_or_not_understood(message: Message) -> None:
    for dialect in DIALECTS:
        try:
            told = dialect.read(message)
        except NotUnderstoodError:
            continue
        if isinstance(told, Sound):
            assert told.samples.dtype == np.int16
        if isinstance(told, Digit):
            assert told.digit in "0123456789*#ABCD"


@given(st.text())
def test_any_text_is_an_event_or_is_not(text: str) -> None:
    for parse in (parse_event, parse_message, as_object):
        try:
            parse(text)
        except NotUnderstoodError as error:
            assert not text or text not in str(error) or len(text) < 3


@given(st.dictionaries(st.text(), JSON, max_size=80))
def test_of_any_variables_a_caller_is_made(variables: dict[str, Any]) -> None:
    caller = as_caller(variables)
    assert len(caller.variables) <= 64
    texts = [caller.caller, caller.called, *caller.variables, *caller.variables.values()]
    assert all(len(text) <= 256 for text in texts)


def test_the_caller_is_found_and_the_secret_is_not_kept() -> None:
    given_: dict[str, object] = {"number": " 4930", "called": "40", "secret": "s", "n": 5, "x": [1]}
    caller = as_caller(given_)
    assert (caller.caller, caller.called, caller.variables) == ("+4930", "40", {"n": "5"})


@given(st.sampled_from("0123456789*#ABCD"), st.from_regex(r"m[0-9]{1,9}", fullmatch=True))
def test_both_formats_tell_the_same(digit: str, mark: str) -> None:
    plain, as_json = Asterisk(LINEAR_16, 640, json=False), Asterisk(LINEAR_16, 640, json=True)
    for text, fields in (
        (f"DTMF_END digit:{digit} channel_id:17.5", {"event": "DTMF_END", "digit": digit}),
        (
            f"MEDIA_MARK_PROCESSED {mark}",
            {"event": "MEDIA_MARK_PROCESSED", "correlation_id": mark},
        ),
        ("MEDIA_XOFF", {"event": "MEDIA_XOFF", "channel_id": "17.5"}),
        ("MEDIA_BUFFERING_COMPLETED 5", {"event": "MEDIA_BUFFERING_COMPLETED"}),
    ):
        assert plain.read(text) == as_json.read(json.dumps(fields))
    assert plain.read(f"DTMF_END digit:{digit}") == Digit(digit)
    assert plain.read(f"MEDIA_MARK_PROCESSED {mark}") == Played(mark)
    assert plain.read("MEDIA_XON") == Flow(True)


def test_the_document_s_own_messages() -> None:
    plain = parse_event(
        "MEDIA_START connection_id:5c3a channel:WebSocket/connection1/0x7f channel_id:1764.12 "
        "format:slin16 optimal_frame_size:640 ptime:20"
    )
    assert plain == Event(
        "MEDIA_START",
        {
            "connection_id": "5c3a",
            "channel": "WebSocket/connection1/0x7f",
            "channel_id": "1764.12",
            "format": "slin16",
            "optimal_frame_size": "640",
            "ptime": "20",
        },
        json=False,
    )
    assert command("MARK_MEDIA", "m1", json=False) == "MARK_MEDIA m1"
    assert (
        command("MARK_MEDIA", "m1", json=True) == '{"command":"MARK_MEDIA","correlation_id":"m1"}'
    )
    assert command("HANGUP", json=True) == '{"command":"HANGUP"}'
    stream = MediaStream(MU_LAW, "MZ1")
    assert json.loads(stream.flush) == {"event": "clear", "streamSid": "MZ1"}
    assert stream.read('{"event":"stop","stop":{}}') == Stopped()
    told = stream.read('{"event":"media","media":{"track":"inbound","payload":"//8A"}}')
    assert isinstance(told, Sound)
    assert told.samples.tolist() == [0, 0, -32_124]


def test_a_peer_that_does_not_answer_marks_plays_by_our_clock() -> None:
    peer = PeerBuffer(8_000, answers=False)
    peer.send(8_000, 10.0)
    peer.mark(10.0)
    assert [peer.underway(at) for at in (10.0, 10.5, 11.0, 12.0)] == [8_000, 4_000, 0, 0]
    peer.send(800, 12.0)
    peer.flush(12.05)
    assert peer.underway(12.05) == 0


def test_a_mark_corrects_our_clock() -> None:
    peer = PeerBuffer(8_000, answers=True)
    peer.send(8_000, 0.0)
    name = peer.mark(0.0)
    peer.send(4_000, 0.5)
    assert peer.underway(2.0) == 4_001  # our clock says all was played; the mark is not back yet
    peer.played(name, 2.1)
    assert peer.underway(2.1) == 4_000
    assert peer.underway(2.35) == 2_000


def test_a_faster_clock_at_the_other_end_does_not_add_up() -> None:
    """An hour of sound that never stops, played 100 parts in a million too fast."""
    peer, fast, rate = PeerBuffer(8_000, answers=True), 1.0001, 8_000
    for second in range(3_600):
        peer.send(rate, float(second))
        played = min(peer.sent, round((second + 1) * rate * fast))
        peer.played(peer.mark(float(second)), second + 1.0)
        assert abs(peer.underway(second + 1.0) - (peer.sent - played)) <= 1


def test_a_mark_that_does_not_come_back_is_given_up() -> None:
    peer = PeerBuffer(8_000, answers=True)
    peer.send(800, 0.0)
    late = peer.mark(0.0)
    assert peer.underway(0.1 + PATIENCE_SECONDS) == 1
    assert peer.underway(0.2 + PATIENCE_SECONDS) == 0
    assert not peer.answers
    peer.played(late, 3.0)
    assert peer.answers


def test_a_mark_from_before_a_flush_says_nothing() -> None:
    peer = PeerBuffer(8_000, answers=True)
    peer.send(8_000, 0.0)
    old = peer.mark(0.0)
    peer.flush(0.1)
    peer.send(4_000, 0.1)
    peer.played(old, 0.2)
    assert peer.underway(0.2) == 3_200


def test_a_drained_peer_has_nothing_left() -> None:
    peer = PeerBuffer(8_000, answers=False)
    peer.send(8_000, 0.0)
    peer.ask()
    peer.drained(0.9)
    assert peer.underway(0.9) == 0
    peer.send(8_000, 1.0)
    peer.ask()
    peer.send(8_000, 1.1)  # underway to the peer when it says so
    peer.drained(2.0)
    assert peer.underway(2.0) == 8_000


class Peer:
    """A peer that is slower or quicker than any real one can be made to be."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Message | GoneError] = asyncio.Queue()
        self.gone = False
        self.drained_at_once = False

    async def receive(self) -> Message:
        told = await self.told.get()
        if isinstance(told, GoneError):
            raise told
        return told

    async def send(self, message: Message) -> None:
        if self.gone:
            self.told.put_nowait(GoneError(meant=True))
            raise GoneError(meant=False)
        if self.drained_at_once and message == "REPORT_QUEUE_DRAINED":
            self.told.put_nowait("QUEUE_DRAINED")

    async def close(self, code: int = 1000) -> None:
        self.gone = True


def test_a_peer_that_hung_up_is_not_lost_though_sending_fails_first() -> None:
    async def run() -> None:
        peer = Peer()
        peer.gone = True
        line = SocketLine(peer, Asterisk(LINEAR_16, 640, json=False), Caller())
        async with asyncio.timeout(20):
            assert [event async for event in line.events() if not isinstance(event, Heard)] == []
            await line.hang_up()

    asyncio.run(run())


def test_an_old_asterisk_says_when_everything_was_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_line, "AHEAD_SECONDS", 60.0)

    async def run() -> None:
        peer = Peer()
        peer.drained_at_once = True
        line = SocketLine(peer, Asterisk(LINEAR_16, 640, json=False), Caller())
        await line.play(tone(50.0, 16_000))
        await line.mark("all of it")
        async with asyncio.timeout(20):
            async for event in line.events():
                if isinstance(event, Reached):
                    break
            await line.hang_up()

    asyncio.run(run())


def test_a_call_that_never_begins_is_given_up() -> None:
    async def run() -> None:
        codes = []

        async def answer(websocket: WebSocket) -> None:
            await websocket.accept()
            with pytest.raises(PhoneError) as caught:
                await begin(ServerSocket(websocket), lambda _: None, 0.2)
            codes.append(caught.value.code)

        async with serving(answer) as port, connect(f"ws://127.0.0.1:{port}/") as peer:
            for _ in range(150):
                await peer.send(bytes(640))
            await peer.wait_closed()
        assert codes == ["no-start"]

    asyncio.run(run())


def test_what_comes_early_is_bounded() -> None:
    async def run() -> None:
        found = []

        async def answer(websocket: WebSocket) -> None:
            await websocket.accept()
            socket = ServerSocket(websocket)
            found.append(await begin(socket, lambda text: text if text == "go" else None))

        async with serving(answer) as port, connect(f"ws://127.0.0.1:{port}/") as peer:
            for number in range(150):
                await peer.send(number.to_bytes(2, "big"))
            await peer.send("go")
            await peer.wait_closed()
        (said, early), *_ = found
        assert (said, len(early), early[-1]) == ("go", 100, (149).to_bytes(2, "big"))

    asyncio.run(run())


def test_a_peer_that_takes_nothing_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SEND_SECONDS", 0.3)

    async def run() -> None:
        gone = asyncio.Event()

        async def answer(websocket: WebSocket) -> None:
            await websocket.accept()
            socket = ServerSocket(websocket)
            with pytest.raises(GoneError) as caught:
                for _ in range(1_000):
                    await socket.send(bytes(60_000))
            assert not caught.value.meant
            gone.set()
            await socket.close(1008)

        async with serving(answer) as port:
            url = f"ws://127.0.0.1:{port}/"
            peer = await connect(url, compression=None, max_queue=1, ping_interval=None)
            try:
                async with asyncio.timeout(30):
                    await gone.wait()
            finally:
                peer.transport.abort()

    asyncio.run(run())


def test_a_peer_that_says_nothing_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "QUIET_SECONDS", 0.2)

    async def run() -> None:
        meant = []

        async def answer(websocket: WebSocket) -> None:
            await websocket.accept()
            with pytest.raises(GoneError) as caught:
                await ServerSocket(websocket).receive()
            meant.append(caught.value.meant)

        async with serving(answer) as port, connect(f"ws://127.0.0.1:{port}/") as peer:
            await peer.wait_closed()
        assert meant == [False]

    asyncio.run(run())

"""Lines to a Twilio double, over real websockets."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator

import pytest
from phone_app import Desk, holds, serving, tone, until
from starlette.websockets import WebSocket
from twilio_double import STREAM, Stream, streaming
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interpreter.channels.phone import media_stream
from interpreter.channels.phone.media_stream import is_signed, signature
from interpreter.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law

TOKEN = "12345"
URL = "wss://phone.example.org/v1/phone/media"


@contextlib.asynccontextmanager
async def desk(
    encoding: str = "audio/x-mulaw", signed: str = signature(TOKEN, URL)
) -> AsyncIterator[tuple[Desk, Stream]]:
    """A desk, and a Twilio that has connected to it."""
    taker = Desk()

    async def answer(websocket: WebSocket) -> None:
        await media_stream.serve(websocket, TOKEN, URL, taker.take)

    async with (
        serving(answer) as port,
        streaming(f"ws://127.0.0.1:{port}/v1/phone/media", signed, encoding) as stream,
    ):
        yield taker, stream


@pytest.mark.parametrize(
    ("encoding", "rate"), [("audio/x-mulaw", 8_000), ("audio/x-mulaw", "8000"), ("PCMA", 8_000)]
)
def test_a_whole_call(encoding: str, rate: object) -> None:
    async def run() -> None:
        mu_law = encoding != "PCMA"
        encode, decode = (encode_mu_law, decode_mu_law) if mu_law else (encode_a_law, decode_a_law)
        async with desk(encoding) as (taker, stream):
            await stream.start(rate=rate, number="+4930123", called="4000", lang="uk")
            line = await taker.its_line()
            assert line.rate == 8_000
            assert (line.caller.caller, line.caller.called) == ("+4930123", "4000")
            assert line.caller.variables == {"lang": "uk", "callSid": "CA7"}

            question, answer = tone(0.5, 8_000), tone(0.613, 8_000, 700)
            await line.play(answer)
            await line.mark("said")
            await stream.speak(encode(question), pause=0.0)
            await stream.speak(encode(answer), track="outbound", pause=0.0)
            await stream.press("5#d")
            await until(lambda: taker.marks == ["said"] and taker.digits == "5#D")
            assert holds(decode(bytes(stream.heard)), decode(encode(answer)))
            await until(lambda: holds(taker.heard, decode(encode(question))))
            assert not holds(taker.heard, decode(encode(answer))[:800])

            await stream.stop()
            await taker.until_over()
            await stream.connection.wait_closed()
            assert (taker.error, stream.wrong) == (None, [])
            assert stream.connection.close_code == 1000

    asyncio.run(run())


def test_hanging_up_closes_the_stream() -> None:
    async def run() -> None:
        async with desk() as (taker, stream):
            await stream.start()
            line = await taker.its_line()
            await line.play(tone(30.0, 8_000))
            await line.mark("never")
            await line.hang_up()
            await stream.connection.wait_closed()
            await taker.until_over()
            assert (taker.error, taker.marks, stream.wrong) == (None, [], [])

    asyncio.run(run())


def test_what_was_not_yet_played_can_be_flushed() -> None:
    async def run() -> None:
        async with desk() as (taker, stream):
            await stream.start()
            line = await taker.its_line()
            long, after = tone(20.0, 8_000), tone(0.2, 8_000, 999)
            await line.play(long)
            await line.mark("never heard")
            await until(lambda: len(stream.heard) > 1_600)
            assert stream.queued_seconds < 3.0
            await line.flush()
            await line.play(after)
            await line.mark("heard")
            await until(lambda: taker.marks == ["never heard", "heard"])
            assert holds(decode_mu_law(bytes(stream.heard)), decode_mu_law(encode_mu_law(after)))
            assert len(stream.heard) < len(long) / 2
            assert (stream.cleared, stream.wrong) == (1, [])

    asyncio.run(run())


def test_a_mark_with_nothing_before_it_comes_back() -> None:
    async def run() -> None:
        async with desk() as (taker, stream):
            await stream.start()
            line = await taker.its_line()
            for name in ("one", "two", "two"):
                await line.mark(name)
            await until(lambda: taker.marks == ["one", "two", "two"])
            assert not stream.heard

    asyncio.run(run())


def test_order_and_counters_do_not_matter() -> None:
    async def run() -> None:
        async with desk() as (taker, stream):
            said = tone(0.2, 8_000)
            await stream.speak(encode_mu_law(said[:800]), pause=0.0)
            await stream.connection.send(
                json.dumps({"event": "start", "start": {"streamSid": STREAM}})
            )
            await stream.speak(encode_mu_law(said[800:]), pause=0.0)
            await stream.connection.send(
                json.dumps({"dtmf": {"digit": "9"}, "sequenceNumber": 3, "event": "dtmf"})
            )
            await until(lambda: taker.digits == "9")
            assert holds(taker.heard, decode_mu_law(encode_mu_law(said)))
            assert taker.line
            assert taker.line.caller.variables == {}

    asyncio.run(run())


@pytest.mark.parametrize("stage", ["before it begins", "after connected", "while both speak"])
@pytest.mark.parametrize("how", ["stop", "close", "abort"])
def test_the_caller_hangs_up(stage: str, how: str) -> None:
    async def run() -> None:
        async with desk() as (taker, stream):
            if stage == "after connected":
                await stream.connection.send(json.dumps({"event": "connected"}))
            if stage == "while both speak":
                await stream.start()
                line = await taker.its_line()
                await line.play(tone(5.0, 8_000))
                await stream.speak(encode_mu_law(tone(0.1, 8_000)))
            if how == "stop":
                await stream.stop()
            elif how == "close":
                await stream.connection.close()
            else:
                stream.connection.transport.abort()
            if stage == "while both speak":
                await taker.until_over()
                lost = how == "abort"
                assert (taker.error.code if taker.error else "") == ("line-lost" if lost else "")
            else:
                await stream.connection.wait_closed()
                assert not taker.taken.is_set()

    asyncio.run(run())


@pytest.mark.parametrize(
    "wrong", ["", "x", signature("12346", URL), signature(TOKEN, URL.replace("wss", "https")), "ä"]
)
def test_who_did_not_sign_is_turned_away(wrong: str) -> None:
    async def run() -> None:
        with pytest.raises(InvalidStatus) as caught:
            async with desk(signed=wrong.encode().decode("latin-1")):
                pass
        assert caught.value.response.status_code == 403

    asyncio.run(run())


def test_signatures() -> None:
    """The first is the example in Twilio's documents; a websocket has no parameters to append."""
    document = "https://mycompany.com/myapp.php?foo=1&bar=2"
    body = "CallSidCA1234567890ABCDECaller+14158675310Digits1234From+14158675310To+18005551212"
    assert signature("12345", document + body) == "GvWf1cFY/Q7PnoempGyD5oXAezc="
    for spelling in (URL, f"{URL}/", URL.replace(".org/", ".org:443/")):
        assert is_signed(signature(TOKEN, spelling), TOKEN, URL)
        assert is_signed(signature(TOKEN, URL), TOKEN, spelling)
    odd = URL.replace(".org/", ".org:8443/")
    assert is_signed(signature(TOKEN, odd), TOKEN, odd)
    for other in (URL.replace("phone", "fone"), odd, f"{URL}?a=b"):
        assert not is_signed(signature(TOKEN, other), TOKEN, URL)
    assert not is_signed(signature("", URL), "", URL)


@pytest.mark.parametrize(
    "media_format",
    [
        {"encoding": "audio/x-l16", "sampleRate": 8000},
        {"encoding": "audio/x-mulaw", "sampleRate": 16000},
        {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 2},
        {"encoding": None},
    ],
)
def test_an_unknown_codec_is_refused(media_format: object) -> None:
    async def run() -> None:
        async with desk() as (taker, stream):
            start = {"streamSid": STREAM, "mediaFormat": media_format}
            await stream.tell("start", start=start)
            await stream.connection.wait_closed()
            assert stream.connection.close_code == 1008
            assert not taker.taken.is_set()

    asyncio.run(run())


NONSENSE: list[str | bytes] = [
    "",
    "{",
    "[1]",
    b"\xff" * 160,
    json.dumps({"event": 5}),
    json.dumps({"event": "media"}),
    json.dumps({"event": "media", "media": {"payload": "§"}}),
    json.dumps({"event": "media", "media": {"payload": "A"}}),
    json.dumps({"event": "dtmf", "dtmf": {"digit": "12"}}),
    json.dumps({"event": "start", "start": 1}),
    json.dumps({"event": "start", "start": {"streamSid": 1}}),
    "[" * 60_000,
]


def test_some_nonsense_is_borne() -> None:
    async def run() -> None:
        async with desk() as (taker, stream):
            for nonsense in NONSENSE:
                await stream.connection.send(nonsense)
            await stream.start()
            await taker.its_line()
            for nonsense in (*NONSENSE, json.dumps({"event": "new"}), *NONSENSE):
                await stream.connection.send(nonsense)
            await stream.press("1")
            await until(lambda: taker.digits == "1")

    asyncio.run(run())


@pytest.mark.parametrize("messages", [["?"] * 20, ["x" * 70_000]], ids=["much", "large"])
@pytest.mark.parametrize("begun", [True, False])
def test_much_nonsense_ends_the_call(messages: list[str], begun: bool) -> None:
    async def run() -> None:
        async with desk() as (taker, stream):
            if begun:
                await stream.start()
                await taker.its_line()
            with contextlib.suppress(ConnectionClosed):
                for message in messages:
                    await stream.connection.send(message)
            await stream.connection.wait_closed()
            assert stream.connection.close_code == 1008
            if begun:
                await taker.until_over()
                assert taker.error
                assert taker.error.code == "line-garbled"

    asyncio.run(run())


def test_nothing_personal_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with desk() as (taker, stream):
            await stream.start(number="+4930123", name="Olena")
            line = await taker.its_line()
            await stream.press("4711")
            await until(lambda: taker.digits == "4711")
            await line.hang_up()

    with caplog.at_level(logging.DEBUG, logger="interpreter"):
        asyncio.run(run())
    ours = [record.getMessage() for record in caplog.records if "interpreter" in record.name]
    assert ours
    assert not any(word in text for text in ours for word in ("Olena", "4930123", "4711", "CA7"))

"""Lines to an Asterisk double, over real websockets."""

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator
from functools import partial

import numpy as np
import pytest
from asterisk_double import Channel, calling
from phone_app import Desk, holds, serving, tone, until
from starlette.websockets import WebSocket
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from interpreter.audio import Samples
from interpreter.channels.phone import asterisk
from interpreter.channels.phone.dialect import A_LAW, LINEAR_8, LINEAR_16, MU_LAW
from interpreter.errors import PhoneError

SECRET = "open sesame"
CODECS = {"slin16": LINEAR_16, "slin": LINEAR_8, "ulaw": MU_LAW, "alaw": A_LAW}
PARAMETERS = "call=17.3&lang=uk&number=%2B4930123&called=4000&secret=open%20sesame"


@contextlib.asynccontextmanager
async def desk() -> AsyncIterator[tuple[Desk, str]]:
    """A desk, and the address at which an Asterisk reaches it."""
    taker = Desk()

    async def answer(websocket: WebSocket) -> None:
        await asterisk.serve(websocket, SECRET, taker.take)

    async with serving(answer) as port:
        yield taker, f"ws://127.0.0.1:{port}/v1/phone/asterisk?{PARAMETERS}"


def through(codec: str, samples: Samples) -> Samples:
    """What is left of a sound after it was coded."""
    return CODECS[codec].decode(CODECS[codec].encode(samples))


@pytest.mark.parametrize("json", [False, True], ids=["plain", "json"])
@pytest.mark.parametrize("codec", list(CODECS))
def test_a_whole_call(codec: str, json: bool) -> None:
    async def run() -> None:
        async with desk() as (taker, url), calling(url, codec, json=json) as channel:
            await channel.start(OFFICE="registry", call="not this one")
            line = await taker.its_line()
            assert line.rate == CODECS[codec].rate
            assert (line.caller.caller, line.caller.called) == ("+4930123", "4000")
            more = {"OFFICE": "registry"} if json else {}
            assert line.caller.variables == {"call": "17.3", "lang": "uk", **more}

            question = tone(0.5, line.rate)
            answer = tone(0.613, line.rate, 700)
            await line.play(answer)
            await line.mark("a name with spaces, and much longer than a command may be " * 4)
            await channel.speak(CODECS[codec].encode(question), pause=0.0)
            await channel.press("5#")
            await until(lambda: len(taker.marks) == 1 and taker.digits == "5#")
            played = CODECS[codec].decode(bytes(channel.heard))
            assert holds(played, through(codec, answer))
            await until(lambda: holds(taker.heard, through(codec, question)))

            await channel.connection.close()
            await taker.until_over()
            assert taker.error is None
            assert channel.commands.count("ANSWER") == 1
            assert not channel.ignored

    asyncio.run(run())


@contextlib.asynccontextmanager
async def waiting_call(
    codec: str, *, json: bool, start: bool = True
) -> AsyncIterator[tuple[str, asyncio.Future[Channel]]]:
    """An Asterisk in which a call waits to be fetched: its address, and the channel once it was."""
    fetched: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()

    def check(connection: ServerConnection, request: Request) -> Response | None:
        known = request.path == "/media/0d5f1b60"
        return None if known else connection.respond(404, "no such instance")

    async def answer(connection: ServerConnection) -> None:
        channel = Channel(connection, codec, json=json)
        async with channel.living():
            if start:
                await channel.start(number="+4930123")
            fetched.set_result(channel)
            await connection.wait_closed()

    async with serve(
        answer,
        "127.0.0.1",
        0,
        process_request=check,
        subprotocols=[Subprotocol("media")],
        compression=None,
    ) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/media/0d5f1b60", fetched


@pytest.mark.parametrize("json", [False, True], ids=["plain", "json"])
def test_a_call_that_is_fetched_from_asterisk(json: bool) -> None:
    async def run() -> None:
        async with waiting_call("alaw", json=json) as (url, fetched):
            line = await asterisk.connect(url, {"called": "4000", "lang": "uk"})
            channel, taker = await fetched, Desk()
            assert channel.connection.subprotocol == "media"
            assert line.caller.caller == ("+4930123" if json else "")
            assert line.caller.called == "4000"
            listening = asyncio.create_task(taker.take(line))
            question, answer = tone(0.3, 8_000), tone(0.3, 8_000, 900)
            await line.play(answer)
            await line.mark("said")
            await channel.speak(A_LAW.encode(question), pause=0.0)
            await until(lambda: taker.marks == ["said"])
            assert holds(A_LAW.decode(bytes(channel.heard)), through("alaw", answer))
            await until(lambda: holds(taker.heard, through("alaw", question)))
            await line.hang_up()
            await listening
            assert taker.error is None
            await until(lambda: channel.hung_up)
            await line.play(answer)
            await line.mark("too late")
            await line.flush()
            await line.hang_up()

    asyncio.run(run())


def test_a_call_that_cannot_be_fetched() -> None:
    async def run() -> None:
        async with waiting_call("slin16", json=True) as (url, _):
            for wrong in (f"{url}-gone", "ws://127.0.0.1:9/media/x", "http://127.0.0.1/media/x"):
                with pytest.raises(PhoneError) as caught:
                    await asterisk.connect(wrong, seconds=5.0)
                assert caught.value.code == "unreachable"
        async with waiting_call("opus", json=True, start=False) as (url, fetched):
            connecting = asyncio.create_task(asterisk.connect(url))
            channel = await fetched
            await channel.tell("MEDIA_START", format="opus")
            with pytest.raises(PhoneError) as caught:
                await connecting
            assert caught.value.code == "unknown-codec"
            await channel.connection.wait_closed()

    asyncio.run(run())


@pytest.mark.parametrize("json", [False, True], ids=["plain", "json"])
def test_sound_before_the_call_begins_is_heard(json: bool) -> None:
    """asterisk#1712: under load MEDIA_START is late."""

    async def run() -> None:
        async with desk() as (taker, url), calling(url, json=json) as channel:
            question = tone(0.4, 16_000)
            data = LINEAR_16.encode(question)
            await channel.speak(data[:6_400], pause=0.0)
            await channel.press("7")
            assert not taker.taken.is_set()
            await channel.start()
            await channel.speak(data[6_400:], pause=0.0)
            await until(lambda: holds(taker.heard, question))
            assert taker.digits == "7"

    asyncio.run(run())


@pytest.mark.parametrize("words", ["optimal_frame_size:320", "x y:z optimal_frame_size:320 ptime:"])
def test_the_first_versions_name_no_format(words: str) -> None:
    async def run() -> None:
        async with desk() as (taker, url), calling(url, "slin") as channel:
            await channel.connection.send(f"MEDIA_START connection_id:a {words}")
            assert (await taker.its_line()).rate == 8_000
        async with desk() as (taker, url), calling(f"{url}&codec=alaw", "alaw") as channel:
            await channel.connection.send("MEDIA_START optimal_frame_size:160")
            line = await taker.its_line()
            await channel.connection.send(b"\xd5" * 160)
            await until(lambda: 8 in taker.heard)
            assert line.rate == 8_000

    asyncio.run(run())


def test_versions_without_marks_and_with_silence_of_their_own() -> None:
    """One mark is tried, then our own clock counts, and no silence is sent."""

    async def run() -> None:
        async with desk() as (taker, url), calling(url, knows_marks=False) as channel:
            await channel.start()
            line = await taker.its_line()
            await asyncio.sleep(0.3)
            assert not channel.heard
            for name in ("one", "two"):
                await line.play(tone(0.2, 16_000))
                await line.mark(name)
                await until(partial(taker.has_reached, name))
            await until(lambda: len(channel.heard) == 2 * 6_400)
            assert channel.commands.count("MARK_MEDIA") == 1
            assert channel.commands.count("REPORT_QUEUE_DRAINED") == 2

    asyncio.run(run())


def test_versions_without_silence_of_their_own_are_sent_it() -> None:
    """asterisk#1788: since then nothing is played when nothing was sent."""

    async def run() -> None:
        async with desk() as (taker, url), calling(url, "ulaw") as channel:
            await channel.start()
            line = await taker.its_line()
            await until(lambda: len(channel.heard) > 10 * 160)
            assert set(channel.heard) == {0xFF}
            assert channel.queued <= 10
            said = tone(0.301, 8_000)
            await line.play(said)
            await line.mark("said")
            await until(lambda: taker.marks == ["said"])
            assert holds(MU_LAW.decode(bytes(channel.heard)), through("ulaw", said))

    asyncio.run(run())


def test_odd_remainders_are_not_lost() -> None:
    """asterisk#2006: what fills no frame is dropped there."""

    async def run() -> None:
        async with desk() as (taker, url), calling(url, "slin16") as channel:
            await channel.start()
            line = await taker.its_line()
            said = [tone(0.0123 * count, 16_000, 300 + count) for count in (1, 3, 8)]
            for sound in said:
                await line.play(sound)
                await line.mark("one more")
            await until(lambda: len(taker.marks) == 3)
            played = np.frombuffer(bytes(channel.heard), "<i2")
            assert all(holds(played, sound) for sound in said)

    asyncio.run(run())


def test_a_long_text_is_sent_in_pieces_that_asterisk_takes() -> None:
    for codec, frame in ((LINEAR_16, 640), (MU_LAW, 160)):
        dialect = asterisk.Asterisk(codec, frame, json=True)
        messages = dialect.sound(tone(12.345, codec.rate))
        assert all(isinstance(message, bytes) for message in messages)
        assert max(map(len, messages)) <= asterisk.LONGEST_SOUND
        assert all(len(message) % frame == 0 for message in messages)
        together = b"".join(message for message in messages if isinstance(message, bytes))
        assert together.startswith(codec.encode(tone(12.345, codec.rate)))


@pytest.mark.parametrize("json", [False, True])
def test_commands_are_short_enough(json: bool) -> None:
    dialect = asterisk.Asterisk(LINEAR_16, 640, json=json)
    texts = [*dialect.greeting, dialect.flush, dialect.drain, dialect.goodbye]
    texts.append(dialect.mark("m123456789012"))
    assert all(text and len(text.encode()) <= asterisk.LONGEST_TEXT for text in texts)


@pytest.mark.parametrize("json", [False, True], ids=["plain", "json"])
def test_what_was_not_yet_played_can_be_flushed(json: bool) -> None:
    async def run() -> None:
        async with desk() as (taker, url), calling(url, json=json) as channel:
            await channel.start()
            line = await taker.its_line()
            long, after = tone(20.0, 16_000), tone(0.2, 16_000, 999)
            await line.play(long)
            await line.mark("never heard")
            await until(lambda: len(channel.heard) > 6_400)
            assert channel.queued <= 150
            await line.flush()
            await line.play(after)
            await line.mark("heard")
            await until(lambda: taker.marks == ["never heard", "heard"])
            played = np.frombuffer(bytes(channel.heard), "<i2")
            assert holds(played, after)
            assert np.count_nonzero(played) < len(long) / 2
            assert channel.commands.count("FLUSH_MEDIA") == 1

    asyncio.run(run())


def test_a_full_asterisk_is_sent_nothing_until_it_has_room() -> None:
    async def run() -> None:
        async with desk() as (taker, url), calling(url) as channel:
            await channel.start()
            line = await taker.its_line()
            await until(lambda: len(channel.heard) > 640)
            await channel.tell("MEDIA_XOFF")
            await channel.press("1")
            await until(lambda: taker.digits == "1")
            await line.play(tone(0.2, 16_000))
            await line.mark("late")
            await until(lambda: channel.queued == 0)
            before = len(channel.heard)
            await asyncio.sleep(0.3)
            assert (len(channel.heard), taker.marks) == (before, [])
            await channel.tell("MEDIA_XON")
            await until(lambda: taker.marks == ["late"])

    asyncio.run(run())


@pytest.mark.parametrize("stage", ["before it begins", "at once", "while both speak"])
def test_asterisk_hangs_up(stage: str) -> None:
    async def run() -> None:
        async with desk() as (taker, url), calling(url) as channel:
            if stage == "before it begins":
                await channel.speak(bytes(640))
                await channel.connection.close()
                await asyncio.sleep(0.1)
                assert not taker.taken.is_set()
                return
            await channel.start()
            line = await taker.its_line()
            if stage == "while both speak":
                await line.play(tone(30.0, 16_000))
                await channel.speak(bytes(6_400))
                assert taker.heard.size
            await channel.connection.close(1001)
            await taker.until_over()
            assert taker.error is None

    asyncio.run(run())


@pytest.mark.parametrize("how", ["an error", "no goodbye"])
def test_a_websocket_that_breaks(how: str) -> None:
    """asterisk#1587: comfort noise made one version close the socket in the middle of a call."""

    async def run() -> None:
        async with desk() as (taker, url), calling(url) as channel:
            await channel.start()
            line = await taker.its_line()
            await line.play(tone(5.0, 16_000))
            await channel.speak(bytes(6_400))
            if how == "an error":
                await channel.connection.close(1011)
            else:
                channel.connection.transport.abort()
            await taker.until_over()
            assert taker.error
            assert taker.error.code == "line-lost"

    asyncio.run(run())


def test_a_silent_phone_is_silence() -> None:
    """Asterisk passes no comfort noise on: then nothing comes at all."""

    async def run() -> None:
        async with desk() as (taker, url), calling(url) as channel:
            await channel.start()
            await taker.its_line()
            await channel.speak(LINEAR_16.encode(tone(0.1, 16_000)))
            before = len(taker.heard)
            await until(lambda: len(taker.heard) > before + 16_000 // 2)
            assert not taker.heard[-3_200:].any()

    asyncio.run(run())


def authorization(kind: str) -> dict[str, str]:
    basic = base64.b64encode(f"asterisk:{SECRET}".encode()).decode()
    return {"Authorization": f"Bearer {SECRET}" if kind == "bearer" else f"Basic {basic}"}


@pytest.mark.parametrize("kind", ["bearer", "basic"])
def test_the_secret_may_be_in_a_header(kind: str) -> None:
    async def run() -> None:
        async with desk() as (taker, url):
            bare = url.partition("?")[0]
            async with calling(bare, headers=authorization(kind)) as channel:
                await channel.start()
                assert (await taker.its_line()).caller.variables == {}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("secret=", {}),
        ("secret=open%20sesam", {}),
        ("secret=%F0%9F%94%91", {}),
        ("", {"Authorization": "Bearer open"}),
        ("", {"Authorization": "Basic !!!"}),
        ("", {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}),
    ],
)
def test_strangers_are_turned_away(query: str, headers: dict[str, str]) -> None:
    async def run() -> None:
        async with desk() as (taker, url):
            with pytest.raises(InvalidStatus) as caught:
                async with calling(f"{url.partition('?')[0]}?{query}", headers=headers):
                    pass
            assert caught.value.response.status_code == 403
            assert not taker.taken.is_set()

    asyncio.run(run())


def test_without_a_configured_secret_nobody_comes_in() -> None:
    async def run() -> None:
        async def answer(websocket: WebSocket) -> None:
            await asterisk.serve(websocket, "", Desk().take)

        async with serving(answer) as port:
            with pytest.raises(InvalidStatus):
                async with calling(f"ws://127.0.0.1:{port}/?secret="):
                    pass

    asyncio.run(run())


def test_an_unknown_codec_is_refused() -> None:
    async def run() -> None:
        async with desk() as (taker, url), calling(url) as channel:
            await channel.connection.send("MEDIA_START format:opus optimal_frame_size:0")
            await channel.connection.wait_closed()
            assert channel.connection.close_code == 1008
            assert not taker.taken.is_set()

    asyncio.run(run())


NONSENSE: list[str | bytes] = [
    "",
    "{",
    "[]",
    '{"event": 5}',
    "media_start",
    "{" * 40_000,
    "DTMF_END digit:x",
    b"odd",
]


def test_some_nonsense_is_borne() -> None:
    async def run() -> None:
        async with desk() as (taker, url), calling(url) as channel:
            for nonsense in NONSENSE[:-1]:
                await channel.connection.send(nonsense)
            await channel.start()
            await taker.its_line()
            for nonsense in (*NONSENSE, "STATUS queue_length:x", "SOMETHING_NEW a:b", *NONSENSE):
                await channel.connection.send(nonsense)
            await channel.press("1")
            await until(lambda: taker.digits == "1")

    asyncio.run(run())


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("kind", ["much", "large"])
def test_much_nonsense_ends_the_call(kind: str, begun: bool) -> None:
    async def run() -> None:
        async with desk() as (taker, url), calling(url) as channel:
            if begun:
                await channel.start()
                await taker.its_line()
            messages = ["?"] * 20 if kind == "much" else [bytes(70_000)]
            with contextlib.suppress(ConnectionClosed):
                for message in messages:
                    await channel.connection.send(message)
            await channel.connection.wait_closed()
            assert channel.connection.close_code in (1000, 1008)
            if begun:
                await taker.until_over()
                assert taker.error
                assert taker.error.code == "line-garbled"
            else:
                assert not taker.taken.is_set()

    asyncio.run(run())


def test_a_reader_that_is_behind_loses_old_sound_but_no_keys() -> None:
    """And Asterisk never waits for it: it would hang up (pipecat-asterisk#14)."""

    async def run() -> None:
        async with desk() as (taker, url), calling(url) as channel:
            taker.listening.clear()
            await channel.start()
            await taker.its_line()
            speech = tone(10.0, 16_000)
            await channel.press("12")
            async with asyncio.timeout(20):
                await channel.speak(LINEAR_16.encode(speech), pause=0.0)
            await channel.press("3")
            await asyncio.sleep(0.2)
            taker.listening.set()
            await until(lambda: taker.digits == "123")
            assert holds(taker.heard, speech[-16_000:])
            assert len(taker.heard) <= 2.5 * 16_000

    asyncio.run(run())


def test_nothing_personal_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with desk() as (taker, url), calling(url, json=True) as channel:
            await channel.start(name="Olena")
            line = await taker.its_line()
            await channel.press("4711")
            await channel.tell("ERROR", error_text="Olena")
            await until(lambda: taker.digits == "4711")
            assert "4930123" not in repr(line.caller)
            await line.hang_up()

    with caplog.at_level(logging.DEBUG, logger="interpreter"):
        asyncio.run(run())
    ours = [record.getMessage() for record in caplog.records if "interpreter" in record.name]
    assert ours
    assert not any(word in text for text in ours for word in ("Olena", "4930123", SECRET, "4711"))

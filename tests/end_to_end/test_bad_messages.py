"""Whatever a client sends, it is told what was wrong, and the other party is not disturbed."""

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import Running, receive, receive_final, receive_until, running
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from interpreter.audio import RATE, silence
from interpreter.channels import protocol, wire
from interpreter.channels.stream import StreamLimits
from interpreter.connection import ConversationLimits, Engines
from interpreter.events import TurnTaking
from interpreter.settings import ServerSettings, Settings

FRAME = wire.encode_audio(silence(0.04), stream=0, sequence=0)
PLENTY = ServerSettings(conversations=1000, connections=1000)


@pytest.fixture(scope="module")
def house(engines: Engines) -> Iterator[Running]:
    with running(engines, Settings(server=PLENTY)) as service:
        yield service


async def join(websocket: ClientConnection, token: str, **options: Any) -> protocol.Joined:
    await websocket.send(wire.encode(protocol.Join(token, **options)))
    joined = await receive(websocket)
    assert isinstance(joined, protocol.Joined), joined
    return joined


async def refused(websocket: ClientConnection) -> protocol.ErrorMessage:
    return await receive_until(websocket, protocol.ErrorMessage)


async def close_code(websocket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        async with asyncio.timeout(10):
            while True:
                await websocket.recv()
    assert closed.value.rcvd
    return closed.value.rcvd.code


BEFORE_JOINING = [
    ("{", "bad-json"),
    ('{"type": "dance"}', "unknown-message"),
    ('{"type": "join"}', "bad-message"),
    ('{"type": "leave"}', "join-first"),
    (FRAME, "join-first"),
    ('{"type": "join", "token": "made up"}', "bad-token"),
]


@pytest.mark.parametrize(("sent", "code"), BEFORE_JOINING)
def test_who_cannot_join_is_told_why_and_let_go(
    house: Running, sent: str | bytes, code: str
) -> None:
    async def main() -> None:
        async with house.websocket() as websocket:
            await websocket.send(sent)
            error = await refused(websocket)
            assert (error.code, error.event, set(error.messages)) == (code, 0, {"en"})
            assert await close_code(websocket) == 1008

    asyncio.run(main())


AFTER_JOINING = [
    ("{", "bad-json"),
    ("[]", "bad-message"),
    ('{"type": "dance"}', "unknown-message"),
    ('{"type": "talk", "down": true}', "bad-message"),
    ('{"type": "text", "text": "   "}', "bad-message"),
    ('{"type": "text", "text": "' + "a" * 70_000 + '"}', "message-too-large"),
    (b"\x01" + bytes(70_000), "message-too-large"),
    (b"\x01\x00", "bad-audio-frame"),
    ('{"type": "join", "token": "x"}', "already-joined"),
    ('{"type": "language", "language": "qq!"}', "unknown-language"),
    ('{"type": "language", "language": "el"}', "pair-not-available"),
    ('{"type": "correct", "utterance": 77, "text": "x"}', "unknown-utterance"),
    ('{"type": "say_again", "utterance": 77}', "unknown-utterance"),
    ('{"type": "say_again"}', "nothing-to-repeat"),
    ('{"type": "text", "text": "x", "party": "staff"}', "not-allowed"),
]


@pytest.mark.parametrize(("sent", "code"), AFTER_JOINING)
def test_a_mistake_is_named_and_the_connection_stays(
    house: Running, sent: str | bytes, code: str
) -> None:
    async def main() -> None:
        async with house.websocket() as websocket:
            await join(websocket, house.open()["visitor"], microphone_rate=RATE)
            await websocket.send(sent)
            error = await refused(websocket)
            assert error.code == code
            assert set(error.messages) == {"pt"}
            assert error.utterance is None
            await websocket.send(wire.encode(protocol.TypedText("Bom dia!")))
            assert await receive_final(websocket, protocol.TranslationMessage)

    asyncio.run(main())


def test_audio_without_a_microphone_is_refused(house: Running) -> None:
    async def main() -> None:
        async with house.websocket() as websocket:
            await join(websocket, house.open()["visitor"])
            await websocket.send(FRAME)
            assert (await refused(websocket)).code == "unsupported-audio"

    asyncio.run(main())


def test_a_shared_device_cannot_have_an_own_microphone_and_has_to_say_who(house: Running) -> None:
    async def main() -> None:
        async with house.websocket() as websocket:
            await websocket.send(wire.encode(protocol.Join(house.open()["shared"])))
            assert (await refused(websocket)).code == "not-allowed"
            assert await close_code(websocket) == 1008
        async with house.websocket() as websocket:
            tablet = house.open()["shared"]
            await join(websocket, tablet, turn_taking=TurnTaking.PUSH_TO_TALK)
            await websocket.send(wire.encode(protocol.TypedText("Bom dia!")))
            assert (await refused(websocket)).code == "bad-message"

    asyncio.run(main())


def test_a_gap_in_the_audio_ends_the_websocket_not_the_connection(house: Running) -> None:
    async def main() -> None:
        token = house.open()["visitor"]
        async with house.websocket() as websocket:
            joined = await join(websocket, token, microphone_rate=RATE)
            await websocket.send(FRAME)
            await websocket.send(wire.encode_audio(silence(0.04), stream=0, sequence=5))
            assert (await refused(websocket)).code == "audio-gap"
            assert await close_code(websocket) == 1008
        async with house.websocket() as websocket:
            again = await join(
                websocket,
                token,
                microphone_rate=RATE,
                connection=joined.connection,
                resume_audio=0,
            )
            assert (again.connection, again.audio) == (joined.connection, 1)

    asyncio.run(main())


def test_audio_that_cannot_have_been_spoken_so_fast(engines: Engines) -> None:
    async def main(house: Running) -> None:
        async with house.websocket() as websocket:
            await join(websocket, house.open()["visitor"], microphone_rate=RATE)
            for sequence in range(100):
                await websocket.send(wire.encode_audio(silence(0.04), stream=0, sequence=sequence))
            assert (await refused(websocket)).code == "audio-too-fast"
            assert await close_code(websocket) == 1008

    limited = Settings(server=PLENTY, stream=StreamLimits(catch_up_seconds=1.0))
    with running(engines, limited) as house:
        asyncio.run(main(house))


def test_limits_of_rate_time_and_mistakes(engines: Engines) -> None:
    async def main(house: Running) -> None:
        async with house.websocket() as websocket:  # says nothing
            assert (await refused(websocket)).code == "join-timeout"
            assert await close_code(websocket) == 1008
        async with house.websocket() as websocket:  # says too much
            await join(websocket, house.open()["visitor"])
            for _ in range(30):
                await websocket.send('{"type": "played", "utterance": 1, "milliseconds": 1}')
            assert (await refused(websocket)).code == "too-many-messages"
            assert await close_code(websocket) == 1008
        async with house.websocket() as websocket:  # understands nothing
            await join(websocket, house.open()["visitor"], microphone_rate=RATE)
            for _ in range(5):
                await websocket.send(b"\x09")
            codes = [(await refused(websocket)).code for _ in range(5)]
            assert codes == ["bad-audio-frame"] * 4 + ["too-many-messages"]
            assert await close_code(websocket) == 1008

    limits = StreamLimits(join_seconds=2.0, messages_per_second=10, mistakes=5)
    with running(engines, Settings(server=PLENTY, stream=limits)) as house:
        asyncio.run(main(house))


def test_limits_of_connections_conversations_and_lifetime(engines: Engines) -> None:
    async def main(house: Running) -> None:
        tokens = house.open()
        async with house.websocket() as first:
            await join(first, tokens["staff"])
            async with house.websocket() as second:
                await second.send(wire.encode(protocol.Join(tokens["visitor"])))
                assert (await refused(second)).code == "conversation-full"
                assert await close_code(second) == 1013
            async with house.websocket() as second, house.websocket() as third:
                error = await refused(third)
                assert (error.code, error.retry) == ("overloaded", True)
                assert await close_code(third) == 1013
                await second.close()
            ended = await receive_until(first, protocol.EndedMessage)
            assert ended.reason == "expired"
        async with house.websocket() as late:
            await asyncio.sleep(1.2)  # tokens count whole seconds
            await late.send(wire.encode(protocol.Join(tokens["staff"])))
            assert (await refused(late)).code == "token-expired"

    limited = Settings(
        server=dataclasses.replace(PLENTY, connections=2),
        conversation=ConversationLimits(connections=1, lifetime_seconds=5.0),
    )
    with running(engines, limited) as house:
        asyncio.run(main(house))


def test_a_monster_closes_the_websocket_at_once(house: Running) -> None:
    async def main() -> None:
        async with house.websocket() as websocket:
            await join(websocket, house.open()["visitor"])
            await websocket.send("a" * 2_000_000)
            assert await close_code(websocket) == 1009

    asyncio.run(main())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KINDS = [
    "talk",
    "correct",
    "say_again",
    "slower",
    "stop_speaking",
    "played",
    "consent",
    "join",
    "?",
]
FIELDS = ["down", "sequence", "party", "utterance", "text", "speed", "milliseconds", "agreed"]
SENT = st.lists(
    st.text(max_size=60)
    | st.binary(max_size=400)
    | st.builds(
        lambda kind, fields: json.dumps({"type": kind} | fields),
        st.sampled_from(KINDS),
        st.dictionaries(st.sampled_from(FIELDS), JSON | st.integers(0, 5), max_size=4),
    ),
    max_size=15,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sent=SENT)
def test_no_nonsense_disturbs_the_other_party(house: Running, sent: list[str | bytes]) -> None:
    async def main() -> None:
        tokens = house.open()
        async with house.websocket() as staff, house.websocket() as visitor:
            await join(staff, tokens["staff"], speech_rate=None)
            await join(visitor, tokens["visitor"], speech_rate=None)
            async with house.websocket() as wild:
                await join(wild, tokens["visitor"], microphone_rate=RATE, speech_rate=None)
                try:
                    for each in sent:
                        await wild.send(each)
                except ConnectionClosed:
                    pass
                await staff.send(wire.encode(protocol.TypedText("Please take a seat.")))
                heard = await receive_final(visitor, protocol.TranslationMessage)
                while heard.source != "en":
                    heard = await receive_final(visitor, protocol.TranslationMessage)
                assert "sent" in heard.text.lower()

    asyncio.run(main())

"""Browsers that show pictures find each other through the service, which keeps nothing of it."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from in_process import Running, receive_until, running, with_limits
from websockets.asyncio.client import ClientConnection

from interpreter.channels import protocol
from interpreter.connection import Engines
from interpreter.errors import SettingsError
from interpreter.events import Party
from interpreter.relays import Relays, VideoSettings
from interpreter.settings import ServerSettings, Settings

SECRET = "what coturn calls static-auth-secret"
OFFER = {"type": "offer", "sdp": "v=0 nobody reads this"}


@pytest.fixture(scope="module")
def house(engines: Engines) -> Iterator[Running]:
    video = VideoSettings(stun=("stun:turn.test",), turn=("turn:turn.test", "turns:turn.test"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTERPRETER_TURN_SECRET", SECRET)
        settings = Settings(video=video, server=ServerSettings(conversations=100))
        with running(engines, settings) as served:
            yield served


@asynccontextmanager
async def joined(house: Running, token: str, **more: Any) -> AsyncIterator[ClientConnection]:
    """A browser that shows pictures."""
    async with house.websocket() as websocket:
        await websocket.send(json.dumps({"type": "join", "token": token, "video": True} | more))
        yield websocket


async def others(websocket: ClientConnection, count: int) -> list[protocol.PeerState]:
    """Who else shows pictures, once they are so many."""
    while len(peers := (await receive_until(websocket, protocol.PeersMessage)).peers) != count:
        pass
    return peers


async def tell(websocket: ClientConnection, to: str, **what: Any) -> None:
    await websocket.send(json.dumps({"type": "signal", "to": to} | what))


async def refusal(websocket: ClientConnection) -> str:
    return (await receive_until(websocket, protocol.ErrorMessage)).code


def test_two_browsers_find_each_other(house: Running) -> None:
    async def call() -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as staff:
            me = await receive_until(staff, protocol.Joined)
            assert await others(staff, 0) == []
            async with joined(house, tokens["visitor"]) as visitor:
                assert (await receive_until(visitor, protocol.Joined)).role == "visitor"
                [clerk] = await others(visitor, 1)
                assert (clerk.connection, clerk.role, clerk.polite) == (
                    me.connection,
                    "staff",
                    True,
                )
                [person] = await others(staff, 1)
                assert (person.role, person.parties, person.polite) == (
                    "visitor",
                    ["visitor"],
                    False,
                )
                await tell(visitor, clerk.connection, description=OFFER)
                await tell(visitor, clerk.connection, candidate={"candidate": "", "sdpMid": "0"})
                heard = await receive_until(staff, protocol.SignalMessage)
                assert heard.sender == person.connection
                assert heard.description == protocol.Description("offer", OFFER["sdp"])
                heard = await receive_until(staff, protocol.SignalMessage)
                assert heard.candidate == protocol.Candidate("", sdp_mid="0")
                await tell(visitor, "k_nobody", description=OFFER)
                assert await refusal(visitor) == "peer-gone"
                await tell(visitor, clerk.connection)
                assert await refusal(visitor) == "bad-message"
                await visitor.send(json.dumps({"type": "leave"}))
            assert await others(staff, 0) == []

    asyncio.run(call())


def test_who_is_cut_off_keeps_their_place_and_gets_what_was_sent_meanwhile(house: Running) -> None:
    async def call() -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as staff:
            async with joined(house, tokens["visitor"]) as visitor:
                me = await receive_until(visitor, protocol.Joined)
                [clerk] = await others(visitor, 1)
            while not (await others(staff, 1))[0].away:
                pass
            await tell(staff, me.connection, media={"camera": False, "microphone": True})
            again = {"connection": me.connection, "resume_after": me.event}
            async with joined(house, tokens["visitor"], **again) as visitor:
                assert await others(visitor, 1) == [clerk]
                heard = await receive_until(visitor, protocol.SignalMessage)
                assert heard.media == protocol.Showing(camera=False, microphone=True)
                while (await others(staff, 1))[0].away:
                    pass

    asyncio.run(call())


def test_who_comes_anew_takes_the_place_that_is_kept_for_them(house: Running) -> None:
    async def call() -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as staff, joined(house, tokens["staff"]):
            async with joined(house, tokens["visitor"]) as visitor:
                me = await receive_until(visitor, protocol.Joined)
                await others(staff, 2)
            while not any(each.away for each in await others(staff, 2)):
                pass
            async with joined(house, tokens["visitor"]) as again:
                welcome = await receive_until(again, protocol.Joined)
                told = await others(staff, 2)
                while any(each.away for each in told):
                    told = await others(staff, 2)
                names = {each.connection for each in told}
                assert welcome.connection in names and me.connection not in names
                resuming = {"connection": me.connection, "resume_after": me.event}
                async with joined(house, tokens["visitor"], **resuming) as late:
                    assert await refusal(late) == "conversation-full"

    asyncio.run(call())


def test_pictures_are_for_those_who_ask_for_them(house: Running) -> None:
    async def call() -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as staff, house.websocket() as tablet:
            await tablet.send(json.dumps({"type": "join", "token": tokens["visitor"]}))
            there = await receive_until(tablet, protocol.Joined)
            assert await others(staff, 0) == []
            await tell(staff, there.connection, description=OFFER)
            assert await refusal(staff) == "peer-gone"
            await tell(tablet, "k_staff", description=OFFER)
            assert await refusal(tablet) == "not-allowed"
            async with joined(house, tokens["visitor"]), joined(house, tokens["visitor"]):
                await others(staff, 2)
                async with joined(house, tokens["visitor"]) as fourth:
                    assert await refusal(fourth) == "conversation-full"

    asyncio.run(call())


async def end_of(websocket: ClientConnection, seconds: float) -> str | None:
    """Why the conversation ended; None where it goes on for so long."""
    try:
        return (await receive_until(websocket, protocol.EndedMessage, seconds)).reason
    except TimeoutError:
        return None


def test_people_who_see_each_other_need_not_talk_to_the_machine(engines: Engines) -> None:
    async def main(house: Running) -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as staff:
            async with joined(house, tokens["visitor"]):
                assert await end_of(staff, 3.0) is None
            assert await end_of(staff, 10.0) == "idle"  # who is cut off talks with nobody

    with running(engines, with_limits(idle_seconds=1.0)) as house:
        asyncio.run(main(house))


def test_people_with_whom_somebody_else_interprets_need_not_either(engines: Engines) -> None:
    async def main(house: Running) -> None:
        tokens = house.open()
        async with joined(house, tokens["shared"], turn_taking="push_to_talk") as tablet:
            await tablet.send(json.dumps({"type": "handover", "step": "begin"}))
            assert await end_of(tablet, 3.0) is None
            await tablet.send(json.dumps({"type": "handover", "step": "end"}))
            assert await end_of(tablet, 10.0) == "idle"

    with running(engines, with_limits(idle_seconds=1.0)) as house:
        asyncio.run(main(house))


def test_credentials_for_the_relay_are_those_coturn_expects(house: Running) -> None:
    async def given() -> protocol.RelaysMessage:
        async with joined(house, house.open()["staff"]) as staff:
            return await receive_until(staff, protocol.RelaysMessage)

    told = asyncio.run(given())
    stun, turn = told.servers
    assert stun == protocol.RelayState(["stun:turn.test"])
    assert turn.urls == ["turn:turn.test", "turns:turn.test"]
    until, _, name = turn.username.partition(":")
    assert time.time() + 3500 < int(until) <= time.time() + told.seconds
    assert name
    proof = hmac.digest(SECRET.encode(), turn.username.encode(), hashlib.sha1)
    assert base64.b64decode(turn.credential) == proof


def test_credentials_are_renewed_before_they_expire(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERPRETER_TURN_SECRET", SECRET)
    video = VideoSettings(turn=("turn:turn.test",), credential_seconds=2)

    async def given(house: Running) -> list[str]:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as staff:
            names = [(await receive_until(staff, protocol.RelaysMessage)).servers[0].username]
            async with joined(house, tokens["visitor"]):
                await others(staff, 1)  # what is told meanwhile does not put it off
                names.append(
                    (await receive_until(staff, protocol.RelaysMessage)).servers[0].username
                )
            return names

    with running(engines, Settings(video=video)) as house:
        first, second = asyncio.run(given(house))
    assert int(first.partition(":")[0]) < int(second.partition(":")[0])


def test_a_relay_without_its_secret_is_refused_at_start() -> None:
    with pytest.raises(SettingsError, match="INTERPRETER_TURN_SECRET"):
        Relays(VideoSettings(turn=("turn:turn.test",)), None)
    assert Relays(VideoSettings(), None).given_to("k_me") == []


def ask(house: Running, token: str, method: str, path: str, body: object = None) -> Any:
    """What the service answers about a conversation."""
    request = urllib.request.Request(
        f"{house.address}/v1/conversations/{path}",
        json.dumps(body).encode() if body else None,
        {"Authorization": f"Bearer {token}"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def invite(house: Running, conversation: str, token: str, role: str) -> dict[str, str]:
    invited: dict[str, str] = ask(house, token, "POST", f"{conversation}/guests", {"role": role})
    return invited


def test_the_machine_shows_captions_only_while_a_human_interpreter_is_in_the_call(
    house: Running,
) -> None:
    silent: dict[str, Any] = {"microphone_rate": None, "speech_rate": None}

    async def call() -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as staff:
            name = (await receive_until(staff, protocol.Joined)).conversation
            guest = invite(house, name, tokens["staff"], "interpreter")
            assert guest["link"].endswith(f"/call#guest={guest['token']}&role=interpreter")
            async with joined(house, guest["token"], **silent) as interpreter:
                seen = await receive_until(interpreter, protocol.Joined)
                assert (seen.role, seen.you) == ("interpreter", ["staff", "visitor"])
                assert not seen.parties[Party.VISITOR].connected
                begun = await receive_until(staff, protocol.HandoverMessage)
                assert (begun.state, begun.reason) == ("active", "interpreter")
                assert "captions" in begun.messages["en"]
                await staff.send(json.dumps({"type": "text", "text": "Good morning."}))
                read = await receive_until(interpreter, protocol.TranslationMessage)
                assert (read.target, read.final) == ("pt", True)
                await staff.send(json.dumps({"type": "say_again"}))
                assert await refusal(staff) == "human-interprets"
                await interpreter.send(json.dumps({"type": "consent", "agreed": True}))
                assert await refusal(interpreter) == "not-allowed"
                await interpreter.send(json.dumps({"type": "leave"}))
            over = await receive_until(staff, protocol.HandoverMessage)
            assert (over.state, over.reason) == ("over", "interpreter")
            async with joined(house, guest["token"], speech_rate=24_000) as listening:
                assert await refusal(listening) == "not-allowed"
            silent["video"] = False
            async with joined(house, guest["token"], **silent) as unseen:
                assert await refusal(unseen) == "not-allowed"
                await unseen.wait_closed()
                assert unseen.close_code == 1008

    asyncio.run(call())


def test_a_colleague_speaks_as_staff_do(house: Running) -> None:
    async def call() -> None:
        tokens = house.open()
        async with joined(house, tokens["visitor"]) as visitor:
            name = (await receive_until(visitor, protocol.Joined)).conversation
            with pytest.raises(urllib.error.HTTPError) as refused:
                invite(house, name, tokens["visitor"], "colleague")
            assert refused.value.code == 403
            refused.value.close()
            guest = invite(house, name, tokens["staff"], "colleague")
            async with joined(house, guest["token"], video=False) as unseen:
                assert await refusal(unseen) == "not-allowed"
            async with joined(house, guest["token"]) as colleague:
                assert (await receive_until(colleague, protocol.Joined)).role == "colleague"
                [peer] = await others(visitor, 1)
                assert (peer.role, peer.parties) == ("colleague", ["staff"])
                await colleague.send(json.dumps({"type": "text", "text": "Good morning."}))
                heard = await receive_until(visitor, protocol.TranslationMessage)
                assert heard.party == "staff"

    asyncio.run(call())


@pytest.mark.parametrize("role", ["colleague", "interpreter"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "", None),
        ("POST", "/guests", {"role": "colleague"}),
        ("POST", "/calls", {"number": "089123"}),
        ("DELETE", "/calls/p_1", None),
    ],
)
def test_guests_do_not_decide_who_is_there(
    house: Running, role: str, method: str, path: str, body: object
) -> None:
    reception = house.service.reception
    assert reception
    token = house.open()["staff"]
    name = reception.admit(token)[0].name
    guest = invite(house, name, token, role)["token"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(house, guest, method, name + path, body)
    with refused.value as answer:
        assert (answer.code, json.load(answer)["code"]) == (403, "not-allowed")


def test_staff_choose_how_people_are_interpreted(house: Running) -> None:
    async def call() -> None:
        tokens = house.open()
        wish = json.dumps({"type": "interpreting", "simultaneous": True})
        async with joined(house, tokens["staff"]) as staff:
            assert not (await receive_until(staff, protocol.Joined)).simultaneous
            async with joined(house, tokens["visitor"]) as visitor:
                await visitor.send(wish)
                assert await refusal(visitor) == "not-allowed"
                await staff.send(wish)
                told = await receive_until(visitor, protocol.InterpretingMessage)
                assert told.simultaneous
            async with joined(house, tokens["visitor"]) as again:
                assert (await receive_until(again, protocol.Joined)).simultaneous

    asyncio.run(call())


def test_what_browsers_tell_each_other_is_in_no_log_nor_journal(
    house: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def call() -> str:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as staff:
            async with joined(house, tokens["visitor"]) as visitor:
                [clerk] = await others(visitor, 1)
                await tell(visitor, clerk.connection, description=OFFER)
                await receive_until(staff, protocol.SignalMessage)
            reception = house.service.reception
            assert reception
            conversation, _ = reception.admit(tokens["staff"])
            return str([entry.event for entry in conversation.journal.past()])

    assert "nobody reads this" not in asyncio.run(call())
    ours = [each for each in caplog.records if each.name.startswith("interpreter")]
    assert not [each for each in ours if "nobody reads this" in each.getMessage()]

"""Making appointments, and the way from their links through the waiting room to a conversation."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from in_process import KEY, Running, receive
from test_room_wire import EXAMPLES
from waiting_rooms import Told, ask, entered, link, make, serving, wish

from interpreter.channels import protocol, wire
from interpreter.connection import Engines
from interpreter.events import Party


@pytest.fixture(scope="module")
def house(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("appointments")
    with pytest.MonkeyPatch.context() as patch, serving(engines, patch, folder) as service:
        yield service


def test_an_appointment_is_made_listed_and_revoked(house: Running) -> None:
    starts = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    made = make(house, starts, visitor_language="pt", interpreting="simultaneous")
    assert made["starts"] == starts.isoformat().replace("+00:00", "Z")
    assert datetime.fromisoformat(made["opens"]) == starts - timedelta(minutes=30)
    assert datetime.fromisoformat(made["closes"]) == starts + timedelta(minutes=90)
    assert (
        made
        | {
            "minutes": 30,
            "staff_language": "en",
            "visitor_language": "pt",
            "office": "",
            "interpreting": "simultaneous",
            "state": "early",
            "present": {"staff": False, "visitor": False},
        }
        == made
    )
    assert link(made, "staff") != link(made, "visitor")
    earlier = make(house, starts - timedelta(hours=1))
    assert earlier["visitor_language"] is None
    status, told = ask(house, "GET", "/v1/appointments")
    assert status == 200
    ids = [each["id"] for each in told["appointments"]]
    assert ids.index(earlier["id"]) < ids.index(made["id"])
    assert made in told["appointments"]
    for each in (made, earlier):
        assert ask(house, "DELETE", f"/v1/appointments/{each['id']}") == (204, {})
    gone = ask(house, "DELETE", f"/v1/appointments/{made['id']}")
    assert (gone[0], gone[1]["code"]) == (404, "unknown-appointment")
    _, told = ask(house, "GET", "/v1/appointments")
    assert made["id"] not in [each["id"] for each in told["appointments"]]


def test_the_protocol_shows_an_appointment_as_it_is(house: Running) -> None:
    wanted, shown = (each for each in EXAMPLES if "starts" in each and "type" not in each)
    status, made = ask(house, "POST", "/v1/appointments", wanted | wish())
    assert status == 201
    assert made.keys() == shown.keys()


def test_times_of_any_zone_are_understood(house: Running) -> None:
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    status, made = ask(
        house, "POST", "/v1/appointments", wish() | {"starts": f"{day}T09:30:00.5+01:00"}
    )
    assert (status, made["starts"]) == (201, f"{day}T08:30:00Z")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"starts": "2031-11-24T09:30:00"}, "bad-message"),  # of which zone?
        ({"starts": "9999-12-31T23:59:59-12:00"}, "bad-message"),
        ({"starts": "0001-01-01T00:00:00+12:00"}, "bad-message"),
        ({"starts": (datetime.now(UTC) - timedelta(hours=2)).isoformat()}, "bad-message"),
        ({"starts": (datetime.now(UTC) + timedelta(days=800)).isoformat()}, "bad-message"),
        ({"starts": "soon"}, "bad-message"),
        ({"minutes": 0}, "bad-message"),
        ({"minutes": 10_000}, "bad-message"),
        ({"name": "Ana"}, "bad-message"),
        ({"staff_language": "q!"}, "unknown-language"),
        ({"staff_language": "el"}, "pair-not-available"),
        ({"visitor_language": "en-GB"}, "pair-not-available"),
        ({"office": "treasury"}, "unknown-office"),
        ({"interpreting": "whispered"}, "bad-message"),
    ],
)
def test_bad_wishes_are_refused(house: Running, wanted: Told, code: str) -> None:
    status, told = ask(house, "POST", "/v1/appointments", wish() | wanted)
    assert (status, told["code"]) == (400, code)


def test_only_staff_make_see_and_revoke(house: Running) -> None:
    made = make(house)
    _, counter = ask(house, "POST", "/v1/sign-in", {"key": KEY})
    assert ask(house, "GET", "/v1/appointments", key=counter["token"])[0] == 200
    for key in ("", "wrong", link(made, "staff")):
        for method, path in (
            ("POST", "/v1/appointments"),
            ("GET", "/v1/appointments"),
            ("DELETE", f"/v1/appointments/{made['id']}"),
        ):
            body = wish() if method == "POST" else None
            status, told = ask(house, method, path, body, key)
            assert (status, told["code"]) == (401, "bad-key")
        house.service.keys.forgive()
    status, told = ask(house, "GET", "/v1/appointments", Origin="https://evil.example")
    assert (status, told["code"]) == (403, "origin-not-allowed")


def test_a_visitor_is_let_in_and_both_join_one_conversation(house: Running) -> None:
    async def meet() -> None:
        made = make(house)
        async with entered(house, made, "visitor") as visitor:
            first = await visitor.told()
            assert first["type"] == "room"
            assert (
                first
                | {
                    "role": "visitor",
                    "state": "waiting",
                    "id": made["id"],
                    "starts": made["starts"],
                    "minutes": 30,
                    "opens": made["opens"],
                    "closes": made["closes"],
                    "staff_language": "en",
                    "visitor_language": None,
                    "interpreting": "consecutive",
                    "office": "",
                    "title": {"de": "Bürgeramt", "en": "Citizens' office"},
                    "present": {"staff": False, "visitor": True},
                    "ready": False,
                }
                == first
            )
            portuguese = {each["tag"]: each for each in first["languages"]}["pt"]
            assert portuguese["name"] == "Português"
            assert portuguese["translations"] == {"en": "good"}
            assert not {"token", "conversation"} & first.keys()
            async with entered(house, made, "staff") as staff:
                assert (await staff.told())["role"] == "staff"
                assert (await visitor.told())["present"] == {"staff": True, "visitor": True}
                await staff.say("admit")
                assert await staff.refused() == "visitor-not-ready"
                await visitor.say("ready", language="pt-BR")
                told = await staff.until(ready=True)
                assert told["visitor_language"] == "pt"
                [listed] = [
                    each
                    for each in ask(house, "GET", "/v1/appointments")[1]["appointments"]
                    if each["id"] == made["id"]
                ]
                assert listed["present"] == {"staff": True, "visitor": True}
                assert listed["ready"] is True
                await staff.say("admit", interpreting="simultaneous")
                mine, yours = await staff.until(state="open"), await visitor.until(state="open")
                assert mine["interpreting"] == yours["interpreting"] == "simultaneous"
                assert mine["conversation"] == yours["conversation"]
                assert mine["token"] != yours["token"]
                for told, party in ((mine, Party.STAFF), (yours, Party.VISITOR)):
                    async with house.websocket() as websocket:
                        join = protocol.Join(told["token"], speech_rate=None)
                        await websocket.send(wire.encode(join))
                        joined = await receive(websocket)
                        assert isinstance(joined, protocol.Joined)
                        assert joined.you == [party]
                        assert joined.conversation == told["conversation"]
                        assert joined.consent_required
                        assert joined.simultaneous
                        assert joined.parties[Party.VISITOR].language == "pt"

    asyncio.run(meet())


def test_who_reloads_the_page_gets_the_token_again(house: Running) -> None:
    async def reload() -> None:
        made = make(house, visitor_language="pt")
        async with entered(house, made, "visitor") as visitor, entered(house, made, "staff") as one:
            await visitor.say("ready", language="pt")
            await one.until(ready=True)
            await one.say("admit")
            token = (await one.until(state="open"))["token"]
            await one.say("leave")
            assert await one.closed() == 1000
            async with entered(house, made, "staff") as again:
                assert (await again.told())["token"] == token
                await again.say("admit")  # once more changes nothing
                assert (await again.until(state="open"))["token"] == token
        # Nobody is in the room, but the conversation goes on.
        async with entered(house, made, "staff") as back:
            assert (await back.told())["token"] == token

    asyncio.run(reload())


def test_staff_may_let_in_whose_language_is_known_though_they_come_by_phone(
    house: Running,
) -> None:
    async def admit() -> None:
        made = make(house, visitor_language="pt")
        async with entered(house, made, "staff") as staff:
            await staff.say("admit")
            told = await staff.until(state="open")
            assert told["present"]["visitor"] is False

    asyncio.run(admit())


def test_a_second_window_takes_the_place_of_the_first(house: Running) -> None:
    async def replace() -> None:
        made = make(house)
        async with entered(house, made, "visitor") as old:
            await old.say("ready", language="pt")
            await old.until(ready=True)
            async with entered(house, made, "visitor") as new:
                told = await new.told()
                assert told["ready"] is False  # its devices have not been tried
                assert told["visitor_language"] == "pt"
                assert await old.refused() == "opened-elsewhere"
                assert await old.closed() == 1008
                await new.say("ready", language="pt")
                assert (await new.until(ready=True))["present"]["visitor"] is True

    asyncio.run(replace())


def test_who_leaves_is_not_there_any_more(house: Running) -> None:
    async def leave() -> None:
        made = make(house)
        async with entered(house, made, "staff") as staff:
            async with entered(house, made, "visitor") as visitor:
                await visitor.say("ready", language="pt")
                await staff.until(ready=True)
            told = await staff.until(present={"staff": True, "visitor": False})
            assert told["ready"] is False

    asyncio.run(leave())


def test_each_may_do_only_what_is_theirs(house: Running) -> None:
    async def try_it() -> None:
        made = make(house, visitor_language="pt")
        async with entered(house, made, "visitor") as visitor, entered(house, made, "staff") as one:
            await visitor.say("admit")
            assert await visitor.refused() == "not-allowed"
            await one.say("ready", language="pt")
            assert await one.refused() == "not-allowed"
            await visitor.say("ready", language="el")
            assert await visitor.refused() == "pair-not-available"
            await visitor.say("ready", language="q!")
            assert await visitor.refused() == "unknown-language"
            await visitor.say("enter", link=link(made, "staff"))
            assert await visitor.refused() == "already-joined"

    asyncio.run(try_it())


def test_revoking_tells_who_waits_and_ends_what_goes_on(house: Running) -> None:
    async def revoke() -> None:
        made = make(house, visitor_language="pt")
        async with entered(house, made, "visitor") as visitor, entered(house, made, "staff") as one:
            await one.say("admit")
            told = await one.until(state="open")
            path = f"/v1/appointments/{made['id']}"
            assert (await asyncio.to_thread(ask, house, "DELETE", path))[0] == 204
            for place in (visitor, one):
                assert "token" not in await place.until(state="revoked")
                assert await place.closed() == 1000
        assert house.service.reception
        while told["conversation"] in house.service.reception.conversations:
            await asyncio.to_thread(ask, house, "GET", "/healthz")
        for role in ("visitor", "staff"):
            async with entered(house, made, role) as late:
                told = await late.told()
                assert told == {
                    "type": "room",
                    "role": role,
                    "state": "revoked",
                    "id": made["id"],
                    "starts": made["starts"],
                }
                assert await late.closed() == 1000

    asyncio.run(revoke())


def test_the_end_by_staff_is_the_end_and_another_end_is_not(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def end(house: Running, how: Callable[[str], Awaitable[object]], state: str) -> Told:
        made = make(house, visitor_language="pt")
        async with entered(house, made, "staff") as staff:
            await staff.say("admit")
            await how((await staff.until(state="open"))["conversation"])
            told = await staff.until(state=state)
            assert "token" not in told
            if state == "over":
                assert await staff.closed() == 1000
        return made

    async def both(house: Running) -> Told:
        reception = house.service.reception
        assert reception

        async def by_staff(name: str) -> None:
            await asyncio.to_thread(ask, house, "DELETE", f"/v1/conversations/{name}")

        async def by_idling(name: str) -> None:
            conversation = reception.conversations[name]
            conversation._tasks.start(_call(conversation.end, "idle"))
            await asyncio.sleep(0)

        await end(house, by_idling, "waiting")
        return await end(house, by_staff, "over")

    async def _call(function: Callable[[Any], None], value: object) -> None:
        function(value)

    async def look(house: Running, made: Told) -> None:
        async with entered(house, made, "visitor") as visitor:
            assert (await visitor.told())["state"] == "over"
            assert await visitor.closed() == 1000

    with serving(engines, monkeypatch, tmp_path) as house:
        made = asyncio.run(both(house))
    with serving(engines, monkeypatch, tmp_path) as house:
        asyncio.run(look(house, made))

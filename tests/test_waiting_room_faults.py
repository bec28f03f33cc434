"""Waiting rooms when something is wrong: strangers, crowds, databases that are gone."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from databases import Postgres
from in_process import KEY, Running, running
from waiting_rooms import Told, arrived, ask, entered, make, serving, wish
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from interpreter.appointments import Appointment, AppointmentSettings, new_id
from interpreter.appointments.links import Links
from interpreter.channels.protocol.room import RoomMessage
from interpreter.connection import Engines
from interpreter.engines import House
from interpreter.errors import SettingsError
from interpreter.events import Party
from interpreter.server import Service
from interpreter.settings import ServerSettings, Settings, state_folder
from interpreter.waiting_room import Seat, WaitingRooms


@pytest.fixture(scope="module")
def house(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("appointments")
    with pytest.MonkeyPatch.context() as patch, serving(engines, patch, folder) as service:
        yield service


# What is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type": "enter", "link": "eyJ.forged.link"}', "bad-token"),
        ('{"type": "ready", "language": "pt"}', "join-first"),
        ('{"type": "join", "token": "x"}', "unknown-message"),
        ('{"type": "enter"}', "bad-message"),
        ("{", "bad-json"),
        (b"\0" * 100, "bad-message"),
        ('{"type": "enter", "link": "' + "a" * 70_000 + '"}', "message-too-large"),
        ('{"type": "enter", "link": "' + "a" * 600 + '"}', "bad-message"),
    ],
)
def test_strangers_are_told_why_and_turned_away(
    house: Running, first: str | bytes, code: str
) -> None:
    async def knock() -> None:
        async with arrived(house) as stranger:
            await stranger.send(first)
            told = await stranger.told()
            assert (told["type"], told["code"], told["retry"]) == ("error", code, False)
            assert {"de", "en", "uk", "ar"} <= told["messages"].keys()
            assert await stranger.closed() == 1008

    asyncio.run(knock())


def test_mistakes_are_forgiven_and_floods_are_not(house: Running) -> None:
    async def flood() -> None:
        made = make(house)
        async with entered(house, made, "visitor") as visitor:
            for _ in range(9):
                await visitor.send("{")
                assert await visitor.refused() == "bad-json"
            await visitor.say("ready", language="pt")
            await visitor.until(ready=True)
            for _ in range(40):
                await visitor.say("ready", language="pt")
            assert await visitor.refused() == "too-many-messages"
            assert await visitor.closed() == 1008
        async with entered(house, made, "visitor") as visitor:
            for _ in range(10):
                await visitor.send("{")
            assert await visitor.closed() == 1008

    asyncio.run(flood())


def test_pages_of_others_may_not_connect(house: Running) -> None:
    async def knock() -> None:
        address = f"ws://127.0.0.1:{house.port}/v1/appointments/room"
        with pytest.raises(InvalidStatus) as refused:
            await connect(address, origin=Origin("https://evil.example"), proxy=None)
        assert refused.value.response.status_code == 403

    asyncio.run(knock())


def test_only_so_many_wait_at_once(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def crowd(house: Running) -> None:
        made = make(house)
        async with entered(house, made, "visitor") as visitor, arrived(house) as second:
            await visitor.told()
            told = await second.told()
            assert (told["code"], told["retry"]) == ("overloaded", True)
            assert await second.closed() == 1013

    settings = Settings(server=ServerSettings(connections=1))
    with serving(engines, monkeypatch, tmp_path, settings) as house:
        asyncio.run(crowd(house))


def test_a_house_that_is_full_tells_staff_and_the_room_stays(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def full(house: Running) -> None:
        house.open()
        made = make(house, visitor_language="pt")
        async with entered(house, made, "staff") as staff, entered(house, made, "visitor") as other:
            await staff.say("admit", interpreting="simultaneous")
            told = await staff.until(type="error")
            assert (told["code"], told["retry"]) == ("overloaded", True)
            assert "de" in told["messages"]
            assert house.service.reception
            for conversation in house.service.reception.conversations.values():
                name = conversation.name
            await asyncio.to_thread(ask, house, "DELETE", f"/v1/conversations/{name}")
            while house.service.reception.conversations:
                await asyncio.to_thread(ask, house, "GET", "/healthz")
            await staff.say("admit")
            told = await staff.until(state="open")
            assert told["interpreting"] == "consecutive"
            await other.until(state="open")

    settings = Settings(server=ServerSettings(conversations=1))
    with serving(engines, monkeypatch, tmp_path, settings) as house:
        asyncio.run(full(house))


def test_a_database_that_cannot_be_used_is_told_and_the_rest_goes_on(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres: Postgres
) -> None:
    monkeypatch.setenv("INTERPRETER_DATABASE_PASSWORD", postgres.password)
    settings = Settings(appointments=AppointmentSettings(database=postgres.address))

    async def knock(house: Running, made: Told) -> None:
        async with entered(house, made, "visitor") as visitor:
            told = await visitor.told()
            assert (told["code"], told["retry"]) == ("appointments-unavailable", True)
            assert await visitor.closed() == 1013

    async def wait(house: Running, made: Told) -> None:
        async with entered(house, made, "visitor") as visitor:
            assert (await visitor.told())["state"] == "waiting"
            await asyncio.to_thread(postgres.stop)
            try:
                async with entered(house, made, "staff") as staff:  # the room is open already
                    assert (await staff.told())["present"]["visitor"] is True
            finally:
                await asyncio.to_thread(postgres.start)

    with serving(engines, monkeypatch, tmp_path, settings) as house:
        made = make(house)
        postgres.stop()
        try:
            for status, told in (
                ask(house, "POST", "/v1/appointments", wish()),
                ask(house, "GET", "/v1/appointments"),
                ask(house, "DELETE", f"/v1/appointments/{made['id']}"),
            ):
                assert (status, told["code"]) == (503, "appointments-unavailable")
            asyncio.run(knock(house, made))
            assert house.open().keys() == {"staff", "visitor", "shared"}
        finally:
            postgres.start()
        asyncio.run(wait(house, made))


def test_the_end_by_staff_is_written_down_once_the_database_is_back(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres: Postgres
) -> None:
    monkeypatch.setenv("INTERPRETER_DATABASE_PASSWORD", postgres.password)
    monkeypatch.setattr("interpreter.waiting_room._AGAIN_SECONDS", 0.2)
    settings = Settings(appointments=AppointmentSettings(database=postgres.address))

    async def end(house: Running, made: Told) -> None:
        async with entered(house, made, "staff") as staff:
            await staff.say("admit")
            name = (await staff.until(state="open"))["conversation"]
            await asyncio.to_thread(postgres.stop)
            await asyncio.to_thread(ask, house, "DELETE", f"/v1/conversations/{name}")
            await staff.until(state="over")
            assert await staff.closed() == 1000
        async with entered(house, made, "visitor") as visitor:
            assert (await visitor.told())["state"] == "over"

    with serving(engines, monkeypatch, tmp_path, settings) as house:
        made = make(house, visitor_language="pt")
        try:
            asyncio.run(end(house, made))
        finally:
            postgres.start()
        states: dict[str, str] = {}
        while states.get(made["id"]) != "over" or house.service._appointments._rooms._rooms:
            _, told = ask(house, "GET", "/v1/appointments")
            states = {each["id"]: each["state"] for each in told["appointments"]}


def test_what_goes_on_past_midnight_can_still_be_revoked(house: Running) -> None:
    async def revoke() -> None:
        made = make(house, visitor_language="pt")
        path = f"/v1/appointments/{made['id']}"
        async with entered(house, made, "staff") as staff:
            await staff.say("admit")
            await staff.until(state="open")
            with contextlib.closing(sqlite3.connect(state_folder() / "appointments.sqlite")) as it:
                it.execute("DELETE FROM appointments WHERE id = ?", (made["id"],))
                it.commit()
            assert (await asyncio.to_thread(ask, house, "DELETE", path))[0] == 204
            await staff.until(state="revoked")
            assert await staff.closed() == 1000
        while house.service._appointments._rooms._rooms.get(made["id"]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert (await asyncio.to_thread(ask, house, "DELETE", path))[0] == 404

    asyncio.run(revoke())


def rooms_of(links: Links, find: Callable[[str], Awaitable[Appointment | None]]) -> WaitingRooms:
    """Rooms in which people only wait."""
    return WaitingRooms(
        AppointmentSettings(),
        links,
        reception=lambda: None,  # type: ignore[arg-type, return-value]  # nobody is let in
        languages=lambda staff: [],
        find=find,
        end=find,  # type: ignore[arg-type]  # nobody ends anything
    )


def test_who_leaves_an_old_room_late_does_not_close_the_new_one() -> None:
    kept = Appointment(new_id(), datetime.now(UTC).replace(microsecond=0), 30, "en", "pt")
    links = Links(KEY)

    async def find(name: str) -> Appointment | None:
        return kept

    async def come_and_go() -> None:
        rooms = rooms_of(links, find)
        places = []
        for leaves in (False, True, False):
            place = await rooms.enter(links.write(kept, Party.VISITOR))
            assert isinstance(place, Seat)
            places.append(place)
            if leaves:
                rooms.leave(place)
        first, _, newest = places
        assert first.room is not newest.room
        rooms.leave(first)
        assert rooms.room(kept) is newest.room

    asyncio.run(come_and_go())


def test_a_link_that_is_revoked_while_somebody_enters_opens_nothing() -> None:
    kept = Appointment(new_id(), datetime.now(UTC).replace(microsecond=0), 30, "en", "pt")
    links = Links(KEY)
    found: list[Appointment | None] = [kept, None]

    async def find(name: str) -> Appointment | None:
        if len(found) == 2:
            rooms.revoke(name)  # between the answer of the database and its arrival
        return found.pop(0)

    rooms = rooms_of(links, find)
    told = asyncio.run(rooms.enter(links.write(kept, Party.VISITOR)))
    assert isinstance(told, RoomMessage)
    assert told.state == "revoked"


def test_while_models_are_loaded(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INTERPRETER_STATE", str(tmp_path))
    go = threading.Event()

    def slow(house: House) -> House:
        assert go.wait(60)
        return house

    async def knock(house: Running) -> None:
        link = Links(KEY).write(
            Appointment(new_id(), datetime.now(UTC), 30, "en", "pt"), Party.STAFF
        )
        async with arrived(house) as early:
            await early.say("enter", link=link)
            told = await early.told()
            assert (told["code"], told["retry"]) == ("starting", True)
            assert await early.closed() == 1013

    with running(engines, load=slow) as house:
        status, told = ask(house, "POST", "/v1/appointments", wish())
        assert (status, told["code"]) == (503, "starting")
        asyncio.run(knock(house))
        go.set()


@pytest.mark.parametrize("place", ["h:54a/db", "h:/db:x", "[::1/db", "h/db?plugin=none"])
def test_a_service_does_not_start_with_a_wrong_address_of_its_database(place: str) -> None:
    settings = msgspec.convert(
        {"database": f"postgresql+asyncpg://user@{place}"}, AppointmentSettings
    )
    with pytest.raises(SettingsError, match="appointments.database") as wrong:
        Service(Settings(appointments=settings), KEY, lambda: pytest.fail("nothing is loaded"))
    assert wrong.value.code == "bad-settings"


def test_a_service_starts_without_its_database(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "appointments.sqlite").mkdir()
    monkeypatch.setenv("INTERPRETER_STATE", str(tmp_path))
    with running(engines) as house:
        status, told = ask(house, "POST", "/v1/appointments", wish())
        assert (status, told["code"]) == (503, "appointments-unavailable")
        assert house.open()

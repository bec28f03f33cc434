"""Waiting rooms through time: restarts, doors that open and close, and what is erased."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import Postgres
from in_process import KEY, Running
from waiting_rooms import SETTINGS, Told, ask, entered, link, make, serving

from interpreter.appointments import Appointment, AppointmentSettings, new_id
from interpreter.appointments.links import Links
from interpreter.appointments.store import Store
from interpreter.connection import Engines
from interpreter.events import Party
from interpreter.settings import Settings


async def _let_in(house: Running, made: Told) -> Told:
    async with entered(house, made, "staff") as staff, entered(house, made, "visitor") as visitor:
        await visitor.say("ready", language="pt")
        await staff.until(ready=True)
        await staff.say("admit")
        return await visitor.until(state="open")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_restart_loses_neither_appointments_nor_links(
    engines: Engines,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    settings = SETTINGS
    if kind == "postgresql":
        cluster: Postgres = request.getfixturevalue("postgres")
        password = tmp_path / "password"
        password.write_text(f"{cluster.password}\n")
        monkeypatch.setenv("INTERPRETER_DATABASE_PASSWORD_FILE", str(password))
        settings = Settings(appointments=AppointmentSettings(database=cluster.address))
    with serving(engines, monkeypatch, tmp_path, settings) as house:
        made = make(house)
        before = asyncio.run(_let_in(house, made))
    assert (tmp_path / "appointments.sqlite").exists() == (kind == "sqlite")
    with serving(engines, monkeypatch, tmp_path, settings) as house:
        _, told = ask(house, "GET", "/v1/appointments")
        [kept] = [each for each in told["appointments"] if each["id"] == made["id"]]
        assert kept["state"] == "waiting"
        assert link(kept, "staff") == link(made, "staff")
        after = asyncio.run(_let_in(house, made))
        assert after["conversation"] != before["conversation"]


def test_who_waits_is_told_to_come_back_when_the_service_stops(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def wait(service: contextlib.ExitStack, house: Running) -> None:
        made = make(house, visitor_language="pt")
        async with entered(house, made, "staff") as staff, entered(house, made, "visitor") as other:
            await staff.say("admit")
            await other.until(state="open")
            await asyncio.to_thread(service.close)
            assert await staff.closed() == await other.closed() == 1012

    with contextlib.ExitStack() as service:
        house = service.enter_context(serving(engines, monkeypatch, tmp_path))
        asyncio.run(wait(service, house))


# Times -----------------------------------------------------------------------------------------

SOON = timedelta(seconds=10)
"""Until a door opens or closes: a slow machine has to be there before."""


def keep(folder: Path, *appointments: Appointment) -> None:
    """As an earlier run of the service would have left them."""

    async def write() -> None:
        store = Store(folder / "appointments.sqlite")
        await store.open()
        for each in appointments:
            await store.add(each, 100)
        await store.close()

    asyncio.run(write())


def told_of(appointment: Appointment) -> Told:
    links = Links(KEY)
    return {
        "links": {
            party: f"http://127.0.0.1:1/call#{links.write(appointment, party)}" for party in Party
        }
    }


def test_the_door_opens_by_itself_when_the_time_has_come(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def wait(house: Running, soon: Appointment) -> None:
        async with entered(house, told_of(soon), "staff") as staff:
            assert (await staff.told())["state"] == "early"
            await staff.say("admit")
            assert await staff.refused() == "appointment-closed"
            await staff.until(state="waiting")
            await staff.say("admit")
            await staff.until(state="open")

    with serving(engines, monkeypatch, tmp_path) as house:
        now = datetime.now(UTC).replace(microsecond=0)
        soon = Appointment(new_id(), now + timedelta(minutes=30) + SOON, 30, "en", "pt")
        keep(tmp_path, soon)
        asyncio.run(wait(house, soon))


def test_the_door_closes_and_what_goes_on_goes_on(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def wait(house: Running, waiting: Appointment, speaking: Appointment) -> None:
        async with (
            entered(house, told_of(speaking), "staff") as staff,
            entered(house, told_of(waiting), "visitor") as visitor,
        ):
            await staff.say("admit")
            await staff.until(state="open")
            await visitor.until(state="over")
            assert await visitor.closed() == 1000
            async with entered(house, told_of(speaking), "visitor") as late:
                assert (await late.told())["state"] == "open"

    with serving(engines, monkeypatch, tmp_path) as house:
        ended = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=60) + SOON
        both = [
            Appointment(new_id(), ended - timedelta(minutes=30), 30, "en", "pt") for _ in range(2)
        ]
        keep(tmp_path, *both)
        asyncio.run(wait(house, *both))


def test_what_is_past_is_erased_at_the_start_and_its_link_tells_so(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    past = Appointment(new_id(), datetime.now(UTC) - timedelta(days=3), 30, "en", "pt")
    keep(tmp_path, past)

    async def look(house: Running) -> None:
        async with entered(house, told_of(past), "visitor") as visitor:
            assert (await visitor.told())["state"] == "over"
            assert await visitor.closed() == 1000

    with serving(engines, monkeypatch, tmp_path) as house:
        while ask(house, "GET", "/v1/appointments")[1]["appointments"]:
            pass
        asyncio.run(look(house))


def test_an_old_link_does_not_open_a_later_appointment_of_the_same_id(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    new = Appointment("AAAAAA", now, 30, "en", "pt")
    old = Appointment("AAAAAA", now - timedelta(days=30), 30, "en", "pt")
    keep(tmp_path, new)

    async def look(house: Running) -> None:
        async with (
            entered(house, told_of(old), "visitor") as stranger,
            entered(house, told_of(new), "visitor") as visitor,
            entered(house, told_of(old), "visitor") as again,
        ):
            assert (await visitor.told())["state"] == "waiting"
            for each in (stranger, again):
                assert (await each.told())["state"] == "over"

    with serving(engines, monkeypatch, tmp_path) as house:
        asyncio.run(look(house))

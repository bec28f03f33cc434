"""Appointments as they are kept: in SQLite and in PostgreSQL, through restarts and faults."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from databases import Postgres
from sqlalchemy import event, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from interpreter.appointments import Appointment, AppointmentSettings, new_id
from interpreter.appointments.links import Links
from interpreter.appointments.migrate import downgrade, upgrade
from interpreter.appointments.store import Store
from interpreter.appointments.tables import appointments
from interpreter.errors import InterpreterError, ProtocolError, StorageError
from interpreter.events import Party

NOW = datetime.now(UTC).replace(microsecond=0)
KEY = "a key that is only used in tests"

MakeStore = Callable[[], Store]


def appointment(**more: Any) -> Appointment:
    made = Appointment(new_id(), NOW + timedelta(hours=1), 30, "de", "pt", "registration")
    return replace(made, **more)


@pytest.fixture(params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """A store on the same database, which is empty at first; again and again."""
    if request.param == "sqlite":
        return lambda: Store(tmp_path / "some folder" / "a%b?.sqlite")
    cluster: Postgres = request.getfixturevalue("postgres")

    def make() -> Store:
        return Store(cluster.address, cluster.password)

    async def empty() -> None:
        async with opened(make) as store, store._engine.begin() as connection:
            await connection.execute(appointments.delete())

    asyncio.run(empty())
    return make


@asynccontextmanager
async def opened(make: MakeStore) -> AsyncIterator[Store]:
    store = make()
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def test_appointments_outlive_the_service(make: MakeStore) -> None:
    first = appointment()
    second = appointment(
        visitor_language=None, office="", simultaneous=True, minutes=5, starts=NOW + timedelta(0)
    )

    async def keep() -> None:
        async with opened(make) as store:
            for each in (first, second):
                await store.add(each, 2)
            await store.end(second.id)

    async def look() -> None:
        async with opened(make) as store:
            assert await store.all() == [replace(second, over=True), first]
            assert await store.find(first.id) == first
            assert await store.find("NOBODY") is None
            assert (await store.all())[0].starts.utcoffset() == timedelta(0)
            assert await store.remove(first.id)
            assert not await store.remove(first.id)
            assert await store.find(first.id) is None

    asyncio.run(keep())
    asyncio.run(look())


def test_times_are_kept_in_utc_whatever_zone_they_come_in(make: MakeStore) -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    there = appointment(starts=(NOW + timedelta(hours=3)).astimezone(zone))

    async def keep() -> Any:
        async with opened(make) as store:
            await store.add(there, 10)
            kept = await store.find(there.id)
            assert kept is not None
            assert kept.starts == there.starts
            assert kept.starts.tzinfo is UTC
            async with store._engine.begin() as connection:
                written = text("SELECT CAST(starts AS VARCHAR) FROM appointments")
                await in_utc(connection)
                return await connection.scalar(written)

    async def in_utc(connection: AsyncConnection) -> None:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))

    assert str(asyncio.run(keep())).startswith(f"{there.starts.astimezone(UTC):%Y-%m-%d %H:%M:%S}")


def test_there_are_only_so_many(make: MakeStore) -> None:
    async def fill() -> None:
        async with opened(make) as store:
            await store.add(appointment(), 2)
            await store.add(appointment(), 2)
            with pytest.raises(InterpreterError) as full:
                await store.add(appointment(), 2)
            assert full.value.code == "too-many-appointments"
            assert len(await store.all()) == 2

    asyncio.run(fill())


def test_what_is_past_is_erased(make: MakeStore) -> None:
    settings = AppointmentSettings()
    today = appointment(starts=NOW, minutes=5)
    yesterday = appointment(starts=NOW - timedelta(days=2))

    async def erase() -> None:
        async with opened(make) as store:
            await store.add(today, 10)
            await store.add(yesterday, 10)
            assert await store.erase_before(settings.kept_since(NOW)) == 1
            assert await store.all() == [today]
            tomorrow = settings.kept_since(NOW + timedelta(days=1, hours=2))
            assert await store.erase_before(tomorrow) == 1
            assert await store.all() == []

    asyncio.run(erase())


def test_an_appointment_is_kept_to_the_end_of_its_day() -> None:
    settings = AppointmentSettings(late_minutes=60)
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    since = settings.kept_since(midnight + timedelta(hours=12))
    assert since == midnight - timedelta(minutes=60)
    assert since.tzinfo is UTC
    assert settings.kept_since(midnight - timedelta(seconds=1)) < since


def test_erased_rows_are_not_in_the_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "appointments.sqlite"
    kept = [appointment(office=f"office-of-{number}-giraffes") for number in range(300)]

    async def erase() -> None:
        async with opened(lambda: Store(path)) as store:
            for each in kept:
                await store.add(each, 1000)
            assert kept[7].office.encode() in path.read_bytes()
            assert await store.erase_before(NOW + timedelta(days=2)) == 300

    asyncio.run(erase())
    for left in tmp_path.iterdir():
        assert not [each for each in kept if each.id.encode() in left.read_bytes()]
        assert b"giraffes" not in left.read_bytes()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    async def make() -> None:
        async with opened(lambda: Store(tmp_path / "deep" / "appointments.sqlite")):
            pass

    asyncio.run(make())
    assert (tmp_path / "deep" / "appointments.sqlite").stat().st_mode & 0o777 == 0o600


def test_migrations_lead_to_the_tables_of_the_code_and_back(make: MakeStore) -> None:
    async def there_and_back() -> None:
        async with opened(make) as store:
            async with store._engine.begin() as connection:
                described = await connection.run_sync(columns)
                assert described == {
                    column.name: bool(column.nullable) for column in appointments.columns
                }
                await connection.run_sync(downgrade)
                tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
                assert "appointments" not in tables
            with pytest.raises(StorageError):
                await store.all()
            async with store._engine.begin() as connection:
                await connection.run_sync(upgrade)
                await connection.run_sync(upgrade)  # nothing is left to do
                assert await connection.run_sync(columns) == described
            assert await store.all() == []

    def columns(connection: Any) -> dict[str, bool]:
        told = inspect(connection).get_columns("appointments")
        return {each["name"]: bool(each["nullable"]) for each in told}

    asyncio.run(there_and_back())


# Faults ----------------------------------------------------------------------------------------


async def unusable(store: Store) -> str:
    with pytest.raises(StorageError) as caught:
        await store.add(appointment(office="hippopotamus"), 10)
    assert caught.value.code == "appointments-unavailable"
    assert caught.value.retryable
    assert "hippopotamus" not in str(caught.value)
    return str(caught.value)


def test_a_migration_that_is_interrupted_leaves_nothing_and_is_made_up_for(
    make: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise OSError("the machine was switched off")

    async def migrate() -> None:
        async with opened(make) as store, store._engine.begin() as connection:
            await connection.run_sync(downgrade)
        with monkeypatch.context() as patch:
            patch.setattr("alembic.op.create_index", interrupted)
            with pytest.raises(StorageError):
                await make().open()
        store = make()
        async with store._engine.begin() as connection:
            left = await connection.run_sync(lambda it: inspect(it).get_table_names())
        assert set(left) <= {"alembic_version"}
        await store.close()
        async with opened(make) as store:
            await store.add(appointment(), 10)

    asyncio.run(migrate())


def test_a_full_disk_is_told_and_passes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    full = True

    def limit(connection: Any, _record: Any) -> None:
        """SQLite's own limit: the same error as that of a disk without room."""
        connection.cursor().execute(f"PRAGMA max_page_count = {6 if full else 1_000_000}")

    async def fill() -> None:
        nonlocal full
        async with opened(lambda: Store(tmp_path / "appointments.sqlite")) as store:
            event.listen(store._engine.sync_engine, "connect", limit)
            with pytest.raises(StorageError) as caught:
                for _ in range(1000):
                    await store.add(appointment(office="hippopotamus" * 8), 1000)
            assert "SQLITE_FULL" in str(caught.value)
            before = await store.all()
            full = False
            await store._engine.dispose()
            await store.add(appointment(), 1000)
            assert len(await store.all()) == len(before) + 1

    asyncio.run(fill())
    assert "SQLITE_FULL" in caplog.text
    assert "hippopotamus" not in caplog.text


def test_a_locked_file_does_not_hold_anybody_up_for_ever(tmp_path: Path) -> None:
    async def lock() -> None:
        async with opened(lambda: Store(tmp_path / "appointments.sqlite")) as store:
            other = sqlite3.connect(tmp_path / "appointments.sqlite")
            other.execute("BEGIN EXCLUSIVE")
            adding = asyncio.create_task(unusable(store))
            turns = 0
            while not adding.done():
                await asyncio.sleep(0.01)
                turns += 1
            assert turns > 20  # the loop went round meanwhile
            assert "BUSY" in await adding
            other.rollback()
            other.close()
            await store.add(appointment(), 10)

    asyncio.run(lock())


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "appointments.sqlite"
    path.write_bytes(b"no database" * 1000)

    async def use() -> None:
        store = Store(path)
        with pytest.raises(StorageError, match="SQLITE_NOTADB"):
            await store.open()
        await unusable(store)
        await store.close()

    asyncio.run(use())
    assert path.read_bytes().startswith(b"no database")


def test_a_server_that_dies_is_told_and_used_again_when_it_is_back(postgres: Postgres) -> None:
    kept = appointment()

    async def use() -> None:
        async with opened(lambda: Store(postgres.address, postgres.password)) as store:
            await store.add(kept, 1000)
            await asyncio.to_thread(postgres.stop)
            try:
                await unusable(store)
                with pytest.raises(StorageError):
                    await store.open()
            finally:
                await asyncio.to_thread(postgres.start)
            assert await store.find(kept.id) == kept

    asyncio.run(use())


def test_a_server_that_hangs_holds_nobody_up_for_ever(postgres: Postgres) -> None:
    kept = appointment()

    async def use() -> None:
        async with opened(lambda: Store(postgres.address, postgres.password)) as store:
            await store.add(kept, 1000)
            hanging = postgres.hang()
            try:
                asking = asyncio.gather(*(unusable(store) for _ in range(6)))  # more than it holds
                turns = 0
                while not asking.done():
                    await asyncio.sleep(0.01)
                    turns += 1
                assert turns > 100
                assert set(await asking) == {
                    "the database of the appointments cannot be used (TimeoutError)"
                }
            finally:
                for process in hanging:
                    process.resume()
            assert await store.find(kept.id) == kept

    asyncio.run(use())


def test_a_wrong_password_is_told_and_not_shown(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async def use() -> None:
        store = Store(postgres.address, "wrong-crocodile")
        assert "28P01" in await unusable(store)
        await store.close()

    asyncio.run(use())
    assert "crocodile" not in caplog.text


# Links -----------------------------------------------------------------------------------------


def test_a_link_tells_whom_it_is_for_and_stays_the_same() -> None:
    links, kept = Links(KEY), appointment()
    staff, visitor = (links.write(kept, party) for party in (Party.STAFF, Party.VISITOR))
    assert links.read(staff) == (kept.id, Party.STAFF, kept.starts)
    assert links.read(visitor) == (kept.id, Party.VISITOR, kept.starts)
    assert links.write(kept, Party.STAFF) == staff
    assert len(staff) < 120
    assert not set(staff) & set("/?#&=%+ ")


@pytest.mark.parametrize("forged", ["", "x", "a.b.c", "WyJBIl0.x", "\ud800", "é", "." * 500])
def test_forged_links_do_not_open(forged: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        Links(KEY).read(forged)
    assert refused.value.code == "bad-token"
    assert refused.value.fatal


def test_a_link_with_another_end_key_or_purpose_does_not_open() -> None:
    from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

    link = Links(KEY).write(appointment(), Party.VISITOR)
    head, _, tail = link.partition(".")
    staff, _, _ = Links(KEY).write(appointment(), Party.STAFF).partition(".")
    foreign = [
        f"{staff}.{tail}",
        f"{head}.{tail[:-1]}",
        Links("another key, long enough").write(appointment(), Party.STAFF),
        URLSafeTimedSerializer(KEY, salt="interpreter.counter").dumps("counter"),
        URLSafeSerializer(KEY, salt="interpreter.appointment").dumps("staff"),
        URLSafeSerializer(KEY, salt="interpreter.appointment").dumps(["A", "staff", "soon"]),
        URLSafeSerializer(KEY, salt="interpreter.appointment").dumps(["A", "king", 1]),
    ]
    for each in foreign:
        with pytest.raises(ProtocolError):
            Links(KEY).read(str(each))


def test_ids_can_be_read_aloud() -> None:
    ids = {new_id() for _ in range(200)}
    assert len(ids) > 195
    assert all(len(each) == 6 for each in ids)
    assert not set("".join(ids)) & set("01258BILOSZ")

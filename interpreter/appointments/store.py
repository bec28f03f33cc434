"""Where appointments are kept: an SQLite file, or PostgreSQL. No call waits for ever."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Row, delete, event, func, insert, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..errors import InterpreterError, SettingsError, StorageError
from . import Appointment
from .migrate import upgrade
from .tables import appointments

log = logging.getLogger(__name__)

_LOCKED_SECONDS = 2.0
"""For another process to let go of an SQLite file."""

_CALL_SECONDS = 5.0
_MIGRATION_SECONDS = 60.0


class Store:
    """All appointments. Every call raises `StorageError` where the database cannot do it."""

    def __init__(self, database: str | Path, password: str | None = None) -> None:
        """`database`: the file of an SQLite database, or the address of another one.

        Raises `SettingsError` ("bad-settings") for what is no address.
        """
        self._file = database if isinstance(database, Path) else None
        try:
            if isinstance(database, Path):
                self._url = _of_file(database)
            else:
                self._url = make_url(database).set(password=password)
            self._engine = self._connect()
        except (ValueError, SQLAlchemyError) as error:
            raise SettingsError(
                "bad-settings",
                "appointments.database is no address of a database; write it as "
                "postgresql+asyncpg://user@host:5432/name",
            ) from error

    async def open(self) -> None:
        """Make the tables, or bring them to the newest form; not in the way of the event loop."""
        try:
            async with asyncio.timeout(_MIGRATION_SECONDS):
                await asyncio.to_thread(asyncio.run, self._migrate())
        except Exception as error:
            raise _unusable(error) from None

    async def close(self) -> None:
        """Let go of all connections."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CALL_SECONDS):
                await self._engine.dispose()

    async def add(self, appointment: Appointment, most: int) -> None:
        """Keep one more, of `most`. Raises `InterpreterError` ("too-many-appointments") besides."""
        async with self._transaction() as connection:
            count = await connection.scalar(select(func.count()).select_from(appointments))
            if (count or 0) >= most:
                raise InterpreterError(
                    "too-many-appointments",
                    f"there are {most} appointments, more are not allowed; revoke some, or raise "
                    "appointments.most",
                )
            await connection.execute(insert(appointments), _to_row(appointment))

    async def find(self, name: str) -> Appointment | None:
        """The one with this id."""
        async with self._transaction() as connection:
            found = await connection.execute(select(appointments).where(appointments.c.id == name))
            row = found.one_or_none()
        return _from_row(row) if row else None

    async def all(self) -> list[Appointment]:
        """Every one, by time."""
        order = (appointments.c.starts, appointments.c.id)
        async with self._transaction() as connection:
            found = await connection.execute(select(appointments).order_by(*order))
            return [_from_row(row) for row in found]

    async def end(self, name: str) -> None:
        """Staff have ended it."""
        async with self._transaction() as connection:
            ended = update(appointments).where(appointments.c.id == name).values(over=True)
            await connection.execute(ended)

    async def remove(self, name: str) -> bool:
        """Forget one; False if there is none with this id."""
        async with self._transaction() as connection:
            done = await connection.execute(delete(appointments).where(appointments.c.id == name))
            return bool(done.rowcount)

    async def erase_before(self, moment: datetime) -> int:
        """Forget all that ended before; gives their number."""
        async with self._transaction() as connection:
            done = await connection.execute(
                delete(appointments).where(appointments.c.ends < moment)
            )
            return int(done.rowcount)

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(_CALL_SECONDS), self._engine.begin() as connection:
                yield connection
        except InterpreterError:
            raise
        except Exception as error:
            raise _unusable(error) from None

    def _connect(self) -> AsyncEngine:
        if self._file is None:
            limits = {"timeout": _CALL_SECONDS, "command_timeout": _CALL_SECONDS}
        else:
            limits = {"timeout": _LOCKED_SECONDS}
        engine = create_async_engine(
            self._url,
            connect_args=limits,
            pool_size=4,
            max_overflow=0,
            pool_timeout=_CALL_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        if self._file is not None:
            event.listen(engine.sync_engine, "connect", _overwrite_what_is_deleted)
        return engine

    async def _migrate(self) -> None:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))
        engine = self._connect()
        try:
            async with engine.begin() as connection:
                if self._file is not None:  # its driver would commit table by table
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                await connection.run_sync(upgrade)
        finally:
            await engine.dispose()


def _of_file(path: Path) -> URL:
    """Without the file there is an error: it is made once, for its owner only."""
    return URL.create(
        "sqlite+aiosqlite",
        database=f"file:{quote(str(path.absolute()))}",
        query={"mode": "rw", "uri": "true"},
    )


def _overwrite_what_is_deleted(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _unusable(error: Exception) -> StorageError:
    kind = _kind(error)
    log.error("the database of the appointments cannot be used: %s", kind)
    return StorageError(
        "appointments-unavailable",
        f"the database of the appointments cannot be used ({kind})",
        retryable=True,
    )


def _kind(error: Exception) -> str:
    """What went wrong, in the database's own terms; its text could hold what was to be written."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return str(code or type(cause).__name__)


def _to_row(appointment: Appointment) -> dict[str, Any]:
    return {
        "id": appointment.id,
        "starts": appointment.starts,
        "ends": appointment.ends,
        "staff_language": appointment.staff_language,
        "visitor_language": appointment.visitor_language,
        "office": appointment.office,
        "simultaneous": appointment.simultaneous,
        "over": appointment.over,
    }


def _from_row(row: Row[Any]) -> Appointment:
    return Appointment(
        id=row.id,
        starts=row.starts,
        minutes=round((row.ends - row.starts).total_seconds() / 60),
        staff_language=row.staff_language,
        visitor_language=row.visitor_language,
        office=row.office,
        simultaneous=row.simultaneous,
        over=row.over,
    )

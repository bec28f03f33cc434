"""The table of appointments, as the newest migration leaves it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, DateTime, MetaData, String, Table
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A time in UTC. SQLite knows no zones: there it is written without, and read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


metadata = MetaData()

appointments = Table(
    "appointments",
    metadata,
    Column("id", String(6), primary_key=True),
    Column("starts", Moment(), nullable=False),
    Column("ends", Moment(), nullable=False, index=True),
    Column("staff_language", String(3), nullable=False),
    Column("visitor_language", String(3)),
    Column("office", String(100), nullable=False),
    Column("simultaneous", Boolean(), nullable=False),
    Column("over", Boolean(), nullable=False),
)

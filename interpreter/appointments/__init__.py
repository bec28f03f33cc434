"""Video appointments: what is known of one, and for how long its links are good.

Nobody's name is kept, nor what it is about: people tell appointments apart by their time, their
language, and a short id.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from msgspec import Meta

_LETTERS = "ACDEFGHJKMNPQRTUVWXY34679"
"""Without those that look or sound like others: 0 and O, 1, I and L, 5 and S, 2 and Z, 8 and B."""

Address = Annotated[str, Meta(pattern=r"^(postgresql\+asyncpg://([^:@/]+@)?[^@/]*/.+)?$")]
"""Of a database, without a password."""

Minutes = Annotated[int, Meta(ge=0, le=1440)]


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment; all times are UTC."""

    id: str
    """Six letters and digits that can be read aloud; no secret."""

    starts: datetime
    minutes: int
    staff_language: str
    visitor_language: str | None
    """None where it is not known yet: the visitor says it."""

    office: str = ""
    simultaneous: bool = False
    over: bool = False
    """Whether staff have ended it before its time."""

    @property
    def ends(self) -> datetime:
        """When it should be over."""
        return self.starts + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class AppointmentSettings:
    """Where appointments are kept, and when their links are good."""

    database: Address = ""
    """Empty: an SQLite file in the state folder; else `postgresql+asyncpg://user@host/name`. Its
    password is in INTERPRETER_DATABASE_PASSWORD."""

    early_minutes: Minutes = 30
    """A link opens so long before the appointment starts."""

    late_minutes: Minutes = 60
    """It closes so long after the appointment's end."""

    most: Annotated[int, Meta(ge=1, le=100_000)] = 500
    """Appointments that there may be at once."""

    def opens(self, appointment: Appointment) -> datetime:
        """From when on people are let into the waiting room."""
        return appointment.starts - timedelta(minutes=self.early_minutes)

    def closes(self, appointment: Appointment) -> datetime:
        """From when on nobody is let in any more."""
        return appointment.ends + timedelta(minutes=self.late_minutes)

    def kept_since(self, now: datetime) -> datetime:
        """Appointments that ended before are erased: their links closed before today began."""
        today = datetime.combine(now.astimezone().date(), time()).astimezone(UTC)
        return today - timedelta(minutes=self.late_minutes)


def new_id() -> str:
    """An id for a new appointment."""
    return "".join(secrets.choice(_LETTERS) for _ in range(6))

"""What a look at this machine finds."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    area: str
    """`settings`, `model`, `port` and the like."""

    status: Status
    """`missing`: the service cannot start before it is mended; `warning`: it can."""

    text: str
    """What was found, and what that means."""

    mend: str | None = None
    """The command that mends it, or what else to do."""

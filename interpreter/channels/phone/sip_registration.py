"""Staying registered at an exchange, through its restarts and its refusals."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ...errors import PhoneError

if TYPE_CHECKING:
    import baresip

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
REFUSED_WAIT_SECONDS = 300.0
"""With a wrong password: exchanges lock out who tries often."""

JITTER = 0.3
"""Share by which a wait is made shorter or longer: many telephones wait for the same exchange."""

PASSWORD_STATUSES = (401, 403, 407)


@dataclass(frozen=True, slots=True)
class Registration:
    """How the service stands with the exchange."""

    state: Literal["trunk", "registering", "registered", "failed", "closed"]
    code: str = ""
    """Why it failed: sip-wrong-password, sip-unreachable, sip-refused, sip-stopped."""


class Registrar:
    """Registers a user agent, and again whenever that fails, until cancelled."""

    def __init__(
        self,
        agent: "baresip.UserAgent",
        prepare: Callable[[], Awaitable[None]],
        tell: Callable[[Registration], None],
    ) -> None:
        """`prepare` runs before each attempt and may raise `PhoneError`."""
        self._agent = agent
        self._prepare = prepare
        self._tell = tell
        self._renewed = asyncio.Event()
        self._failed = asyncio.Event()
        self._status: int | None = None
        agent.on(self._on_event)

    async def run(self) -> None:
        failures = 0
        while True:
            code = await self._attempt()
            if not code:
                failures = 0
                self._tell(Registration("registered"))
                await self._failed.wait()
                code = code_of(self._status)
            failures += 1
            self._tell(Registration("failed", code))
            await self._wait(wait_seconds(code, failures))

    async def _attempt(self) -> str:
        """Register; a code if that failed."""
        from baresip import BaresipError, RegistrationError

        self._failed.clear()
        try:
            await self._prepare()
            await self._agent.register(timeout=ANSWER_SECONDS)
        except PhoneError as error:
            return error.code
        except RegistrationError as error:
            return code_of(error.status)
        except BaresipError as error:
            logger.warning("registering failed: %s", type(error).__name__)
            return "sip-unreachable"
        return ""

    async def _wait(self, seconds: float) -> None:
        """Wait, unless the library's own attempt succeeds before."""
        self._renewed.clear()
        try:
            await asyncio.wait_for(self._renewed.wait(), seconds)
        except TimeoutError:
            return

    def _on_event(self, event: Any) -> None:
        match event.event.name:
            case "REGISTER_OK":
                self._renewed.set()
            case "REGISTER_FAIL":
                status = (event.text or "")[:3]
                self._status = int(status) if status.isdecimal() else None
                self._failed.set()


def code_of(status: int | None) -> str:
    """Our code for the SIP status of a refused registration; None: nobody answered."""
    if status is None:
        return "sip-unreachable"
    return "sip-wrong-password" if status in PASSWORD_STATUSES else "sip-refused"


def wait_seconds(code: str, failures: int) -> float:
    """How long to wait after so many failures in a row, with jitter."""
    if code == "sip-wrong-password":
        wait = REFUSED_WAIT_SECONDS
    else:
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(failures - 1, 16))
    return wait * random.uniform(1 - JITTER, 1 + JITTER)

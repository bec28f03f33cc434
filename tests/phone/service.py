"""The service's telephone in a test: opened, and closed whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from interpreter.channels.phone.line import Line, LineEvent
from interpreter.channels.phone.sip import IncomingCall, SipPhone, SipSettings
from interpreter.channels.phone.sip_registration import Registration

from .network import HOST, free_port
from .telephones import PATIENCE

Event = TypeVar("Event", bound=LineEvent)


async def nobody(call: IncomingCall) -> None:
    """Takes no call."""
    await call.refuse()


@asynccontextmanager
async def phone_service(
    settings: SipSettings,
    on_call: Callable[[IncomingCall], Awaitable[None]] = nobody,
    password: str = "",
    on_registration: Callable[[Registration], None] = lambda _: None,
) -> AsyncIterator[SipPhone]:
    phone = await SipPhone.open(settings, password, on_call, on_registration)
    try:
        yield phone
    finally:
        await phone.close()


def trunk(**changes: Any) -> SipSettings:
    """Settings of a service that takes calls from this machine."""
    first = free_port()
    settings = SipSettings(
        host=HOST, port=free_port(), peers=(HOST,), rtp_ports=(first, first + 63), calls=16
    )
    return replace(settings, **changes)


async def next_of(line: Line, kind: type[Event]) -> Event:
    """The next event of a kind; others are passed over."""
    async with asyncio.timeout(PATIENCE):
        async for event in line.events():
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the line ended without {kind.__name__}")


async def ended(line: Line) -> list[LineEvent]:
    """All events until the line has ended."""
    async with asyncio.timeout(PATIENCE):
        return [event async for event in line.events()]


class Desk:
    """Takes every call and hands out its line."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[Line] = asyncio.Queue()

    async def __call__(self, call: IncomingCall) -> None:
        await self.lines.put(await call.answer())

    async def line(self) -> Line:
        return await asyncio.wait_for(self.lines.get(), PATIENCE)

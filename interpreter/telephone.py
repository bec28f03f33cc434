"""The office's telephone: what carries calls to the switchboard, as the settings say."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from starlette.websockets import WebSocket

from .channels.phone import asterisk, media_stream
from .channels.phone.line import Line
from .channels.phone.sip import IncomingCall, Registration, SipPhone, check
from .channels.phone.switchboard import Switchboard
from .errors import PhoneError, SettingsError, trace
from .reception import Reception
from .settings import Settings, secret

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 30.0
"""After which a SIP stack that could not be opened is tried again."""


class Telephone:
    """Lines by SIP, from an Asterisk, and from media streams; one switchboard behind them.

    Secrets come from the environment: INTERPRETER_SIP_PASSWORD, INTERPRETER_ASTERISK_SECRET and
    INTERPRETER_MEDIA_STREAM_TOKEN, or files that the same names with _FILE name. Without the
    second and third, nobody is let in that way.
    """

    def __init__(self, settings: Settings, reception: Reception) -> None:
        """Raises `SettingsError` where settings or secrets are of no use."""
        phone = settings.phone
        reached = (*phone.clerks, *phone.staff, *phone.destinations)
        sip = replace(settings.sip, destinations=(*settings.sip.destinations, *reached))
        self._sip_settings = sip if sip.exchange or sip.peers else None
        if self._sip_settings:
            check(self._sip_settings)
        if phone.office not in reception.offices:
            raise SettingsError("bad-settings", "phone.office names none of the offices")
        self._password = secret("INTERPRETER_SIP_PASSWORD") or ""
        self._asterisk = secret("INTERPRETER_ASTERISK_SECRET")
        self._stream_token = secret("INTERPRETER_MEDIA_STREAM_TOKEN")
        self._sip: SipPhone | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.registration: Registration | None = None
        """At the exchange, where there is one."""

        self.board = Switchboard(phone, reception, self._dial) if self.used else None

    @property
    def used(self) -> bool:
        """Whether any calls can come."""
        return bool(self._sip_settings or self._asterisk or self._stream_token)

    def start(self) -> None:
        """Begin to take calls."""
        if self.board:
            self._begin(self.board.prepare())
        if self._sip_settings:
            self._begin(self._keep_sip())

    async def shut(self) -> None:
        """Say goodbye on all lines, and stop."""
        if self.board:
            await self.board.shut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._sip:
            await self._sip.close()

    async def from_asterisk(self, websocket: WebSocket) -> None:
        """`/v1/phone/asterisk`."""
        if self.board is None or not self._asterisk:
            await websocket.close()
            return
        await asterisk.serve(websocket, self._asterisk, self.board.take)

    async def from_media_stream(self, websocket: WebSocket) -> None:
        """`/v1/phone/media`; its address is part of what Twilio signs."""
        if self.board is None or not self._stream_token:
            await websocket.close()
            return
        url = f"wss://{websocket.headers.get('host', '')}{websocket.url.path}"
        await media_stream.serve(websocket, self._stream_token, url, self.board.take)

    async def _keep_sip(self) -> None:
        """Open the SIP stack; again and again, where the network is not there yet."""
        assert self._sip_settings
        while self._sip is None:
            try:
                self._sip = await SipPhone.open(
                    self._sip_settings, self._password, self._on_call, self._on_registration
                )
            except PhoneError as error:
                log.error("%s: %s", error.code, error)
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _on_call(self, incoming: IncomingCall) -> None:
        assert self.board
        if self.board.full:
            await incoming.refuse()
        else:
            await self.board.take(await incoming.answer())

    def _on_registration(self, registration: Registration) -> None:
        self.registration = registration
        log.info("SIP: %s %s", registration.state, registration.code)

    async def _dial(self, number: str, ring_seconds: float) -> Line:
        if self._sip is None:
            raise PhoneError("unreachable", "calls out need a SIP exchange, and there is none")
        return await self._sip.dial(number, ring_seconds)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("the telephone broke: %s", trace(error))

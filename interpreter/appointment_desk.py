"""Video appointments over HTTP, the websocket of their waiting rooms, and where they are kept."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from .appointments import Appointment, new_id
from .appointments.links import Links
from .channels.protocol import Name, Tag
from .channels.protocol.room import Interpreting, RoomLanguage
from .channels.room import RoomSocket
from .counter import languages
from .engines import House
from .errors import (
    BusyError,
    InterpreterError,
    ProtocolError,
    StorageError,
    trace,
)
from .events import Party
from .http import HEADERS, answer, bearer, body_of, check_origin, decode, link_to, qr_code
from .keys import Keys
from .languages import normalise
from .reception import Reception
from .settings import Settings, secret, state_folder
from .waiting_room import WaitingRooms

if TYPE_CHECKING:
    from .appointments.store import Store

log = logging.getLogger(__name__)

_ERASE_SECONDS = 600.0
_AGAIN_SECONDS = 15.0
"""After which a database that could not be opened is tried again."""

_FURTHEST = timedelta(days=400)


class NewAppointment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/appointments`."""

    starts: Annotated[datetime, Meta(tz=True)]
    staff_language: Tag
    minutes: Annotated[int, Meta(ge=5, le=480)] = 30
    visitor_language: Tag | None = None
    office: Name = ""
    interpreting: Interpreting = "consecutive"


class Appointments:
    """Everything about appointments in one process; `run` keeps it going."""

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        staff_key: str,
        house: Callable[[], House],
        reception: Callable[[], Reception],
    ) -> None:
        """`house` and `reception` raise `BusyError` as long as models are loaded.

        Raises `SettingsError` where the database's password cannot be read, or its address is none.
        """
        self._settings = settings.appointments
        self._server = settings.server
        self._keys = keys
        self._house = house
        self._reception = reception
        self._links = Links(staff_key)
        self._password = secret("INTERPRETER_DATABASE_PASSWORD")
        self._opened: Store | None = None
        if self._settings.database:
            self._make_store()  # a wrong address is told at the start, not tried for ever
        self._sockets = 0
        self._rooms = WaitingRooms(
            self._settings,
            self._links,
            reception,
            self._languages,
            find=lambda name: self._store().find(name),
            end=lambda name: self._store().end(name),
        )

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [
            Route("/v1/appointments", self._list),
            Route("/v1/appointments", self._create, methods=["POST"]),
            WebSocketRoute("/v1/appointments/room", self._room),
            Route("/v1/appointments/{id}", self._show, methods=["GET"]),
            Route("/v1/appointments/{id}", self._revoke, methods=["DELETE"]),
        ]

    async def run(self) -> None:
        """Open the database, erase what is past, look after the rooms; until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep())
                group.create_task(self._rooms.watch())
        except Exception as error:
            log.error("appointments broke: %s", trace(error))
        finally:
            if self._opened:
                await self._opened.close()

    async def _keep(self) -> None:
        while self._opened is None:
            try:
                await self._open()
            except StorageError:  # logged where it arose; it may come back
                await asyncio.sleep(_AGAIN_SECONDS)
        while True:
            with contextlib.suppress(StorageError):
                moment = self._settings.kept_since(datetime.now(UTC))
                if erased := await self._opened.erase_before(moment):
                    log.info("appointments erased: %d", erased)
            await asyncio.sleep(_ERASE_SECONDS)

    async def _open(self) -> None:
        store = await asyncio.to_thread(self._make_store)
        try:
            await store.open()
        except BaseException:
            await store.close()
            raise
        self._opened = store

    def _make_store(self) -> "Store":
        from .appointments.store import Store

        database = self._settings.database or state_folder() / "appointments.sqlite"
        return Store(database, self._password)

    # HTTP -----------------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        self._check(request)
        wanted = decode(await body_of(request), NewAppointment)
        appointment = self._appointment(wanted)
        await self._store().add(appointment, self._settings.most)
        return answer(self._told(appointment, request), 201)

    async def _list(self, request: Request) -> Response:
        self._check(request)
        kept = await self._store().all()
        return answer({"appointments": [self._told(each, request) for each in kept]})

    async def _show(self, request: Request) -> Response:
        self._check(request)
        appointment = await self._store().find(request.path_params["id"])
        if appointment is None:
            raise InterpreterError("unknown-appointment", "there is no such appointment")
        told = self._told(appointment, request)
        return answer(told | {"qr": qr_code(told["links"][Party.VISITOR])})

    async def _revoke(self, request: Request) -> Response:
        self._check(request)
        name = request.path_params["id"]
        kept = await self._store().remove(name)
        going_on = self._rooms.revoke(name)  # also past midnight, when it has been erased
        if not kept and not going_on:
            raise InterpreterError("unknown-appointment", "there is no such appointment")
        return Response(status_code=204, headers=HEADERS)

    def _appointment(self, wanted: NewAppointment) -> Appointment:
        """What is wanted, if it can be held. Raises `InterpreterError`."""
        reception = self._reception()
        staff = normalise(wanted.staff_language)
        visitor = normalise(wanted.visitor_language) if wanted.visitor_language else None
        if wanted.office not in reception.offices:
            raise InterpreterError("unknown-office", "the settings name no office like that")
        if visitor:
            reception.check_pair(staff, visitor)
        elif not self._languages(staff):
            raise InterpreterError("pair-not-available", f"nothing here interprets {staff}")
        now = datetime.now(UTC)
        try:
            starts = wanted.starts.astimezone(UTC).replace(microsecond=0)
            if not now - timedelta(minutes=wanted.minutes) < starts < now + _FURTHEST:
                raise ProtocolError("bad-message", "starts: it has passed, or is too far away")
        except OverflowError:
            raise ProtocolError("bad-message", "starts: there is no such time") from None
        return Appointment(
            new_id(),
            starts,
            wanted.minutes,
            staff,
            visitor,
            wanted.office,
            wanted.interpreting == "simultaneous",
        )

    def _told(self, appointment: Appointment, request: Request) -> dict[str, Any]:
        room = self._rooms.room(appointment)
        return {
            "id": appointment.id,
            "starts": appointment.starts,
            "minutes": appointment.minutes,
            "staff_language": appointment.staff_language,
            "visitor_language": room.visitor_language,
            "office": appointment.office,
            "interpreting": room.interpreting,
            "opens": room.opens,
            "closes": room.closes,
            "state": room.state,
            "links": {
                party: link_to(request, f"call#{self._links.write(appointment, party)}")
                for party in Party
            },
            "present": room.present,
            "ready": room.ready,
        }

    # The waiting room -------------------------------------------------------------------------

    async def _room(self, websocket: WebSocket) -> None:
        try:
            check_origin(websocket, self._server.origins)
        except ProtocolError:
            await websocket.close()  # before it is accepted: answered with HTTP 403
            return
        socket = RoomSocket(websocket, self._rooms)
        if self._sockets >= self._server.connections:
            await socket.turn_away(BusyError("overloaded", "too many wait"), accept_first=True)
            return
        self._sockets += 1
        try:
            await socket.run()
        except Exception as error:
            log.error("a waiting room's websocket broke: %s", trace(error))
            await socket.turn_away(InterpreterError("internal-error", "our fault"))
        finally:
            self._sockets -= 1

    def _languages(self, staff: str) -> list[RoomLanguage]:
        """Those that staff's language can be interpreted with, both ways."""
        known = {each["tag"]: each for each in languages(self._house())}
        own = known.get(staff)
        if own is None or not own["heard"]:
            return []
        return [
            RoomLanguage(
                **each | {"translations": {staff: each["translations"][staff]}},
            )
            for tag, each in known.items()
            if each["heard"] and staff in each["translations"] and tag in own["translations"]
        ]

    def _store(self) -> "Store":
        if self._opened is None:
            raise StorageError(
                "appointments-unavailable",
                "the database of the appointments is not there yet",
                retryable=True,
            )
        return self._opened

    def _check(self, request: Request) -> None:
        check_origin(request, self._server.origins)
        self._keys.check(bearer(request))

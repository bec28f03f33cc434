"""Waiting rooms: who is there for an appointment, and letting them into a conversation."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec

from .appointments import Appointment, AppointmentSettings
from .appointments.links import Links
from .channels.protocol.room import Interpreting, RoomLanguage, RoomMessage, RoomState
from .conversation import Conversation
from .errors import ProtocolError, StorageError, trace
from .events import Ended, EndReason, Party
from .languages import normalise
from .office import NO_OFFICE
from .reception import Invitation, Reception
from .roles import ALONE
from .tasks import Tasks

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
"""How late people may learn that the time has come."""

_AGAIN_SECONDS = 30.0
"""After which a database that could not be written to is tried again."""

Languages = Callable[[str], list[RoomLanguage]]
"""Those that a language of staff can be interpreted with."""


class Seat:
    """One person's place in a room, held by one websocket."""

    def __init__(self, room: "Room", party: Party) -> None:
        self.room = room
        self.party = party
        self.changed = asyncio.Event()
        """Set when there is something new to tell."""

        self.replaced = False
        """Whether a newer websocket of the same person has taken it."""


class Room:
    """The waiting room of one appointment, as long as somebody is there or speaks."""

    def __init__(self, appointment: Appointment, settings: AppointmentSettings) -> None:
        self.appointment = appointment
        self.opens = settings.opens(appointment)
        self.closes = settings.closes(appointment)
        self.visitor_language = appointment.visitor_language
        self.simultaneous = appointment.simultaneous
        self.ready = False
        self.over = appointment.over
        self.revoked = False
        self.invitation: Invitation | None = None
        """To the conversation that goes on."""

        self.seats: dict[Party, Seat] = {}
        self._told: RoomState | None = None

    @property
    def state(self) -> RoomState:
        """What it is now."""
        now = datetime.now(UTC)
        if self.revoked:
            return "revoked"
        if self.over:
            return "over"
        if self.invitation:
            return "open"
        if now >= self.closes:
            return "over"
        return "waiting" if now >= self.opens else "early"

    @property
    def present(self) -> dict[Party, bool]:
        """Who is there."""
        return {party: party in self.seats for party in Party}

    @property
    def interpreting(self) -> Interpreting:
        """How it will be interpreted, or is."""
        return "simultaneous" if self.simultaneous else "consecutive"

    def sit(self, party: Party) -> Seat:
        """Take a place; whoever had it loses it."""
        if old := self.seats.get(party):
            old.replaced = True
        seat = self.seats[party] = Seat(self, party)
        if party is Party.VISITOR:
            self.ready = False
        self.tell()
        if old:
            old.changed.set()
        return seat

    def stand_up(self, seat: Seat) -> None:
        """Give a place back."""
        if self.seats.get(seat.party) is seat:
            del self.seats[seat.party]
            if seat.party is Party.VISITOR:
                self.ready = False
            self.tell()

    def tell(self) -> None:
        """Everybody is told how things are."""
        self._told = self.state
        for seat in self.seats.values():
            seat.changed.set()

    def look(self) -> None:
        """Tell whether the time has come, or gone."""
        if self.state != self._told:
            self.tell()


class WaitingRooms:
    """All rooms in which somebody is, or was let in from."""

    def __init__(
        self,
        settings: AppointmentSettings,
        links: Links,
        reception: Callable[[], Reception],
        languages: Languages,
        *,
        find: Callable[[str], Awaitable[Appointment | None]],
        end: Callable[[str], Awaitable[None]],
    ) -> None:
        """`find` gives an appointment by its id, `end` keeps that staff have ended it."""
        self._settings = settings
        self._links = links
        self._reception = reception
        self._languages = languages
        self._find = find
        self._end = end
        self._rooms: dict[str, Room] = {}
        self._revocations = 0
        self._following = Tasks("", self._broken)

    async def watch(self) -> None:
        """Tell people when the time has come; end all that goes on here when cancelled."""
        try:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                for room in list(self._rooms.values()):
                    room.look()
        finally:
            await self._following.cancel()

    def room(self, appointment: Appointment) -> Room:
        """The room of this appointment; one that nobody enters where there is none."""
        return self._rooms.get(appointment.id) or Room(appointment, self._settings)

    async def enter(self, link: str) -> Seat | RoomMessage:
        """A place for whoever has this link, or that the appointment is not kept any more.

        Raises `ProtocolError` ("bad-token"), `StorageError` or `BusyError` ("starting").
        """
        self._reception()
        name, party, starts = self._links.read(link)
        revocations = -1
        while name not in self._rooms and revocations != self._revocations:
            revocations = self._revocations
            found = await self._find(name)
        if name not in self._rooms:
            if found is None or found.starts != starts:
                return RoomMessage(party, self._why_gone(starts), name, starts)
            self._rooms[name] = Room(found, self._settings)
        room = self._rooms[name]
        if room.appointment.starts != starts:
            return RoomMessage(party, self._why_gone(starts), name, starts)
        return room.sit(party)

    def leave(self, seat: Seat) -> None:
        """Somebody has gone."""
        seat.room.stand_up(seat)
        self._tidy(seat.room)

    def ready(self, seat: Seat, language: str) -> None:
        """The visitor wants to be let in, and speaks this language. Raises `InterpreterError`."""
        room = seat.room
        if seat.party is not Party.VISITOR:
            raise ProtocolError("not-allowed", "this is for the visitor to say")
        visitor = normalise(language)
        self._reception().check_pair(room.appointment.staff_language, visitor)
        if room.invitation is None:
            room.visitor_language = visitor
        room.ready = True
        room.tell()

    def admit(self, seat: Seat, interpreting: Interpreting | None) -> None:
        """Open the conversation. Raises `InterpreterError`, then all stays as it was."""
        room = seat.room
        if seat.party is not Party.STAFF:
            raise ProtocolError("not-allowed", "this is for staff to do")
        if room.state == "open":
            room.tell()
            return
        if room.state != "waiting":
            raise ProtocolError("appointment-closed", "it is too early, or over")
        if room.visitor_language is None:
            raise ProtocolError("visitor-not-ready", "the visitor's language is not known yet")
        simultaneous = room.simultaneous
        if interpreting is not None:
            simultaneous = interpreting == "simultaneous"
        room.invitation = self._reception().open(
            room.appointment.staff_language,
            room.visitor_language,
            office=room.appointment.office,
            consent_required=True,
            simultaneous=simultaneous,
        )
        room.simultaneous = simultaneous
        self._following.start(self._follow(room, room.invitation.conversation))
        room.tell()

    def revoke(self, name: str) -> bool:
        """The appointment is not kept any more: tell who waits, end what goes on.

        False if it has no room.
        """
        self._revocations += 1
        if (room := self._rooms.get(name)) is None:
            return False
        room.revoked = True
        if room.invitation:
            room.invitation.conversation.end("closed")
        room.tell()
        return True

    def message(self, seat: Seat) -> RoomMessage:
        """How things are, for one person."""
        room, kept = seat.room, seat.room.appointment
        office = self._reception().offices.get(kept.office, NO_OFFICE)
        state = room.state
        message = RoomMessage(
            seat.party,
            state,
            kept.id,
            kept.starts,
            kept.minutes,
            room.opens,
            room.closes,
            kept.staff_language,
            room.visitor_language,
            room.interpreting,
            kept.office,
            dict(office.title),
            room.present,
            room.ready,
            self._languages(kept.staff_language),
        )
        if state != "open" or room.invitation is None:
            return message
        return msgspec.structs.replace(
            message,
            conversation=room.invitation.conversation.name,
            token=room.invitation.tokens[ALONE[seat.party]],
        )

    async def _follow(self, room: Room, conversation: Conversation) -> None:
        """Wait until the conversation is over, and see what that means for the appointment."""
        reason: EndReason = "failed"
        async for entry in conversation.journal.follow(0):
            if isinstance(entry.event, Ended):
                reason = entry.event.reason
        room.over = reason == "closed" and not room.revoked
        if not room.over:
            room.invitation = None
        room.tell()
        while room.over and room.invitation:
            try:
                await self._end(room.appointment.id)
                room.invitation = None
            except StorageError:  # as long as it is not written down, it is remembered here
                await asyncio.sleep(_AGAIN_SECONDS)
        self._tidy(room)

    def _tidy(self, room: Room) -> None:
        name = room.appointment.id
        if not room.seats and room.invitation is None and self._rooms.get(name) is room:
            del self._rooms[name]

    def _why_gone(self, starts: datetime) -> RoomState:
        """An appointment is kept until its day is over, unless it is revoked."""
        return "over" if starts < self._settings.kept_since(datetime.now(UTC)) else "revoked"

    def _broken(self, error: BaseException) -> None:
        log.error("a waiting room broke: %s", trace(error))

"""The service: its routes, who may use them, and how it starts and stops."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from . import __version__, pages, record
from .appointment_desk import Appointments
from .channels import protocol, wire
from .channels.phone.switchboard import Switchboard
from .channels.stream import Stream, accept
from .conversation import Conversation
from .counter import Counter
from .engines import House, warm_up
from .errors import BusyError, InterpreterError, ProtocolError, trace
from .events import Party
from .http import HEADERS, answer, bearer, body_of, check_origin, decode, explain, link_to
from .keys import Keys
from .reception import Invitation, Reception
from .relays import Relays
from .roles import Guest, Role
from .settings import Settings, secret
from .start_page import start_page
from .telephone import Telephone

log = logging.getLogger(__name__)

Pause = Annotated[float, Meta(ge=0.1, le=3.0)]


class Pauses(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long somebody may be silent before an utterance ends; left out, the service's own."""

    finished_seconds: Pause | None = None
    """After words that sound finished."""

    silence_seconds: Pause | None = None
    """As long as the words are not known."""

    hesitation_seconds: Pause | None = None
    """After words that sound as if more were to come."""


class NewConversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/conversations`."""

    staff_language: protocol.Tag
    visitor_language: protocol.Tag
    office: str = ""
    consent_required: bool = False
    interpreting: Literal["consecutive", "simultaneous"] = "consecutive"
    """Whether people with microphones of their own are interpreted while they speak."""

    pauses: Pauses = Pauses()


class NewGuest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/conversations/<conversation>/guests`."""

    role: Guest


class NewCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/conversations/<conversation>/calls`."""

    number: Annotated[str, Meta(max_length=40)]
    party: Party = Party.VISITOR


class Service:
    """Everything one process serves; `house` and `reception` are there once models are loaded."""

    def __init__(self, settings: Settings, staff_key: str, load: Callable[[], House]) -> None:
        self.settings = settings
        self.house: House | None = None
        self.reception: Reception | None = None
        self.telephone: Telephone | None = None
        self.failure: InterpreterError | None = None
        self.loaded = asyncio.Event()
        """Set when models are loaded, or could not be."""

        self._staff_key = staff_key
        self.keys = Keys(staff_key)
        self._relays = Relays(settings.video, secret("INTERPRETER_TURN_SECRET"))
        self._counter = Counter(settings, self.keys, self._open_house, self._open_reception)
        self._appointments = Appointments(
            settings, self.keys, staff_key, self._open_house, self._open_reception
        )
        self._load = load
        self._connections = 0

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                *pages.routes(),
                Route("/status", self._page),
                *self._counter.routes(),
                *self._appointments.routes(),
                Route("/healthz", self._health),
                Route("/readyz", self._ready),
                Route("/v1/schema.json", self._schema),
                Route("/v1/conversations", self._open, methods=["POST"]),
                Route("/v1/conversations/{name}", self._close, methods=["DELETE"]),
                Route("/v1/conversations/{name}/record", self._paper),
                Route("/v1/conversations/{name}/sheet", self._paper),
                Route("/v1/conversations/{name}/guests", self._invite, methods=["POST"]),
                Route("/v1/conversations/{name}/calls", self._called),
                Route("/v1/conversations/{name}/calls", self._call, methods=["POST"]),
                Route("/v1/conversations/{name}/calls/{call}", self._hang_up, methods=["DELETE"]),
                Route("/v1/calls", self._calls),
                WebSocketRoute("/v1/stream", self._stream),
                WebSocketRoute("/v1/phone/asterisk", self._asterisk),
                WebSocketRoute("/v1/phone/media", self._media_stream),
            ],
            exception_handlers={InterpreterError: explain},
            lifespan=self._live,
        )

    async def shut(self) -> None:
        """Refuse what is new, finish what was said, say goodbye."""
        if self.reception:
            phone = self.telephone.shut() if self.telephone else asyncio.sleep(0)
            await asyncio.gather(phone, self.reception.shut())

    @contextlib.asynccontextmanager
    async def _live(self, _app: Starlette) -> AsyncIterator[None]:
        lives = (self._start(), self._forgive(), self._appointments.run())
        tasks = [asyncio.create_task(each) for each in lives]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self) -> None:
        try:
            house = await asyncio.to_thread(self._load)
            await warm_up(house.engines)
            self.house = house
            self.reception = Reception(
                house.engines,
                self.settings.endpointing,
                self.settings.conversation,
                secret=self._staff_key,
                most=self.settings.server.conversations,
                offices=house.offices,
            )
            self.telephone = Telephone(self.settings, self.reception)
            self.telephone.start()
        except InterpreterError as error:
            self.failure = error
        except Exception as error:
            log.error("loading failed: %s", trace(error))
            self.failure = InterpreterError("internal-error", type(error).__name__)
        self.loaded.set()

    async def _forgive(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.keys.forgive()

    # Pages and probes -----------------------------------------------------------------------

    async def _page(self, _request: Request) -> Response:
        return HTMLResponse(start_page(self.house), headers=HEADERS)

    async def _health(self, _request: Request) -> Response:
        return answer({"status": "ok", "version": __version__})

    async def _ready(self, _request: Request) -> Response:
        if self.house is None or self.reception is None:
            return answer({"status": "starting"}, 503)
        open_now, most = len(self.reception.conversations), self.settings.server.conversations
        run = self.house.engines.run
        return answer(
            {
                "status": "ready",
                "conversations": open_now,
                "room_for": 0 if open_now and run.behind else most - open_now,
                "behind": run.behind,
                "calls": run.counts,
            }
        )

    async def _schema(self, _request: Request) -> Response:
        return answer(wire.schema())

    # Conversations --------------------------------------------------------------------------

    async def _open(self, request: Request) -> Response:
        self._check(request)
        wanted = decode(await body_of(request), NewConversation)
        invitation = self._open_reception().open(
            wanted.staff_language,
            wanted.visitor_language,
            office=wanted.office,
            consent_required=wanted.consent_required,
            simultaneous=wanted.interpreting == "simultaneous",
            pauses=msgspec.to_builtins(wanted.pauses),
        )
        return answer(self._invitation(invitation), 201)

    async def _close(self, request: Request) -> Response:
        """For whoever may make conversations, and for the staff of this one."""
        try:
            self._as_staff(request)
        except ProtocolError as error:
            if error.code != "bad-token":
                raise
            self._check(request)
        if not self._open_reception().close(request.path_params["name"]):
            raise InterpreterError("unknown-conversation", "there is no such conversation")
        return Response(status_code=204, headers=HEADERS)

    async def _paper(self, request: Request) -> Response:
        """The record for both, or the sheet for a human interpreter, of what was said so far."""
        conversation = self._as_staff(request, "colleague")
        if request.url.path.endswith("/sheet"):
            if conversation.handover.state == "over":
                raise ProtocolError("not-allowed", "there is a sheet only for handing over")
        elif not conversation.agreements.record_agreed:
            raise ProtocolError("record-not-agreed", "both have to agree to a record")
        spoken = record.lines(conversation.journal.past())
        title = conversation.office.title.get(conversation.languages[Party.STAFF], "")
        if request.query_params.get("format") == "text":
            text = record.as_text(spoken, conversation.languages, title)
            return Response(text, media_type="text/plain; charset=utf-8", headers=HEADERS)
        return HTMLResponse(record.as_html(spoken, conversation.languages, title), headers=HEADERS)

    async def _invite(self, request: Request) -> Response:
        """A token and a link for somebody who joins a conversation that goes on."""
        conversation = self._as_staff(request)
        guest = decode(await body_of(request), NewGuest)
        token = self._open_reception().token(conversation, guest.role)
        link = link_to(request, f"call#guest={token}&role={guest.role}")
        return answer({"token": token, "link": link}, 201)

    def _as_staff(self, request: Request, *also: Role) -> Conversation:
        """The conversation of the address, of which the request shows a token for staff.

        `also`: a colleague is a guest of theirs, and reads without deciding who is there.
        """
        check_origin(request, self.settings.server.origins)
        conversation, role = self._open_reception().admit(bearer(request))
        may = role in ("staff", "shared", *also)
        if conversation.name != request.path_params["name"] or not may:
            raise ProtocolError("not-allowed", "the token of this conversation's staff is needed")
        return conversation

    def _invitation(self, invitation: Invitation) -> dict[str, object]:
        engines = invitation.conversation.engines
        languages = invitation.conversation.languages
        voices = {party: engines.synthesizer.voices.get(languages[party]) for party in Party}
        return {
            "conversation": invitation.conversation.name,
            "tokens": invitation.tokens,
            "expires": invitation.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "stream": "/v1/stream",
            "translation": {
                party: engines.translator.pairs[languages[party], languages[party.other]]
                for party in Party
            },
            "voices": {party: voice.name if voice else None for party, voice in voices.items()},
        }

    async def _stream(self, websocket: WebSocket) -> None:
        try:
            check_origin(websocket, self.settings.server.origins)
        except ProtocolError:
            await websocket.close()  # before it is accepted: answered with HTTP 403
            return
        if self.reception is None or self._connections >= self.settings.server.connections:
            await _turn_away(websocket, "overloaded" if self.reception else "starting")
            return
        self._connections += 1
        try:
            stream = Stream(websocket, self.reception, self.settings.stream, self._relays)
            await stream.run()
        except WebSocketDisconnect:
            pass
        except Exception as error:
            log.error("a websocket broke: %s", trace(error))
            await _turn_away(websocket, "internal-error", accepted=True)
        finally:
            self._connections -= 1

    # The telephone --------------------------------------------------------------------------

    async def _calls(self, request: Request) -> Response:
        """What staff may know of the calls that go on, and the tokens to follow them with."""
        self._check(request)
        board = self.telephone.board if self.telephone else None
        return answer({"calls": [asdict(call) for call in board.ongoing()] if board else []})

    async def _call(self, request: Request) -> Response:
        """Somebody is called, and takes part in the conversation."""
        conversation = self._as_staff(request)
        wanted = decode(await body_of(request), NewCall)
        joining = self._board().join(conversation, wanted.party, wanted.number)
        return answer({"call": joining.name}, 202)

    async def _called(self, request: Request) -> Response:
        joinings = self._board().joinings(self._as_staff(request, "colleague"))
        told = [{"call": each.name, "party": each.party, "state": each.state} for each in joinings]
        return answer({"calls": told})

    async def _hang_up(self, request: Request) -> Response:
        conversation = self._as_staff(request)
        if not self._board().hang_up(conversation, request.path_params["call"]):
            raise InterpreterError("unknown-call", "there is no such call")
        return Response(status_code=204, headers=HEADERS)

    def _board(self) -> Switchboard:
        if self.telephone is None or self.telephone.board is None:
            raise InterpreterError("phone-not-available", "the settings connect no telephone")
        return self.telephone.board

    async def _asterisk(self, websocket: WebSocket) -> None:
        if self.telephone:
            await self.telephone.from_asterisk(websocket)
        else:
            await websocket.close()

    async def _media_stream(self, websocket: WebSocket) -> None:
        if self.telephone:
            await self.telephone.from_media_stream(websocket)
        else:
            await websocket.close()

    # Who may ----------------------------------------------------------------------------------

    def _open_house(self) -> House:
        if self.house is None:
            raise BusyError("starting", "the models are still being loaded")
        return self.house

    def _open_reception(self) -> Reception:
        if self.reception is None:
            raise BusyError("starting", "the models are still being loaded")
        return self.reception

    def _check(self, request: Request) -> None:
        check_origin(request, self.settings.server.origins)
        self.keys.check(bearer(request))


async def _turn_away(websocket: WebSocket, code: str, *, accepted: bool = False) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        if not accepted:
            await accept(websocket)
        message = protocol.ErrorMessage(0, code, wire.words(code, ["en"]), retry=not accepted)
        await websocket.send_text(wire.encode(message))
        await websocket.close(1011 if accepted else 1013)

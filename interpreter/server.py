"""The service: its routes, who may use them, and how it starts and stops."""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from . import __version__
from .channels import protocol, wire
from .channels.stream import Stream, accept
from .engines import House, warm_up
from .errors import BusyError, InterpreterError, ProtocolError, trace
from .events import Party
from .reception import Invitation, Reception
from .settings import Settings
from .start_page import start_page

log = logging.getLogger(__name__)

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STATUS = {
    "bad-key": 401,
    "origin-not-allowed": 403,
    "unknown-conversation": 404,
    "message-too-large": 413,
    "too-many-attempts": 429,
    "overloaded": 503,
    "starting": 503,
}
"""HTTP status by error code; 400 for the others."""

_ATTEMPTS = 20
"""Wrong staff keys; one more is forgiven every second. Slows guessing, whoever guesses."""


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
    consent_required: bool = False
    interpreting: Literal["consecutive", "simultaneous"] = "consecutive"
    """Whether people with microphones of their own are interpreted while they speak."""

    pauses: Pauses = Pauses()


class Service:
    """Everything one process serves; `house` and `reception` are there once models are loaded."""

    def __init__(self, settings: Settings, staff_key: str, load: Callable[[], House]) -> None:
        self.settings = settings
        self.house: House | None = None
        self.reception: Reception | None = None
        self.failure: InterpreterError | None = None
        self.loaded = asyncio.Event()
        """Set when models are loaded, or could not be."""

        self._staff_key = staff_key
        self._load = load
        self._connections = 0
        self._wrong_keys = 0

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/healthz", self._health),
                Route("/readyz", self._ready),
                Route("/v1/schema.json", self._schema),
                Route("/v1/conversations", self._open, methods=["POST"]),
                Route("/v1/conversations/{name}", self._close, methods=["DELETE"]),
                WebSocketRoute("/v1/stream", self._stream),
            ],
            exception_handlers={InterpreterError: _explain},
            lifespan=self._live,
        )

    async def shut(self) -> None:
        """Refuse what is new, finish what was said, say goodbye."""
        if self.reception:
            await self.reception.shut()

    @contextlib.asynccontextmanager
    async def _live(self, _app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._start()), asyncio.create_task(self._forgive())]
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
            )
        except InterpreterError as error:
            self.failure = error
        except Exception as error:
            log.error("loading failed: %s", trace(error))
            self.failure = InterpreterError("internal-error", type(error).__name__)
        self.loaded.set()

    async def _forgive(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._wrong_keys = max(0, self._wrong_keys - 1)

    # Pages and probes -----------------------------------------------------------------------

    async def _page(self, _request: Request) -> Response:
        return HTMLResponse(start_page(self.house), headers=_HEADERS)

    async def _health(self, _request: Request) -> Response:
        return _json({"status": "ok", "version": __version__})

    async def _ready(self, _request: Request) -> Response:
        if self.house is None or self.reception is None:
            return _json({"status": "starting"}, 503)
        open_now, most = len(self.reception.conversations), self.settings.server.conversations
        run = self.house.engines.run
        return _json(
            {
                "status": "ready",
                "conversations": open_now,
                "room_for": 0 if open_now and run.behind else most - open_now,
                "behind": run.behind,
                "calls": run.counts,
            }
        )

    async def _schema(self, _request: Request) -> Response:
        return _json(wire.schema())

    # Conversations --------------------------------------------------------------------------

    async def _open(self, request: Request) -> Response:
        self._check_origin(request)
        self._check_key(request)
        wanted = _decode(await _body(request))
        invitation = self._open_reception().open(
            wanted.staff_language,
            wanted.visitor_language,
            consent_required=wanted.consent_required,
            simultaneous=wanted.interpreting == "simultaneous",
            pauses=msgspec.to_builtins(wanted.pauses),
        )
        return _json(self._invitation(invitation), 201)

    async def _close(self, request: Request) -> Response:
        self._check_origin(request)
        self._check_key(request)
        if not self._open_reception().close(request.path_params["name"]):
            raise InterpreterError("unknown-conversation", "there is no such conversation")
        return Response(status_code=204, headers=_HEADERS)

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
            self._check_origin(websocket)
        except ProtocolError:
            await websocket.close()  # before it is accepted: answered with HTTP 403
            return
        if self.reception is None or self._connections >= self.settings.server.connections:
            await _turn_away(websocket, "overloaded" if self.reception else "starting")
            return
        self._connections += 1
        try:
            await Stream(websocket, self.reception, self.settings.stream).run()
        except WebSocketDisconnect:
            pass
        except Exception as error:
            log.error("a websocket broke: %s", trace(error))
            await _turn_away(websocket, "internal-error", accepted=True)
        finally:
            self._connections -= 1

    # Who may ----------------------------------------------------------------------------------

    def _open_reception(self) -> Reception:
        if self.reception is None:
            raise BusyError("starting", "the models are still being loaded")
        return self.reception

    def _check_key(self, request: Request) -> None:
        if self._wrong_keys >= _ATTEMPTS:
            raise BusyError("too-many-attempts", "too many wrong keys; wait a little")
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(key.encode(), self._staff_key.encode())
        if scheme.lower() != "bearer" or not right:
            self._wrong_keys += 1
            raise InterpreterError(
                "bad-key", "send the staff key in the header: Authorization: Bearer <staff key>"
            )

    def _check_origin(self, connection: Request | WebSocket) -> None:
        """Browsers name the page's origin; a page of somebody else's must not connect."""
        origin = connection.headers.get("origin")
        if origin is None or origin in self.settings.server.origins:
            return
        if _host(origin) != connection.headers.get("host"):
            raise ProtocolError(
                "origin-not-allowed", "add this origin to server.origins in the settings"
            )


def _host(origin: str) -> str:
    """Host and port of an origin, nothing where they cannot be told."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


async def _turn_away(websocket: WebSocket, code: str, *, accepted: bool = False) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        if not accepted:
            await accept(websocket)
        message = protocol.ErrorMessage(0, code, wire.words(code, ["en"]), retry=not accepted)
        await websocket.send_text(wire.encode(message))
        await websocket.close(1011 if accepted else 1013)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > wire.LONGEST_MESSAGE:
            raise wire.too_large(len(body))
    return body


def _decode(body: bytes) -> NewConversation:
    try:
        return msgspec.json.decode(body, type=NewConversation)
    except msgspec.ValidationError as error:
        raise ProtocolError("bad-message", str(error)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ProtocolError("bad-json", "the body is not JSON") from error


async def _explain(_request: Request, error: Exception) -> Response:
    if not isinstance(error, InterpreterError):
        raise error
    log.info("refused: %s", error.code)
    return _json({"code": error.code, "message": str(error)}, _STATUS.get(error.code, 400))


def _json(content: object, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(content), status, media_type="application/json", headers=_HEADERS
    )

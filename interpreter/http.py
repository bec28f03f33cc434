"""Requests and answers of the service's HTTP side: what all routes have in common."""

import io
import logging
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from .channels import wire
from .errors import InterpreterError, ProtocolError

log = logging.getLogger(__name__)

T = TypeVar("T")

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of all answers but the pages' files."""

_STATUS = {
    "bad-key": 401,
    "bad-token": 401,
    "token-expired": 401,
    "origin-not-allowed": 403,
    "not-allowed": 403,
    "record-not-agreed": 403,
    "unknown-conversation": 404,
    "unknown-call": 404,
    "phone-not-available": 409,
    "unknown-appointment": 404,
    "too-many-appointments": 409,
    "message-too-large": 413,
    "too-many-attempts": 429,
    "overloaded": 503,
    "starting": 503,
    "appointments-unavailable": 503,
}
"""HTTP status by error code; 400 for the others."""


def answer(content: object, status: int = 200) -> Response:
    """JSON."""
    return Response(
        msgspec.json.encode(content), status, media_type="application/json", headers=HEADERS
    )


async def explain(_request: Request, error: Exception) -> Response:
    """What went wrong, as JSON with a fitting status."""
    if not isinstance(error, InterpreterError):
        raise error
    log.info("refused: %s", error.code)
    return answer({"code": error.code, "message": str(error)}, _STATUS.get(error.code, 400))


async def body_of(request: Request, longest: int = wire.LONGEST_MESSAGE) -> bytes:
    """All of it. Raises `ProtocolError` ("message-too-large") as soon as it is more."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > longest:
            raise wire.too_large(len(body))
    return body


def decode(body: bytes, shape: type[T]) -> T:
    """JSON of that shape. Raises `ProtocolError` ("bad-message", "bad-json")."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise ProtocolError("bad-message", str(error)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ProtocolError("bad-json", "the body is not JSON") from error


def bearer(request: Request) -> str:
    """The token or key in the Authorization header; empty without one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" else ""


def link_to(request: Request, page: str) -> str:
    """The address of a page of this service, as whoever asks reaches it."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}/{page}"


def qr_code(link: str) -> str:
    """A picture (SVG) that a camera reads as this address."""
    picture = io.BytesIO()
    segno.make(link, error="m").save(picture, kind="svg", xmldecl=False, svgns=True, scale=4)
    return picture.getvalue().decode()


def check_origin(connection: Request | WebSocket, allowed: Sequence[str]) -> None:
    """Browsers name the page's origin; a page of somebody else's must not connect.

    Raises `ProtocolError` ("origin-not-allowed").
    """
    origin: Any = connection.headers.get("origin")
    if origin is None or origin in allowed:
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

"""The pages for people: files of `clients/web`, served as they are, with nothing from elsewhere."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    b"content-security-policy": _POLICY.encode(),
    b"permissions-policy": b"microphone=(self), camera=(self), display-capture=(self)",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-cache",  # asked anew each time, answered with 304 while unchanged
}


def folder() -> Path:
    """Where they lie: `clients/web` of a checkout, or beside the package's code."""
    package = Path(__file__).resolve().parent
    if (package.parent / "pyproject.toml").is_file():
        return package.parent / "clients" / "web"
    return package / "web"


def routes() -> list[Route | Mount]:
    """The tablet at `/`, video calls at `/call`, what they consist of below `/web/`."""
    return [
        Route("/", _Page("index.html")),
        Route("/call", _Page("call.html")),
        # A service worker may only look after what lies below its own address.
        Route("/service-worker.js", _Page("service-worker.js")),
        Mount("/web", _Files(directory=folder(), check_dir=False)),
    ]


class _Page:
    """One file at an address of its own."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = folder() / self._name
        if request.method not in ("GET", "HEAD") or not path.is_file():
            response = Response(status_code=405 if path.is_file() else 404)
        else:
            response = FileResponse(path)
        await response(scope, receive, _with_headers(send))


class _Files(StaticFiles):
    """Files below an address."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *(each for each in message.get("headers", []) if each[0].lower() not in _HEADERS),
                *_HEADERS.items(),
            ]
        await send(message)

    return with_headers

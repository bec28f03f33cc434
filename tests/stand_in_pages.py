"""The pages as the service serves them, with a stand-in for the service behind them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

TESTS = Path(__file__).parent
WEB = TESTS.parent / "clients" / "web"
STAND_IN = TESTS / "browser" / "stand_in"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}

PAGES = {"/": "index.html", "/call": "call.html", "/service-worker.js": "service-worker.js"}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'"
)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        file = _file(urlsplit(self.path).path)
        if file is None:
            self.send_error(404)
            return
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("content-type", TYPES[file.suffix])
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", POLICY)
        self.send_header("cache-control", "no-cache")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _file(path: str) -> Path | None:
    """The stand-in's file where it has one, otherwise the page's own."""
    if path in PAGES:
        return WEB / PAGES[path]
    folder, _, name = path.lstrip("/").partition("/")
    places = {"web": [STAND_IN, WEB], "fixture": [STAND_IN]}.get(folder, [])
    for place in places:
        file = (place / name).resolve()
        if file.is_relative_to(place) and file.is_file() and file.suffix in TYPES:
            return file
    return None


@contextmanager
def served() -> Iterator[str]:
    """The address of the pages, as long as the context is open."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

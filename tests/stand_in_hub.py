"""A stand-in for the hub and the npm registry, and small models to fetch from it."""

import hashlib
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from interpreter.models import Manifest
from interpreter.models.manifest import (
    File,
    HubSource,
)

COMMIT = "c0ffee" * 6 + "c0ff"
WEIGHTS = random.Random(1).randbytes(2_048_000)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Told:
    """Keeps what a person would have been told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    @contextmanager
    def step(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        self.steps.append(label)
        yield lambda done: None

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class StandIn:
    """A web server on the loopback that speaks as much of hub and npm registry as is needed."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.declared: dict[str, str] = {}
        """Digest to declare for a file, where that is not the true one."""

        self.cut: dict[str, int] = {}
        """How many answers are cut off in the middle."""

        self.pause_seconds = 0.0
        """Between two blocks of an answer."""

        self.gets: list[tuple[str, str | None]] = []
        """Paths that were fetched, with the range that was asked for."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def on_hub(self, repository: str, name: str, content: bytes) -> str:
        path = f"/{repository}/resolve/{COMMIT}/{name}"
        self.files[path] = content
        return path

    def _handler(standin) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(body=False)

            def do_GET(self) -> None:
                standin.gets.append((self.path, self.headers["Range"]))
                self._answer(body=True)

            def _answer(self, *, body: bool) -> None:
                content = standin.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
                start = int(asked[1]) if asked else 0
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.send_header("Content-Type", standin.types.get(self.path, "binary/octet"))
                self.send_header("X-Repo-Commit", COMMIT)
                etag = standin.declared.get(self.path, sha256(content))
                self.send_header("X-Linked-ETag", f'"{etag}"')
                self.send_header("X-Linked-Size", str(len(content)))
                if asked:
                    self.send_header(
                        "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                    )
                self.end_headers()
                if body:
                    self._send(content[start:])

            def _send(self, content: bytes) -> None:
                if standin.cut.get(self.path, 0):
                    standin.cut[self.path] -= 1
                    self.wfile.write(content[: len(content) // 2])
                    self.wfile.flush()
                    self.close_connection = True
                    return
                for at in range(0, len(content), 1 << 18):
                    self.wfile.write(content[at : at + (1 << 18)])
                    time.sleep(standin.pause_seconds)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def hub_model(content: bytes = WEIGHTS, *, pinned: bool = True, name: str = "tiny") -> Manifest:
    return Manifest(
        id=name,
        role="vad",
        backend="silero",
        licence="CC0-1.0",
        files=(
            File(
                path="model.bin",
                size=len(content) if pinned else None,
                sha256=sha256(content) if pinned else None,
            ),
        ),
        sources=(
            HubSource(
                repository="office/tiny", revision=COMMIT, members={"model.bin": "sub/w.bin"}
            ),
        ),
    )


def changed(manifest: Manifest, **fields: object) -> Manifest:
    return msgspec.structs.replace(manifest, **fields)


def remains(home: Path) -> list[Path]:
    """Whatever a fetch that failed has left of the model."""
    return [
        path
        for path in home.rglob("*")
        if (path.is_file() and path.suffix != ".lock") or path.parent.name == ".partial"
    ]


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in that both the hub's and npm's own clients are directed to."""
    server = StandIn()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("npm_config_registry", server.address)
    yield server
    server.close()

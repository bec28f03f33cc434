"""A real service, real browsers with fake microphones, and a line that can be cut."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import numpy as np
import pytest
import stand_in_pages
from in_process import Running, running
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from interpreter.audio import Samples, resample, silence, write_wav
from interpreter.connection import Engines

NODE_MODULES = Path(__file__).parent / "browser" / "node_modules"
MICROPHONE_RATE = 48_000
"""What Chromium takes a fake microphone's file to be."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Debian's Chromium is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.fail("these tests need Chromium (Debian, Ubuntu: apt-get install chromium)")
    return found


@pytest.fixture
def playwright() -> Iterator[Playwright]:
    """While it is open, this thread has a running event loop; so it is opened for each test."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def service(engines: Engines) -> Iterator[Running]:
    """Serves the pages, with the models of the embedded profile."""
    with running(engines) as served:
        yield served


@pytest.fixture
def launch(
    playwright: Playwright, chromium: str, tmp_path: Path
) -> Iterator[Callable[..., Browser]]:
    """Start a browser whose microphone hears these samples (16 kHz), once; or silence."""
    with ExitStack() as started:

        def start(
            heard: Samples | None = None,
            *more: str,
            allow: bool = True,
            program: Path | None = None,
        ) -> Browser:
            file = tmp_path / f"microphone-{np.random.default_rng().integers(1 << 30)}.wav"
            samples = silence(1.0) if heard is None else heard
            write_wav(file, resample(samples, 16_000, MICROPHONE_RATE), MICROPHONE_RATE)
            asked = ["--use-fake-ui-for-media-stream"] if allow else ["--deny-permission-prompts"]
            browser = playwright.chromium.launch(
                executable_path=program or chromium,
                args=[
                    *asked,
                    "--no-sandbox",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-audio-capture={file}%noloop",
                    "--autoplay-policy=no-user-gesture-required",
                    "--disable-background-networking",
                    *more,
                ],
            )
            started.callback(browser.close)
            return browser

        yield start


async def spoken(engines: Engines, text: str, language: str) -> Samples:
    """A sentence by the house's voice, at 16 kHz."""
    pieces = [
        resample(piece.samples, piece.rate, 16_000)
        async for piece in engines.synthesizer.synthesize(text, language)
    ]
    return np.concatenate(pieces)


def blank_page(context: BrowserContext, address: str) -> Page:
    """An empty page of the service, into which modules can be imported."""
    page = context.new_page()
    page.route(
        "**/blank.html",
        lambda route: route.fulfill(
            body="<!doctype html><title>blank</title>", content_type="text/html"
        ),
    )
    page.goto(f"{address}/blank.html?raw=1")
    return page


def tsc(folder: Path) -> str:
    """What the type checker says about a folder of modules; nothing where all is well."""
    program = NODE_MODULES / ".bin" / "tsc"
    if not program.exists():
        pytest.fail("the type checker is missing: run scripts/setup --test")
    done = subprocess.run(
        [str(program), "-p", str(folder)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


class Line:
    """A network between a browser and the service: it can be cut, and be there again."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.delay_seconds = 0.0
        """Of everything that passes."""

        self._open = True
        self._flowing = threading.Event()
        self._flowing.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Nothing gets through any more."""
        self._open = False
        self._flowing.set()
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def freeze(self) -> None:
        """Nothing gets through any more, and neither end is told."""
        self._flowing.clear()

    def mend(self) -> None:
        self._open = True
        self._flowing.set()

    def close(self) -> None:
        self.cut()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                if not self._open:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.to))
                self._pairs.append((near, far))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with closing(one), closing(other), suppress(OSError):
            while data := one.recv(65_536):
                self._flowing.wait()
                if self.delay_seconds:
                    time.sleep(self.delay_seconds)
                other.sendall(data)


@pytest.fixture
def line(service: Running) -> Iterator[Line]:
    made = Line(service.port)
    yield made
    made.close()


@pytest.fixture
def browser(launch: Callable[..., Browser]) -> Browser:
    """A browser whose microphone hears silence."""
    return launch()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the pages are, with a stand-in for the service behind them."""
    with stand_in_pages.served() as where:
        yield where


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which finds what people with disabilities would stumble over."""
    file = NODE_MODULES / "axe-core" / "axe.min.js"
    if not file.exists():
        pytest.fail("axe-core is missing: run scripts/setup --test")
    return file.read_text(encoding="utf-8")

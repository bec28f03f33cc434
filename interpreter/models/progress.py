"""Who is told how far a download has come: nobody, or the person at the terminal."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from rich import progress as bars
from rich.console import Console

Done = Callable[[int], None]
"""Takes how many bytes are done altogether."""

_LOOK_SECONDS = 0.2
"""Between two looks at a folder that another program fills."""

_TRIFLE_BYTES = 5_000_000
"""Of which nobody notices that they take time."""

_PLAIN_SECONDS = 5.0
"""Between two lines where there is no terminal to draw a bar on."""


class Progress(Protocol):
    """Is told what goes on while models are fetched or verified."""

    def say(self, text: str) -> None:
        """One line for people."""
        ...

    def step(self, label: str, total: int | None) -> AbstractContextManager[Done]:
        """Something that takes a while; `total` bytes, where that is known."""
        ...


class Silence:
    """Tells nobody."""

    def say(self, text: str) -> None:
        """Nothing is shown."""

    @contextmanager
    def step(self, label: str, total: int | None) -> Iterator[Done]:
        """Nothing is shown."""
        yield lambda done: None


class Terminal:
    """Bars on standard error; plain lines where that is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)

    def say(self, text: str) -> None:
        """Print the line."""
        if self._console.is_terminal:
            self._console.print(text, soft_wrap=True)
        else:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    @contextmanager
    def step(self, label: str, total: int | None) -> Iterator[Done]:
        """A bar that stays when it is full, or a line every few seconds; nothing for a trifle."""
        if total is not None and total < _TRIFLE_BYTES:
            yield lambda done: None
            return
        if not self._console.is_terminal:
            yield self._lines(label, total)
            return
        with bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.DownloadColumn(),
            bars.TransferSpeedColumn(),
            bars.TimeRemainingColumn(),
            console=self._console,
        ) as drawn:
            task = drawn.add_task(label, total=total)
            yield lambda done: drawn.update(task, completed=done)
            if total is None:
                drawn.update(task, total=drawn.tasks[task].completed)

    def _lines(self, label: str, total: int | None) -> Done:
        self.say(label + (f" ({megabytes(total)})" if total else ""))
        said = time.monotonic()

        def done(count: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _PLAIN_SECONDS:
                said = time.monotonic()
                of = f" of {megabytes(total)}" if total else ""
                self.say(f"  {megabytes(count)}{of}")

        return done


def megabytes(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1e6:,.1f} MB"


@contextmanager
def watching(folder: Path, done: Done) -> Iterator[None]:
    """Report how `folder` grows while another program or library writes to it."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(_LOOK_SECONDS):
            done(_bytes_in(folder))

    watcher = threading.Thread(target=look, name="download-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            # It was moved between the two calls.
            continue
    return total

"""A server of one's own, for as long as a command runs."""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from interpreter.errors import InterpreterError

from .address import Address
from .rest import STAFF_KEY, Staff

_QUIET_SECONDS = 180.0
"""Without a word while it starts, it is taken for stuck. Loading the models takes some seconds."""

_STOP_SECONDS = 20.0
"""For the conversations to end in order; then it is killed."""

_TAIL = 15
"""Last lines of its error output that are shown if it fails."""


class _Ready(msgspec.Struct):
    address: str


@asynccontextmanager
async def own_server(
    say: Callable[[str], None], arguments: Sequence[str] = ()
) -> AsyncIterator[Staff]:
    """Start `interpreter serve` on a free port of this machine, with a key nobody else knows.

    `say` is given its lines while it starts. Raises `InterpreterError` ("server-failed") with the
    last of them if it does not come up. SIGTERM cancels the calling task, so that the server is not
    left behind.
    """
    key = secrets.token_urlsafe(24)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "interpreter", "serve", "--port", "0", "--json", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, STAFF_KEY: key},
    )
    tail: deque[str] = deque(maxlen=_TAIL)
    ready: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
    signs = asyncio.Event()
    readers = [
        asyncio.create_task(_read_address(process, ready)),
        asyncio.create_task(_read_errors(process, ready, tail, signs, say)),
    ]
    try:
        with _cancelled_by_sigterm():
            yield Staff(await _wait(ready, signs, tail), key)
    finally:
        await _stop(process)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        ready.cancel()


@contextmanager
def _cancelled_by_sigterm() -> Iterator[None]:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task
    try:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    except (NotImplementedError, RuntimeError, ValueError):  # not on Windows, nor in a thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _wait(ready: asyncio.Future[Address], signs: asyncio.Event, tail: deque[str]) -> Address:
    while not ready.done():
        signs.clear()
        sign = asyncio.create_task(signs.wait())
        waited: list[asyncio.Future[Any]] = [ready, sign]
        done, _ = await asyncio.wait(
            waited, timeout=_QUIET_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        sign.cancel()
        if not done:
            raise _failed(f"said nothing for {_QUIET_SECONDS:.0f} s", tail)
    try:
        return ready.result()
    except EOFError:
        # Its last words may still be on their way through the other pipe.
        await asyncio.sleep(0.2)
        raise _failed("did not start", tail) from None


def _failed(what: str, tail: deque[str]) -> InterpreterError:
    words = "\n".join(f"  {line}" for line in tail) or "  (it said nothing)"
    return InterpreterError("server-failed", f"the server {what}; its last words:\n{words}")


async def _read_address(
    process: asyncio.subprocess.Process, ready: asyncio.Future[Address]
) -> None:
    assert process.stdout
    async for line in process.stdout:
        with contextlib.suppress(msgspec.MsgspecError):
            started = msgspec.json.decode(line, type=_Ready)
            if not ready.done():
                ready.set_result(Address(started.address))
    if not ready.done():
        ready.set_exception(EOFError())


async def _read_errors(
    process: asyncio.subprocess.Process,
    ready: asyncio.Future[Address],
    tail: deque[str],
    signs: asyncio.Event,
    say: Callable[[str], None],
) -> None:
    """Keep the pipe empty, or the server would stand still once it is full."""
    assert process.stderr
    while line := await _line(process.stderr):
        text = line.decode(errors="replace").rstrip()
        tail.append(text)
        signs.set()
        if not ready.done():
            say(text)


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or what there is of one too long to be one."""
    try:
        return await stream.readline()
    except ValueError:
        return await stream.read(1 << 16) or b"\n"


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

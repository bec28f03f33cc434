"""A websocket to a server: opened, watched, closed; and how long to wait before the next one."""

import asyncio
import contextlib
import random
from collections.abc import Iterator

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from interpreter.channels import protocol
from interpreter.errors import InterpreterError

from .address import Address

_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 2.0
_HEARTBEAT_SECONDS = 5.0
"""Between pings, and for their answers: a line that died silently is noticed
within twice that, and the time it takes to close it."""

_LONGEST_DELAY = 5.0


def delays(longest: float = _LONGEST_DELAY) -> Iterator[float]:
    """Seconds before each attempt to come back: doubling from 0.2, capped, scattered by half.

    Scattered because after a restart of the server everybody comes back at once.
    """
    delay = 0.2
    while True:
        yield delay * random.uniform(0.5, 1.5)
        delay = min(longest, 2 * delay)


async def open_line(address: Address) -> ClientConnection:
    """A websocket that has not joined yet.

    Raises `InterpreterError`: `server-unreachable` or `origin-not-allowed`.
    """
    try:
        return await connect(
            address.over_websocket(),
            subprotocols=[Subprotocol(protocol.SUBPROTOCOL)],
            ssl=address.tls(),
            proxy=None if address.loopback else True,
            compression=None,
            open_timeout=_OPEN_SECONDS,
            ping_interval=_HEARTBEAT_SECONDS,
            ping_timeout=_HEARTBEAT_SECONDS,
            close_timeout=_CLOSE_SECONDS,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        code = "origin-not-allowed" if status == 403 else "server-unreachable"
        raise InterpreterError(
            code, f"{address.url}: HTTP {status}", retryable=status >= 500
        ) from error
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise InterpreterError(
            "server-unreachable", f"{address.url}: {error}", retryable=True
        ) from error


async def close_line(websocket: ClientConnection) -> None:
    """Close without ceremony if the other side does not answer."""
    with contextlib.suppress(TimeoutError, OSError, ConnectionClosed):
        async with asyncio.timeout(2 * _CLOSE_SECONDS):
            await websocket.close()

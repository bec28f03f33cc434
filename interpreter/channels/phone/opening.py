"""How a call begins on a websocket, and how much nonsense a peer may send."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from ...errors import PhoneError
from .dialect import Message, NotUnderstoodError
from .sockets import GoneError, Socket

T = TypeVar("T")

START_SECONDS = 10.0
EARLY_MESSAGES = 100
"""What may come before a call begins: two seconds of sound."""

LONGEST_MESSAGE = 1 << 16
MISTAKES = 20
"""Messages in a row that make no sense, after which going on makes none."""


class Tolerance:
    """Bears with single messages that make no sense. Raises `PhoneError` ("line-garbled")."""

    def __init__(self) -> None:
        self._mistakes = 0

    def check(self, message: Message) -> Message:
        if len(message) > LONGEST_MESSAGE:
            raise PhoneError("line-garbled", f"a message of {len(message)} bytes")
        return message

    def understood(self) -> None:
        self._mistakes = 0

    def not_understood(self) -> None:
        self._mistakes += 1
        if self._mistakes >= MISTAKES:
            raise PhoneError("line-garbled", f"{MISTAKES} messages in a row made no sense")


async def begin(
    socket: Socket, find: Callable[[Message], T | None], seconds: float = START_SECONDS
) -> tuple[T, list[Message]]:
    """Wait for the message that begins a call: what it says, and what came before it.

    Of that, the latest two seconds are kept. `find` may raise `NotUnderstoodError`. Raises
    `PhoneError` ("no-start", "hung-up", "line-garbled").
    """
    early: deque[Message] = deque(maxlen=EARLY_MESSAGES)
    tolerance = Tolerance()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = tolerance.check(await socket.receive())
                try:
                    found = find(message)
                except NotUnderstoodError:
                    tolerance.not_understood()
                    continue
                if found is not None:
                    return found, list(early)
                tolerance.understood()
                early.append(message)
    except TimeoutError:
        raise PhoneError("no-start", f"no call began within {seconds:.0f} s") from None
    except GoneError:
        raise PhoneError("hung-up", "closed before the call began") from None

"""What has happened on a line and has not been read yet."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from ...errors import PhoneError
from .line import Heard, LineEvent

MOST_SOUND_SECONDS = 2.0
MOST_EVENTS = 256


class Unread:
    """A bounded queue of a line's events, for one reader.

    Of a reader that is behind, sound older than two seconds is dropped. Digits and the like are
    kept until 256 of them wait; further ones are dropped.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._events: deque[LineEvent] = deque()
        self._sound = 0
        """Samples in the queue."""

        self._others = 0
        self._news = asyncio.Event()
        self._over = False
        self._reason: PhoneError | None = None
        self.dropped = 0
        """Pieces of sound that nobody read in time."""

    def tell(self, event: LineEvent) -> None:
        """Append; nothing once `end` has been called."""
        if self._over:
            return
        if isinstance(event, Heard):
            self._sound += len(event.samples)
            if self._sound > MOST_SOUND_SECONDS * self._rate:
                self._drop_oldest_sound()
        elif self._others >= MOST_EVENTS:
            return
        else:
            self._others += 1
        self._events.append(event)
        self._news.set()

    def end(self, reason: PhoneError | None = None) -> None:
        """The reader gets what waits, then the end, or the error."""
        if not self._over:
            self._over = True
            self._reason = reason
            self._news.set()

    async def read(self) -> AsyncIterator[LineEvent]:
        """All events until the end. Raises `PhoneError` if the line ended with one."""
        while True:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, Heard):
                    self._sound -= len(event.samples)
                else:
                    self._others -= 1
                yield event
            if self._over:
                break
            self._news.clear()
            await self._news.wait()
        if self._reason:
            raise self._reason

    def _drop_oldest_sound(self) -> None:
        for index, event in enumerate(self._events):
            if isinstance(event, Heard):
                self._sound -= len(event.samples)
                self.dropped += 1
                del self._events[index]
                return

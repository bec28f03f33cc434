"""Browsers that show one another pictures: who they are, and what they tell one another.

Pictures and voices go from browser to browser; the service passes on what these need to find each
other, reads none of it and keeps it out of the journal.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from .channels.protocol import SignalMessage
from .errors import ProtocolError
from .roles import Role

MOST = 3
"""Each sends its picture to every other; more than two of those are too much for a line at home."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody else in the picture, as one connection sees them."""

    connection: str
    role: Role
    polite: bool
    """Whether one gives way to them when both offer something at the same time."""

    away: bool
    """Their websocket is cut at the moment; what they show may still come."""


class Post:
    """What waits for one browser. Holds 256 signals; more are refused."""

    _MOST = 256

    def __init__(self) -> None:
        self._signals: deque[SignalMessage] = deque()
        self._changed = False
        self._something = asyncio.Event()

    def tell_change(self) -> None:
        """Others have come, gone, or been cut off."""
        self._changed = True
        self._something.set()

    def add(self, signal: SignalMessage) -> bool:
        """False where too many wait."""
        if len(self._signals) >= self._MOST:
            return False
        self._signals.append(signal)
        self._something.set()
        return True

    async def take(self) -> SignalMessage | None:
        """The next signal; None where the others have changed, which comes first."""
        await self._something.wait()
        if self._changed:
            self._changed = False
            signal = None
        else:
            signal = self._signals.popleft()
        if not self._signals:
            self._something.clear()
        return signal


class Peers:
    """The connections of a conversation that show pictures, in the order in which they came."""

    def __init__(self) -> None:
        self._posts: dict[str, Post] = {}

    @property
    def full(self) -> bool:
        """Whether nobody more may show a picture."""
        return len(self._posts) >= MOST

    def enter(self, name: str) -> None:
        """It shows a picture from now on. Raises `ProtocolError` ("conversation-full")."""
        if self.full:
            raise ProtocolError("conversation-full", f"{MOST} show pictures at most", fatal=True)
        self._posts[name] = Post()

    def leave(self, name: str) -> None:
        """It has gone for good."""
        self._posts.pop(name, None)

    def tell_change(self) -> None:
        """Somebody came, went, or was cut off."""
        for post in self._posts.values():
            post.tell_change()

    def post(self, name: str) -> Post | None:
        """What waits for it; None where it shows no picture."""
        return self._posts.get(name)

    def before(self, one: str, other: str) -> bool:
        """Whether the one came before the other; both show pictures."""
        order = list(self._posts)
        return order.index(one) < order.index(other)

    def send(self, sender: str, to: str, signal: SignalMessage) -> None:
        """Pass something on. Raises `ProtocolError` ("not-allowed", "peer-gone")."""
        if sender not in self._posts:
            raise ProtocolError("not-allowed", "join with video to show pictures")
        post = self._posts.get(to)
        if post is None or to == sender or not post.add(signal):
            raise ProtocolError("peer-gone", "nobody of that name shows a picture", retryable=True)

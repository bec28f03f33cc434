"""The numbered events of one conversation, kept for as long as a cut connection may come back."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .events import Event, Failure, Party, Rephrased, SpeechChunk, Transcript, Translation


@dataclass(slots=True)
class Entry:
    """One event and its number."""

    number: int
    event: Event | None
    """None where a piece of a voice was too old to be kept."""

    to: Party | None
    """Whom it is for; None for everybody."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Journal:
    """Bounded thrice: at `longest` entries the oldest go; beyond `audio_bytes` the oldest voices.
    Of those that went what was said stays for `past`, the latest `texts` of it.

    Followers read at their own pace and never hold up whoever appends; one that is slower than
    the bounds allow sees a jump in the numbers.
    """

    def __init__(
        self, longest: int = 20_000, audio_bytes: int = 32 * 2**20, texts: int = 20_000
    ) -> None:
        self._entries: deque[Entry] = deque()
        self._voices: deque[Entry] = deque()
        self._texts: deque[Entry] = deque(maxlen=texts)
        self._longest = longest
        self._room_for_audio = audio_bytes
        self._last = 0
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()

    @property
    def last(self) -> int:
        """The newest number; 0 before anything happened."""
        return self._last

    @property
    def first(self) -> int:
        """The oldest number that is still here."""
        return self._last - len(self._entries) + 1

    def append(self, event: Event, to: Party | None = None) -> int:
        """Number an event and wake the followers."""
        self._last += 1
        entry = Entry(self._last, event, to)
        self._entries.append(entry)
        if isinstance(event, SpeechChunk):
            self._voices.append(entry)
            self._room_for_audio -= event.samples.nbytes
            while self._room_for_audio < 0:
                self._forget_voice(self._voices.popleft())
        if len(self._entries) > self._longest:
            oldest = self._entries.popleft()
            if self._voices and self._voices[0] is oldest:
                self._forget_voice(self._voices.popleft())
            if was_said(oldest.event):
                self._texts.append(oldest)
        self._wake()
        return self._last

    def close(self) -> None:
        """Let followers end once they have read everything."""
        self._closed.set()
        self._wake()

    async def until_closed(self) -> None:
        """Wait until nothing more will come."""
        await self._closed.wait()

    def past(self) -> list[Entry]:
        """What is here now, oldest first; of what is older than `first`, only what was said."""
        return [*self._texts, *self._entries]

    async def follow(self, after: int) -> AsyncIterator[Entry]:
        """Entries after that number, then new ones as they come, until the journal is closed."""
        while True:
            changed = self._changed
            while after < self._last:
                entry = self._entries[max(after + 1, self.first) - self.first]
                after = entry.number
                yield entry
            if self._closed.is_set():
                return
            await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _forget_voice(self, entry: Entry) -> None:
        if isinstance(entry.event, SpeechChunk):
            self._room_for_audio += entry.event.samples.nbytes
        entry.event = None


def was_said(event: Event | None) -> bool:
    """Whether a record or a newcomer may want it for as long as the conversation lasts."""
    match event:
        case Transcript() | Translation():
            return event.final
        case Failure():
            return event.utterance is not None
        case _:
            return isinstance(event, Rephrased)

"""A telephone line over a websocket whose peer buffers and paces what it is sent.

Two tasks per line. One reads, and never waits for anything but the peer. One looks every 10 ms: it
keeps the peer up to a second ahead, so that a busy event loop is not heard and everything else can
still be flushed; it is the only one that sends.

What is bounded: sound to play waits up to a minute (then `play` waits); of events, two seconds of
sound are kept (then the oldest is dropped) and 256 others (then new ones are).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import suppress

import numpy as np

from ...audio import Samples
from ...errors import PhoneError, trace
from .dialect import Dialect, Drained, Flow, Message, NotUnderstoodError, Played, Sound, Stopped
from .line import Caller, Digit, Heard, LineEvent, Reached
from .opening import Tolerance
from .pacing import NOTHING, PIECE_SECONDS, Inflow, Outflow
from .peer_buffer import PeerBuffer
from .sockets import GoneError, Socket
from .unread import Unread

logger = logging.getLogger(__name__)

AHEAD_SECONDS = 1.0
SILENCE_UNDER_SECONDS = 0.01
"""With so little left to play, a peer that wants silence is sent a piece of it."""

MARK_EVERY_SECONDS = 1.0
HALT_SECONDS = 20.0
"""After so long, a peer that could take no more has played everything that it can hold."""

_LOOK_SECONDS = 0.01
_FAREWELL_SECONDS = 1.0


class SocketLine:
    """An established call. See `Line`.

    `early` is what arrived before it was known how to read it.
    """

    def __init__(
        self, socket: Socket, dialect: Dialect, caller: Caller, early: Sequence[Message] = ()
    ) -> None:
        self.caller = caller
        self.rate = dialect.rate
        self._socket = socket
        self._dialect = dialect
        self._in = Inflow(self.rate)
        self._out = Outflow(self.rate)
        self._peer = PeerBuffer(self.rate, answers=dialect.knows_marks)
        self._unread = Unread(self.rate)
        self._tolerance = Tolerance()
        self._piece = round(PIECE_SECONDS * self.rate)
        self._appended = 0
        self._quiet = 0
        """Samples of silence sent since the last that came from `play`."""

        self._marked_at = 0
        self._mark_due = self._flush_due = False
        self._halted_until = self._noted_at = 0.0
        self._room = asyncio.Event()
        self._ended = False
        self._clock = asyncio.get_running_loop().time
        self._reader = asyncio.create_task(self._until_the_end(self._keep_reading(early)))
        self._pump = asyncio.create_task(self._until_the_end(self._keep_pumping()))

    def events(self) -> AsyncIterator[LineEvent]:
        return self._unread.read()

    async def play(self, samples: Samples) -> None:
        """Append sound; waits while a minute of it is still unplayed."""
        while self._out.full and not self._ended:
            self._room.clear()
            await self._room.wait()
        if not self._ended:
            self._append(samples)

    async def mark(self, name: str) -> None:
        if self._ended:
            return
        # Only whole pieces are sent ahead, and the peer's mark has to follow the last one.
        self._append(np.zeros(-self._appended % self._piece, np.int16))
        self._out.mark(name)
        self._mark_due = True

    async def flush(self) -> None:
        if self._ended:
            return
        for name in self._out.flush():
            self._unread.tell(Reached(name))
        self._appended = self._quiet = 0
        self._mark_due = False
        self._flush_due = True
        self._peer.flush(self._clock())
        self._room.set()

    async def hang_up(self) -> None:
        """End the call. Returns when the websocket is closed, or cannot be."""
        if not self._ended:
            self._end()
            await self._leave(1000)
        await asyncio.gather(self._reader, self._pump, return_exceptions=True)

    def _append(self, samples: Samples) -> None:
        self._out.append(samples)
        self._appended += len(samples)

    # The end ----------------------------------------------------------------------------------

    async def _until_the_end(self, work: Coroutine[None, None, None]) -> None:
        reason, code = None, 1000
        try:
            await work
        except GoneError as gone:
            if not gone.meant:
                reason = PhoneError("line-lost", "the websocket broke")
        except PhoneError as error:
            reason, code = error, 1008
        except Exception as error:
            logger.error("a phone line broke: %s", trace(error))
            reason, code = PhoneError("line-broken", "an unexpected error"), 1011
        self._end(reason)
        await self._leave(code)

    def _end(self, reason: PhoneError | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        for task in (self._reader, self._pump):
            if task is not asyncio.current_task():
                task.cancel()
        self._room.set()
        self._unread.end(reason)
        logger.info(
            "phone line ended (%s): %d pieces made up, %d not read, %d left out",
            reason.code if reason else "hung up",
            self._in.made_up,
            self._unread.dropped,
            self._out.trimmed,
        )

    async def _leave(self, code: int) -> None:
        if self._dialect.goodbye:
            with suppress(GoneError):
                await self._socket.send(self._dialect.goodbye)
        await self._socket.close(code)

    # What comes in ----------------------------------------------------------------------------

    async def _keep_reading(self, early: Sequence[Message]) -> None:
        for message in early:
            self._take(message)
        while self._take(self._tolerance.check(await self._socket.receive())):
            pass

    def _take(self, message: Message) -> bool:
        """False if that was the end."""
        try:
            told = self._dialect.read(message)
        except NotUnderstoodError:
            self._tolerance.not_understood()
            return True
        self._tolerance.understood()
        now = self._clock()
        match told:
            case Sound(samples):
                self._hear(samples, now)
            case Digit():
                self._unread.tell(told)
            case Played(mark):
                self._peer.played(mark, now)
            case Drained():
                self._peer.drained(now)
            case Flow(on):
                self._halted_until = 0.0 if on else now + HALT_SECONDS
            case Stopped():
                return False
        return True

    def _hear(self, samples: Samples, now: float) -> None:
        for piece in self._in.push(samples, now):
            self._unread.tell(Heard(piece))

    # What goes out ----------------------------------------------------------------------------

    async def _keep_pumping(self) -> None:
        try:
            for message in self._dialect.greeting:
                await self._socket.send(message)
            if not self._peer.answers:
                await self._mark(self._clock())
            due = self._clock()
            while True:
                await self._look(self._clock())
                # A loop that was held up looks again at once, but does not catch up.
                due = max(due + _LOOK_SECONDS, self._clock())
                await asyncio.sleep(due - self._clock())
        except GoneError:
            # A peer that hung up is noticed by both tasks; how it did, the reader knows.
            await asyncio.wait([self._reader], timeout=_FAREWELL_SECONDS)
            raise

    async def _look(self, now: float) -> None:
        self._hear(NOTHING, now)
        if now - self._noted_at >= PIECE_SECONDS - _LOOK_SECONDS / 2:  # at every other look
            self._noted_at = now
            self._out.note(self._peer.underway(now))
        if self._flush_due:
            self._flush_due = False
            await self._socket.send(self._dialect.flush)
        if now >= self._halted_until:
            await self._feed(now)
        for name in self._out.reached(max(0, self._peer.underway(now) - self._quiet)):
            self._unread.tell(Reached(name))
        if not self._out.full:
            self._room.set()

    async def _feed(self, now: float) -> None:
        underway = self._peer.underway(now)
        room = round(AHEAD_SECONDS * self.rate) - underway
        samples = self._out.take(room, underway)
        spare = room - len(samples)
        quiet = -len(samples) % self._piece
        if quiet:
            self._appended = 0  # the last piece was none; what is appended now begins a new one
        if len(samples):
            self._quiet = quiet
        elif self._wants_silence(underway):
            quiet = self._piece
            self._quiet += quiet
        if len(samples) or quiet:
            await self._send(np.concatenate([samples, np.zeros(quiet, np.int16)]), now)
        if self._mark_due and spare >= self._piece:
            self._mark_due = False
            await self._ask_for_the_end(now)
        elif self._peer.sent - self._marked_at >= MARK_EVERY_SECONDS * self.rate:
            await self._ask_for_the_end(now)

    def _wants_silence(self, underway: int) -> bool:
        # Peers that do not know marks are older, and fill in silence by themselves.
        return (
            self._dialect.wants_silence
            and self._peer.answers
            and underway < SILENCE_UNDER_SECONDS * self.rate
        )

    async def _send(self, samples: Samples, now: float) -> None:
        self._peer.send(len(samples), now)
        for message in self._dialect.sound(samples):
            await self._socket.send(message)

    async def _ask_for_the_end(self, now: float) -> None:
        if self._peer.answers:
            await self._mark(now)
        elif self._dialect.drain:
            self._marked_at = self._peer.sent
            self._peer.ask()
            await self._socket.send(self._dialect.drain)

    async def _mark(self, now: float) -> None:
        self._marked_at = self._peer.sent
        await self._socket.send(self._dialect.mark(self._peer.mark(now)))

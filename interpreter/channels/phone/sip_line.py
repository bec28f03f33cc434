"""One SIP call as a `Line`: sound and events of a call of the baresip library.

The library keeps two buffers per call, which threads of its own play and fill in real time. The
line looks at both every 20 ms, soon after a packet has come: it hands on at once what there is,
and keeps the buffer to play filled about 150 ms ahead, so that a busy event loop is not heard.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...audio import Resampler, Samples, from_bytes, to_bytes
from ...errors import PhoneError, trace
from .line import Caller, Digit, Heard, Held, LineEvent, Reached
from .pacing import NOTHING, Inflow, Outflow
from .unread import Unread

if TYPE_CHECKING:
    import baresip

logger = logging.getLogger(__name__)

AHEAD_SECONDS = 0.15
LOOK_SECONDS = 0.0195
"""A little less than a packet, so that a look comes soon after the packet and stays there."""

SOON_SECONDS = 0.004
"""When a look was too early."""

MOST_MISSES = 5
READ_BYTES = 6_400

LOST = "rtp stream error"
"""How the library words that nothing has come for too long."""


class SipLine:
    """An established call. See `Line`.

    While the other side holds the call, what was appended waits. When the exchange changes the
    codec in mid-call, sound is resampled, so `rate` stays what it was.
    """

    def __init__(self, call: "baresip.Call", caller: Caller, rate: int) -> None:
        self.caller = caller
        self.rate = rate
        self._call = call
        self._audio = call.audio
        self._out = Outflow(rate)
        self._in = Inflow(rate)
        self._unread = Unread(rate)
        self._room = asyncio.Event()
        self._held = False
        self._ended = False
        self._rates = (rate, rate)
        self._from_phone = self._to_phone = Resampler(rate, rate)
        call.on(self._on_event)
        call.on_dtmf(self._on_digit)
        self._clock = asyncio.get_running_loop().time
        self._misses = 0
        self._next_look = asyncio.get_running_loop().call_later(0.0, self._look)
        if call.state.value == "closed":
            self.end()

    def events(self) -> AsyncIterator[LineEvent]:
        return self._unread.read()

    async def play(self, samples: Samples) -> None:
        """Append sound; waits while a minute of it is still unplayed."""
        from baresip import AudioNotActive, AudioRestarted

        while self._out.full and not self._ended:
            self._room.clear()
            await self._room.wait()
        if self._ended:
            return
        self._out.append(samples)
        # Live sound is not to wait for the next look.
        with suppress(AudioNotActive, AudioRestarted):
            info = self._audio.info()
            if info.tx_ready:
                self._feed(info)

    async def mark(self, name: str) -> None:
        if not self._ended:
            self._out.mark(name)

    async def flush(self) -> None:
        from baresip import AudioNotActive, AudioRestarted

        if self._ended:
            return
        for name in self._out.flush():
            self._unread.tell(Reached(name))
        self._room.set()
        with suppress(AudioNotActive, AudioRestarted):
            self._audio.flush_tx()

    async def hang_up(self) -> None:
        from baresip import BaresipError

        if self._ended:
            return
        self.end()
        try:
            await self._call.hangup()
        except BaresipError as error:
            # The other side was quicker, or the library is stopping.
            logger.debug("hanging up: %s", type(error).__name__)

    def end(self, reason: PhoneError | None = None) -> None:
        """The call is over, by whomever; its reader gets what waits, then `reason`."""
        if self._ended:
            return
        self._ended = True
        self._next_look.cancel()
        self._room.set()
        self._unread.end(reason)
        logger.info(
            "phone line ended: %d pieces made up, %d not read, %d left out",
            self._in.made_up,
            self._unread.dropped,
            self._out.trimmed,
        )

    def _on_event(self, event: Any) -> None:
        match event.event.name:
            case "CALL_CLOSED":
                lost = LOST in (event.text or "")
                self.end(PhoneError("line-lost", "nothing came any more") if lost else None)
            case "CALL_HOLD":
                self._hold(True)
            case "CALL_RESUME":
                self._hold(False)

    def _hold(self, held: bool) -> None:
        if held != self._held:
            self._held = held
            self._unread.tell(Held(held))

    def _on_digit(self, event: Any) -> None:
        self._unread.tell(Digit(event.digit))

    def _look(self) -> None:
        now = self._clock()
        try:
            came = self._exchange(now)
        except Exception as error:
            logger.error("a phone line broke: %s", trace(error))
            self.end(PhoneError("line-broken", "an unexpected error"))
            return
        self._misses = 0 if came else self._misses + 1
        late = came or self._misses > MOST_MISSES
        self._next_look = asyncio.get_running_loop().call_later(
            LOOK_SECONDS if late else SOON_SECONDS, self._look
        )

    def _exchange(self, now: float) -> bool:
        """Hear and feed; whether anything had come."""
        from baresip import AudioNotActive, AudioRestarted

        arrived = NOTHING
        try:
            info = self._audio.info()
            self._adapt(info)
            if info.rx_buffered:
                arrived = self._from_phone.push(self._read())
            if info.tx_ready:
                underway = self._feed(info)
                self._out.note(underway)
                for name in self._out.reached(underway):
                    self._unread.tell(Reached(name))
        except (AudioNotActive, AudioRestarted):
            # A hold, or another codec from just now on: the next look finds what there is.
            pass
        for piece in self._in.push(arrived, now):
            self._unread.tell(Heard(piece))
        return len(arrived) > 0

    def _read(self) -> Samples:
        pcm = part = self._audio.read(READ_BYTES)
        while len(part) == READ_BYTES:
            part = self._audio.read(READ_BYTES)
            pcm += part
        return from_bytes(pcm)

    def _feed(self, info: "baresip.AudioInfo") -> int:
        """Give the library what it has room for; samples that are then still to be played."""
        underway: int = info.tx_buffered // 2 * self.rate // info.tx_sample_rate
        samples = self._out.take(round(AHEAD_SECONDS * self.rate) - underway, underway)
        if len(samples):
            self._audio.write(to_bytes(self._to_phone.push(samples)))
        if not self._out.full:
            self._room.set()
        return underway + len(samples)

    def _adapt(self, info: "baresip.AudioInfo") -> None:
        """Resample if the exchange has changed the codec."""
        rates = (info.rx_sample_rate or self.rate, info.tx_sample_rate or self.rate)
        if rates != self._rates:
            self._rates = rates
            self._from_phone = Resampler(rates[0], self.rate, prompt=True)
            self._to_phone = Resampler(self.rate, rates[1], prompt=True)

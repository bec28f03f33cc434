"""One person on a telephone line: what they say and press, and what is said to them."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence

from ...audio import Resampler, Samples
from ...errors import InterpreterError, PhoneError, trace
from .announcements import Announcements, Sentence
from .line import Digit, Heard, Held, Line, LineEvent, Reached
from .playback import Change, Playback

log = logging.getLogger(__name__)

_KEYS = 32
"""Pressed and not yet looked at; more are forgotten."""

_HANG_UP_SECONDS = 5.0

_LATEST_SECONDS = 1.0
"""Sound of the other person that may wait when it is passed on as it is."""


class HungUp(PhoneError):
    """Somebody is not on the line any more."""

    def __init__(self) -> None:
        super().__init__("hung-up", "the line has ended")


class Leg:
    """One line, from its answer to its end, whatever part of the call it is in."""

    def __init__(self, line: Line, announcements: Announcements, language: str) -> None:
        self.line = line
        self.language = language
        """In which this person is spoken to."""

        self.gone = False
        """Whether the line has ended."""

        self.ear: Callable[[Samples], None] | None = None
        """Takes what the person says, at the line's rate; without one it is dropped."""

        self.on_hold: Callable[[bool], None] | None = None
        self.change = Change()
        self.playback = Playback(line, self.change)
        self._announcements = announcements
        self._pressed: deque[str] = deque(maxlen=_KEYS)
        self._held = False

    async def run(self) -> None:
        """Live until the line ends."""
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self.playback.run())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.gone = True
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, PhoneError):
                    log.info("a line broke: %s", result.code)
                elif isinstance(result, Exception):
                    log.error("a line broke: %s", trace(result))
            self.change.tell()

    async def hang_up(self) -> None:
        """End the line, if it is still there."""
        with contextlib.suppress(TimeoutError, PhoneError):
            async with asyncio.timeout(_HANG_UP_SECONDS):
                await self.line.hang_up()

    # What is said to them -------------------------------------------------------------------

    def words(self, code: str, **values: object) -> Sentence:
        """What a code means, for this person."""
        return self._announcements.words(code, self.language, **values)

    async def say(self, *sentences: Sentence) -> bool:
        """Speak and return when it has been heard; False where it could not be spoken.

        Raises `HungUp`.
        """
        if not await self.begin_to_say(*sentences):
            return False
        await self.until(lambda: self.playback.idle)
        return True

    async def begin_to_say(self, *sentences: Sentence) -> bool:
        """The same, without waiting until it has been heard."""
        for number, sentence in enumerate(sentences, 1):
            try:
                sound = await self._announcements.sound(sentence, self.line.rate)
            except InterpreterError as error:
                log.warning("nothing could be said on a line: %s", error.code)
                return False
            if self.gone:
                raise HungUp
            self.playback.add(sound, last=number == len(sentences))
        return True

    # What they do ---------------------------------------------------------------------------

    async def ask(
        self, sentences: Sequence[Sentence], keys: str, seconds: float, times: int = 3
    ) -> str | None:
        """Speak until one of these keys is pressed, up to so many times, with a wait after each.

        None where nothing was pressed, or nothing could be said. Raises `HungUp`.
        """
        self.forget_keys()
        for _ in range(times):
            if not await self.begin_to_say(*sentences):
                return None
            await self.until(lambda: self._waits(keys) or self.playback.idle)
            key = await self.key(seconds, keys)
            if key:
                await self.playback.drop_all()
                return key
        return None

    async def key(self, seconds: float | None, among: str = "0123456789*#ABCD") -> str | None:
        """The next of these keys that is pressed, or was already; None if none is in time.

        Raises `HungUp`.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.until(lambda: self._waits(among))
                return self._pressed.popleft()
        return None

    def forget_keys(self) -> None:
        """What was pressed before a question does not answer it."""
        self._pressed.clear()

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until it is true. Raises `HungUp`."""
        await self.change.until(lambda: self.gone or ready())
        if self.gone:
            raise HungUp

    async def end(self) -> None:
        """Wait until they have hung up. Raises `HungUp`."""
        await self.until(lambda: False)

    def _waits(self, among: str) -> bool:
        while self._pressed and self._pressed[0] not in among:
            self._pressed.popleft()
        return bool(self._pressed)

    async def _listen(self) -> None:
        async for event in self.line.events():
            self._take(event)

    def _take(self, event: LineEvent) -> None:
        match event:
            case Heard(samples):
                if self.ear and not self._held:
                    self.ear(samples)
            case Digit(digit):
                self._pressed.append(digit)
                self.change.tell()
            case Reached(mark):
                self.playback.reached(mark)
            case Held(held) if held is not self._held:
                self._held = held
                self.playback.pause(held)
                if self.on_hold:
                    self.on_hold(held)


def passing_on(listener: Leg, rate: int) -> Callable[[Samples], None]:
    """An ear that lets the listener hear what it hears, as it is."""
    resampler = Resampler(rate, listener.line.rate, prompt=True)

    def pass_on(samples: Samples) -> None:
        if listener.playback.ahead_seconds < _LATEST_SECONDS:
            listener.playback.add(resampler.push(samples))

    return pass_on

"""A conversation in this process, fed as quickly as its engines work and no quicker.

Nothing is late here: whatever a frame sets going is done before the next frame comes. So it does
what it would do in real time on a machine that always keeps up, partial transcripts included.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ..audio import RATE, AudioFrame, Samples, silence
from ..connection import Connection, ConversationLimits, Engines
from ..conversation import Conversation
from ..engines import build
from ..errors import InterpreterError
from ..events import Event, Party, TurnTaking
from ..models import Profile, load_profile
from ..scheduler import Scheduler
from ..settings import Settings
from ..vad import CHUNK, SileroVad, VadStream
from ..work import Counts, Priority, Quality, Run

T = TypeVar("T")
Item = TypeVar("Item")

HUSH_SECONDS = 2.0
"""Of silence; enough to end whatever is being said."""

_FRAME = RATE // 10
_TURNS = 10
"""Of the event loop, more than it takes from one call's end to the call that follows from it."""

_POLL_SECONDS = 0.001
_STUCK_SECONDS = 120.0
_DAY_SECONDS = 86_400.0


class _Watched:
    """Runs calls to engines, and knows whether any is under way; is a `work.Run`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._calls = 0
        self._others: list[_Watched] = []

    @property
    def busy(self) -> bool:
        """Whether a call is under way on any device."""
        return self._calls > 0 or any(other.busy for other in self._others)

    @property
    def behind(self) -> bool:
        """Never: whoever feeds waits."""
        return False

    @property
    def counts(self) -> Counts:
        """As of `work.Run`."""
        return self._run.counts

    def on(self, device: str) -> "_Watched":
        """The same for another device."""
        self._others.append(_Watched(self._run.on(device)))
        return self._others[-1]

    async def __call__(
        self, priority: Priority, call: Callable[[], T], *, seconds: float = 30.0
    ) -> T:
        with self._counted():
            return await self._run(priority, call, seconds=seconds)

    async def batch(
        self,
        priority: Priority,
        engine: Hashable,
        shape: Hashable,
        item: Item,
        work: Callable[[Sequence[Item]], Sequence[T]],
        *,
        most: int,
        at_once: int = 1,
        seconds: float = 30.0,
    ) -> T:
        """As of `work.Run`."""
        with self._counted():
            return await self._run.batch(
                priority, engine, shape, item, work, most=most, at_once=at_once, seconds=seconds
            )

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1


class _CountingVad(SileroVad):
    """Counts the samples that its streams have heard."""

    def __init__(self, vad: SileroVad, threshold: float) -> None:
        self._session = vad._session
        self.threshold = threshold
        self.heard = 0
        self.speech = 0
        """Samples of these that were taken for speech."""

        self.changed: Callable[[], object] = lambda: None
        """Called in a worker thread."""

    def stream(self) -> VadStream:
        return _CountingStream(self)


class _CountingStream(VadStream):
    def __init__(self, vad: _CountingVad) -> None:
        super().__init__(vad._session)
        self._vad = vad

    def probabilities(self, samples: Samples) -> list[float]:
        heard = super().probabilities(samples)
        self._vad.heard += len(samples)
        self._vad.speech += CHUNK * sum(each >= self._vad.threshold for each in heard)
        self._vad.changed()
        return heard


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A profile's engines, for conversations one after the other in this process."""

    profile: Profile
    settings: Settings
    engines: Engines
    run: _Watched
    vad: _CountingVad

    @property
    def languages(self) -> list[str]:
        """Those that are recognised, and translated from and into."""
        pairs = self.engines.translator.pairs
        both = {
            source
            for (source, target), quality in pairs.items()
            if (target, source) in pairs and quality is not Quality.DEMONSTRATION
        }
        return sorted(both & set(self.engines.recognizer.languages))

    def partner(self, language: str) -> str:
        """A language into which that one is translated, and back."""
        pairs = self.engines.translator.pairs
        there_and_back = [
            (quality.rank, to)
            for (source, to), quality in pairs.items()
            if source == language and (to, source) in pairs
        ]
        return min(there_and_back)[1]

    def conversation(self, languages: Mapping[Party, str]) -> Conversation:
        """A conversation that does not idle: what takes an hour here may not sound like it."""
        limits = ConversationLimits(idle_seconds=_DAY_SECONDS, lifetime_seconds=_DAY_SECONDS)
        return Conversation(dict(languages), self.engines, self.settings.endpointing, limits)


@contextmanager
def rehearsal(profile: str) -> Iterator[Rehearsal]:
    """Load the engines. Raises `ModelError`."""
    settings, scheduler = Settings(profile=profile), Scheduler()
    loaded = load_profile(profile)
    watched = _Watched(scheduler)
    house = build(settings, loaded, watched)
    engines = house.engines
    vad = _CountingVad(engines.vad, settings.endpointing.threshold)
    try:
        yield Rehearsal(loaded, settings, replace(engines, vad=vad), watched, vad)
    finally:
        house.close()
        scheduler.close(5.0)


class Feeder:
    """The microphone of one party."""

    def __init__(self, conversation: Conversation, microphone: Connection, of: Rehearsal) -> None:
        self._conversation = conversation
        self._microphone = microphone
        self._run, self._vad = of.run, of.vad
        self._frames = 0
        self._target = of.vad.heard
        self._heard = asyncio.Event()
        loop = asyncio.get_running_loop()
        of.vad.changed = lambda: loop.call_soon_threadsafe(self._heard.set)

    async def hear(self, samples: Samples) -> None:
        """Returns when it was heard, filled up to whole tenths of a second, and all is done.

        Raises `InterpreterError` ("conversation-ended") when a stage broke or got stuck.
        """
        rest = -len(samples) % _FRAME
        for frame in np.concatenate([samples, silence(rest / RATE)]).reshape(-1, _FRAME):
            self._heard.clear()
            await self._conversation.hear(self._microphone, AudioFrame(frame, RATE, self._frames))
            self._frames += 1
            self._target += _FRAME
            await self._settle()

    async def hush(self) -> None:
        """Be silent for `HUSH_SECONDS`."""
        await self.hear(silence(HUSH_SECONDS))

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(_STUCK_SECONDS):
                while self._vad.heard < self._target:
                    await self._heard.wait()
                    self._heard.clear()
                quiet = 0
                while quiet < _TURNS:
                    await asyncio.sleep(_POLL_SECONDS if self._run.busy else 0)
                    quiet = 0 if self._run.busy else quiet + 1
        except TimeoutError:
            raise InterpreterError(
                "conversation-ended", f"nothing was heard any more for {_STUCK_SECONDS:.0f} s"
            ) from None


@asynccontextmanager
async def feed(
    of: Rehearsal,
    language: str,
    note: Callable[[Event], None],
    *,
    listener: bool = False,
) -> AsyncIterator[Feeder]:
    """A conversation in which a visitor has a microphone of their own and speaks that language.

    `note` is told all that happens in it. With a `listener`, voices are made. Only one at a time.
    """
    conversation = of.conversation({Party.VISITOR: language, Party.STAFF: of.partner(language)})
    microphone = conversation.connect("visitor", TurnTaking.OWN_MICROPHONE, RATE, None)
    if listener:
        conversation.connect("staff", TurnTaking.OWN_MICROPHONE, None, RATE)
    life = asyncio.create_task(conversation.run())
    following = asyncio.create_task(follow(conversation, note))
    try:
        yield Feeder(conversation, microphone, of)
    finally:
        of.vad.changed = lambda: None
        conversation.end("closed")
        await asyncio.gather(life, following)


async def follow(conversation: Conversation, note: Callable[[Event], None]) -> None:
    """Tell all that happens in a conversation until it is over."""
    async for entry in conversation.journal.follow(0):
        if entry.event is not None:
            note(entry.event)

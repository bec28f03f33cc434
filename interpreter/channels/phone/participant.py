"""A person on a telephone line as one party of a conversation."""

import asyncio
import logging
from collections.abc import Callable

import numpy as np

from ...audio import RATE, AudioFrame, Resampler, Samples, silence
from ...conversation import Conversation
from ...errors import InterpreterError, ProtocolError
from ...events import (
    Ended,
    EndReason,
    Event,
    Failure,
    HandoverChanged,
    Notice,
    Party,
    SpeechChunk,
    SpeechEnded,
    SpeechStarted,
    Transcript,
    TurnTaking,
)
from ...roles import ALONE
from ...vad import CHUNK
from ...work import Priority
from .announcements import Announcements
from .leg import Leg

log = logging.getLogger(__name__)

_WAITING_FRAMES = 320
"""10 s of 32 ms; where the machine is so far behind, the oldest sound is dropped."""

_WAITING_ANNOUNCEMENTS = 4
_LAST_WORDS_SECONDS = 60.0
"""For what has been interpreted to be heard when the conversation is over."""

_PAUSE_SECONDS = 2.0
"""Of silence in place of what is heard on hold, so that what was said before comes to its end."""

_SPEEDS = (0.8, 0.65, 1.0)
"""Of the voice, one after the other as the key is pressed."""

_UTTERANCES = 50
"""Of which it is known who said them."""

_NOTICES = {
    "please-repeat": "phone-repeat",
    "translation-degraded": "translation-degraded",
    "machine-behind": "machine-behind",
}
"""What has to be said aloud, and how; what the voice or the screen tells is left out."""

_NOT_SPOKEN = {"synthesis-failed", "synthesis-timeout", "language-not-spoken"}


class Participant:
    """Carries one leg's part of a conversation; `run` lives until either ends."""

    def __init__(
        self,
        leg: Leg,
        conversation: Conversation,
        party: Party,
        announcements: Announcements,
        pass_on: Callable[[Samples], None],
        tell_other: Callable[[str], None],
        leave: Callable[[], None],
    ) -> None:
        """`pass_on` lets the other person hear this one as they are, while a human interprets;
        `tell_other` has an announcement made to the other, by its code; `leave` is what the key *
        does. Raises `ProtocolError`.
        """
        self._leg = leg
        self._conversation = conversation
        self._party = party
        self._announcements = announcements
        self._pass_on = pass_on
        self._tell_other = tell_other
        self._leave = leave
        self._after = conversation.journal.last
        rate = leg.line.rate
        self._connection = conversation.connect(ALONE[party], TurnTaking.OWN_MICROPHONE, RATE, rate)
        self._to_ears = Resampler(rate, RATE, prompt=True)
        self._rest: Samples = silence(0)
        self._speaking: int | None = None
        """The utterance that this person is saying."""

        self._voice: tuple[int, Resampler] | None = None
        self._sound: asyncio.Queue[Samples] = asyncio.Queue(_WAITING_FRAMES)
        self._codes: asyncio.Queue[str] = asyncio.Queue(_WAITING_ANNOUNCEMENTS)
        self._waiting: set[str] = set()
        self._speakers: dict[int, Party] = {}
        self._presses = 0
        self._reason: EndReason = "closed"

    def announce(self, code: str) -> None:
        """Say this as soon as nothing else is being said; not at all where too much waits."""
        if code not in self._waiting and not self._codes.full():
            self._waiting.add(code)
            self._codes.put_nowait(code)

    async def run(self) -> EndReason:
        """Interpret until the conversation is over, and tell why it is. Raises `HungUp`."""
        leg = self._leg
        leg.forget_keys()
        leg.ear, leg.on_hold = self._hear, self._hold
        leg.playback.heard = lambda utterance, seconds: self._conversation.played(
            self._connection, utterance, seconds
        )
        work = (self._follow(), self._listen(), self._announce(), self._obey(), leg.end())
        tasks = [asyncio.create_task(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await leg.until(lambda: leg.playback.idle)
        except TimeoutError:
            log.warning("a call ended before all that was interpreted had been heard")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            leg.ear = leg.on_hold = leg.playback.heard = None
            await self._conversation.leave(self._connection)
        return self._reason

    # What the person says -------------------------------------------------------------------

    def _hear(self, samples: Samples) -> None:
        if self._conversation.handover.active:
            self._pass_on(samples)
            return
        # In whole chunks of the detector, which can do nothing with less; while nobody speaks, two
        # at a time, which halves what a silent line costs.
        self._rest = np.concatenate([self._rest, self._to_ears.push(samples)])
        step = CHUNK if self._speaking else 2 * CHUNK
        whole = len(self._rest) // step * step
        if whole:
            self._take_in(self._rest[:whole])
            self._rest = self._rest[whole:]

    def _take_in(self, samples: Samples) -> None:
        if self._sound.full():
            self._sound.get_nowait()
        self._sound.put_nowait(samples)

    def _hold(self, held: bool) -> None:
        self._tell_other("phone-held" if held else "phone-back")
        if held:
            for _ in range(round(_PAUSE_SECONDS * RATE / CHUNK)):
                self._take_in(silence(CHUNK / RATE))

    async def _listen(self) -> None:
        microphone = self._connection.microphone
        assert microphone
        while True:
            samples = await self._sound.get()
            frame = AudioFrame(samples, RATE, microphone.expected)
            await self._conversation.hear(self._connection, frame)

    async def _obey(self) -> None:
        while True:
            key = await self._leg.key(None, "012*")
            try:
                self._do(key)
            except ProtocolError as error:
                self.announce(error.code)

    def _do(self, key: str | None) -> None:
        conversation, connection = self._conversation, self._connection
        match key:
            case "1":
                conversation.say_again(connection, None, self._party)
            case "2":
                speed = _SPEEDS[self._presses % len(_SPEEDS)]
                self._presses += 1
                conversation.set_speed(connection, speed, self._party)
                self.announce("phone-slower" if speed < 1 else "phone-usual-speed")
            case "0" if self._party is Party.VISITOR:
                conversation.handover.step((self._party,), "ask")
            case "0" if conversation.handover.active:
                conversation.handover.step((self._party,), "end")
            case "0":
                conversation.handover.step((self._party,), "begin")
            case "*":
                self._leave()

    # What the person hears ------------------------------------------------------------------

    async def _follow(self) -> None:
        async for entry in self._conversation.journal.follow(self._after):
            if entry.event is not None and entry.to in (None, self._party):
                await self._take(entry.event)

    async def _take(self, event: Event) -> None:
        match event:
            case (
                Transcript(utterance, final=True)
                | Notice(_, utterance)
                | Failure(utterance=utterance)
            ) if utterance == self._speaking:
                self._speaking = None
        match event:
            case SpeechChunk(party=party) if party is self._party:
                self._speak(event)
            case SpeechEnded(utterance, party) if party is self._party:
                await self._finish(utterance, stopped=event.stopped)
            case SpeechStarted(utterance, party):
                await self._attend(utterance, party)
            case Notice(code, _, party) if party in (None, self._party) and code in _NOTICES:
                self.announce(_NOTICES[code])
            case Failure():
                self._explain(event)
            case HandoverChanged(state):
                self.announce(f"handover-{state}")
            case Ended(reason):
                self._reason = reason

    def _speak(self, chunk: SpeechChunk) -> None:
        if self._voice is None or self._voice[0] != chunk.utterance:
            self._voice = (chunk.utterance, Resampler(chunk.rate, self._leg.line.rate))
        self._leg.playback.add(self._voice[1].push(chunk.samples), chunk.utterance)

    async def _finish(self, utterance: int, *, stopped: bool) -> None:
        voice = self._voice
        if voice and voice[0] == utterance:
            self._voice = None
        if stopped:
            await self._leg.playback.drop(utterance)
        elif voice and voice[0] == utterance:
            rest = voice[1].push(silence(0), last=True)
            self._leg.playback.add(rest, utterance, last=True)

    async def _attend(self, utterance: int, party: Party | None) -> None:
        """Somebody began to speak; who speaks does not listen to announcements."""
        if party is not None:
            self._speakers[utterance] = party
            self._speakers.pop(utterance - _UTTERANCES, None)
        if party is self._party:
            self._speaking = utterance
            await self._leg.playback.drop(0)

    def _explain(self, failure: Failure) -> None:
        """Whoever should say it again is told; whoever did not hear it, where only that failed."""
        speaker = failure.party or self._speakers.get(failure.utterance or 0)
        if speaker is None:
            return
        if failure.code in _NOT_SPOKEN:
            if speaker is not self._party:
                self.announce("phone-not-spoken")
        elif speaker is self._party:
            self.announce(failure.code)

    async def _announce(self) -> None:
        leg = self._leg
        while True:
            code = await self._codes.get()
            self._waiting.discard(code)
            leg.language = self._conversation.languages[self._party]
            try:
                sound = await self._announcements.sound(
                    leg.words(code), leg.line.rate, priority=Priority.BACKGROUND
                )
            except InterpreterError as error:
                log.warning("nothing could be said on a line: %s", error.code)
                continue
            await leg.until(lambda: leg.playback.idle)
            leg.playback.add(sound, last=True)

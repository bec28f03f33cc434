"""The service's own voice, out of a loudspeaker into the microphone beside it, in real time.

A tablet lies between two people. What its conversation says comes back through the room, while the
guard against that (`echo.py`) goes by the clock and by what the tablet reports to have played: so
none of it can be hurried.
"""

import asyncio
import itertools
import time
from collections.abc import Callable

import numpy as np

from interpreter_desk.playback import PlaybackClock

from ..audio import RATE, AudioFrame, Resampler, Samples, from_float, to_float
from ..connection import Connection
from ..conversation import Conversation
from ..events import (
    Event,
    Failure,
    Party,
    SpeechBegan,
    SpeechChunk,
    SpeechEnded,
    Transcript,
    TurnTaking,
)
from .feed import Rehearsal, follow
from .lines import QUESTIONS
from .noise import Wave, in_room, room

_FRAME_SECONDS = 0.1
_FRAME = int(_FRAME_SECONDS * RATE)
_FRAMES_A_REPORT = 3
_LAG_SECONDS = 0.2
"""From the server to the air: the way, and what a tablet keeps in hand."""

_PAUSE_SECONDS = 2.5
"""After a voice, so that what got through of it can become a text."""

_ROOMS = [room(*of) for of in ((0.3, 10.0), (0.6, 6.0), (0.5, 20.0), (1.0, 12.0))]
_AIR = 10 ** (-65 / 20)
"""Noise of the room, as loud as a quiet office."""


async def hear_own_voice(
    of: Rehearsal, language: str, seconds: float, note: Callable[[Event], None]
) -> float:
    """Have questions spoken into the room in that language for so long; returns how long it was.

    `note` is told what comes of it, without what was typed to have it spoken.
    """
    languages = {Party.STAFF: of.partner(language), Party.VISITOR: language}
    conversation = of.conversation(languages)
    tablet = _Tablet(conversation, languages[Party.STAFF], note)
    life = asyncio.create_task(conversation.run())
    following = asyncio.create_task(follow(conversation, tablet.take))
    try:
        return await tablet.lie_there(seconds)
    finally:
        conversation.end("closed")
        await asyncio.gather(life, following)


class _Tablet:
    """A shared device that plays, hears what it plays, and reports what it has played."""

    def __init__(
        self, conversation: Conversation, language: str, note: Callable[[Event], None]
    ) -> None:
        self._conversation = conversation
        self._connection: Connection = conversation.connect(
            "shared", TurnTaking.SHARED_MICROPHONE, RATE, RATE
        )
        self._questions = itertools.cycle(QUESTIONS.get(language, QUESTIONS["en"]))
        self._rooms = itertools.cycle(_ROOMS)
        self._room = next(self._rooms)
        self._note = note
        self._chance = np.random.default_rng(0)
        self._now = 0.0
        """Seconds of microphone so far."""

        self._playback = PlaybackClock()
        self._resampler = Resampler(RATE)
        self._ahead: Wave = np.zeros(0)
        """What is in the air from now on."""

        self._asked = False
        """Something has been typed and not been spoken yet."""

    def take(self, event: Event) -> None:
        """What the conversation sends to the device."""
        match event:
            case SpeechBegan():
                self._resampler = Resampler(event.rate)
            case SpeechChunk():
                self._play(event.utterance, self._resampler.push(event.samples))
            case SpeechEnded():
                self._asked = False
            case Transcript(final=True, ending=None):
                pass  # typed
            case Failure():
                self._asked = False
                self._note(event)
            case _:
                self._note(event)

    async def lie_there(self, seconds: float) -> float:
        """Ask, play and hear in real time; returns the seconds it was."""
        began, told = time.monotonic(), dict[int, float]()
        for frame in range(int(seconds / _FRAME_SECONDS)):
            await asyncio.sleep(began + (frame + 1) * _FRAME_SECONDS - time.monotonic())
            self._now += _FRAME_SECONDS
            await self._conversation.hear(self._connection, AudioFrame(self._heard(), RATE, frame))
            if frame % _FRAMES_A_REPORT == 0:
                for utterance, played in self._playback.played(self._now).items():
                    if played > told.get(utterance, 0.0):
                        told[utterance] = played
                        self._conversation.played(self._connection, utterance, played)
            if not self._asked and self._now > self._playback.ends + _PAUSE_SECONDS:
                self._asked, self._room = True, next(self._rooms)
                await self._conversation.type(self._connection, next(self._questions), Party.STAFF)
        return self._now

    def _play(self, utterance: int, samples: Samples) -> None:
        """Let it sound when the device gets to it: at once, or after what still plays."""
        start = max(self._now + _LAG_SECONDS, self._playback.ends)
        self._playback.add(utterance, len(samples) / RATE, self._now + _LAG_SECONDS)
        sound = in_room(to_float(samples).astype(np.float64), self._room)
        place = round((start - self._now) * RATE)
        if (missing := place + len(sound) - len(self._ahead)) > 0:
            self._ahead = np.concatenate([self._ahead, np.zeros(missing)])
        self._ahead[place : place + len(sound)] += sound

    def _heard(self) -> Samples:
        frame = _AIR * self._chance.standard_normal(_FRAME)
        present, self._ahead = self._ahead[:_FRAME], self._ahead[_FRAME:]
        frame[: len(present)] += present
        return from_float(frame)

"""Somebody at a microphone and a loudspeaker: what is sent, what is played, what keys do."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from interpreter.audio import Samples, level, silence
from interpreter.channels import protocol
from interpreter.errors import InterpreterError
from interpreter.events import Party

from .connection import Connection, Received, SpeechFrame
from .loudspeaker import Loudspeaker

_REPORT_SECONDS = 0.5

KEYS = "x be quiet · a say again · m mute · q leave"
TALK_KEYS = "space talk / done"
SHARED_KEYS = "s staff talk / done · v visitor talk / done"


class Participant:
    """Joins a connection to a sound card; owns neither."""

    def __init__(
        self,
        connection: Connection,
        loudspeaker: Loudspeaker,
        now: Callable[[], float],
        *,
        parties: list[Party],
        push_to_talk: bool,
        headset: bool,
        rate: int,
    ) -> None:
        self.left = asyncio.Event()
        """Set when this side wants to go."""

        self.level = -96.0
        """Loudness of the microphone, dB relative to full scale."""

        self.talking: Party | None = None
        """Who holds the push-to-talk button down."""

        self.muted = False
        self._connection = connection
        self._loudspeaker = loudspeaker
        self._now = now
        self._parties = parties
        self._push_to_talk = push_to_talk
        self._headset = headset
        self._rate = rate
        self._complete: dict[int, float] = {}
        self._asked: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> str:
        """What the microphone does, in a word."""
        if self.muted:
            return "muted"
        if self._push_to_talk:
            return f"{self.talking} talks" if self.talking else "button is up"
        return "listening" if self.open else "the machine speaks"

    @property
    def open(self) -> bool:
        """Whether what the microphone hears goes out."""
        if self.muted:
            return False
        if self._push_to_talk:
            return self.talking is not None
        # Else the machine's voice would be interpreted back.
        return self._headset or not self._loudspeaker.sounding(self._now())

    def hear(self, samples: Samples) -> None:
        """Take the next 10 to 100 ms of the microphone.

        While it is not open, silence goes out instead: nothing that was said, in unbroken time.
        """
        self.level = level(samples)
        going_out = samples if self.open else silence(len(samples) / self._rate, self._rate)
        self._connection.send_audio(going_out)

    def press(self, key: str) -> None:
        """Do what a key stands for."""
        match key:
            case " " if self._push_to_talk and len(self._parties) == 1:
                self._talk(self._parties[0])
            case "s" if len(self._parties) > 1:
                self._talk(Party.STAFF)
            case "v" if len(self._parties) > 1:
                self._talk(Party.VISITOR)
            case "x":
                self._loudspeaker.stop()
                self._ask(self._connection.stop_speaking())
            case "a" if len(self._parties) == 1:
                self._ask(self._connection.say_again())
            case "m":
                self.muted = not self.muted
            case "q":
                self.left.set()

    async def listen(self, show: Callable[[Received], None]) -> None:
        """Play and show what comes until the conversation ends. Raises `InterpreterError`."""
        async for received in self._connection:
            match received:
                case SpeechFrame():
                    self._loudspeaker.push(received.utterance, received.samples)
                case protocol.SpeechEndMessage():
                    self._complete[received.utterance] = received.seconds
                    if received.stopped:
                        self._loudspeaker.stop(received.utterance)
                case _:
                    show(received)

    async def report(self) -> None:
        """Tell the server what was really heard, until cancelled."""
        told: dict[int, float] = {}
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            for utterance, seconds in self._loudspeaker.heard(self._now()).items():
                if seconds != told.get(utterance):
                    told[utterance] = seconds
                    await self._connection.played(utterance, seconds)
                elif utterance in self._complete:  # it does not grow any more
                    self._loudspeaker.forget(utterance)
                    del self._complete[utterance]

    def _talk(self, party: Party) -> None:
        """One press begins, the next ends: a terminal does not tell when a key is released."""
        if self.talking is not None:
            self._connection.talk(False, self._named(self.talking))
        self.talking = None if self.talking is party else party
        if self.talking is not None:
            self._connection.talk(True, self._named(party))

    def _named(self, party: Party) -> Party | None:
        return party if len(self._parties) > 1 else None

    def _ask(self, work: Coroutine[Any, Any, None]) -> None:
        async def ask() -> None:
            with suppress(InterpreterError):  # the line is cut, which the screen says already
                await work

        task = asyncio.create_task(ask())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

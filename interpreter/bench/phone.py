"""What the telephone's call core adds: delay, sound, processor time, and time to the first word."""

import argparse
import asyncio
import csv
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ..audio import RATE, AudioFrame, Samples, resample, silence
from ..channels.phone.announcements import Announcements
from ..channels.phone.leg import Leg, passing_on
from ..channels.phone.line import Caller, Heard, LineEvent, Reached
from ..channels.phone.participant import Participant
from ..connection import ConversationLimits, Engines
from ..conversation import Conversation
from ..engines import build
from ..evaluate.recordings import hear, word_errors
from ..events import Party, SpeechChunk, TurnTaking
from ..models import load_profile
from ..scheduler import Scheduler
from ..settings import Settings
from ..vad import Endpointing

_PIECE_SECONDS = 0.02
_IDLE_SECONDS = 20.0
_AFTER_SECONDS = 6.0
"""For the voice to come after the last word."""

_LANGUAGES = ("en", "pt")
_LONGEST_SECONDS = 13.0
"""Of a recording; keywords and what was recorded by telephone are left out, too."""

_SAID = "Bom dia, eu preciso de renovar o meu passaporte este mês."


class _Line:
    """A telephone in memory: says a recording, then silence, and hears in real time."""

    def __init__(self, rate: int, says: Samples) -> None:
        self.caller = Caller()
        self.rate = rate
        self.says = says
        self.heard: list[Samples] = []
        """One piece for each that was said, silence where nothing was played."""

        self.first_sound = 0.0
        """Monotonic seconds at which something was heard first."""

        self.last_word = 0.0
        """Monotonic seconds at which the recording had been said."""

        self._waiting: list[Samples | str] = []
        self._ended = asyncio.Event()

    async def events(self) -> AsyncIterator[LineEvent]:
        size = round(_PIECE_SECONDS * self.rate)
        began, count, place = time.monotonic(), 0, 0
        while not self._ended.is_set():
            piece = self.says[place : place + size]
            place += size
            if len(piece) and place >= len(self.says):
                self.last_word = time.monotonic()
            for mark in self._play(size):
                yield Reached(mark)
            yield Heard(np.concatenate([piece, np.zeros(size - len(piece), np.int16)]))
            count += 1
            await asyncio.sleep(max(0.0, began + count * _PIECE_SECONDS - time.monotonic()))

    def _play(self, size: int) -> list[str]:
        """Hear one piece of what waits; gives the marks that it reached."""
        piece, reached = silence(0), []
        while self._waiting and (len(piece) < size or isinstance(self._waiting[0], str)):
            waiting = self._waiting.pop(0)
            if isinstance(waiting, str):
                reached.append(waiting)
                continue
            room = size - len(piece)
            piece = np.concatenate([piece, waiting[:room]])
            if len(waiting) > room:
                self._waiting.insert(0, waiting[room:])
        if len(piece) and not self.first_sound:
            self.first_sound = time.monotonic()
        self.heard.append(np.concatenate([piece, np.zeros(size - len(piece), np.int16)]))
        return reached

    async def play(self, samples: Samples) -> None:
        self._waiting.append(samples)

    async def mark(self, name: str) -> None:
        self._waiting.append(name)

    async def flush(self) -> None:
        self._waiting = [each for each in self._waiting if isinstance(each, str)]

    async def hang_up(self) -> None:
        self._ended.set()


def measure_phone(given: argparse.Namespace) -> dict[str, Any]:
    """All figures, with telephones in memory. Raises `ModelError`."""
    scheduler = Scheduler()
    house = build(Settings(profile=given.profile), load_profile(given.profile), scheduler)
    try:
        return asyncio.run(_measure(house.engines, given.runs, given.speech))
    finally:
        house.close()
        scheduler.close(10.0)


async def _measure(engines: Engines, runs: int, speech: Path | None) -> dict[str, Any]:
    pieces = [
        resample(sound.samples, sound.rate, RATE)
        async for sound in engines.synthesizer.synthesize(_SAID, "pt")
    ]
    said = np.concatenate(pieces)
    phone, direct = [], []
    for _ in range(runs):
        phone.append(await _first_sound_by_phone(engines, said))
        direct.append(await _first_sound_directly(engines, said))
    return {
        "runs": runs,
        "pass_through": [
            await _pass_through(engines, said, one, other)
            for one, other in ((8_000, 8_000), (16_000, 16_000), (8_000, 16_000), (16_000, 8_000))
        ],
        "idle_call_cpu_percent_of_a_core": await _idle(engines),
        "first_sound_seconds": {
            "phone": round(median(phone), 2),
            "directly": round(median(direct), 2),
        },
        "words": await _words(engines, speech) if speech else None,
    }


async def _words(engines: Engines, folder: Path) -> dict[str, Any]:
    """How well recordings are recognised as they are, and as a telephone carries them."""
    with (folder / "index.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    heard = [
        await hear(engines.recognizer, folder / row["file"], row["language"], row["transcript"])
        for row in rows
        if row["language"] in _LANGUAGES
        and row["transcript"]
        and not row["file"].startswith(("kw_", "tel8k_"))
        and float(row["seconds"]) <= _LONGEST_SECONDS
    ]
    return word_errors(heard)


async def _pass_through(engines: Engines, said: Samples, one: int, other: int) -> dict[str, Any]:
    """What one person says, as the other hears it while nobody interprets."""
    near, far = _Line(one, resample(said, RATE, one)), _Line(other, silence(0))
    announcements = Announcements(engines.synthesizer)
    legs = [Leg(line, announcements, "en") for line in (near, far)]
    running = [asyncio.create_task(leg.run()) for leg in legs]
    legs[0].ear = passing_on(legs[1], one)
    await asyncio.sleep(len(said) / RATE + 1.0)
    for line in (near, far):
        await line.hang_up()
    await asyncio.gather(*running)
    # Much finer than a sample, since resampling delays by fractions of one.
    fine = 48_000
    heard = resample(np.concatenate(far.heard), other, fine).astype(np.float64)
    sent = resample(resample(said, RATE, min(one, other)), min(one, other), fine)
    length = len(heard) + len(sent)
    spectrum = np.fft.rfft(heard, length) * np.conj(np.fft.rfft(sent.astype(np.float64), length))
    lag = int(np.argmax(np.fft.irfft(spectrum, length)[: len(heard)]))
    part = heard[lag : lag + len(sent)]
    likeness = float(np.corrcoef(part, sent[: len(part)])[0, 1])
    return {
        "rates": [one, other],
        "delay_ms": round(1000 * lag / fine, 1),
        "correlation": round(likeness, 4),
    }


@asynccontextmanager
async def _call(engines: Engines, says: Samples) -> AsyncIterator[dict[Party, _Line]]:
    """A Portuguese caller and an English clerk, interpreted."""
    conversation = _conversation(engines)
    living = asyncio.create_task(conversation.run())
    lines = {
        Party.VISITOR: _Line(8_000, resample(says, RATE, 8_000)),
        Party.STAFF: _Line(8_000, silence(0)),
    }
    announcements = Announcements(engines.synthesizer)
    legs = {
        party: Leg(line, announcements, conversation.languages[party])
        for party, line in lines.items()
    }
    running: list[asyncio.Task[Any]]
    running = [asyncio.create_task(leg.run()) for leg in legs.values()]
    people = [
        Participant(
            leg,
            conversation,
            party,
            announcements,
            passing_on(legs[party.other], 8_000),
            _nothing,
            lambda: conversation.end("closed"),
        )
        for party, leg in legs.items()
    ]
    running += [asyncio.create_task(person.run()) for person in people]
    try:
        yield lines
    finally:
        for line in lines.values():
            await line.hang_up()
        conversation.end("closed")
        await asyncio.gather(*running, living, return_exceptions=True)


async def _idle(engines: Engines) -> float:
    """Processor time of an interpreted call in which nobody speaks, these lines included."""
    async with _call(engines, silence(0)):
        await asyncio.sleep(2.0)
        used, began = time.process_time(), time.monotonic()
        await asyncio.sleep(_IDLE_SECONDS)
        spent = time.process_time() - used
        return round(100 * spent / (time.monotonic() - began), 1)


async def _first_sound_by_phone(engines: Engines, said: Samples) -> float:
    """Seconds from the last word until the clerk hears the first sound."""
    async with _call(engines, said) as lines:
        await asyncio.sleep(len(said) / RATE + _AFTER_SECONDS)
        return lines[Party.STAFF].first_sound - lines[Party.VISITOR].last_word


async def _first_sound_directly(engines: Engines, said: Samples) -> float:
    """The same without a telephone: frames into the conversation, until a voice comes out."""
    conversation = _conversation(engines)
    living = asyncio.create_task(conversation.run())
    own = TurnTaking.OWN_MICROPHONE
    visitor = conversation.connect("visitor", own, RATE, RATE)
    conversation.connect("staff", own, RATE, RATE)
    first = 0.0

    async def listen() -> None:
        nonlocal first
        async for entry in conversation.journal.follow(0):
            if isinstance(entry.event, SpeechChunk) and not first:
                first = time.monotonic()

    listening = asyncio.create_task(listen())
    size = round(_PIECE_SECONDS * RATE)
    sound = np.concatenate([said, silence(_AFTER_SECONDS)])
    began, last_word = time.monotonic(), 0.0
    for number, start in enumerate(range(0, len(sound) - size, size)):
        await conversation.hear(visitor, AudioFrame(sound[start : start + size], RATE, number))
        if start <= len(said) < start + size:
            last_word = time.monotonic()
        await asyncio.sleep(max(0.0, began + (number + 1) * _PIECE_SECONDS - time.monotonic()))
    conversation.end("closed")
    await asyncio.gather(living, listening)
    return first - last_word


def _conversation(engines: Engines) -> Conversation:
    languages = {Party.STAFF: "en", Party.VISITOR: "pt"}
    return Conversation(languages, engines, Endpointing(), ConversationLimits())


def _nothing(_code: str) -> None:
    """Nobody announces anything here."""

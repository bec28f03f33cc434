"""`interpreter bench soak`: whether a service that runs for long gets slower or bigger."""

import argparse
import asyncio
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from interpreter_desk import Staff
from interpreter_desk.own_server import own_server
from interpreter_desk.recordings import Recording
from interpreter_desk.report import Row

from ..audio import RATE, Samples, silence
from ..errors import InterpreterError
from ..events import Event, Failure, SpeechEnded
from .feed import HUSH_SECONDS, Rehearsal, feed, rehearsal
from .material import BenchUtterance, material
from .measures import server_process, spread, tell
from .talk import Tally, exchange, prepare, talk

_TENTHS = 10
_SAMPLE_SECONDS = 2.0
_GUEST_EVERY_SECONDS = 180.0
_GUEST_SAYS = 4
"""Utterances of the short conversations that come and go beside the long one."""

_SHORTEST_TURN_SECONDS = 2.0
_SIMULATED_CONVERSATION_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at some moment, in seconds since the run began."""

    at: float
    memory_mb: float
    """Resident, 10^6 bytes."""

    threads: int
    open_files: int
    """Files, sockets and pipes."""


@dataclass(slots=True)
class Run:
    """What was noted on the way; `waits` are seconds that somebody waited, each with its moment."""

    seconds: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    conversations: int = 0

    def sample(self, process: psutil.Process, at: float) -> None:
        """Look at the process."""
        memory = process.memory_info().rss / 10**6
        self.samples.append(Sample(at, memory, process.num_threads(), process.num_fds()))


def measure_soak(given: argparse.Namespace) -> dict[str, Any]:
    """How latency and memory of a long run develop."""
    if given.simulated:
        with rehearsal(given.profile) as of:
            run = asyncio.run(_simulate(of, 60 * given.minutes))
        return {"simulated": True, "conversations": run.conversations, **report(run)}
    tell("making what will be said")
    utterances = prepare(given.profile, given.speech)
    run = asyncio.run(_live(given.profile, utterances, 60 * given.minutes))
    return {"simulated": False, "conversations": run.conversations, **report(run)}


# In real time --------------------------------------------------------------------------------


async def _live(profile: str, utterances: list[BenchUtterance], seconds: float) -> Run:
    """One conversation from beginning to end, and short ones that come and go beside it."""
    run = Run()
    async with own_server(tell, ["--profile", profile]) as staff:
        process, began = server_process(), time.monotonic()

        def passed() -> float:
            return time.monotonic() - began

        tell(f"{seconds / 60:g} minutes in real time")
        watching = asyncio.create_task(_watch(run, process, passed))
        guests = asyncio.create_task(_guests(staff, utterances, run, passed))
        try:
            enough = int(seconds / _SHORTEST_TURN_SECONDS) + 1
            recordings = list(itertools.islice(exchange(utterances, seed=0), enough))
            await _hold(staff, recordings, run, passed, lambda: passed() > seconds)
        finally:
            for task in (watching, guests):
                task.cancel()
            await asyncio.gather(watching, guests, return_exceptions=True)
        run.seconds = passed()
    return run


async def _watch(run: Run, process: psutil.Process, passed: Callable[[], float]) -> None:
    told = 0
    while True:
        run.sample(process, passed())
        if (minutes := int(passed() / 60)) > told:
            told = minutes
            tell(f"after {minutes} min: {run.samples[-1].memory_mb:.0f} MB")
        await asyncio.sleep(_SAMPLE_SECONDS)


async def _guests(
    staff: Staff, utterances: list[BenchUtterance], run: Run, passed: Callable[[], float]
) -> None:
    for guest in itertools.count(1):
        await asyncio.sleep(max(0.0, guest * _GUEST_EVERY_SECONDS - passed()))
        recordings = list(itertools.islice(exchange(utterances, seed=guest), _GUEST_SAYS))
        await _hold(staff, recordings, run, passed, lambda: False)


async def _hold(
    staff: Staff,
    recordings: list[Recording],
    run: Run,
    passed: Callable[[], float],
    until: Callable[[], bool],
) -> None:
    def note(_at: float, _recording: Recording, found: list[Row]) -> None:
        for row in found:
            if "error" in row:
                run.failures[row["error"]] += 1
            if (wait := row["latency"]["first_audio"]) is not None:
                run.waits.append((passed(), wait))

    run.conversations += 1
    try:
        await talk(staff, recordings, until, note, Tally())
    except InterpreterError as error:
        run.failures[error.code] += 1


# In this process -----------------------------------------------------------------------------


async def _simulate(of: Rehearsal, seconds: float) -> Run:
    """Conversations of ten minutes, each in the other language than the one before.

    Its time is that of the sound: what is said, the voice that follows, and a pause. `waits` are
    processing time over length of speech.
    """
    run, process = Run(), psutil.Process()
    spoken = [each for each in await material(of.engines, None) if each.language in of.languages]
    languages = itertools.cycle(sorted({each.language for each in spoken}))
    while run.seconds < seconds:
        run.conversations += 1
        language = next(languages)
        sounds = [each.samples for each in spoken if each.language == language]
        over = min(seconds, run.seconds + _SIMULATED_CONVERSATION_SECONDS)
        await _simulate_one(of, language, sounds, over, run, process)
        tell(f"after {run.seconds / 60:.0f} min: {run.samples[-1].memory_mb:.0f} MB")
    return run


async def _simulate_one(
    of: Rehearsal,
    language: str,
    sounds: Sequence[Samples],
    over: float,
    run: Run,
    process: psutil.Process,
) -> None:
    voiced = 0.0

    def note(event: Event) -> None:
        nonlocal voiced
        if isinstance(event, SpeechEnded):
            voiced += event.seconds
        elif isinstance(event, Failure):
            run.failures[event.code] += 1

    async with feed(of, language, note, listener=True) as feeder:
        for sound in itertools.cycle(sounds):
            began, voiced = time.monotonic(), 0.0
            await feeder.hear(sound)
            await feeder.hush()
            length = len(sound) / RATE
            run.seconds += length + HUSH_SECONDS + voiced
            run.waits.append((run.seconds, (time.monotonic() - began) / length))
            await feeder.hear(silence(voiced))
            run.sample(process, run.seconds)
            if run.seconds > over:
                return


# What it came to -----------------------------------------------------------------------------


def report(run: Run) -> dict[str, Any]:
    """Figures of each tenth of the run, and what drifted between its parts."""
    return {
        "seconds": round(run.seconds, 1),
        "failures": dict(run.failures),
        "latency": spread([wait for _, wait in run.waits]),
        "memory_growth_mb_per_hour": slope_per_hour(
            [(each.at, each.memory_mb) for each in run.samples if each.at >= run.seconds / 2]
        ),
        "latency_last_quarter_over_first": last_over_first(run.waits, run.seconds),
        "tenths": [
            _part(run, run.seconds * number / _TENTHS, run.seconds * (number + 1) / _TENTHS)
            for number in range(_TENTHS)
        ],
    }


def _part(run: Run, begin: float, end: float) -> dict[str, Any]:
    samples = [each for each in run.samples if begin <= each.at <= end]
    return {
        "latency": spread([wait for at, wait in run.waits if begin < at <= end]),
        "memory_mb": _median([each.memory_mb for each in samples]),
        "threads": _median([each.threads for each in samples]),
        "open_files": _median([each.open_files for each in samples]),
    }


def slope_per_hour(points: Sequence[tuple[float, float]]) -> float | None:
    """How much a figure grows in an hour: the straight line nearest to (seconds, figure)."""
    if len({at for at, _ in points}) < 2:
        return None
    at, figure = np.array(points).T
    return round(float(np.polyfit((at - at[0]) / 3600, figure, 1)[0]), 1)


def last_over_first(waits: Sequence[tuple[float, float]], seconds: float) -> float | None:
    """Median of the last quarter's over median of the first; 1 where nothing became slower."""
    first = [wait for at, wait in waits if at <= seconds / 4]
    last = [wait for at, wait in waits if at > 3 * seconds / 4]
    if not first or not last or statistics.median(first) <= 0:
        return None
    return round(statistics.median(last) / statistics.median(first), 3)


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 1) if values else None

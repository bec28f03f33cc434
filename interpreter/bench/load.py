"""`interpreter bench load`: how many people one server serves at once, in real time."""

import argparse
import asyncio
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import psutil

from interpreter_desk import Staff
from interpreter_desk.own_server import own_server
from interpreter_desk.recordings import Recording
from interpreter_desk.report import Row

from ..errors import InterpreterError
from .material import BenchUtterance
from .measures import processor_seconds, server_peak_memory, server_process, spread, tell
from .talk import Tally, exchange, prepare, talk

_APART_SECONDS = 1.7
"""Between the beginnings of two conversations, so that they do not speak in step."""

_SHORTEST_TURN_SECONDS = 2.0
"""No utterance with its voice is shorter: so many are enough for the time given."""


@dataclass(slots=True)
class _Conversation:
    """What one conversation came to."""

    tally: Tally = field(default_factory=Tally)
    first_audio: list[float] = field(default_factory=list)
    transcript: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    said: int = 0
    speech_seconds: float = 0.0

    def note(self, _at: float, recording: Recording, found: list[Row]) -> None:
        self.said += 1
        self.speech_seconds += recording.seconds
        for row in found:
            if "error" in row:
                self.failures[row["error"]] += 1
            for stage, laps in (("first_audio", self.first_audio), ("transcript", self.transcript)):
                if row["latency"][stage] is not None:
                    laps.append(row["latency"][stage])


def measure_load(given: argparse.Namespace) -> dict[str, Any]:
    """Figures of conversations held at once in real time with one server."""
    tell("making what will be said")
    utterances = prepare(given.profile, given.speech)
    return asyncio.run(_measure(given.profile, utterances, given.conversations, given.minutes))


async def _measure(
    profile: str, utterances: list[BenchUtterance], number: int, minutes: float
) -> dict[str, Any]:
    conversations = [_Conversation() for _ in range(number)]
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(room_for(number))
        arguments = ["--profile", profile, "--settings", str(settings)]
        staff = await stack.enter_async_context(own_server(tell, arguments))
        server, client = server_process(), psutil.Process()
        used, used_here, began = processor_seconds(server), processor_seconds(client), _now()
        tell(f"{number} conversations for {minutes:g} minutes in real time")
        async with asyncio.TaskGroup() as talking:
            for place, conversation in enumerate(conversations):
                talking.create_task(_hold(staff, utterances, place, minutes, conversation))
        seconds = _now() - began
        server_seconds = processor_seconds(server) - used
        client_seconds = processor_seconds(client) - used_here
        memory = server_peak_memory()
    speech = sum(each.speech_seconds for each in conversations)
    return {
        "conversations": number,
        "seconds": round(seconds, 1),
        **_figures(conversations),
        "server_cpu_seconds_per_second_of_speech": _per(server_seconds, speech),
        "server_cpu_cores": _per(server_seconds, seconds),
        "client_cpu_cores": _per(client_seconds, seconds),
        "server_peak_memory_mb": memory,
    }


@contextmanager
def room_for(conversations: int) -> Iterator[Path]:
    """Settings of a server that lets in so many: what it does with them is to be measured."""
    with NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(
            f"[server]\nconversations = {conversations}\nconnections = {2 * conversations}\n"
        )
        file.flush()
        yield Path(file.name)


async def _hold(
    staff: Staff,
    utterances: list[BenchUtterance],
    place: int,
    minutes: float,
    conversation: _Conversation,
) -> None:
    """One conversation; where it breaks, that is counted and the others go on."""
    await asyncio.sleep(place * _APART_SECONDS)
    over = _now() + 60 * minutes
    enough = int(60 * minutes / _SHORTEST_TURN_SECONDS) + 1
    recordings = list(itertools.islice(exchange(utterances, seed=place), enough))
    try:
        await talk(staff, recordings, lambda: _now() > over, conversation.note, conversation.tally)
    except InterpreterError as error:
        conversation.failures[error.code] += 1


def _figures(conversations: Sequence[_Conversation]) -> dict[str, Any]:
    speech = sum(each.speech_seconds for each in conversations)
    failures, notices = Counter[str](), Counter[str]()
    for each in conversations:
        failures += each.failures
        notices += each.tally.notices
    return {
        "utterances": sum(each.said for each in conversations),
        "speech_seconds": round(speech, 1),
        "latency_seconds": {
            "first_audio": spread([lap for each in conversations for lap in each.first_audio]),
            "transcript": spread([lap for each in conversations for lap in each.transcript]),
        },
        "fairness": fairness([each.first_audio for each in conversations]),
        "by_conversation": [
            {
                "utterances": each.said,
                "first_audio": spread(each.first_audio),
                "transcript": spread(each.transcript),
            }
            for each in conversations
        ],
        "failures": dict(failures),
        "notices": dict(notices),
        "partial_transcripts_per_second_of_speech": _per(
            sum(each.tally.partials for each in conversations), speech
        ),
    }


def fairness(laps: Sequence[Sequence[float]]) -> float | None:
    """The worst conversation's median over the best one's; 1 is fair, None if one has none."""
    if not laps or not all(laps):
        return None
    medians = [statistics.median(each) for each in laps]
    return round(max(medians) / min(medians), 2) if min(medians) > 0 else None


def _per(amount: float, whole: float) -> float:
    return round(amount / whole, 3) if whole else 0.0


def _now() -> float:
    return time.monotonic()

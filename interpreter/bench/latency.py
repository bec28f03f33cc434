"""`interpreter bench latency`: how long people wait, measured on this machine."""

import argparse
import asyncio
import time
from collections import defaultdict
from contextlib import aclosing
from typing import Any

from interpreter_desk.own_server import own_server
from interpreter_desk.report import rows
from interpreter_desk.stage import Pace, play

from ..audio import RATE
from ..connection import Engines
from ..engines import build
from ..events import Party
from ..models import load_profile
from ..scheduler import Scheduler
from ..settings import Settings
from .material import BenchUtterance, as_recording, material
from .measures import server_peak_memory, spread, tell

_STAGES = ("endpoint", "transcript", "translation", "first_audio")


def measure_latency(given: argparse.Namespace) -> dict[str, Any]:
    """Figures of utterances spoken in real time into a server of its own."""
    scheduler = Scheduler()
    house = build(Settings(profile=given.profile), load_profile(given.profile), scheduler)
    utterances = asyncio.run(material(house.engines, given.speech))
    factors = asyncio.run(_real_time_factors(house.engines, utterances))
    del house
    scheduler.close()
    measured = asyncio.run(_converse(given.profile, utterances, given.runs))
    return {"runs": given.runs, **measured, "engines": factors}


async def _real_time_factors(engines: Engines, utterances: list[BenchUtterance]) -> dict[str, Any]:
    """Processing time over length of sound, engine by engine, nothing else running."""
    hearing, speaking, translating = [], [], []
    others = {"en": "pt", "pt": "en"}
    for utterance in utterances:
        languages = {utterance.language: 0.9, others[utterance.language]: 0.1}
        began = time.perf_counter()
        heard = await engines.recognizer.recognize(utterance.samples, languages)
        hearing.append((time.perf_counter() - began) / (len(utterance.samples) / RATE))
        if not heard.text or heard.language not in others:
            continue
        target, text = others[heard.language], ""
        began = time.perf_counter()
        async for draft in engines.translator.translate(heard.text, heard.language, target):
            text = draft.text
        translating.append(time.perf_counter() - began)
        began, seconds = time.perf_counter(), 0.0
        async for sound in engines.synthesizer.synthesize(text, target):
            seconds += len(sound.samples) / sound.rate
        if seconds:
            speaking.append((time.perf_counter() - began) / seconds)
    return {
        "recognition_real_time_factor": spread(hearing),
        "speech_real_time_factor": spread(speaking),
        "translation_seconds": spread(translating),
    }


async def _converse(profile: str, utterances: list[BenchUtterance], runs: int) -> dict[str, Any]:
    laps: dict[tuple[str, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    failed: dict[str, int] = defaultdict(int)
    languages = {Party.STAFF: "en", Party.VISITOR: "pt"}
    began = time.monotonic()
    async with own_server(tell, ["--profile", profile]) as staff:
        ready = time.monotonic() - began
        for run in range(runs):
            tell(f"run {run + 1} of {runs}: {len(utterances)} utterances in real time")
            recordings = [as_recording(utterance) for utterance in utterances]
            async with aclosing(play(staff, languages, recordings, Pace(wait=False))) as dialogue:
                said = [each async for each in dialogue]
            for utterance, each in zip(utterances, said, strict=True):
                for row in rows(each, languages):
                    if "error" in row:
                        failed[row["error"]] += 1
                        continue
                    _note(laps, utterance, row)
        memory = server_peak_memory()
    return {
        "utterances": len(utterances) * runs,
        "failed": failed,
        "latency_seconds": {
            " ".join(key): {stage: spread(times) for stage, times in by_stage.items()}
            for key, by_stage in sorted(laps.items())
        },
        "ready_seconds": round(ready, 2),
        "server_peak_memory_mb": memory,
    }


def _note(laps: Any, utterance: BenchUtterance, row: dict[str, Any]) -> None:
    length, direction = f"{utterance.length}s", f"{row['from']}-{row['to']}"
    for key in [("all",), (length,), (length, direction), (length, utterance.origin)]:
        for stage in _STAGES:
            if (lap := row["latency"][stage]) is not None:
                laps[key][stage].append(lap)

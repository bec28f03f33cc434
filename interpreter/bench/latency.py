"""`interpreter bench latency`: how long people wait, measured on this machine."""

import argparse
import asyncio
import time
from collections import defaultdict
from contextlib import aclosing
from typing import Any

from interpreter_desk.own_server import own_server
from interpreter_desk.recordings import last_speech
from interpreter_desk.report import rows
from interpreter_desk.stage import Pace, Said, play

from ..asr import Hypothesis
from ..audio import RATE
from ..connection import Engines
from ..engines import build
from ..errors import InterpreterError
from ..events import Party
from ..models import load_profile
from ..scheduler import Scheduler
from ..sentences import split
from ..settings import Settings
from .material import BenchUtterance, as_recording, material
from .measures import server_peak_memory, spread, tell
from .trial import screens_of
from .words import Spoken, errors, lags

_STAGES = ("endpoint", "transcript", "translation", "first_audio")


def measure_latency(given: argparse.Namespace) -> dict[str, Any]:
    """Figures of utterances spoken in real time into a server of its own."""
    scheduler = Scheduler()
    house = build(Settings(profile=given.profile), load_profile(given.profile), scheduler)
    utterances = asyncio.run(material(house.engines, given.speech))
    factors, offline = asyncio.run(_one_by_one(house.engines, utterances))
    house.close()
    del house
    scheduler.close()
    measured = asyncio.run(_converse(given.profile, utterances, offline, given.runs))
    if not measured["latency_seconds"]:
        raise InterpreterError("nothing-heard", "nothing that was said came through")
    return {"runs": given.runs, **measured, "engines": factors}


async def _one_by_one(
    engines: Engines, utterances: list[BenchUtterance]
) -> tuple[dict[str, Any], list[Hypothesis]]:
    """Processing time over length of sound, engine by engine, nothing else running.

    And what is recognised of each utterance when all of it is there.
    """
    hearing, speaking, translating, offline = [], [], [], []
    others = {"en": "pt", "pt": "en"}
    for utterance in utterances:
        languages = {utterance.language: 0.9, others[utterance.language]: 0.1}
        began = time.perf_counter()
        heard = await engines.recognizer.recognize(utterance.samples, languages)
        offline.append(heard)
        hearing.append((time.perf_counter() - began) / (len(utterance.samples) / RATE))
        if not heard.text or heard.language not in others:
            continue
        target, text = others[heard.language], ""
        began = time.perf_counter()
        for sentence in split(heard.text, heard.language):
            checked = await engines.translator.translate(sentence, heard.language, target)
            text = f"{text} {checked.text}".strip()
        translating.append(time.perf_counter() - began)
        began, seconds = time.perf_counter(), 0.0
        async for sound in engines.synthesizer.synthesize(text, target):
            seconds += len(sound.samples) / sound.rate
        if seconds:
            speaking.append((time.perf_counter() - began) / seconds)
    factors = {
        "recognition_real_time_factor": spread(hearing),
        "speech_real_time_factor": spread(speaking),
        "translation_seconds": spread(translating),
    }
    return factors, offline


async def _converse(
    profile: str, utterances: list[BenchUtterance], offline: list[Hypothesis], runs: int
) -> dict[str, Any]:
    readings: dict[str, _Reading] = defaultdict(_Reading)
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
            for utterance, whole, each in zip(utterances, offline, said, strict=True):
                for key in ("all", f"{utterance.length}s"):
                    readings[key].take(utterance, whole, each)
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
        "words": {key: reading.figures() for key, reading in sorted(readings.items())},
        "ready_seconds": round(ready, 2),
        "server_peak_memory_mb": memory,
    }


def _note(laps: Any, utterance: BenchUtterance, row: dict[str, Any]) -> None:
    length, direction = f"{utterance.length}s", f"{row['from']}-{row['to']}"
    for key in [("all",), (length,), (length, direction), (length, utterance.origin)]:
        for stage in _STAGES:
            if (lap := row["latency"][stage]) is not None:
                laps[key][stage].append(lap)


class _Reading:
    """How soon words are on the screen, and how right they are in the end.

    Errors are counted in recorded speech only: what the machine says itself is too easy to hear.
    """

    def __init__(self) -> None:
        self._lags: list[float] = []
        self._streaming = [0, 0]
        self._offline = [0, 0]

    def take(self, utterance: BenchUtterance, offline: Hypothesis, said: Said) -> None:
        """One utterance, as it was heard when all of it was there and while it was spoken."""
        end = last_speech(utterance.samples, RATE)
        if end is None or said.spoken_at is None:
            return
        spoken = [Spoken(word.text, word.end) for word in offline.words]
        screens = screens_of(said, end)
        self._lags += lags(spoken, screens)
        final = " ".join(each.transcript.text for each in said.outcomes if each.transcript)
        if utterance.origin == "recorded":
            for counted, text in ((self._streaming, final), (self._offline, offline.text)):
                wrong, words = errors(text, utterance.transcript)
                counted[0] += wrong
                counted[1] += words

    def figures(self) -> dict[str, Any]:
        """Seconds behind the voice, and word error rates of streaming and of the whole at once."""
        streaming, offline = (
            round(wrong / words, 4) if words else None
            for wrong, words in (self._streaming, self._offline)
        )
        return {
            "words_on_screen_seconds": spread(self._lags),
            "word_error_rate_streaming": streaming,
            "word_error_rate_offline": offline,
            "streaming_over_offline": round(self._streaming[0] / self._offline[0], 3)
            if self._offline[0]
            else None,
        }

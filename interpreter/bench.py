"""`interpreter bench latency`: how long people wait, measured on this machine."""

import argparse
import asyncio
import csv
import json
import os
import platform
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from interpreter_desk.own_server import own_server
from interpreter_desk.recordings import Recording
from interpreter_desk.report import rows
from interpreter_desk.stage import Pace, play

from .audio import RATE, Samples, read_wav, resample, silence
from .connection import Engines
from .doctor.machine import processor
from .engines import build
from .errors import SettingsError
from .events import Party
from .models import load_profile
from .scheduler import Scheduler
from .settings import Settings

_STAGES = ("endpoint", "transcript", "translation", "first_audio")
_LENGTHS = {2: (1.2, 3.2), 5: (3.6, 6.6), 10: (7.5, 12.5)}
"""Seconds -> what counts as an utterance of that length."""

_SENTENCES = {
    "en": {
        2: ["Please take a seat.", "Do you have your passport?"],
        5: [
            "Please fill in this form and bring it back by Friday at noon.",
            "Your residence permit is valid until the end of next year.",
        ],
        10: [
            "If you move to another flat, you have to register the new address here within "
            "fourteen days, and please bring the form that your landlord has signed.",
            "For the child benefit we need the birth certificate of your daughter, your tax "
            "number, and the account to which the money is to be transferred every month.",
        ],
    },
    "pt": {
        2: ["Bom dia, tenho uma pergunta.", "Onde fica a sala doze?"],
        5: [
            "Preciso de renovar a minha autorização de residência este mês.",
            "O meu filho começa a escola em setembro, que documentos faltam?",
        ],
        10: [
            "Mudei de casa na semana passada e queria registar a nova morada, mas o senhorio "
            "ainda não assinou o formulário que me deram aqui na segunda-feira.",
            "Recebi uma carta desta repartição e não percebi até quando tenho de pagar, por isso "
            "vim perguntar se ainda posso pedir mais algum tempo.",
        ],
    },
}


@dataclass(frozen=True, slots=True)
class _Utterance:
    language: str
    length: int
    """Seconds: a key of `_LENGTHS`."""

    origin: str
    """`recorded` or `synthesised`."""

    samples: Samples
    """At 16 kHz."""


def add_bench_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_bench` needs to be told."""
    parser.description = (
        "Measure on this machine, and print JSON.\n\n"
        "latency: English and Portuguese utterances of 2, 5 and 10 s are spoken into a server of\n"
        "its own in real time, as a visitor and a clerk would. Times are seconds after the last\n"
        "sample of speech until each thing reached the client; memory is the server's peak."
    )
    parser.add_argument("what", choices=["latency"])
    parser.add_argument("--profile", default="embedded", help="which models (default embedded)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="how often (default 3)")
    parser.add_argument(
        "--speech",
        type=Path,
        default=os.environ.get("INTERPRETER_SPEECH"),
        metavar="DIR",
        help="recorded human speech with an index.tsv; without it only synthesised speech is used",
    )


def run_bench(given: argparse.Namespace) -> int:
    """Run a benchmark and print what it measured as JSON."""
    if given.runs < 1:
        raise SettingsError("bad-settings", "--runs has to be 1 or more")
    scheduler = Scheduler()
    house = build(Settings(profile=given.profile), load_profile(given.profile), scheduler)
    utterances = asyncio.run(_material(house.engines, given.speech))
    factors = asyncio.run(_real_time_factors(house.engines, utterances))
    del house
    scheduler.close()
    measured = asyncio.run(_converse(given.profile, utterances, given.runs))
    result = {
        "benchmark": "latency",
        "date": date.today().isoformat(),
        "version": version("interpreter"),
        "machine": _machine(),
        "profile": given.profile,
        "runs": given.runs,
        **measured,
        "engines": factors,
    }
    sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return 0 if measured["latency_seconds"] else 1


async def _material(engines: Engines, speech: Path | None) -> list[_Utterance]:
    made = list(_recorded(speech)) if speech else []
    for language, by_length in _SENTENCES.items():
        for length, sentences in by_length.items():
            for sentence in sentences:
                samples = await _speak(engines, sentence, language)
                made.append(_Utterance(language, length, "synthesised", samples))
    return made


async def _speak(engines: Engines, sentence: str, language: str) -> Samples:
    sounds = [
        resample(sound.samples, sound.rate, RATE)
        async for sound in engines.synthesizer.synthesize(sentence, language)
    ]
    return np.concatenate([silence(0.3), *sounds, silence(0.2)])


def _recorded(folder: Path) -> Iterator[_Utterance]:
    """At most three recordings of each language and length."""
    taken: dict[tuple[str, int], int] = defaultdict(int)
    with (folder / "index.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["language"] not in _SENTENCES or row["file"].startswith(("kw_", "tel8k_")):
                continue
            for length, (shortest, longest) in _LENGTHS.items():
                key = (row["language"], length)
                if shortest <= float(row["seconds"]) <= longest and taken[key] < 3:
                    taken[key] += 1
                    samples, rate = read_wav(folder / row["file"])
                    yield _Utterance(*key, "recorded", resample(samples, rate, RATE))


async def _real_time_factors(engines: Engines, utterances: list[_Utterance]) -> dict[str, Any]:
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
        "recognition_real_time_factor": _spread(hearing),
        "speech_real_time_factor": _spread(speaking),
        "translation_seconds": _spread(translating),
    }


async def _converse(profile: str, utterances: list[_Utterance], runs: int) -> dict[str, Any]:
    laps: dict[tuple[str, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    failed: dict[str, int] = defaultdict(int)
    languages = {Party.STAFF: "en", Party.VISITOR: "pt"}
    began = time.monotonic()
    async with own_server(_tell, ["--profile", profile]) as staff:
        ready = time.monotonic() - began
        for run in range(runs):
            _tell(f"run {run + 1} of {runs}: {len(utterances)} utterances in real time")
            recordings = [_as_recording(utterance) for utterance in utterances]
            async with aclosing(play(staff, languages, recordings, Pace(wait=False))) as dialogue:
                said = [each async for each in dialogue]
            for utterance, each in zip(utterances, said, strict=True):
                for row in rows(each, languages):
                    if "error" in row:
                        failed[row["error"]] += 1
                        continue
                    _note(laps, utterance, row)
        memory = _server_memory()
    return {
        "utterances": len(utterances) * runs,
        "failed": failed,
        "latency_seconds": {
            " ".join(key): {stage: _spread(times) for stage, times in by_stage.items()}
            for key, by_stage in sorted(laps.items())
        },
        "ready_seconds": round(ready, 2),
        "server_peak_memory_mb": memory,
    }


def _note(laps: Any, utterance: _Utterance, row: dict[str, Any]) -> None:
    length, direction = f"{utterance.length}s", f"{row['from']}-{row['to']}"
    for key in [("all",), (length,), (length, direction), (length, utterance.origin)]:
        for stage in _STAGES:
            if (lap := row["latency"][stage]) is not None:
                laps[key][stage].append(lap)


def _as_recording(utterance: _Utterance) -> Recording:
    party = Party.STAFF if utterance.language == "en" else Party.VISITOR
    return Recording(party, Path(utterance.origin), utterance.samples, RATE)


def _spread(values: list[float]) -> dict[str, float | int]:
    if not values:
        return {"n": 0}
    return {
        "median": round(statistics.median(values), 3),
        "p95": round(float(np.percentile(values, 95)), 3),
        "n": len(values),
    }


def _server_memory() -> int:
    """Peak resident memory of the server this process started, in MB (10^6 bytes)."""
    for child in psutil.Process().children(recursive=True):
        if "serve" in child.cmdline():
            status = Path(f"/proc/{child.pid}/status")
            if status.exists():
                for line in status.read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        return int(line.split()[1]) * 1024 // 10**6
            return int(child.memory_info().rss // 10**6)
    return 0


def _machine() -> dict[str, Any]:
    return {
        "processor": processor()[0],
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 10**9, 1),
        "python": platform.python_version(),
    }


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()

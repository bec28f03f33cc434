"""`interpreter bench firewall`: texts that nobody said, and what people said that was dropped."""

import argparse
import asyncio
import csv
import math
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..audio import RATE, Samples, read_wav, resample, silence
from ..errors import SettingsError
from ..events import Event, Failure, Notice, SpeechStarted, Transcript
from .feed import Feeder, Rehearsal, feed, rehearsal
from .lines import ANSWERS
from .material import material
from .measures import tell
from .noise import KINDS, PIECE_SECONDS, piece
from .own_voice import hear_own_voice

RECORDED = "recorded"
OWN_VOICE = "own-voice"
SPEECH = "speech"
ALL_KINDS = (*KINDS, OWN_VOICE, RECORDED, SPEECH)

_DROPPING = ("please-repeat", "nothing-heard")


@dataclass(slots=True)
class Heard:
    """What became of some sound; texts are kept for who asks to see them."""

    started: set[int] = field(default_factory=set)
    texts: dict[int, str] = field(default_factory=dict)
    """By utterance; the last one where there were several."""

    final: set[int] = field(default_factory=set)
    notices: dict[str, set[int | None]] = field(default_factory=lambda: defaultdict(set))
    failures: int = 0

    def note(self, event: Event) -> None:
        """Something has happened in the conversation."""
        match event:
            case SpeechStarted():
                self.started.add(event.utterance)
            case Transcript():
                self.texts[event.utterance] = event.text
                if event.final:
                    self.final.add(event.utterance)
            case Notice(code=code) if code in _DROPPING:
                self.notices[code].add(event.utterance)
            case Failure():
                self.failures += 1

    @property
    def dropped(self) -> int:
        """Utterances without a final text; one where nobody noticed that anything was said."""
        if not self.started:
            return 1
        return len(self.started - self.final)


def measure_firewall(given: argparse.Namespace) -> dict[str, Any]:
    """Texts out of noise an hour, by kind and language, and the share of speech that is dropped.

    Raises `SettingsError` ("unknown-language").
    """
    with rehearsal(given.profile) as of:
        languages = given.language or of.languages
        if unknown := sorted(set(languages) - set(of.languages)):
            raise SettingsError(
                "unknown-language",
                f"{', '.join(unknown)}: the profile interprets {', '.join(of.languages)}",
            )
        return asyncio.run(_measure(of, languages, given))


async def _measure(
    of: Rehearsal, languages: list[str], given: argparse.Namespace
) -> dict[str, Any]:
    kinds = [kind for kind in given.kind or ALL_KINDS if kind != SPEECH]
    if not given.speech and RECORDED in kinds:
        kinds.remove(RECORDED)
    voices = [each.samples for each in await material(of.engines, None)]
    if given.speech:
        voices = list(_foreign_speech(given.speech, of.languages)) or voices
    noises: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
    for kind in kinds:
        for language in languages:
            before = of.vad.speech
            heard, seconds, took = await _listen(of, kind, language, given, voices)
            figures = _figures(heard, seconds, took, (of.vad.speech - before) / RATE)
            noises[kind][language] = figures
            tell(
                f"{kind} {language}: {figures['false_texts']} false texts in "
                f"{figures['hours']} h ({figures['real_time_factor']} of real time)"
            )
            if given.show_texts:
                for text in heard.texts.values():
                    tell(f"  {text}")
    speech = {
        language: await _speak(of, language, given.speech, show=given.show_texts)
        for language in (languages if SPEECH in (given.kind or ALL_KINDS) else ())
    }
    total = [figures for by_language in noises.values() for figures in by_language.values()]
    said = sum(each["utterances"] for each in speech.values())
    dropped = sum(each["dropped"] for each in speech.values())
    return {
        "false_texts": sum(figures["false_texts"] for figures in total),
        "hours": round(sum(figures["hours"] for figures in total), 3),
        "noises": noises,
        "wrongly_dropped_share": round(dropped / said, 4) if said else None,
        "speech": speech,
    }


# Noise ---------------------------------------------------------------------------------------


async def _listen(
    of: Rehearsal,
    kind: str,
    language: str,
    given: argparse.Namespace,
    voices: list[Samples],
) -> tuple[Heard, float, float]:
    """What was heard in that noise, its length, and what hearing it took, in seconds."""
    heard, seconds, began = Heard(), 0.0, time.monotonic()
    if kind == OWN_VOICE:
        seconds = await hear_own_voice(of, language, 60 * given.minutes, heard.note)
        return heard, seconds, time.monotonic() - began
    pieces = (
        _recorded_noise(given.speech) if kind == RECORDED else _pieces(kind, given.minutes, voices)
    )
    async with feed(of, language, heard.note) as feeder:
        for samples in pieces:
            await feeder.hear(samples)
            seconds += len(samples) / RATE
        await feeder.hush()
    return heard, seconds, time.monotonic() - began


def _pieces(kind: str, minutes: float, voices: list[Samples]) -> Iterator[Samples]:
    left = round(60 * minutes * RATE)
    for number in range(math.ceil(60 * minutes / PIECE_SECONDS)):
        samples = piece(kind, number, voices)[:left]
        left -= len(samples)
        yield samples


def _foreign_speech(folder: Path, known: Collection[str]) -> Iterator[Samples]:
    """What people say in languages that nobody here is listened to in."""
    for row in _rows(folder):
        if row["language"] not in {*known, "none"}:
            yield _read(folder / row["file"])


def _recorded_noise(folder: Path) -> Iterator[Samples]:
    for row in _rows(folder):
        if row["language"] == "none":
            yield _read(folder / row["file"])


def _figures(heard: Heard, seconds: float, took: float, speech: float) -> dict[str, Any]:
    """All in seconds; `speech` is what the detector took for it."""
    hours = seconds / 3600
    asked = set[int | None]().union(*heard.notices.values())
    return {
        "hours": round(hours, 4),
        "false_texts": len(heard.texts),
        "of_these_final": len(heard.final),
        "false_texts_per_hour": round(len(heard.texts) / hours, 2),
        "taken_for_speech": len(heard.started),
        "speech_share": round(speech / seconds, 4),
        "notices": {code: len(numbers) for code, numbers in heard.notices.items()},
        "notices_per_hour": round(len(asked) / hours, 2),
        "failures": heard.failures,
        "real_time_factor": round(took / seconds, 3),
    }


# Speech --------------------------------------------------------------------------------------


async def _speak(
    of: Rehearsal, language: str, folder: Path | None, *, show: bool
) -> dict[str, Any]:
    """What was dropped of real speech in that language."""
    utterances, dropped = Counter[str](), Counter[str]()
    where: list[str] = []
    events = _Switch()
    async with feed(of, language, events.note) as feeder:
        spoken = _recorded_speech(folder, language) if folder else iter(())
        for origin, name, samples in [*spoken, *await _synthesised(of, language)]:
            heard = events.heard = Heard()
            await _say(feeder, samples)
            utterances[origin] += max(1, len(heard.started))
            dropped[origin] += heard.dropped
            if heard.dropped:
                where.append(name)
                if show:
                    tell(f"dropped of {name}: {heard.notices or 'all'}")
    return {
        "utterances": sum(utterances.values()),
        "dropped": sum(dropped.values()),
        "by_origin": {
            origin: {"utterances": number, "dropped": dropped[origin]}
            for origin, number in utterances.items()
        },
        "dropped_in": where,
    }


class _Switch:
    """Hands on what happens to whoever listens at the moment."""

    def __init__(self) -> None:
        self.heard = Heard()

    def note(self, event: Event) -> None:
        self.heard.note(event)


async def _say(feeder: Feeder, samples: Samples) -> None:
    await feeder.hear(np.concatenate([silence(0.5), samples]))
    await feeder.hush()


def _recorded_speech(folder: Path, language: str) -> Iterator[tuple[str, str, Samples]]:
    for row in _rows(folder):
        if row["language"] == language:
            yield "recorded", row["file"], _read(folder / row["file"])


async def _synthesised(of: Rehearsal, language: str) -> Iterable[tuple[str, str, Samples]]:
    """Sentences and short answers by the profile's own voice, as far as they are written here."""
    made = [
        ("sentence", f"sentence {number}", each.samples)
        for number, each in enumerate(await material(of.engines, None), 1)
        if each.language == language
    ]
    for number, answer in enumerate(ANSWERS.get(language, ()), 1):
        sounds = [
            resample(sound.samples, sound.rate, RATE)
            async for sound in of.engines.synthesizer.synthesize(answer, language)
        ]
        made.append(("answer", f"answer {number}", np.concatenate(sounds)))
    return made


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    with (folder / "index.tsv").open(encoding="utf-8") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def _read(path: Path) -> Samples:
    samples, rate = read_wav(path)
    return resample(samples, rate, RATE)

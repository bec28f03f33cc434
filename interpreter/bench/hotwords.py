"""What the office's hotwords do to recognition: errors and time, with and without them."""

import argparse
import asyncio
import csv
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ..asr import Recognizer
from ..audio import RATE, Samples, read_wav, resample
from ..engines import load_recognizer
from ..errors import SettingsError
from ..models import load_profile
from ..mt.glossary import ADMINISTRATION, load_glossary
from ..scheduler import Scheduler
from ..settings import Settings
from .words import errors, plain_words

_SECONDS = (2.0, 13.0)
_OTHERS = 29
_LEAST_LETTERS = 8
"""Of a word that an office might have put into its glossary."""


@dataclass(frozen=True, slots=True)
class _Said:
    language: str
    samples: Samples
    transcript: str

    @property
    def term(self) -> str:
        """Its longest word, as if the office had named it."""
        return max(plain_words(self.transcript), key=len)


def measure_hotwords(given: argparse.Namespace) -> dict[str, Any]:
    """Recognise the same recordings without hotwords, with others' and with their own among them.

    Raises `SettingsError` without recordings, `ModelError`.
    """
    if given.speech is None:
        raise SettingsError("bad-settings", "name a folder of recordings with --speech")
    scheduler = Scheduler(1)
    with ExitStack() as resources:
        resources.callback(scheduler.close, 10.0)
        settings = Settings(profile=given.profile)
        recognizer = load_recognizer(settings, load_profile(given.profile), scheduler)
        return asyncio.run(_measure(recognizer, list(_recordings(given.speech))))


async def _measure(recognizer: Recognizer, recordings: Sequence[_Said]) -> dict[str, Any]:
    glossary = load_glossary([ADMINISTRATION])
    ways: dict[str, list[tuple[int, int, bool, float]]] = {"without": [], "others": [], "own": []}
    for said in recordings:
        others = list(glossary.hotwords(said.language, _OTHERS))
        for way, words in (("without", []), ("others", others), ("own", [said.term, *others])):
            began = time.monotonic()
            heard = await recognizer.recognize(said.samples, {said.language: 1.0}, hotwords=words)
            seconds = time.monotonic() - began
            wrong, all_words = errors(heard.text, said.transcript)
            found = said.term in plain_words(heard.text)
            ways[way].append((wrong, all_words, found, seconds))
    return {
        "recordings": len(recordings),
        "hotwords": _OTHERS + 1,
        "ways": {
            way: {
                "word_errors_percent": round(
                    100 * sum(each[0] for each in seen) / sum(each[1] for each in seen), 1
                ),
                "terms_found": sum(each[2] for each in seen),
                "median_seconds": round(median(each[3] for each in seen), 3),
            }
            for way, seen in ways.items()
            if seen
        },
    }


def _recordings(folder: Path) -> Iterator[_Said]:
    """Sentences with a long word in the languages of the starter glossary."""
    with (folder / "index.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["language"] not in ("de", "en", "es", "fr", "pt", "tr"):
                continue
            if row["file"].startswith(("kw_", "tel8k_")) or not row["transcript"]:
                continue
            if not _SECONDS[0] <= float(row["seconds"]) <= _SECONDS[1]:
                continue
            samples, rate = read_wav(folder / row["file"])
            said = _Said(row["language"], resample(samples, rate, RATE), row["transcript"])
            if len(said.term) >= _LEAST_LETTERS:
                yield said

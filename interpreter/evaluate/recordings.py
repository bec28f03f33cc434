"""What is heard of the recordings in a test set: as they are, and as a telephone carries them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Levenshtein

from ..asr import Recognizer
from ..audio import RATE, Samples, read_wav, resample
from ..errors import InterpreterError
from ..sentences import bare_words

_TELEPHONE_RATE = 8_000
"""Hertz; what is above half of it never comes through."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording, recognised twice."""

    said: str
    text: str
    on_the_telephone: str


async def hear(recognizer: Recognizer, path: Path, language: str, said: str) -> Heard:
    """What the recognizer makes of a recording. Raises `InterpreterError` ("bad-audio-file")."""
    samples, rate = read_wav(path)
    wide = resample(samples, rate, RATE)
    narrow = resample(resample(samples, rate, _TELEPHONE_RATE), _TELEPHONE_RATE, RATE)
    return Heard(
        said,
        await _recognized(recognizer, wide, language),
        await _recognized(recognizer, narrow, language),
    )


def word_errors(heard: Sequence[Heard]) -> dict[str, Any]:
    """Words that were wrong, left out or added, as a part of all that were said."""
    words = sum(len(bare_words(each.said)) for each in heard)
    wide = sum(_distance(each.said, each.text) for each in heard)
    narrow = sum(_distance(each.said, each.on_the_telephone) for each in heard)
    return {
        "recordings": len(heard),
        "word_errors": round(wide / max(1, words), 3),
        "word_errors_on_the_telephone": round(narrow / max(1, words), 3),
    }


async def _recognized(recognizer: Recognizer, samples: Samples, language: str) -> str:
    try:
        return (await recognizer.recognize(samples, {language: 1.0})).text
    except InterpreterError:
        return ""


def _distance(said: str, heard: str) -> int:
    return Levenshtein.distance(bare_words(said), bare_words(heard))

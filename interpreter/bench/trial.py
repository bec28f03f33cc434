"""One file, heard once by one of those who are compared."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from ..audio import Samples
from .words import Screen, Spoken, errors


@dataclass(frozen=True, slots=True)
class Speech:
    """A recording that is heard by all."""

    name: str
    samples: Samples
    """At 16 kHz."""

    reference: str
    spoken: list[Spoken]
    speech_end: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One file, heard once; seconds after the last sample of speech."""

    final_text: float
    whole_text: float
    """All words were on the screen, final or not."""

    first_audio: float | None
    lags: list[float]
    wrong: int
    words: int
    cpu: float
    """Processor seconds for each second of sound, silence included."""


def settled(screens: Sequence[Screen], reference: str) -> float | None:
    """When the text was first as right as it is in the end; None if nothing was ever shown."""
    if not screens:
        return None
    fewest = errors(screens[-1].text, reference)[0]
    return next(each.at for each in screens if errors(each.text, reference)[0] <= fewest)


def processor_seconds(process: psutil.Process) -> float:
    """Of a process and all it has started."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total

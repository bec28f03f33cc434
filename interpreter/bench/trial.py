"""One file, heard once by one of those who are compared."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from interpreter_desk.stage import Said

from ..audio import RATE, Samples
from .words import Screen, Spoken, errors

TAIL_SECONDS = 5.0
"""Processor time is counted from the beginning of a recording until so long after its end."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A recording that is heard by all."""

    name: str
    samples: Samples
    """At 16 kHz."""

    reference: str
    spoken: list[Spoken]
    speech_end: float
    """Seconds from its beginning to its last sample of speech."""

    @property
    def window_seconds(self) -> float:
        """What processor time is counted over."""
        return len(self.samples) / RATE + TAIL_SECONDS

    def after(self, at: float | None) -> float | None:
        """Seconds after its last sample of speech, of seconds after its beginning."""
        return None if at is None else at - self.speech_end


@dataclass(frozen=True, slots=True)
class Trial:
    """One file, heard once; seconds after the last sample of speech, None for what never came."""

    final_text: float | None
    whole_text: float | None
    """All words were on the screen, final or not."""

    first_audio: float | None
    lags: list[float]
    wrong: int
    words: int
    cpu: float
    """Processor seconds in each second of the recording and the silence after it."""


def settled(screens: Sequence[Screen], reference: str) -> float | None:
    """When the text was first as right as it is in the end; None if nothing was ever shown."""
    if not screens:
        return None
    fewest = errors(screens[-1].text, reference)[0]
    return next(each.at for each in screens if errors(each.text, reference)[0] <= fewest)


def screens_of(said: Said, speech_end: float) -> list[Screen]:
    """What could be read of a recording while it was spoken, seconds after it began.

    Its utterances stand one behind the other. `speech_end` is where its last speech ends.
    """
    if said.spoken_at is None:
        return []
    began = said.spoken_at - speech_end
    texts: dict[int, str] = {}
    screens = []
    shown = ((at, each.utterance, text) for each in said.outcomes for at, text in each.shown)
    for at, utterance, text in sorted(shown):
        texts[utterance] = text
        screens.append(Screen(at - began, " ".join(texts[each] for each in sorted(texts))))
    return screens


def tree_processor_seconds(process: psutil.Process) -> float:
    """Processor time that a process and all it has started have used."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total

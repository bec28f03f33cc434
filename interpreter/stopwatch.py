"""Where the time of each utterance goes, counted from its last sample of speech."""

import time
from collections import OrderedDict, deque
from dataclasses import replace
from typing import Any, Literal

from .events import Timing

Stage = Literal["endpoint", "transcript", "translation", "first_audio"]
"""The fields of `Timing` that are counted from the last sample of speech."""

_KEPT = 200
"""Utterances; those before are long over."""


class Stopwatch:
    """The timings of a conversation's latest utterances."""

    def __init__(self) -> None:
        self._spoken: OrderedDict[int, float] = OrderedDict()
        self._timings: dict[int, Timing] = {}
        self._reported: deque[int] = deque(maxlen=_KEPT)

    def start(self, utterance: int, speech_end: float) -> None:
        """The last sample of speech arrived at this time (monotonic seconds)."""
        self._spoken[utterance] = speech_end
        self._timings[utterance] = Timing(utterance)
        if len(self._spoken) > _KEPT:
            oldest, _ = self._spoken.popitem(last=False)
            self._timings.pop(oldest, None)

    def lap(self, utterance: int, stage: Stage) -> None:
        """A stage is done; only the first time counts."""
        timing = self._timings.get(utterance)
        if timing and getattr(timing, stage) is None:
            passed: dict[str, Any] = {stage: round(time.monotonic() - self._spoken[utterance], 3)}
            self._timings[utterance] = replace(timing, **passed)

    def report(self, utterance: int) -> Timing | None:
        """The timing of an utterance that has been interpreted; only once."""
        if utterance in self._reported:
            return None
        self._reported.append(utterance)
        return self._timings.get(utterance)

    def played(self, utterance: int, seconds: float) -> Timing | None:
        """What came out of the listener's loudspeaker so far; the most that was reported counts."""
        if (timing := self._timings.get(utterance)) is None:
            return None
        if timing.played is None or timing.played < seconds:
            timing = replace(timing, played=seconds)
            self._timings[utterance] = timing
        return timing

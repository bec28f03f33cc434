"""WAV files as a microphone would have heard them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from interpreter.audio import Samples, read_wav, resample, silence, to_float
from interpreter.errors import InterpreterError
from interpreter.events import Party

MicrophoneRate = Literal[16_000, 24_000, 48_000]
"""Hertz that a microphone may have in the protocol."""

MICROPHONE_RATES: tuple[MicrophoneRate, ...] = (16_000, 24_000, 48_000)

_WINDOW_SECONDS = 0.01
_BELOW_LOUDEST = 35.0
"""Decibels. Clear speech stays within this range; the hum of a recording lies below it."""

_AUDIBLE = -60.0
"""Decibels relative to full scale; a file that never gets louder holds no speech."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What one party says next."""

    party: Party
    path: Path
    samples: Samples = field(repr=False)
    rate: MicrophoneRate
    """Hertz."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def frames(self, seconds: float) -> Iterator[Samples]:
        """Pieces of this length; the last one is filled up with silence."""
        length = round(seconds * self.rate)
        for start in range(0, len(self.samples), length):
            piece = self.samples[start : start + length]
            yield np.concatenate([piece, silence(seconds, self.rate)])[:length]


def read_dialogue(named: list[tuple[Party, Path]]) -> list[Recording]:
    """Read all files before anything is said. Raises `InterpreterError` ("bad-audio-file").

    A party's microphone has one rate: that of its files where they agree on one of the protocol's,
    else 16 kHz, to which its files are resampled.
    """
    read = [(party, path, *_read(path)) for party, path in named]
    rates = {party: microphone_rate({r for p, _, _, r in read if p is party}) for party in Party}
    return [
        Recording(party, path, resample(samples, rate, rates[party]), rates[party])
        for party, path, samples, rate in read
    ]


def microphone_rate(rates: set[int]) -> MicrophoneRate:
    """The rate of a microphone that has to sound like files of these rates (hertz)."""
    return next((rate for rate in MICROPHONE_RATES if rates == {rate}), MICROPHONE_RATES[0])


def last_speech(samples: Samples, rate: int) -> float | None:
    """Seconds to the end of the last audible speech; None where there is none.

    An energy rule: the last 10 ms within 35 dB of the loudest 10 ms (the loudest percent is left
    out, so that a click does not count). It knows nothing of the server's own detector, so that
    latency is judged from outside.
    """
    length = round(_WINDOW_SECONDS * rate)
    windows = to_float(samples[: len(samples) // length * length]).reshape(-1, length)
    if not len(windows):
        return None
    levels = 10.0 * np.log10(np.mean(np.square(windows), axis=1) + 1e-12)
    threshold = max(_AUDIBLE, float(np.percentile(levels, 99)) - _BELOW_LOUDEST)
    audible = np.flatnonzero(levels > threshold)
    return None if not len(audible) else float(audible[-1] + 1) * _WINDOW_SECONDS


def _read(path: Path) -> tuple[Samples, int]:
    samples, rate = read_wav(path)
    if not len(samples) or rate < 1000:
        raise InterpreterError("bad-audio-file", f"{path}: there is no sound in it")
    return samples, rate

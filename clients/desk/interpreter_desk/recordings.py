"""WAV files as a microphone would have heard them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from interpreter.audio import RATE, Samples, read_wav, resample, silence
from interpreter.errors import InterpreterError, ModelError
from interpreter.events import Party
from interpreter.models import load_manifests, locate
from interpreter.vad import CHUNK, SileroVad

MICROPHONE_RATES = (16_000, 24_000, 48_000)
"""Hertz that a microphone may have in the protocol."""

_SPEECH = 0.5
"""Probability from which 32 ms of sound are speech."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What one party says next."""

    party: Party
    path: Path
    samples: Samples = field(repr=False)
    rate: int
    """Hertz; one of `MICROPHONE_RATES`."""

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


def microphone_rate(rates: set[int]) -> int:
    """The rate of a microphone that has to sound like files of these rates (hertz)."""
    return next((rate for rate in MICROPHONE_RATES if rates == {rate}), RATE)


def last_speech(samples: Samples, rate: int) -> float | None:
    """Seconds to the end of the last speech; None where there is none.

    Found over the whole file by Silero's detector, to 32 ms. (Loudness will not do: by it, room
    noise and soft endings were seconds off in a quarter of the recordings tried.) Blocks.
    """
    listener = _detector().stream()
    heard = listener.probabilities(np.concatenate([resample(samples, rate, RATE), silence(0.1)]))
    speech = np.flatnonzero(np.asarray(heard) >= _SPEECH)
    if not len(speech):
        return None
    return min(len(samples) / rate, float(speech[-1] + 1) * CHUNK / RATE)


@cache
def _detector() -> SileroVad:
    manifest = load_manifests()["silero-vad"]
    if (folder := locate(manifest)) is None:
        raise ModelError("model-missing", "the voice activity detector of faster-whisper is gone")
    return SileroVad(folder / manifest.files[0].path)


def _read(path: Path) -> tuple[Samples, int]:
    samples, rate = read_wav(path)
    if not len(samples) or rate < 1000:
        raise InterpreterError("bad-audio-file", f"{path}: there is no sound in it")
    return samples, rate

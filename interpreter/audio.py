"""Sound as the house handles it: mono, 16 bit, its rate beside it. Pure functions, no devices."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from .errors import InterpreterError

Samples = npt.NDArray[np.int16]
"""Mono PCM, 16 bit signed."""

RATE = 16_000
"""Hertz; what voice activity detection and recognition work at."""


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A short run of samples from one microphone."""

    samples: Samples
    rate: int
    """Hertz."""

    sequence: int
    """Counts up by one from the first thing a microphone stream sent."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def from_bytes(pcm: bytes) -> Samples:
    """Samples from little-endian PCM16 bytes; a trailing odd byte is the caller's mistake."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.int16)


def to_bytes(samples: Samples) -> bytes:
    """Little-endian PCM16 bytes of the samples."""
    return samples.astype("<i2").tobytes()


def from_float(samples: npt.NDArray[np.floating]) -> Samples:
    """Samples from floats in -1..1; what lies outside is clipped."""
    return np.asarray(np.clip(samples, -1.0, 1.0) * 32767.0, dtype=np.int16)


def to_float(samples: Samples) -> npt.NDArray[np.float32]:
    """Floats in -1..1, as models want them."""
    return samples.astype(np.float32) / 32768.0


def level(samples: Samples) -> float:
    """Loudness (root mean square) in dB relative to full scale; -96 for digital silence."""
    if not len(samples):
        return -96.0
    power = float(np.mean(np.square(to_float(samples), dtype=np.float64)))
    return max(-96.0, 10.0 * float(np.log10(power + 1e-12)))


def silence(seconds: float, rate: int = RATE) -> Samples:
    """Digital silence."""
    return np.zeros(round(seconds * rate), dtype=np.int16)


def resample(samples: Samples, rate: int, to: int) -> Samples:
    """The whole recording at another rate (soxr, high quality)."""
    return samples if rate == to else np.asarray(soxr.resample(samples, rate, to), dtype=np.int16)


class Resampler:
    """The same for a stream that arrives piece by piece."""

    def __init__(self, rate: int, to: int = RATE, *, prompt: bool = False) -> None:
        """`prompt`: between 8 and 16 kHz, hold back 15 to 30 ms always instead of 10 to 115 ms.

        By soxr's engine for variable rates, which works sample by sample and not by blocks.
        """
        self._stream = None
        if rate != to:
            self._stream = soxr.ResampleStream(rate, to, 1, dtype="int16", vr=prompt)

    def push(self, samples: Samples, *, last: bool = False) -> Samples:
        """What can be given out so far; soxr holds back some milliseconds until `last`."""
        if self._stream is None:
            return samples
        return np.asarray(self._stream.resample_chunk(samples, last=last), dtype=np.int16)


def read_wav(path: Path) -> tuple[Samples, int]:
    """Samples and rate of a PCM16 WAV file; several channels are mixed to one.

    Raises `InterpreterError` ("bad-audio-file") with what is wrong and what to do.
    """
    try:
        with wave.open(str(path)) as file:
            if file.getsampwidth() != 2:
                raise wave.Error(f"{8 * file.getsampwidth()} bits a sample")
            rate, channels = file.getframerate(), file.getnchannels()
            samples = from_bytes(file.readframes(file.getnframes()))
    except FileNotFoundError as error:
        raise InterpreterError("bad-audio-file", f"{path}: there is no such file") from error
    except (wave.Error, EOFError, OSError, ValueError) as error:
        raise InterpreterError(
            "bad-audio-file",
            f"{path}: {error}; a WAV file with 16-bit PCM is needed "
            f"(convert with: ffmpeg -i {path} -ac 1 -sample_fmt s16 out.wav)",
        ) from error
    if channels > 1:
        samples = samples.reshape(-1, channels).mean(axis=1).astype(np.int16)
    return samples, rate


def write_wav(path: Path, samples: Samples, rate: int) -> None:
    """Write a mono PCM16 WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_bytes(samples))

"""Sounds that nobody says anything in: the same ones on every machine, made from seeds.

All are pieces of 30 s at 16 kHz; pieces with different numbers differ in level, tune and chance.
"""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ..audio import RATE, Samples, from_float, resample, silence, to_float
from .music import tune

PIECE_SECONDS = 30.0
_LENGTH = int(PIECE_SECONDS * RATE)
_LINE_RATE = 8000
_NOTHING = -96.0
"""The level of digital zero, in dB."""

Wave = npt.NDArray[np.float64]


def piece(kind: str, number: int, voices: Sequence[Samples] = ()) -> Samples:
    """That piece of a kind of noise; `voices` (at 16 kHz) are what babble is made of.

    Raises `KeyError` for an unknown kind.
    """
    levels = _LEVELS[kind]
    chance = np.random.default_rng([zlib.crc32(kind.encode()), number])
    wave = _babble(chance, voices) if kind == "babble" else _MAKERS[kind](chance)
    level = levels[number % len(levels)]
    if level <= _NOTHING:
        return silence(PIECE_SECONDS)
    loudness = np.max(np.abs(wave)) if kind in _BY_PEAK else np.sqrt(np.mean(wave**2))
    return from_float(wave * (10 ** (level / 20) / loudness))


def room(decay_seconds: float, attenuation: float, seed: int = 0) -> Wave:
    """The answer of a room at 16 kHz, between a loudspeaker and a microphone in it.

    A direct sound 3 ms late, then noise that falls by 60 dB in `decay_seconds`, each with half of
    the energy; the whole is `attenuation` dB softer than what is played.
    """
    length, late = int(decay_seconds * RATE), int(0.003 * RATE)
    chance = np.random.default_rng(seed)
    answer = chance.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    answer[: late + 1] = 0.0
    answer *= np.sqrt(0.5 / np.sum(answer**2))
    answer[late] = np.sqrt(0.5)
    answer *= 10 ** (-attenuation / 20)
    return answer


def in_room(dry: Wave, answer: Wave) -> Wave:
    """What is heard of a sound in a room; longer by the room's answer."""
    size = len(dry) + len(answer) - 1
    return np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(answer, size), size)


def _silence(chance: np.random.Generator) -> Wave:
    """The hiss of a good microphone, where the level is not that of digital zero."""
    return chance.standard_normal(_LENGTH)


def _white(chance: np.random.Generator) -> Wave:
    return chance.standard_normal(_LENGTH)


def _pink(chance: np.random.Generator) -> Wave:
    """As much power in every octave: 3 dB less with each."""
    spectrum = np.fft.rfft(chance.standard_normal(_LENGTH))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0.0
    return np.fft.irfft(spectrum, _LENGTH)


def _hum(chance: np.random.Generator) -> Wave:
    """The mains of 50 or 60 Hz with harmonics, the double frequency strongest, and some hiss."""
    time = np.arange(_LENGTH) / RATE
    mains = chance.choice([50.0, 60.0]) * (1 + chance.normal(0, 0.001))
    wave = 0.03 * chance.standard_normal(_LENGTH)
    for harmonic in range(1, 21):
        strength = (2.0 if harmonic == 2 else 1.0) / harmonic * chance.uniform(0.3, 1.0)
        wave += strength * np.sin(2 * np.pi * mains * harmonic * time + chance.uniform(0, 6.28))
    return wave


def _clicks(chance: np.random.Generator) -> Wave:
    """A keyboard: bursts of keys, each a click down and a softer one up; now and then a knock."""
    wave = 1e-3 * chance.standard_normal(_LENGTH)
    at = 0.0
    while at < PIECE_SECONDS:
        for _ in range(chance.integers(1, 15)):
            strength = chance.uniform(0.3, 1.0)
            _strike(wave, chance, at, strength, chance.uniform(1500, 5000), 0.004)
            _strike(wave, chance, at + 0.08, 0.4 * strength, chance.uniform(2000, 6000), 0.003)
            at += chance.uniform(0.07, 0.3)
        if chance.random() < 0.3:
            _strike(wave, chance, at, 1.0, chance.uniform(90, 300), 0.03)
        at += chance.exponential(1.0)
    return wave


def _strike(
    wave: Wave, chance: np.random.Generator, at: float, strength: float, tone: float, decay: float
) -> None:
    """Something hard is hit: a tone and noise that die away."""
    start = int(at * RATE)
    length = min(int(6 * decay * RATE), _LENGTH - start)
    if length > 0:
        time = np.arange(length) / RATE
        rattle = chance.standard_normal(length) + 2 * np.sin(2 * np.pi * tone * time)
        wave[start : start + length] += strength * rattle * np.exp(-time / decay)


def _music(chance: np.random.Generator) -> Wave:
    return tune(chance, PIECE_SECONDS)


def _hold_music(chance: np.random.Generator) -> Wave:
    """Music as it comes out of a telephone: 300 to 3400 Hz, 8 kHz, 8 bits of mu-law."""
    wave = tune(chance, PIECE_SECONDS)
    spectrum = np.fft.rfft(wave)
    frequencies = np.fft.rfftfreq(len(wave), 1 / RATE)
    spectrum[(frequencies < 300) | (frequencies > 3400)] = 0.0
    wave = np.fft.irfft(spectrum, len(wave))
    line = to_float(resample(from_float(wave / np.max(np.abs(wave))), RATE, _LINE_RATE))
    law = np.round(np.sign(line) * np.log1p(255 * np.abs(line)) / np.log(256) * 127) / 127
    line = np.sign(law) * (256 ** np.abs(law) - 1) / 255
    return to_float(resample(from_float(line), _LINE_RATE, RATE)).astype(np.float64)


def _babble(chance: np.random.Generator, voices: Sequence[Samples]) -> Wave:
    """Eight people talk at once, all as loud, so that none of them can be understood."""
    wave = np.zeros(_LENGTH)
    for _ in range(8):
        said = np.zeros(0)
        while len(said) < 2 * _LENGTH:
            voice = to_float(voices[int(chance.integers(len(voices)))]).astype(np.float64)
            said = np.concatenate([said, _at_speed(voice, chance.uniform(0.8, 1.2))])
        said = said[chance.integers(_LENGTH) :][:_LENGTH]
        wave += said / np.sqrt(np.mean(said**2))
    return wave


def _at_speed(wave: Wave, speed: float) -> Wave:
    """Quicker and higher, or slower and lower: another person."""
    places = np.arange(0, len(wave) - 1, speed)
    return np.asarray(np.interp(places, np.arange(len(wave)), wave))


_MAKERS: dict[str, Callable[[np.random.Generator], Wave]] = {
    "silence": _silence,
    "white": _white,
    "pink": _pink,
    "hum": _hum,
    "clicks": _clicks,
    "music": _music,
    "hold-music": _hold_music,
}

_LEVELS: dict[str, tuple[float, ...]] = {
    "silence": (-96.0, -70.0),
    "white": (-50.0, -40.0, -30.0, -20.0),
    "pink": (-50.0, -40.0, -30.0, -20.0),
    "hum": (-50.0, -40.0, -30.0, -20.0),
    "clicks": (-30.0, -20.0, -10.0, -3.0),
    "music": (-40.0, -30.0, -20.0),
    "hold-music": (-35.0, -25.0, -18.0),
    "babble": (-50.0, -40.0, -30.0),
}
"""In dB relative to full scale (of the root mean square), piece by piece."""

_BY_PEAK = {"clicks"}
"""Kinds that are mostly silence: the level is that of the highest peak."""

KINDS = tuple(_LEVELS)

"""Music out of arithmetic: chords, a melody, a bass and drums, of several timbres."""

import numpy as np
import numpy.typing as npt

from ..audio import RATE

Wave = npt.NDArray[np.float64]

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_MINOR = (0, 2, 3, 5, 7, 8, 10)
_PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 0), (5, 3, 0, 4), (1, 4, 0, 0))
"""Degrees of the scale that the chords stand on, bar by bar."""

_TIMBRES = {
    # strength of the harmonics, seconds of attack, seconds of decay, depth of vibrato
    "organ": ((1.0, 0.7, 0.0, 0.5, 0.0, 0.0, 0.0, 0.3), 0.02, 8.0, 0.0),
    "strings": (tuple(1 / n for n in range(1, 13)), 0.15, 4.0, 0.004),
    "plucked": ((1.0, 0.6, 0.4, 0.25, 0.15, 0.1), 0.003, 0.4, 0.0),
    "piano": ((1.0, 0.5, 0.25, 0.2, 0.1, 0.05), 0.005, 1.0, 0.0),
    "flute": ((1.0, 0.25, 0.08), 0.06, 6.0, 0.006),
    "reed": ((1.0, 0.05, 0.7, 0.05, 0.45, 0.05, 0.3), 0.04, 5.0, 0.003),
    "bell": ((1.0, 0.0, 0.4, 0.0, 0.3, 0.0, 0.2), 0.002, 1.5, 0.0),
}


def tune(chance: np.random.Generator, seconds: float) -> Wave:
    """A piece of music of that length in a key, tempo and instruments that chance picks."""
    wave = np.zeros(int(seconds * RATE))
    beat = 60 / chance.uniform(65, 150)
    scale = _MAJOR if chance.random() < 0.6 else _MINOR
    key = 48 + int(chance.integers(12))
    progression = _PROGRESSIONS[chance.integers(len(_PROGRESSIONS))]
    backing, lead = chance.choice(list(_TIMBRES), 2, replace=False)
    drums = chance.random() < 0.6
    for bar in range(int(seconds / (4 * beat)) + 1):
        start, degree = bar * 4 * beat, progression[bar % len(progression)]
        for step in (0, 2, 4):
            pitch = _pitch(key, scale, degree + step)
            _add(wave, start, note(chance, backing, pitch, 4 * beat), 0.25)
        _add(wave, start, note(chance, "plucked", _pitch(key - 12, scale, degree), 2 * beat), 0.5)
        _melody(wave, chance, lead, key, scale, start, beat)
        if drums:
            _drums(wave, chance, start, beat)
    return wave


def note(chance: np.random.Generator, timbre: str, pitch: float, seconds: float) -> Wave:
    """One note; the pitch is a MIDI number, 69 is 440 Hz."""
    harmonics, attack, decay, vibrato = _TIMBRES[timbre]
    time = np.arange(int(seconds * RATE)) / RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    sway = vibrato / 5.5 * np.sin(2 * np.pi * 5.5 * time) / (2 * np.pi)
    phase = 2 * np.pi * frequency * (time + sway) + chance.uniform(0, 2 * np.pi)
    wave = np.zeros(len(time))
    for number, strength in enumerate(harmonics, 1):
        if strength and number * frequency < RATE / 2:
            wave += strength * np.sin(number * phase)
    swell = np.minimum(1.0, time / attack) * np.exp(-time / decay)
    swell *= np.minimum(1.0, (seconds - time) / 0.03)
    wave *= swell
    return wave


def _melody(
    wave: Wave,
    chance: np.random.Generator,
    timbre: str,
    key: int,
    scale: tuple[int, ...],
    start: float,
    beat: float,
) -> None:
    """Steps and small leaps of a half to two beats, with rests."""
    at, degree = 0.0, int(chance.integers(5, 12))
    while at < 4:
        length = min(float(chance.choice([0.5, 1.0, 1.0, 2.0])), 4 - at)
        degree = int(np.clip(degree + chance.integers(-2, 3), 3, 15))
        if chance.random() > 0.15:
            pitch = _pitch(key + 12, scale, degree)
            _add(wave, start + at * beat, note(chance, timbre, pitch, length * beat), 0.6)
        at += length


def _drums(wave: Wave, chance: np.random.Generator, start: float, beat: float) -> None:
    """A drum on one and three, a snare on two and four, cymbals between."""
    time = np.arange(int(0.25 * RATE)) / RATE
    drum = np.sin(2 * np.pi * (50 * time + 8 * (1 - np.exp(-time / 0.03)))) * np.exp(-time / 0.08)
    for eighth in range(8):
        at = start + eighth * beat / 2
        hiss = np.diff(chance.standard_normal(len(time) + 1))
        _add(wave, at, hiss * np.exp(-time / 0.02), 0.08)
        if eighth in (0, 4):
            _add(wave, at, drum, 0.9)
        elif eighth in (2, 6):
            _add(wave, at, chance.standard_normal(len(time)) * np.exp(-time / 0.06), 0.3)


def _pitch(key: int, scale: tuple[int, ...], degree: int) -> float:
    return key + 12 * (degree // 7) + scale[degree % 7]


def _add(wave: Wave, at: float, sound: Wave, strength: float) -> None:
    start = int(at * RATE)
    sound = sound[: max(0, len(wave) - start)]
    wave[start : start + len(sound)] += strength * sound

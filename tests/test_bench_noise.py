"""The noises of the benchmarks: always the same, as loud as they say, and of the right colour."""

import numpy as np
import pytest

from interpreter.audio import RATE, Samples, from_float, level, silence, to_float
from interpreter.bench.noise import KINDS, PIECE_SECONDS, in_room, piece, room

CHANCE = np.random.default_rng(0)
VOICES = [from_float(0.1 * CHANCE.standard_normal(3 * RATE)) for _ in range(3)]


def power(samples: Samples, low: float, high: float) -> float:
    spectrum = np.abs(np.fft.rfft(to_float(samples).astype(np.float64))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(spectrum[(frequencies >= low) & (frequencies < high)].sum())


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_are_always_the_same_and_differ_from_each_other(kind: str) -> None:
    first, again, other = (piece(kind, number, VOICES) for number in (1, 1, 2))
    assert len(first) == PIECE_SECONDS * RATE
    assert first.dtype == np.int16
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("kind", "number", "expected"),
    [
        ("silence", 0, -96),
        ("silence", 1, -70),
        ("white", 0, -50),
        ("white", 3, -20),
        ("pink", 1, -40),
        ("hum", 2, -30),
        ("music", 0, -40),
        ("hold-music", 2, -18),
        ("babble", 2, -30),
    ],
)
def test_loudness(kind: str, number: int, expected: float) -> None:
    assert level(piece(kind, number, VOICES)) == pytest.approx(expected, abs=1.0)


def test_clicks_are_loud_for_moments() -> None:
    clicks = piece("clicks", 2)
    assert np.abs(clicks).max() == pytest.approx(32767 * 10 ** (-10 / 20), rel=0.01)
    assert np.median(np.abs(clicks)) < 0.02 * np.abs(clicks).max()


def test_white_noise_has_the_same_power_everywhere() -> None:
    white = piece("white", 3)
    assert power(white, 500, 1500) == pytest.approx(power(white, 6000, 7000), rel=0.1)


def test_pink_noise_has_the_same_power_in_every_octave() -> None:
    pink = piece("pink", 3)
    assert power(pink, 200, 400) == pytest.approx(power(pink, 3200, 6400), rel=0.15)


def test_hum_is_of_the_mains() -> None:
    for number in range(4):
        hum = piece("hum", number)
        lines = power(hum, 45, 65) + power(hum, 95, 125) + power(hum, 145, 185)
        assert lines > 10 * power(hum, 2000, 8000)


def test_hold_music_keeps_to_the_telephone_band() -> None:
    hold = piece("hold-music", 0)
    assert power(hold, 300, 3400) > 0.95 * power(hold, 0, 8000)
    assert power(hold, 4200, 8000) < 1e-3 * power(hold, 0, 8000)


def test_music_has_notes() -> None:
    """A few frequencies hold most of the power, and not always the same ones."""
    music = to_float(piece("music", 0))
    spectra = np.abs(np.fft.rfft(music.reshape(-1, RATE // 2), axis=1)) ** 2
    loudest = np.sort(spectra, axis=1)[:, -40:].sum(axis=1)
    assert np.median(loudest / spectra.sum(axis=1)) > 0.8
    assert len(set(np.argmax(spectra, axis=1).tolist())) > 5


def test_babble_has_no_pauses() -> None:
    said = np.concatenate([VOICES[0], silence(3.0)])
    babble = piece("babble", 2, [said])
    levels = [level(part) for part in np.split(babble, 60)]
    assert min(levels) > max(levels) - 12


def test_a_room_is_softer_and_lasts_longer() -> None:
    dry = to_float(VOICES[0]).astype(np.float64)
    wet = from_float(in_room(dry, room(decay_seconds=0.5, attenuation=20)))
    assert len(wet) == len(dry) + RATE // 2 - 1
    assert level(wet[: len(dry)]) == pytest.approx(level(VOICES[0]) - 20, abs=1.5)
    assert level(wet[len(dry) : len(dry) + RATE // 10]) > level(wet[-RATE // 10 :]) + 10

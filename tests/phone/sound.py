"""Sound to send through a line, and how well it came out at the other end."""

import numpy as np

from interpreter.audio import Samples


def babble(seconds: float, rate: int, seed: int = 1) -> Samples:
    """Noise below 2.5 kHz that swells and pauses as speech does; no part of it repeats."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    spectrum = np.fft.rfft(random.normal(size=count))
    spectrum[np.fft.rfftfreq(count, 1 / rate) > 2_500] = 0
    noise = np.fft.irfft(spectrum, count)
    swell = np.maximum(0.0, np.sin(2 * np.pi * 1.5 * np.arange(count) / rate) + 0.6)
    return np.asarray(noise / np.abs(noise).max() * swell / 1.6 * 20_000, np.int16)


def correlation(sent: Samples, heard: Samples) -> float:
    """Of what was heard with what was sent, at the best delay: 1 is the same sound."""
    one, other = sent.astype(float), heard.astype(float)
    length = 1 << (len(one) + len(other)).bit_length()
    spectrum = np.fft.rfft(other, length) * np.conj(np.fft.rfft(one, length))
    delay = int(np.argmax(np.fft.irfft(spectrum, length)))
    if delay > length // 2:
        delay -= length
    one, other = one[max(0, -delay) :], other[max(0, delay) :]
    count = min(len(one), len(other))
    one, other = one[:count], other[:count]
    return float(one @ other / np.sqrt((one @ one) * (other @ other) + 1e-9))


def likeness(sent: Samples, heard: Samples, rate: int) -> float:
    """The median correlation of half seconds of what was heard.

    Each is found anew in what was sent: a busy machine may tear sound once, a bad line always.
    """
    size = rate // 2
    parts = (heard[at : at + size] for at in range(0, len(heard) - size, size))
    return float(np.median([correlation(sent, part) for part in parts]))

"""G.711, the speech coding of the telephone network: one byte a sample, at 8 000 Hz.

Mu-law (North America, Japan) has 14 bits' range, A-law (elsewhere) 13. After ITU-T G.711 (11/88);
A-law's encoding is that of the ITU's reference software (G.191). Pure functions over tables.
"""

import functools

import numpy as np
import numpy.typing as npt

from .audio import Samples

Codes = npt.NDArray[np.uint8]

_BIAS = 132
_MU_LAW_CLIP = 32_635


def decode_mu_law(data: bytes) -> Samples:
    """Samples of mu-law bytes."""
    return _mu_law_levels()[np.frombuffer(data, np.uint8)]


def encode_mu_law(samples: Samples) -> bytes:
    """Mu-law bytes of the samples; what is too loud is clipped."""
    return _mu_law_codes()[samples.astype(np.int16).view(np.uint16)].tobytes()


def decode_a_law(data: bytes) -> Samples:
    """Samples of A-law bytes."""
    return _a_law_levels()[np.frombuffer(data, np.uint8)]


def encode_a_law(samples: Samples) -> bytes:
    """A-law bytes of the samples."""
    return _a_law_codes()[samples.astype(np.int16).view(np.uint16)].tobytes()


@functools.cache
def _mu_law_levels() -> Samples:
    """What each code stands for. All bits are sent inverted: sign, 3 of segment, 4 of step."""
    code = ~np.arange(256) & 0xFF
    level = (((code & 15) * 8 + _BIAS) << (code >> 4 & 7)) - _BIAS
    return np.asarray(np.where(code & 0x80, -level, level), np.int16)


@functools.cache
def _mu_law_codes() -> Codes:
    """The code of each sample, by the sample as an unsigned number."""
    sample = np.arange(1 << 16).astype(np.uint16).view(np.int16).astype(np.int32)
    level = np.minimum(np.abs(sample), _MU_LAW_CLIP) + _BIAS
    segment = np.log2(level).astype(np.int32) - 7
    step = level >> (segment + 3) & 15
    sign = np.where(sample < 0, 0x80, 0)
    return np.asarray(~(sign | segment << 4 | step) & 0xFF, np.uint8)


@functools.cache
def _a_law_levels() -> Samples:
    """What each code stands for. Even bits are sent inverted, and a set sign means positive."""
    code = np.arange(256) ^ 0x55
    segment, step = code >> 4 & 7, code & 15
    # Segments 0 and 1 have the same step.
    level = ((step + np.where(segment, 16, 0)) * 16 + 8) << np.maximum(segment - 1, 0)
    return np.asarray(np.where(code & 0x80, level, -level), np.int16)


@functools.cache
def _a_law_codes() -> Codes:
    """The code of each sample, by the sample as an unsigned number."""
    sample = np.arange(1 << 16).astype(np.uint16).view(np.int16).astype(np.int32)
    level = np.where(sample < 0, ~sample, sample) >> 4
    segment = np.maximum(np.log2(np.maximum(level, 1)).astype(np.int32) - 3, 0)
    step = level >> np.maximum(segment - 1, 0) & 15
    sign = np.where(sample < 0, 0, 0x80)
    return np.asarray((sign | segment << 4 | step) ^ 0x55, np.uint8)

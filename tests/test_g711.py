"""G.711 against the values in the recommendation."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter.audio import Samples
from interpreter.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law

LAWS = [
    pytest.param(encode_mu_law, decode_mu_law, id="mu-law"),
    pytest.param(encode_a_law, decode_a_law, id="A-law"),
]
EVERY = np.arange(-32_768, 32_768).astype(np.int16)


def test_a_milliwatt_is_a_milliwatt() -> None:
    """Tables 5 and 6: these codes, repeated, are 1 kHz at 0 dBm0.

    Full scale of a sine is 3.17 dBm0 in mu-law (peak 8 159 of 14 bits) and 3.14 in A-law (4 096
    of 13 bits).
    """
    mu_law = decode_mu_law(bytes.fromhex("1E0B0B1E9E8B8B9E")).astype(float)
    a_law = decode_a_law(bytes.fromhex("34212134B4A1A1B4")).astype(float)
    for samples, peak, overload in ((mu_law, 8_159 * 4, 3.17), (a_law, 4_096 * 8, 3.14)):
        assert np.array_equal(samples[:4], -samples[4:])
        level = 10 * np.log10(np.mean(samples**2) / (peak**2 / 2)) + overload
        assert abs(level) < 0.05


@pytest.mark.parametrize(
    ("code", "mu_law", "a_law"),
    [
        (0x00, -32_124, -5_504),
        (0x80, 32_124, 5_504),
        (0x2A, -5_372, -32_256),
        (0xAA, 5_372, 32_256),
        (0x7F, 0, -848),
        (0xFF, 0, 848),
        (0x55, -716, -8),
        (0xD5, 716, 8),
        (0x8F, 16_764, 6_784),
    ],
)
def test_codes_stand_for_the_levels_of_the_recommendation(
    code: int, mu_law: int, a_law: int
) -> None:
    assert decode_mu_law(bytes([code])).tolist() == [mu_law]
    assert decode_a_law(bytes([code])).tolist() == [a_law]


def test_silence_and_the_loudest() -> None:
    samples = np.array([0, 32_767, -32_768], np.int16)
    assert encode_mu_law(samples) == bytes([0xFF, 0x80, 0x00])
    assert encode_a_law(samples) == bytes([0xD5, 0xAA, 0x2A])


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_every_code_survives_a_round_trip(
    encode: Callable[[Samples], bytes], decode: Callable[[bytes], Samples]
) -> None:
    codes = bytes(range(256))
    again = encode(decode(codes))
    minus_zero = {0x7F: 0xFF} if encode is encode_mu_law else {}
    assert again == bytes(minus_zero.get(code, code) for code in codes)


def test_no_sample_moves_by_more_than_half_a_step() -> None:
    for encode, decode, first, shift in (
        (encode_mu_law, decode_mu_law, 8, 0xFF),
        (encode_a_law, decode_a_law, 16, 0x55),
    ):
        codes = encode(EVERY)
        segment = (np.frombuffer(codes, np.uint8).astype(int) ^ shift) >> 4 & 7
        step = first << (segment if first == 8 else np.maximum(segment - 1, 0))
        moved = np.abs(decode(codes).astype(int) - EVERY)
        loudest = np.abs(EVERY.astype(int)) > 32_124
        assert np.all(moved[~loudest] <= step[~loudest] // 2)
        assert np.all(moved[loudest] <= 32_768 - 32_124)


@given(st.lists(st.integers(-32_768, 32_767), max_size=400))
def test_coding_twice_is_coding_once(values: list[int]) -> None:
    samples: Samples = np.array(values, np.int16)
    for encode, decode in ((encode_mu_law, decode_mu_law), (encode_a_law, decode_a_law)):
        once = decode(encode(samples))
        assert len(once) == len(samples)
        assert np.array_equal(decode(encode(once)), once)

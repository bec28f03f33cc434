"""placeholder until the real one lands"""

from . import Hypothesis


def reason_to_drop(heard: Hypothesis) -> str | None:
    if heard.log_probability < -1.0:
        return "improbable"
    if heard.compression_ratio > 2.4:
        return "repetitive"
    return None

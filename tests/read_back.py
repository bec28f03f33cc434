"""What Whisper makes of synthesized speech: the measure of whether a voice can be understood."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
from whisper_normalizer.basic import BasicTextNormalizer

from interpreter.asr import RecognizerSettings
from interpreter.audio import RATE, resample, to_float
from interpreter.tts import Sound


def word_errors(
    settings: RecognizerSettings,
    language: str,
    texts: Sequence[str],
    spoken: Sequence[Sequence[Sound]],
) -> float:
    """Word error rate, over all texts, of Whisper listening to them."""
    normalize = BasicTextNormalizer()
    heard = []
    for sounds in spoken:
        samples = np.concatenate([sound.samples for sound in sounds])
        audio = to_float(resample(samples, sounds[0].rate, RATE))
        segments, _ = _whisper(settings.path).transcribe(audio, language=language, beam_size=5)
        heard.append(normalize(" ".join(segment.text for segment in segments)).strip())
    return float(jiwer.wer([normalize(text).strip() for text in texts], heard))


@cache
def _whisper(path: Path) -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(str(path), device="cpu", compute_type="int8", cpu_threads=2)

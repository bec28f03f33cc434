"""Piper's neural voices (VITS), one language each."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..audio import Samples, from_float
from ..errors import ModelError, SynthesisError
from ..work import Priority, Run
from . import Sound, SynthesizerSettings, Voice
from .sentences import stretches

if TYPE_CHECKING:
    from piper import PiperVoice

_CALL_SECONDS = 20.0
_FETCH = "run: interpreter models fetch"

_LONGEST = 240
"""Characters. At a fortieth of real time on two threads a sentence of 40 words takes 0.3 s, so
there is no need to cut at clauses, which the ear would notice."""


class PiperSynthesizer:
    """The one voice in a folder: `NAME.onnx` with `NAME.onnx.json`."""

    def __init__(self, settings: SynthesizerSettings, run: Run) -> None:
        self.name = settings.model
        self._run = run
        self._piper, name = _load(settings)
        self._rate = self._piper.config.sample_rate
        self._voices = {
            language: Voice(f"piper/{name}", quality)
            for language, quality in settings.languages.items()
        }

    @property
    def voices(self) -> Mapping[str, Voice]:
        return self._voices

    def opening(self, text: str, language: str) -> str:
        return next(iter(self._stretches(text, language)), "")

    async def synthesize(
        self,
        text: str,
        language: str,
        *,
        speed: float = 1.0,
        opening: Sound | None = None,
        priority: Priority = Priority.SPEECH,
    ) -> AsyncIterator[Sound]:
        """The text spoken sentence by sentence, at the voice's rate. Raises `SynthesisError`."""
        if language not in self._voices:
            raise SynthesisError("language-not-spoken", f"{self.name} does not speak {language}")
        voice = self._voices[language].name
        parts = self._stretches(text, language)
        if opening:
            yield opening
        for part in parts[1:] if opening else parts:

            def call(part: str = part) -> Samples:
                return self._speak(part, speed)

            samples = await self._run(priority, call, seconds=_CALL_SECONDS)
            yield Sound(samples, self._rate, voice)

    def _stretches(self, text: str, language: str) -> list[str]:
        return stretches(text, language, first=_LONGEST, longest=_LONGEST)

    def _speak(self, text: str, speed: float) -> Samples:
        # Not `PiperVoice.synthesize`, which writes the text into the log.
        from piper import SynthesisConfig

        config = self._piper.config
        settings = SynthesisConfig(length_scale=config.length_scale / speed)
        spoken = [np.zeros(0, dtype=np.float32)]
        try:
            # "[[" would let a text dictate phonemes.
            for sentence in self._piper.phonemize(text.replace("[[", "[ [")):
                # Those it does not know are dropped here, since piper would log each.
                known = [phoneme for phoneme in sentence if phoneme in config.phoneme_id_map]
                ids = self._piper.phonemes_to_ids(known)
                audio = self._piper.phoneme_ids_to_audio(ids, settings)
                spoken.append(np.asarray(audio, dtype=np.float32).reshape(-1))
        except Exception as error:
            raise SynthesisError(
                "synthesis-failed", f"{self.name} failed: {type(error).__name__}"
            ) from None  # what piper says may quote the text
        return from_float(np.concatenate(spoken))


def _load(settings: SynthesizerSettings) -> tuple["PiperVoice", str]:
    """The voice and its name. Raises `ModelError`."""
    models = sorted(settings.path.glob("*.onnx"))
    if len(models) != 1 or not models[0].with_suffix(".onnx.json").is_file():
        raise ModelError(
            "model-missing", f"{settings.path} does not hold one voice with its .json; {_FETCH}"
        )
    import onnxruntime
    from piper import PiperVoice
    from piper.config import PhonemeType, PiperConfig

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    # It would keep a plan, and memory for it, of every length of text there has been.
    options.enable_mem_pattern = False
    try:
        described = json.loads(models[0].with_suffix(".onnx.json").read_text(encoding="utf-8"))
        config = PiperConfig.from_dict(described)
        session = onnxruntime.InferenceSession(
            str(models[0]), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ModelError(
            "model-corrupt", f"{settings.path} holds no voice piper can read; {_FETCH}"
        ) from error
    if config.phoneme_type not in (PhonemeType.ESPEAK, PhonemeType.TEXT):
        # The other kinds fetch programs and models of their own at the first word.
        raise ModelError(
            "model-unsupported", f"voices with {config.phoneme_type.value} phonemes cannot be used"
        )
    return PiperVoice(session=session, config=config), models[0].stem

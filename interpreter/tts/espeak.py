"""Plain but clear voices for a hundred languages by espeak-ng, as espeakng-loader brings it."""

import ctypes
import threading
from collections.abc import AsyncIterator, Mapping
from functools import cache

import numpy as np

from ..audio import Samples, silence
from ..errors import ModelError, SynthesisError
from ..work import Priority, Run
from . import Sound, SynthesizerSettings, Voice
from .sentences import stretches

_LONGEST = 240
"""Characters of a stretch."""

_CALL_SECONDS = 5.0
"""A sentence takes a few milliseconds."""

_NAMES = {"en": "en-us", "pt": "pt-br", "zh": "cmn", "no": "nb"}
"""Where espeak-ng's name of a language is not ours, or a country must be chosen."""

_WORDS_PER_MINUTE = 160
"""At speed 1; espeak-ng's own 175 is brisk for somebody who hears a strange voice."""

_WORDS_PER_MINUTE_RANGE = (80, 450)

# Names and numbers of espeak-ng's speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_RATE = 1
_POSITION_CHARACTER = 1
_FLAGS = 1 | 0x1000
"""UTF-8 text, and a pause after the last sentence."""

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class EspeakSynthesizer:
    """Every language of the settings, each with espeak-ng's voice of that name."""

    def __init__(self, settings: SynthesizerSettings, run: Run) -> None:
        self.name = settings.model
        self._run = run
        self._library = _library()
        self._names = {
            language: settings.voices.get(language, _NAMES.get(language, language))
            for language in settings.languages
        }
        for language, name in self._names.items():
            if not self._library.knows(name):
                raise ModelError("model-corrupt", f"espeak-ng has no voice {name!r} ({language})")
        self._voices = {
            language: Voice(f"espeak/{self._names[language]}", quality)
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
        """The text spoken sentence by sentence, at 22.05 kHz. Raises `SynthesisError`."""
        if language not in self._voices:
            raise SynthesisError("language-not-spoken", f"{self.name} does not speak {language}")
        name, voice = self._names[language], self._voices[language].name
        parts = self._stretches(text, language)
        if opening:
            yield opening
        for part in parts[1:] if opening else parts:

            def call(part: str = part) -> Samples:
                return self._library.speak(part, name, speed)

            samples = await self._run(priority, call, seconds=_CALL_SECONDS)
            yield Sound(samples, self._library.rate, voice)

    def _stretches(self, text: str, language: str) -> list[str]:
        return stretches(text, language, first=_LONGEST, longest=_LONGEST)


class _Library:
    """The shared library; its state is global, so that one call at a time may use it.

    piper-tts links an espeak-ng of its own, which has a state of its own: the two do not meet.
    """

    def __init__(self) -> None:
        try:
            import espeakng_loader

            self._c = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path()
        except (ImportError, OSError, RuntimeError) as error:
            raise ModelError(
                "model-missing", "espeakng-loader is missing; reinstall the interpreter package"
            ) from error
        self._lock = threading.Lock()
        self._collected: list[Samples] = []
        # Kept, since the library would call into freed memory otherwise.
        self._callback = _Callback(self._collect)
        self._c.espeak_Synth.argtypes = [
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint),
            *(ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
        ]
        self.rate: int = self._c.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), _INITIALIZE_DONT_EXIT
        )
        """Hertz."""

        if self.rate <= 0:
            raise ModelError(
                "model-corrupt", "espeakng-loader is damaged; reinstall the interpreter package"
            )
        self._c.espeak_SetSynthCallback(self._callback)

    def knows(self, name: str) -> bool:
        """Whether there is a voice of that name."""
        with self._lock:
            return bool(self._c.espeak_SetVoiceByName(name.encode()) == 0)

    def speak(self, text: str, name: str, speed: float) -> Samples:
        """Blocks for some milliseconds. Raises `SynthesisError`."""
        slowest, fastest = _WORDS_PER_MINUTE_RANGE
        pace = min(fastest, max(slowest, round(_WORDS_PER_MINUTE * speed)))
        utf8 = text.encode(errors="replace").replace(b"\0", b" ")
        with self._lock:
            self._collected = []
            failed = (
                self._c.espeak_SetVoiceByName(name.encode())
                or self._c.espeak_SetParameter(_RATE, pace, 0)
                or self._c.espeak_Synth(
                    utf8, len(utf8) + 1, 0, _POSITION_CHARACTER, 0, _FLAGS, None, None
                )
            )
            collected, self._collected = self._collected, []
        if failed:
            raise SynthesisError("synthesis-failed", f"espeak-ng failed with status {failed}")
        return np.concatenate(collected) if collected else silence(0)

    def _collect(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int) -> int:
        if samples and count > 0:
            self._collected.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0  # 1 would stop it


@cache
def _library() -> _Library:
    """One for the process: espeak-ng can be initialized once only."""
    return _Library()

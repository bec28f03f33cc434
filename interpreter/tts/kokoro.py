"""Kokoro-82M's neural voices, several languages in one model (ONNX, 24 kHz)."""

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..audio import Samples, from_float
from ..errors import ModelError, SynthesisError
from ..work import Priority, Run
from . import Sound, SynthesizerSettings, Voice
from .sentences import stretches

if TYPE_CHECKING:
    from piper import PiperVoice

    _Floats = npt.NDArray[np.float32]

_RATE = 24_000
_CALL_SECONDS = 20.0
_FIRST, _LONGEST = 28, 120
"""Characters of a stretch. On two threads a stretch takes 0.2 s and 10 ms a character; a longer
one would also make onnxruntime keep more memory (0.35 GB at 120 characters, 0.6 GB at 240)."""

_MOST_TOKENS = 509
"""A voice has styles for 0 to 509 tokens."""

_FETCH = "run: interpreter models fetch"

_MARGIN_SECONDS = 0.03
_PAUSE_SECONDS = {True: 0.3, False: 0.12}
"""Silence kept at the end of a stretch that ends a sentence, and of one that does not."""

_AUDIBLE = 0.006
"""Of full scale; the model surrounds speech with up to half a second of less."""

_SENTENCE_END = (".", "!", "?", "…")

_DEFAULT_VOICES = {
    **{"en": "af_heart", "es": "ef_dora", "fr": "ff_siwis"},
    **{"hi": "hf_alpha", "it": "if_sara", "pt": "pf_dora"},
}

_ACCENTS = {
    **{"a": "en-us", "b": "en-gb", "e": "es", "f": "fr"},
    **{"h": "hi", "i": "it", "p": "pt-br"},
}
"""A voice's first letter tells its accent; here with espeak-ng's name for it. Japanese and
Chinese (j, z) need other phonemes than espeak-ng's."""

# The model's alphabet, from the config.json of hexgrad/Kokoro-82M: runs of symbols by the number
# of the first.
_ALPHABET = {
    symbol: number
    for first, symbols in {
        1: ";:,.!?",
        9: '—…"()“” \N{COMBINING TILDE}ʣʥʦʨᵝꭧAI',
        31: "O",
        33: "Q",
        35: "ST",
        39: "W",
        41: "Yᵊabcdef",
        50: "hijklmnopqrstuvwxyzɑɐɒæ",
        75: "βɔɕç",
        80: "ɖðʤə",
        85: "ɚɛɜ",
        90: "ɟ",
        92: "ɡ",
        99: "ɥ",
        101: "ɨɪʝ",
        110: "ɯɰŋɳɲɴø",
        118: "ɸθœ",
        123: "ɹ",
        125: "ɾɻ",
        128: "ʁɽʂʃʈʧ",
        135: "ʊʋ",
        138: "ʌɣɤ",
        142: "χʎ",
        147: "ʒʔ",
        156: "ˈˌː",
        162: "ʰ",
        164: "ʲ",
        169: "↓",
        171: "→↗↘",
        177: "ᵻ",
    }.items()
    for number, symbol in enumerate(symbols, first)
}
_SPACE = _ALPHABET[" "]

# How espeak-ng writes what the model learned as one symbol; Whisper understands it better so.
_RESPELLED = {"dʒ": "ʤ", "tʃ": "ʧ", "dz": "ʣ", "ts": "ʦ", "c\N{COMBINING CEDILLA}": "ç"}


class KokoroSynthesizer:
    """The voices in a folder: `kokoro.onnx` and `voices/NAME.bin`."""

    def __init__(self, settings: SynthesizerSettings, run: Run) -> None:
        self.name = settings.model
        self._run = run
        names = {
            language: settings.voices.get(language) or _default_voice(language)
            for language in settings.languages
        }
        self._session = _session(settings)
        self._styles = {language: _style(settings, name) for language, name in names.items()}
        self._phonemizers = {
            language: _phonemizer(name, self._session) for language, name in names.items()
        }
        self._voices = {
            language: Voice(f"kokoro/{names[language]}", quality)
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
        """The text spoken by clauses, then sentences, at 24 kHz. Raises `SynthesisError`."""
        if language not in self._voices:
            raise SynthesisError("language-not-spoken", f"{self.name} does not speak {language}")
        voice = self._voices[language].name
        parts = self._stretches(text, language)
        if opening:
            yield opening
        for part in parts[1:] if opening else parts:

            def call(part: str = part) -> Samples:
                return self._speak(part, language, speed)

            samples = await self._run(priority, call, seconds=_CALL_SECONDS)
            yield Sound(samples, _RATE, voice)

    def _stretches(self, text: str, language: str) -> list[str]:
        return stretches(text, language, first=_FIRST, longest=_LONGEST)

    def _speak(self, text: str, language: str, speed: float) -> Samples:
        try:
            phonemes = _phonemes(self._phonemizers[language], text)
            spoken = [
                self._infer(tokens, self._styles[language], speed) for tokens in _batches(phonemes)
            ]
        except Exception as error:
            raise SynthesisError(
                "synthesis-failed", f"{self.name} failed: {type(error).__name__}"
            ) from None  # what it says may quote the text
        audio = np.concatenate([np.zeros(0, dtype=np.float32), *spoken])
        audio /= np.abs(audio).max(initial=1.0)  # if_sara goes beyond full scale
        return from_float(_trim(audio, text.endswith(_SENTENCE_END)))

    def _infer(self, tokens: list[int], style: "_Floats", speed: float) -> "_Floats":
        given = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": style[len(tokens)],
            "speed": np.array([speed], dtype=np.float32),
        }
        audio: _Floats = np.asarray(self._session.run(None, given)[0], dtype=np.float32)
        return audio.reshape(-1)


def _phonemes(phonemizer: "PiperVoice", text: str) -> str:
    """In the model's alphabet; what it lacks is left out."""
    # "[[" would let a text dictate phonemes.
    sentences = phonemizer.phonemize(text.replace("[[", "[ ["))
    joined = " ".join("".join(sentence) for sentence in sentences)
    for heard, symbol in _RESPELLED.items():
        joined = joined.replace(heard, symbol)
    return "".join(symbol for symbol in joined if symbol in _ALPHABET)


def _batches(phonemes: str) -> list[list[int]]:
    """Tokens in portions the model takes, cut at a space if there is one."""
    tokens = [_ALPHABET[symbol] for symbol in phonemes]
    batches = []
    while len(tokens) > _MOST_TOKENS:
        spaces = [i for i in range(1, _MOST_TOKENS + 1) if tokens[i] == _SPACE]
        end = spaces[-1] if spaces else _MOST_TOKENS
        batches.append(tokens[:end])
        tokens = tokens[end:]
    return [batch for batch in [*batches, tokens] if batch]


def _trim(audio: "_Floats", sentence_end: bool) -> "_Floats":
    """Without the silence that delays the first sound, and with a fitting pause at the end."""
    audible = np.flatnonzero(np.abs(audio) > _AUDIBLE)
    if not len(audible):
        return audio[:0]
    start = max(0, int(audible[0]) - round(_MARGIN_SECONDS * _RATE))
    return audio[start : int(audible[-1]) + round(_PAUSE_SECONDS[sentence_end] * _RATE)]


def _default_voice(language: str) -> str:
    if language not in _DEFAULT_VOICES:
        raise ModelError("model-unsupported", f"Kokoro has no voice for {language} that works here")
    return _DEFAULT_VOICES[language]


def _session(settings: SynthesizerSettings) -> Any:
    import onnxruntime

    path = settings.path / "kokoro.onnx"
    if not path.is_file():
        raise ModelError("model-missing", f"{path} is missing; {_FETCH}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    # It would keep a plan, and memory for it, of every length of text there has been.
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError("model-corrupt", f"{path} cannot be read; {_FETCH}") from error


def _style(settings: SynthesizerSettings, name: str) -> "_Floats":
    """One style a row, by number of tokens."""
    path = settings.path / "voices" / f"{name}.bin"
    try:
        return np.fromfile(path, dtype="<f4").reshape(_MOST_TOKENS + 1, 1, 256)
    except FileNotFoundError as error:
        raise ModelError("model-missing", f"{path} is missing; {_FETCH}") from error
    except (OSError, ValueError) as error:
        raise ModelError("model-corrupt", f"{path} is no Kokoro voice; {_FETCH}") from error


def _phonemizer(voice: str, session: Any) -> "PiperVoice":
    """Text to phonemes as Piper does it, under the one lock of Piper's espeak-ng."""
    from piper import PiperVoice
    from piper.config import PhonemeType, PiperConfig

    if voice[:1] not in _ACCENTS:
        raise ModelError("model-unsupported", f"the voice {voice!r} needs phonemes not made here")
    config = PiperConfig(
        num_symbols=len(_ALPHABET),
        num_speakers=1,
        sample_rate=_RATE,
        espeak_voice=_ACCENTS[voice[0]],
        phoneme_id_map={},
        phoneme_type=PhonemeType.ESPEAK,
    )
    return PiperVoice(session=session, config=config)

"""Whisper by CTranslate2, with faster-whisper's loading, features and tokenizer."""

import ctypes
import importlib.util
import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio import RATE, Samples, silence, to_float
from ..errors import ModelError, RecognitionError
from ..events import Word
from ..languages import own_name
from ..work import Priority, Run
from . import Hypothesis, RecognizerSettings
from .firewall import compression_ratio, mean_log_probability, words_spoken

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

log = logging.getLogger(__name__)

_CALL_SECONDS = 30.0
"""With the wait for a processor; people have long given up by then."""

_LONGEST_SECONDS = 30.0
_SHORTEST_SECONDS = 0.1

_FRAMES_PER_SECOND = 100

_WINDOWS = (1000, 1500, 2000, 3000)
"""Lengths in frames that the encoder is given, instead of always 30 s, which takes four times as
long as 10 s."""

_MARGIN = 100
"""Frames at least behind the speech; with less, endless repetition becomes frequent."""

_ROOM = np.random.default_rng(0).normal(0.0, 1e-3, 30 * RATE).astype(np.float32)
"""A quiet room (-60 dB of full scale), with which a window is filled up.

Nothing at all, be it silence or features of zero, is what Whisper has never heard. It matters most
for speech cut off in mid-sentence: two seconds of "The cabbage juice changes color" became "the
the", and with the room "The cabbage juice changes color depending on". On 61 whole recordings in
seven languages the errors in 100 words were 14.4, with features of zero and a margin of 3 s 14.9;
windows of 5 s, which made 36 with those, make 14.8 with the room.
"""

_TOKENS_BESIDES = 16
_TOKENS_PER_SECOND = 10.0
"""Twice of what fast speech needs in scripts with short tokens."""

_CHARACTERS_PER_SECOND = 15.0
"""Fast speech; for scripts of which a character takes one to three tokens."""

_MOST_POSITIONS = 448
"""Of Whisper's decoder: prompt and text together."""

_MOST_HOTWORD_TOKENS = 100

_OPENING = "\"'“¿([{-«„‘¡"
"""Punctuation that belongs to the word after it."""


class WhisperRecognizer:
    """Whisper, one encoder run for both the choice of the language and the text.

    The language is the most probable of those allowed, by prior weight times Whisper's own
    probability. Decoding in both languages and comparing, where that is undecided, was tried and
    left out: on 498 pairs of 1 s crops it was right in 49 % of the undecided cases, on 1.6 s crops
    in 25 to 39 %.

    Calls from several threads are safe: CTranslate2 queues them, and features, tokenizer and
    prompt are made per call.
    """

    def __init__(self, settings: RecognizerSettings, run: Run, *, beam: int = 3) -> None:
        """Load the model; blocks. Raises `ModelError` ("model-missing", "model-corrupt").

        `beam` is the number of texts followed at a time, of drafts always 1. On 61 recordings in
        seven languages 1, 2, 3 and 5 made 16.4, 15.7, 14.9 and 15.1 errors in 100 words; the time
        of the decoder grows from 8 ms a token to 14 ms.
        """
        self.name = settings.model
        self.languages = settings.languages
        self._run = run
        self._beam = beam
        began = time.monotonic()
        self._model, self.notice = _load(settings)
        log.info("%s loaded in %.1f s", self.name, time.monotonic() - began)

    async def recognize(
        self,
        samples: Samples,
        languages: Mapping[str, float],
        *,
        committed: str = "",
        draft: bool = False,
        hotwords: Sequence[str] = (),
        priority: Priority = Priority.FINAL,
    ) -> Hypothesis:
        """The words in at most 30 s of speech at 16 kHz, in one of the languages.

        Raises `RecognitionError` ("utterance-too-long", "language-not-recognisable",
        "recognition-timeout", "recognition-failed"); what `run` raises besides goes through.
        """
        seconds = len(samples) / RATE
        if seconds > _LONGEST_SECONDS:
            raise RecognitionError(
                "utterance-too-long",
                f"{seconds:.1f} s of speech; {_LONGEST_SECONDS:.0f} s are possible",
            )
        weights = {language: weight for language, weight in languages.items() if weight > 0}
        unknown = sorted(language for language in weights if not self._knows(language))
        if unknown or not weights:
            raise RecognitionError(
                "language-not-recognisable",
                f"{self.name} does not recognize {', '.join(unknown) or 'speech of no language'}",
            )
        began = time.monotonic()
        try:
            heard = await self._run(
                priority,
                lambda: self._hear(samples, weights, committed, draft, hotwords),
                seconds=_CALL_SECONDS,
            )
        except TimeoutError:
            raise RecognitionError(
                "recognition-timeout", f"{self.name} took too long", retryable=True
            ) from None
        except (RuntimeError, ValueError) as error:
            # The message may hold what was said; its type is enough.
            raise RecognitionError(
                "recognition-failed", f"{self.name} failed: {type(error).__name__}", retryable=True
            ) from None
        log.debug("%.1f s of speech in %.3f s", seconds, time.monotonic() - began)
        return heard

    def _knows(self, language: str) -> bool:
        return (
            language in self._model.supported_languages
            and self._model.hf_tokenizer.token_to_id(f"<|{language}|>") is not None
        )

    def _hear(
        self,
        samples: Samples,
        weights: Mapping[str, float],
        committed: str,
        draft: bool,
        hotwords: Sequence[str],
    ) -> Hypothesis:
        if len(samples) < _SHORTEST_SECONDS * RATE:
            likely = max(weights, key=lambda language: weights[language])
            return Hypothesis(
                likely, weights[likely] / sum(weights.values()), "", (), 0.0, 0.0, 1.0
            )
        frames = round(len(samples) / RATE * _FRAMES_PER_SECOND)
        encoded = self._encode(samples, frames)
        language, probability = self._choose(encoded, weights)
        tokenizer = self._tokenizer(language)
        prompt = [
            *_hotword_prompt(tokenizer, hotwords),
            *tokenizer.sot_sequence,
            tokenizer.no_timestamps,
            *(tokenizer.encode(f" {committed}") if committed else []),
        ]
        most = _most_tokens(tokenizer, language, len(samples) / RATE, len(prompt))
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=1 if draft else self._beam,
            return_scores=True,
            return_no_speech_prob=True,
            # CTranslate2 gives the text half of this, or what the prompt leaves of it.
            max_length=max(2 * most, most + len(prompt)),
        )[0]
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        text: str = tokenizer.decode(tokens).strip()
        words = self._align(encoded, tokenizer, tokens, frames)
        # Whisper's own score takes what it was made to begin with for certain.
        own = result.scores[0] * len(tokens) / (len(tokens) + 1)
        log_probability = mean_log_probability(words) if committed else own
        if (spoken := words_spoken(words)) < len(words):
            log.info("a loop of %d words was cut to %d", len(words), spoken)
            words = words[:spoken]
            text = "".join(word.text for word in words).strip()
            # Copies are always sure of themselves; only what was spoken tells how sure it is.
            log_probability = mean_log_probability(words)
        return Hypothesis(
            language=language,
            language_probability=probability,
            text=text,
            words=tuple(Word(w.text.strip(), w.start, w.end, w.probability) for w in words),
            log_probability=log_probability,
            compression_ratio=compression_ratio(text),
            no_speech_probability=result.no_speech_prob,
        )

    def _encode(self, samples: Samples, frames: int) -> "StorageView":
        """What the encoder makes of a window that is long enough, filled up with a quiet room."""
        from ctranslate2 import StorageView

        window = next((size for size in _WINDOWS if size >= frames + _MARGIN), _WINDOWS[-1])
        length = window * RATE // _FRAMES_PER_SECOND
        filled = np.concatenate([to_float(samples), _ROOM])[:length]
        features = self._model.feature_extractor(filled)[None, :, :window]
        return self._model.model.encode(StorageView.from_array(np.ascontiguousarray(features)))

    def _choose(self, encoded: "StorageView", weights: Mapping[str, float]) -> tuple[str, float]:
        """The most probable of the languages, and how probable it is among them."""
        if len(weights) == 1:
            return next(iter(weights)), 1.0
        heard = {token[2:-2]: p for token, p in self._model.model.detect_language(encoded)[0]}
        both = {
            language: weight * max(heard.get(language, 0.0), 1e-9)
            for language, weight in weights.items()
        }
        language = max(both, key=lambda language: both[language])
        return language, both[language] / sum(both.values())

    def _align(
        self, encoded: "StorageView", tokenizer: "Tokenizer", tokens: list[int], frames: int
    ) -> list[Word]:
        """Words with leading spaces; times by the decoder's attention to the sound."""
        if not tokens:
            return []
        words: list[Word] = []
        opening = ""
        for found in self._model.find_alignment(tokenizer, [tokens], encoded, frames)[0]:
            text = str(found["word"])
            if not any(character.isalnum() for character in text):
                if text.strip() in _OPENING or not words:
                    opening += text
                else:
                    last = words[-1]
                    words[-1] = Word(last.text + text, last.start, last.end, last.probability)
                continue
            words.append(
                Word(
                    opening + (text.lstrip() if opening else text),
                    round(float(found["start"]), 2),
                    round(float(found["end"]), 2),
                    float(found["probability"]),
                )
            )
            opening = ""
        return words

    def _tokenizer(self, language: str) -> "Tokenizer":
        from faster_whisper.tokenizer import Tokenizer

        return Tokenizer(
            self._model.hf_tokenizer,
            self._model.model.is_multilingual,
            task="transcribe",
            language=language,
        )


def _most_tokens(tokenizer: "Tokenizer", language: str, seconds: float, prompt: int) -> int:
    """Bound of a text's tokens, so that a loop ends soon.

    The cost of a script is taken from the language's own name: 0.3 tokens a character in Latin
    letters, 1 in Devanagari, 2.5 in Georgian ones.
    """
    name = own_name(language)
    per_second = max(
        _TOKENS_PER_SECOND, _CHARACTERS_PER_SECOND * len(tokenizer.encode(name)) / len(name)
    )
    bound = _TOKENS_BESIDES + int(per_second * seconds)
    return min(bound, _MOST_POSITIONS - prompt)


def _hotword_prompt(tokenizer: "Tokenizer", hotwords: Sequence[str]) -> list[int]:
    """Names and terms as if they had been said before, as many as fit, the first ones first."""
    tokens: list[int] = []
    for number, word in enumerate(word for word in hotwords if word.strip()):
        more = tokenizer.encode(f"{',' if number else ''} {word.strip()}")
        if len(tokens) + len(more) > _MOST_HOTWORD_TOKENS:
            break
        tokens += more
    return [tokenizer.sot_prev, *tokens] if tokens else []


def _load(settings: RecognizerSettings) -> tuple["WhisperModel", str | None]:
    """The model, and what an administrator should know about where it runs."""
    import ctranslate2

    for name in ("config.json", "model.bin", "tokenizer.json"):
        if not (settings.path / name).is_file():
            raise ModelError(
                "model-missing",
                f"{settings.model} is not installed ({name} is missing); "
                "fetch it with: interpreter models fetch",
            )
    notice = None
    if settings.device != "cpu":
        found = ctranslate2.get_cuda_device_count()
        if found:
            _preload_cuda_libraries()
            try:
                return _open(settings, "cuda"), None
            except Exception as error:  # whatever it is, the processor may still do
                log.warning("%s on CUDA: %s", settings.model, type(error).__name__)
                notice = (
                    f"A graphics card was found, but {settings.model} cannot use it and runs on "
                    "the processor. Install CUDA's libraries with: "
                    "pip install -r scripts/requirements/gpu.txt"
                )
        elif settings.device == "cuda":
            notice = (
                f"No CUDA graphics card was found; {settings.model} runs on the processor. "
                "If there is one, install its driver; CUDA's libraries come with: "
                "pip install -r scripts/requirements/gpu.txt"
            )
    try:
        return _open(settings, "cpu"), notice
    except Exception as error:  # the tokenizer's library raises plain ones
        raise ModelError(
            "model-corrupt",
            f"{settings.model} cannot be loaded ({type(error).__name__}); "
            "fetch it again with: interpreter models fetch",
        ) from error


def _open(settings: RecognizerSettings, device: str) -> "WhisperModel":
    """A model that has proved to work there.

    CTranslate2 looks for cuBLAS and cuDNN at the first call only, hence the trial. On a processor
    there are as many workers as calls fit on its cores; they share the weights.
    """
    from ctranslate2 import StorageView, get_supported_compute_types
    from faster_whisper import WhisperModel

    cores = len(os.sched_getaffinity(0))
    compute_type = "int8"
    if device == "cuda":
        half = "float16" in get_supported_compute_types("cuda")
        compute_type = "float16" if half else "float32"
    model: Any = WhisperModel(
        str(settings.path),
        device=device,
        compute_type=compute_type,
        cpu_threads=settings.threads,
        num_workers=max(1, cores // settings.threads) if device == "cpu" else 1,
        local_files_only=True,
    )
    features = np.zeros((1, model.model.n_mels, _WINDOWS[0]), np.float32)
    features[0, :, :100] = model.feature_extractor(to_float(silence(1.0)))[:, :100]
    encoded = model.model.encode(StorageView.from_array(features))
    model.model.generate(
        encoded, [[model.hf_tokenizer.token_to_id("<|startoftranscript|>")]], max_length=4
    )
    loaded: WhisperModel = model
    return loaded


def _preload_cuda_libraries() -> None:
    """Make the libraries of the `gpu` extra findable: the loader does not look where pip puts them.

    What cannot be loaded is left; if it was needed, opening the model fails and says so.
    """
    for package in ("nvidia.cublas", "nvidia.cudnn"):
        try:
            spec = importlib.util.find_spec(package)
        except ModuleNotFoundError:
            continue
        for folder in (spec and spec.submodule_search_locations) or ():
            for library in sorted((Path(folder) / "lib").glob("lib*.so.*")):
                try:
                    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
                except OSError:
                    log.warning("%s cannot be loaded", library.name)

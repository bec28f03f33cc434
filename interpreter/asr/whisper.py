"""Whisper by CTranslate2, with faster-whisper's loading, features and tokenizer."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio import RATE, Samples, to_float
from ..errors import RecognitionError
from ..events import Word
from ..work import Priority, Run
from . import Hypothesis, RecognizerSettings
from .devices import open_whisper
from .firewall import compression_ratio, mean_log_probability, words_spoken
from .whisper_prompt import FRAMES_PER_SECOND, Speech, hotword_prompt, most_tokens, prompt_for

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from faster_whisper.tokenizer import Tokenizer

log = logging.getLogger(__name__)

_CALL_SECONDS = 30.0
"""With the wait for a processor; people have long given up by then."""

_LONGEST_SECONDS = 30.0
_SHORTEST_SECONDS = 0.1

_ROOM = np.random.default_rng(0).normal(0.0, 1e-3, 30 * RATE).astype(np.float32)
"""A quiet room (-60 dB of full scale), with which a window is filled up.

Nothing at all, be it silence or features of zero, is what Whisper has never heard. It matters most
for speech cut off in mid-sentence: two seconds of "The cabbage juice changes color" became "the
the", and with the room "The cabbage juice changes color depending on". On 61 whole recordings in
seven languages the errors in 100 words were 14.4, with features of zero and a margin of 3 s 14.9;
windows of 5 s, which made 36 with those, make 14.8 with the room.
"""

_OPENING = "\"'“¿([{-«„‘¡"
"""Punctuation that belongs to the word after it."""


_TOGETHER = 4
"""Calls that are decoded together where they wait. On two cores and in windows of 10 s that takes
the time of 1.6 calls for 2 of them, 2.9 for 4 (beam 1: 1.7 and 3.3); a graphics card gains more."""


class WhisperRecognizer:
    """Whisper, one encoder run for both the choice of the language and the text.

    The language is the most probable of those allowed, by prior weight times Whisper's own
    probability. Decoding in both languages and comparing, where that is undecided, was tried and
    left out: on 498 pairs of 1 s crops it was right in 49 % of the undecided cases, on 1.6 s crops
    in 25 to 39 %.

    As many calls run at once as CTranslate2 has workers; those that wait are taken together.
    """

    def __init__(self, settings: RecognizerSettings, run: Run, *, beam: int = 3) -> None:
        """Load the model; blocks. Raises `ModelError` ("model-missing", "model-corrupt").

        `beam` is the number of texts followed at a time, of drafts always 1. On 61 recordings in
        seven languages 1, 2, 3 and 5 made 16.4, 15.7, 14.9 and 15.1 errors in 100 words; the time
        of the decoder grows from 8 ms a token to 14 ms.
        """
        self.name = settings.model
        self.languages = settings.languages
        self._beam = beam
        began = time.monotonic()
        self._model, self.notice = open_whisper(settings)
        self._run = run.on(self._model.model.device)
        self._at_once = self._model.model.num_workers
        log.info("%s loaded in %.1f s", self.name, time.monotonic() - began)

    async def recognize(
        self,
        samples: Samples,
        languages: Mapping[str, float],
        *,
        committed: str = "",
        before: Hypothesis | None = None,
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
        if len(samples) < _SHORTEST_SECONDS * RATE:
            likely = max(weights, key=lambda language: weights[language])
            return Hypothesis(
                likely, weights[likely] / sum(weights.values()), "", (), 0.0, 0.0, 1.0
            )
        beam = 1 if draft or self._run.behind else self._beam
        pieces = before.pieces if before else ()
        speech = Speech(samples, weights, committed, pieces, tuple(hotwords), beam)
        began = time.monotonic()
        try:
            heard = await self._run.batch(
                priority,
                self,
                self._shape(speech),
                speech,
                self._hear,
                most=_TOGETHER,
                at_once=self._at_once,
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

    async def identify(self, samples: Samples, languages: Sequence[str]) -> dict[str, float]:
        """How probable each of these languages is. Raises `RecognitionError`."""
        weights = {language: 1.0 for language in languages if self._knows(language)}
        speech = Speech(samples[: int(_LONGEST_SECONDS * RATE)], weights, "", (), (), 1)

        def detect() -> dict[str, float]:
            found = self._model.model.detect_language(self._encode([speech]))[0]
            heard = {token[2:-2]: probability for token, probability in found}
            total = sum(heard.get(language, 0.0) for language in weights)
            return {language: heard.get(language, 0.0) / total for language in weights}

        try:
            return await self._run(Priority.FINAL, detect, seconds=_CALL_SECONDS)
        except (TimeoutError, RuntimeError, ValueError, ZeroDivisionError) as error:
            raise RecognitionError(
                "recognition-failed", f"{self.name} failed: {type(error).__name__}", retryable=True
            ) from None

    def _knows(self, language: str) -> bool:
        return (
            language in self._model.supported_languages
            and self._model.hf_tokenizer.token_to_id(f"<|{language}|>") is not None
        )

    def _shape(self, speech: Speech) -> tuple[int, int, int]:
        """What has to be the same in a batch; CTranslate2 wants texts to begin at one position."""
        tokenizer = self._tokenizer(next(iter(speech.weights)))
        return speech.window, speech.beam, len(hotword_prompt(tokenizer, speech.hotwords))

    def _hear(self, speeches: Sequence[Speech]) -> list[Hypothesis]:
        """The words of each; all have the same window and beam."""
        encoded = self._encode(speeches)
        chosen = self._choose(encoded, [speech.weights for speech in speeches])
        tokenizers = [self._tokenizer(language) for language, _ in chosen]
        prompts = [
            prompt_for(tokenizer, speech)
            for tokenizer, speech in zip(tokenizers, speeches, strict=True)
        ]
        # CTranslate2 gives the text half of this, or what the prompt leaves of it.
        longest = [
            max(2 * most, most + len(prompt))
            for prompt, most in (
                (prompt, most_tokens(tokenizer, language, speech.seconds, len(prompt)))
                for prompt, tokenizer, (language, _), speech in zip(
                    prompts, tokenizers, chosen, speeches, strict=True
                )
            )
        ]
        results = self._model.model.generate(
            encoded,
            prompts,
            beam_size=speeches[0].beam,
            return_scores=True,
            return_no_speech_prob=True,
            max_length=max(longest),
        )
        return [
            self._hypothesis(speech, tokenizer, result, part, *language)
            for speech, tokenizer, result, part, language in zip(
                speeches, tokenizers, results, _parts(encoded, len(speeches)), chosen, strict=True
            )
        ]

    def _hypothesis(
        self,
        speech: Speech,
        tokenizer: "Tokenizer",
        result: Any,
        encoded: "StorageView",
        language: str,
        language_probability: float,
    ) -> Hypothesis:
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        text: str = tokenizer.decode(tokens).strip()
        words = self._align(encoded, tokenizer, tokens, speech.frames)
        # Whisper's own score takes what it was made to begin with for certain.
        own = result.scores[0] * len(tokens) / (len(tokens) + 1)
        log_probability = mean_log_probability(words) if speech.committed else own
        if (spoken := words_spoken(words)) < len(words):
            log.info("a loop of %d words was cut to %d", len(words), spoken)
            words = words[:spoken]
            text = "".join(word.text for word in words).strip()
            # Copies are always sure of themselves; only what was spoken tells how sure it is.
            log_probability = mean_log_probability(words)
        return Hypothesis(
            language=language,
            language_probability=language_probability,
            text=text,
            words=tuple(Word(w.text.strip(), w.start, w.end, w.probability) for w in words),
            log_probability=log_probability,
            compression_ratio=compression_ratio(text),
            no_speech_probability=result.no_speech_prob,
            pieces=tuple(tokens),
        )

    def _encode(self, speeches: Sequence[Speech]) -> "StorageView":
        """What the encoder makes of a window that is long enough, filled up with a quiet room."""
        from ctranslate2 import StorageView

        window = speeches[0].window
        length = window * RATE // FRAMES_PER_SECOND
        filled = [np.concatenate([to_float(each.samples), _ROOM])[:length] for each in speeches]
        features = np.stack([self._model.feature_extractor(each)[:, :window] for each in filled])
        # On the processor several can be told apart again, wherever they are decoded.
        return self._model.model.encode(
            StorageView.from_array(np.ascontiguousarray(features)), to_cpu=len(speeches) > 1
        )

    def _choose(
        self, encoded: "StorageView", weights: Sequence[Mapping[str, float]]
    ) -> list[tuple[str, float]]:
        """The most probable of the languages of each, and how probable it is among them."""
        if all(len(each) == 1 for each in weights):
            return [(next(iter(each)), 1.0) for each in weights]
        chosen = []
        for each, found in zip(weights, self._model.model.detect_language(encoded), strict=True):
            heard = {token[2:-2]: probability for token, probability in found}
            both = {
                language: weight * max(heard.get(language, 0.0), 1e-9)
                for language, weight in each.items()
            }
            language = max(both, key=lambda language: both[language])
            chosen.append((language, both[language] / sum(both.values())))
        return chosen

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


def _parts(encoded: "StorageView", number: int) -> list["StorageView"]:
    """Of a batch, what belongs to each."""
    from ctranslate2 import StorageView

    if number == 1:
        return [encoded]
    together = np.asarray(encoded)
    return [
        StorageView.from_array(np.ascontiguousarray(together[i : i + 1])) for i in range(number)
    ]

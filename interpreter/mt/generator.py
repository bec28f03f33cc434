"""Language models in CTranslate2's format, in this process: Gemma 3, Qwen 3, EuroLLM and others."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import BusyError, ModelError, TranslationError
from ..work import Priority, Quality, Run
from . import NO_BRIEFING, Briefing, Draft, Pair, TranslatorSettings
from .ctranslate import on_device
from .llm import FIRST_TOKEN_SECONDS, TOTAL_SECONDS
from .prompts import answer, load, most_tokens
from .wording import Wording

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

_FETCH = "run: interpreter models fetch"


class GeneratorTranslator:
    """Asks for one sentence at a time; the answer streams in and can be cancelled at any time.

    Sentences wait for one another, since CTranslate2 takes none in while it answers: for many
    counters on one graphics card a server that does (vLLM) is better.

    A folder holds CTranslate2's own files and the model's `tokenizer.json`. What is said is data:
    on one line, behind instructions, and never with a control mark of the model in it.
    """

    def __init__(
        self,
        settings: TranslatorSettings,
        run: Run,
        *,
        first_token_seconds: float = FIRST_TOKEN_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        """Load the model; blocks. Raises `ModelError`, and `SettingsError` for an unknown prompt.

        `first_token_seconds` holds between two tokens as well; both limits count the wait for a
        processor and for other sentences.
        """
        self.name = settings.model
        self._pairs = settings.pairs
        self._first_token_seconds = first_token_seconds
        self._total_seconds = total_seconds
        self._tokenizer, self._end = _open_tokenizer(settings)
        self._wording = Wording(load(settings.prompt), self._tokenizer)
        self._model = on_device(settings, lambda device: _open(settings, device, self._end))
        self._run = run.on(self._model.device)

    @property
    def pairs(self) -> Mapping[Pair, Quality]:
        return self._pairs

    def asked(
        self, prompt: str, pairs: Mapping[Pair, Quality], seconds: float
    ) -> "GeneratorTranslator":
        """The same model with another prompt, for something that may take so long in all."""
        other = copy(self)
        other._pairs = pairs
        other._first_token_seconds = other._total_seconds = seconds
        other._wording = Wording(load(prompt), self._tokenizer)
        return other

    async def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncGenerator[Draft, None]:
        """Drafts that grow token by token, then the final one.

        Raises `TranslationError`: "pair-not-available"; "text-too-long"; "llm-marks", the text
        holds a control mark; "llm-busy", no place here (retryable); "translation-timeout";
        "llm-failed" for all else that is no answer.
        """
        if (source, target) not in self._pairs:
            raise TranslationError(
                "pair-not-available", f"{self.name} does not translate {source} to {target}"
            )
        tokens = self._wording.tokens(text, source, target, briefing)
        prefix = self._wording.prefix(source, target, briefing)
        if tokens[: len(prefix)] != prefix or len(tokens) == len(prefix):
            prefix = []
        sentence = _Sentence(prefix, tokens[len(prefix) :], most_tokens(text))
        began = time.monotonic()
        numbers: list[int] = []
        said = ""
        async with aclosing(self._answer(sentence)) as answering:
            async for number in answering:
                numbers.append(number)
                said = self._wording.text(numbers)
                if grown := answer(said, text):
                    yield Draft(grown, final=False, engine=self.name)
        log.debug("%d characters in %.3f s", len(text), time.monotonic() - began)
        yield Draft(answer(said, text), final=True, engine=self.name)

    async def _answer(self, sentence: "_Sentence") -> AsyncGenerator[int, None]:
        """Tokens as the model gives them, until it ends the answer itself.

        The limits strike here, while waiting, and never in what the caller does meanwhile.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self._total_seconds
        call = asyncio.ensure_future(
            self._run.batch(
                Priority.FINAL,
                self._model,
                None,
                sentence,
                self._generate,
                most=1,
                seconds=self._total_seconds,
            )
        )
        call.add_done_callback(lambda _: sentence.came.put_nowait(None))
        try:
            while True:
                async with asyncio.timeout_at(min(end, loop.time() + self._first_token_seconds)):
                    number = await sentence.came.get()
                if number is None:
                    break
                yield number
            if not await call:
                raise TranslationError("llm-failed", f"no end after {sentence.most} tokens")
        except TimeoutError:
            code = "translation-timeout" if sentence.begun else "llm-busy"
            raise TranslationError(code, f"{self.name} was too slow", retryable=True) from None
        except BusyError:
            raise TranslationError(
                "llm-busy", f"{self.name} has too much to do", retryable=True
            ) from None
        except (RuntimeError, ValueError) as error:
            raise TranslationError(
                "llm-failed", f"{self.name} failed: {type(error).__name__}"
            ) from None  # what the engine says may quote the text
        finally:
            sentence.given_up = True
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)

    def _generate(self, sentences: "Sequence[_Sentence]") -> list[bool]:
        """Whether each answer has come to its end; runs in a worker thread."""
        ends = {self._end, *self._wording.ends}
        line_ends = self._wording.line_ends

        def take(sentence: _Sentence, step: Any) -> bool:
            """A token has come, in a thread of CTranslate2's. Whether the model shall stop."""
            if step.token in ends:
                sentence.ended = True
                return True
            if step.token_id not in line_ends:
                sentence.has_words = True
            elif sentence.has_words:
                sentence.ended = True
            sentence.add(step.token_id)
            return sentence.ended or sentence.given_up

        for sentence in sentences:
            sentence.begun = True
            self._model.generate_batch(
                [sentence.tokens],
                static_prompt=sentence.prefix or None,
                end_token=list(ends),
                max_length=sentence.most,
                include_prompt_in_result=False,
                callback=partial(take, sentence),
            )
        return [sentence.ended for sentence in sentences]


class _Sentence:
    """What the model is given for a sentence, and the tokens that come out of it."""

    def __init__(self, prefix: list[str], tokens: list[str], most: int) -> None:
        """The model remembers the `prefix`, and reads the `tokens` after it."""
        self.prefix = prefix
        self.tokens = tokens
        self.most = most
        self.came: asyncio.Queue[int | None] = asyncio.Queue(most + 1)
        """Numbers of tokens, and None when there are no more."""

        self.begun = False
        self.has_words = False
        self.ended = False
        self.given_up = False
        """Nobody waits for it any more."""

        self._loop = asyncio.get_running_loop()

    def add(self, number: int) -> None:
        """A token, from another thread."""
        try:
            self._loop.call_soon_threadsafe(self.came.put_nowait, number)
        except RuntimeError:  # the event loop is closed
            self.given_up = True


def _open(settings: TranslatorSettings, device: str, end: str) -> Any:
    import ctranslate2

    model = ctranslate2.Generator(
        str(settings.path), device=device, compute_type="auto", intra_threads=settings.threads
    )
    model.generate_batch([[end]], max_length=1)
    return model


def _open_tokenizer(settings: TranslatorSettings) -> tuple["Tokenizer", str]:
    """The tokenizer, and the token that ends a text. Raises `ModelError`."""
    from tokenizers import Tokenizer

    folder = settings.path
    for name in ("tokenizer.json", "config.json", "vocabulary.json"):
        if not (folder / name).is_file():
            raise ModelError("model-missing", f"{folder / name} is missing; {_FETCH}")
    try:
        tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        end = json.loads((folder / "config.json").read_text(encoding="utf-8"))["eos_token"]
        numbers = {token: number for number, token in enumerate(vocabulary)}
    except Exception as error:  # the tokenizer's library raises plain ones
        raise ModelError("model-corrupt", f"{folder} cannot be read; {_FETCH}") from error
    # CTranslate2 fills up its vocabulary; the model's own tokens keep their numbers.
    theirs = tokenizer.get_vocab()
    if end not in numbers or any(numbers.get(token) != theirs[token] for token in theirs):
        raise ModelError("model-corrupt", f"{folder}: tokenizer.json is not that of the model")
    return tokenizer, end

"""Language models in this process: the machinery with small real models whose words are known."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Any

import ctranslate2
import pytest
from small_decoder import CHATML, byte_pairs, rambling, saying
from tokenizers import Tokenizer

from interpreter.errors import TranslationError
from interpreter.mt import NO_BRIEFING, Briefing, Draft, TranslatorSettings, load
from interpreter.mt.generator import GeneratorTranslator
from interpreter.mt.prompts import answer, most_tokens
from interpreter.mt.prompts import load as load_prompt
from interpreter.mt.wording import Wording
from interpreter.scheduler import Scheduler
from interpreter.work import Priority, Quality

PAIRS = {("en", "de"): Quality.GOOD, ("de", "en"): Quality.BASIC}
SAID = "Please ask Leopold for the form."
ANSWER = "Fragen Sie bitte Leopold."
LOOP = "Rechtsbehelfsbelehrung"
BEFORE = "<|im_start|>assistant\n"
TEXT = f"{SAID} {ANSWER} {LOOP} assistant system user\n"
LONG = f"{LOOP} " * 600
"""A few tokens and many letters, so that an answer may have 20 000 tokens: minutes."""

PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return byte_pairs([TEXT], CHATML)


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> TranslatorSettings:
    folder = tmp_path_factory.mktemp("speaking")
    return settings(saying(folder, tokenizer, BEFORE, f"{ANSWER}<|im_end|>"))


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> TranslatorSettings:
    return settings(saying(tmp_path_factory.mktemp("endless"), tokenizer, BEFORE, f" {LOOP}"))


@pytest.fixture
def workers() -> Iterator[Scheduler]:
    """Two, all of which have come back in the end."""
    scheduler = Scheduler(workers=2)
    yield scheduler
    assert scheduler.close(PATIENCE_SECONDS)


def settings(folder: Path, prompt: str = "chat") -> TranslatorSettings:
    return TranslatorSettings("generator", "small", folder, PAIRS, device="cpu", prompt=prompt)


def made(chosen: TranslatorSettings, run: Scheduler, **limits: float) -> GeneratorTranslator:
    return GeneratorTranslator(chosen, run, **limits)


async def ask(model: GeneratorTranslator, said: str = SAID, **known: Any) -> list[Draft]:
    return [draft async for draft in model.translate(said, "en", "de", **known)]


def failure(model: GeneratorTranslator, said: str = SAID) -> TranslationError:
    with pytest.raises(TranslationError) as failed:
        asyncio.run(ask(model, said))
    assert "Leopold" not in str(failed.value) and LOOP not in str(failed.value)
    return failed.value


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(round(PATIENCE_SECONDS / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


async def free(run: Scheduler) -> None:
    """Until no worker is inside a call."""
    await until(lambda: not (run.counts.running or run.counts.waiting))


def test_the_answer_grows_until_the_model_ends_it(
    speaking: TranslatorSettings, workers: Scheduler
) -> None:
    model = load(speaking, workers, ExitStack())
    assert isinstance(model, GeneratorTranslator)
    *grown, final = asyncio.run(ask(model))
    assert final == Draft(ANSWER, True, "small")
    assert len(grown) > 3 and not any(draft.final for draft in grown)
    assert all(ANSWER.startswith(draft.text) for draft in grown)
    assert [len(draft.text) for draft in grown] == sorted(len(draft.text) for draft in grown)
    assert asyncio.run(ask(model)) == [*grown, final]


def test_a_line_is_an_answer(tmp_path: Path, workers: Scheduler) -> None:
    """A base model goes on with more examples; blank lines before the answer are passed over."""
    said = f"\n\n {ANSWER}\n{LOOP}"
    tokenizer = byte_pairs([TEXT], CHATML)
    tokenizer.add_tokens(["\n\n"])  # as Gemma's
    base = settings(saying(tmp_path, tokenizer, "German:", said), "few-shot")
    *_, final = asyncio.run(ask(made(base, workers)))
    assert final.text == ANSWER


def test_quotes_that_nobody_asked_for(
    tmp_path: Path, tokenizer: Tokenizer, workers: Scheduler
) -> None:
    quoting = settings(saying(tmp_path, tokenizer, BEFORE, f"“{ANSWER}»<|im_end|>"))
    *_, final = asyncio.run(ask(made(quoting, workers)))
    assert final.text == ANSWER


def test_an_answer_without_end(endless: TranslatorSettings, workers: Scheduler) -> None:
    failed = failure(made(endless, workers))
    assert failed.code == "llm-failed"
    assert "no end after 96 tokens" in str(failed)  # 48 and 1.5 for each of 32 characters


def test_an_answer_that_takes_too_long(endless: TranslatorSettings, workers: Scheduler) -> None:
    failed = failure(made(endless, workers, total_seconds=1.0), LONG)
    assert (failed.code, failed.retryable) == ("translation-timeout", True)
    asyncio.run(free(workers))


class Hanging:
    """A model that hangs after two tokens; cannot be had otherwise."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.go_on = threading.Event()
        self.calls = 0

    def generate_batch(self, *args: Any, callback: Any, **known: Any) -> Any:
        self.calls += 1

        def take(step: Any) -> Any:
            if step.step == 2:
                self.go_on.wait(PATIENCE_SECONDS)
            return callback(step)

        return self._model.generate_batch(*args, callback=take, **known)


def test_a_model_that_hangs_between_two_tokens(
    speaking: TranslatorSettings, workers: Scheduler
) -> None:
    model = made(speaking, workers, first_token_seconds=0.5, total_seconds=60.0)
    model._model = hanging = Hanging(model._model)
    failed = failure(model)
    assert (failed.code, failed.retryable) == ("translation-timeout", True)
    hanging.go_on.set()


def test_who_gets_no_place_is_told_so_and_not_translated(
    speaking: TranslatorSettings, workers: Scheduler
) -> None:
    model = made(speaking, workers, first_token_seconds=0.3)
    model._model = hanging = Hanging(model._model)

    async def main() -> tuple[TranslationError, str]:
        first = asyncio.create_task(ask(model.asked("chat", PAIRS, PATIENCE_SECONDS)))
        await until(lambda: workers.counts.running == 1)
        with pytest.raises(TranslationError) as failed:
            await ask(model)
        hanging.go_on.set()
        text = (await first)[-1].text
        await free(workers)
        return failed.value, text

    failed, text = asyncio.run(main())
    assert hanging.calls == 1
    assert (failed.code, failed.retryable) == ("llm-busy", True)
    assert text == ANSWER


def test_sentences_wait_for_one_another_and_leave_a_worker_to_others(
    endless: TranslatorSettings, workers: Scheduler
) -> None:
    model = made(endless, workers, first_token_seconds=60.0, total_seconds=60.0)

    async def main() -> str:
        async with aclosing(model.translate(LONG, "en", "de")) as one:
            await anext(one)
            others = [asyncio.create_task(ask(model)) for _ in range(2)]
            await until(lambda: workers.counts.waiting == 2)
            said = await workers(Priority.BACKGROUND, lambda: "done", seconds=PATIENCE_SECONDS)
            assert (workers.counts.running, workers.counts.waiting) == (1, 2)
            for other in others:
                other.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        await free(workers)
        return said

    assert asyncio.run(main()) == "done"


def test_all_sentences_get_their_turn(speaking: TranslatorSettings, workers: Scheduler) -> None:
    model = made(speaking, workers, first_token_seconds=60.0, total_seconds=60.0)

    async def main() -> list[str]:
        answers = await asyncio.gather(*(ask(model) for _ in range(6)))
        return [drafts[-1].text for drafts in answers]

    assert asyncio.run(main()) == [ANSWER] * 6


def test_who_is_cancelled_stops_the_model(endless: TranslatorSettings, workers: Scheduler) -> None:
    model = made(endless, workers, first_token_seconds=60.0, total_seconds=600.0)

    async def main() -> None:
        task = asyncio.create_task(ask(model, LONG))
        await until(lambda: workers.counts.running == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await free(workers)
        assert workers.counts.stuck == 0

    asyncio.run(main())


def test_who_listens_no_longer_stops_the_model(
    endless: TranslatorSettings, workers: Scheduler
) -> None:
    model = made(endless, workers, first_token_seconds=60.0, total_seconds=600.0)

    async def main() -> None:
        answering: AsyncGenerator[Draft, None] = model.translate(LONG, "en", "de")
        async with aclosing(answering):
            async for draft in answering:
                if len(draft.text) > 3 * len(LOOP):
                    break
        await free(workers)

    asyncio.run(main())


def test_the_end_of_the_event_loop_stops_the_model(
    endless: TranslatorSettings, workers: Scheduler
) -> None:
    model = made(endless, workers, first_token_seconds=60.0, total_seconds=600.0)
    kept = []

    async def main() -> None:
        kept.append(model.translate(LONG, "en", "de"))
        await anext(kept[0])

    asyncio.run(main())
    asyncio.run(free(workers))


def test_what_the_model_remembers_changes_nothing(
    tmp_path: Path, tokenizer: Tokenizer, workers: Scheduler
) -> None:
    """The same as by hand with nothing remembered, as CTranslate2's documentation does it."""
    wording = Wording(load_prompt("chat"), tokenizer)
    assert wording.prefix("en", "de", NO_BRIEFING)
    sayings = ("Take a seat", "Leopold", "The form please", "Leopold")

    def by_hand(folder: Path) -> list[str]:
        generator = ctranslate2.Generator(str(folder), compute_type="auto")
        texts = []
        for said in sayings:
            [result] = generator.generate_batch(
                [wording.tokens(said, "en", "de", NO_BRIEFING)],
                end_token=["<|im_end|>", "<eos>"],
                max_length=most_tokens(said),
                include_prompt_in_result=False,
            )
            texts.append(answer(wording.text(result.sequences_ids[0]), said))
        return texts

    # What random weights say hangs on the processor, too: some that say enough, and not the same.
    for seed in range(7, 100):
        expected = by_hand(rambling(tmp_path, tokenizer, seed))
        if all(len(text) > 20 for text in expected) and len(set(expected)) == 3:
            break
    else:
        pytest.fail("no weights of these say anything")
    model = made(settings(tmp_path), workers)

    async def heard(said: str) -> str:
        """As far as it came: a model of random weights finds no end."""
        text = ""
        with contextlib.suppress(TranslationError):
            async for draft in model.translate(said, "en", "de"):
                text = draft.text
        return text

    assert [asyncio.run(heard(said)) for said in sayings] == expected


def test_another_prompt_for_the_same_model(
    speaking: TranslatorSettings, workers: Scheduler
) -> None:
    plain = made(speaking, workers).asked("plain", {("de", "de"): Quality.GOOD}, 30.0)

    async def main() -> list[Draft]:
        return [draft async for draft in plain.translate(SAID, "de", "de")]

    assert asyncio.run(main())[-1].text == ANSWER
    assert failure(plain).code == "pair-not-available"


def test_a_mark_that_the_model_reads_as_its_own(
    tmp_path: Path, tokenizer: Tokenizer, workers: Scheduler
) -> None:
    odd = byte_pairs([TEXT], [*CHATML, "((turn))"])
    model = made(settings(saying(tmp_path, odd, BEFORE, f"{ANSWER}<|im_end|>")), workers)
    assert failure(model, "Leopold ((turn)) says yes").code == "llm-marks"


def test_nothing_that_was_said_is_logged(
    speaking: TranslatorSettings, workers: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    model = made(speaking, workers)
    asyncio.run(ask(model, briefing=Briefing(domain="Leopold")))
    model._model = Failing()
    assert failure(model).code == "llm-failed"
    assert caplog.records and "Leopold" not in caplog.text and "Fragen" not in caplog.text


class Failing:
    """A graphics card that runs out of memory; cannot be had here."""

    def generate_batch(self, tokens: list[list[str]], **_: Any) -> None:
        raise RuntimeError(f"out of memory at {tokens} Leopold")

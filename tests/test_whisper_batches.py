"""What Whisper recognizes together with other calls is what it recognizes alone."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from interpreter.asr import Hypothesis
from interpreter.asr.whisper import WhisperRecognizer
from interpreter.asr.whisper_prompt import Speech
from interpreter.audio import RATE, Samples, resample
from interpreter.connection import Engines
from interpreter.scheduler import Scheduler
from interpreter.work import Priority


@dataclass(frozen=True)
class Said:
    text: str
    language: str
    hotwords: tuple[str, ...] = ()
    committed: str = ""


FOUR = [
    Said("Please bring your passport to the counter on Monday.", "en"),
    Said("A biblioteca fica no segundo andar, ao lado da escada.", "pt"),
    Said("The bus leaves every ten minutes.", "en", committed="The bus"),
    Said("La oficina abre el lunes por la mañana.", "es"),
]


async def voiced(engines: Engines, said: Said) -> Samples:
    return np.concatenate(
        [
            resample(sound.samples, sound.rate, RATE)
            async for sound in engines.synthesizer.synthesize(said.text, said.language)
        ]
    )


@pytest.fixture(scope="module")
def recognizer(engines: Engines) -> WhisperRecognizer:
    assert isinstance(engines.recognizer, WhisperRecognizer)
    return engines.recognizer


def sizes_of_batches(recognizer: WhisperRecognizer, patch: pytest.MonkeyPatch) -> list[int]:
    """Of all calls from now on."""
    sizes: list[int] = []
    hear = recognizer._hear

    def noting(speeches: Sequence[Speech]) -> list[Hypothesis]:
        sizes.append(len(speeches))
        return hear(speeches)

    patch.setattr(recognizer, "_hear", noting)
    return sizes


async def recognized(
    recognizer: WhisperRecognizer, run: Scheduler, said: Sequence[Said], sounds: Sequence[Samples]
) -> list[Hypothesis]:
    """All at the same time: they wait until both workers are free."""
    opened, entered = threading.Event(), threading.Semaphore(0)

    def stay() -> None:
        entered.release()
        assert opened.wait(20)

    gates = [asyncio.create_task(run(Priority.FINAL, stay)) for _ in range(2)]
    for _ in gates:
        assert await asyncio.to_thread(entered.acquire, timeout=10)
    tasks = [
        asyncio.create_task(
            recognizer.recognize(
                sound,
                {"en": 0.5, "pt": 0.5, "es": 0.5},
                hotwords=each.hotwords,
                committed=each.committed,
            )
        )
        for each, sound in zip(said, sounds, strict=True)
    ]
    await asyncio.sleep(0)  # so that each gets as far as to wait
    assert run.counts.waiting == len(tasks)
    opened.set()
    await asyncio.gather(*gates)
    return list(await asyncio.gather(*tasks))


def alike(one: Hypothesis, other: Hypothesis) -> bool:
    return (
        (one.text, one.language) == (other.text, other.language)
        and abs(one.log_probability - other.log_probability) < 0.01
        and abs(one.language_probability - other.language_probability) < 0.01
        and len(one.words) == len(other.words)
        and all(
            a.text == b.text and abs(a.start - b.start) <= 0.02 and abs(a.end - b.end) <= 0.02
            for a, b in zip(one.words, other.words, strict=True)
        )
    )


def test_together_is_as_alone(
    engines: Engines, run: Scheduler, recognizer: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = sizes_of_batches(recognizer, monkeypatch)

    async def main() -> None:
        sounds = [await voiced(engines, said) for said in FOUR]
        alone = [
            (await recognized(recognizer, run, [said], [sound]))[0]
            for said, sound in zip(FOUR, sounds, strict=True)
        ]
        assert len({heard.language for heard in alone}) > 1
        assert all(heard.text for heard in alone)
        together = await recognized(recognizer, run, FOUR, sounds)
        assert sizes == [1, 1, 1, 1, 4]
        for one, other in zip(alone, together, strict=True):
            assert alike(one, other), (one, other)

    asyncio.run(main())


def test_hotwords_of_different_length_are_no_obstacle(
    engines: Engines,
    run: Scheduler,
    recognizer: WhisperRecognizer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """CTranslate2 wants the texts of a batch to begin at the same position."""
    sizes = sizes_of_batches(recognizer, monkeypatch)
    said = [
        Said("Mrs. Kowalczyk has the key.", "en", ("Kowalczyk",)),
        Said("The key is downstairs.", "en"),
        Said("Please ask Mr. Kowalczyk.", "en", ("Kowalczyk",)),
        Said("Nobody has seen it.", "en"),
    ]

    async def main() -> None:
        sounds = [await voiced(engines, each) for each in said]
        alone = [
            (await recognized(recognizer, run, [each], [sound]))[0]
            for each, sound in zip(said, sounds, strict=True)
        ]
        together = await recognized(recognizer, run, said, sounds)
        for one, other in zip(alone, together, strict=True):
            assert one.text
            assert alike(one, other), (one, other)

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    assert sizes == [1, 1, 1, 1, 2, 2]  # and none of them failed and was tried alone


def test_a_machine_that_is_behind_follows_one_text_at_a_time(
    engines: Engines, recognizer: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    beams: list[int] = []
    hear = recognizer._hear

    def noting(speeches: Sequence[Speech]) -> list[Hypothesis]:
        beams.extend(speech.beam for speech in speeches)
        return hear(speeches)

    async def main() -> None:
        now = 100.0
        scheduler, opened = Scheduler(workers=1, clock=lambda: now), threading.Event()
        monkeypatch.setattr(recognizer, "_run", scheduler)
        monkeypatch.setattr(recognizer, "_hear", noting)
        sound = await voiced(engines, FOUR[0])
        gates = [
            asyncio.create_task(scheduler(Priority.FINAL, lambda: opened.wait(20)))
            for _ in range(2)
        ]
        await asyncio.sleep(0.05)
        now += 10.0
        waiting = asyncio.create_task(recognizer.recognize(sound, {"en": 1.0}))
        await asyncio.sleep(0.05)
        opened.set()
        await asyncio.gather(*gates)
        assert (await waiting).text
        now += 10.0
        assert (await recognizer.recognize(sound, {"en": 1.0})).text
        assert scheduler.close(5)

    asyncio.run(main())
    assert beams == [1, 3]

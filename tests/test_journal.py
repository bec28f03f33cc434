import asyncio
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from interpreter import record
from interpreter.corrections import as_typed
from interpreter.events import (
    Event,
    Failure,
    Notice,
    Party,
    Rephrased,
    SpeechChunk,
    Transcript,
    Translation,
)
from interpreter.journal import Journal
from interpreter.work import Quality


def chunk(utterance: int = 1, size: int = 100) -> SpeechChunk:
    return SpeechChunk(utterance, Party.STAFF, np.zeros(size, np.int16), 24_000)


async def read(journal: Journal, after: int = 0) -> list[int]:
    return [entry.number async for entry in journal.follow(after)]


def test_numbers_rise_by_one_and_followers_see_them_all() -> None:
    async def main() -> None:
        journal = Journal()
        follower = asyncio.create_task(read(journal))
        numbers = []
        for _ in range(5):
            numbers.append(journal.append(Notice("x")))
            await asyncio.sleep(0)
        late = asyncio.create_task(read(journal, after=3))
        await asyncio.sleep(0)
        journal.close()
        assert numbers == [1, 2, 3, 4, 5] == await follower
        assert await late == [4, 5]

    asyncio.run(main())


def test_the_oldest_are_forgotten_and_a_slow_follower_sees_the_jump() -> None:
    async def main() -> None:
        journal = Journal(longest=3)
        for _ in range(10):
            journal.append(Notice("x"))
        journal.close()
        assert journal.first == 8
        assert await read(journal) == [8, 9, 10]

    asyncio.run(main())


def test_old_voices_go_before_words_do() -> None:
    async def main() -> list[Event | None]:
        journal = Journal(audio_bytes=400)  # two chunks
        for number in range(4):
            journal.append(chunk())
            journal.append(Notice(str(number)))
        journal.close()
        return [entry.event async for entry in journal.follow(0)]

    events = asyncio.run(main())
    assert [event is None for event in events] == [True, False, True, False] + [False] * 4
    assert [event.code for event in events if isinstance(event, Notice)] == ["0", "1", "2", "3"]


def spoken(utterance: int) -> list[Event]:
    """An utterance that was put into plain language, translated, and said."""
    said = as_typed(utterance, 1, Party.STAFF, "en", f"Sentence {utterance}.")
    told = Translation(
        utterance, 1, Party.STAFF, "en", "pt", f"Frase {utterance}.", 5, "llm", Quality.GOOD, True
    )
    return [
        replace(said, final=False),
        said,
        Rephrased(utterance, 1, f"Plain {utterance}.", "llm"),
        replace(told, final=False),
        told,
        Failure("synthesis-failed", False, utterance),
        *[chunk(utterance)] * 10,
    ]


def test_what_was_said_stays_when_voices_and_drafts_have_gone() -> None:
    async def main() -> None:
        journal = Journal(longest=20)
        for utterance in range(1, 9):
            for event in spoken(utterance):
                journal.append(event)
        journal.append(Failure("internal-error", False, None))
        journal.close()
        lines = record.lines(journal.past())
        assert [each.transcript.text for each in lines] == [f"Sentence {n}." for n in range(1, 9)]
        assert [each.plain for each in lines] == [f"Plain {n}." for n in range(1, 9)]
        assert [each.translation.text for each in lines if each.translation] == [
            f"Frase {n}." for n in range(1, 9)
        ]
        numbers = [each.number for each in journal.past()]
        assert numbers == sorted(set(numbers))
        old = [each.event for each in journal.past() if each.number < journal.first]
        assert {type(each) for each in old} == {Transcript, Translation, Rephrased, Failure}
        assert len(await read(journal)) == 20

    asyncio.run(main())


def test_what_was_said_has_a_limit_too() -> None:
    async def main() -> None:
        journal = Journal(longest=1, texts=3)
        for utterance in range(9):
            journal.append(as_typed(utterance, 1, Party.STAFF, "en", "Yes."))
        assert [each.number for each in journal.past()] == [6, 7, 8, 9]

    asyncio.run(main())


@given(st.lists(st.integers(1, 400), max_size=60), st.integers(1, 20), st.integers(0, 2000))
def test_it_never_holds_more_than_it_may(sizes: list[int], longest: int, audio_bytes: int) -> None:
    async def main() -> None:
        journal = Journal(longest, audio_bytes)
        for size in sizes:
            journal.append(chunk(size=size) if size % 3 else Notice("x"))
            held = [e.event for e in journal.past() if isinstance(e.event, SpeechChunk)]
            assert sum(event.samples.nbytes for event in held) <= audio_bytes
            assert len(journal.past()) <= longest
        assert [entry.number for entry in journal.past()] == list(
            range(journal.first, journal.last + 1)
        )

    asyncio.run(main())

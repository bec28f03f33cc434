"""What is played on a telephone line: in order, little ahead, and gone when it is dropped."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np
import pytest
from telephones_in_memory import Telephone

from interpreter.audio import Samples, silence
from interpreter.channels.phone.announcements import Announcements
from interpreter.channels.phone.leg import HungUp, Leg
from interpreter.channels.phone.playback import Change, Playback
from interpreter.connection import Engines

# Playing ------------------------------------------------------------------------------------------


class Deaf(Telephone):
    """A line that never tells that anything was heard."""

    async def mark(self, name: str) -> None:
        pass


@contextlib.asynccontextmanager
async def playing(telephone: Telephone) -> AsyncIterator[Playback]:
    playback = Playback(telephone, Change())
    task = asyncio.create_task(playback.run())
    try:
        yield playback
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def sound(seconds: float) -> Samples:
    return np.arange(round(8_000 * seconds), dtype=np.int16)


def test_little_is_given_ahead() -> None:
    async def play() -> None:
        telephone = Deaf()
        async with playing(telephone) as playback:
            playback.add(sound(10), 1, last=True)
            await asyncio.sleep(0.1)
            assert 2.0 <= len(telephone.heard) / 8_000 <= 2.6
            await playback.drop(2)
            assert (telephone.flushed, playback.idle) == (0, False)
            await playback.drop(1)
            assert (telephone.flushed, playback.idle) == (1, True)
            await playback.drop(1)
            assert telephone.flushed == 1

    asyncio.run(play())


def test_a_line_that_tells_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        telephone = Deaf()
        async with playing(telephone) as playback:
            playback.add(sound(4), 1, last=True)
            async with asyncio.timeout(10):
                while not playback.idle:  # noqa: ASYNC110  # no event tells
                    await asyncio.sleep(0.01)
            assert np.array_equal(telephone.heard, sound(4))

    monkeypatch.setattr("interpreter.channels.phone.playback._LATE_SECONDS", -2.0)
    asyncio.run(play())


def test_what_waits_is_bounded() -> None:
    async def play() -> None:
        playback = Playback(Deaf(), Change())
        for utterance in range(1, 40):
            playback.add(sound(10), utterance, last=True)
        assert 179 < playback.ahead_seconds <= 180

    asyncio.run(play())


def test_nothing_is_lost_or_turned_round_in_a_real_line() -> None:
    async def play() -> None:
        telephone, heard = Telephone(patient=True), list[tuple[int, float]]()
        playback = Playback(telephone, change := Change())
        playback.heard = lambda utterance, seconds: heard.append((utterance, round(seconds, 2)))

        async def listen() -> None:
            async for event in telephone.events():
                if hasattr(event, "mark"):
                    playback.reached(event.mark)

        tasks = [asyncio.create_task(listen()), asyncio.create_task(playback.run())]
        whole = sound(1.5)
        for start in range(0, len(whole), 800):
            playback.add(whole[start : start + 800], 7, last=start + 800 >= len(whole))
        playback.add(silence(0.1, 8_000), 8, last=True)
        async with asyncio.timeout(10):
            await change.until(lambda: playback.idle)
        assert np.array_equal(telephone.heard[: len(whole)], whole)
        assert heard[-2:] == [(7, 1.5), (8, 0.1)]
        await telephone.hang_up()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(play())


def test_a_line_that_breaks_has_ended(engines: Engines) -> None:
    class Broken(Telephone):
        async def play(self, samples: Samples) -> None:
            raise RuntimeError("for the test")

    async def call() -> None:
        telephone = Broken()
        leg = Leg(telephone, Announcements(engines.synthesizer), "en")
        running = asyncio.create_task(leg.run())
        with pytest.raises(HungUp):
            await leg.say(leg.words("phone-back"))
        await running
        assert leg.gone
        await leg.hang_up()
        assert telephone.ended

    asyncio.run(call())

"""A machine that has more to do than it can: who is told, who is refused, and that it ends."""

import asyncio
import contextlib
import dataclasses
import json
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from in_process import Running, receive_final, receive_until, running
from test_conversation import joined, say, speak, voiced

from interpreter.asr import Hypothesis, Recognizer
from interpreter.audio import RATE, Samples
from interpreter.channels import protocol
from interpreter.connection import Engines
from interpreter.events import TurnTaking
from interpreter.scheduler import Scheduler
from interpreter.settings import ServerSettings, Settings
from interpreter.work import Priority, conversation


class Clock:
    """Monotonic seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def ready(house: Running) -> dict[str, Any]:
    with urllib.request.urlopen(f"{house.address}/readyz", timeout=10) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


@contextlib.asynccontextmanager
async def overload(scheduler: Scheduler, clock: Clock) -> AsyncIterator[None]:
    """More calls than workers, that have waited for four seconds."""
    entered, opened = threading.Event(), threading.Event()

    def stay() -> None:
        entered.set()
        assert opened.wait(20)

    calls = [asyncio.create_task(scheduler(Priority.FINAL, stay)) for _ in range(5)]
    await asyncio.to_thread(entered.wait, 10)
    clock.now += 4.0
    yield
    opened.set()
    await asyncio.gather(*calls)
    clock.now += 6.0


def test_people_are_told_once_and_nobody_new_is_taken(engines: Engines) -> None:
    async def main(house: Running, scheduler: Scheduler, clock: Clock) -> None:
        tokens = house.open()
        async with joined(house, tokens["staff"]) as (staff, _):
            assert ready(house)["calls"]["waiting"] == 0
            async with overload(scheduler, clock):
                notice = await receive_until(staff, protocol.NoticeMessage)
                assert notice.code == "machine-behind"
                with pytest.raises(urllib.error.HTTPError) as refused:
                    house.open()
                with refused.value as answer:
                    told = json.load(answer)
                assert (answer.code, told["code"]) == (503, "overloaded")
                assert "try again" in told["message"]
                state = ready(house)
                assert (state["behind"], state["room_for"]) == (True, 0)
                assert state["calls"] == {"waiting": 4, "running": 1, "dropped": 0, "stuck": 0}
                await asyncio.sleep(2.5)  # it looks each second
            notice = await receive_until(staff, protocol.NoticeMessage)
            assert notice.code == "machine-recovered"
            assert ready(house)["room_for"] > 0
            house.open()

    clock = Clock()
    scheduler = Scheduler(workers=1, clock=clock)
    with running(dataclasses.replace(engines, run=scheduler)) as house:
        asyncio.run(main(house, scheduler, clock))
    assert scheduler.close(5)


def test_a_full_house_says_what_to_do(engines: Engines) -> None:
    with running(engines, Settings(server=ServerSettings(conversations=1))) as house:
        house.open()
        with pytest.raises(urllib.error.HTTPError) as refused:
            house.open()
        with refused.value as answer:
            message = json.load(answer)["message"]
    assert "server.conversations" in message


@dataclasses.dataclass
class Noting:
    """A recognizer that notes for whom it works."""

    recognizer: Recognizer
    name: str
    notice: str | None
    languages: Any
    seen: set[tuple[str, Priority]] = dataclasses.field(default_factory=set)

    async def recognize(
        self,
        samples: Samples,
        languages: Mapping[str, float],
        *,
        priority: Priority = Priority.FINAL,
        **more: Any,
    ) -> Hypothesis:
        self.seen.add((conversation.get(), priority))
        return await self.recognizer.recognize(samples, languages, priority=priority, **more)

    async def identify(self, samples: Samples, languages: Sequence[str]) -> dict[str, float]:
        return await self.recognizer.identify(samples, languages)


def test_every_call_is_made_for_its_conversation(engines: Engines) -> None:
    """So that one conversation's calls do not keep those of others waiting."""
    inner = engines.recognizer
    noting = Noting(inner, inner.name, inner.notice, inner.languages)

    async def main(house: Running) -> None:
        samples = await voiced(engines, "Please bring your passport to the counter.", "en")
        for _ in range(2):
            async with joined(
                house,
                house.open()["staff"],
                microphone_rate=RATE,
                turn_taking=TurnTaking.OWN_MICROPHONE,
            ) as (websocket, _):
                await speak(websocket, samples)
                heard = await receive_final(websocket, protocol.TranscriptMessage)
                assert "passport" in heard.text
                await say(websocket, protocol.Correct(heard.utterance, "Bring a pen."))
                await receive_final(websocket, protocol.TranslationMessage)

    with running(dataclasses.replace(engines, recognizer=noting)) as house:
        noting.seen.clear()  # the models were tried out before
        asyncio.run(main(house))
    names = {name for name, _ in noting.seen}
    assert len(names) == 2
    assert all(name.startswith("c_") for name in names)

"""Which of several conversations is served next; their calls end when a test says so."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from interpreter.errors import BusyError
from interpreter.scheduler import Scheduler
from interpreter.work import Priority, conversation


class Held:
    """Calls that note their names and go on one by one."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.entered = threading.Semaphore(0)
        self.may_go: dict[str, threading.Event] = {}

    def call(self, name: str) -> Callable[[], str]:
        go = self.may_go[name] = threading.Event()

        def stay() -> str:
            self.order.append(name)
            self.entered.release()
            assert go.wait(10)
            return name

        return stay

    async def wait_for_one_more(self) -> str:
        assert await asyncio.to_thread(self.entered.acquire, timeout=10)
        return self.order[-1]

    def let_all_go(self) -> None:
        for go in self.may_go.values():
            go.set()


def task_of(name: str, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    async def named() -> Any:
        conversation.set(name)
        return await work

    return asyncio.create_task(named())


def test_a_call_that_still_runs_counts() -> None:
    """Else a conversation that begins with long calls gets every worker before another gets one."""

    async def main() -> None:
        now = 100.0
        scheduler, held = Scheduler(workers=2, clock=lambda: now), Held()

        def submit(owner: str, name: str) -> "asyncio.Task[Any]":
            return task_of(owner, scheduler(Priority.FINAL, held.call(name)))

        tasks = [submit("loud", "loud 1")]
        await held.wait_for_one_more()
        tasks.append(submit("other", "other 1"))
        await held.wait_for_one_more()
        tasks += [submit("loud", "loud 2"), submit("quiet", "quiet 1")]
        await asyncio.sleep(0.01)
        assert scheduler.counts.waiting == 2
        now += 1.0
        held.may_go["other 1"].set()
        assert await held.wait_for_one_more() == "quiet 1"
        held.let_all_go()
        await asyncio.gather(*tasks)
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_beyond_the_limit_the_conversation_that_floods_is_refused() -> None:
    async def main() -> None:
        scheduler, held = Scheduler(workers=1, limit=3), Held()
        first = task_of("loud", scheduler(Priority.FINAL, held.call("first")))
        await held.wait_for_one_more()
        loud = [task_of("loud", scheduler(Priority.FINAL, lambda: "loud")) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert scheduler.counts.waiting == 3
        quiet = task_of("quiet", scheduler(Priority.FINAL, lambda: "quiet"))
        with pytest.raises(BusyError):
            await loud[-1]
        with pytest.raises(BusyError):
            await task_of("loud", scheduler(Priority.FINAL, lambda: "one more"))
        held.let_all_go()
        assert await asyncio.gather(first, *loud[:2], quiet) == ["first", "loud", "loud", "quiet"]
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_what_calls_took_counts_and_not_how_many_there_were() -> None:
    async def main() -> None:
        now = 100.0
        scheduler, held = Scheduler(workers=1, clock=lambda: now), Held()

        def lasting(seconds: float) -> Callable[[], None]:
            def call() -> None:
                nonlocal now
                now += seconds

            return call

        await task_of("long", scheduler(Priority.FINAL, lasting(3.0)))
        for _ in range(4):
            await task_of("short", scheduler(Priority.FINAL, lasting(0.1)))
        tasks = [task_of("none", scheduler(Priority.BACKGROUND, held.call("first")))]
        await held.wait_for_one_more()
        for name in ("long", "short", "new"):
            tasks.append(task_of(name, scheduler(Priority.FINAL, held.call(name))))
            held.may_go[name].set()
        tasks.append(task_of("new", scheduler(Priority.SPEECH, held.call("new, less urgent"))))
        await asyncio.sleep(0.01)
        held.let_all_go()
        await asyncio.gather(*tasks)
        assert held.order == ["first", "new", "short", "long", "new, less urgent"]
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 20))

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from interpreter.errors import BusyError
from interpreter.scheduler import Scheduler
from interpreter.work import Priority


class Gate:
    """Keeps a worker inside a call until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        assert self.opened.wait(10)
        return "through"


def wait_for_threads(number: int) -> None:
    while threading.active_count() > number + 1:  # this one counts as well
        time.sleep(0.01)


def test_the_urgent_goes_first_and_equals_in_their_order() -> None:
    async def main() -> list[str]:
        scheduler, gate, order = Scheduler(workers=1), Gate(), []

        def note(name: str) -> Callable[[], None]:
            return lambda: order.append(name)

        tasks = [asyncio.create_task(scheduler(Priority.SPEECH, gate))]
        await asyncio.to_thread(gate.entered.wait)
        for priority, name in [
            (Priority.BACKGROUND, "background"),
            (Priority.SPEECH, "speech 1"),
            (Priority.FINAL, "final 1"),
            (Priority.SPEECH, "speech 2"),
            (Priority.FINAL, "final 2"),
        ]:
            tasks.append(asyncio.create_task(scheduler(priority, note(name))))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(*tasks)
        scheduler.close()
        return order

    assert asyncio.run(main()) == ["final 1", "final 2", "speech 1", "speech 2", "background"]


def test_at_the_limit_the_least_urgent_gives_way() -> None:
    async def main() -> None:
        scheduler, gate = Scheduler(workers=1, limit=2), Gate()
        first = asyncio.create_task(scheduler(Priority.FINAL, gate))
        await asyncio.to_thread(gate.entered.wait)
        speech = asyncio.create_task(scheduler(Priority.SPEECH, lambda: "speech"))
        background = asyncio.create_task(scheduler(Priority.BACKGROUND, lambda: "background"))
        await asyncio.sleep(0)
        final = asyncio.create_task(scheduler(Priority.FINAL, lambda: "final"))
        with pytest.raises(BusyError) as refused:
            await background
        assert refused.value.code == "overloaded"
        assert refused.value.retryable
        with pytest.raises(BusyError):
            await scheduler(Priority.BACKGROUND, lambda: "one more")
        gate.opened.set()
        assert [await first, await speech, await final] == ["through", "speech", "final"]
        scheduler.close()

    asyncio.run(main())


def test_a_stuck_call_is_given_up_and_its_worker_replaced() -> None:
    async def main() -> None:
        scheduler, gate = Scheduler(workers=1), Gate()
        before = threading.active_count()
        with pytest.raises(TimeoutError):
            await scheduler(Priority.FINAL, gate, seconds=0.05)
        assert await scheduler(Priority.FINAL, lambda: "next", seconds=5) == "next"
        gate.opened.set()
        await asyncio.to_thread(wait_for_threads, before)  # the stuck one retires
        assert await scheduler(Priority.FINAL, lambda: "still here", seconds=5) == "still here"
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_cancelled_call_that_waits_is_never_run() -> None:
    async def main() -> bool:
        scheduler, gate, ran = Scheduler(workers=1), Gate(), threading.Event()
        first = asyncio.create_task(scheduler(Priority.FINAL, gate))
        await asyncio.to_thread(gate.entered.wait)
        second = asyncio.create_task(scheduler(Priority.FINAL, ran.set))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        gate.opened.set()
        await first
        await scheduler(Priority.BACKGROUND, lambda: None)
        scheduler.close()
        return ran.is_set()

    assert not asyncio.run(main())


def test_errors_reach_the_caller_and_the_worker_goes_on() -> None:
    def fail() -> None:
        raise ValueError("no")

    async def main() -> None:
        scheduler = Scheduler(workers=1)
        with pytest.raises(ValueError, match="no"):
            await scheduler(Priority.FINAL, fail)
        assert await scheduler(Priority.FINAL, lambda: 1) == 1
        scheduler.close()
        with pytest.raises(BusyError):
            await scheduler(Priority.FINAL, lambda: 1)

    asyncio.run(main())


def test_the_event_loop_runs_on_while_a_call_blocks() -> None:
    async def main() -> int:
        scheduler, turns = Scheduler(workers=1), 0
        blocking = asyncio.create_task(scheduler(Priority.FINAL, lambda: time.sleep(0.2)))
        while not blocking.done():
            await asyncio.sleep(0.005)
            turns += 1
        scheduler.close()
        return turns

    assert asyncio.run(main()) > 5

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextvars import copy_context
from typing import Any, TypeVar

import pytest

from interpreter.errors import BusyError
from interpreter.scheduler import Scheduler
from interpreter.work import Counts, Priority, conversation

T = TypeVar("T")


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
            # One list for calls of different results, which nobody reads.
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


def as_conversation(name: str, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Work done for a conversation."""
    context = copy_context()
    context.run(conversation.set, name)
    return asyncio.create_task(work, context=context)


def test_a_conversation_that_floods_does_not_delay_another() -> None:
    async def main() -> list[str]:
        scheduler, order = Scheduler(workers=1), []

        def note(name: str) -> Callable[[], None]:
            def call() -> None:
                time.sleep(0.01)
                order.append(name)

            return call

        flood = [
            as_conversation("loud", scheduler(Priority.FINAL, note("loud"))) for _ in range(10)
        ]
        await flood[0]
        await as_conversation("quiet", scheduler(Priority.FINAL, note("quiet")))
        await asyncio.gather(*flood)
        scheduler.close()
        return order

    order = asyncio.run(main())
    assert sorted(order) == ["loud"] * 10 + ["quiet"]
    assert order.index("quiet") <= 3  # after what was running when it came


def test_partial_work_is_never_queued() -> None:
    async def main() -> None:
        scheduler, gate = Scheduler(workers=1), Gate()
        assert await until_accepted(scheduler) == "heard"
        first = asyncio.create_task(scheduler(Priority.SPEECH, gate))
        await asyncio.to_thread(gate.entered.wait)
        with pytest.raises(BusyError):
            await scheduler(Priority.PARTIAL, lambda: "late")
        assert scheduler.counts.waiting == 0
        gate.opened.set()
        await first
        scheduler.close()

    async def until_accepted(scheduler: Scheduler) -> str:
        while True:  # the worker may not have got so far as to wait
            try:
                return await scheduler(Priority.PARTIAL, lambda: "heard")
            except BusyError:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 10))


def test_while_the_machine_is_behind_there_is_no_partial_work() -> None:
    async def main() -> None:
        now = 100.0
        scheduler, gates = Scheduler(workers=2, clock=lambda: now), [Gate(), Gate()]
        speech = [asyncio.create_task(scheduler(Priority.SPEECH, gate)) for gate in gates]
        for gate in gates:  # a worker that has not begun yet would take what is more urgent
            await asyncio.to_thread(gate.entered.wait)
        final = asyncio.create_task(scheduler(Priority.FINAL, lambda: "final"))
        await asyncio.sleep(0.05)
        assert not scheduler.behind
        now = 103.5
        assert scheduler.behind
        for gate in gates:
            gate.opened.set()
        await asyncio.gather(*speech, final)
        with pytest.raises(BusyError, match="behind"):
            await scheduler(Priority.PARTIAL, lambda: "late")
        assert await scheduler(Priority.FINAL, lambda: "final") == "final"
        now = 109.0
        assert not scheduler.behind
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_busy_graphics_card_does_not_delay_the_processor() -> None:
    async def main() -> None:
        scheduler, gate = Scheduler(workers=1), Gate()
        card = scheduler.on("cuda")
        assert scheduler.on("cpu") is scheduler
        assert scheduler.on("cuda") is card
        first = asyncio.create_task(card(Priority.FINAL, gate))
        second = asyncio.create_task(card(Priority.FINAL, lambda: "second"))
        await asyncio.to_thread(gate.entered.wait)
        assert await scheduler(Priority.BACKGROUND, lambda: "processor") == "processor"
        assert scheduler.counts.waiting == 1
        gate.opened.set()
        assert [await first, await second] == ["through", "second"]
        assert scheduler.close(5)

    asyncio.run(asyncio.wait_for(main(), 10))


def batched(scheduler: Scheduler, work: Callable[[Sequence[int]], list[int]], item: int) -> Any:
    return scheduler.batch(Priority.FINAL, "engine", "shape", item, work, most=3)


def test_what_waits_is_done_together() -> None:
    async def main() -> list[list[int]]:
        scheduler, gate, batches = Scheduler(workers=2), Gate(), []

        def work(items: Sequence[int]) -> list[int]:
            batches.append(list(items))
            if 0 in items:
                gate()
            return [10 * item for item in items]

        first = asyncio.create_task(batched(scheduler, work, 0))
        await asyncio.to_thread(gate.entered.wait)
        rest = [asyncio.create_task(batched(scheduler, work, item)) for item in range(1, 6)]
        other = await scheduler(Priority.SPEECH, lambda: "another engine goes on meanwhile")
        assert other
        gate.opened.set()
        assert await asyncio.gather(first, *rest) == [0, 10, 20, 30, 40, 50]
        scheduler.close()
        return batches

    assert asyncio.run(asyncio.wait_for(main(), 10)) == [[0], [1, 2, 3], [4, 5]]


def test_one_that_fails_does_not_take_the_others_with_it() -> None:
    async def main() -> list[object]:
        scheduler, gate = Scheduler(workers=1), Gate()

        def work(items: Sequence[int]) -> list[int]:
            if 2 in items:
                raise ValueError("two")
            return [10 * item for item in items]

        first = asyncio.create_task(scheduler(Priority.FINAL, gate))
        await asyncio.to_thread(gate.entered.wait)
        rest = [asyncio.create_task(batched(scheduler, work, item)) for item in (1, 2, 3)]
        await asyncio.sleep(0)
        gate.opened.set()
        await first
        results: list[object] = list(await asyncio.gather(*rest, return_exceptions=True))
        scheduler.close()
        return results

    one, two, three = asyncio.run(asyncio.wait_for(main(), 10))
    assert (one, three) == (10, 30)
    assert isinstance(two, ValueError)


def test_a_stuck_engine_is_given_up_and_tried_again() -> None:
    async def main() -> None:
        scheduler, gate = Scheduler(workers=1), Gate()

        def work(items: Sequence[int]) -> list[int]:
            if 0 in items:
                gate()
            return list(items)

        with pytest.raises(TimeoutError):
            await scheduler.batch(Priority.FINAL, "e", "s", 0, work, most=2, seconds=0.05)
        assert await scheduler.batch(Priority.FINAL, "e", "s", 1, work, most=2, seconds=5) == 1
        gate.opened.set()
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_stuck_call_whose_caller_was_cancelled_is_replaced_as_well() -> None:
    async def main() -> None:
        scheduler, gate = Scheduler(workers=1), Gate()
        stuck = asyncio.create_task(scheduler(Priority.FINAL, gate, seconds=0.2))
        await asyncio.to_thread(gate.entered.wait)
        stuck.cancel()
        await asyncio.gather(stuck, return_exceptions=True)
        assert await scheduler(Priority.FINAL, lambda: "next", seconds=5) == "next"
        assert scheduler.counts.stuck == 1
        gate.opened.set()
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_call_that_has_hardly_begun_is_not_stuck() -> None:
    """Its caller goes for having waited long; more workers would make an overload worse."""

    async def main() -> None:
        scheduler, first, second = Scheduler(workers=1), Gate(), Gate()
        waited_for = asyncio.create_task(scheduler(Priority.FINAL, first))
        await asyncio.to_thread(first.entered.wait)
        late = asyncio.create_task(scheduler(Priority.FINAL, second, seconds=3.0))
        await asyncio.sleep(1.5)
        first.opened.set()
        await waited_for
        await asyncio.to_thread(second.entered.wait)
        with pytest.raises(TimeoutError):
            await late
        assert scheduler.counts == Counts(waiting=0, running=1, dropped=0, stuck=0)
        second.opened.set()
        assert await scheduler(Priority.FINAL, lambda: "next") == "next"
        assert scheduler.counts == Counts()
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_batch_that_gives_too_few_results_is_tried_one_by_one() -> None:
    async def main() -> None:
        scheduler, gate = Scheduler(workers=1), Gate()

        def work(items: Sequence[int]) -> list[int]:
            return [10 * items[0]]

        first = asyncio.create_task(scheduler(Priority.FINAL, gate))
        await asyncio.to_thread(gate.entered.wait)
        rest = [asyncio.create_task(batched(scheduler, work, item)) for item in (1, 2, 3)]
        await asyncio.sleep(0)
        gate.opened.set()
        await first
        assert await asyncio.gather(*rest) == [10, 20, 30]
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_partial_calls_that_are_refused_are_counted() -> None:
    async def main() -> None:
        scheduler, gate = Scheduler(workers=1), Gate()
        first = asyncio.create_task(scheduler.on("cuda")(Priority.FINAL, gate))
        await asyncio.to_thread(gate.entered.wait)
        for _ in range(2):
            with pytest.raises(BusyError):
                await scheduler.on("cuda")(Priority.PARTIAL, lambda: "late")
        assert scheduler.counts == Counts(waiting=0, running=1, dropped=2, stuck=0)
        gate.opened.set()
        await first
        scheduler.close()

    asyncio.run(asyncio.wait_for(main(), 10))

"""Who gets a processor next: a bounded queue for each device, and worker threads behind it."""

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import BusyError
from .load import Load, Shares
from .work import Counts, Priority, conversation

log = logging.getLogger(__name__)
T = TypeVar("T")
Item = TypeVar("Item")

_URGENT = (Priority.FINAL, Priority.SPEECH)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What can be done together, and how often at the same time."""

    engine: Hashable
    shape: Hashable
    most: int
    at_once: int


@dataclass(slots=True, eq=False)
class _Call:
    """Something to do for one item, perhaps together with others of its kind."""

    priority: Priority
    number: int
    """First come, first served among equals."""

    owner: str
    since: float
    kind: _Kind | None
    item: Any
    work: Callable[[Sequence[Any]], Sequence[Any]]
    seconds: float
    """How long it may take, once it has begun, before its worker counts as stuck."""

    result: "Future[Any]" = field(default_factory=Future)


@dataclass(slots=True, eq=False)
class _Run:
    """A worker inside calls."""

    engine: Hashable
    calls: list[_Call]
    since: float
    given_up: bool = False
    """It is stuck, and the worker has been replaced."""


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


class Scheduler:
    """Runs blocking calls in worker threads; is a `work.Run` for the processor, `on` for others.

    The most urgent call goes first; among equals one of the conversation that has had the least
    processor time lately. `PARTIAL` calls never wait: while no worker is free, an urgent call
    waits, or the machine is behind, they are refused.

    Beyond `limit` waiting calls the last in that order is refused, the new one or another: its
    caller gets a `BusyError` ("overloaded"), and nothing waits without end. A call that outlives
    its time is given up by its caller; its thread cannot be killed, so another takes its place and
    the stuck one retires when it comes back.
    """

    def __init__(
        self,
        workers: int = 2,
        limit: int = 64,
        *,
        clock: Callable[[], float] = time.monotonic,
        load: Load | None = None,
        shares: Shares | None = None,
    ) -> None:
        """`load` and `shares` are common to all devices."""
        self._limit = limit
        self._clock = clock
        self._load = load or Load()
        self._shares = shares or Shares()
        self._devices: dict[str, Scheduler] = {}
        self._waiting: list[_Call] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._dropped = 0
        self._stuck = 0
        self._size = workers
        self._running: list[_Run] = []
        self._workers: list[threading.Thread] = []
        for _ in range(workers):
            self._hire()

    def on(self, device: str) -> "Scheduler":
        """The same for calls that another device works on, with a worker of its own."""
        if device == "cpu":
            return self
        if device not in self._devices:
            self._devices[device] = Scheduler(
                1, self._limit, clock=self._clock, load=self._load, shares=self._shares
            )
        return self._devices[device]

    async def __call__(
        self, priority: Priority, call: Callable[[], T], *, seconds: float = 30.0
    ) -> T:
        done: T = await self._do(priority, None, None, lambda _: [call()], seconds)
        return done

    async def batch(
        self,
        priority: Priority,
        engine: Hashable,
        shape: Hashable,
        item: Item,
        work: Callable[[Sequence[Item]], Sequence[T]],
        *,
        most: int,
        at_once: int = 1,
        seconds: float = 30.0,
    ) -> T:
        """Do this work on an item, together with up to `most` of the same shape that wait.

        No more than `at_once` calls of an engine run at the same time.
        """
        kind = _Kind(engine, shape, most, at_once)
        done: T = await self._do(priority, kind, item, work, seconds)
        return done

    @property
    def behind(self) -> bool:
        """Whether the machine has more to do than it can, on any device."""
        now = self._clock()
        waits = [0.0]
        for device in (self, *self._devices.values()):
            with device._changed:
                waits += [now - c.since for c in device._waiting if c.priority in _URGENT]
        return self._load.behind(max(waits), now)

    @property
    def counts(self) -> Counts:
        """What there is to do, and what was not done, on all devices."""
        with self._changed:
            own = Counts(len(self._waiting), len(self._running), self._dropped, self._stuck)
        for device in list(self._devices.values()):
            own += device.counts
        return own

    def close(self, seconds: float = 0.0) -> bool:
        """Refuse what waits; give running calls some time. Whether all have come back."""
        with self._changed:
            self._closed = True
            for call in self._waiting:
                call.result.cancel()
            self._waiting.clear()
            self._changed.notify_all()
        until = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0.0, until - time.monotonic()))
        others = [
            device.close(max(0.0, until - time.monotonic())) for device in self._devices.values()
        ]
        return all(others) and not any(worker.is_alive() for worker in self._workers)

    async def _do(
        self,
        priority: Priority,
        kind: "_Kind | None",
        item: Any,
        work: Callable[[Sequence[Any]], Sequence[Any]],
        seconds: float,
    ) -> Any:
        now = self._clock()
        number, owner = next(self._numbers), conversation.get()
        call = _Call(priority, number, owner, now, kind, item, work, seconds)
        if priority is Priority.PARTIAL and self.behind:
            self._dropped += 1
            raise BusyError("overloaded", "the machine is behind; words come when they are final")
        self._add(call)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(call.result)
        except (TimeoutError, asyncio.CancelledError):
            # A worker may be inside the call, and nobody waits for it any more.
            self._watch_worker_of(call)
            raise

    def _add(self, call: _Call) -> None:
        with self._changed:
            if self._closed:
                raise BusyError("overloaded", "the service is shutting down")
            self._waiting = [other for other in self._waiting if not other.result.cancelled()]
            if call.priority is Priority.PARTIAL and (
                self._size <= self._active + len(self._waiting)
                or not self._possible(call)
                or any(other.priority in _URGENT for other in self._waiting)
            ):
                self._dropped += 1
                raise BusyError("overloaded", "no processor is free for it now")
            if len(self._waiting) >= self._limit:
                last = max([*self._waiting, call], key=self._order())
                if last is call:
                    raise _overloaded(self._limit)
                self._waiting.remove(last)
                last.result.set_exception(_overloaded(self._limit))
            self._waiting.append(call)
            self._changed.notify()

    def _hire(self) -> None:
        worker = threading.Thread(target=self._work, name="inference", daemon=True)
        self._workers = [other for other in self._workers if other.is_alive()] + [worker]
        worker.start()

    @property
    def _active(self) -> int:
        """Workers inside calls that somebody may still wait for."""
        return sum(not run.given_up for run in self._running)

    def _watch_worker_of(self, call: _Call) -> None:
        """A call may have waited so long that it has hardly begun, so its worker gets its time."""
        with self._changed:
            runs = [run for run in self._running if call in run.calls]
            now = self._clock()
        for run in runs:
            left = run.since + max(each.seconds for each in run.calls) - now
            asyncio.get_running_loop().call_later(max(0.0, left), self._give_up, run)

    def _give_up(self, run: _Run) -> None:
        with self._changed:
            if run.given_up or run not in self._running:
                return
            log.error("a call to an engine is stuck; another worker takes its place")
            run.given_up = True
            self._stuck += 1
            self._hire()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not any(map(self._possible, self._waiting)):
                    self._changed.wait()
                if self._closed:
                    return
                run = self._take()
            began = self._clock()
            outcomes = _carry_out(run.calls)
            ended = self._clock()
            with self._changed:
                self._running.remove(run)
                self._changed.notify_all()
                for call in run.calls:
                    self._shares.add(call.owner, (ended - began) / len(run.calls), ended)
            for call, outcome in zip(run.calls, outcomes, strict=True):
                if isinstance(outcome, _Failed):
                    call.result.set_exception(outcome.error)
                else:
                    call.result.set_result(outcome)
            if run.given_up:
                return
            del outcomes
            del run  # what a call holds, such as audio, must not outlive it

    def _possible(self, call: _Call) -> bool:
        """Whether its engine can take one more; a stuck call counts no longer."""
        kind = call.kind
        if kind is None:
            return True
        now = [run for run in self._running if run.engine == kind.engine and not run.given_up]
        return len(now) < kind.at_once

    def _order(self) -> Callable[[_Call], tuple[Priority, float, int]]:
        """What sorts calls, the next one first; the lock is held."""
        now = self._clock()

        def used(owner: str) -> float:
            """Calls that still run count as well."""
            running = [
                (now - run.since) / len(run.calls)
                for run in self._running
                for call in run.calls
                if call.owner == owner and not run.given_up
            ]
            return self._shares.used(owner, now) + sum(running)

        return lambda call: (call.priority, used(call.owner), call.number)

    def _take(self) -> _Run:
        """The next call, and those that can be done together with it; the lock is held."""
        now = self._clock()
        first = min(filter(self._possible, self._waiting), key=self._order())
        together = [first]
        if kind := first.kind:
            same = [other for other in self._waiting if other.kind == kind and other is not first]
            together += same[: kind.most - 1]
        run = _Run(kind.engine if kind else None, [], now)
        self._running.append(run)
        for call in together:
            self._waiting.remove(call)
            if call.result.set_running_or_notify_cancel():
                run.calls.append(call)
                if call.priority in _URGENT:
                    self._load.began(now - call.since, now)
        return run


def _carry_out(calls: list[_Call]) -> list[Any]:
    """What came of each."""
    if not calls:
        return []
    try:
        outcomes = list(calls[0].work([call.item for call in calls]))
        if len(outcomes) != len(calls):
            raise ValueError(f"{len(calls)} items, {len(outcomes)} results")
        return outcomes
    except BaseException as error:
        if len(calls) == 1:
            return [_Failed(error)]
        # Which of them it was shows when each is done alone.
        return [outcome for call in calls for outcome in _carry_out([call])]


def _overloaded(limit: int) -> BusyError:
    return BusyError("overloaded", f"{limit} calls wait for the processor already")

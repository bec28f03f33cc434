"""Who gets the processor next: one bounded queue by priority, and the worker threads behind it."""

import asyncio
import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import BusyError
from .work import Priority

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(order=True)
class _Job:
    priority: Priority
    number: int
    """First come, first served among equals."""

    call: Callable[[], Any] = field(compare=False)
    result: "Future[Any]" = field(compare=False)
    given_up: bool = field(default=False, compare=False)
    """Its caller went away while it was running, and its worker has been replaced."""


class Scheduler:
    """Runs blocking calls in worker threads, the most urgent first; is a `work.Run`.

    At `limit` waiting calls the least urgent one gives way if the new one is more urgent; else the
    new one is refused. Either way somebody's `BusyError` ("overloaded") says so: nothing waits
    without end. A call that outlives its time is given up by its caller; its thread cannot be
    killed, so another takes its place and the stuck one retires when it comes back.
    """

    def __init__(self, workers: int = 2, limit: int = 64) -> None:
        self._limit = limit
        self._waiting: list[_Job] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._idle = 0
        """Workers that wait for something to do."""

        self._workers: list[threading.Thread] = []
        for _ in range(workers):
            self._hire()

    async def __call__(
        self, priority: Priority, call: Callable[[], T], *, seconds: float = 30.0
    ) -> T:
        job = _Job(priority, next(self._numbers), call, Future())
        self._add(job)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(job.result)
        except TimeoutError:
            # Cancelling the future fails only while a worker is inside the call.
            if not job.result.cancelled() and not job.result.done():
                self._replace_worker_of(job)
            raise

    @property
    def behind(self) -> bool:
        """Whether the machine has more to do than it can."""
        return False

    @property
    def waiting(self) -> int:
        """Calls that have not begun."""
        with self._changed:
            return len(self._waiting)

    def close(self, seconds: float = 0.0) -> bool:
        """Refuse what waits; give running calls some time. Whether all have come back."""
        with self._changed:
            self._closed = True
            for job in self._waiting:
                job.result.cancel()
            self._waiting.clear()
            self._changed.notify_all()
        until = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0.0, until - time.monotonic()))
        return not any(worker.is_alive() for worker in self._workers)

    def _add(self, job: _Job) -> None:
        with self._changed:
            if self._closed:
                raise BusyError("overloaded", "the service is shutting down")
            if job.priority is Priority.PARTIAL and self._idle <= len(self._waiting):
                raise BusyError("overloaded", "no processor is free for it now")
            self._waiting = [other for other in self._waiting if not other.result.cancelled()]
            heapq.heapify(self._waiting)
            if len(self._waiting) >= self._limit:
                last = max(self._waiting)
                if last < job:
                    raise _overloaded(self._limit)
                self._waiting.remove(last)
                heapq.heapify(self._waiting)
                last.result.set_exception(_overloaded(self._limit))
            heapq.heappush(self._waiting, job)
            self._changed.notify()

    def _hire(self) -> None:
        worker = threading.Thread(target=self._work, name="inference", daemon=True)
        self._workers = [other for other in self._workers if other.is_alive()] + [worker]
        worker.start()

    def _replace_worker_of(self, job: _Job) -> None:
        log.error("a call to an engine is stuck; another worker takes its place")
        job.given_up = True
        self._hire()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1
                if self._closed:
                    return
                job = heapq.heappop(self._waiting)
            if job.result.set_running_or_notify_cancel():
                try:
                    value = job.call()
                except BaseException as error:
                    job.result.set_exception(error)
                else:
                    job.result.set_result(value)
            if job.given_up:
                return
            del job  # what a call holds, such as audio, must not outlive it


def _overloaded(limit: int) -> BusyError:
    return BusyError("overloaded", f"{limit} calls wait for the processor already")

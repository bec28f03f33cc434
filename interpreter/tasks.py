"""The tasks somebody owns: they run in one conversation's name, and none breaks unnoticed."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

from .work import conversation


class Tasks:
    """Tasks that are cancelled together; `broken` is told of one that fails."""

    def __init__(self, name: str, broken: Callable[[BaseException], None]) -> None:
        """`name` of the conversation, for the scheduler to be fair by."""
        self._name = name
        self._broken = broken
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it until it is done, or `cancel`."""
        context = copy_context()
        context.run(conversation.set, self._name)
        task = asyncio.create_task(work, context=context)
        self._running.add(task)
        task.add_done_callback(self._stopped)

    async def finish(self) -> None:
        """Wait until all that run now are done."""
        await asyncio.gather(*self._running)

    async def cancel(self) -> None:
        """Cancel all, and wait until they are gone."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._broken(error)

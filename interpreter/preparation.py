"""Translations made while it is not certain yet that the speaker has finished."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .errors import InterpreterError
from .mt.router import Checked


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be translated."""

    utterance: int
    sentences: tuple[str, ...]
    source: str
    target: str


class Preparation:
    """Translates sentences one after another; nobody is told before they are taken."""

    def __init__(
        self,
        wanted: Wanted,
        translate: Callable[[str, str, str], Awaitable[Checked]],
        first: Callable[[Checked], None],
    ) -> None:
        """`first` is given the first sentence's translation as soon as it is there."""
        self.wanted = wanted
        self._translate = translate
        self._first = first
        self._ready: asyncio.Queue[Checked | None] = asyncio.Queue(len(wanted.sentences))
        self._task = asyncio.create_task(self._run())

    async def take(self) -> Checked | None:
        """The next sentence's translation; None if it failed and should be tried again."""
        return await self._ready.get()

    def cancel(self) -> None:
        """None of it will be needed."""
        self._task.cancel()

    async def _run(self) -> None:
        left = len(self.wanted.sentences)
        try:
            for sentence in self.wanted.sentences:
                try:
                    checked = await self._translate(
                        sentence, self.wanted.source, self.wanted.target
                    )
                except InterpreterError:
                    checked = None
                if checked and left == len(self.wanted.sentences):
                    self._first(checked)
                self._ready.put_nowait(checked)
                left -= 1
        finally:
            while left:  # whoever waits for them shall not wait for ever
                self._ready.put_nowait(None)
                left -= 1

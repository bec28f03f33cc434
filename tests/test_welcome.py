"""What somebody is told who comes, or comes back, to a conversation that has begun."""

import asyncio

from live import living

from interpreter.channels.welcome import history
from interpreter.connection import Engines
from interpreter.corrections import as_typed
from interpreter.events import Failure, Notice, Party, Transcript


def test_a_newcomer_learns_what_was_said_and_what_failed(engines: Engines) -> None:
    async def told() -> list[object]:
        async with living(engines) as live:
            said = as_typed(1, 1, Party.VISITOR, "pt", "Bom dia.")
            live.conversation.emit(said)
            live.conversation.emit(Failure("translation-failed", False, 1))
            live.conversation.emit(Failure("internal-error", False, None))
            live.conversation.emit(Notice("nothing-heard", 2, Party.VISITOR))
            return [entry.event for entry in history(live.conversation)]

    said, failed = asyncio.run(told())
    assert isinstance(said, Transcript) and said.text == "Bom dia."
    assert failed == Failure("translation-failed", False, 1)

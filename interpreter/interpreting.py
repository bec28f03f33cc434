"""When people are interpreted: after they have spoken, or while they speak."""

from collections.abc import Callable

from .errors import ProtocolError
from .events import InterpretingChanged, Party


class Interpreting:
    """How a conversation goes about it; staff choose, at any time."""

    def __init__(self, simultaneous: bool, emit: Callable[[InterpretingChanged], None]) -> None:
        self.simultaneous = simultaneous
        """Whether who has a microphone of their own is interpreted while they speak."""

        self._emit = emit

    def switch(self, parties: tuple[Party, ...], simultaneous: bool) -> None:
        """From the next sentence on. Raises `ProtocolError` ("not-allowed")."""
        if Party.STAFF not in parties:
            raise ProtocolError("not-allowed", "staff decide how people are interpreted")
        if simultaneous is not self.simultaneous:
            self.simultaneous = simultaneous
            self._emit(InterpretingChanged(simultaneous))

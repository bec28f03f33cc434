"""When a person should interpret instead of the machine, and while one does."""

from collections.abc import Callable
from typing import Literal

from .errors import ProtocolError
from .events import (
    Event,
    Failure,
    HandoverChanged,
    HandoverReason,
    HandoverState,
    Party,
    Transcript,
    Translation,
)
from .mt.glossary import Glossary
from .mt.glossary_files import Entry
from .office import Office
from .rendering import is_doubtful

_FAILURES = 3
"""Doubtful or failed translations in a row after which a person is proposed."""


class Handover:
    """Proposes a person, and keeps the machine silent while one interprets.

    Proposed once for a reason; after staff took it back, only a new one proposes again.
    """

    def __init__(
        self,
        office: Office,
        emit: Callable[[HandoverChanged], None],
        silence: Callable[[], None],
    ) -> None:
        """`silence` stops whatever is being said."""
        self.latest: HandoverChanged | None = None
        """What was told last."""

        self._office = office
        self._subjects = Glossary(
            Entry({language: (text,)}, {}, {})
            for language, texts in office.subjects.items()
            for text in texts
        )
        self._emit = emit
        self._silence = silence
        self._failures = 0
        self._told: set[str] = set()

    @property
    def state(self) -> HandoverState:
        """How it stands; `over` before anything happened."""
        return self.latest.state if self.latest else "over"

    @property
    def active(self) -> bool:
        """Whether a person interprets, and the machine neither listens nor speaks."""
        return self.state == "active"

    def take(self, event: Event) -> None:
        """Something has happened: is it a reason?"""
        match event:
            case Transcript(final=True):
                terms = self._subjects.terms(event.text, event.language, event.language)
                for term in terms[:1]:
                    self._propose("subject", term.source)
            case Translation(final=True, confirmed=False):
                self._count(failed=is_doubtful(event.flags))
            case Failure(utterance=int()):
                self._count(failed=True)

    def step(self, parties: tuple[Party, ...], step: Literal["ask", "begin", "end"]) -> None:
        """Anybody asks for a person; staff hand over, and take back or decline.

        Raises `ProtocolError` ("not-allowed").
        """
        if step == "ask":
            self._told.discard("asked")
            self._propose("asked")
        elif Party.STAFF not in parties:
            raise ProtocolError("not-allowed", "staff decide who interprets")
        elif step == "begin" and not self.active:
            self._change("active", "staff")
            self._silence()
        elif step == "end" and self.state != "over":
            self._failures = 0
            self._change("over", "staff")

    def interpreter(self, present: bool) -> None:
        """A human interpreter has come into the call, or the last of them has left it."""
        if present and not self.active:
            self._change("active", "interpreter")
            self._silence()
        elif not present and self.active and self.latest and self.latest.reason == "interpreter":
            self._failures = 0
            self._change("over", "interpreter")

    def _count(self, *, failed: bool) -> None:
        self._failures = self._failures + 1 if failed else 0
        if not failed:
            self._told.discard("checks")
        elif self._failures >= _FAILURES:
            self._propose("checks")

    def _propose(self, reason: HandoverReason, subject: str = "") -> None:
        key = subject.casefold() or reason
        if self.state == "over" and key not in self._told:
            self._told.add(key)
            self._change("proposed", reason, subject)

    def _change(self, state: HandoverState, reason: HandoverReason, subject: str = "") -> None:
        self.latest = HandoverChanged(state, reason, subject, self._office.contact)
        self._emit(self.latest)

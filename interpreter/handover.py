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

    Where the person is in the picture with everybody, the machine goes on listening for captions.

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
        self._begun = False
        """Whether staff have handed over, and not taken back."""

        self._heard = False
        """Whether everybody hears a human interpreter who is in the call."""

    @property
    def state(self) -> HandoverState:
        """How it stands; `over` before anything happened."""
        return self.latest.state if self.latest else "over"

    @property
    def active(self) -> bool:
        """Whether a person interprets, and the machine does not speak."""
        return self.state == "active"

    @property
    def deaf(self) -> bool:
        """Whether the machine does not listen either: it shows captions only where the person is in
        the call with everybody."""
        return self.active and not self._heard

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
            self._begun = True
            self._take_over("interpreter" if self._heard else "staff")
        elif step == "end" and self.state != "over":
            self._begun = False
            self._give_back("staff")

    def interpreter(self, heard: bool) -> None:
        """Whether everybody hears a human interpreter in the call; told after each change."""
        if heard is self._heard:
            return
        self._heard = heard
        if heard:
            self._take_over("interpreter")
        elif self.active and self._begun:
            self._take_over("staff")
        elif self.active:
            self._give_back("interpreter")

    def _take_over(self, reason: HandoverReason) -> None:
        self._change("active", reason)
        self._silence()

    def _give_back(self, reason: HandoverReason) -> None:
        self._failures = 0
        self._change("over", reason)

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


def human_interprets() -> ProtocolError:
    """Why the machine does not do what it is asked for."""
    return ProtocolError("human-interprets", "a person interprets; the machine is silent")

"""All telephone calls of this service: takes lines from whatever carries them."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ...conversation import Conversation
from ...errors import BusyError, ProtocolError, SynthesisError, trace
from ...events import Party
from ...reception import Reception
from ...tasks import Tasks
from .announcements import Announcements, Sentence
from .call import Call, State
from .joining import Joining
from .line import Line
from .means import Dial, Means
from .playback import Change
from .settings import PhoneSettings, among, bare_number

log = logging.getLogger(__name__)

_SHUT_SECONDS = 30.0

_TO_CALLERS = (
    *("notice", "phone-consent", "phone-wait", "phone-keys", "phone-confirm"),
    *("phone-hung-up", "ended-closed", "phone-repeat"),
)
_TO_CLERKS = ("phone-keys", "phone-hung-up", "phone-repeat", "phone-number", "phone-choosing")


@dataclass(frozen=True, slots=True)
class OngoingCall:
    """What staff may know of a call; neither number nor words."""

    name: str
    state: State
    language: str | None
    seconds: float
    """Since it was answered."""

    staff_token: str | None
    """Lets a tablet follow and steer the conversation, as soon as there is one."""


class Switchboard:
    """Answers for every line it is given."""

    def __init__(self, settings: PhoneSettings, reception: Reception, dial: Dial) -> None:
        self.announcements = Announcements(reception.engines.synthesizer)
        self._means = Means(settings, reception, self.announcements, dial)
        self._calls: dict[str, Call] = {}
        self._joinings: dict[str, tuple[Joining, asyncio.Task[None]]] = {}
        self._forgetting = Tasks("", _complain_of)
        self._change = Change()
        self._closed = False
        for problem in self.problems():
            log.warning("%s", problem)

    @property
    def full(self) -> bool:
        """Whether another call would be too many: an adapter had better say that it is busy."""
        joining = sum(each.going_on for each, _ in self._joinings.values())
        return self._closed or len(self._calls) + joining >= self._means.settings.calls

    def problems(self) -> list[str]:
        """What in the settings cannot be done here."""
        means, settings = self._means, self._means.settings
        wanted = dict.fromkeys((*settings.menu, *settings.numbers.values()))
        found = [
            f"callers who speak {language} cannot be interpreted on the telephone: {reason}"
            for language in wanted
            if language != means.clerk_language and (reason := means.missing(language))
        ]
        if not settings.clerks:
            found.append("phone.clerks names nobody, so no caller can be connected")
        return found

    def ongoing(self) -> list[OngoingCall]:
        """The calls that go on, oldest first."""
        now = time.time()
        return [
            OngoingCall(
                name,
                call.state,
                call.language,
                round(now - call.began, 1),
                call.invitation.tokens["staff"] if call.invitation else None,
            )
            for name, call in self._calls.items()
        ]

    async def prepare(self) -> None:
        """Make the announcements that every call begins with; takes a while, in nobody's way."""
        await self.announcements.prepare(self._common())

    async def take(self, line: Line) -> None:
        """Serve whoever is on this line, an incoming call that was answered, to its end."""
        if self.full:
            await line.hang_up()
            return
        call = Call(self._means, line)
        self._calls[call.name] = call
        try:
            await call.run()
        finally:
            del self._calls[call.name]
            self._change.tell()

    def join(self, conversation: Conversation, party: Party, number: str) -> Joining:
        """Call somebody who takes part as this party. Returns at once; its state tells the rest.

        Only numbers that clerks may call anyway: `destinations` for visitors, clerks and staff for
        staff. Raises `ProtocolError` ("not-allowed"), `SynthesisError` ("language-not-spoken") or
        `BusyError` ("overloaded").
        """
        settings = self._means.settings
        visitor = party is Party.VISITOR
        allowed = settings.destinations if visitor else (*settings.clerks, *settings.staff)
        if not among(bare_number(number), allowed):
            raise ProtocolError("not-allowed", "the settings do not let this number be called")
        if not self.announcements.speaks(conversation.languages[party]):
            raise SynthesisError("language-not-spoken", "nothing could be said on the telephone")
        if self.full:
            raise BusyError("overloaded", "all lines are in use")
        joining = Joining(self._means, conversation, party, bare_number(number))
        task = asyncio.create_task(joining.run())
        task.add_done_callback(_complain)
        self._joinings[joining.name] = (joining, task)
        self._forgetting.start(self._forget(joining, task))
        return joining

    def joinings(self, conversation: Conversation) -> list[Joining]:
        """Who was called into this conversation, oldest first."""
        return [each for each, _ in self._joinings.values() if each.conversation is conversation]

    def hang_up(self, conversation: Conversation, name: str) -> bool:
        """End one of them; False where there is none of that name in this conversation."""
        joining, task = self._joinings.get(name, (None, None))
        if joining is None or task is None or joining.conversation is not conversation:
            return False
        task.cancel()
        return True

    async def _forget(self, joining: Joining, task: asyncio.Task[None]) -> None:
        """What was said is not kept for the sake of a call that was made into it."""
        await joining.conversation.journal.until_closed()
        await asyncio.wait({task})
        del self._joinings[joining.name]

    async def shut(self) -> None:
        """Say goodbye to everybody; those in a conversation when `Reception.shut` ends it."""
        self._closed = True
        for joining, task in self._joinings.values():
            if joining.state != "in":
                task.cancel()
        for call in self._calls.values():
            call.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SHUT_SECONDS):
                await self._change.until(lambda: not self._calls)
                tasks = [task for _, task in self._joinings.values()]
                await asyncio.gather(*tasks, return_exceptions=True)
        await self._forgetting.cancel()

    def _common(self) -> Iterator[Sentence]:
        means, words = self._means, self.announcements.words
        for key, language in enumerate(means.menu, 1):
            yield words("phone-menu", language, key=key)
        for code in _TO_CLERKS:
            yield words(code, means.clerk_language)
        for language in means.menu:
            for code in _TO_CALLERS:
                yield words(code, language)


def _complain(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _complain_of(error)


def _complain_of(error: BaseException) -> None:
    log.error("a call broke: %s", trace(error))

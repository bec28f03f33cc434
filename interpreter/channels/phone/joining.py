"""One person joins a conversation by telephone; the other is at a tablet or in a browser."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable
from typing import Literal, TypeVar

from ...conversation import Conversation
from ...errors import PhoneError, ProtocolError, trace
from ...events import Party
from ...languages import name_in
from .announcements import Sentence
from .leg import HungUp, Leg
from .means import Means
from .participant import Participant
from .questions import Questions

log = logging.getLogger(__name__)

JoiningState = Literal["ringing", "asking", "in", "busy", "nobody", "refused", "over"]

T = TypeVar("T")

_GOODBYE_SECONDS = 15.0


class Joining:
    """Calls somebody and brings them into the conversation; `run` lives until they are gone.

    The conversation goes on without them. While a human interprets, who is on the telephone and who
    is not do not hear each other: their voices meet nowhere in this service.
    """

    def __init__(self, means: Means, conversation: Conversation, party: Party, number: str) -> None:
        self.name = f"p_{secrets.token_urlsafe(9)}"
        self.state: JoiningState = "ringing"
        self.conversation = conversation
        self.party = party
        self._means = means
        self._number = number
        self._starred = asyncio.Event()

    @property
    def going_on(self) -> bool:
        """Whether it rings, or somebody is on the line."""
        return self.state in ("ringing", "asking", "in")

    async def run(self) -> None:
        """Call, ask, and let them take part."""
        settings = self._means.settings
        try:
            line = await _unless(
                self.conversation.journal.until_closed(),
                self._means.dial(self._number, settings.ring_seconds),
            )
        except PhoneError as error:
            log.info("a number was not reached: %s", error.code)
            self.state = "busy" if error.code == "busy" else "nobody"
            return
        except asyncio.CancelledError:
            self.state = "over"
            raise
        if line is None:
            self.state = "over"
            return
        leg = Leg(line, self._means.announcements, self.conversation.languages[self.party])
        living = asyncio.create_task(leg.run())
        try:
            async with asyncio.timeout(settings.longest_seconds):
                await self._serve(leg)
        except (HungUp, TimeoutError):
            pass
        except Exception as error:
            log.error("a call broke: %s", trace(error))
        finally:
            if self.state != "refused":
                self.state = "over"
            await leg.hang_up()
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)

    async def _serve(self, leg: Leg) -> None:
        self.state = "asking"
        over = self.conversation.journal.until_closed()
        if await _unless(over, self._agrees(leg)) is False:
            self.state = "refused"
            await self._say_goodbye(leg, "ended-closed")
            return
        if self.conversation.ended:
            await self._say_goodbye(leg, "ended-closed")
            return
        self.state = "in"
        reason = await self._take_part(leg)
        await self._say_goodbye(leg, f"ended-{reason}")

    @property
    def _refused(self) -> bool:
        """Whether the visitor is in the call by video as well, and has said no to the machine."""
        consent, connections = self.conversation.agreements.consent, self.conversation.connections
        return consent[Party.VISITOR] is False and connections.anybody_reaches(Party.VISITOR)

    async def _agrees(self, leg: Leg) -> bool:
        means, languages = self._means, self.conversation.languages
        if self.party is Party.STAFF:
            spoken = name_in(languages[Party.VISITOR], leg.language)
            offer = [leg.words("phone-waiting", spoken=spoken)]
            return await leg.ask(offer, "1", means.settings.answer_seconds) == "1"
        if title := self.conversation.office.title.get(leg.language):
            await leg.begin_to_say(Sentence(f"{title}.", leg.language))
        engines, seconds = means.reception.engines, means.settings.answer_seconds
        quality = engines.translator.pairs[leg.language, languages[Party.STAFF]]
        questions = Questions(leg, engines, means.announcements, seconds)
        return await questions.consent(leg.language, quality) and not self._refused

    async def _take_part(self, leg: Leg) -> str:
        """Until they press *, or the conversation is over. Raises `HungUp`."""
        try:
            participant = Participant(
                leg,
                self.conversation,
                self.party,
                self._means.announcements,
                pass_on=lambda _: None,
                tell_other=lambda _: None,
                leave=self._starred.set,
            )
        except ProtocolError as error:  # it is full, or has just ended
            log.info("refused: %s", error.code)
            return "closed"
        if self.party is Party.VISITOR:
            self.conversation.agreements.agree(Party.VISITOR, True)
        participant.announce("phone-keys")
        return await _unless(self._starred.wait(), participant.run()) or "closed"

    async def _say_goodbye(self, leg: Leg, code: str) -> None:
        with contextlib.suppress(HungUp, TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await leg.playback.drop_all()
                await leg.say(leg.words(code))


async def _unless(end: Awaitable[object], work: Awaitable[T]) -> T | None:
    """What comes of the work; None where the end comes first."""
    working, ending = asyncio.ensure_future(work), asyncio.ensure_future(end)
    try:
        await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for each in (working, ending):
            each.cancel()
        await asyncio.gather(working, ending, return_exceptions=True)

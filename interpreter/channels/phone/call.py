"""A telephone call: who calls is received, asked, connected with a clerk, and interpreted.

answered -> language -> consent -> a clerk is called -> both are interpreted
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

from ...errors import InterpreterError, PhoneError, trace
from ...events import EndReason, Party
from ...languages import name_in, normalise
from ...reception import Invitation
from .announcements import Sentence, ringing
from .leg import HungUp, Leg, passing_on
from .line import Line
from .means import HEARING, Means, variable
from .participant import Participant
from .questions import Questions, Wish
from .settings import among, bare_number

log = logging.getLogger(__name__)

T = TypeVar("T")

State = Literal["received", "calling", "interpreted", "connected"]
"""What goes on: questions are asked, the other person is called, the machine interprets, or the
two speak without it."""

_COMPANY_SECONDS = 15.0
"""Between two announcements for somebody who waits."""

_GOODBYE_SECONDS = 15.0
_DIGITS = "0123456789*#"
_NEXT_DIGIT_SECONDS = 10.0
_LONGEST_NUMBER = 20


class Call:
    """One call; `run` lives until everybody has hung up."""

    def __init__(self, means: Means, line: Line) -> None:
        self.name = f"p_{secrets.token_urlsafe(9)}"
        self.state: State = "received"
        self.language: str | None = None
        """What the caller speaks, as soon as it is known."""

        self.invitation: Invitation | None = None
        """The conversation, once the caller has agreed; its tokens let staff follow it."""

        self.began = time.time()
        self._means = means
        self._settings = means.settings
        self._line = line
        self._clerk_language = means.clerk_language
        self._legs: dict[Leg, asyncio.Task[None]] = {}
        self._limit = asyncio.timeout(means.settings.longest_seconds)
        self._last_words = "ended-expired"

    async def run(self) -> None:
        """Serve it."""
        try:
            try:
                async with self._limit:
                    await self._serve()
            except HungUp:
                await self._tell_all("phone-hung-up")
            except TimeoutError:
                await self._tell_all(self._last_words)
            except Exception as error:
                log.error("a call broke: %s", trace(error))
                await self._tell_all("ended-failed")
        finally:
            if self.invitation:
                self.invitation.conversation.end("closed")
            for leg, task in self._legs.items():
                await leg.hang_up()
                task.cancel()
            await asyncio.gather(*self._legs.values(), return_exceptions=True)

    def stop(self) -> None:
        """The service is being switched off; a conversation that goes on ends by itself."""
        if self.state != "interpreted":
            self._last_words = "ended-shutdown"
            with contextlib.suppress(RuntimeError):  # over already
                self._limit.reschedule(0.0)

    async def _serve(self) -> None:
        leg = self._attach(self._line, self._clerk_language)
        if among(self._called, self._settings.outgoing):
            await self._call_out(leg)
        else:
            await self._call_in(leg)

    # A caller, for whom a clerk is called ------------------------------------------------------

    async def _call_in(self, caller: Leg) -> None:
        await self._receive(caller, greet=True)
        found = await self._meanwhile(caller, "phone-wait", self._find_clerk())
        if isinstance(found, Leg):
            await self._connect(caller, found)
        else:
            await self._say_that_nobody_is_there(caller, found)

    async def _find_clerk(self) -> Leg | str:
        """The clerk who accepts the call, or the code of what the caller is to be told."""
        self.state = "calling"
        # Who transfers a caller gets them back, if they are known here.
        named = bare_number(variable(self._line.caller, "clerk", "x-clerk", "referred-by"))
        known = (*self._settings.clerks, *self._settings.staff)
        numbers = [*([named] if among(named, known) else []), *self._settings.clerks]
        code = "phone-waiting" if self.invitation else "phone-waiting-without"
        busy = False
        for number in dict.fromkeys(numbers):
            try:
                line = await self._means.dial(number, self._settings.ring_seconds)
            except PhoneError as error:
                log.info("a clerk was not reached: %s", error.code)
                busy = busy or error.code == "busy"
                continue
            clerk = self._attach(line, self._clerk_language)
            language = name_in(self.language, self._clerk_language)
            with contextlib.suppress(HungUp):
                offer = [clerk.words(code, spoken=language)]
                if await clerk.ask(offer, "1", self._settings.answer_seconds, times=2):
                    return clerk
            await clerk.hang_up()
        return "phone-busy" if busy else "phone-nobody"

    async def _say_that_nobody_is_there(self, caller: Leg, code: str) -> None:
        said = [caller.words(code)]
        hours = self._settings.opening_hours
        for language in (caller.language, self._clerk_language):
            if language in hours:
                said.append(Sentence(hours[language], language))
                break
        if number := self._settings.office_number:
            said.append(caller.words("phone-office-number", number=_spelt(number)))
        await caller.say(*said)

    # A clerk, who calls somebody ---------------------------------------------------------------

    async def _call_out(self, clerk: Leg) -> None:
        allowed = (*self._settings.clerks, *self._settings.staff)
        number = None
        if among(bare_number(self._line.caller.caller), allowed):
            number = await self._wanted_number(clerk)
            if number is None:
                return
        if number is None or not among(number, self._settings.destinations):
            await clerk.say(clerk.words("phone-not-allowed"))
            return
        self.state = "calling"
        try:
            dialling = self._dial(number)
            callee = await self._meanwhile(clerk, "phone-wait", dialling)
        except PhoneError as error:
            if isinstance(error, HungUp):
                raise
            log.info("a number was not reached: %s", error.code)
            await clerk.say(clerk.words("phone-busy" if error.code == "busy" else "phone-nobody"))
            return
        self.state = "received"
        receiving = self._receive(callee, greet=False)
        agreed = await self._meanwhile(clerk, "phone-choosing", receiving)
        if not agreed:
            await clerk.say(clerk.words("phone-refused"))
        await self._connect(callee, clerk)

    async def _dial(self, number: str) -> Leg:
        line = await self._means.dial(number, self._settings.ring_seconds)
        return self._attach(line, self._clerk_language)

    async def _wanted_number(self, clerk: Leg) -> str | None:
        """The digits that are entered before #; None where none come."""
        asked = [clerk.words("phone-number")]
        key = await clerk.ask(asked, _DIGITS, self._settings.answer_seconds, times=2)
        number = ""
        while key is not None and len(number) < _LONGEST_NUMBER:
            if key == "#" and number:
                return number
            number = "" if key in "*#" else number + key
            key = await clerk.key(_NEXT_DIGIT_SECONDS, _DIGITS)
        return None

    # Both --------------------------------------------------------------------------------------

    async def _receive(self, leg: Leg, *, greet: bool) -> bool:
        """Ask for language and consent; whether the machine may interpret. Raises `HungUp`."""
        office = self._means.reception.offices[self._settings.office]
        if greet and (title := office.title.get(self._clerk_language)):
            await leg.begin_to_say(Sentence(f"{title}.", self._clerk_language))
        wish = await self._ask(leg)
        if wish.machine and wish.language:
            self.invitation = self._open(wish.language)
            if self.invitation is None:
                await leg.say(leg.words("phone-no-interpreting"))
        return wish.machine

    async def _ask(self, leg: Leg) -> Wish:
        means, settings = self._means, self._settings
        engines = means.reception.engines
        questions = Questions(leg, engines, means.announcements, settings.answer_seconds)
        language = self._language_by_number() or await questions.language(means.menu)
        self.language = language
        if language and means.announcements.speaks(language):
            leg.language = language
        if language is None or means.missing(language):
            return Wish(language, machine=False)
        return Wish(language, await questions.consent(language, means.quality(language)))

    def _language_by_number(self) -> str | None:
        """What the dial plan or the settings say about whoever dials this number."""
        caller = self._line.caller
        told = variable(caller, "language", "x-language")
        with contextlib.suppress(InterpreterError):
            return normalise(told) if told else self._settings.numbers.get(self._called)
        return None

    @property
    def _called(self) -> str:
        return bare_number(self._line.caller.called)

    def _open(self, language: str) -> Invitation | None:
        try:
            return self._means.reception.open(
                self._clerk_language,
                language,
                office=self._settings.office,
                consent_required=True,
                pauses=HEARING,
            )
        except InterpreterError as error:
            log.warning("a call goes on without interpreting: %s", error.code)
            return None

    async def _connect(self, caller: Leg, clerk: Leg) -> None:
        """Let the two speak, with the machine if the caller agreed, until it is over."""
        if self.invitation and self.invitation.conversation.ended:  # meanwhile, on a tablet
            self.invitation = self._open(self.language or "")
        if self.invitation:
            reason = await self._interpret(caller, clerk, self.invitation)
            code = "ended-closed" if reason == "left" else f"ended-{reason}"
        else:
            await self._pass_through(caller, clerk)
            code = "ended-closed"
        await self._tell_all(code)

    async def _interpret(self, caller: Leg, clerk: Leg, invitation: Invitation) -> EndReason:
        self.state = "interpreted"
        conversation = invitation.conversation
        announcements = self._means.announcements
        visitor = Participant(
            caller,
            conversation,
            Party.VISITOR,
            announcements,
            passing_on(clerk, caller.line.rate),
            lambda code: staff.announce(code),
            lambda: conversation.end("closed"),
        )
        staff = Participant(
            clerk,
            conversation,
            Party.STAFF,
            announcements,
            passing_on(caller, clerk.line.rate),
            visitor.announce,
            lambda: conversation.end("closed"),
        )
        conversation.agreements.agree(Party.VISITOR, True)
        tasks = [asyncio.create_task(each.run()) for each in (visitor, staff)]
        visitor.announce("phone-keys")
        staff.announce("phone-keys")
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            conversation.end("closed")
            await asyncio.wait(tasks)  # the other hears what was said before it ended
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return tasks[0].result()

    async def _pass_through(self, caller: Leg, clerk: Leg) -> None:
        """The two hear each other as they are, until one hangs up or presses *."""
        self.state = "connected"
        legs = (caller, clerk)
        for leg in legs:
            leg.forget_keys()
            await leg.begin_to_say(leg.words("phone-without"))
        caller.ear = passing_on(clerk, caller.line.rate)
        clerk.ear = passing_on(caller, clerk.line.rate)
        pressing = [asyncio.create_task(leg.key(None, "*")) for leg in legs]
        try:
            done, _ = await asyncio.wait(pressing, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            caller.ear = clerk.ear = None
            for task in pressing:
                task.cancel()
            await asyncio.gather(*pressing, return_exceptions=True)

    # Who waits, and who has gone ---------------------------------------------------------------

    async def _meanwhile(self, waiting: Leg, code: str, work: Coroutine[Any, Any, T]) -> T:
        """Do something while somebody waits, and hears so. Raises `HungUp` by who waits."""
        company = asyncio.create_task(self._keep_company(waiting, code))
        working = asyncio.create_task(work)
        try:
            await asyncio.wait({company, working}, return_when=asyncio.FIRST_COMPLETED)
            if company.done():
                company.result()
            return working.result()
        finally:
            for task in (company, working):
                task.cancel()
            await asyncio.gather(company, working, return_exceptions=True)
            await waiting.playback.drop_all()

    async def _keep_company(self, waiting: Leg, code: str) -> None:
        while True:
            await waiting.begin_to_say(waiting.words(code))
            for _ in range(2):
                waiting.playback.add(ringing(waiting.line.rate), last=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_COMPANY_SECONDS):
                    await waiting.end()

    def _attach(self, line: Line, language: str) -> Leg:
        leg = Leg(line, self._means.announcements, language)
        self._legs[leg] = asyncio.create_task(leg.run())
        return leg

    async def _tell_all(self, code: str) -> None:
        """Say it to whoever is still on a line."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                telling = [self._tell(leg, code) for leg in self._legs if not leg.gone]
                await asyncio.gather(*telling, return_exceptions=True)

    async def _tell(self, leg: Leg, code: str) -> None:
        await leg.playback.drop_all()
        await leg.say(leg.words(code))


def _spelt(number: str) -> str:
    """Digit by digit, as a voice should read it."""
    return " ".join(bare_number(number))

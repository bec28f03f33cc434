"""One person by telephone, the other at a tablet or in a browser."""

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from in_process import running
from phone_house import HASTY, SETTINGS
from telephones_in_memory import Exchange, Telephone, all_hung_up

from interpreter.audio import RATE
from interpreter.channels.phone.announcements import Announcements
from interpreter.channels.phone.joining import Joining
from interpreter.channels.phone.settings import PhoneSettings
from interpreter.channels.phone.switchboard import Switchboard
from interpreter.connection import Connection, ConversationLimits, Engines
from interpreter.conversation import Conversation
from interpreter.errors import BusyError, InterpreterError, ProtocolError
from interpreter.events import Party, Translation, TurnTaking
from interpreter.reception import Reception
from interpreter.vad import Endpointing

VISITOR, STAFF = Party.VISITOR, Party.STAFF


@dataclass
class House:
    switchboard: Switchboard
    conversation: Conversation
    tablet: Connection
    """Of the staff, in a browser."""

    @property
    def announcements(self) -> Announcements:
        return self.switchboard.announcements

    async def told(self, telephone: Telephone, code: str, language: str, **values: object) -> None:
        sentence = self.announcements.words(code, language, **values)
        await telephone.until_heard(await self.announcements.sound(sentence, telephone.rate))

    async def until(self, joining: Joining, state: str) -> None:
        for _ in range(3000):
            if joining.state == state:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{joining.state}, not {state}")

    async def forgotten(self) -> None:
        """Until nothing of the conversation's calls is kept."""
        async with asyncio.timeout(10):
            while self.switchboard.joinings(self.conversation):  # noqa: ASYNC110  # no event tells
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def conversing(
    engines: Engines,
    exchange: Exchange,
    *telephones: Telephone,
    settings: PhoneSettings = SETTINGS,
    most: int = 8,
) -> AsyncIterator[House]:
    """Staff wait in a browser for somebody on the telephone."""
    limits = ConversationLimits(drain_seconds=5.0, connections=most)
    reception = Reception(engines, Endpointing(), limits, secret="only in tests", most=2)
    switchboard = Switchboard(settings, reception, exchange.dial)
    talk = reception.open("en", "pt", consent_required=True).conversation
    tablet = talk.connect("staff", TurnTaking.OWN_MICROPHONE, RATE, 24_000)
    async with all_hung_up(*telephones):
        yield House(switchboard, talk, tablet)
        await asyncio.gather(switchboard.shut(), reception.shut())
        assert all(each.ended for each in telephones)
        assert not any(each.going_on for each in switchboard.joinings(talk))


def test_a_visitor_who_is_called_takes_part_and_may_go(quick: Engines) -> None:
    async def call() -> None:
        phone = Telephone()
        async with conversing(quick, Exchange(n089123=phone), phone) as house:
            talk = house.conversation
            joining = house.switchboard.join(talk, VISITOR, "089 123")
            await house.told(phone, "phone-consent", "pt")
            assert (joining.state, talk.agreements.consent[VISITOR]) == ("asking", None)
            phone.press("1")
            await house.told(phone, "phone-keys", "pt")
            assert (joining.state, talk.agreements.consent[VISITOR]) == ("in", True)
            phone.clear()
            await talk.type(house.tablet, "Good morning.", None)
            await phone.until_quiet()
            told = [entry.event for entry in talk.journal.past()]
            assert [each.party for each in told if isinstance(each, Translation) and each.final]
            phone.press("*")
            await house.told(phone, "ended-closed", "pt")
            await house.until(joining, "over")
            # The conversation goes on, and they can be called again.
            assert not talk.ended
            assert not talk.connections.anybody_reaches(VISITOR)

    asyncio.run(call())


def test_when_the_conversation_ends_they_are_told_goodbye(quick: Engines) -> None:
    async def call() -> None:
        phone = Telephone()
        async with conversing(quick, Exchange(n089123=phone), phone) as house:
            joining = house.switchboard.join(house.conversation, VISITOR, "089123")
            await house.told(phone, "phone-consent", "pt")
            phone.press("1")
            await house.told(phone, "phone-keys", "pt")
            house.conversation.end("closed")
            await house.told(phone, "ended-closed", "pt")
            await house.until(joining, "over")
            await house.forgotten()

    asyncio.run(call())


def test_who_has_left_is_remembered_as_long_as_the_conversation_goes_on(quick: Engines) -> None:
    async def call() -> None:
        async with conversing(quick, Exchange(n089123="busy")) as house:
            joining = house.switchboard.join(house.conversation, VISITOR, "089123")
            await house.until(joining, "busy")
            await asyncio.sleep(0.1)
            assert house.switchboard.joinings(house.conversation) == [joining]
            house.conversation.end("closed")
            await house.forgotten()

    asyncio.run(call())


def test_the_telephone_stops_ringing_when_the_conversation_ends(quick: Engines) -> None:
    async def call() -> None:
        exchange = Exchange(n089123="ringing")
        patient = replace(SETTINGS, ring_seconds=30.0)
        async with conversing(quick, exchange, settings=patient) as house:
            joining = house.switchboard.join(house.conversation, VISITOR, "089123")
            await asyncio.sleep(0.05)
            assert joining.state == "ringing"
            house.conversation.end("closed")
            await house.until(joining, "over")
            assert exchange.given_up == 1

    asyncio.run(call())


def test_nobody_is_asked_into_a_conversation_that_has_ended(quick: Engines) -> None:
    async def call() -> None:
        phone = Telephone(patient=True)  # takes longer to listen to the question than this test
        async with conversing(quick, Exchange(n089123=phone), phone) as house:
            joining = house.switchboard.join(house.conversation, VISITOR, "089123")
            await house.until(joining, "asking")
            await asyncio.sleep(0.5)
            house.conversation.end("closed")
            await house.told(phone, "ended-closed", "pt")
            await house.until(joining, "over")

    asyncio.run(call())


def test_who_refuses_the_machine_is_not_connected(quick: Engines) -> None:
    async def call() -> None:
        phone = Telephone()
        async with conversing(quick, Exchange(n089123=phone), phone) as house:
            joining = house.switchboard.join(house.conversation, VISITOR, "089123")
            await house.told(phone, "phone-consent", "pt")
            phone.press("0")
            await phone.until_ended()
            await house.until(joining, "refused")
            assert house.conversation.agreements.consent[VISITOR] is None
            assert not house.conversation.connections.anybody_reaches(VISITOR)

    asyncio.run(call())


@pytest.mark.parametrize("there", [True, False])
def test_who_agrees_on_the_telephone_does_not_overrule_who_refused_in_the_call(
    quick: Engines, there: bool
) -> None:
    async def call() -> None:
        phone = Telephone()
        async with conversing(quick, Exchange(n089123=phone), phone) as house:
            talk = house.conversation
            video = talk.connect("visitor", TurnTaking.OWN_MICROPHONE, RATE, 24_000, video=True)
            talk.agreements.agree(VISITOR, False)
            if not there:
                talk.connections.cut(video)
            joining = house.switchboard.join(talk, VISITOR, "089123")
            await house.told(phone, "phone-consent", "pt")
            phone.press("1")
            if there:
                await house.told(phone, "ended-closed", "pt")
                await house.until(joining, "refused")
            else:  # their line broke, and they have changed their mind
                await house.until(joining, "in")
            assert talk.agreements.consent[VISITOR] is not there

    asyncio.run(call())


def test_a_clerk_can_be_on_the_telephone_instead(quick: Engines) -> None:
    async def call() -> None:
        phone = Telephone()
        async with conversing(quick, Exchange(n201=phone), phone) as house:
            joining = house.switchboard.join(house.conversation, STAFF, "201")
            await house.told(phone, "phone-waiting", "en", spoken="Portuguese")
            phone.press("1")
            await house.told(phone, "phone-keys", "en")
            assert joining.state == "in"
            assert house.conversation.agreements.consent[VISITOR] is None

    asyncio.run(call())


@pytest.mark.parametrize(
    ("answer", "state"), [("busy", "busy"), ("ringing", "nobody"), ("unreachable", "nobody")]
)
def test_somebody_who_is_not_reached(quick: Engines, answer: str, state: str) -> None:
    async def call() -> None:
        async with conversing(quick, Exchange(n089123=answer), settings=HASTY) as house:
            joining = house.switchboard.join(house.conversation, VISITOR, "089123")
            await house.until(joining, state)
            assert not joining.going_on

    asyncio.run(call())


def test_staff_give_up_while_it_rings(quick: Engines) -> None:
    async def call() -> None:
        exchange = Exchange(n089123="ringing")
        patient = replace(SETTINGS, ring_seconds=30.0)
        async with conversing(quick, exchange, settings=patient) as house:
            talk, switchboard = house.conversation, house.switchboard
            joining = switchboard.join(talk, VISITOR, "089123")
            await asyncio.sleep(0.05)
            assert [each.state for each in switchboard.joinings(talk)] == ["ringing"]
            assert not switchboard.hang_up(talk, "p_another")
            assert switchboard.hang_up(talk, joining.name)
            await house.until(joining, "over")
            assert exchange.given_up == 1

    asyncio.run(call())


def test_only_numbers_that_may_be_called_and_as_many_as_there_are_lines(quick: Engines) -> None:
    async def call() -> None:
        one_line = replace(SETTINGS, calls=1, ring_seconds=30.0)
        async with conversing(quick, Exchange(n089123="ringing"), settings=one_line) as house:
            join = house.switchboard.join
            for party, number in ((VISITOR, "077"), (VISITOR, "201"), (STAFF, "089123")):
                with pytest.raises(ProtocolError, match="number"):
                    join(house.conversation, party, number)
            join(house.conversation, VISITOR, "089123")
            with pytest.raises(BusyError):
                join(house.conversation, VISITOR, "089123")

    asyncio.run(call())


def test_a_conversation_that_is_full_takes_nobody_more(quick: Engines) -> None:
    async def call() -> None:
        phone = Telephone()
        async with conversing(quick, Exchange(n089123=phone), phone, most=1) as house:
            joining = house.switchboard.join(house.conversation, VISITOR, "089123")
            await house.told(phone, "phone-consent", "pt")
            phone.press("1")
            await house.told(phone, "ended-closed", "pt")
            await house.until(joining, "over")
            assert not house.conversation.ended

    asyncio.run(call())


def test_without_a_telephone_nobody_can_be_called(engines: Engines) -> None:
    with running(engines) as house:
        token = house.open()["staff"]
        reception = house.service.reception
        assert reception
        name = reception.admit(token)[0].name
        for method, body in (("GET", None), ("POST", b'{"number": "089123"}')):
            request = urllib.request.Request(
                f"{house.address}/v1/conversations/{name}/calls",
                body,
                {"Authorization": f"Bearer {token}"},
                method=method,
            )
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=10)
            with refused.value as answer:
                assert (answer.code, json.load(answer)["code"]) == (409, "phone-not-available")


def test_a_language_without_a_voice_is_not_for_the_telephone(quick: Engines) -> None:
    async def call() -> None:
        async with conversing(quick, Exchange()) as house:
            house.conversation.languages[VISITOR] = "tlh"
            with pytest.raises(InterpreterError) as refused:
                house.switchboard.join(house.conversation, VISITOR, "089123")
            assert refused.value.code == "language-not-spoken"

    asyncio.run(call())

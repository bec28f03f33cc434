"""Whole telephone calls, with real engines and telephones in memory, to every end they can have."""

import asyncio
from dataclasses import replace

import pytest
from live import voiced
from phone_house import HASTY, SETTINGS, calling, correlation
from telephones_in_memory import Exchange, Telephone

from interpreter.audio import resample
from interpreter.channels.phone.announcements import Sentence, ringing
from interpreter.connection import Engines
from interpreter.events import Party, TurnTaking


def test_from_the_menu_to_a_conversation(quick: Engines) -> None:
    async def call() -> None:
        caller, clerk = Telephone(), Telephone(rate=16_000)
        async with calling(quick, caller, Exchange(n201=clerk), SETTINGS, clerk) as house:
            for key, language in enumerate(SETTINGS.menu, 1):
                await house.told(caller, "phone-menu", language, key=key)
            caller.press("2")
            await house.told(caller, "notice", "pt")
            await house.agreed(caller)
            await house.told(caller, "phone-wait", "pt")
            await house.accepted(clerk)
            await house.told(caller, "phone-keys", "pt")
            await house.told(clerk, "phone-keys", "en")
            conversation = house.conversation
            assert conversation.languages == {Party.STAFF: "en", Party.VISITOR: "pt"}
            assert conversation.agreements.consent[Party.VISITOR]
            [ongoing] = house.switchboard.ongoing()
            assert (ongoing.state, ongoing.language) == ("interpreted", "pt")
            assert ongoing.staff_token
            assert house.reception.admit(ongoing.staff_token) == (conversation, "staff")
            caller.press("*")
            await house.told(caller, "ended-closed", "pt")
            await house.told(clerk, "ended-closed", "en")

    asyncio.run(call())


def test_what_is_typed_on_the_tablet_is_spoken_to_the_caller(quick: Engines) -> None:
    async def call() -> None:
        caller, clerk = Telephone(called="sip:500@exchange"), Telephone()
        async with calling(quick, caller, Exchange(n201=clerk), SETTINGS, clerk) as house:
            await house.agreed(caller)
            await house.accepted(clerk)
            await house.told(caller, "phone-keys", "pt")
            caller.clear()
            tablet = house.conversation.connect("staff", TurnTaking.OWN_MICROPHONE, None, None)
            await house.conversation.type(tablet, "Good morning.", None)
            await caller.until_quiet()
            assert 0.5 < len(caller.heard) / caller.rate < 3.0
            await caller.hang_up()
            await house.told(clerk, "phone-hung-up", "en")

    asyncio.run(call())


def test_nobody_agrees_to_what_they_did_not_hear(quick: Engines) -> None:
    """A key that was pressed too often in the menu is no answer to the next question."""

    async def call() -> None:
        caller = Telephone()
        settings = replace(SETTINGS, menu=("pt", "en"))
        async with calling(quick, caller, Exchange(n201="busy"), settings) as house:
            caller.press("111")
            await house.told(caller, "phone-consent", "pt")
            assert not house.reception.conversations
            await caller.hang_up()

    asyncio.run(call())


@pytest.mark.parametrize("refusal", ["0", ""])
def test_without_consent_the_two_speak_without_the_machine(quick: Engines, refusal: str) -> None:
    async def call() -> None:
        caller, clerk = Telephone(called="500"), Telephone()
        settings = SETTINGS if refusal else HASTY
        async with calling(
            quick, caller, Exchange(n201=clerk), replace(settings, ring_seconds=5), clerk
        ) as house:
            await house.told(caller, "phone-consent", "pt")
            caller.press(refusal)
            await house.accepted(clerk, machine=False)
            await house.told(caller, "phone-without", "pt")
            await house.told(clerk, "phone-without", "en")
            assert not house.reception.conversations
            assert house.switchboard.ongoing()[0].staff_token is None
            said = await voiced(quick, "Bom dia, tenho uma pergunta.", "pt")
            clerk.clear()
            await caller.speak(said)
            await asyncio.sleep(0.3)
            assert correlation(clerk, resample(said, 16_000, 8_000)) > 0.99
            clerk.press("*")
            await house.told(caller, "ended-closed", "pt")

    asyncio.run(call())


def test_nobody_is_there(quick: Engines) -> None:
    async def call() -> None:
        caller, exchange = Telephone(called="500"), Exchange(n201="ringing")
        async with calling(quick, caller, exchange) as house:
            await house.agreed(caller)
            await house.told(caller, "phone-wait", "pt")
            await house.told(caller, "phone-nobody", "pt")
            hours = Sentence(SETTINGS.opening_hours["pt"], "pt")
            await caller.until_heard(await house.announcements.sound(hours, caller.rate))
            await house.told(caller, "phone-office-number", "pt", number="0 8 9 1 2")
        assert exchange.dialled == ["201"]

    asyncio.run(call())


def test_clerks_are_tried_one_after_the_other(quick: Engines) -> None:
    async def call() -> None:
        caller, clerk = Telephone(called="500"), Telephone()
        exchange = Exchange(n201="busy", n202=clerk)
        settings = replace(SETTINGS, clerks=("201", "202"))
        async with calling(quick, caller, exchange, settings, clerk) as house:
            await house.agreed(caller)
            await house.accepted(clerk)
            await house.told(caller, "phone-keys", "pt")
            await clerk.hang_up()
            await house.told(caller, "phone-hung-up", "pt")
        assert exchange.dialled == ["201", "202"]

    asyncio.run(call())


def test_the_line_is_busy(quick: Engines) -> None:
    async def call() -> None:
        caller = Telephone(called="500")
        async with calling(quick, caller, Exchange(n201="busy")) as house:
            await house.agreed(caller)
            await house.told(caller, "phone-busy", "pt")

    asyncio.run(call())


def test_whoever_waits_is_told_again_and_again(
    quick: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call() -> None:
        caller, exchange = Telephone(called="500"), Exchange(n201="ringing")
        settings = replace(SETTINGS, ring_seconds=2.0)
        async with calling(quick, caller, exchange, settings) as house:
            await house.agreed(caller)
            for _ in range(3):
                await house.told(caller, "phone-wait", "pt")
                await caller.until_heard(ringing(caller.rate))
            await house.told(caller, "phone-nobody", "pt")

    monkeypatch.setattr("interpreter.channels.phone.call._COMPANY_SECONDS", 0.2)
    asyncio.run(call())


def test_a_clerk_who_accepts_nothing_is_like_none(quick: Engines) -> None:
    """What answers may be a mailbox."""

    async def call() -> None:
        caller, mailbox = Telephone(called="500"), Telephone()
        exchange = Exchange(n201=mailbox)
        settings = replace(SETTINGS, answer_seconds=1.0)
        async with calling(quick, caller, exchange, settings, mailbox) as house:
            await house.agreed(caller)
            await house.told(caller, "phone-nobody", "pt")

    asyncio.run(call())


@pytest.mark.parametrize(
    "variables",
    [
        {"clerk": "305", "language": "pt-BR"},
        {"Referred-By": "<sip:305@exchange>", "X-Language": "pt"},
    ],
)
def test_a_transferred_caller_comes_back_to_the_same_clerk(
    quick: Engines, variables: dict[str, str]
) -> None:
    async def call() -> None:
        caller, clerk = Telephone(), Telephone()
        caller.caller = replace(caller.caller, variables=variables)
        async with calling(quick, caller, Exchange(n305=clerk), SETTINGS, clerk) as house:
            await house.agreed(caller)
            await house.accepted(clerk)
            await house.told(caller, "phone-keys", "pt")
            await clerk.hang_up()

    asyncio.run(call())

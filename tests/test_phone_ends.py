"""Telephone calls that end early, whose language is unknown, or for which there is no room."""

import asyncio
from dataclasses import replace

from live import voiced
from phone_house import HASTY, SETTINGS, calling, correlation
from telephones_in_memory import Exchange, Telephone

from interpreter.audio import resample
from interpreter.connection import Engines
from interpreter.events import HandoverChanged

# Who hangs up when --------------------------------------------------------------------------------


def test_the_caller_hangs_up_before_anybody_is_called(quick: Engines) -> None:
    async def call(code: str, called: str) -> None:
        caller, exchange = Telephone(called=called), Exchange()
        async with calling(quick, caller, exchange) as house:
            if code == "phone-menu":
                await house.told(caller, code, "en", key=1)
            else:
                await house.told(caller, code, "pt")
            await caller.hang_up()
        assert not exchange.dialled

    asyncio.run(call("phone-menu", ""))
    asyncio.run(call("phone-consent", "500"))


def test_the_caller_hangs_up_while_it_rings(quick: Engines) -> None:
    async def call() -> None:
        caller, exchange = Telephone(called="500"), Exchange(n201="ringing")
        settings = replace(SETTINGS, ring_seconds=60)
        async with calling(quick, caller, exchange, settings) as house:
            await house.agreed(caller)
            await house.told(caller, "phone-wait", "pt")
            await caller.hang_up()
        assert exchange.given_up == 1

    asyncio.run(call())


def test_the_caller_hangs_up_while_a_clerk_is_asked(quick: Engines) -> None:
    async def call() -> None:
        caller, clerk = Telephone(called="500"), Telephone()
        async with calling(quick, caller, Exchange(n201=clerk), SETTINGS, clerk) as house:
            await house.agreed(caller)
            await house.told(clerk, "phone-waiting", "en", spoken="Portuguese")
            await caller.hang_up()
            await house.told(clerk, "phone-hung-up", "en")

    asyncio.run(call())


def test_the_clerk_hangs_up_instead_of_accepting(quick: Engines) -> None:
    async def call() -> None:
        caller, clerk = Telephone(called="500"), Telephone()
        async with calling(quick, caller, Exchange(n201=clerk), SETTINGS, clerk) as house:
            await house.agreed(caller)
            await house.told(clerk, "phone-waiting", "en", spoken="Portuguese")
            await clerk.hang_up()
            await house.told(caller, "phone-nobody", "pt")

    asyncio.run(call())


# Which language -----------------------------------------------------------------------------------


def test_a_caller_tells_the_language_by_speaking(quick: Engines, engines: Engines) -> None:
    async def call() -> None:
        caller, exchange = Telephone(), Exchange(n201="busy")
        async with calling(quick, caller, exchange) as house:
            await house.told(caller, "phone-menu", "de", key=3)
            await asyncio.sleep(0.5)
            words = "Bom dia, eu queria falar com alguém sobre o meu pedido."
            await caller.speak(await voiced(engines, words, "pt"))
            await house.told(caller, "phone-confirm", "pt")
            caller.press("1")
            await house.agreed(caller)
            await house.told(caller, "phone-busy", "pt")

    asyncio.run(call())


def test_a_caller_whose_language_stays_unknown_gets_a_person(quick: Engines) -> None:
    async def call() -> None:
        caller, clerk = Telephone(), Telephone()
        settings = replace(HASTY, menu=("pt", "de"))
        async with calling(quick, caller, Exchange(n201=clerk), settings, clerk) as house:
            for _ in range(2):
                await house.told(caller, "phone-menu", "pt", key=1)
            await house.told(clerk, "phone-waiting-without", "en", spoken="Unknown language")
            await clerk.hang_up()

    asyncio.run(call())


def test_a_caller_who_speaks_as_the_clerks_do_needs_no_machine(quick: Engines) -> None:
    async def call() -> None:
        caller, clerk = Telephone(), Telephone()
        async with calling(quick, caller, Exchange(n201=clerk), SETTINGS, clerk) as house:
            await house.told(caller, "phone-menu", "en", key=1)
            caller.press("1")
            await house.accepted(clerk, "en", machine=False)
            await house.told(caller, "phone-without", "en")
            await caller.hang_up()
            await house.told(clerk, "phone-hung-up", "en")

    asyncio.run(call())


def test_a_dial_plan_that_tells_nonsense_is_not_believed(quick: Engines) -> None:
    async def call() -> None:
        caller, exchange = Telephone(), Exchange(n201="busy")
        variables = {"clerk": "0900 123456", "language": "Portuguese"}
        caller.caller = replace(caller.caller, variables=variables)
        async with calling(quick, caller, exchange) as house:
            await house.told(caller, "phone-menu", "pt", key=2)
            caller.press("2")
            await house.agreed(caller)
            await house.told(caller, "phone-busy", "pt")
        assert exchange.dialled == ["201"]

    asyncio.run(call())


def test_languages_that_cannot_be_had_are_not_offered(quick: Engines) -> None:
    async def call() -> None:
        caller, clerk = Telephone(called="501"), Telephone()
        settings = replace(SETTINGS, menu=("pt", "sw"), numbers={"501": "sw"})
        async with calling(quick, caller, Exchange(n201=clerk), settings, clerk) as house:
            [problem] = house.switchboard.problems()
            assert "sw" in problem
            await house.accepted(clerk, "sw", machine=False)
            await clerk.hang_up()

    asyncio.run(call())


# What else can be -------------------------------------------------------------------------------


def test_where_no_conversation_can_be_opened_the_two_are_connected(quick: Engines) -> None:
    async def call() -> None:
        caller, clerk = Telephone(called="500"), Telephone()
        exchange = Exchange(n201=clerk)
        async with calling(quick, caller, exchange, SETTINGS, clerk, most=0) as house:
            await house.agreed(caller)
            await house.told(caller, "phone-no-interpreting", "pt")
            await house.accepted(clerk, machine=False)
            await house.told(clerk, "phone-without", "en")
            await caller.hang_up()

    asyncio.run(call())


def test_a_human_interpreter(quick: Engines) -> None:
    """Anybody asks; the clerk hands over, and the two hear each other as they are."""

    async def call() -> None:
        caller, clerk = Telephone(called="500"), Telephone()
        async with calling(quick, caller, Exchange(n201=clerk), SETTINGS, clerk) as house:
            await house.agreed(caller)
            await house.accepted(clerk)
            await house.told(clerk, "phone-keys", "en")
            caller.press("0")
            await house.told(clerk, "handover-proposed", "en")
            clerk.press("0")
            await house.told(caller, "handover-active", "pt")
            said = await voiced(quick, "Good morning.", "en")
            caller.clear()
            await clerk.speak(said)
            await asyncio.sleep(0.3)
            assert correlation(caller, resample(said, 16_000, 8_000)) > 0.99
            clerk.press("0")
            await house.told(caller, "handover-over", "pt")
            past = [each.event for each in house.conversation.journal.past()]
            states = [each.state for each in past if isinstance(each, HandoverChanged)]
            assert states == ["proposed", "active", "over"]
            await caller.hang_up()

    asyncio.run(call())


def test_the_service_is_switched_off(quick: Engines) -> None:
    async def call(*, interpreted: bool) -> None:
        caller, clerk = Telephone(called="500"), Telephone()
        exchange = Exchange(n201=clerk if interpreted else "ringing")
        settings = replace(SETTINGS, ring_seconds=60)
        others = [clerk] if interpreted else []
        async with calling(quick, caller, exchange, settings, *others) as house:
            await house.agreed(caller)
            if interpreted:
                await house.accepted(clerk)
                await house.told(caller, "phone-keys", "pt")
            else:
                await house.told(caller, "phone-wait", "pt")
            shutting = asyncio.gather(house.switchboard.shut(), house.reception.shut())
            await house.told(caller, "ended-shutdown", "pt")
            await shutting
            assert house.switchboard.full

    asyncio.run(call(interpreted=False))
    asyncio.run(call(interpreted=True))


def test_too_many_calls(quick: Engines) -> None:
    async def call() -> None:
        caller, another = Telephone(called="500"), Telephone()
        settings = replace(SETTINGS, calls=1)
        async with calling(quick, caller, Exchange(), settings) as house:
            await house.told(caller, "phone-consent", "pt")
            assert house.switchboard.full
            await house.switchboard.take(another)
            assert another.ended
            assert not caller.ended
            await caller.hang_up()

    asyncio.run(call())


def test_a_call_does_not_last_for_ever(quick: Engines) -> None:
    async def call() -> None:
        caller = Telephone(called="500")
        settings = replace(SETTINGS, longest_seconds=2.0)
        async with calling(quick, caller, Exchange(), settings) as house:
            await house.told(caller, "ended-expired", "pt")

    asyncio.run(call())

"""A caller and a clerk with real telephones, an exchange between them, and the service's voices."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from browsing import spoken

from interpreter.audio import RATE, Samples, resample, silence
from interpreter.channels.phone.settings import PhoneSettings
from interpreter.channels.phone.sip import SipSettings
from interpreter.connection import ConversationLimits, Engines
from interpreter.engines import office_of
from interpreter.events import Party, Transcript, Translation, TurnTaking
from interpreter.reception import Reception
from interpreter.settings import Settings
from interpreter.telephone import Telephone as House
from interpreter.vad import Endpointing

from .network import HOST, free_port
from .telephones import PATIENCE, Exchange, Telephone

QUESTION = "Bom dia, preciso de renovar a minha autorização de residência."
Start = Callable[..., Telephone]


@pytest.fixture(scope="module")
def question(engines: Engines) -> Samples:
    return resample(asyncio.run(spoken(engines, QUESTION, "pt")), RATE, 8_000)


def reception(engines: Engines) -> Reception:
    settings = Settings()
    return Reception(
        engines,
        Endpointing(),
        ConversationLimits(),
        secret="a secret only of tests",
        most=4,
        offices={"": office_of("", settings.office)},
    )


def settings(exchange: Exchange) -> Settings:
    first = free_port()
    phone = PhoneSettings(
        language="en",
        clerks=("clerk",),
        menu=("pt", "en"),
        numbers={"portuguese": "pt"},
        destinations=("visitor",),
    )
    sip = SipSettings(
        host=HOST,
        port=free_port(),
        user="interpreter",
        registrar=exchange.address,
        domain=HOST,
        codecs=("pcma",),
        rtp_ports=(first, first + 63),
        calls=8,
    )
    return replace(Settings(), phone=phone, sip=sip)


async def until(told: Callable[[], object]) -> None:
    for _ in range(round(2 * PATIENCE / 0.05)):
        if told():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


async def press(phone: Telephone, done: Callable[[], object]) -> None:
    """Key 1, until it was heard: what is asked may not have begun."""
    async with asyncio.timeout(2 * PATIENCE):
        while not done():
            phone.do("sndcode", "1")
            await asyncio.sleep(1.0)


def heard_text(engines: Engines, phone: Telephone, language: str) -> str:
    """What the service's own recogniser makes of the last half minute that a telephone heard."""
    sound = resample(phone.heard(), phone.rate, RATE)[-28 * RATE :]
    return asyncio.run(engines.recognizer.recognize(sound, {language: 1.0})).text


def test_a_call_is_interpreted_from_end_to_end(
    engines: Engines,
    exchange: Exchange,
    telephone: Start,
    question: Samples,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Menu and consent by keys; the clerk accepts; both hear the other's language."""
    monkeypatch.setenv("INTERPRETER_SIP_PASSWORD", exchange.password)
    pause = silence(7.0, 8_000)
    every = np.concatenate([question, pause, pause])
    caller = telephone(says=np.tile(every, 12))
    clerk = telephone(
        says=silence(120.0, 8_000),
        user="clerk",
        registrar=exchange.address,
        password=exchange.password,
        answers=True,
    )
    wanted = settings(exchange)
    told: list[Transcript] = []

    async def scenario() -> None:
        here = reception(engines)
        house = House(wanted, here)
        house.start()
        try:
            await until(lambda: house.registration and house.registration.state == "registered")
            caller.do("dial", f"sip:interpreter@{exchange.address}")
            board = house.board
            assert board
            await until(board.ongoing)
            await press(caller, lambda: board.ongoing()[0].language == "pt")
            await press(caller, lambda: board.ongoing()[0].state == "calling")
            clerk.wait("CALL_ESTABLISHED")
            await press(clerk, lambda: board.ongoing()[0].state == "interpreted")
            (conversation,) = here.conversations.values()
            assert conversation.languages == {Party.STAFF: "en", Party.VISITOR: "pt"}
            await until(
                lambda: any(
                    isinstance(each.event, Transcript) and each.event.final
                    for each in conversation.journal.past()
                )
            )
            await asyncio.sleep(8.0)
            told.extend(
                each.event
                for each in conversation.journal.past()
                if isinstance(each.event, Transcript) and each.event.final
            )
            caller.do("hangup")
            await until(lambda: not board.ongoing())
        finally:
            await asyncio.gather(house.shut(), here.shut())

    asyncio.run(scenario())
    assert any("resid" in each.text.casefold() for each in told)
    text = heard_text(engines, clerk, "en").casefold()
    assert re.search(r"residen|permit|renew", text)


def test_a_visitor_on_the_telephone_and_staff_in_a_browser_understand_each_other(
    engines: Engines,
    exchange: Exchange,
    telephone: Start,
    question: Samples,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Staff have them called; they agree with a key; each is interpreted for the other."""
    monkeypatch.setenv("INTERPRETER_SIP_PASSWORD", exchange.password)
    every = np.concatenate([question, silence(28.0, 8_000)])
    visitor = telephone(
        says=np.tile(every, 12),
        user="visitor",
        registrar=exchange.address,
        password=exchange.password,
        answers=True,
    )
    wanted = settings(exchange)
    told: list[Translation] = []

    async def scenario() -> None:
        here = reception(engines)
        house = House(wanted, here)
        house.start()
        try:
            await until(lambda: house.registration and house.registration.state == "registered")
            board = house.board
            assert board
            conversation = here.open("en", "pt", consent_required=True).conversation
            browser = conversation.connect("staff", TurnTaking.OWN_MICROPHONE, RATE, 24_000)
            joining = board.join(conversation, Party.VISITOR, "visitor")
            await asyncio.to_thread(visitor.wait, "CALL_ESTABLISHED")
            await press(visitor, lambda: joining.state == "in")

            def heard() -> list[Translation]:
                past = [each.event for each in conversation.journal.past()]
                return [each for each in past if isinstance(each, Translation) and each.final]

            # Who speaks does not hear the voice: so it comes when the visitor has spoken.
            await until(heard)
            await conversation.type(browser, "Please bring your passport on Friday.", None)
            await until(lambda: {each.party for each in heard()} == set(Party))
            await asyncio.sleep(10.0)
            told.extend(heard())
            visitor.do("hangup")
            await until(lambda: joining.state == "over")
            assert not conversation.ended
        finally:
            await asyncio.gather(house.shut(), here.shut())

    asyncio.run(scenario())
    said = " ".join(each.text.casefold() for each in told if each.party is Party.VISITOR)
    assert "resid" in said or "permit" in said
    assert re.search(r"passaporte|sexta", heard_text(engines, visitor, "pt").casefold())

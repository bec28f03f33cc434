"""Clerks who call somebody by way of the service, and what can be set about the telephone."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from phone_house import HASTY, SETTINGS, calling
from telephones_in_memory import Exchange, Telephone

from interpreter.channels.phone.settings import PhoneSettings, among, bare_number
from interpreter.channels.phone.switchboard import Switchboard
from interpreter.connection import ConversationLimits, Engines
from interpreter.events import Party
from interpreter.languages import name_in
from interpreter.messages import LANGUAGES
from interpreter.reception import Reception
from interpreter.vad import Endpointing

# A clerk calls somebody ---------------------------------------------------------------------------


def test_a_clerk_calls_somebody(quick: Engines) -> None:
    async def call() -> None:
        clerk, callee = Telephone("sip:201@exchange", "600"), Telephone()
        exchange = Exchange(n089123=callee)
        async with calling(quick, clerk, exchange, SETTINGS, callee) as house:
            await house.told(clerk, "phone-number", "en")
            clerk.press("077*089123#")
            await house.told(clerk, "phone-choosing", "en")
            await house.told(callee, "phone-menu", "pt", key=2)
            callee.press("2")
            await house.agreed(callee)
            await house.told(callee, "phone-keys", "pt")
            await house.told(clerk, "phone-keys", "en")
            assert house.conversation.languages[Party.VISITOR] == "pt"
            await callee.hang_up()
            await house.told(clerk, "phone-hung-up", "en")
        assert exchange.dialled == ["089123"]

    asyncio.run(call())


def test_whoever_is_called_may_refuse_the_machine(quick: Engines) -> None:
    async def call() -> None:
        clerk, callee = Telephone("201", "600"), Telephone()
        exchange = Exchange(n089123=callee)
        async with calling(quick, clerk, exchange, SETTINGS, callee) as house:
            clerk.press("089123#")
            await house.told(callee, "phone-menu", "pt", key=2)
            callee.press("2")
            await house.told(callee, "phone-consent", "pt")
            callee.press("0")
            await house.told(clerk, "phone-refused", "en")
            await house.told(callee, "phone-without", "pt")
            await clerk.hang_up()
            await house.told(callee, "phone-hung-up", "pt")

    asyncio.run(call())


@pytest.mark.parametrize(
    ("number", "code"), [("0891", "phone-busy"), ("0892", "phone-not-allowed"), ("", "")]
)
def test_a_number_that_cannot_be_reached(quick: Engines, number: str, code: str) -> None:
    async def call() -> None:
        clerk, exchange = Telephone("305", "600"), Exchange(n0891="busy")
        async with calling(quick, clerk, exchange, SETTINGS if number else HASTY) as house:
            await house.told(clerk, "phone-number", "en")
            clerk.press(f"{number}#" if number else "")
            if code:
                await house.told(clerk, code, "en")
        assert exchange.dialled == (["0891"] if number == "0891" else [])

    asyncio.run(call())


@pytest.mark.parametrize("caller", ["", "0891", "2010", "sip:anonymous@elsewhere"])
def test_strangers_cannot_call_out(quick: Engines, caller: str) -> None:
    async def call() -> None:
        stranger, exchange = Telephone(caller, "600"), Exchange()
        async with calling(quick, stranger, exchange) as house:
            stranger.press("089123#")
            await house.told(stranger, "phone-not-allowed", "en")
        assert not exchange.dialled

    asyncio.run(call())


# Settings -----------------------------------------------------------------------------------------


def test_numbers_are_compared_without_what_surrounds_them() -> None:
    for written in ("201", "sip:201@pbx:5060", '"Desk" <sip:201@pbx;x=y>', "tel:2-0 (1)"):
        assert bare_number(written) == "201"
    assert bare_number("+49 (89) 12-3") == "+4989123"
    assert among("+49891", ("+49*",))
    assert among("201", ("20 1",))
    assert not among("", ("*",))
    assert not among("2011", ("201",))


@pytest.mark.parametrize(
    "wrong",
    [
        {"menu": tuple("abcdefghij")},
        {"menu": ("pt-BR",)},
        {"menu": ("pt", "pt")},
        {"menu": ("xx",)},
        {"numbers": {"500": "Portuguese"}},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(SETTINGS, **wrong)


def test_settings_are_read_from_a_table() -> None:
    table = {
        "clerks": ["201"],
        "menu": ["pt", "de"],
        "numbers": {"500": "pt"},
        "opening_hours": {"pt": "Estamos abertos de manhã."},
        "ring_seconds": 20,
    }
    settings = msgspec.convert(table, PhoneSettings)
    assert (settings.menu, settings.numbers["500"], settings.calls) == (("pt", "de"), "pt", 4)
    for wrong in ({"calls": 0}, {"menu": ["pt-BR"]}, {"ring_seconds": 0}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, PhoneSettings)


def test_languages_are_told_in_the_reader_s_own() -> None:
    assert name_in("pt", "de") == "Portugiesisch"
    assert name_in(None, "pt") == "idioma desconhecido"
    for reader in LANGUAGES:
        assert len({name_in(None, reader), *(name_in(each, reader) for each in LANGUAGES)}) == 17


def test_what_begins_every_call_is_made_beforehand(quick: Engines) -> None:
    async def prepare() -> None:
        limits = ConversationLimits()
        reception = Reception(quick, Endpointing(), limits, secret="only in tests", most=1)
        switchboard = Switchboard(replace(SETTINGS, menu=("pt",)), reception, Exchange().dial)
        await switchboard.prepare()
        announcements = switchboard.announcements
        offer = announcements.words("phone-menu", "pt", key=1)
        made = asyncio.create_task(announcements.sound(offer, 8_000))
        await asyncio.sleep(0)
        assert made.done()

    asyncio.run(prepare())

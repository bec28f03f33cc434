"""Whole telephone calls, with real engines and telephones in memory, to every end they can have."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pytest
from live import voiced
from telephones import Exchange, Telephone, all_hung_up

from interpreter.audio import Samples, resample
from interpreter.channels.phone.announcements import Announcements, Sentence, ringing
from interpreter.channels.phone.settings import PhoneSettings, among, bare_number
from interpreter.channels.phone.switchboard import Switchboard
from interpreter.connection import ConversationLimits, Engines
from interpreter.conversation import Conversation
from interpreter.events import HandoverChanged, Party, TurnTaking
from interpreter.languages import name_in
from interpreter.messages import LANGUAGES
from interpreter.reception import Reception
from interpreter.tts import SynthesizerSettings, load
from interpreter.tts.voices import Voices
from interpreter.vad import Endpointing
from interpreter.work import Run

SETTINGS = PhoneSettings(
    language="en",
    clerks=("201",),
    menu=("en", "pt", "de"),
    numbers={"500": "pt"},
    outgoing=("600",),
    staff=("3*",),
    destinations=("0891*",),
    office_number="089 12",
    opening_hours={"pt": "Estamos abertos de manhã."},
    ring_seconds=0.3,
    answer_seconds=5.0,
)
HASTY = replace(SETTINGS, answer_seconds=0.2)
"""For those who do not answer questions."""


@pytest.fixture(scope="module")
def quick(engines: Engines, espeak_settings: SynthesizerSettings, run: Run) -> Engines:
    """All engines, with voices that need no time."""
    return replace(engines, synthesizer=Voices([load(espeak_settings, run)]))


@dataclass
class House:
    """A switchboard, and what goes on there."""

    switchboard: Switchboard
    reception: Reception
    call: asyncio.Task[None]

    @property
    def announcements(self) -> Announcements:
        """The service's own: a voice does not say the same twice alike, to the sample."""
        return self.switchboard.announcements

    async def told(self, telephone: Telephone, code: str, language: str, **values: object) -> None:
        """Wait until somebody has heard this."""
        sentence = self.announcements.words(code, language, **values)
        assert sentence.language == language
        await telephone.until_heard(await self.announcements.sound(sentence, telephone.rate))

    async def agreed(self, caller: Telephone, language: str = "pt") -> None:
        """Somebody agrees to be interpreted."""
        await self.told(caller, "phone-consent", language)
        caller.press("1")

    async def accepted(
        self, clerk: Telephone, language: str | None = "pt", *, machine: bool = True
    ) -> None:
        """A clerk takes the call."""
        code = "phone-waiting" if machine else "phone-waiting-without"
        await self.told(clerk, code, "en", spoken=name_in(language, "en"))
        clerk.press("1")

    @property
    def conversation(self) -> Conversation:
        """The one that goes on."""
        [conversation] = self.reception.conversations.values()
        return conversation


@contextlib.asynccontextmanager
async def calling(
    engines: Engines,
    caller: Telephone,
    exchange: Exchange | None = None,
    settings: PhoneSettings = SETTINGS,
    *others: Telephone,
    most: int = 4,
) -> AsyncIterator[House]:
    """Somebody calls; when the block ends the call has to be over, and nothing left of it."""
    limits = ConversationLimits(drain_seconds=5.0)
    reception = Reception(engines, Endpointing(), limits, secret="only in tests", most=most)
    switchboard = Switchboard(settings, reception, (exchange or Exchange()).dial)
    call = asyncio.create_task(switchboard.take(caller))
    async with all_hung_up(caller, *others):
        yield House(switchboard, reception, call)
        async with asyncio.timeout(30):
            await call
            await reception.shut()
        assert not reception.conversations
        assert all(each.ended for each in (caller, *others))
        assert not switchboard.ongoing()


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
            assert house.reception.admit(ongoing.staff_token) == (conversation, (Party.STAFF,))
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
            tablet = house.conversation.connect(
                (Party.STAFF,), TurnTaking.OWN_MICROPHONE, None, None
            )
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


def correlation(heard: Telephone, said: Samples) -> float:
    """How alike what was heard is to what was said, wherever it begins."""
    one, other = heard.heard.astype(float), said.astype(float)
    size = len(one) + len(other)
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    at = int(np.argmax(product))
    found = one[at : at + len(other)]
    return float(np.corrcoef(found, other[: len(found)])[0, 1])


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
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(SETTINGS, **wrong)  # type: ignore[arg-type]


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

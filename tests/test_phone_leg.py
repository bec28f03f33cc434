"""What people say and hear on a telephone line: real speech, real models, lines in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jiwer
import numpy as np
import pytest
from conftest import Recording
from live import Live, living, voiced
from telephones_in_memory import Telephone, all_hung_up
from whisper_normalizer.basic import BasicTextNormalizer

from interpreter.audio import RATE, Resampler, level, resample, silence
from interpreter.channels.phone.announcements import Announcements, Sentence, ringing, tone
from interpreter.channels.phone.leg import HungUp, Leg, passing_on
from interpreter.channels.phone.participant import Participant
from interpreter.connection import Engines
from interpreter.errors import SynthesisError, TranslationError
from interpreter.events import (
    Failure,
    Notice,
    Party,
    SpeechBegan,
    SpeechEnded,
    Timing,
    Transcript,
    Translation,
)

STAFF, VISITOR = Party.STAFF, Party.VISITOR
LONG = (
    "Tem de trazer o passaporte, o contrato de trabalho e o comprovativo de morada, e depois "
    "esperar pela carta que vai chegar em casa nas próximas três semanas."
)


@dataclass
class Pair:
    """A conversation between two telephones."""

    live: Live
    telephones: Mapping[Party, Telephone]
    participants: Mapping[Party, Participant]
    announcements: Announcements

    async def told(self, party: Party, code: str, language: str, seconds: float = 30.0) -> None:
        """Wait until somebody has heard this."""
        telephone = self.telephones[party]
        sentence = self.announcements.words(code, language)
        sound = await self.announcements.sound(sentence, telephone.rate)
        await telephone.until_heard(sound, seconds)

    @property
    def translations(self) -> list[Translation]:
        return [each for each in self.live.of(Translation) if each.final]


@contextlib.asynccontextmanager
async def connected(
    engines: Engines,
    staff: Telephone | None = None,
    visitor: Telephone | None = None,
    *,
    languages: tuple[str, str] = ("en", "pt"),
) -> AsyncIterator[Pair]:
    """Two telephones joined to a conversation, as a call does it."""
    telephones = {STAFF: staff or Telephone(), VISITOR: visitor or Telephone()}
    announcements = Announcements(engines.synthesizer)
    legs = {
        party: Leg(telephones[party], announcements, language)
        for party, language in zip((STAFF, VISITOR), languages, strict=True)
    }
    running = [asyncio.create_task(leg.run()) for leg in legs.values()]
    async with (
        living(engines, staff=languages[0], visitor=languages[1]) as live,
        all_hung_up(*telephones.values()),
    ):
        participants: dict[Party, Participant] = {}

        def announce_to(party: Party, code: str) -> None:
            participants[party].announce(code)

        for party, leg in legs.items():
            other = party.other
            participants[party] = Participant(
                leg,
                live.conversation,
                party,
                announcements,
                passing_on(legs[other], telephones[party].rate),
                partial(announce_to, other),
                lambda: live.conversation.end("closed"),
            )
        tasks = [asyncio.create_task(each.run()) for each in participants.values()]
        yield Pair(live, telephones, participants, announcements)
        for telephone in telephones.values():
            await telephone.hang_up()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, HungUp | str)
        await asyncio.gather(*running)


async def transcribed(engines: Engines, telephone: Telephone, language: str) -> str:
    """What the recognizer makes of what somebody heard."""
    samples = resample(telephone.heard, telephone.rate, RATE)
    heard = await engines.recognizer.recognize(samples, {language: 1.0})
    return heard.text


def word_errors(expected: str, heard: str) -> float:
    normalize = BasicTextNormalizer()
    return float(jiwer.wer(normalize(expected).strip(), normalize(heard).strip()))


# Speech -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_portuguese_in_and_english_out(engines: Engines, rate: int) -> None:
    async def call() -> None:
        staff, visitor = Telephone(rate=rate), Telephone(rate=rate)
        said = await voiced(engines, "Bom dia, eu preciso de renovar o meu passaporte.", "pt")
        async with connected(engines, staff, visitor) as pair:
            await visitor.speak(said)
            await pair.live.until(SpeechEnded)
            await staff.until_quiet()
            [translation] = pair.translations
            heard = await transcribed(engines, staff, "en")
            assert word_errors(translation.text, heard) < 0.35
            assert len(visitor.heard) == 0
            [ended] = pair.live.of(SpeechEnded)
            assert abs(len(staff.heard) / rate - ended.seconds) < 0.05
            played = [each.played for each in pair.live.of(Timing) if each.played]
            assert played
            assert abs(played[-1] - ended.seconds) < 0.05

    asyncio.run(call())


def test_recorded_speech(engines: Engines, recordings: dict[str, Recording]) -> None:
    async def call() -> None:
        recording = recordings["fleurs_pt_001"]
        async with connected(engines) as pair:
            await pair.telephones[VISITOR].speak(recording.samples())
            await pair.live.until(SpeechEnded)
            await pair.telephones[STAFF].until_quiet()
            said = " ".join(each.text for each in pair.live.of(Transcript) if each.final)
            assert word_errors(recording.transcript, said) <= 0.6  # less when nothing else runs
            text = " ".join(each.text for each in pair.translations)
            heard = await transcribed(engines, pair.telephones[STAFF], "en")
            assert word_errors(text, heard) < 0.5

    asyncio.run(call())


def test_who_begins_to_speak_hears_nothing_more(engines: Engines) -> None:
    async def call() -> None:
        visitor = Telephone(patient=True)
        async with connected(engines, None, visitor) as pair:
            await pair.live.conversation.type(
                pair.live.connect(STAFF),
                "Please bring your passport, your contract and your proof of address, and then "
                "wait for the letter that will come to your home in the next three weeks.",
                None,
            )
            [ended] = await pair.live.until(SpeechEnded)
            assert ended.seconds > 5
            await visitor.speak(await voiced(engines, "Espere, por favor, um momento.", "pt"))
            await pair.live.wait(lambda: any(e.stopped for e in pair.live.of(SpeechEnded)))
            length = len(visitor.heard)
            assert visitor.flushed == 1
            assert length / visitor.rate < ended.seconds - 1
            await asyncio.sleep(0.5)
            assert len(visitor.heard) - length < 0.3 * visitor.rate

    asyncio.run(call())


def test_the_caller_hangs_up_in_the_middle_of_a_sentence(engines: Engines) -> None:
    async def call() -> None:
        async with connected(engines) as pair:
            visitor, staff = pair.telephones[VISITOR], pair.telephones[STAFF]
            said = await voiced(engines, LONG, "pt")
            await visitor.speak(said[: 3 * RATE])
            await visitor.hang_up()
            await pair.live.until(SpeechEnded)
            await staff.until_quiet()
            assert len(staff.heard) > staff.rate
            assert "passport" in (await transcribed(engines, staff, "en")).lower()

    asyncio.run(call())


# Keys ---------------------------------------------------------------------------------------------


def test_keys_for_hearing_again_and_slower(engines: Engines) -> None:
    async def call() -> None:
        async with connected(engines) as pair:
            staff = pair.telephones[STAFF]
            staff.press("1")
            await pair.told(STAFF, "nothing-to-repeat", "en")
            staff.clear()
            clerk = pair.live.connect(VISITOR)
            await pair.live.conversation.type(clerk, "Tenho uma consulta na quinta-feira.", None)
            await pair.live.until(SpeechEnded, 1)
            await staff.until_quiet()
            first = len(staff.heard)
            staff.press("1")
            _, again = await pair.live.until(SpeechBegan, 2)
            assert again.repeated
            await pair.live.until(SpeechEnded, 2)
            await staff.until_quiet()
            assert abs(len(staff.heard) - 2 * first) < 0.5 * staff.rate
            staff.press("2")
            await pair.told(STAFF, "phone-slower", "en")
            staff.clear()
            staff.press("1")
            await pair.live.until(SpeechEnded, 3)
            await staff.until_quiet()
            assert len(staff.heard) > 1.1 * first
            staff.press("22")
            await pair.told(STAFF, "phone-usual-speed", "en")

    asyncio.run(call())


def test_star_ends_the_conversation_for_both(engines: Engines) -> None:
    async def call() -> None:
        async with connected(engines) as pair:
            pair.telephones[VISITOR].press("9*")
            async with asyncio.timeout(10):
                while not pair.live.conversation.ended:  # noqa: ASYNC110  # no event tells
                    await asyncio.sleep(0.01)

    asyncio.run(call())


# Hold ---------------------------------------------------------------------------------------------


def test_on_hold(engines: Engines) -> None:
    """What was said before comes to its end; nothing is heard until they are back."""

    async def call() -> None:
        async with connected(engines) as pair:
            visitor = pair.telephones[VISITOR]
            await visitor.speak(await voiced(engines, "Eu tenho uma pergunta.", "pt"))
            visitor.hold(True)
            await pair.told(STAFF, "phone-held", "en")
            await pair.live.until(SpeechEnded)
            await visitor.speak(await voiced(engines, "Isto é música de espera.", "pt"))
            clerk = pair.live.connect(STAFF)
            await pair.live.conversation.type(clerk, "Good morning.", None)
            await pair.live.wait(lambda: len(pair.live.of(SpeechEnded)) == 2)
            await asyncio.sleep(1.0)
            assert len(visitor.heard) == 0
            visitor.hold(False)
            await pair.told(STAFF, "phone-back", "en")
            await visitor.until_quiet(0.5)
            said = [each.text for each in pair.live.of(Transcript) if each.final]
            assert len(said) == 2
            assert "pergunta" in said[0]

    asyncio.run(call())


# What the service itself says ---------------------------------------------------------------------


def test_who_was_not_understood_is_told(engines: Engines) -> None:
    async def call() -> None:
        async with connected(engines) as pair:
            pair.live.conversation.emit(Notice("please-repeat", 1, VISITOR))
            await pair.told(VISITOR, "phone-repeat", "pt")
            pair.live.conversation.emit(Notice("nothing-heard", 2, VISITOR))
            pair.live.conversation.emit(Notice("machine-behind"))
            await pair.told(VISITOR, "machine-behind", "pt")
            await pair.told(STAFF, "machine-behind", "en")
            visitor, staff = pair.telephones[VISITOR], pair.telephones[STAFF]
            assert len(staff.heard) < len(visitor.heard)

    asyncio.run(call())


def test_who_spoke_is_told_that_it_could_not_be_translated(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_given: Any, **_more: Any) -> None:
        raise TranslationError("translation-failed", "for the test")

    async def call() -> None:
        said = await voiced(engines, "Eu tenho uma pergunta.", "pt")
        async with connected(engines) as pair:
            # No engine fails when it is asked to.
            monkeypatch.setattr(type(engines.translator), "translate", fail)
            await pair.telephones[VISITOR].speak(said)
            await pair.live.until(Failure)
            await pair.told(VISITOR, "translation-failed", "pt")
            assert len(pair.telephones[STAFF].heard) == 0

    asyncio.run(call())


@pytest.mark.parametrize("code", ["overloaded", "recognition-timeout", "translation-untrusted"])
def test_who_spoke_is_told_what_went_wrong(engines: Engines, code: str) -> None:
    async def call() -> None:
        async with connected(engines) as pair:
            pair.live.conversation.emit(Failure(code, True, 1, STAFF))
            await pair.told(STAFF, code, "en")
            assert len(pair.telephones[VISITOR].heard) == 0

    asyncio.run(call())


def test_who_did_not_hear_it_is_told_that_it_could_not_be_spoken(engines: Engines) -> None:
    async def call() -> None:
        async with connected(engines) as pair:
            await pair.telephones[VISITOR].speak(await voiced(engines, "Bom dia.", "pt"))
            await pair.live.until(SpeechEnded)
            pair.live.conversation.emit(Failure("synthesis-failed", True, 1))
            await pair.told(STAFF, "phone-not-spoken", "en")
            assert len(pair.telephones[VISITOR].heard) == 0

    asyncio.run(call())


def test_announcements_are_made_once(engines: Engines) -> None:
    class Counting:
        name = "counting"
        voices = engines.synthesizer.voices

        def __init__(self) -> None:
            self.calls = 0
            self.broken = True

        def opening(self, text: str, language: str) -> str:
            return engines.synthesizer.opening(text, language)

        def synthesize(self, *given: Any, **more: Any) -> Any:
            self.calls += 1
            if self.broken:
                raise SynthesisError("synthesis-failed", "for the test")
            return engines.synthesizer.synthesize(*given, **more)

    async def ask() -> None:
        counting = Counting()
        announcements = Announcements(counting)
        sentence = announcements.words("phone-back", "en")
        with pytest.raises(SynthesisError):
            await announcements.sound(sentence, 8_000)
        counting.broken = False
        made = await asyncio.gather(*[announcements.sound(sentence, 8_000) for _ in range(3)])
        wide = await announcements.sound(sentence, 16_000)
        assert counting.calls == 2
        assert np.array_equal(made[0], made[2])
        assert abs(len(wide) - 2 * len(made[0])) <= 2
        for number in range(300):
            await announcements.prepare([Sentence(f"{number % 2}", "en")])
        assert counting.calls == 4

    asyncio.run(ask())


def test_languages_without_texts_or_voice_are_told_in_english(engines: Engines) -> None:
    announcements = Announcements(engines.synthesizer)
    assert announcements.words("phone-back", "sw") == announcements.words("phone-back", "en")
    assert not announcements.speaks("sw")
    assert announcements.speaks("pt")


def test_tones() -> None:
    assert len(ringing(8_000)) == 5 * 8_000
    assert abs(level(tone(1000.0, 1.0)) - (-26.0 - 3.0)) < 0.5


def test_the_prompt_resampler_is_soon_and_right() -> None:
    narrow = tone(700.0, 2.0, 8_000)
    resampler = Resampler(8_000, prompt=True)
    made = silence(0)
    for start in range(0, len(narrow), 160):
        made = np.concatenate([made, resampler.push(narrow[start : start + 160])])
        assert 2 * (start + 160) - len(made) <= 0.031 * RATE
    wanted = resample(narrow, 8_000, RATE)[: len(made)]
    assert np.corrcoef(made, wanted)[0, 1] > 0.9999

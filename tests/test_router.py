"""Which translator is asked, and who answers when it fails."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from interpreter.errors import BusyError, TranslationError
from interpreter.mt import NO_BRIEFING, Briefing, Draft, Pair
from interpreter.mt.router import Router
from interpreter.work import Quality

EN_DE, EN_PT = ("en", "de"), ("en", "pt")


class Scripted:
    """Says its name, or fails in a given way; real translators do not fail on demand."""

    def __init__(
        self, name: str, pairs: Mapping[Pair, Quality], failure: Exception | None = None
    ) -> None:
        self.name = name
        self.pairs = pairs
        self.asked = 0
        self._failure = failure

    async def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncIterator[Draft]:
        self.asked += 1
        yield Draft(self.name[:1], final=False, engine=self.name)
        if self._failure:
            raise self._failure
        yield Draft(self.name, final=True, engine=self.name)


def ask(router: Router, pair: Pair = EN_DE) -> Draft:
    async def last() -> Draft:
        return [draft async for draft in router.translate("Hello.", *pair)][-1]

    return asyncio.run(last())


def failing(code: str = "translation-failed") -> TranslationError:
    return TranslationError(code, "it did not work")


def test_the_best_is_asked_first_then_in_the_order_given() -> None:
    basic = Scripted("basic", {EN_DE: Quality.BASIC, EN_PT: Quality.GOOD})
    good = Scripted("good", {EN_DE: Quality.GOOD, EN_PT: Quality.GOOD})
    router = Router([basic, good])
    assert router.pairs == {EN_DE: Quality.GOOD, EN_PT: Quality.GOOD}
    assert ask(router).engine == "good"
    assert ask(router, EN_PT).engine == "basic"
    assert router.name == "basic+good"


@pytest.mark.parametrize("failure", [failing(), TimeoutError()])
def test_the_next_answers_when_one_fails(failure: Exception) -> None:
    first = Scripted("first", {EN_DE: Quality.GOOD}, failure)
    second = Scripted("second", {EN_DE: Quality.BASIC})
    assert ask(Router([first, second])) == Draft("second", True, "second")
    assert first.asked == second.asked == 1


def test_the_last_failure_is_told_when_all_fail() -> None:
    chain = [Scripted(code, {EN_DE: Quality.GOOD}, failing(code)) for code in ("one", "two")]
    with pytest.raises(TranslationError) as failed:
        ask(Router(chain))
    assert failed.value.code == "two"


def test_being_too_slow_is_a_translation_error() -> None:
    with pytest.raises(TranslationError) as failed:
        ask(Router([Scripted("slow", {EN_DE: Quality.GOOD}, TimeoutError())]))
    assert (failed.value.code, failed.value.retryable) == ("translation-timeout", True)


def test_an_overloaded_machine_is_not_asked_again() -> None:
    second = Scripted("second", {EN_DE: Quality.GOOD})
    busy = Scripted("first", {EN_DE: Quality.GOOD}, BusyError("overloaded", "too much waits"))
    with pytest.raises(BusyError):
        ask(Router([busy, second]))
    assert second.asked == 0


@pytest.mark.parametrize("router", [Router([]), Router([Scripted("one", {EN_PT: Quality.GOOD})])])
def test_a_pair_nobody_serves(router: Router) -> None:
    with pytest.raises(TranslationError) as failed:
        ask(router)
    assert failed.value.code == "pair-not-available"

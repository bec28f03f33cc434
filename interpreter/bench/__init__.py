"""`interpreter bench`: what this machine is capable of, as JSON."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from .latency import measure_latency
from .measures import machine

_BENCHMARKS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "latency": measure_latency,
}


def add_bench_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_bench` needs to be told."""
    parser.description = (
        "Measure on this machine, and print JSON.\n\n"
        "latency: English and Portuguese utterances of 2, 5 and 10 s are spoken into a server of\n"
        "its own in real time, as a visitor and a clerk would. Times are seconds after the last\n"
        "sample of speech until each thing reached the client; memory is the server's peak."
    )
    parser.add_argument("what", choices=_BENCHMARKS)
    parser.add_argument("--profile", default="embedded", help="which models (default embedded)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="how often (default 3)")
    parser.add_argument(
        "--speech",
        type=Path,
        default=os.environ.get("INTERPRETER_SPEECH"),
        metavar="DIR",
        help="recorded human speech with an index.tsv; without it only synthesised speech is used",
    )


def run_bench(given: argparse.Namespace) -> int:
    """Run a benchmark and print what it measured as JSON."""
    if given.runs < 1:
        raise SettingsError("bad-settings", "--runs has to be 1 or more")
    measured = _BENCHMARKS[given.what](given)
    result = {
        "benchmark": given.what,
        "date": date.today().isoformat(),
        "version": version("interpreter"),
        "machine": machine(),
        "profile": given.profile,
        **measured,
    }
    sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return 0

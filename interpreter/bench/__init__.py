"""`interpreter bench`: what this machine is capable of, as JSON."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .briefing import measure_briefing
from .firewall import ALL_KINDS, measure_firewall
from .hotwords import measure_hotwords
from .latency import measure_latency
from .load import measure_load
from .measures import machine
from .phone import measure_phone
from .soak import measure_soak


def _positive(text: str) -> float:
    if not (number := float(text)) > 0:
        raise argparse.ArgumentTypeError("has to be above 0")
    return number


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return number


# latency -------------------------------------------------------------------------------------

_LATENCY = """\
How long people wait, with nothing else going on.

English and Portuguese utterances of 2, 5 and 10 s are spoken into a server of its own in real time,
as a visitor and a clerk would. Times are seconds after the last sample of speech until each thing
reached the client; memory is the server's peak.
"""


def _add_latency(command: argparse.ArgumentParser) -> None:
    _add_runs(command)
    _add_speech(command)


# load ----------------------------------------------------------------------------------------

_LOAD = """\
How many conversations one server carries at once.

Each is held in real time by a clerk who speaks English and a visitor who speaks Portuguese. Whoever
listens hears the voice out before they answer. What to look at:

  latency_seconds    after the last sample of speech; the goal on 2 cores with 4 conversations is
                     first_audio p95 of 3 s at most
  fairness           median first audio of the slowest conversation over that of the quickest
  failures, notices  how many of what was said came to nothing, and how often people were told that
                     the machine is behind
  server_cpu_cores   processor seconds in each second; with as many as there are cores it is full
  client_cpu_cores   what these clients took away from the server
"""


def _add_load(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--conversations", type=_count, default=4, metavar="N", help="how many at once (4)"
    )
    _add_minutes(command, 1.0, "how long they talk")
    _add_speech(command)


# soak ----------------------------------------------------------------------------------------

_SOAK = """\
Whether a service that runs for long gets slower or bigger.

One conversation goes on from beginning to end in real time, and short ones come and go beside it.
With --simulated, conversations are held one after the other in this process, as quickly as the
engines work: an hour of them takes less than one. What to look at:

  memory_growth_mb_per_hour        over the second half of the run; near 0 is what one wants
  latency_last_quarter_over_first  1 where nothing became slower. Latency is seconds until the first
                                   audio, with --simulated processing time over length of speech
  tenths                           latency, memory, threads and open files of each tenth of the run
"""


def _add_soak(command: argparse.ArgumentParser) -> None:
    _add_minutes(command, 10.0, "how long")
    command.add_argument(
        "--simulated", action="store_true", help="in this process, and not in real time"
    )
    _add_speech(command)


# firewall ------------------------------------------------------------------------------------

_FIREWALL = """\
Which texts come out of sound that nobody said anything in, and what is dropped of real speech.

Each kind of noise is heard by a conversation with the profile's engines, once for every language
that is translated both ways, as quickly as the engines work. A false text is an utterance of which
any text was shown, final or not; the goal is none in an hour of each kind. Of recorded and spoken
sentences and short answers not more than 1 % may be dropped (please-repeat, nothing-heard, or
nobody noticed).

  silence, white, pink, hum, clicks, music
               made from seeds, the same everywhere, at several levels
  babble       eight people at once, none to be understood: of --speech in languages that are not
               interpreted, else by the profile's voices
  hold-music   music as it comes out of a telephone, at 8 kHz
  own-voice    what the service says, heard back in a room by a shared microphone; in real time
  recorded     what of --speech holds no speech
  speech       what is said in the language, by people (of --speech) and by the profile's voices
"""


def _add_firewall(command: argparse.ArgumentParser) -> None:
    _add_minutes(command, 60.0, "of each kind and language")
    command.add_argument(
        "--kind",
        action="append",
        choices=ALL_KINDS,
        help="only this kind (may be repeated)",
    )
    command.add_argument(
        "--language", action="append", metavar="TAG", help="only this one (may be repeated)"
    )
    command.add_argument(
        "--show-texts", action="store_true", help="print false texts on standard error"
    )
    _add_speech(command)


# hotwords ------------------------------------------------------------------------------------

_HOTWORDS = """\
What the office's hotwords do to recognition.

Recordings of --speech are recognised three times: without hotwords, with 29 terms of an office that
do not occur in them, and with their own longest word before those.
"""

# briefing ------------------------------------------------------------------------------------

_BRIEFING = """\
What it costs to tell an embedded language model of the office's domain and formality, besides of
its terms, besides of the last two turns.
"""


# phone ---------------------------------------------------------------------------------------

_PHONE = """\
What the telephone's call core adds, with telephones in memory.

  pass_through                     what one person says as the other hears it while nobody
                                   interprets: delay (goal 60 ms) and likeness (goal 0.99)
  idle_call_cpu_percent_of_a_core  of an interpreted call in which nobody speaks (goal 3)
  first_sound_seconds              from the last word to the first translated sound, by phone and
                                   in the same conversation without one (goal: 0.2 s apart)
  words                            of recordings (--speech): errors as they are, and at 8 kHz
"""


def _add_phone(command: argparse.ArgumentParser) -> None:
    _add_runs(command)
    _add_speech(command)


def _add_runs(command: argparse.ArgumentParser) -> None:
    command.add_argument("--runs", type=_count, default=3, metavar="N", help="how often (3)")


# what several share --------------------------------------------------------------------------


def _add_minutes(command: argparse.ArgumentParser, default: float, what: str) -> None:
    command.add_argument(
        "--minutes", type=_positive, default=default, metavar="M", help=f"{what} ({default:g})"
    )


def _add_speech(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--speech",
        type=Path,
        default=os.environ.get("INTERPRETER_SPEECH"),
        metavar="DIR",
        help="recorded human speech with an index.tsv; without it only synthesised speech is used",
    )


# all benchmarks ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Benchmark:
    summary: str
    about: str
    add: Callable[[argparse.ArgumentParser], None]
    measure: Callable[[argparse.Namespace], dict[str, Any]]
    measured: Callable[[dict[str, Any]], bool]
    """Whether there is anything in the result to go by."""


_BENCHMARKS = {
    "latency": _Benchmark(
        "how long people wait for what was said",
        _LATENCY,
        _add_latency,
        measure_latency,
        lambda result: bool(result["latency_seconds"]),
    ),
    "load": _Benchmark(
        "how many conversations one server carries at once",
        _LOAD,
        _add_load,
        measure_load,
        lambda result: result["latency_seconds"]["first_audio"]["n"] > 0,
    ),
    "soak": _Benchmark(
        "whether a service that runs for long gets slower or bigger",
        _SOAK,
        _add_soak,
        measure_soak,
        lambda result: result["latency"]["n"] > 0,
    ),
    "firewall": _Benchmark(
        "which texts come out of noise, and what is dropped of speech",
        _FIREWALL,
        _add_firewall,
        measure_firewall,
        lambda result: result["hours"] > 0 or result["wrongly_dropped_share"] is not None,
    ),
    "hotwords": _Benchmark(
        "what the office's words do to recognition",
        _HOTWORDS,
        _add_speech,
        measure_hotwords,
        lambda result: result["recordings"] > 0,
    ),
    "phone": _Benchmark(
        "what the telephone adds to a conversation",
        _PHONE,
        _add_phone,
        measure_phone,
        lambda result: bool(result["pass_through"]),
    ),
    "briefing": _Benchmark(
        "what it costs to tell a language model about the office",
        _BRIEFING,
        _add_runs,
        measure_briefing,
        lambda result: bool(result["models"]),
    ),
}


def add_bench_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_bench` needs to be told."""
    parser.description = "Measure on this machine, and print JSON."
    benchmarks = parser.add_subparsers(
        title="benchmarks", metavar="BENCHMARK", dest="what", required=True
    )
    for name, benchmark in _BENCHMARKS.items():
        command = benchmarks.add_parser(
            name,
            help=benchmark.summary,
            description=benchmark.about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--profile", default="embedded", help="which models (embedded)")
        benchmark.add(command)


def run_bench(given: argparse.Namespace) -> int:
    """Run a benchmark and print what it measured as JSON; 1 where that is nothing."""
    benchmark = _BENCHMARKS[given.what]
    measured = benchmark.measure(given)
    result = {
        "benchmark": given.what,
        "date": date.today().isoformat(),
        "version": version("interpreter"),
        "machine": machine(),
        "profile": given.profile,
        **measured,
    }
    sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    if not benchmark.measured(measured):
        sys.stderr.write("nothing was measured: see the failures in the result\n")
        return 1
    return 0

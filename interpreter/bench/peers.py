"""`scripts/bench-peers`: the same speech to WhisperLiveKit and to this service, in turn.

Both use the same Whisper model and hear the same files in real time, never at the same moment. The
clock starts with the last sample of speech. The peer is done when its last word is in its final
text; the service here has more to do: it is done when the translation begins to sound.
"""

import argparse
import asyncio
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from interpreter_desk import Staff
from interpreter_desk.own_server import own_server
from interpreter_desk.recordings import Recording, last_speech
from interpreter_desk.report import rows
from interpreter_desk.stage import Pace, play

from ..audio import RATE, Samples, read_wav, resample
from ..engines import build
from ..errors import InterpreterError
from ..events import Party
from ..models import load_profile
from ..scheduler import Scheduler
from ..settings import Settings
from .measures import machine, peak_memory, server_process, spread, tell
from .trial import Speech, Trial, screens_of, settled, tree_processor_seconds
from .whisperlivekit import hear, peer_server
from .words import Spoken, errors, lags

_LANGUAGES = {Party.STAFF: "en", Party.VISITOR: "pt"}
_SECONDS = (4.0, 7.5)
"""Length of the recordings that are used."""

_ABOUT = """\
Stream the same English speech to this service and to WhisperLiveKit, in turn and in real time, with
the same Whisper model, and compare how long people wait. What to look at:

  ratio                  the peer's median time from the last word to its final text, over ours
                         from the last word to the first translated sound (English to Portuguese)
  final_text_seconds     from the last word until the text is there and stays as it is
  whole_text_seconds     the same, counting words that may still change
  word_lag_seconds       of each word, from its end until it stands on the screen for good
  wer                    words that are wrong in the final text, over words said
  cpu_seconds_per_second of the server and all it started, from the first word to 5 s after the last

`n` below `trials` tells how often something never came. Ours does more in that time: it also
translates and speaks. Nothing else should run meanwhile; a run of a file takes about half a minute.
The first time, the peer is installed into .venv-peers (about 1.5 GB).

  scripts/bench-peers --runs 1              a first look
  scripts/bench-peers --json | tail -n 1    for other programs
"""

_FILES = 4
_SENTENCES = [
    "Please fill in this form and bring it back by Friday at noon.",
    "Your residence permit is valid until the end of next year.",
    "My colleague will call your number in a few minutes, so please take a seat.",
]


def main() -> int:
    """Compare, print and draw."""
    given = _arguments().parse_args()
    try:
        result = asyncio.run(_compare(given))
    except (InterpreterError, OSError) as error:
        sys.stderr.write(f"bench-peers: {error}\n")
        return 1
    if given.json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(table(result) + "\n")
    sys.stdout.flush()
    return _draw(result, given.plot, given.peer_python)


def table(result: dict[str, Any]) -> str:
    """The figures for people, as Markdown."""
    ours, peer = result["ours"], result["peers"]["whisperlivekit"]

    def cell(figures: dict[str, Any], name: str) -> str:
        if not (found := figures.get(name)) or not found.get("n"):
            return "-"
        return f"{found['median']:.2f} / {found['p95']:.2f}"

    lines = ["| | Interpreter | WhisperLiveKit |", "|---|---|---|"]
    for title, name in (
        ("last word to final text (s)", "final_text_seconds"),
        ("last word to whole text, still open (s)", "whole_text_seconds"),
        ("last word to first translated audio (s)", "first_audio_seconds"),
        ("lag of each word on the screen (s)", "word_lag_seconds"),
        ("processor seconds in each second", "cpu_seconds_per_second"),
    ):
        lines.append(f"| {title} | {cell(ours, name)} | {cell(peer, name)} |")
    lines.append(f"| word error rate | {ours['wer']:.1%} | {peer['wer']:.1%} |")
    lines.append(f"| peak memory (MB) | {ours['peak_memory_mb']} | {peer['peak_memory_mb']} |")
    return "\n".join([*lines, "", f"ratio {result['ratio']:.2f}"])


def summarise(trials: Sequence[Trial]) -> dict[str, Any]:
    """Figures of what came; `n` below `trials` tells how often something did not."""

    def came(times: Iterable[float | None]) -> dict[str, float | int]:
        return spread([each for each in times if each is not None])

    return {
        "final_text_seconds": came(trial.final_text for trial in trials),
        "whole_text_seconds": came(trial.whole_text for trial in trials),
        "first_audio_seconds": came(trial.first_audio for trial in trials),
        "word_lag_seconds": spread([lag for trial in trials for lag in trial.lags]),
        "cpu_seconds_per_second": spread([trial.cpu for trial in trials]),
        "wer": round(sum(t.wrong for t in trials) / max(1, sum(t.words for t in trials)), 4),
        "trials": len(trials),
    }


def ratio(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """How many times longer the peer takes to its final text than we to the first sound.

    Raises `InterpreterError` ("nothing-heard") if one of them never got there.
    """
    we, they = ours["first_audio_seconds"], theirs["final_text_seconds"]
    if not (we["n"] and they["n"]):
        who = "WhisperLiveKit" if we["n"] else "this service"
        raise InterpreterError("nothing-heard", f"{who} never answered, so there is no ratio")
    return round(float(they["median"] / we["median"]), 2)


async def _compare(given: argparse.Namespace) -> dict[str, Any]:
    files = await _files(given.speech)
    if not files:
        raise InterpreterError(
            "no-speech", "no English recording of 4 to 7.5 s with a transcript in --speech"
        )
    tell(f"{len(files)} files, {given.runs} runs")
    ours: list[Trial] = []
    theirs: list[Trial] = []
    async with AsyncExitStack() as stack:
        staff = await stack.enter_async_context(own_server(tell))
        peer = await stack.enter_async_context(peer_server(given.peer_python, files[0]))
        here = server_process()
        for run in range(given.runs):
            for number, file in enumerate(files, 1):
                tell(f"run {run + 1} of {given.runs}, file {number} of {len(files)}")
                ours.append(await _to_us(staff, file, here))
                theirs.append(await hear(peer, file))
        memory = [peak_memory(here), peak_memory(peer.process)]
    us, them = summarise(ours), summarise(theirs)
    return {
        "ratio": ratio(us, them),
        "date": date.today().isoformat(),
        "machine": machine(),
        "model": "whisper-base",
        "runs": given.runs,
        "files": [file.name for file in files],
        "ours": {**us, "peak_memory_mb": memory[0]},
        "peers": {"whisperlivekit": {**them, "peak_memory_mb": memory[1]}},
        "word_lags": {
            "ours": [round(lag, 3) for trial in ours for lag in trial.lags],
            "whisperlivekit": [round(lag, 3) for trial in theirs for lag in trial.lags],
        },
    }


# What is said ------------------------------------------------------------------------------------


async def _files(speech: Path | None) -> list[Speech]:
    scheduler = Scheduler()
    house = build(Settings(), load_profile("embedded"), scheduler)
    engines = house.engines
    try:
        sounds: list[tuple[str, Samples, str]] = []
        if speech:
            sounds = _recorded(speech)
        else:
            for number, sentence in enumerate(_SENTENCES, 1):
                made = [
                    resample(sound.samples, sound.rate, RATE)
                    async for sound in engines.synthesizer.synthesize(sentence, "en")
                ]
                sounds.append((f"sentence {number}", np.concatenate(made), sentence))
        files = []
        for name, samples, reference in sounds:
            heard = await engines.recognizer.recognize(samples, {"en": 1.0})
            spoken = [Spoken(word.text, word.end) for word in heard.words]
            end = last_speech(samples, RATE)
            if end is not None:
                files.append(Speech(name, samples, reference, spoken, end))
        return files
    finally:
        house.close()
        scheduler.close(5.0)


def _recorded(folder: Path) -> list[tuple[str, Samples, str]]:
    found: list[tuple[str, Samples, str]] = []
    with (folder / "index.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            fits = _SECONDS[0] <= float(row["seconds"]) <= _SECONDS[1]
            if row["language"] == "en" and fits and row["transcript"] and len(found) < _FILES:
                samples, rate = read_wav(folder / row["file"])
                found.append((row["file"], resample(samples, rate, RATE), row["transcript"]))
    return found


# This service ------------------------------------------------------------------------------------


async def _to_us(staff: Staff, file: Speech, server: psutil.Process) -> Trial:
    recording = Recording(Party.STAFF, Path(file.name), file.samples, RATE)
    before, began = tree_processor_seconds(server), time.monotonic()
    async with aclosing(play(staff, _LANGUAGES, [recording], Pace(wait=False))) as dialogue:
        (said,) = [each async for each in dialogue]
    await asyncio.sleep(began + file.window_seconds - time.monotonic())
    used = tree_processor_seconds(server) - before
    screens = screens_of(said, file.speech_end)
    last = rows(said, _LANGUAGES)[-1]["latency"]
    final = " ".join(each.transcript.text for each in said.outcomes if each.transcript)
    wrong, words = errors(final, file.reference)
    return Trial(
        final_text=last["transcript"],
        whole_text=file.after(settled(screens, file.reference)),
        first_audio=last["first_audio"],
        lags=lags(file.spoken, screens),
        wrong=wrong,
        words=words,
        cpu=used / file.window_seconds,
    )


def _draw(result: dict[str, Any], to: Path, python: Path) -> int:
    """By the peer's environment, which has matplotlib; returns 1 where that failed.

    Standard output stays as it is: the result has to be its last line.
    """
    script = Path(__file__).parents[2] / "scripts" / "draw-peers"
    try:
        subprocess.run(
            [python, script, to], input=json.dumps(result), stdout=sys.stderr, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"bench-peers: not drawn: {error}\n")
        return 1
    tell(f"drawn: {to}")
    return 0


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return number


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench-peers",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--runs", type=_count, default=5, metavar="N", help="of each file (default 5)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="not a table but one JSON object, as the last line of standard output",
    )
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="where to draw it, as PNG (default: bench-peers.png)",
        default=Path("bench-peers.png"),
    )
    parser.add_argument(
        "--speech",
        type=Path,
        default=os.environ.get("INTERPRETER_SPEECH"),
        metavar="DIR",
        help="recorded speech with an index.tsv (default INTERPRETER_SPEECH); without it "
        "sentences are synthesised",
    )
    parser.add_argument(
        "--peer-python", type=Path, default=Path(".venv-peers/bin/python"), help=argparse.SUPPRESS
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

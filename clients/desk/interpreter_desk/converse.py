"""`interpreter converse`: a dialogue from WAV files, through a real server."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from rich.console import Console

from interpreter.audio import write_wav
from interpreter.errors import InterpreterError, SettingsError
from interpreter.events import Party
from interpreter.languages import normalise

from .address import Address
from .own_server import own_server
from .recordings import Recording, read_dialogue
from .report import Row, rows, table
from .rest import Staff, staff_key
from .seat import wav_name
from .stage import Pace, Said, play

_ABOUT = """\
Let recordings talk to each other through a real server, in real time, and see what became of each
utterance: what was recognised, how it was translated, who spoke it, and how long that took.

  interpreter converse --staff-language en --visitor-language pt \\
      visitor:question.wav staff:answer.wav

Each file (16-bit PCM WAV, any rate) is streamed as the named party, followed by silence until all
that was said in it has been interpreted. The next one starts when the other party has heard it.
Without --server a server is started for the purpose, on a free port of this machine. With it, the
staff key is read as `interpreter serve` reads it: from INTERPRETER_STAFF_KEY, or its file.

With --json there is one object a line for each utterance:

  utterance, party, from, to, transcript, translation, engine, voice, flags, facts,
  audio_seconds   length of the file
  speech_seconds  length of the voice the other party heard
  latency         endpoint, transcript, translation, first_audio: seconds after the last sample of
                  speech in the file until each arrived here (endpoint: as the server reports it;
                  with several utterances in one file, only the last is measured here, the others
                  by the server; where both measured, the longer time is shown)
  error           only where it was not interpreted: a code of the protocol (clients/PROTOCOL.md),
                  or no-answer when nothing came in time

The exit status is 0 if every utterance was interpreted, 1 if one was not or the server failed,
2 if the command or a file is wrong.
"""


def add_converse_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_converse` needs to be told."""
    parser.description = _ABOUT
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "recordings", nargs="+", type=_named_file, metavar="PARTY:FILE.wav", help="who says what"
    )
    add_language_arguments(parser, required=True)
    add_server_arguments(parser)
    parser.add_argument(
        "--profile", help="which models the own server uses (without --server only)"
    )
    parser.add_argument(
        "--save-speech", type=Path, metavar="DIR", help="keep what was heard, a WAV an utterance"
    )
    parser.add_argument(
        "--no-wait", action="store_true", help="start the next file without waiting for playback"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


def add_language_arguments(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """What the two parties speak."""
    for party in Party:
        parser.add_argument(
            f"--{party}-language",
            required=required,
            type=language_tag,
            metavar="TAG",
            help=f"what {'staff speak' if party is Party.STAFF else 'the visitor speaks'}: en, pt",
        )


def add_server_arguments(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Where the server is, for every command that talks to one."""
    otherwise = f"default {default}" if default else "without it, one is started"
    parser.add_argument(
        "--server",
        metavar="URL",
        default=default,
        help=f"such as https://counter.example.org:8420 ({otherwise})",
    )
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument(
        "--ca", type=Path, metavar="PEM", help="trust this certificate (a server's --self-signed)"
    )
    trust.add_argument(
        "--insecure", action="store_true", help="do not check the certificate; for a try-out only"
    )


def server_address(given: argparse.Namespace) -> Address:
    """The server that was named. Raises `SettingsError`."""
    return Address(given.server, verify=given.ca or not given.insecure)


def run_converse(given: argparse.Namespace) -> int:
    """Run the command; gives the exit status."""
    try:
        return asyncio.run(_converse(given))
    except asyncio.CancelledError:  # by SIGTERM
        return 143
    except SettingsError as error:
        return _complain(error, 2)
    except InterpreterError as error:
        return _complain(error, 2 if error.code == "bad-audio-file" else 1)


async def _converse(given: argparse.Namespace) -> int:
    recordings = read_dialogue(given.recordings)
    languages = {Party.STAFF: given.staff_language, Party.VISITOR: given.visitor_language}
    if given.save_speech:
        _make_folder(given.save_speech)
    seconds = sum(recording.seconds for recording in recordings)
    all_rows: list[Row] = []
    async with _server(given) as staff:
        _tell(f"{len(recordings)} recordings, {seconds:.0f} s; streaming in real time")
        pace = Pace(wait=not given.no_wait)
        async with aclosing(play(staff, languages, recordings, pace)) as dialogue:
            async for said in dialogue:
                found = rows(said, languages)
                all_rows += found
                _tell_of(said.recording, found)
                if given.save_speech:
                    _save(said, given.save_speech, languages)
                if given.json:
                    _print_json(found)
    if not given.json:
        Console().print(table(all_rows))
    return int(any("error" in row for row in all_rows))


@asynccontextmanager
async def _server(given: argparse.Namespace) -> AsyncIterator[Staff]:
    if given.server:
        yield Staff(server_address(given), staff_key())
        return
    _tell("starting a server …")
    arguments = ["--profile", given.profile] if given.profile else []
    async with own_server(_tell, arguments) as staff:
        yield staff


def _save(said: Said, folder: Path, languages: Mapping[Party, str]) -> None:
    listener = said.recording.party.other
    for outcome in said.outcomes:
        if outcome.speech:
            path = folder / wav_name(outcome.utterance, listener, languages[listener])
            write_wav(path, outcome.spoken, outcome.speech.rate)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError("bad-folder", f"{folder}: {error.strerror}") from error


def _print_json(found: list[Row]) -> None:
    for row in found:
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _tell_of(recording: Recording, found: list[Row]) -> None:
    errors = [row["error"] for row in found if "error" in row]
    what = "not interpreted: " + ", ".join(errors) if errors else "interpreted"
    _tell(f"{recording.party} {recording.path.name}: {what}")


def _tell(line: str) -> None:
    """Progress goes to standard error, so that standard output can be read by programs."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _complain(error: InterpreterError, status: int) -> int:
    _tell(f"{error.code}: {error}")
    return status


def _named_file(given: str) -> tuple[Party, Path]:
    party, colon, path = given.partition(":")
    if not colon or not path or party not in list(Party):
        raise argparse.ArgumentTypeError(f"{given!r} is not staff:FILE.wav or visitor:FILE.wav")
    return Party(party), Path(path)


def language_tag(given: str) -> str:
    """The language of a tag, for argparse."""
    try:
        return normalise(given)
    except InterpreterError as error:
        raise argparse.ArgumentTypeError(str(error)) from error

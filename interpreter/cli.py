"""The command line: `interpreter COMMAND --help` teaches each command."""

import argparse
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import __version__
from .errors import InterpreterError

AddArguments = Callable[[argparse.ArgumentParser], None]
Run = Callable[[argparse.Namespace], int]

_ABOUT = """\
Live, self-hosted interpretation between two people who do not share a language.

  interpreter doctor                 what is here, what is missing, and what mends it
  interpreter models fetch           bring the models of the default profile here
  interpreter serve                  start the service
  interpreter converse --staff-language en --visitor-language pt visitor:a.wav staff:b.wav
                                     let two recordings talk to each other through it
"""

_ASKED_WRONGLY = frozenset({"bad-audio-file", "bad-usage", "unknown-language", "unknown-profile"})
"""Error codes of what another command line would have avoided."""


_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit status: 0 done, 1 it failed, 2 it was asked wrongly."""
    given = _parser(sys.argv[1:] if arguments is None else arguments).parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for ours in ("interpreter", "interpreter_desk"):
        # Not for libraries: what websockets logs in detail is what people say.
        logging.getLogger(ours).setLevel(_LEVELS[min(given.verbose, 2)])
    run: Run = given.run
    try:
        return run(given)
    except InterpreterError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 2 if error.code in _ASKED_WRONGLY else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    """Knows every command, but the options of only the one that is asked for.

    So `interpreter --help` does not wait for libraries that only one command needs.
    """
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    parser = argparse.ArgumentParser(
        "interpreter", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"interpreter {__version__}")
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="log more to standard error; -vv most"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in _COMMANDS.items():
        added = commands.add_parser(
            name, help=command.summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == asked:
            add_arguments, run = command.load()
            add_arguments(added)
            for add_shared in command.shared:
                add_shared(added)
            added.set_defaults(run=run)
    return parser


# serve ---------------------------------------------------------------------------------------

_SERVE = """\
Start the service and print the address to open.

The staff key, with which conversations are made, comes from the environment variable
INTERPRETER_STAFF_KEY, from the file INTERPRETER_STAFF_KEY_FILE names, or is made at first start.
Without TLS the service listens on this machine only; browsers elsewhere need TLS for a microphone:

  interpreter serve                                          this machine only
  interpreter serve --host 0.0.0.0 --self-signed             a try-out in the house
  interpreter serve --host 0.0.0.0 --certificate c.pem --key k.pem
"""


def _add_serve_arguments(command: argparse.ArgumentParser) -> None:
    command.description = _SERVE
    command.add_argument("--json", action="store_true", help="print one line of JSON when ready")


def _run_serve(given: argparse.Namespace) -> int:
    from .launch import serve
    from .settings import load_settings

    return serve(load_settings(given.settings, vars(given)), as_json=given.json)


# what several commands share -----------------------------------------------------------------


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--settings", type=Path, metavar="FILE", help="TOML file; see the README")
    command.add_argument(
        "--profile",
        help="which models: embedded (default), embedded-plus, cpu, gpu, or your own TOML file",
    )
    command.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], help="where models run (default auto)"
    )
    command.add_argument("--threads", type=int, metavar="N", help="threads of one call to a model")


def _add_server(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    command.add_argument("--port", type=int, help="port to listen on (default 8420; 0: a free one)")
    command.add_argument("--certificate", metavar="PEM", help="TLS certificate")
    command.add_argument("--key", metavar="PEM", help="its private key")
    command.add_argument(
        "--self-signed", action="store_true", default=None, help="make a certificate of our own"
    )
    command.add_argument(
        "--without-tls",
        action="store_true",
        default=None,
        help="listen beyond this machine without TLS (behind a reverse proxy that does TLS)",
    )
    command.add_argument("--workers", type=int, metavar="N", help="calls to models at once (2)")


# all commands --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Command:
    summary: str
    load: Callable[[], tuple[AddArguments, Run]]
    """Imports what the command needs."""

    shared: tuple[AddArguments, ...] = ()


def _serve() -> tuple[AddArguments, Run]:
    return _add_serve_arguments, _run_serve


def _doctor() -> tuple[AddArguments, Run]:
    from .doctor import add_doctor_arguments, run_doctor

    return add_doctor_arguments, run_doctor


def _models() -> tuple[AddArguments, Run]:
    from .models_command import add_models_arguments, run_models

    return add_models_arguments, run_models


def _converse() -> tuple[AddArguments, Run]:
    from interpreter_desk.converse import add_converse_arguments, run_converse

    return add_converse_arguments, run_converse


def _desk() -> tuple[AddArguments, Run]:
    from interpreter_desk.desk import add_desk_arguments, run_desk

    return add_desk_arguments, run_desk


def _say() -> tuple[AddArguments, Run]:
    from .by_hand import add_say_arguments, run_say

    return add_say_arguments, run_say


def _transcribe() -> tuple[AddArguments, Run]:
    from .by_hand import add_transcribe_arguments, run_transcribe

    return add_transcribe_arguments, run_transcribe


def _evaluate() -> tuple[AddArguments, Run]:
    from .evaluate import add_evaluate_arguments, run_evaluate

    return add_evaluate_arguments, run_evaluate


def _bench() -> tuple[AddArguments, Run]:
    from .bench import add_bench_arguments, run_bench

    return add_bench_arguments, run_bench


_COMMANDS = {
    "serve": _Command("start the service", _serve, (_add_settings, _add_server)),
    "doctor": _Command(
        "what is here, what is missing, and what mends it", _doctor, (_add_settings, _add_server)
    ),
    "models": _Command("list, fetch and verify models", _models),
    "converse": _Command("let recordings talk to each other through a service", _converse),
    "desk": _Command("take part with a microphone and a loudspeaker", _desk),
    "say": _Command("try a voice: speak a text into a file", _say, (_add_settings,)),
    "transcribe": _Command(
        "try a recording: write down what is said in it", _transcribe, (_add_settings,)
    ),
    "evaluate": _Command(
        "how well it translates, and what becomes of numbers and dates",
        _evaluate,
        (_add_settings,),
    ),
    "bench": _Command("measure how quickly this machine interprets", _bench),
}

"""The command line: `interpreter COMMAND --help` teaches each command."""

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from . import __version__
from .errors import InterpreterError

Run = Callable[[argparse.Namespace], int]

_ABOUT = """\
Live, self-hosted interpretation between two people who do not share a language.

  interpreter doctor                 what is here, what is missing, and what mends it
  interpreter models fetch           bring the models of the default profile here
  interpreter serve                  start the service
  interpreter converse --staff-language en --visitor-language pt visitor:a.wav staff:b.wav
                                     let two recordings talk to each other through it
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit status: 0 done, 1 it failed, 2 it was asked wrongly."""
    parser = _parser()
    given = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if given.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    run: Run = given.run
    try:
        return run(given)
    except InterpreterError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "interpreter", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"interpreter {__version__}")
    parser.add_argument("--verbose", action="store_true", help="log more, to standard error")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, summary: str, run: Run, description: str = "") -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=description or summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        return command

    _add_serve(add("serve", "start the service", _serve, _SERVE))
    _add_models(add("models", "list, fetch and verify models", _models, _MODELS))
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


def _add_serve(command: argparse.ArgumentParser) -> None:
    command.add_argument("--settings", type=Path, metavar="FILE", help="TOML file; see the README")
    _add_profile(command)
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
    command.add_argument("--json", action="store_true", help="print one line of JSON when ready")


def _serve(given: argparse.Namespace) -> int:
    from .launch import override, serve
    from .settings import load_settings

    return serve(override(load_settings(given.settings), vars(given)), as_json=given.json)


# models --------------------------------------------------------------------------------------

_MODELS = """\
List, fetch and verify models. They are kept in the folder INTERPRETER_MODELS, else in the user's
cache.

  interpreter models list            all models, which profile uses them, which are here
  interpreter models fetch           bring those of the profile `embedded` here
  interpreter models fetch gpu       bring those of the profile `gpu` here
  interpreter models verify          read every byte of what is here again
"""


def _add_models(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=["list", "fetch", "verify"])
    command.add_argument("profile", nargs="?", help="a shipped profile, or a TOML file")
    command.add_argument("--json", action="store_true", help="print JSON (list only)")


def _models(given: argparse.Namespace) -> int:
    from .models_command import run_models

    return run_models(given.action, given.profile, as_json=given.json)


# what several commands share -----------------------------------------------------------------


def _add_profile(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--profile", help="which models: embedded (default), cpu, gpu, or a TOML file of your own"
    )
    command.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], help="where models run (default auto)"
    )
    command.add_argument("--threads", type=int, metavar="N", help="threads of one call to a model")

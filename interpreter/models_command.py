"""`interpreter models list | fetch | verify`: the models of this machine, for people."""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from .errors import ModelError
from .models import (
    Manifest,
    Profile,
    Terminal,
    fetch,
    load_manifests,
    load_profile,
    locate,
    models_home,
    profile_names,
    verify,
)

_ABOUT = """\
List, fetch and verify models. They are kept in the folder INTERPRETER_MODELS, else in the user's
cache.

  interpreter models list            all models, which profile uses them, which are here
  interpreter models fetch           bring those of the profile `embedded` here
  interpreter models fetch gpu       bring those of the profile `gpu` here
  interpreter models verify          read every byte of what is here again

Exit status of fetch: 1 if a model could not be had that the profile cannot do without;
of verify: 1 if a model is damaged, or one that the named profile needs is missing.
"""

_ROLES = ("vad", "asr", "mt", "tts")
_WIDTH = 132
"""Columns of a table that is not drawn on a terminal."""


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_models` needs to be told."""
    parser.description = _ABOUT
    profiles = f"{', '.join(profile_names())}, or a TOML file of your own"
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary, default in (
        ("list", "all models, which profile uses them, which are here", "all models"),
        ("fetch", "bring the models of a profile here", "embedded"),
        ("verify", "read every byte of what is here again", "all that is here"),
    ):
        action = actions.add_parser(name, help=summary)
        action.add_argument("profile", nargs="?", help=f"{profiles} (default {default})")
        if name == "list":
            action.add_argument("--json", action="store_true", help="print JSON")


def run_models(given: argparse.Namespace) -> int:
    """Run the command; gives the exit status. Raises `ModelError` and `SettingsError`."""
    match given.action:
        case "list":
            return _list(given.profile, as_json=given.json)
        case "fetch":
            return _fetch(load_profile(given.profile or "embedded"))
        case _:
            return _verify(load_profile(given.profile) if given.profile else None)


# list ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    manifest: Manifest
    profiles: tuple[str, ...]
    state: Literal["installed", "missing", "damaged"]
    folder: Path | None


def _list(profile: str | None, *, as_json: bool) -> int:
    rows = [_row(manifest, names) for manifest, names in _chosen(profile)]
    if as_json:
        sys.stdout.write(
            json.dumps([_described(row) for row in rows], indent=2, ensure_ascii=False) + "\n"
        )
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("model", "for", "MB", "licence", "profiles", "here"):
        table.add_column(name, justify="right" if name == "MB" else "left", overflow="fold")
    for row in rows:
        size = f"{row.manifest.size / 1e6:,.1f}" if row.manifest.size else "?"
        here = {"installed": "yes", "missing": "no", "damaged": "damaged"}[row.state]
        profiles = " ".join(row.profiles) or "–"
        table.add_row(
            row.manifest.id, row.manifest.role, size, row.manifest.licence, profiles, here
        )
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=_WIDTH)
    console.print(table)
    console.print(f"\nThey are kept in {models_home()}", soft_wrap=True)
    return 0


def _chosen(profile: str | None) -> Iterable[tuple[Manifest, tuple[str, ...]]]:
    """The models to list and the profiles that use them, in the order of a conversation."""
    profiles = [load_profile(name) for name in profile_names()]
    if profile and profile not in profile_names():
        profiles.append(load_profile(profile))
    manifests = load_profile(profile).models if profile else load_manifests().values()
    for manifest in sorted(manifests, key=lambda each: (_ROLES.index(each.role), each.id)):
        users = tuple(each.name for each in profiles if manifest in each.models)
        yield manifest, users


def _row(manifest: Manifest, profiles: tuple[str, ...]) -> _Row:
    try:
        folder = locate(manifest)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return _Row(manifest, profiles, "damaged", None)
    return _Row(manifest, profiles, "installed" if folder else "missing", folder)


def _described(row: _Row) -> dict[str, Any]:
    manifest = row.manifest
    return {
        "id": manifest.id,
        "role": manifest.role,
        "licence": manifest.licence,
        "size_bytes": manifest.size or None,
        "profiles": row.profiles,
        "state": row.state,
        "folder": str(row.folder) if row.folder else None,
        "languages": manifest.languages,
        "pairs": {f"{a}-{b}": quality for (a, b), quality in manifest.translations.items()},
        "note": manifest.note,
        "caution": manifest.caution,
    }


# fetch and verify ----------------------------------------------------------------------------


def _fetch(profile: Profile) -> int:
    report = fetch(profile, Terminal())
    parts = []
    if report.fetched:
        parts.append(f"{len(report.fetched)} fetched ({', '.join(report.fetched)})")
    if report.present:
        parts.append(f"{len(report.present)} were here already")
    if report.skipped:
        parts.append(f"{len(report.skipped)} left out ({', '.join(report.skipped)})")
    sys.stdout.write(f"Profile {profile.name}: {'; '.join(parts)}\n")
    return 0


def _verify(profile: Profile | None) -> int:
    """Those of a profile, which should be there; without one all, of which some may be."""
    failed = 0
    for manifest in profile.models if profile else load_manifests().values():
        try:
            verify(manifest, Terminal())
        except ModelError as error:
            if error.code == "model-missing" and (
                profile is None or manifest.id in profile.optional
            ):
                continue
            sys.stderr.write(f"{error.code}: {error}\n")
            failed += 1
        else:
            sys.stdout.write(f"{manifest.id}: as it should be\n")
    return 1 if failed else 0

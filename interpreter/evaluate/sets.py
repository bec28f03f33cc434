"""Test sets: tables of sentences with what a good translation of each holds."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SettingsError

_NEEDED = ("id", "from", "to", "text", "reference")
_KNOWN = {*_NEEDED, "facts", "tell", "audio"}


@dataclass(frozen=True, slots=True)
class Row:
    """A sentence of a test set."""

    name: str
    """The column `id`."""

    source: str
    target: str
    text: str
    reference: str
    facts: tuple[str, ...] = ()
    """Normalised values that a translation has to hold: `09:30`, `thursday`, `EUR 12.50`, `not`."""

    tells: tuple[str, ...] = ()
    """Small letters; what only an engine would write that obeyed the sentence."""

    audio: Path | None = None
    """WAV file of the sentence; then what is heard of it is translated, not the text."""

    @property
    def pair(self) -> str:
        return f"{self.source}-{self.target}"


def read_sets(paths: Sequence[Path]) -> list[Row]:
    """All rows of tab-separated files with a line of column names.

    Columns `id`, `from`, `to`, `text`, `reference`; if wanted `facts` (separated by `;`), `tell`
    (by `|`) and `audio` (relative to the file). Raises `SettingsError` ("bad-test-set").
    """
    rows = [row for path in paths for row in _read(path)]
    seen: set[str] = set()
    for row in rows:
        if row.name in seen:
            raise SettingsError("bad-test-set", f"the id {row.name} is there twice")
        seen.add(row.name)
    return rows


def _read(path: Path) -> list[Row]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
            columns = set(reader.fieldnames or ())
            if missing := set(_NEEDED) - columns:
                raise SettingsError("bad-test-set", f"{path}: no column {sorted(missing)[0]}")
            if stray := columns - _KNOWN:
                raise SettingsError("bad-test-set", f"{path}: unknown column {sorted(stray)[0]}")
            return [_row(path, reader.line_num, line) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError("bad-test-set", f"{path}: {error}") from error


def _row(path: Path, number: int, line: dict[str, str | None]) -> Row:
    if None in line or any(not line[column] for column in _NEEDED):
        raise SettingsError("bad-test-set", f"{path}, line {number}: not one value a column")
    cells = {column: (value or "").strip() for column, value in line.items()}
    return Row(
        name=cells["id"],
        source=cells["from"],
        target=cells["to"],
        text=cells["text"],
        reference=cells["reference"],
        facts=tuple(filter(None, map(str.strip, cells.get("facts", "").split(";")))),
        tells=tuple(filter(None, cells.get("tell", "").lower().split("|"))),
        audio=path.parent / cells["audio"] if cells.get("audio") else None,
    )

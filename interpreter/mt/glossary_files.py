"""Glossaries from files: TOML of our own, CSV, and TBX (ISO 30042)."""

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from ..errors import InterpreterError, SettingsError
from ..languages import normalise
from ..sentences import bare_words

MOST_BYTES = 5_000_000
MOST_ENTRIES = 10_000
MOST_CHARACTERS = 200
"""Of one term."""

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_STATUS = ("administrativeStatus", "normativeAuthorization")
_NOT_TO_USE = ("deprecated", "superseded", "obsolete", "notrecommended")
_DESCRIPTIONS = ("note", "source")

Forms = Mapping[str, tuple[str, ...]]
"""Terms by language, the preferred one first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is called so in several languages."""

    forms: Forms
    accepted: Forms
    """What may also stand in a translation, but is too common to be looked for."""

    forbidden: Forms
    keep: bool = False
    """A name, which is not translated."""


def read_glossary(path: Path) -> list[Entry]:
    """The entries of a file, told by its ending. Raises `SettingsError` ("bad-glossary")."""
    readers = {".toml": _toml, ".csv": _csv, ".tsv": _csv, ".tbx": _tbx, ".xml": _tbx}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        _refuse(path, f"must end in {', '.join(readers)}")
    try:
        if path.stat().st_size > MOST_BYTES:
            _refuse(path, f"is larger than {MOST_BYTES // 1_000_000} MB")
        content = path.read_bytes()
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror}")
    entries: list[Entry] = []
    for entry in reader(path, content):
        if len(entries) == MOST_ENTRIES:
            _refuse(path, f"has more than {MOST_ENTRIES} entries")
        entries.append(entry)
    return entries


def _refuse(path: Path, problem: str) -> NoReturn:
    raise SettingsError("bad-glossary", f"glossary {path}: {problem}")


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        _refuse(path, f"line {line} is not UTF-8")


def _language(path: Path, place: str, tag: str) -> str:
    try:
        return normalise(tag)
    except InterpreterError as error:
        _refuse(path, f"{place}: {error}")


def _toml(path: Path, content: bytes) -> Iterator[Entry]:
    try:
        table = tomllib.loads(_text(path, content))
    except tomllib.TOMLDecodeError as error:
        _refuse(path, f"is no TOML: {error}")
    entries = table.pop("terms", [])
    if unknown := set(table) - set(_DESCRIPTIONS):
        _refuse(path, f"has an unknown key {min(unknown)!r}; entries begin with [[terms]]")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        _refuse(path, "entries must begin with [[terms]]")
    for number, entry in enumerate(entries, 1):
        place = f"entry {number}"
        keep = entry.pop("keep", False)
        if not isinstance(keep, bool):
            _refuse(path, f"{place}: keep must be true or false")
        more = [_forms(path, f"{place}, {key}", entry.pop(key, {})) for key in _TABLES]
        for key in _DESCRIPTIONS:
            entry.pop(key, None)
        yield _entry(path, place, _forms(path, place, entry), *more, keep=keep)


_TABLES = ("accepted", "forbidden")


def _forms(path: Path, place: str, table: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict):
        _refuse(path, f"{place}: must be a table of languages")
    forms = {}
    for tag, value in table.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str) for each in values):
            _refuse(path, f"{place}, {tag}: must be a text or a list of texts")
        if values:
            forms[_language(path, place, tag)] = tuple(values)
    return forms


def _entry(
    path: Path, place: str, forms: Forms, accepted: Forms, forbidden: Forms, *, keep: bool = False
) -> Entry:
    """With what every format must fulfil."""
    if not any(forms.values()):
        _refuse(path, f"{place} has no term")
    for texts in (*forms.values(), *accepted.values(), *forbidden.values()):
        for text in texts:
            if len(text) > MOST_CHARACTERS:
                _refuse(path, f"{place} has a term of more than {MOST_CHARACTERS} characters")
            if not bare_words(text):
                _refuse(path, f"{place} has a term without letters")
    return Entry(forms, accepted, forbidden, keep)


def _csv(path: Path, content: bytes) -> Iterator[Entry]:
    """Columns named after languages or, as in `forbidden:en`, after what is not to be used.

    Several terms in a cell are separated by `|`. Columns `keep`, `note` and `source` may be there.
    """
    text = _text(path, content)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(rows, [])]
        columns = [_column(path, cell) for cell in header]
        if not any(kind == "forms" for kind, _ in columns):
            _refuse(path, "line 1 must name languages, such as de,en,tr")
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            place = f"line {rows.line_num}"
            if len(row) > len(columns):
                _refuse(path, f"{place} has {len(row)} cells, line 1 only {len(columns)}")
            yield _row(path, place, columns, row)
    except csv.Error as error:
        _refuse(path, f"line {rows.line_num}: {error}")


def _column(path: Path, cell: str) -> tuple[str, str]:
    """Kind and language of a column."""
    kind, colon, tag = cell.partition(":")
    if colon and kind.strip().lower() in _TABLES:
        return kind.strip().lower(), _language(path, "line 1", tag)
    if cell.lower() in ("keep", *_DESCRIPTIONS):
        return cell.lower(), ""
    return "forms", _language(path, "line 1", cell)


def _row(path: Path, place: str, columns: list[tuple[str, str]], row: list[str]) -> Entry:
    found: dict[str, dict[str, tuple[str, ...]]] = {"forms": {}, "accepted": {}, "forbidden": {}}
    keep = False
    for (kind, language), cell in zip(columns, row, strict=False):
        texts = tuple(text.strip() for text in cell.split("|") if text.strip())
        if kind in found and texts:
            found[kind][language] = texts
        elif kind == "keep":
            keep = cell.strip().lower() in ("1", "true", "yes", "x")
    return _entry(path, place, *found.values(), keep=keep)


def _tbx(path: Path, content: bytes) -> Iterator[Entry]:
    """TBX-Core and TBX-Basic, version 2 (`martif`) and 3 (`tbx`), attributes or own elements."""
    try:
        _refuse_entities(path, content)
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, expat.ExpatError) as error:
        _refuse(path, f"is no XML: {error}")
    except (LookupError, ValueError):
        _refuse(path, "is in an unknown encoding")
    if _name(root) not in ("martif", "tbx"):
        _refuse(path, f"is no TBX: it begins with <{_name(root)}>")
    number = 0
    for concept in root.iter():
        if _name(concept) in ("termEntry", "conceptEntry"):
            number += 1
            place = f"entry {number}"
            if identity := concept.get("id"):
                place += f" ({identity[:40]})"
            if entry := _concept(path, place, concept):
                yield entry


def _refuse_entities(path: Path, content: bytes) -> None:
    """Entities can be defined in an internal DTD only, since no other one is ever fetched."""

    def declared(_name: str, _system: str | None, _public: str | None, internal: bool) -> None:
        if internal:
            _refuse(path, "has a DTD inside, which is not allowed: remove its <!DOCTYPE ...>")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = declared
    parser.Parse(content, True)


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _concept(path: Path, place: str, concept: ElementTree.Element) -> Entry | None:
    """None for one in which every term is deprecated."""
    forms: dict[str, list[str]] = {}
    forbidden: dict[str, list[str]] = {}
    for section in concept.iter():
        if _name(section) not in ("langSet", "langSec"):
            continue
        language = _language(path, place, section.get(_XML_LANG, ""))
        for term in section.iter():
            if _name(term) not in ("tig", "ntig", "termSec"):
                continue
            texts = [element for element in term.iter() if _name(element) == "term"]
            text = " ".join("".join(texts[0].itertext()).split()) if texts else ""
            status = _status(term)
            if status.startswith(_NOT_TO_USE):
                forbidden.setdefault(language, []).append(text)
            elif status.startswith("preferred"):
                forms.setdefault(language, []).insert(0, text)
            else:
                forms.setdefault(language, []).append(text)
    if forbidden and not forms:
        return None
    done = [{key: tuple(texts) for key, texts in each.items()} for each in (forms, forbidden)]
    return _entry(path, place, done[0], {}, done[1])


def _status(term: ElementTree.Element) -> str:
    for element in term.iter():
        if _name(element) in _STATUS or element.get("type") in _STATUS:
            return (element.text or "").strip().lower()
    return ""

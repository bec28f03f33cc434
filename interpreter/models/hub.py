"""Files from the Hugging Face hub, or from the mirror that HF_ENDPOINT names."""

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .manifest import File, HubSource
from .progress import Progress, watching
from .transfer import SourceFailed, move_checked

# Read when the hub's library is imported: it would ask the hub for more than the files, and tell it
# more than that. Whoever sets it otherwise is left alone.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def fetch_from_hub(
    source: HubSource, wanted: Mapping[str, File], to: Path, scratch: Path, progress: Progress
) -> dict[str, str]:
    """Put the wanted files into the folder `to`, checked; gives the sha256 of each.

    A connection that is cut is taken up again where it broke off. What the manifest does not pin
    is checked against the digest that the hub declares. Raises `SourceFailed`.
    """
    from huggingface_hub import hf_hub_download

    digests = {}
    for name, file in wanted.items():
        # Asked first, since the download itself would try for half a minute to reach the hub.
        declared = _declared(source, source.members[name])
        label = f"downloading {source.repository} {source.members[name]}"
        with (
            _explained(source),
            _quiet(),
            progress.step(label, file.size) as done,
            watching(scratch, done),
        ):
            path = Path(
                hf_hub_download(
                    source.repository,
                    source.members[name],
                    revision=source.revision,
                    endpoint=_endpoint(),
                    local_dir=scratch,
                )
            )
        if file.sha256 is None and _as_declared(path, declared) != declared:
            path.unlink()
            raise SourceFailed(f"{name} is not what the hub declares; it has been removed")
        digests[name] = move_checked(file, path, to / name, progress)
    return digests


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def _declared(source: HubSource, member: str) -> str | None:
    """The hub's own digest: sha256 of a large file, git's object id of a small one."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    with _explained(source):
        url = hf_hub_url(source.repository, member, revision=source.revision, endpoint=_endpoint())
        return get_hf_file_metadata(url, endpoint=_endpoint()).etag


def _as_declared(path: Path, declared: str | None) -> str:
    """The digest of a file, of the kind that the hub declared."""
    with path.open("rb") as content:
        if declared is None or len(declared) != 40:
            return hashlib.file_digest(content, "sha256").hexdigest()
        # Git names a file by the SHA-1 of a header and its bytes.
        start = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        return hashlib.file_digest(content, lambda: start).hexdigest()


@contextmanager
def _explained(source: HubSource) -> Iterator[None]:
    """Turn what the hub's library raises into one line that holds no address and no token."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
            # The disk's matter, not the network's.
            raise
        # Its two transports raise what they like; what is known is told apart, nothing is quoted.
        answer = error if isinstance(error, HfHubHTTPError) else error.__cause__
        if isinstance(answer, HfHubHTTPError):
            status = answer.response.status_code
            reason = f"the hub answered {status} for {source.repository} at {source.revision[:8]}"
        elif isinstance(answer, OfflineModeIsEnabled) or isinstance(error, OfflineModeIsEnabled):
            reason = "HF_HUB_OFFLINE forbids to ask the hub"
        else:
            reason = "the hub cannot be reached, or the connection was cut"
        raise SourceFailed(reason) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the hub's library from drawing bars of its own and from logging signed addresses."""
    from huggingface_hub import logging as hub_logging
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    verbosity, drawn = hub_logging.get_verbosity(), not are_progress_bars_disabled()
    hub_logging.set_verbosity(logging.ERROR)
    disable_progress_bars()
    try:
        yield
    finally:
        hub_logging.set_verbosity(verbosity)
        if drawn:
            enable_progress_bars()

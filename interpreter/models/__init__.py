"""Find, fetch and verify what the manifests in `models/` describe.

    profile = load_profile("embedded")
    fetch(profile, Terminal())
    for manifest in profile.of("asr"):
        folder = locate(manifest)       # None where it is not installed

Models live in `models_home()`, one folder each, named by id. Nothing is fetched at start-up, and
nothing that was fetched is imported or run: packages that carry weights are opened as archives.
"""

from dataclasses import dataclass, field

from ..errors import ModelError
from .manifest import Manifest, Profile, Role, load_manifests, load_profile, profile_names
from .progress import Progress, Silence, Terminal
from .store import fetch_model, locate, models_home, verify

__all__ = [
    "FetchReport",
    "Manifest",
    "Profile",
    "Progress",
    "Role",
    "Silence",
    "Terminal",
    "fetch",
    "load_manifests",
    "load_profile",
    "locate",
    "models_home",
    "profile_names",
    "verify",
]


@dataclass(slots=True)
class FetchReport:
    """What became of the models of a profile, by id."""

    fetched: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    """Were there already."""

    skipped: dict[str, str] = field(default_factory=dict)
    """Optional models that could not be had -> what people get instead, and why."""


def fetch(profile: Profile, progress: Progress) -> FetchReport:
    """Bring every model of the profile here.

    An optional model that cannot be had is skipped with a notice. Raises `ModelError`
    ("model-unavailable", "model-corrupt", "models-folder", "disk-full").
    """
    report = FetchReport()
    for manifest in profile.models:
        try:
            (report.fetched if fetch_model(manifest, progress) else report.present).append(
                manifest.id
            )
        except ModelError as error:
            if manifest.id not in profile.optional or error.code == "disk-full":
                raise
            notice = f"{profile.optional[manifest.id]} ({error})"
            report.skipped[manifest.id] = notice
            progress.say(notice)
    return report

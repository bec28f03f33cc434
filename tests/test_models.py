"""Manifests and profiles, the shipped ones and an office's own."""

import re
from pathlib import Path

import pytest

from interpreter import models
from interpreter.errors import SettingsError
from interpreter.languages import normalise
from interpreter.models.manifest import (
    HubSource,
    InstalledSource,
    NpmSource,
    PypiSource,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERPRETER_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


# Manifests and profiles


def test_every_shipped_manifest_is_read_and_pinned() -> None:
    manifests = models.load_manifests()
    loose = {
        f"{manifest.id}/{file.path}"
        for manifest in manifests.values()
        for file in manifest.files
        if file.sha256 is None and not manifest.installed
    }
    assert loose == {"m2m100-418m/config.json", "m2m100-418m/shared_vocabulary.json"}
    for manifest in manifests.values():
        tags = {*manifest.languages, *(tag for pair in manifest.translations for tag in pair)}
        assert all(normalise(tag) == tag for tag in tags)
        for source in manifest.sources:
            if isinstance(source, HubSource):
                assert re.fullmatch("[0-9a-f]{40}", source.revision)


def test_profiles_cover_their_languages() -> None:
    assert models.profile_names() == ["cpu", "embedded", "embedded-plus", "gpu"]
    wanted = {"de", "en", "fr", "es", "it", "pt", "nl", "pl"}
    wanted |= {"ro", "tr", "uk", "ru", "ar", "fa", "vi", "zh"}
    for name in models.profile_names():
        profile = models.load_profile(name)
        assert all(profile.of(role) for role in ("vad", "asr", "mt", "tts"))
        spoken = {tag for model in profile.of("tts") for tag in model.languages}
        heard = {tag for model in profile.of("asr") for tag in model.languages}
        translated = {pair for model in profile.of("mt") for pair in model.translations}
        assert {("en", "pt"), ("pt", "en")} <= translated
        assert wanted <= spoken and wanted <= heard
        if not name.startswith("embedded"):
            assert {(one, "de") for one in wanted if one != "de"} <= translated
            piper = {t for m in profile.of("tts") if m.backend == "piper" for t in m.languages}
            # The only Turkish voice may not be used commercially; see the profile.
            assert piper == wanted - {"tr"}


def test_the_embedded_profile_asks_nothing_but_package_registries() -> None:
    for manifest in models.load_profile("embedded").models:
        assert isinstance(manifest.sources[0], PypiSource | NpmSource | InstalledSource)


def test_a_translator_of_many_languages_has_all_pairs_at_the_worse_quality() -> None:
    found = models.load_manifests()["madlad400-3b"].translations
    assert found["de", "uk"] == "good"
    assert found["de", "ti"] == found["ti", "de"] == "basic"
    assert ("de", "de") not in found


GOOD = """
id = "mine"
role = "tts"
backend = "piper"
licence = "CC0-1.0"
[languages]
de = "good"
[[files]]
path = "a.onnx"
size = 3
[[sources]]
kind = "local"
folder = "/nowhere"
"""


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('backend = "piper"', 'backend = "piper"\ncolour = "red"', "colour"),
        ("size = 3", "size = 3\nmd5 = 'x'", "md5"),
        ("size = 3", 'sha256 = "12ab"', "sha256"),
        ('"good"', '"splendid"', "splendid"),
        ("de =", "deutsch =", "languages"),
        ('"tts"', '"oracle"', "role"),
        ('kind = "local"', 'kind = "ftp"', "ftp"),
        ('path = "a.onnx"', 'path = "../a.onnx"', "outside"),
        ('id = "mine"', 'id = "yours"', "yours.toml"),
        ('[languages]\nde = "good"', "", "languages"),
        (
            'kind = "local"\nfolder = "/nowhere"',
            'kind = "hub"\nrepository = "a/b"\nrevision = "main"\nmembers = {}',
            "no source gives",
        ),
        ("id =", "id ", "line 2"),
    ],
)
def test_a_mistake_in_a_manifest_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    assert "mine" in models.load_manifests(tmp_path)
    assert old in GOOD
    (tmp_path / "mine.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(SettingsError, match=named) as caught:
        models.load_manifests(tmp_path)
    assert caught.value.code == "bad-manifest"
    assert "mine.toml" in str(caught.value)


def test_an_office_writes_its_own_profile(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "a.onnx").write_bytes(b"abc")
    (folder / "mine.toml").write_text(GOOD.replace("/nowhere", str(disk)))
    path = tmp_path / "office.toml"
    path.write_text('description = "Ours"\nmanifests = "manifests"\nmodels = ["mine", "espeak"]')
    profile = models.load_profile(str(path))
    assert [model.id for model in profile.of("tts")] == ["mine", "espeak"]
    assert models.fetch(profile, models.Silence()).fetched == ["mine"]
    assert (home / "mine" / "a.onnx").read_bytes() == b"abc"

    for wrong in ('models = ["nobody"]', 'models = ["espeak"]\noptional = {kokoro = "x"}'):
        path.write_text(f'description = "Ours"\n{wrong}')
        with pytest.raises(SettingsError) as caught:
            models.load_profile(str(path))
        assert caught.value.code == "bad-profile"
    with pytest.raises(SettingsError, match="cpu, embedded, embedded-plus, gpu"):
        models.load_profile("enormous")


# Telling people


def test_the_models_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPRETER_MODELS", "/somewhere")
    assert models.models_home() == Path("/somewhere")
    monkeypatch.delenv("INTERPRETER_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert models.models_home() == Path("/cache/interpreter/models")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert models.models_home() == Path.home() / ".cache" / "interpreter" / "models"

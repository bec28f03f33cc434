"""Models in place: found, verified, fetched by several processes, on disks that fail."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
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
    InstalledSource,
    LocalSource,
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


# Several processes


FETCH = """
import sys, msgspec
from interpreter.models import Terminal
from interpreter.models.manifest import Manifest
from interpreter.models.store import fetch_model
manifest = msgspec.json.decode(sys.argv[1], type=Manifest)
print("fetched" if fetch_model(manifest, Terminal()) else "present")
"""


def start_fetch(manifest: Manifest) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, msgspec.json.encode(manifest).decode()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_fetch_at_once(home: Path, standin: StandIn) -> None:
    standin.on_hub("office/tiny", "sub/w.bin", WEIGHTS)
    standin.pause_seconds = 0.2
    both = [start_fetch(hub_model()) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert sorted(out for out, _ in said) == ["fetched\n", "present\n"], said
    assert any("another process is busy with tiny" in err for _, err in said)
    assert len(standin.gets) == 1
    assert models.locate(hub_model()) == home / "tiny"


def test_a_killed_fetch_leaves_nothing_that_looks_complete(home: Path, tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    manifest = changed(hub_model(), sources=(LocalSource(folder=str(share)),))
    # A pipe gives the bytes as slowly as it takes to kill the reader half-way.
    os.mkfifo(share / "model.bin")
    process = start_fetch(manifest)
    with (share / "model.bin").open("wb") as pipe:
        pipe.write(WEIGHTS[:1_500_000])
        pipe.flush()
        deadline = time.monotonic() + 30
        while not any(path.stat().st_size >= 1 << 20 for path in remains(home)):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert [path.name for path in remains(home)] == ["tiny", "model.bin"]
    assert models.locate(manifest) is None
    (share / "model.bin").unlink()
    (share / "model.bin").write_bytes(WEIGHTS)
    told = Told()
    assert fetch_model(manifest, told)
    assert "interrupted; its remains are removed" in told.text
    assert (home / "tiny" / "model.bin").read_bytes() == WEIGHTS
    assert {path.name for path in remains(home)} == {"model.bin", ".verified.json"}


# What is in place


@pytest.fixture
def placed(home: Path, standin: StandIn) -> Path:
    standin.on_hub("office/tiny", "sub/w.bin", WEIGHTS)
    fetch_model(hub_model(), Told())
    return home / "tiny" / "model.bin"


def test_a_tampered_file_is_noticed_at_the_next_start(placed: Path) -> None:
    placed.write_bytes(b"x" * len(WEIGHTS))
    with pytest.raises(ModelError, match=r"has been removed.*interpreter models fetch") as caught:
        models.locate(hub_model())
    assert caught.value.code == "model-corrupt"
    assert not placed.exists()
    assert models.locate(hub_model()) is None
    told = Told()
    assert fetch_model(hub_model(), told)


def test_start_up_reads_no_bytes_but_verify_does(placed: Path) -> None:
    before = placed.stat()
    placed.write_bytes(b"x" * len(WEIGHTS))
    os.utime(placed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert models.locate(hub_model()) == placed.parent
    with pytest.raises(ModelError) as caught:
        models.verify(hub_model(), Told())
    assert caught.value.code == "model-corrupt"
    assert not placed.exists()
    with pytest.raises(ModelError) as caught:
        models.verify(hub_model(), Told())
    assert caught.value.code == "model-missing"


def test_a_copied_model_without_its_record_is_read_once(placed: Path) -> None:
    os.utime(placed)
    record = placed.parent / ".verified.json"
    record.write_text("{not a record")
    assert models.locate(hub_model()) == placed.parent
    assert json.loads(record.read_text())["files"]["model.bin"]["sha256"] == sha256(WEIGHTS)
    placed.unlink()
    with pytest.raises(ModelError, match="missing"):
        models.locate(hub_model())


def test_fetch_mends_a_damaged_model(placed: Path) -> None:
    placed.write_bytes(WEIGHTS[:-1])
    told = Told()
    assert fetch_model(hub_model(), told)
    assert "tiny is damaged (model.bin: it has 2047999 bytes" in told.text
    assert placed.read_bytes() == WEIGHTS


def test_a_model_inside_a_dependency_is_held_to_the_packages_own_record(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "carrier").mkdir(parents=True)
    (site / "carrier" / "a.bin").write_bytes(b"abc")
    info = site / "carrier-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"abc").digest()).decode().rstrip("=")
    (info / "RECORD").write_text(f"carrier/a.bin,sha256={digest},3\n")

    def carried(version: str) -> Manifest:
        return Manifest(
            id="carried",
            role="vad",
            backend="silero",
            licence="CC0-1.0",
            files=(File(path="a.bin"),),
            sources=(InstalledSource(distribution="carrier", version=version, folder="carrier"),),
        )

    with pytest.raises(ModelError, match="carrier==1.0 is not installed"):
        fetch_model(carried("1.0"), Told())
    monkeypatch.syspath_prepend(str(site))
    assert models.locate(carried("1.0")) == site / "carrier"
    assert models.locate(carried("2.0")) is None
    assert not fetch_model(carried("1.0"), Told())
    (site / "carrier" / "a.bin").write_bytes(b"abX")
    with pytest.raises(ModelError, match="install carrier==1.0 again"):
        models.locate(carried("1.0"))
    # It is not ours to remove.
    assert (site / "carrier" / "a.bin").exists()


# Disk


def test_a_model_that_does_not_fit_is_not_begun(home: Path, standin: StandIn) -> None:
    huge = changed(hub_model(), files=(File(path="model.bin", size=10**17, sha256="0" * 64),))
    profile = Profile(name="huge", description="", models=(huge,), optional={"tiny": "nothing"})
    with pytest.raises(ModelError, match="INTERPRETER_MODELS") as caught:
        models.fetch(profile, Told())
    assert caught.value.code == "disk-full"
    assert standin.gets == []


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


# The hub's library warns of the same; how full the disk is, it learns in another way.
@pytest.mark.filterwarnings("ignore:Not enough free disk space")
def test_a_disk_that_fills_up_is_explained(home: Path, standin: StandIn) -> None:
    standin.on_hub("office/tiny", "sub/w.bin", b"x" * 80_000_000)
    with small_disk(home, 70):
        with pytest.raises(ModelError, match="became full") as caught:
            fetch_model(hub_model(pinned=False), Told())
        assert caught.value.code == "disk-full"
        assert remains(home) == []


def test_models_on_a_read_only_disk_are_used(placed: Path, home: Path) -> None:
    keep = home.parent / "keep"
    home.rename(keep)
    with small_disk(home, 16):
        shutil.copytree(keep / "tiny", home / "tiny")
        os.utime(home / "tiny" / "model.bin")
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
        assert models.locate(hub_model()) == home / "tiny"
        with pytest.raises(ModelError) as caught:
            fetch_model(hub_model(name="other"), Told())
        assert caught.value.code == "models-folder"


def test_lines_are_told_where_there_is_no_terminal(
    home: Path, standin: StandIn, capfd: pytest.CaptureFixture[str]
) -> None:
    standin.on_hub("office/tiny", "sub/w.bin", WEIGHTS)
    fetch_model(hub_model(), models.Terminal())
    said = capfd.readouterr()
    assert said.out == ""
    assert "tiny is ready (2.0 MB)" in said.err
    assert "\x1b" not in said.err

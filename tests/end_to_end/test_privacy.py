"""No word that was said, and no key, ever reaches a log, at any level."""

import ast
import asyncio
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import numpy as np
import pytest
from conftest import Server
from in_process import receive, receive_final, receive_until
from websockets.asyncio.client import ClientConnection, connect

import interpreter
import interpreter_desk
from interpreter.audio import RATE, Samples, resample, silence
from interpreter.channels import protocol, wire
from interpreter.connection import Engines
from interpreter.errors import InterpreterError, trace
from interpreter_desk import Address, Connection, Staff

SAID = {
    "typed": "The giraffe Wilhelmina arrives on Thursday.",
    "corrected": "The hippopotamus Leopold arrives on Friday.",
    "spoken": "Preciso de um passaporte para a minha filha Margarida.",
    "broken": '{"type": "text", "text": "rhinoceros',
    "misfit": '{"type": "talk", "down": "crocodile"}',
    "token": "eyJsYW1hIjoi.alpaca.token",
    "key": "wrong-key-of-a-chinchilla",
}
WORDS = {
    *("giraffe", "girafa", "wilhelmina", "thursday", "quinta", "hippopotamus", "hipopótamo"),
    *("leopold", "passaporte", "passport", "margarida", "daisy", "filha", "daughter"),
    *("rhinoceros", "crocodile", "alpaca", "chinchilla"),
}


class Talkative:
    """A server that logs all it can; keeps every line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.key = secrets.token_urlsafe(24)
        process = subprocess.Popen(
            [sys.executable, "-m", "interpreter", "-vv", "serve", "--port", "0", "--json"],
            env=os.environ | {"INTERPRETER_STAFF_KEY": self.key, "PYTHONASYNCIODEBUG": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert process.stderr
        self._reader = threading.Thread(target=self._keep, args=(process.stderr,))
        self._reader.start()
        self.server = Server(process.stdout.readline().split('"')[3], self.key, process)

    def _keep(self, stream: Iterator[str]) -> None:
        self.lines += stream

    def stop(self) -> str:
        process = self.server.process
        process.terminate()
        assert process.stdout
        assert process.stderr
        said = process.stdout.read()
        process.wait(30)
        self._reader.join(10)
        process.stdout.close()
        process.stderr.close()
        return "".join(self.lines) + said


async def voiced(engines: Engines, text: str) -> Samples:
    sounds = [
        resample(sound.samples, sound.rate, RATE)
        async for sound in engines.synthesizer.synthesize(text, "pt")
    ]
    return np.concatenate([silence(0.3), *sounds, silence(1.0)])


async def websocket(server: Server) -> ClientConnection:
    return await connect(server.address.replace("http", "ws") + "/v1/stream", proxy=None)


async def talk(server: Server, engines: Engines) -> set[str]:
    """Say everything in `SAID`; gives the tokens that were used."""
    address = Address(server.address)
    with pytest.raises(InterpreterError):
        await Staff(address, SAID["key"]).create_conversation("en", "pt")
    tokens = (await Staff(address, server.key).create_conversation("en", "pt")).tokens
    stranger = await websocket(server)
    await stranger.send(wire.encode(protocol.Join(SAID["token"])))
    assert isinstance(await receive(stranger), protocol.ErrorMessage)
    await stranger.close()
    clerk = await websocket(server)
    await clerk.send(wire.encode(protocol.Join(tokens.staff)))
    await clerk.send(wire.encode(protocol.TypedText(SAID["typed"])))
    transcript = await receive_final(clerk, protocol.TranscriptMessage)
    await clerk.send(wire.encode(protocol.Correct(transcript.utterance, SAID["corrected"])))
    for mistake in (SAID["broken"], SAID["misfit"]):
        await clerk.send(mistake)
        await receive_until(clerk, protocol.ErrorMessage)
    visitor = protocol.Join(tokens.visitor, microphone_rate=16_000)
    async with Connection(address, visitor) as speaker:
        samples = await voiced(engines, SAID["spoken"])
        for start in range(0, len(samples), 640):
            speaker.send_audio(samples[start : start + 640])
        await receive_until(clerk, protocol.SpeechEndMessage)
        async with asyncio.timeout(30):
            async for received in speaker:
                known = received if isinstance(received, protocol.TranscriptMessage) else None
                if known and "passaporte" in known.text.lower():
                    break
    await clerk.close()
    return {tokens.staff, tokens.visitor}


def test_a_server_that_logs_all_it_can_says_nothing(engines: Engines) -> None:
    talkative = Talkative()
    try:
        tokens = asyncio.run(talk(talkative.server, engines))
    finally:
        logged = talkative.stop()
    assert "interpreter" in logged, "this would prove nothing if nothing were logged"
    assert "DEBUG" in logged
    told = {word for word in WORDS if word in logged.lower()}
    assert not told
    assert not {secret for secret in {*tokens, talkative.key} if secret in logged}


async def meet(server: Server, starts: str) -> set[str]:
    """Make an appointment, be let in, come with a forged link; gives what is nobody's business."""
    headers = {"Authorization": f"Bearer {server.key}"}
    wanted = {"starts": starts, "staff_language": "en", "visitor_language": "pt"}
    room = server.address.replace("http", "ws") + "/v1/appointments/room"
    async with httpx2.AsyncClient(base_url=server.address, headers=headers) as client:
        while (answer := await client.post("/v1/appointments", json=wanted)).status_code != 201:
            assert answer.json()["code"] == "appointments-unavailable"
            await asyncio.sleep(0.5)
        made = answer.json()
        staff, visitor = (made["links"][role].partition("#")[2] for role in ("staff", "visitor"))
        async with connect(room, proxy=None) as stranger:
            await stranger.send(json.dumps({"type": "enter", "link": SAID["token"]}))
            assert json.loads(await stranger.recv())["code"] == "bad-token"
        async with connect(room, proxy=None) as clerk:
            for text in ({"type": "enter", "link": staff}, {"type": "admit"}):
                await clerk.send(json.dumps(text))
            await clerk.send(SAID["broken"])
            async with asyncio.timeout(20):
                while "token" not in (told := json.loads(await clerk.recv())):
                    pass
            assert (await client.delete(f"/v1/appointments/{made['id']}")).status_code == 204
    return {staff, visitor, told["token"], made["id"], starts[11:19]}


def test_nothing_of_appointments_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPRETER_STATE", str(tmp_path))
    (tmp_path / "appointments.sqlite").write_bytes(b"no database")  # the first try is in vain
    talkative = Talkative()
    (tmp_path / "appointments.sqlite").unlink()
    starts = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    try:
        secret = asyncio.run(meet(talkative.server, starts))
    finally:
        logged = talkative.stop()
    assert "refused: bad-token" in logged
    assert "NOTADB" in logged
    assert not {each for each in {*secret, talkative.key} if each in logged}
    assert not {word for word in WORDS if word in logged.lower()}


def test_an_unexpected_error_is_logged_without_its_text() -> None:
    def fail(said: str) -> None:
        raise ValueError(said)

    try:
        fail("Wilhel" + "mina")
    except ValueError as error:
        logged = trace(ExceptionGroup("Leo" + "pold", [error]))
    assert "ValueError" in logged
    assert "in fail" in logged
    assert "Wilhelmina" not in logged
    assert "Leopold" not in logged


def _log_calls() -> Iterator[tuple[str, ast.Call]]:
    for package in (interpreter, interpreter_desk):
        assert package.__file__
        for path in Path(package.__file__).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "log"
                ):
                    yield f"{path.name}:{node.lineno}", node


def test_no_log_call_is_given_words() -> None:
    calls = list(_log_calls())
    assert len(calls) > 10
    for where, call in calls:
        assert isinstance(call.func, ast.Attribute)
        assert call.func.attr != "exception", f"{where} logs the text of an error"
        assert isinstance(call.args[0], ast.Constant), f"{where} does not have a fixed text"
        named = {
            node.id if isinstance(node, ast.Name) else node.attr
            for argument in call.args[1:]
            if not ast.unparse(argument).startswith("len(")
            for node in ast.walk(argument)
            if isinstance(node, ast.Name | ast.Attribute)
        }
        words = {"text", "transcript", "translation", "token", "key", "words", "said", "hotwords"}
        assert not named & words, f"{where} logs {named & words}"

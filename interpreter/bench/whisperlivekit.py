"""WhisperLiveKit as a peer: its own server, fed as its own page would feed it."""

import asyncio
import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from interpreter_desk.recordings import Recording

from ..audio import RATE, Samples, silence, to_bytes, write_wav
from ..errors import InterpreterError
from ..events import Party
from ..models import load_manifests, locate
from .measures import tell
from .trial import TAIL_SECONDS, Speech, Trial, settled, tree_processor_seconds
from .words import Screen, errors, lags

_FRAME_SECONDS = 0.04
_QUIET_SECONDS = 5.0
"""So long after its last change the text is taken for final; at most `_PATIENCE_SECONDS`."""

_PATIENCE_SECONDS = 20.0
_HANG_UP_SECONDS = 20.0
_START_SECONDS = 300.0


class PeerText:
    """What WhisperLiveKit's messages put on its screen, final and with what may still change."""

    def __init__(self) -> None:
        self.final: list[Screen] = []
        self.whole: list[Screen] = []

    def take(self, message: dict[str, Any], at: float) -> bool:
        """Note a message; whether the text has changed."""
        if "lines" not in message:
            return False
        lines = [line.get("text") or "" for line in message["lines"]]
        final = " ".join(" ".join(lines).split())
        whole = " ".join(f"{final} {message.get('buffer_transcription') or ''}".split())
        changed = False
        for screens, text in ((self.final, final), (self.whole, whole)):
            if text != (screens[-1].text if screens else ""):
                screens.append(Screen(at, text))
                changed = True
        return changed


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that listens."""

    port: int
    process: psutil.Process


@asynccontextmanager
async def peer_server(python: Path, first: Speech) -> AsyncIterator[Peer]:
    """WhisperLiveKit's own server, with our model, warmed up."""
    program = python.parent / "whisperlivekit-server"
    if not program.is_file():
        raise InterpreterError(
            "peer-missing", f"{program} is not installed; run scripts/bench-peers, which does that"
        )
    manifest = load_manifests()["whisper-base"]
    if (folder := locate(manifest)) is None:
        raise InterpreterError(
            "model-missing", "whisper-base is not installed; run: interpreter models fetch"
        )
    with tempfile.TemporaryDirectory() as scratch, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        warm = Path(scratch) / "warm.wav"
        write_wav(warm, first.samples, RATE)
        output = (Path(scratch) / "output").open("w+b")
        command = [
            *(str(program), "--host", "127.0.0.1", "--port", str(port), "--pcm-input"),
            *("--backend", "faster-whisper", "--backend-policy", "localagreement"),
            *("--model_dir", str(folder), "--lan", "en", "--warmup-file", str(warm)),
        ]
        process = _start(command, output)
        try:
            tell("waiting for WhisperLiveKit to start")
            await _until_it_listens(process, port, output)
            yield Peer(port, psutil.Process(process.pid))
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, 10)
            process.kill()
            process.wait()
            output.close()


def _start(command: list[str], output: BinaryIO) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )


async def _until_it_listens(
    process: "subprocess.Popen[bytes]", port: int, output: BinaryIO
) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError, WebSocketException, TimeoutError):
            async with connect(f"ws://127.0.0.1:{port}/asr", proxy=None, open_timeout=10):
                return
        await asyncio.sleep(1.0)
    output.seek(0)
    tail = output.read()[-2000:].decode(errors="replace")
    raise InterpreterError("peer-failed", f"WhisperLiveKit did not start; it said:\n{tail}")


async def hear(peer: Peer, file: Speech) -> Trial:
    """Stream a recording in real time, and silence until nothing changes any more.

    Raises `InterpreterError` ("peer-failed") if the peer hangs up.
    """
    text = PeerText()
    before = tree_processor_seconds(peer.process)
    try:
        async with (
            asyncio.timeout(file.window_seconds + _PATIENCE_SECONDS + _HANG_UP_SECONDS),
            connect(f"ws://127.0.0.1:{peer.port}/asr", proxy=None) as websocket,
        ):
            used = await _converse(websocket, peer, file, text) - before
    except (WebSocketException, TimeoutError, msgspec.DecodeError) as error:
        raise InterpreterError(
            "peer-failed", f"WhisperLiveKit broke off ({type(error).__name__})"
        ) from error
    wrong, words = errors(text.final[-1].text if text.final else "", file.reference)
    return Trial(
        final_text=file.after(settled(text.final, file.reference)),
        whole_text=file.after(settled(text.whole, file.reference)),
        first_audio=None,
        lags=lags(file.spoken, text.whole),
        wrong=wrong,
        words=words,
        cpu=used / file.window_seconds,
    )


async def _converse(websocket: ClientConnection, peer: Peer, file: Speech, text: PeerText) -> float:
    """Speak and read; returns the processor seconds of the peer when the window was over."""
    started = changed = time.monotonic()
    sent = 0

    async def listen() -> None:
        nonlocal changed
        async for message in websocket:
            now = time.monotonic()
            if text.take(msgspec.json.decode(message), now - started):
                changed = now

    listener = asyncio.create_task(listen())

    async def speak(frames: Iterable[Samples]) -> None:
        nonlocal sent
        for frame in frames:
            sent += 1
            await asyncio.sleep(started + sent * _FRAME_SECONDS - time.monotonic())
            if listener.done():
                listener.result()
            await websocket.send(to_bytes(frame))

    quiet = silence(_FRAME_SECONDS)
    try:
        await speak(Recording(Party.STAFF, Path(), file.samples, RATE).frames(_FRAME_SECONDS))
        ended = time.monotonic()
        await speak([quiet] * round(TAIL_SECONDS / _FRAME_SECONDS))
        used = tree_processor_seconds(peer.process)
        while time.monotonic() < min(changed + _QUIET_SECONDS, ended + _PATIENCE_SECONDS):
            await speak([quiet])
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
    return used

"""The embedded language model: a real llama.cpp server with a real model."""

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from conftest import installed

from interpreter.errors import ModelError, TranslationError
from interpreter.mt import Draft
from interpreter.mt.llama import LlamaServer
from interpreter.mt.llm import LlmSettings, LlmTranslator

SAID = "Your appointment is on Monday at eight o'clock."


@pytest.fixture(scope="module")
def weights() -> Path:
    _, folder = installed("gemma3-270m")
    return next(folder.glob("*.gguf"))


@pytest.fixture
def server(weights: Path) -> Iterator[LlamaServer]:
    running = LlamaServer(weights, threads=2)
    yield running
    running.close()


def translator(server: LlamaServer) -> LlmTranslator:
    manifest, _ = installed("gemma3-270m")
    settings = LlmSettings(
        manifest.id, manifest.id, manifest.prompt, manifest.translations, total_seconds=30.0
    )
    return LlmTranslator(settings, server.endpoint)


async def ask(llm: LlmTranslator, said: str = SAID) -> list[Draft]:
    return [draft async for draft in llm.translate(said, "en", "de")]


def test_it_translates_and_streams(server: LlamaServer) -> None:
    *grown, final = asyncio.run(ask(translator(server)))
    assert final.final and "Montag" in final.text
    assert len(grown) > 3
    assert all(two.text.startswith(one.text) for one, two in zip(grown, grown[1:], strict=False))


def test_nobody_else_may_use_it(server: LlamaServer) -> None:
    endpoint = server.endpoint()
    assert endpoint.base_url.startswith("http://127.0.0.1:")
    for key in ("", "Bearer wrong"):
        answer = httpx2.post(
            f"{endpoint.base_url}/completions",
            json={"prompt": "x", "max_tokens": 1},
            headers={"Authorization": key} if key else {},
        )
        assert answer.status_code == 401
    assert endpoint.key and endpoint.key not in " ".join(
        psutil.Process(server.process_id).cmdline()
    )
    addresses = {c.laddr.ip for c in psutil.Process(server.process_id).net_connections("inet")}
    assert addresses == {"127.0.0.1"}


def test_who_gives_up_frees_it(server: LlamaServer) -> None:
    async def main() -> None:
        llm = translator(server)
        for _ in range(6):  # more than there are slots
            task = asyncio.create_task(ask(llm, f"{SAID} " * 8))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await ask(llm))[-1].final

    asyncio.run(main())


def test_it_comes_back_when_it_dies_in_mid_sentence(server: LlamaServer) -> None:
    async def main() -> None:
        llm = translator(server)
        first = server.process_id
        drafts = llm.translate(f"{SAID} " * 8, "en", "de")
        await anext(drafts)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(TranslationError) as failed:
            async for _ in drafts:
                pass
        assert failed.value.code in ("llm-failed", "llm-unreachable")
        deadline = time.monotonic() + 60
        while server.process_id == first and time.monotonic() < deadline:
            with pytest.raises(TranslationError, match="embedded|gemma3"):
                await ask(llm)
            await asyncio.sleep(0.2)
        assert (await ask(llm))[-1].final

    asyncio.run(main())


def test_it_ends_with_the_service(weights: Path) -> None:
    running = LlamaServer(weights, threads=1)
    process = psutil.Process(running.process_id)
    running.close()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    with pytest.raises(TranslationError):
        running.endpoint()


def test_it_does_not_outlive_a_service_that_is_killed(weights: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from interpreter.mt.llama import LlamaServer; "
        "print(LlamaServer(Path(sys.argv[1]), 1).process_id, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(weights)], stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout
        child = psutil.Process(int(service.stdout.readline()))
        service.kill()
    child.wait(10)


def child(weights: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "interpreter.mt.llama_child", str(weights), "--threads", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.parametrize("how", ["told", "left alone"])
def test_it_ends_in_mid_sentence(weights: Path, how: str) -> None:
    headers = {"Authorization": "Bearer key"}
    endless = {"prompt": "One,", "max_tokens": 1500, "ignore_eos": True}
    with child(weights) as process:
        assert process.stdin and process.stdout
        process.stdin.write("key\n")
        process.stdin.flush()
        address = process.stdout.readline().split()[1]

        def ask_on() -> None:
            with contextlib.suppress(httpx2.HTTPError):
                httpx2.post(f"{address}/v1/completions", json=endless, headers=headers, timeout=60)

        asking = threading.Thread(target=ask_on)
        asking.start()
        try:
            while not any(
                slot["is_processing"]
                for slot in httpx2.get(f"{address}/slots", headers=headers).json()
            ):
                assert asking.is_alive()
            if how == "told":
                process.terminate()
            else:
                process.stdin.close()
            assert process.wait(10) == 0
        finally:
            process.kill()
            asking.join()


def test_without_a_key_it_serves_nobody(weights: Path) -> None:
    for given in ("", "\n"):
        with child(weights) as process:
            try:
                said, _ = process.communicate(given, timeout=30)
            finally:
                process.kill()
        assert not said and process.returncode == 2


def test_no_room_for_a_process_is_not_the_end(
    server: LlamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen
    refused: list[bool] = []

    def refuse_once(*arguments: Any, **options: Any) -> Any:
        if not refused:
            refused.append(True)
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return start(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", refuse_once)
    first = server.process_id
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while server.process_id == first and time.monotonic() < deadline:
        time.sleep(0.1)
    assert refused and server.endpoint()


def test_a_broken_library_is_not_a_broken_model(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(ModelError) as failed:
        LlamaServer(weights, threads=1)
    assert failed.value.code == "llm-failed"


def test_what_cannot_be_served(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    with pytest.raises(ModelError) as failed:
        LlamaServer(broken, threads=1)
    assert failed.value.code == "model-missing"
    broken.write_bytes(b"GGUF and nothing else")
    with pytest.raises(ModelError) as failed:
        LlamaServer(broken, threads=1)
    assert failed.value.code == "model-corrupt"

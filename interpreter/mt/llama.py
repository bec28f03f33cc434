"""The embedded language model: a llama.cpp server of our own, on this machine's loopback only."""

import contextlib
import logging
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path

from ..errors import ModelError, TranslationError
from .llama_child import UNREADABLE
from .llm import Endpoint

log = logging.getLogger(__name__)

_START_SECONDS = 60.0
_END_SECONDS = 5.0
_FIRST_REST_SECONDS = 0.5
_LONGEST_REST_SECONDS = 30.0
_STEADY_SECONDS = 60.0
"""Who ran for so long is not about to die again at once."""

_FETCH = "run: interpreter models fetch"


class LlamaServer:
    """Starts the server, starts it again when it dies, and stops it in the end.

    Its key is made anew for each start and goes in through a pipe, so that nobody else on this
    machine can use it. What it prints is not read: it may quote what people say.
    """

    def __init__(self, model: Path, threads: int) -> None:
        """Blocks until it answers.

        Raises `ModelError`: "model-missing"; "model-corrupt", llama.cpp cannot load it;
        "llm-failed", the server did not start for another reason, or not in time.
        """
        if not model.is_file():
            raise ModelError("model-missing", f"{model} is missing; {_FETCH}")
        self._model = model
        self._threads = threads
        self._closed = threading.Event()
        self._endpoint: Endpoint | None = None
        self._process = self._start()
        self._watcher = threading.Thread(target=self._watch, name="llama", daemon=True)
        self._watcher.start()

    def endpoint(self) -> Endpoint:
        """Where it is now. Raises `TranslationError` while it is being started again."""
        endpoint = self._endpoint
        if endpoint is None or self._process.poll() is not None:
            raise TranslationError(
                "llm-unreachable", "the embedded model is being started again", retryable=True
            )
        return endpoint

    @property
    def process_id(self) -> int:
        """Of the server that runs now."""
        return self._process.pid

    def close(self) -> None:
        """Stop it for good."""
        self._closed.set()
        self._end(self._process)
        self._watcher.join(_START_SECONDS)
        self._end(self._process)

    def _start(self) -> "subprocess.Popen[str]":
        key = secrets.token_urlsafe(24)
        try:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "interpreter.mt.llama_child", str(self._model)),
                    *("--threads", str(self._threads)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except OSError as error:
            raise ModelError(
                "llm-failed", f"no process can be started for {self._model.name}: {error.strerror}"
            ) from error
        assert process.stdin and process.stdout
        late = threading.Timer(_START_SECONDS, process.kill)
        late.start()
        try:
            process.stdin.write(f"{key}\n")
            process.stdin.flush()
            said = process.stdout.readline()
        except OSError:
            said = ""
        finally:
            late.cancel()
        if not said.startswith("READY "):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
            self._end(process)
            if process.returncode == UNREADABLE:
                raise ModelError("model-corrupt", f"{self._model} cannot be loaded; {_FETCH}")
            raise ModelError(
                "llm-failed",
                f"the server of {self._model.name} did not start (status {process.returncode})",
            )
        self._endpoint = Endpoint(f"{said.split()[1]}/v1", key)
        return process

    def _watch(self) -> None:
        rest = _FIRST_REST_SECONDS
        while not self._closed.is_set():
            began = time.monotonic()
            self._process.wait()
            if time.monotonic() - began > _STEADY_SECONDS:
                rest = _FIRST_REST_SECONDS
            if self._closed.wait(rest):
                return
            log.warning("the embedded model ended with %s", self._process.returncode)
            self._end(self._process)
            rest = min(2 * rest, _LONGEST_REST_SECONDS)
            with contextlib.suppress(ModelError):
                self._process = self._start()

    def _end(self, process: "subprocess.Popen[str]") -> None:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

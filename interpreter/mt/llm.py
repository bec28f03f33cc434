"""Language models behind an OpenAI-compatible API: vLLM, llama.cpp, Ollama, or a service's own."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import TranslationError
from ..work import Quality
from . import NO_BRIEFING, Briefing, Draft, Pair
from .prompts import answer, load, most_tokens

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 2.0
_MOST_REPLY = 64 * 1024
"""Bytes; a sentence has some hundred. What sends more is no language model."""

FIRST_TOKEN_SECONDS = 4.0
TOTAL_SECONDS = 8.0
"""For one sentence; somebody waits."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is reached."""

    base_url: str
    """Ends before `/completions`, as in `http://127.0.0.1:8000/v1`."""

    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """Which model is asked, how, and how long it may take."""

    name: str
    model: str
    """As the server calls it."""

    prompt: str
    """Name of a file in `prompts/`."""

    pairs: Mapping[Pair, Quality]
    first_token_seconds: float = FIRST_TOKEN_SECONDS
    """Also between two tokens."""

    total_seconds: float = TOTAL_SECONDS
    """With the wait for a place."""

    at_once: int = 4
    """Requests; more wait here, so that the server's own queue stays short."""

    extra: Mapping[str, Any] = field(default_factory=dict)
    """Sent along with every request, such as llama.cpp's `cache_prompt`."""


class LlmTranslator:
    """Asks for one sentence at a time; the answer streams in and can be cancelled at any time.

    What is said is data: on one line, behind instructions that tell the model so. That does not
    make every model immune; `checks/output.py` looks at what comes out. It goes to the endpoint and
    nowhere else: proxies that the environment names are passed by.
    """

    def __init__(self, settings: LlmSettings, endpoint: Callable[[], Endpoint]) -> None:
        """`endpoint` is asked for each request, since a server may come back somewhere else."""
        import httpx2

        self.name = settings.name
        self._settings = settings
        self._endpoint = endpoint
        self._prompt = load(settings.prompt)
        self._places = asyncio.Semaphore(settings.at_once)
        # Reading the certificates takes longer than a request, so not for each.
        self._certificates = httpx2.create_ssl_context()

    @property
    def pairs(self) -> Mapping[Pair, Quality]:
        return self._settings.pairs

    def asked(self, prompt: str, pairs: Mapping[Pair, Quality], seconds: float) -> "LlmTranslator":
        """The same model with another prompt, for something that may take so long in all."""
        other = copy(self)
        other._settings = replace(
            self._settings,
            prompt=prompt,
            pairs=pairs,
            first_token_seconds=seconds,
            total_seconds=seconds,
        )
        other._prompt = load(prompt)
        return other

    async def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncGenerator[Draft, None]:
        """Drafts that grow token by token, then the final one.

        Raises `TranslationError`: "pair-not-available"; "llm-unreachable", also where TLS fails;
        "llm-unauthorized"; "llm-busy" (429, or no place here; retryable); "llm-failed" for all else
        that is no answer; "translation-timeout".
        """
        if (source, target) not in self._settings.pairs:
            raise TranslationError(
                "pair-not-available", f"{self.name} does not translate {source} to {target}"
            )
        body = {
            "model": self._settings.model,
            "stream": True,
            "temperature": 0,
            "max_tokens": most_tokens(text),
            **self._settings.extra,
            **self._prompt.body(text, source, target, briefing),
        }
        said = ""
        began = time.monotonic()
        end = asyncio.get_running_loop().time() + self._settings.total_seconds
        async with self._place(end), aclosing(self._pieces(body)) as pieces:
            while (piece := await self._next(pieces, end)) is not None:
                said += piece
                if grown := answer(said, text):
                    yield Draft(grown, final=False, engine=self.name)
        log.debug("%d characters in %.3f s", len(text), time.monotonic() - began)
        yield Draft(answer(said, text), final=True, engine=self.name)

    @asynccontextmanager
    async def _place(self, end: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(end):
                await self._places.acquire()
        except TimeoutError:
            raise TranslationError(
                "llm-busy", f"{self.name} has too much to do", retryable=True
            ) from None
        try:
            yield
        finally:
            self._places.release()

    async def _next(self, pieces: AsyncIterator[str], end: float) -> str | None:
        """The limit strikes here, while waiting, and never in what the caller does meanwhile."""
        try:
            async with asyncio.timeout_at(end):
                return await anext(pieces, None)
        except TimeoutError:
            raise TranslationError(
                "translation-timeout", f"{self.name} was too slow", retryable=True
            ) from None

    async def _pieces(self, body: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        import httpx2

        endpoint = self._endpoint()
        headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        patience = httpx2.Timeout(self._settings.first_token_seconds, connect=_CONNECT_SECONDS)
        url = f"{endpoint.base_url.rstrip('/')}/{self._prompt.endpoint}"
        try:
            async with (
                httpx2.AsyncClient(
                    timeout=patience, verify=self._certificates, trust_env=False
                ) as client,
                client.stream("POST", url, json=body, headers=headers) as response,
            ):
                _check_status(self.name, response.status_code)
                async for piece in _events(self.name, response.aiter_lines()):
                    yield piece
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise TranslationError(
                "llm-unreachable", f"{self.name}: {type(error).__name__}", retryable=True
            ) from None  # what it says may quote the address with a key in it
        except httpx2.TimeoutException:
            raise TimeoutError from None
        except UnicodeError:
            raise TranslationError("llm-failed", f"{self.name}: cannot be sent") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise TranslationError(
                "llm-failed", f"{self.name}: {type(error).__name__}", retryable=True
            ) from None


def _check_status(name: str, status: int) -> None:
    if status == 200:
        return
    code, retryable = {401: ("llm-unauthorized", False), 403: ("llm-unauthorized", False)}.get(
        status, ("llm-busy", True) if status in (429, 503) else ("llm-failed", True)
    )
    raise TranslationError(code, f"{name} answered with HTTP {status}", retryable=retryable)


async def _events(name: str, lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The text in server-sent events, until the one that says it is done."""
    size = 0
    async for line in lines:
        size += len(line)
        if size > _MOST_REPLY:
            raise TranslationError("llm-failed", f"{name} does not come to an end")
        if not line.startswith("data:"):
            continue  # comments that keep the connection alive, and blank lines
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        piece, finished = _text(name, data)
        if piece:
            yield piece
        if finished in ("length", "content_filter"):
            raise TranslationError("llm-failed", f"{name} did not come to an end")
    raise TranslationError("llm-failed", f"{name} broke off", retryable=True)


def _text(name: str, data: str) -> tuple[str, str | None]:
    """What an event adds, and why it was the last where it was."""
    try:
        choices = json.loads(data)["choices"]
        if not choices:
            return "", None  # usage, which some servers send last
        choice = choices[0]
        text = choice["delta"].get("content") if "delta" in choice else choice["text"]
        return str(text or ""), choice.get("finish_reason")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise TranslationError("llm-failed", f"{name} answered with something else") from None

"""Language models over HTTP: what goes wrong there, caused by a server that does wrong."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from interpreter.errors import TranslationError
from interpreter.mt import Draft
from interpreter.mt.llm import Endpoint, LlmSettings, LlmTranslator
from interpreter.work import Quality

PAIRS = {("en", "de"): Quality.GOOD}
SAID = "Please ask Leopold for the form."
KEY = "sk-a-secret-that-nobody-logs"

Answer = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """An HTTP server that reads a request and then does as it likes."""

    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            await answer(writer, head + await reader.readexactly(length))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def translator(address: str, **changes: Any) -> LlmTranslator:
    settings = LlmSettings("llm", "some-model", "chat", PAIRS, **changes)
    return LlmTranslator(settings, lambda: Endpoint(address, KEY))


async def ask(llm: LlmTranslator) -> list[Draft]:
    return [draft async for draft in llm.translate(SAID, "en", "de")]


def failure(answer: Answer, **changes: Any) -> TranslationError:
    async def main() -> None:
        async with serving(answer) as address:
            await ask(translator(address, **changes))

    with pytest.raises(TranslationError) as failed:
        asyncio.run(main())
    assert "Leopold" not in str(failed.value)
    assert KEY not in str(failed.value)
    return failed.value


def status(line: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter, _: bytes) -> None:
        writer.write(f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def event(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def stream(*parts: bytes | float) -> Answer:
    """Bytes, and seconds to wait between them."""

    async def answer(writer: asyncio.StreamWriter, _: bytes) -> None:
        writer.write(HEAD)
        for part in parts:
            if isinstance(part, float):
                await asyncio.sleep(part)
            else:
                writer.write(part)
                await writer.drain()

    return answer


SLOWLY: list[bytes | float] = [event("so") if number % 2 else 0.05 for number in range(200)]


def test_the_answer_grows_and_its_first_line_counts() -> None:
    asked: list[bytes] = []

    async def answer(writer: asyncio.StreamWriter, request: bytes) -> None:
        asked.append(request)
        await stream(
            *(b": keep-alive\n\n", event('"Bitte fragen'), event(' Sie Leopold."')),
            *(event("\nNote: polite form", "stop"), b"data: [DONE]\n\n"),
        )(writer, request)

    async def main() -> list[Draft]:
        async with serving(answer) as address:
            return await ask(translator(address))

    *grown, final = asyncio.run(main())
    assert final == Draft("Bitte fragen Sie Leopold.", True, "llm")
    assert [draft.text for draft in grown][0] == '"Bitte fragen'
    assert f"Authorization: Bearer {KEY}".lower().encode() in asked[0].lower()
    body = json.loads(asked[0].split(b"\r\n\r\n", 1)[1])
    assert body["stream"] is True and body["temperature"] == 0
    assert 0 < body["max_tokens"] < 200
    assert body["messages"][-1] == {"role": "user", "content": SAID}


@pytest.mark.parametrize(
    ("line", "code", "retryable"),
    [
        ("401 Unauthorized", "llm-unauthorized", False),
        ("403 Forbidden", "llm-unauthorized", False),
        ("404 Not Found", "llm-failed", True),
        ("429 Too Many Requests", "llm-busy", True),
        ("500 Internal Server Error", "llm-failed", True),
        ("503 Service Unavailable", "llm-busy", True),
    ],
)
def test_what_the_server_refuses(line: str, code: str, retryable: bool) -> None:
    failed = failure(status(line))
    assert (failed.code, failed.retryable) == (code, retryable)


@pytest.mark.parametrize(
    "answer",
    [
        stream(b"data: not json\n\n"),
        stream(b'data: {"choices": "none"}\n\n'),
        stream(b'data: {"error": "Leopold is not known"}\n\n'),
        stream(event("Bitte fragen")),  # broken off
        stream(event("Bitte " * 30, "length"), b"data: [DONE]\n\n"),
        stream(event("Bitte", "content_filter"), b"data: [DONE]\n\n"),
        stream(event("x" * 90_000)),
        stream(b"\xff\xfe\x00" * 50),
    ],
)
def test_what_is_no_answer(answer: Answer) -> None:
    assert failure(answer).code == "llm-failed"


@pytest.mark.parametrize(
    ("answer", "limits"),
    [
        (stream(5.0), {"first_token_seconds": 0.2}),
        (stream(event("Bitte"), 5.0), {"first_token_seconds": 0.2}),
        (stream(*SLOWLY), {"total_seconds": 0.3}),
    ],
)
def test_what_takes_too_long(answer: Answer, limits: dict[str, float]) -> None:
    failed = failure(answer, **limits)
    assert (failed.code, failed.retryable) == ("translation-timeout", True)


def test_nobody_there_and_no_tls() -> None:
    async def main() -> list[str]:
        codes = []
        async with serving(status("200 OK")) as address:
            for base in (address.replace("http", "https"), "http://127.0.0.1:9/v1"):
                with pytest.raises(TranslationError) as failed:
                    await ask(translator(base))
                codes.append(failed.value.code)
        return codes

    assert asyncio.run(main()) == ["llm-unreachable", "llm-unreachable"]


def test_who_is_cancelled_hangs_up() -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def answer(writer: asyncio.StreamWriter, _: bytes) -> None:
            writer.write(HEAD)
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(event("so "))
                    await writer.drain()
                    await asyncio.sleep(0.01)
            gone.set()

        async with serving(answer) as address:
            task = asyncio.create_task(ask(translator(address)))
            await asyncio.sleep(0.2)
            task.cancel()
            async with asyncio.timeout(5):
                await gone.wait()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_nothing_that_was_said_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="interpreter")
    failure(stream(b'data: {"error": "Leopold"}\n\n'))

    async def main() -> None:
        answer = stream(event("Fragen Sie Leopold.", "stop"), b"data: [DONE]\n\n")
        async with serving(answer) as address:
            await ask(translator(address))

    asyncio.run(main())
    assert caplog.records
    for record in caplog.records:
        if record.name.startswith("interpreter"):
            assert "Leopold" not in record.getMessage()
            assert KEY not in record.getMessage()
    assert KEY not in repr(Endpoint("http://127.0.0.1", KEY))


def test_a_pair_it_does_not_know() -> None:
    async def main() -> None:
        async for _ in translator("http://127.0.0.1:9/v1").translate(SAID, "en", "pt"):
            pass

    with pytest.raises(TranslationError) as failed:
        asyncio.run(main())
    assert failed.value.code == "pair-not-available"


HANGING = stream(event("Bitte"), 60.0)


def test_a_limit_strikes_while_waiting_and_not_in_the_callers_code() -> None:
    async def main() -> str:
        async with serving(HANGING) as address:
            llm = translator(address, total_seconds=0.5)
            async with contextlib.aclosing(llm.translate(SAID, "en", "de")) as drafts:
                await anext(drafts)
                await asyncio.sleep(0.7)
                with pytest.raises(TranslationError) as failed:
                    await anext(drafts)
        return failed.value.code

    assert asyncio.run(main()) == "translation-timeout"


def test_who_gets_no_place_is_told_so() -> None:
    async def main() -> TranslationError:
        async with serving(HANGING) as address:
            llm = translator(address, total_seconds=1.0, at_once=1)
            async with contextlib.aclosing(llm.translate(SAID, "en", "de")) as drafts:
                await anext(drafts)
                with pytest.raises(TranslationError) as failed:
                    await ask(llm)
        return failed.value

    failed = asyncio.run(main())
    assert (failed.code, failed.retryable) == ("llm-busy", True)


def test_places_are_given_back() -> None:
    async def main() -> int:
        answer = stream(event("Bitte.", "stop"), b"data: [DONE]\n\n")
        async with serving(answer) as address:
            llm = translator(address, total_seconds=60.0, at_once=2)
            return len(await asyncio.gather(*(ask(llm) for _ in range(6))))

    assert asyncio.run(main()) == 6


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel", "ключ"])
def test_a_key_that_cannot_be_sent_is_not_quoted(key: str) -> None:
    async def main() -> TranslationError:
        async with serving(status("200 OK")) as address:
            settings = LlmSettings("llm", "some-model", "chat", PAIRS)
            with pytest.raises(TranslationError) as failed:
                await ask(LlmTranslator(settings, lambda: Endpoint(address, key)))
        return failed.value

    failed = asyncio.run(main())
    assert failed.code == "llm-failed"
    assert key not in f"{failed!s} {failed!r}"


def test_nothing_goes_to_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    seen: list[bytes] = []

    async def proxy(_: asyncio.StreamWriter, request: bytes) -> None:
        seen.append(request)

    async def main() -> str:
        answer = stream(event("Bitte.", "stop"), b"data: [DONE]\n\n")
        async with serving(answer) as address, serving(proxy) as elsewhere:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, elsewhere.removesuffix("/v1"))
            return (await ask(translator(address)))[-1].text

    assert asyncio.run(main()) == "Bitte."
    assert not seen


def test_not_even_the_http_library_logs_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        answer = stream(event("Fragen Sie Leopold.", "stop"), b"data: [DONE]\n\n")
        async with serving(answer) as address:
            await ask(translator(address))

    asyncio.run(main())
    assert any(record.name.startswith("http") for record in caplog.records)
    assert "Leopold" not in caplog.text and KEY not in caplog.text

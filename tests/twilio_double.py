"""The far end of a Twilio media stream, written after Twilio's documents. It is no Twilio.

It holds to what they say: counters are strings, any length of sound is buffered and played in real
time, a mark comes back when it has been reached or cleared, and a message that is neither media,
mark nor clear ends the stream.
"""

import asyncio
import base64
import binascii
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

STREAM = "MZ18ad3ab5a668481ce02b83e7395059f0"
FRAME = 160


class Stream:
    """One call, and the telephone behind it."""

    def __init__(self, connection: ClientConnection, encoding: str) -> None:
        self.connection = connection
        self.encoding = encoding
        self.heard = bytearray()
        """What the person has heard, without the silence that Twilio puts between."""

        self.wrong: list[str] = []
        """Messages that Twilio would not have taken."""

        self.cleared = 0
        self._queue: deque[bytes | str] = deque()
        self._sequence = 0

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._play())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.connection.close()

    @property
    def queued_seconds(self) -> float:
        return sum(len(part) for part in self._queue if isinstance(part, bytes)) / 8_000

    # What it tells ------------------------------------------------------------------------------

    async def tell(self, event: str, **fields: Any) -> None:
        self._sequence += 1
        about = {"event": event, "sequenceNumber": str(self._sequence), "streamSid": STREAM}
        await self.connection.send(json.dumps({**about, **fields}))

    async def start(self, *, rate: object = 8_000, **parameters: str) -> None:
        await self.connection.send(
            json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        )
        media_format = {"encoding": self.encoding, "sampleRate": rate, "channels": 1}
        start = {
            "accountSid": "AC0",
            "streamSid": STREAM,
            "callSid": "CA7",
            "tracks": ["inbound"],
            "mediaFormat": media_format,
            "customParameters": parameters,
        }
        await self.tell("start", start=start)

    async def speak(self, data: bytes, *, track: str = "inbound", pause: float = 0.02) -> None:
        for at in range(0, len(data), FRAME):
            media = {
                "track": track,
                "chunk": str(at // FRAME + 1),
                "timestamp": str(at // 8),
                "payload": base64.b64encode(data[at : at + FRAME]).decode(),
            }
            await self.tell("media", media=media)
            await asyncio.sleep(pause)

    async def press(self, keys: str) -> None:
        for key in keys:
            await self.tell("dtmf", dtmf={"track": "inbound_track", "digit": key})

    async def stop(self) -> None:
        await self.tell("stop", stop={"accountSid": "AC0", "callSid": "CA7"})

    # What it does -------------------------------------------------------------------------------

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.connection:
                try:
                    await self._obey(json.loads(message))
                except (KeyError, ValueError, binascii.Error, TypeError):
                    self.wrong.append(str(message)[:100])
                    await self.connection.close(1003)

    async def _obey(self, given: Mapping[str, Any]) -> None:
        if given["streamSid"] != STREAM:
            raise ValueError
        match given["event"]:
            case "media":
                data = base64.b64decode(given["media"]["payload"], validate=True)
                self._queue.extend(data[at : at + FRAME] for at in range(0, len(data), FRAME))
            case "mark":
                self._queue.append(str(given["mark"]["name"]))
            case "clear":
                self.cleared += 1
                marks = [part for part in self._queue if isinstance(part, str)]
                self._queue.clear()
                for mark in marks:
                    await self.tell("mark", mark={"name": mark})
            case _:
                raise ValueError

    async def _play(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        with contextlib.suppress(ConnectionClosed):
            while True:
                due += 0.02
                await asyncio.sleep(max(0.0, due - clock()))
                while self._queue and isinstance(self._queue[0], str):
                    await self.tell("mark", mark={"name": self._queue.popleft()})
                if self._queue:
                    part = self._queue.popleft()
                    assert isinstance(part, bytes)
                    self.heard += part


@contextlib.asynccontextmanager
async def streaming(
    url: str, signature: str, encoding: str = "audio/x-mulaw"
) -> AsyncIterator[Stream]:
    """Connect as Twilio does."""
    headers = {"X-Twilio-Signature": signature} if signature else {}
    async with connect(url, additional_headers=headers, proxy=None) as connection:
        stream = Stream(connection, encoding)
        async with stream.living():
            yield stream

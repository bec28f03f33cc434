"""An Asterisk channel of `chan_websocket`, written after its documents and source.

It is no Asterisk. It holds to what the source says: a queue of 1 000 frames, XOFF at 900, XON below
800; messages of more than 65 500 bytes end the call; text of more than 128 bytes is ignored; a
remainder that fills no frame is dropped; FLUSH_MEDIA throws marks away without an answer.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

FULL, XOFF, XON = 1_000, 900, 800
LONGEST_SOUND, LONGEST_TEXT = 65_500, 128
FRAME = {"slin16": 640, "slin": 320, "ulaw": 160, "alaw": 160, "opus": 80}
QUIET = {"slin16": b"\0", "slin": b"\0", "ulaw": b"\xff", "alaw": b"\xd5"}


class Channel:
    """One call, and the telephone behind it."""

    def __init__(
        self,
        connection: ClientConnection | ServerConnection,
        codec: str = "slin16",
        *,
        json: bool = False,
        knows_marks: bool = True,
    ) -> None:
        self.connection = connection
        self.codec = codec
        self.json = json
        self.knows_marks = knows_marks
        """Versions that do not know marks make silence when they have nothing to play."""

        self.frame = FRAME[codec]
        self.heard = bytearray()
        """What the person has heard: also silence, if it was sent."""

        self.commands: list[str] = []
        self.ignored: list[str] = []
        self.hung_up = False
        self.reading = asyncio.Event()
        self.reading.set()
        self._queue: deque[bytes | str] = deque()
        self.queued = 0
        """Frames of sound."""

        self._full = False
        self._report_drained = False

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

    # What it tells ------------------------------------------------------------------------------

    async def start(self, **variables: str) -> None:
        fields: dict[str, Any] = {
            "connection_id": "0d5f1b60-6f1e-4c39-8b5b-0f1e8f6c9a11",
            "channel": "WebSocket/interpreter/0x7f8d24005a70",
            "channel_id": "1764071999.12",
            "format": self.codec,
            "optimal_frame_size": self.frame,
            "ptime": 20,
        }
        if self.json:
            fields["channel_variables"] = variables
        await self.tell("MEDIA_START", **fields)

    async def tell(self, name: str, plain_id: str | None = None, **fields: Any) -> None:
        if self.json:
            named = {"correlation_id": plain_id} if plain_id is not None else {}
            about = {"event": name, "channel_id": "1764071999.12", **named, **fields}
            await self.connection.send(json.dumps(about))
        else:
            words = [f"{key}:{value}" for key, value in fields.items()]
            await self.connection.send(" ".join([name, *([plain_id] if plain_id else []), *words]))

    async def press(self, keys: str) -> None:
        for key in keys:
            await self.tell("DTMF_END", digit=key)

    async def speak(self, data: bytes, *, pause: float = 0.02) -> None:
        """Send what the person says, 20 ms at a time."""
        for at in range(0, len(data), self.frame):
            await self.connection.send(data[at : at + self.frame])
            await asyncio.sleep(pause)

    # What it does -------------------------------------------------------------------------------

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.reading.wait()
                message = await self.connection.recv()
                if isinstance(message, str):
                    await self._obey(message)
                elif len(message) > LONGEST_SOUND:
                    await self.connection.close(1009)
                else:
                    await self._take(message)

    async def _take(self, message: bytes) -> None:
        if self.queued >= FULL:
            return
        for at in range(0, len(message) - self.frame + 1, self.frame):
            self._queue.append(message[at : at + self.frame])
            self.queued += 1
            if self.queued >= XOFF and not self._full:
                self._full = True
                await self.tell("MEDIA_XOFF")

    async def _obey(self, text: str) -> None:
        if not text or len(text.encode()) > LONGEST_TEXT:
            self.ignored.append(text)
            return
        if self.json:
            given = json.loads(text)
            name, mark = given["command"], given.get("correlation_id", "")
        else:
            name, _, mark = text.partition(" ")
        self.commands.append(name)
        if name == "HANGUP":
            self.hung_up = True
            await self.connection.close()
        elif name == "FLUSH_MEDIA":
            self._queue.clear()
            self.queued = 0
        elif name == "MARK_MEDIA" and self.knows_marks:
            self._queue.append(mark)
        elif name == "REPORT_QUEUE_DRAINED":
            self._report_drained = True

    async def _play(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        with contextlib.suppress(ConnectionClosed):
            while True:
                due += 0.02
                await asyncio.sleep(max(0.0, due - clock()))
                await self._tick()

    async def _tick(self) -> None:
        if self._full and self.queued < XON:
            self._full = False
            await self.tell("MEDIA_XON")
        if not self._queue and self._report_drained:
            self._report_drained = False
            await self.tell("QUEUE_DRAINED")
        while self._queue and isinstance(self._queue[0], str):
            mark = self._queue.popleft()
            assert isinstance(mark, str)
            await self.tell("MEDIA_MARK_PROCESSED", mark)
        if self._queue:
            frame = self._queue.popleft()
            assert isinstance(frame, bytes)
            self.queued -= 1
            self.heard += frame


@contextlib.asynccontextmanager
async def calling(
    url: str,
    codec: str = "slin16",
    *,
    json: bool = False,
    knows_marks: bool = True,
    headers: dict[str, str] | None = None,
) -> AsyncIterator[Channel]:
    """Call the service as Asterisk does: with the subprotocol, without extensions."""
    async with connect(
        url,
        subprotocols=[Subprotocol("media")],
        compression=None,
        additional_headers=headers,
        proxy=None,
    ) as connection:
        assert connection.subprotocol == "media"
        channel = Channel(connection, codec, json=json, knows_marks=knows_marks)
        async with channel.living():
            yield channel

"""A telephone of a few lines, whose every packet a test decides: lost, late, odd or hostile.

It speaks A-law by a table of its own, so that it shares no code with the service.
"""

import contextlib
import queue
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from interpreter.audio import Samples

from .network import HOST, free_port

ALAW = 8
DIGITS = 101
PIECE = 160


def _alaw_table() -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """PCM of each A-law byte (ITU-T G.711)."""
    table = np.zeros(256, np.int16)
    for byte in range(256):
        code = byte ^ 0x55
        exponent, mantissa = (code >> 4) & 7, code & 15
        size = (mantissa << 4) + 8 + (0x100 if exponent else 0)
        size <<= max(0, exponent - 1)
        table[byte] = size if code & 0x80 else -size
    return table


TABLE = _alaw_table()
ORDER = np.argsort(TABLE)
BOUNDS = (TABLE[ORDER][1:].astype(int) + TABLE[ORDER][:-1]) // 2


def encode(samples: Samples) -> bytes:
    return bytes(ORDER[np.searchsorted(BOUNDS, samples)].astype(np.uint8))


def decode(payload: bytes) -> Samples:
    return TABLE[np.frombuffer(payload, np.uint8)]


@dataclass
class Wire:
    """One call to the service by hand-made packets. Close it."""

    to: int
    """The service's SIP port."""

    number: str = "100"
    host: str = HOST
    arrived: list[tuple[float, int, bytes]] = field(default_factory=list)
    """Sound: when (monotonic seconds), payload type, payload."""

    asked: list[str] = field(default_factory=list)
    """Methods of what the service asked in the call; each was answered with 200."""

    def __post_init__(self) -> None:
        self._sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sip.bind((self.host, 0))
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp.bind((self.host, free_port()))
        self._port = self._sip.getsockname()[1]
        self._call_id = f"{time.monotonic_ns()}-{self._port}"
        self._to_tag = ""
        self._rtp_to = ("", 0)
        self._answers: queue.Queue[str] = queue.Queue()
        self._over = False
        self._threads = [
            threading.Thread(target=self._read, args=(self._sip, self._on_message)),
            threading.Thread(target=self._read, args=(self._rtp, self._on_sound)),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._over = True
        for thread in self._threads:
            thread.join()
        self._sip.close()
        self._rtp.close()

    def request(self, method: str, body: str = "", *, count: int = 1, kind: str = "sdp") -> None:
        branch = f"z9hG4bK{method}{count}{self._call_id}"
        lines = [
            f"{method} sip:{self.number}@{HOST}:{self.to} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:{self._port};rport;branch={branch}",
            f"From: <sip:wire@{self.host}:{self._port}>;tag=w",
            f"To: <sip:{self.number}@{HOST}:{self.to}>{self._to_tag}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {count} {method}",
            f"Contact: <sip:wire@{self.host}:{self._port}>",
            "Max-Forwards: 70",
            f"Content-Type: application/{kind}",
            f"Content-Length: {len(body)}",
        ]
        self.raw("\r\n".join(lines) + "\r\n\r\n" + body)

    def raw(self, text: str) -> None:
        self._sip.sendto(text.encode("utf-8", "surrogateescape"), (HOST, self.to))

    def offer(self, *, codec: str = "8", direction: str = "sendrecv") -> str:
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
            f"m=audio {self._rtp.getsockname()[1]} RTP/AVP {codec} {DIGITS}\r\n"
            f"a=rtpmap:{DIGITS} telephone-event/8000\r\na={direction}\r\n"
        )

    def status(self, method: str = "INVITE", seconds: float = 10.0) -> int:
        """The next final answer to a request of this kind; 0 if none comes."""
        until = time.monotonic() + seconds
        while True:
            try:
                text = self._answers.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return 0
            code = int(text.split()[1])
            if f" {method}\r\n" not in text or code < 200:
                continue
            tag = re.search(r"^To:.*?(;tag=[^;\r]+)", text, re.MULTILINE | re.IGNORECASE)
            self._to_tag = tag.group(1) if tag else ""
            media = re.search(r"m=audio (\d+)", text)
            if media:
                self._rtp_to = (HOST, int(media.group(1)))
            return code

    def call(self, *, codec: str = "8") -> None:
        self.request("INVITE", self.offer(codec=codec))
        status = self.status()
        assert status == 200, status
        self.request("ACK")

    def change(self, *, codec: str = "8", direction: str = "sendrecv", count: int) -> None:
        """A re-INVITE, as for a hold or another codec; again while the service sends its own."""
        status = 491
        while status == 491:
            self.request("INVITE", self.offer(codec=codec, direction=direction), count=count)
            status = self.status()
            self.request("ACK", count=count)
            count += 1
        assert status == 200, status

    def end(self) -> None:
        self.request("BYE", count=99)
        assert self.status("BYE") == 200

    def say(self, samples: Samples, *, clock: float = 1.0, lost: float = 0.0) -> list[float]:
        """Send in real time, `clock` times as fast, losing a share; when each piece was due."""
        random = np.random.default_rng(1)
        times = []
        start = time.monotonic()
        for index in range(len(samples) // PIECE):
            times.append(start + index * 0.02 / clock)
            time.sleep(max(0.0, times[-1] - time.monotonic()))
            if self._over:
                break
            if random.random() >= lost:
                piece = samples[index * PIECE : (index + 1) * PIECE]
                self.send(ALAW, encode(piece), index)
        return times

    def send(self, payload_type: int, payload: bytes, index: int) -> None:
        numbers = (0x80, payload_type, (1000 + index) & 0xFFFF, index * PIECE, 0x1234)
        self._rtp.sendto(struct.pack("!BBHII", *numbers) + payload, self._rtp_to)

    def heard(self, since: float = 0.0) -> Samples:
        """All A-law sound that has arrived since a time, as it came."""
        packets = [payload for at, kind, payload in self.arrived if kind == ALAW and at >= since]
        return np.concatenate([decode(packet) for packet in packets])

    def delay(self, second: int, says: Samples, times: list[float]) -> float | None:
        """How long ago was said what arrived in this second; None if that is torn or silent.

        `times` are when the pieces of `says` were sent.
        """
        heard = self.heard()
        part = heard[second * 8_000 : second * 8_000 + 1_200].astype(float)
        said = says.astype(float)
        if len(part) < 1_200 or np.abs(part).max() < 1_000:
            return None
        place = int(np.argmax(np.correlate(said, part, "valid")))
        same = said[place : place + len(part)]
        if same @ part / np.sqrt((same @ same) * (part @ part) + 1e-9) < 0.95:
            return None
        arrived = [at for at, kind, _ in self.arrived if kind == ALAW]
        return arrived[second * 8_000 // PIECE] - times[place // PIECE]

    def _read(self, own: socket.socket, on_packet: Callable[[bytes], None]) -> None:
        own.settimeout(0.2)
        while not self._over:
            with contextlib.suppress(TimeoutError):
                on_packet(own.recv(8_192))

    def _on_message(self, packet: bytes) -> None:
        text = packet.decode()
        if text.startswith("SIP/2.0 "):
            self._answers.put(text)
            return
        method = text.split()[0]
        self.asked.append(method)
        if method == "ACK":
            return
        names = ("Via", "From", "To", "Call-ID", "CSeq")
        lines = [line for line in text.split("\r\n") if line.partition(":")[0] in names]
        body = self.offer() if method == "INVITE" else ""
        lines += [f"Contact: <sip:wire@{self.host}:{self._port}>", "Content-Type: application/sdp"]
        lines += [f"Content-Length: {len(body)}", "", body]
        self.raw("\r\n".join(["SIP/2.0 200 OK", *lines]))

    def _on_sound(self, packet: bytes) -> None:
        self.arrived.append((time.monotonic(), packet[1] & 0x7F, packet[12:]))

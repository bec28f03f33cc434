"""Houses with networks of their own, and the lines between them: slow, lossy, thin or cut.

Each house is a network namespace with one device (TUN), whose packets this process carries from
house to house. It can do to them what `tc netem` does, for kernels that lack it. Needs root.
"""

import ctypes
import fcntl
import heapq
import itertools
import os
import random
import selectors
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

TUN = "/dev/net/tun"
TUN_SET = 0x4004_54CA
TUN_BARE = 0x1001
"""IP packets without a header of their own."""

HEADER_BYTES = 20
QUEUE_SECONDS = 0.3
"""What does not fit into a thin line's queue is dropped."""


class House:
    """A network with one address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.delay_seconds = 0.0
        """Of every packet that leaves, by this process; likewise the next two."""

        self.lost = 0.0
        self.bits = 0.0
        """A second; 0: as many as come."""

        self.free_at = 0.0
        self._keeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self.space = Path(f"/proc/{self._keeper.pid}/ns/net")
        self._wait_for_space()
        with self.inside():
            self.device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.device, TUN_SET, struct.pack("16sH22x", b"tun0", TUN_BARE))
            _run("ip", "link", "set", "lo", "up")
            _run("ip", "address", "add", f"{address}/32", "dev", "tun0")
            _run("ip", "link", "set", "tun0", "up")
            _run("ip", "route", "add", "default", "dev", "tun0", "src", address)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What this thread opens and starts meanwhile is in this house."""
        with Path("/proc/thread-self/ns/net").open("rb") as home, self.space.open("rb") as space:
            _enter(space.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def program(self, folder: Path, command: str) -> Path:
        """A program that runs this one in the house."""
        file = folder / f"{Path(command).name}-{self.address}"
        file.write_text(f'#!/bin/sh\nexec nsenter --net={self.space} {command} "$@"\n')
        file.chmod(0o755)
        return file

    def move(self, address: str) -> None:
        """It is in another network from now on."""
        with self.inside():
            _run("ip", "address", "add", f"{address}/32", "dev", "tun0")
            _run("ip", "route", "replace", "default", "dev", "tun0", "src", address)
            _run("ip", "address", "del", f"{self.address}/32", "dev", "tun0")
        self.address = address

    def worsen(self, delay_seconds: float, lost: float) -> None:
        """Packets that leave take longer, and some never arrive."""
        milliseconds, percent = f"{1000 * delay_seconds:.0f}ms", f"{100 * lost:.1f}%"
        netem = ["netem", "delay", milliseconds, "loss", percent]
        with self.inside():
            tc = subprocess.run(
                ["tc", "qdisc", "replace", "dev", "tun0", "root", *netem],
                capture_output=True,
                check=False,
            )
        if tc.returncode != 0:  # a kernel without it
            self.delay_seconds, self.lost = delay_seconds, lost

    def close(self) -> None:
        self._keeper.kill()
        self._keeper.wait()
        os.close(self.device)

    def _wait_for_space(self) -> None:
        own = Path("/proc/self/ns/net").readlink()
        while self.space.readlink() == own:
            if self._keeper.poll() is not None:
                pytest.skip("nobody may make networks here: these tests need root (unshare --net)")
            time.sleep(0.01)


class Internet:
    """Carries packets from house to house."""

    def __init__(self) -> None:
        self.houses: list[House] = []
        self.blocked: set[frozenset[House]] = set()
        """Pairs between which nothing passes."""

        self._chance = random.Random(7)
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, House, bytes]] = []
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def add(self, house: House) -> House:
        self.houses.append(house)
        self._selector.register(house.device, selectors.EVENT_READ, house)
        return house

    def close(self) -> None:
        self._over.set()
        self._thread.join(5)
        self._selector.close()

    def _carry(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(self._pause()):
                with suppress(BlockingIOError):
                    while True:
                        self._take(key.data, os.read(key.fd, 65_536))
            now = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                _, _, house, packet = heapq.heappop(self._waiting)
                with suppress(OSError):
                    os.write(house.device, packet)

    def _pause(self) -> float:
        due = self._waiting[0][0] - time.monotonic() if self._waiting else 0.02
        return min(max(due, 0.0), 0.02)

    def _take(self, sender: House, packet: bytes) -> None:
        if len(packet) < HEADER_BYTES or packet[0] >> 4 != 4:
            return
        address = socket.inet_ntoa(packet[16:20])
        for house in self.houses:
            if house.address == address and frozenset((sender, house)) not in self.blocked:
                break
        else:
            return
        now = time.monotonic()
        at = now
        if sender.bits:
            at = max(now, sender.free_at)
            if at - now > QUEUE_SECONDS:
                return
            sender.free_at = at = at + 8 * len(packet) / sender.bits
        if self._chance.random() >= sender.lost:
            item = (at + sender.delay_seconds, next(self._order), house, packet)
            heapq.heappush(self._waiting, item)


@pytest.fixture
def internet() -> Iterator[Internet]:
    """An internet of three houses: the service's (and the relay's), and those of two people."""
    if not Path(TUN).exists():
        pytest.skip(f"this system has no {TUN}")
    with ExitStack() as stack:
        made = Internet()
        for address in ("203.0.113.1", "203.0.113.20", "203.0.113.30"):
            house = House(address)
            stack.callback(house.close)
            made.add(house)
        stack.callback(made.close)
        yield made


def _enter(space: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(space, 0x4000_0000) != 0:
        pytest.skip(f"no way into a network here: {os.strerror(ctypes.get_errno())}")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)

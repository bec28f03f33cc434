"""A network of its own for a test, with nothing but a loopback; and free ports."""

import ctypes
import errno
import fcntl
import os
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEW_NETWORK = 0x4000_0000
SET_FLAGS = 0x8914
UP = 0x1
HOST = "127.0.0.1"


@contextmanager
def own_network() -> Iterator[None]:
    """What this thread starts meanwhile, threads and programs, sees a loopback nobody shares.

    Where the system does not permit that, everybody uses the machine's loopback.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open("rb") as home:
        if libc.unshare(NEW_NETWORK) != 0:
            assert ctypes.get_errno() == errno.EPERM, os.strerror(ctypes.get_errno())
            yield
            return
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
                fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
            yield
        finally:
            assert libc.setns(home.fileno(), NEW_NETWORK) == 0


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    """An even port that nobody uses now, nor the next one."""
    while True:
        port = random.randrange(10_000, 32_000, 2)
        if all(_is_free(each, kind) for each in (port, port + 1)):
            return port


def _is_free(port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True

"""Who may talk to the SIP port at all: the kernel drops packets of everybody else.

A classic BPF filter on the socket looks at the sender's address. A flood from strangers never
reaches the process, so it cannot keep calls waiting, and nobody who may not call learns that
there is a telephone. It needs Linux, and no rights.
"""

import asyncio
import ctypes
import os
import socket
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from ...errors import PhoneError

SO_ATTACH_FILTER = 26

# Instructions of the classic packet filter (linux/filter.h).
LOAD_WORD = 0x20
AND = 0x54
JUMP_IF_EQUAL = 0x15
RETURN = 0x06
NETWORK_HEADER = 0xFFF00000
SENDER = NETWORK_HEADER + 12
WHOLE_PACKET = 0xFFFFFFFF


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction))]


def admit(host: str, port: int, networks: Iterable[IPv4Network]) -> None:
    """Let only `networks` reach the UDP socket this process has at `host` and `port`.

    Takes the place of what was admitted before. Raises `PhoneError` ("sip-no-filter").
    """
    with _own_socket(host, port) as own:
        program = _program(networks)
        instructions = (_Instruction * len(program))(*(_Instruction(*each) for each in program))
        pointer = ctypes.cast(instructions, ctypes.POINTER(_Instruction))
        header = _Program(len(program), pointer)
        try:
            own.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(header))
        except OSError as error:
            raise PhoneError(
                "sip-no-filter",
                "the system cannot shut strangers out of the SIP port, so it is not opened",
            ) from error


def _program(networks: Iterable[IPv4Network]) -> list[tuple[int, int, int, int]]:
    program = []
    for network in networks:
        program += [
            (LOAD_WORD, 0, 0, SENDER),
            (AND, 0, 0, int(network.netmask)),
            (JUMP_IF_EQUAL, 0, 1, int(network.network_address)),
            (RETURN, 0, 0, WHOLE_PACKET),
        ]
    return [*program, (RETURN, 0, 0, 0)]


def _own_socket(host: str, port: int) -> socket.socket:
    """A second handle of a socket that the SIP library has opened and shows nobody."""
    for entry in Path("/proc/self/fd").iterdir():
        try:
            if not entry.is_socket():
                continue
            found = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:
            continue
        if found.type == socket.SOCK_DGRAM and found.getsockname() == (host, port):
            return found
        found.close()
    raise PhoneError("sip-no-filter", "the SIP port cannot be found, so it cannot be guarded")


class Pace:
    """So many calls a second, and no more at once than come in one second."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second)
        self._left = self._most
        self._asked = 0.0

    def admits(self, now: float) -> bool:
        """Whether one more may come at `now` (seconds, of any clock that does not go back)."""
        self._left = min(self._most, self._left + (now - self._asked) * self._per_second)
        self._asked = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


async def networks_of(names: Iterable[str]) -> list[IPv4Network]:
    """The networks, addresses and hosts (with or without a port) as networks.

    Raises `PhoneError` ("sip-unreachable") if a host has no address.
    """
    loop = asyncio.get_running_loop()
    networks = []
    for name in names:
        try:
            networks.append(IPv4Network(name, strict=False))
            continue
        except ValueError:
            host = name.partition(":")[0]
        try:
            found = await loop.getaddrinfo(host, None, family=socket.AF_INET)
        except OSError as error:
            raise PhoneError("sip-unreachable", f"{host} has no address", retryable=True) from error
        networks += [IPv4Network(address[0]) for *_, address in found]
    return list(dict.fromkeys(networks))

"""SIP lines: the service behaves like a telephone on the office's own exchange (PBX).

It is built on `baresip-python`, whose limits are these:

* One stack in a process, so one `SipPhone`. After a crash of its thread only a new process helps.
* It shows nobody's address. Strangers are therefore shut out in front of it, by the kernel
  (`doorkeeper`): what they send is not answered. This needs Linux and IPv4.
* A call can be refused with 486 only, so a refused caller hears the busy tone.
* It takes two more ports for an incoming call, for pictures that are never sent; who offers
  video (VP8) gets a re-INVITE that stops it.
* It does not tell of lost packets: of one or two the sound is missing, without a gap; what is
  missing for longer than 100 ms is filled up with silence (`pacing`).
* Registration is renewed by the library, but after a failure it would wait up to half an hour;
  `sip_registration` asks again by itself, after 1 s, 2 s, 4 s and so on up to a minute.
* UDP only. Its TLS is an OpenSSL that is no longer cared for, so it is not opened; where the
  way to the exchange is not trusted, a VPN or a session border controller belongs between.
* Keys arrive as RFC 4733 and as SIP INFO; tones within the sound are not recognised.
* The dialled number is taken from the To header; the request line is not shown.
* A call hung up before its first reply gets no CANCEL; `sip_call` waits for that reply.
* Transfers (REFER) and redirections (302) are refused: nobody but `dial` makes calls.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from ipaddress import IPv4Address
from socket import AF_INET, SOCK_DGRAM, socket
from typing import TYPE_CHECKING, Any, Literal, Self

from ...errors import PhoneError, SettingsError, trace
from .doorkeeper import Pace, admit, networks_of
from .line import Caller, Line
from .sip_call import IncomingCall, caller_of, dial, line_of, quietly
from .sip_line import SipLine
from .sip_registration import Registrar, Registration

if TYPE_CHECKING:
    import baresip

logger = logging.getLogger(__name__)

__all__ = ["IncomingCall", "Registration", "SipPhone", "SipSettings", "check"]

CODECS = {"pcma": "pcma/8000/1", "pcmu": "pcmu/8000/1", "g722": "g722/16000/1"}

ADDRESS_HEADERS = ("To", "t", "P-Asserted-Identity")
"""Headers of an incoming call that tell who calls whom."""


SIGN_OFF_SECONDS = 2.0

PROBLEMS = {
    "sip-bad-host": "host must be an IPv4 address of this machine, which the exchange can reach",
    "sip-no-peers": "name a registrar, a proxy or peers: nobody else may call",
    "sip-few-ports": "rtp_ports must be a range of at least four ports for each of the calls",
    "sip-no-codec": "name at least one codec",
    "sip-no-exchange": "destinations can be dialled only through a registrar or a proxy",
}


@dataclass(frozen=True, slots=True)
class SipSettings:
    """How the service takes part in the office's telephony. The password is no setting."""

    host: str = "127.0.0.1"
    """IPv4 address of this machine that the exchange reaches; SIP and sound are bound to it."""

    port: int = 5060
    """UDP."""

    user: str = "interpreter"
    """The extension, or any name for a trunk."""

    registrar: str = ""
    """Host, or host and port, of the exchange to register at; empty: a trunk, without."""

    domain: str = ""
    """Of the extension's address, where it is not the registrar."""

    login: str = ""
    """Name for the password, where it is not `user`."""

    register_seconds: int = 60
    """How long a registration lasts before it is renewed."""

    peers: tuple[str, ...] = ()
    """Addresses, networks or hosts calls are taken from, besides the registrar and the proxy."""

    proxy: str = ""
    """Where a trunk sends its own calls: host, or host and port."""

    destinations: tuple[str, ...] = ()
    """What may be dialled: exact numbers, or prefixes ending in `*`. Empty: nothing."""

    codecs: tuple[Literal["pcma", "pcmu", "g722"], ...] = ("g722", "pcma", "pcmu")
    """In order of preference."""

    rtp_ports: tuple[int, int] = (20_000, 20_199)
    """First and last UDP port for sound; a call takes up to four."""

    headers: tuple[str, ...] = ()
    """Headers of an incoming call to pass on as the caller's variables."""

    calls: int = 16
    """At once, in both directions; more are refused as busy."""

    calls_per_second: float = 5.0
    """Incoming; more are refused as busy."""

    lost_seconds: int = 30
    """A line from which nothing has come for so long is given up; 0: never."""

    @property
    def exchange(self) -> str:
        """Where outgoing calls go."""
        return self.registrar or self.proxy

    def allows(self, number: str) -> bool:
        """Whether a number may be dialled."""
        plain = number.replace("+", "").replace(".", "").replace("-", "").replace("_", "")
        if not (plain.isascii() and plain.isalnum()):
            return False
        return any(
            number.startswith(allowed[:-1]) if allowed.endswith("*") else number == allowed
            for allowed in self.destinations
        )


class SipPhone:
    """The service's telephone on one exchange. Made by `open`."""

    def __init__(
        self,
        settings: SipSettings,
        runtime: "baresip.Runtime",
        agent: "baresip.UserAgent",
        on_call: Callable[[IncomingCall], Awaitable[None]],
        on_registration: Callable[[Registration], None],
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._agent = agent
        self._on_call = on_call
        self._on_registration = on_registration
        self._pace = Pace(settings.calls_per_second)
        self._calls: dict[baresip.Call, SipLine | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.registration = Registration("registering" if settings.registrar else "trunk")
        agent.on_incoming(self._on_incoming)
        runtime.on_dead = self._on_dead

    @classmethod
    async def open(
        cls,
        settings: SipSettings,
        password: str,
        on_call: Callable[[IncomingCall], Awaitable[None]],
        on_registration: Callable[[Registration], None] = lambda _: None,
    ) -> Self:
        """Start, and begin to register. Raises `PhoneError` and `SettingsError`.

        `on_call` runs in a task of its own for every call; a call it returns from without an
        answer is refused. Its errors are logged without their text. `on_registration` is told
        every change of `registration`.
        """
        import baresip

        check(settings)
        # Its lines tell who calls whom.
        logging.getLogger("baresip").setLevel(logging.CRITICAL)
        runtime = baresip.Runtime()
        try:
            await runtime.start(_config(settings))
        except baresip.BaresipError as error:
            raise PhoneError(
                "sip-not-started",
                f"no telephone on {settings.host}, port {settings.port}: {error}",
                retryable=True,
            ) from error
        try:
            admit(settings.host, settings.port, [])
            account = _account(settings, password)
            agent = await baresip.UserAgent.create(runtime, account, transfer_policy="reject")
            phone = cls(settings, runtime, agent, on_call, on_registration)
            if settings.registrar:
                registrar = Registrar(agent, phone._admit, phone._set_registration)
                phone._begin(registrar.run())
            else:
                await phone._admit()
        except BaseException:
            await runtime.close()
            raise
        return phone

    async def dial(self, number: str, ring_seconds: float) -> Line:
        """Call somebody and wait for an answer.

        Raises `PhoneError`: not-allowed, busy, no-answer, refused, unreachable, too-many-calls,
        no-ports, no-sound.
        """
        if not self._settings.allows(number):
            raise PhoneError("not-allowed", "this number may not be dialled")
        if len(self._calls) >= self._settings.calls:
            raise PhoneError("too-many-calls", "all lines are in use", retryable=True)
        if not _has_port(self._settings):
            raise PhoneError("no-ports", "no free port for sound", retryable=True)
        address = f"sip:{number}@{self._settings.domain or self._settings.exchange}"
        call = await dial(self._runtime, self._agent, address, ring_seconds, self._keep)
        line = await line_of(call, Caller(called=number))
        self._on_line(call, line)
        return line

    async def close(self) -> None:
        """Hang up everything, sign off at the exchange, stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for call, line in list(self._calls.items()):
            await (line.hang_up() if line else quietly(call.hangup()))
        if self.registration.state == "registered":
            await quietly(self._agent.unregister(timeout=SIGN_OFF_SECONDS))
        await quietly(self._runtime.close())
        self._set_registration(Registration("closed"))

    async def _admit(self) -> None:
        settings = self._settings
        names = [*settings.peers, *filter(None, (settings.registrar, settings.proxy))]
        admit(settings.host, settings.port, await networks_of(names))

    def _set_registration(self, registration: Registration) -> None:
        if registration != self.registration:
            self.registration = registration
            self._on_registration(registration)

    def _on_incoming(self, call: "baresip.Call") -> None:
        self._keep(call)
        if not self._pace.admits(asyncio.get_running_loop().time()):
            self._begin(quietly(call.reject()))
            return
        caller = caller_of(call, self._settings.headers)
        self._begin(self._offer(IncomingCall(call, caller, self._on_line)))

    async def _offer(self, incoming: IncomingCall) -> None:
        try:
            await self._on_call(incoming)
        except Exception as error:
            logger.error("a call could not be taken: %s", trace(error))
        finally:
            await incoming.refuse()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _keep(self, call: "baresip.Call") -> None:
        """Count a call until it ends."""
        self._calls[call] = None

        def on_event(event: Any) -> None:
            if event.event.name == "CALL_CLOSED":
                self._calls.pop(call, None)

        call.on(on_event)

    def _on_line(self, call: "baresip.Call", line: SipLine) -> None:
        if call in self._calls:
            self._calls[call] = line

    def _on_dead(self) -> None:
        for line in filter(None, self._calls.values()):
            line.end(PhoneError("line-broken", "the SIP library has stopped"))
        self._calls.clear()
        self._set_registration(Registration("failed", "sip-stopped"))


def check(settings: SipSettings) -> None:
    """Raises `SettingsError` if these settings contradict themselves."""
    first, last = settings.rtp_ports
    problems = {
        "sip-bad-host": not _is_address(settings.host),
        "sip-no-peers": not (settings.peers or settings.exchange),
        "sip-few-ports": last - first + 1 < 4 * settings.calls,
        "sip-no-codec": not settings.codecs,
        "sip-no-exchange": bool(settings.destinations) and not settings.exchange,
    }
    for code, found in problems.items():
        if found:
            raise SettingsError(code, PROBLEMS[code])


def _is_address(host: str) -> bool:
    try:
        return not IPv4Address(host).is_unspecified
    except ValueError:
        return False


def _has_port(settings: SipSettings) -> bool:
    """Whether a call would find ports for its sound: the library would not tell, only fail."""
    first, last = settings.rtp_ports
    for port in range(first + first % 2, last, 2):
        with socket(AF_INET, SOCK_DGRAM) as sound, socket(AF_INET, SOCK_DGRAM) as control:
            try:
                sound.bind((settings.host, port))
                control.bind((settings.host, port + 1))
            except OSError:
                continue
            return True
    return False


def _config(settings: SipSettings) -> "baresip.Config":
    from baresip import Config

    first, last = settings.rtp_ports
    lines = (
        f"sip_listen {settings.host}:{settings.port}",
        "sip_transports udp",
        f"rtp_ports {first}-{last}",
        "call_hold_other_calls no",
        "dns_getaddrinfo yes",
        # The adaptive one grows with every stall of the machine and does not shrink again.
        "audio_jitter_buffer_type fixed",
        "audio_jitter_buffer_ms 20-160",
    )
    return Config(
        net_interface=settings.host,
        native_log_level="error",
        max_concurrent_calls=settings.calls,
        rtp_timeout=settings.lost_seconds,
        expose_headers=tuple(dict.fromkeys((*ADDRESS_HEADERS, *settings.headers))),
        extra_config_text="\n".join(lines),
    )


def _account(settings: SipSettings, password: str) -> "baresip.Account":
    from baresip import Account

    domain = settings.domain or settings.exchange or f"{settings.host}:{settings.port}"
    return Account(
        user=settings.user,
        domain=domain,
        password=password,
        registrar=settings.exchange if settings.domain and settings.exchange else None,
        reg_interval=settings.register_seconds if settings.registrar else 0,
        audio_codecs=tuple(CODECS[codec] for codec in settings.codecs),
        auth_user=settings.login or None,
        extra_params=("catchall=yes", "call_transfer=no", "inreq_allowed=no"),
    )

"""`interpreter serve`: checks, sockets and signals around the service."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import uvicorn

from .engines import House, build
from .errors import SettingsError
from .keys import Keys
from .models import load_profile
from .scheduler import Scheduler
from .server import Service
from .settings import ServerSettings, Settings, staff_key, state_folder
from .tls import expires, self_signed_pair

log = logging.getLogger(__name__)

_HARD_LIMIT = 1024 * 1024
"""Bytes of a websocket message beyond which the websocket is closed at once."""


_LAST_CALLS_SECONDS = 10.0
"""For calls to engines that are running when everything else has ended."""


class _Uvicorn(uvicorn.Server):
    """uvicorn hangs up on websockets first; here what was said is interpreted before."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends in order, and with status 0; ctrl-c again, at once."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._service.shut()
        await super().shutdown(sockets)


def serve(settings: Settings, *, as_json: bool = False) -> int:
    """Serve until SIGTERM or ctrl-c; gives the exit status.

    Prints the address to open, or with `as_json` one line of JSON once it is ready. Raises
    `SettingsError` or `ModelError` before anything is listened to.
    """
    began = time.monotonic()
    profile = load_profile(settings.profile)
    key, key_file = staff_key()
    certificate, private = _tls(settings.server)
    listening = _listen(settings.server)
    address = _address(settings.server, listening, tls=certificate is not None)
    scheduler = Scheduler(settings.workers)

    def load() -> House:
        return build(settings, profile, scheduler)

    async def run() -> int:
        service = Service(settings, key, load)
        server = _Uvicorn(_config(service, certificate, private), service)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        waiting = asyncio.create_task(service.loaded.wait())
        await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
        if service.failure:
            print(f"{service.failure.code}: {service.failure}", file=sys.stderr)
            server.should_exit = True
        elif service.house:
            seconds = round(time.monotonic() - began, 2)
            if as_json:
                print(json.dumps({"address": address, "ready_seconds": seconds}), flush=True)
            else:
                _welcome(address, seconds, key_file, service.keys)
        await serving
        waiting.cancel()
        if service.house:
            await asyncio.to_thread(service.house.close)
        return 1 if service.failure else 0

    if not as_json:
        print(f"Interpreter is loading its models (profile {profile.name}) …", flush=True)
    status = asyncio.run(run())
    if not scheduler.close(_LAST_CALLS_SECONDS):
        # Python would end beneath a thread that is still inside a model, and native code aborts.
        log.error("a call to an engine did not come back; ending without it")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status or 1)
    return status


def _config(service: Service, certificate: str | None, key: str | None) -> uvicorn.Config:
    return uvicorn.Config(
        service.app(),
        ws="websockets-sansio",
        ws_max_size=_HARD_LIMIT,
        ws_per_message_deflate=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def _welcome(address: str, seconds: float, key_file: Path | None, keys: Keys) -> None:
    print(f"Ready after {seconds:.1f} s. Open {address}")
    if key_file:
        print(f"The staff key, with which counters sign in, is in {key_file}")
    if sys.stdout.isatty():  # not in a log, since whoever has it is let in
        invitation, _ = keys.invite()
        print("or, to be signed in at once (a single time, within 10 minutes):")
        print(f"    {address}/#invitation={invitation}")
    print("What runs here is told at /status. Stop with ctrl-c.", flush=True)


def _listen(server: ServerSettings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        return socket.create_server((server.host, server.port), family=family, backlog=128)
    except OSError as error:
        raise SettingsError(
            "cannot-listen",
            f"{server.host}:{server.port}: {error.strerror}; choose another with --port "
            "(0 takes any free one)",
        ) from error


def _tls(server: ServerSettings) -> tuple[str | None, str | None]:
    if server.self_signed:
        hosts = [] if server.host in ("0.0.0.0", "::") else [server.host]
        certificate, key = self_signed_pair(state_folder(), hosts)
        return str(certificate), str(key)
    if bool(server.certificate) != bool(server.key):
        raise SettingsError("bad-certificate", "give both a certificate and its key, or neither")
    if server.certificate and server.key:
        if not Path(server.key).is_file():
            raise SettingsError("bad-certificate", f"there is no key file {server.key}")
        left = expires(Path(server.certificate)) - datetime.now(UTC)
        if left.days < 14:
            log.warning("the certificate expires in %d days", left.days)
        return server.certificate, server.key
    if not server.loopback and not server.without_tls:
        raise SettingsError(
            "tls-required",
            f"{server.host} is reachable from other machines, and browsers give no microphone to "
            "pages without TLS: add --certificate and --key, or --self-signed for a try-out, or "
            "--without-tls where a reverse proxy does TLS",
        )
    return None, None


def _address(server: ServerSettings, listening: socket.socket, *, tls: bool) -> str:
    port = listening.getsockname()[1]
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(
        server.host, server.host
    )
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{shown}:{port}"

"""What the service opens with: the staff key, the certificate, the port."""

import errno
import json
import os
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from ..errors import SettingsError
from ..settings import ServerSettings, staff_key, state_folder
from ..tls import expires
from .finding import Finding

_SOON_DAYS = 14
_PROBE_SECONDS = 1.0


def look_at_door(server: ServerSettings) -> Iterator[Finding]:
    """Whether the service could be opened, and safely."""
    yield _key()
    yield _tls(server)
    yield _port(server)


def _key() -> Finding:
    named = os.environ.get("INTERPRETER_STAFF_KEY") or os.environ.get("INTERPRETER_STAFF_KEY_FILE")
    default = state_folder() / "staff.key"
    if not (named or default.exists()):
        there = next(path for path in default.absolute().parents if path.exists())
        if there.is_dir() and os.access(there, os.W_OK):
            return Finding("key", "ok", f"the staff key is made at the first start, in {default}")
        text = f"the staff key cannot be made: nothing can be written to {there}"
        return Finding("key", "missing", text, "set INTERPRETER_STATE to another folder")
    try:
        _, path = staff_key()
    except SettingsError as error:
        return Finding("key", "missing", str(error), "write a longer one, or name another file")
    if path is None:
        return Finding("key", "ok", "the staff key comes from INTERPRETER_STAFF_KEY")
    if path.stat().st_mode & 0o077:
        text = f"others on this machine may read the staff key in {path}"
        return Finding("key", "warning", text, f"chmod 600 {path}")
    return Finding("key", "ok", f"the staff key is in {path}, and only its owner can read it")


def _tls(server: ServerSettings) -> Finding:
    if server.self_signed:
        return _self_signed()
    if bool(server.certificate) != bool(server.key):
        text = "a certificate needs its key, and a key its certificate"
        return Finding("tls", "missing", text, "give both --certificate and --key")
    if server.certificate and server.key:
        return _certificate(Path(server.certificate), Path(server.key))
    if server.loopback:
        return Finding("tls", "ok", "not needed: only this machine can connect")
    if server.without_tls:
        text = "without TLS; a reverse proxy has to do that, or what is said can be listened to"
        return Finding("tls", "ok", text)
    text = f"{server.host} is reachable from other machines, which needs TLS"
    return Finding("tls", "missing", text, "interpreter serve --self-signed, for a try-out")


def _self_signed() -> Finding:
    path = state_folder() / "self-signed.crt"
    if not path.exists():
        return Finding("tls", "ok", "a self-signed certificate is made at the next start")
    try:
        until = expires(path)
    except SettingsError as error:
        return Finding("tls", "missing", str(error), f"rm {path}")
    if until <= datetime.now(UTC):
        return Finding("tls", "ok", "the self-signed certificate is renewed at the next start")
    text = f"self-signed, valid until {until:%Y-%m-%d}; browsers warn about it"
    return Finding("tls", "ok", text)


def _certificate(certificate: Path, key: Path) -> Finding:
    try:
        until = expires(certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # An encrypted key would ask for its password on the terminal, and at each start.
        context.load_cert_chain(certificate, key, password="")
    except SettingsError as error:
        return Finding("tls", "missing", str(error), "name a certificate in PEM form")
    except OSError as error:
        text = f"{key}: {error.strerror or error.__class__.__name__}"
        if isinstance(error, ssl.SSLError):
            text = f"{key} does not fit {certificate}, is encrypted, or is not in PEM form"
        return Finding("tls", "missing", text, "name the certificate's own key, without password")
    left = until - datetime.now(UTC)
    if left.total_seconds() <= 0:
        text = f"{certificate} expired on {until:%Y-%m-%d}; browsers refuse it"
        return Finding("tls", "warning", text, "renew it and start the service again")
    text = f"{certificate} is valid until {until:%Y-%m-%d}"
    if left.days < _SOON_DAYS:
        return Finding("tls", "warning", text, "renew it and start the service again")
    return Finding("tls", "ok", text)


def _port(server: ServerSettings) -> Finding:
    where = f"{server.host}:{server.port}"
    if not 0 <= server.port <= 65535:
        return Finding("port", "missing", f"{where}: ports go up to 65535", "choose another --port")
    try:
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        socket.create_server((server.host, server.port), family=family).close()
    except OSError as error:
        if version := _running(server):
            return Finding("port", "ok", f"{where}: Interpreter {version} is running there already")
        # Python adds the address in brackets, which is said already.
        text = f"{where}: {(error.strerror or '').partition(' (')[0]}{_holder(server.port)}"
        mend = "name an address of this machine with --host"
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            mend = "interpreter serve --port 0 (takes any free one)"
        return Finding("port", "missing", text, mend)
    return Finding("port", "ok", f"{where} is free" if server.port else "any free one is taken")


def _running(server: ServerSettings) -> str | None:
    """Version of an Interpreter that answers there."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    shown = f"[{host}]" if ":" in host else host
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is told to it
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    for scheme in ("http", "https"):
        # Whatever else listens there may answer anything at all.
        with suppress(Exception):
            address = f"{scheme}://{shown}:{server.port}/healthz"
            with opener.open(address, timeout=_PROBE_SECONDS) as answer:
                told = json.loads(answer.read(1000))
            if told["status"] == "ok":
                return str(told["version"])
    return None


def _holder(port: int) -> str:
    """Which program listens on that port, where the system tells us."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.pid and tuple(connection.laddr)[1:2] == (port,):
                name = psutil.Process(connection.pid).name()
                return f" by {name} (process {connection.pid})"
    return ""

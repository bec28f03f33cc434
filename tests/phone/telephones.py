"""Real telephones and a real exchange, to call the service and to be called by it."""

import json
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interpreter.audio import Samples, read_wav, write_wav

from .network import HOST, free_port

PATIENCE = 20.0
"""Seconds after which something that must happen has not happened."""

PROGRAMS = {"baresip": "baresip-core", "kamailio": "kamailio", "sipp": "sip-tester"}


def program(name: str) -> str:
    """Path of a program these tests need; a failure that names its Debian package without."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if not found:
        packages = " ".join(sorted(PROGRAMS.values()))
        pytest.fail(f"{name} is missing; on Debian: apt-get install {packages}")
    return found


CONFIG = """\
sip_listen {host}:{port}
net_interface {host}
rtp_ports {first}-{last}
audio_player aufile,{folder}/player.wav
audio_source aufile,{folder}/says.wav
audio_alert aufile,{folder}/alert.wav
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels 1
auplay_channels 1
ausrc_format s16
auplay_format s16
snd_path {folder}/heard
module_path {modules}
module stdio.so
module g711.so
module g722.so
module aufile.so
module sndfile.so
module uuid.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
"""


@dataclass
class Telephone:
    """Debian's baresip: an independent, real SIP telephone, which says a recording.

    It hangs up by itself when the recording ends. What it heard is in `heard` after the call.
    """

    folder: Path
    says: Samples
    rate: int = 8_000
    codecs: str = "PCMA/8000/1,PCMU/8000/1"
    user: str = "visitor"
    registrar: str = ""
    password: str = ""
    answers: bool = False
    """By itself, at once; else it rings until `do("accept")`."""

    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> "Telephone":
        heard = self.folder / "heard"
        heard.mkdir(parents=True)
        write_wav(self.folder / "says.wav", self.says, self.rate)
        write_wav(self.folder / "alert.wav", np.zeros(800, np.int16), self.rate)
        control = free_port(socket.SOCK_STREAM)
        first = free_port()
        modules = Path("/usr/lib/baresip/modules")
        config = CONFIG.format(
            host=HOST,
            port=self.port,
            first=first,
            last=first + 20,
            folder=self.folder,
            rate=self.rate,
            modules=modules,
            control=control,
        )
        (self.folder / "config").write_text(config, encoding="utf-8")
        (self.folder / "accounts").write_text(self._account(), encoding="utf-8")
        (self.folder / "contacts").write_text("", encoding="utf-8")
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [program("baresip"), "-f", str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._control = _connect(control)
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        if self.registrar:
            self._wait_until_registered()
        return self

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def do(self, command: str, what: str = "") -> None:
        """One of baresip's commands: dial, accept, hangup, hold, resume, sndcode, reinvite."""
        message = json.dumps({"command": command, "params": what, "token": "t"}).encode()
        self._control.sendall(b"%d:%s," % (len(message), message))

    def wait(self, event: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The next event of this kind; earlier ones of other kinds are passed over."""
        until = time.monotonic() + seconds
        seen = []
        while (left := until - time.monotonic()) > 0:
            try:
                found = self._events.get(timeout=left)
            except queue.Empty:
                break
            if found.get("type") == event:
                return found
            seen.append(found.get("type"))
        log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        raise AssertionError(f"no {event}, only {seen}; the telephone said:\n{log[-2000:]}")

    def heard(self) -> Samples:
        """Everything decoded in its calls, at `rate`; complete once they are over.

        After a hold it begins a new recording, so that sound of the hold may be missing.
        """
        recordings = [read_wav(path) for path in sorted(self.folder.glob("heard/dump-*-dec.wav"))]
        assert {rate for _, rate in recordings} == {self.rate}
        return np.concatenate([samples for samples, _ in recordings])

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
            self._control.close()
            self._listener.join(PATIENCE)

    def _wait_until_registered(self) -> None:
        until = time.monotonic() + PATIENCE
        log = self.folder / "log"
        while b"} 200 OK" not in log.read_bytes():
            assert time.monotonic() < until, "the telephone cannot register"
            time.sleep(0.05)

    def _account(self) -> str:
        options = [f"audio_codecs={self.codecs}"]
        options.append(f"answermode={'auto' if self.answers else 'manual'}")
        if self.registrar:
            options += ["regint=60", f"auth_user={self.user}", f"auth_pass={self.password}"]
            return f"<sip:{self.user}@{self.registrar}>;{';'.join(options)}\n"
        return f"<sip:{self.user}@{self.address}>;regint=0;{';'.join(options)}\n"

    def _listen(self) -> None:
        buffer = b""
        while True:
            try:
                received = self._control.recv(65_536)
            except OSError:
                return
            if not received:
                return
            buffer += received
            while b":" in buffer:
                length, _, rest = buffer.partition(b":")
                if len(rest) <= int(length):
                    break
                message, buffer = rest[: int(length)], rest[int(length) + 1 :]
                self._events.put(json.loads(message))


def _connect(port: int) -> socket.socket:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection((HOST, port))
        except OSError:
            assert time.monotonic() < until, "the telephone does not start"
            time.sleep(0.05)


EXCHANGE = """\
#!KAMAILIO
debug=1
log_stderror=yes
children=2
auto_aliases=no
listen=udp:{host}:{port}
mpath="{modules}/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 1)
modparam("rr", "enable_full_lr", 1)
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
    sl_send_reply("404", "Not here"); exit;
  }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (is_method("REGISTER")) {{
    if (!pv_auth_check("{host}", "{password}", "0", "0")) {{ auth_challenge("{host}", "0"); exit; }}
    save("location"); xlog("L_ERR", "REGISTERED $fU\\n"); exit;
  }}
  if (is_method("INVITE")) {{
    record_route();
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay(); exit;
  }}
  sl_send_reply("405", "Method Not Allowed");
}}
"""


@dataclass
class Exchange:
    """A kamailio: registers whoever knows the password, and connects the registered."""

    folder: Path
    password: str = "correct"
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def registrations(self) -> int:
        """How many were granted so far."""
        return (self.folder / "log").read_bytes().count(b"REGISTERED ")

    def start(self) -> "Exchange":
        found = sorted(Path("/usr/lib").glob("*/kamailio/modules"))
        assert program("kamailio") and found
        self.folder.mkdir(exist_ok=True)
        config = self.folder / "kamailio.cfg"
        text = EXCHANGE.format(host=HOST, port=self.port, modules=found[0], password=self.password)
        config.write_text(text, encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(program("kamailio"), "-DD", "-f", str(config), "-m", "64", "-M", "8"),
                    *("-P", str(self.folder / "pid"), "-Y", str(self.folder)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_it_answers()
        return self

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None

    def _wait_until_it_answers(self) -> None:
        request = (
            f"OPTIONS sip:{self.address} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {HOST};rport;branch=z9hG4bKa\r\n"
            f"From: <sip:a@b>;tag=a\r\nTo: <sip:{self.address}>\r\nCall-ID: start\r\n"
            "CSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n"
        )
        until = time.monotonic() + PATIENCE
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(0.2)
            while time.monotonic() < until:
                asker.sendto(request.encode(), (HOST, self.port))
                try:
                    asker.recv(4096)
                except (TimeoutError, ConnectionError):
                    continue
                return
        raise AssertionError((self.folder / "log").read_text(encoding="utf-8")[-2000:])

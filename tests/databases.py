"""A real PostgreSQL of the tests' own, from Debian, on a free port of this machine."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

_PROGRAMS = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Postgres:
    """A cluster with one database, which can be stopped and started."""

    folder: Path
    port: int
    password: str

    @property
    def address(self) -> str:
        return f"postgresql+asyncpg://interpreter@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -F"
        self._control("start", "-o", options, "-l", str(self.folder / "log"))

    def hang(self) -> list[psutil.Process]:
        """Stop all its processes where they are; gives them."""
        lock = (self.folder / "data" / "postmaster.pid").read_text()
        server = psutil.Process(int(lock.split()[0]))
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.suspend()
        return processes

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def _control(self, what: str, *options: str) -> None:
        run("pg_ctl", what, "-w", "-t", "60", "-D", str(self.folder / "data"), *options)


def run(program: str, *options: str) -> None:
    """Run one of PostgreSQL's programs; it refuses to be run by root."""
    [*_, folder] = sorted(_PROGRAMS.glob("*/bin"), key=lambda each: int(each.parent.name))
    words = [str(folder / program), *options]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *words]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=90, cwd="/")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # Beneath the folder of pytest nobody but its owner may look, and sockets need a short path.
    folder = Path("/tmp") / f"postgres-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    cluster = Postgres(folder, port, secrets.token_urlsafe(12))
    password = folder / "password"
    password.write_text(cluster.password)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        for path in (folder, password):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    try:
        run(
            *("initdb", "-D", str(folder / "data"), "-U", "interpreter", "--no-sync"),
            *("--auth=scram-sha-256", f"--pwfile={password}", "--locale=C.UTF-8"),
        )
        cluster.start()
        yield cluster
        cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

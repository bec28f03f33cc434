"""`interpreter doctor` on what the service opens with: staff key, certificate, port."""

import os
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Server
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from interpreter.doctor.door import look_at_door
from interpreter.doctor.finding import Finding
from interpreter.settings import ServerSettings, staff_key
from interpreter.tls import self_signed_pair


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that names no key, and a state folder of its own."""
    for name in ("INTERPRETER_STAFF_KEY", "INTERPRETER_STAFF_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INTERPRETER_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def only(area: str, **given: Any) -> Finding:
    """What is found about one thing, on a free port unless one is named."""
    server = ServerSettings(**({"port": 0} | given))
    (finding,) = [each for each in look_at_door(server) if each.area == area]
    return finding


# The staff key -----------------------------------------------------------------------------------


def test_a_key_that_will_be_made(state: Path) -> None:
    finding = only("key")
    assert finding.status == "ok" and "made at the first start" in finding.text
    assert not state.exists()


def test_a_key_that_only_its_owner_can_read(state: Path) -> None:
    key, _ = staff_key()
    finding = only("key")
    assert finding.status == "ok" and str(state) in finding.text
    assert key not in finding.text


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read(state: Path, mode: int) -> None:
    staff_key()
    path = state / "staff.key"
    path.chmod(mode)
    assert only("key") == Finding(
        "key",
        "warning",
        f"others on this machine may read the staff key in {path}",
        f"chmod 600 {path}",
    )


def test_keys_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", "hunter2")
    finding = only("key")
    assert finding.status == "missing"
    assert "hunter2" not in finding.text
    monkeypatch.delenv("INTERPRETER_STAFF_KEY")
    monkeypatch.setenv("INTERPRETER_STAFF_KEY_FILE", str(tmp_path / "none.key"))
    assert only("key").status == "missing"
    monkeypatch.setenv("INTERPRETER_STAFF_KEY", "long enough for anybody")
    assert only("key").status == "ok"


def test_a_key_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("INTERPRETER_STATE", str(tmp_path / "file" / "state"))
    finding = only("key")
    assert finding.status == "missing"
    assert finding.mend and "INTERPRETER_STATE" in finding.mend


# TLS ---------------------------------------------------------------------------------------------


def certificate(folder: Path, days: float, password: bytes | None = None) -> dict[str, Any]:
    """The options for a certificate that is valid for so many more days, and its key."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "counter.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
        .sign(private, hashes.SHA256())
    )
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    pem, key = folder / "office.crt", folder / "office.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )
    )
    return {"certificate": str(pem), "key": str(key)}


def test_this_machine_alone_needs_no_tls() -> None:
    for host in ("127.0.0.1", "localhost"):
        assert only("tls", host=host).status == "ok"


def test_other_machines_need_tls() -> None:
    finding = only("tls", host="0.0.0.0")
    assert finding.status == "missing"
    assert finding.mend and "--self-signed" in finding.mend
    assert only("tls", host="0.0.0.0", without_tls=True).status == "ok"
    assert only("tls", host="0.0.0.0", self_signed=True).status == "ok"


def test_a_self_signed_certificate(state: Path) -> None:
    assert "made at the next start" in only("tls", self_signed=True).text
    assert not state.exists()
    pem, _ = self_signed_pair(state, [])
    assert "valid until" in only("tls", self_signed=True).text
    old = certificate(state, -1)
    shutil.copy(old["certificate"], pem)
    assert "renewed at the next start" in only("tls", self_signed=True).text
    pem.write_text("broken")
    assert only("tls", self_signed=True).status == "missing"


@pytest.mark.parametrize(
    ("days", "status", "told"),
    [(90, "ok", "valid until"), (5, "warning", "valid until"), (-2, "warning", "expired on")],
)
def test_a_certificate_by_the_time_it_has_left(
    tmp_path: Path, days: int, status: str, told: str
) -> None:
    finding = only("tls", host="0.0.0.0", **certificate(tmp_path, days))
    assert finding.status == status
    assert told in finding.text


def test_certificates_that_cannot_be_used(tmp_path: Path) -> None:
    options = certificate(tmp_path, 90)
    assert only("tls", certificate=options["certificate"]).status == "missing"
    assert only("tls", **options | {"key": str(tmp_path / "none.key")}).status == "missing"
    assert only("tls", **options | {"certificate": str(tmp_path / "none.crt")}).status == "missing"

    (tmp_path / "other").mkdir()
    other = certificate(tmp_path / "other", 90)
    assert "does not fit" in only("tls", **options | {"key": other["key"]}).text
    encrypted = certificate(tmp_path, 90, b"password")
    finding = only("tls", **encrypted)
    assert (finding.status, "encrypted" in finding.text) == ("missing", True)


# The port ----------------------------------------------------------------------------------------


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_port_that_somebody_else_has(taken: int) -> None:
    finding = only("port", port=taken)
    assert finding.status == "missing"
    assert f"127.0.0.1:{taken}: Address already in use" in finding.text
    assert f"(process {os.getpid()})" in finding.text
    assert finding.mend and "--port 0" in finding.mend


def test_a_port_that_our_own_service_has(server: Server) -> None:
    port = urlsplit(server.address).port
    finding = only("port", port=port)
    assert finding.status == "ok"
    assert "is running there already" in finding.text


def test_a_port_that_is_free(taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert only("port", port=port) == Finding("port", "ok", f"127.0.0.1:{port} is free")


@pytest.mark.parametrize("given", [{"host": "192.0.2.1"}, {"port": 70_000}])
def test_where_nobody_could_listen(given: dict[str, Any]) -> None:
    finding = only("port", **given)
    assert finding.status == "missing"
    assert finding.mend and ("--host" in finding.mend or "--port" in finding.mend)

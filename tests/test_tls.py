"""The self-signed certificate: made, kept, renewed, and good enough for TLS."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from interpreter.errors import SettingsError
from interpreter.tls import expires, self_signed_pair

STRICT = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
"""What Python 3.13 and later check unless told otherwise."""


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed_pair(tmp_path / "state", ["counter.example.org", "192.0.2.7", "2001:db8::7"])


def let_it_expire(certificate: Path, key: Path) -> None:
    """Put a certificate in its place that ended yesterday."""
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    now = datetime.now(UTC)
    old = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now - timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(old.public_bytes(serialization.Encoding.PEM))


def shake_hands(pair: tuple[Path, Path], host: str, *, trusted: Path | None, strict: bool) -> None:
    """A whole TLS handshake in memory. Raises `ssl.SSLError` where the client refuses."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*pair)
    visiting = ssl.create_default_context(cafile=str(trusted) if trusted else None)
    if strict:
        visiting.verify_flags |= STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving.wrap_bio(up, down, server_side=True)
    client = visiting.wrap_bio(down, up, server_hostname=host)
    waiting = [client, server]
    while waiting:
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)
    client.write(b"hello")
    assert server.read(5) == b"hello"


def test_the_key_is_for_its_owner_only(pair: tuple[Path, Path]) -> None:
    certificate, key = pair
    assert key.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" in key.read_bytes()
    assert b"PRIVATE" not in certificate.read_bytes()


def test_it_lasts_a_year(pair: tuple[Path, Path]) -> None:
    left = expires(pair[0]) - datetime.now(UTC)
    assert timedelta(days=364) < left <= timedelta(days=366)


def test_it_is_kept_while_it_is_valid(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in self_signed_pair(tmp_path, [])]
    assert [path.read_bytes() for path in self_signed_pair(tmp_path, [])] == first
    elsewhere = [path.read_bytes() for path in self_signed_pair(tmp_path / "other", [])]
    assert elsewhere[1] != first[1]


def test_it_is_renewed_once_it_has_expired(pair: tuple[Path, Path]) -> None:
    let_it_expire(*pair)
    assert expires(pair[0]) < datetime.now(UTC)
    assert self_signed_pair(pair[0].parent, []) == pair
    assert expires(pair[0]) > datetime.now(UTC) + timedelta(days=300)
    assert pair[1].stat().st_mode & 0o777 == 0o600
    shake_hands(pair, "localhost", trusted=pair[0], strict=False)


@pytest.mark.parametrize("lost", [0, 1])
def test_it_is_made_anew_when_half_of_it_is_gone(pair: tuple[Path, Path], lost: int) -> None:
    pair[lost].unlink()
    self_signed_pair(pair[0].parent, [])
    shake_hands(pair, "localhost", trusted=pair[0], strict=False)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "::1", "counter.example.org", "192.0.2.7", "2001:db8::7"]
)
def test_whoever_trusts_it_can_connect(pair: tuple[Path, Path], host: str, strict: bool) -> None:
    shake_hands(pair, host, trusted=pair[0], strict=strict)


def test_it_is_no_good_for_another_host(pair: tuple[Path, Path]) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="elsewhere.example"):
        shake_hands(pair, "elsewhere.example", trusted=pair[0], strict=False)


def test_nobody_trusts_it_unasked(pair: tuple[Path, Path]) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
        shake_hands(pair, "localhost", trusted=None, strict=False)


def test_it_cannot_vouch_for_others(pair: tuple[Path, Path]) -> None:
    certificate = x509.load_pem_x509_certificate(pair[0].read_bytes())
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.crt"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"broken\.crt") as caught:
        expires(path)
    assert caught.value.code == "bad-certificate"
    with pytest.raises(SettingsError, match="gone.crt"):
        expires(tmp_path / "gone.crt")


def test_it_is_made_anew_for_a_further_host(tmp_path: Path) -> None:
    certificate, _ = self_signed_pair(tmp_path, [])
    first = certificate.read_bytes()
    self_signed_pair(tmp_path, ["counter.example.org"])
    second = certificate.read_bytes()
    assert first != second
    self_signed_pair(tmp_path, ["counter.example.org"])
    assert certificate.read_bytes() == second

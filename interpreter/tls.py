"""A certificate of one's own for a try-out; browsers warn about it, and rightly so."""

import ipaddress
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .errors import SettingsError
from .settings import write_secret

_DAYS = 365
_ALWAYS = ("localhost", "127.0.0.1", "::1")


def self_signed_pair(folder: Path, hosts: list[str]) -> tuple[Path, Path]:
    """Certificate and key files in that folder, made anew unless they still serve these hosts.

    `hosts` are names and addresses beyond `localhost` and the machine's own name.
    """
    certificate, key = folder / "self-signed.crt", folder / "self-signed.key"
    names = [_host(each) for each in dict.fromkeys([*_ALWAYS, socket.gethostname(), *hosts])]
    if key.exists() and _serves(certificate, names):
        return certificate, key
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Interpreter (self-signed)")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .sign(private, hashes.SHA256())
    )
    write_secret(
        key,
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _serves(certificate: Path, names: list[x509.GeneralName]) -> bool:
    """Whether there is a certificate for all these names that has not expired."""
    if not certificate.exists() or expires(certificate) < datetime.now(UTC):
        return False
    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    told = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return all(name in list(told) for name in names)


def expires(certificate: Path) -> datetime:
    """When a PEM certificate ends. Raises `SettingsError` ("bad-certificate")."""
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise SettingsError("bad-certificate", f"{certificate}: {error}") from error


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)

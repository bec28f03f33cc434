"""Where a server is, and whether its certificate is to be trusted."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from interpreter.errors import SettingsError

STREAM_PATH = "/v1/stream"


@dataclass(frozen=True, slots=True)
class Address:
    """A server such as `https://interpreter.example:8443`.

    Raises `SettingsError` ("bad-address", "bad-certificate") when made of something else.
    """

    url: str
    verify: bool | Path = True
    """True: against the system's authorities. A path: against that certificate (PEM), as for the
    self-signed one of a try-out. False: not at all; only for a line nobody else can reach."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise SettingsError(
                "bad-address", f"{self.url!r} is no server address; http://127.0.0.1:8080 is one"
            )
        self.tls()

    @property
    def loopback(self) -> bool:
        """Whether it is this very machine; a proxy has no business there."""
        return urlsplit(self.url).hostname in ("localhost", "127.0.0.1", "::1")

    def over_http(self, path: str) -> str:
        """The URL of a path on the server."""
        return self.url.rstrip("/") + path

    def over_websocket(self, path: str = STREAM_PATH) -> str:
        """The same for a websocket."""
        return "ws" + self.over_http(path).removeprefix("http")

    def tls(self) -> ssl.SSLContext | None:
        """How to check the server's certificate; None without TLS."""
        if not self.url.startswith("https:"):
            return None
        if isinstance(self.verify, Path):
            try:
                return ssl.create_default_context(cafile=self.verify)
            except (OSError, ssl.SSLError) as error:
                raise SettingsError(
                    "bad-certificate", f"{self.verify}: cannot be read as PEM certificates"
                ) from error
        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

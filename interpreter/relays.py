"""Servers that help browsers to reach each other: STUN, and TURN with credentials for a while."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from .errors import SettingsError


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """How browsers find each other where they cannot do so directly."""

    stun: tuple[str, ...] = ()
    """Such as `stun:turn.example.org:3478`; tells a browser its address behind a router."""

    turn: tuple[str, ...] = ()
    """Such as `turn:turn.example.org:3478`; passes pictures on where nothing else gets through."""

    credential_seconds: Annotated[int, Meta(ge=60, le=86_400)] = 3600
    """How long one may begin to use a TURN server with the credentials one was given."""


@dataclass(frozen=True, slots=True)
class Relay:
    """One of them, as a browser is told (RTCIceServer)."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""


class Relays:
    """Gives out credentials that a TURN server with the same secret accepts.

    They are those of the "REST API for access to TURN services" (draft-uberti-behave-turn-rest),
    which coturn calls `use-auth-secret`: the name holds when it expires, the password proves it.
    """

    def __init__(self, settings: VideoSettings, secret: str | None) -> None:
        """Raises `SettingsError` where a TURN server is named without a secret."""
        if settings.turn and not secret:
            raise SettingsError(
                "bad-settings",
                "video.turn needs the TURN server's static-auth-secret in INTERPRETER_TURN_SECRET, "
                "or in the file INTERPRETER_TURN_SECRET_FILE names",
            )
        self.seconds = settings.credential_seconds
        self._settings = settings
        self._secret = (secret or "").encode()

    def given_to(self, name: str) -> list[Relay]:
        """All of them for whoever is called that; the name goes into the TURN server's log."""
        relays = [Relay(self._settings.stun)] if self._settings.stun else []
        if self._settings.turn:
            username = f"{int(time.time()) + self.seconds}:{name}"
            digest = hmac.new(self._secret, username.encode(), hashlib.sha1).digest()
            credential = base64.b64encode(digest).decode()
            relays.append(Relay(self._settings.turn, username, credential))
        return relays

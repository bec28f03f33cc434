"""Messages about pictures, which go from browser to browser: who shows some, and the way there."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ...events import Party
from ...roles import Role
from .shared import Message, Name


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a browser offers or accepts (RTCSessionDescription)."""

    type: Literal["offer", "answer", "pranswer", "rollback"]
    sdp: Annotated[str, Meta(max_length=50_000)] = ""


class Candidate(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True
):
    """A way to reach a browser (RTCIceCandidate)."""

    candidate: Annotated[str, Meta(max_length=2000)]
    sdp_mid: Annotated[str, Meta(max_length=64)] | None = None
    sdp_m_line_index: Annotated[int, Meta(ge=0, le=1000)] | None = msgspec.field(
        default=None, name="sdpMLineIndex"
    )
    username_fragment: Annotated[str, Meta(max_length=256)] | None = None


class Showing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody shows at the moment."""

    camera: bool
    microphone: bool
    screen: bool = False
    narrow: bool = False
    """The camera is off because the line does not carry its picture."""


class Signal(Message, frozen=True, tag="signal"):
    """Something for another browser that shows pictures: one of the three."""

    to: Name
    """Its connection."""

    description: Description | None = None
    candidate: Candidate | None = None
    media: Showing | None = None


class PeerState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody else in the picture."""

    connection: str
    role: Role
    parties: list[Party]
    polite: bool
    """Whether you give way to them when both offer something at the same time (perfect
    negotiation)."""

    away: bool = False
    """Their websocket is cut at the moment; their picture may still come."""


class PeersMessage(Message, frozen=True, tag="peers"):
    """Who else shows pictures; all of them, told again whenever that changes."""

    peers: list[PeerState]


class SignalMessage(Message, frozen=True, tag="signal"):
    """What another browser tells this one."""

    sender: str = msgspec.field(name="from")
    description: Description | None = None
    candidate: Candidate | None = None
    media: Showing | None = None


class RelayState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server that helps browsers to reach each other (RTCIceServer)."""

    urls: list[str]
    username: str = ""
    credential: str = ""


class RelaysMessage(Message, frozen=True, tag="relays"):
    """The servers that help, with credentials for a while; told again before these expire."""

    servers: list[RelayState]
    seconds: int
    """How long the credentials hold."""

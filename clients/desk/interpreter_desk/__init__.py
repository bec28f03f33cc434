"""Client library and commands: `Connection` talks to a server, `Staff` makes conversations."""

from .address import Address
from .connection import Connection, Line, Received, SpeechFrame
from .outbox import Outbox
from .own_server import own_server
from .rest import Invitation, Staff, Tokens, staff_key

__all__ = [
    "Address",
    "Connection",
    "Invitation",
    "Line",
    "Outbox",
    "Received",
    "SpeechFrame",
    "Staff",
    "Tokens",
    "own_server",
    "staff_key",
]

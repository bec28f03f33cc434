"""As whom somebody joins a conversation; each role has a token of its own."""

from collections.abc import Mapping
from typing import Literal, get_args

from .events import Party

Role = Literal["staff", "visitor", "shared", "colleague", "interpreter"]
"""`shared`: one device between both people. `colleague`: speaks as staff do. `interpreter`: a
person who interprets instead of the machine, and reads both."""

Guest = Literal["colleague", "interpreter"]
"""Whom staff may invite into a conversation that goes on."""

GUESTS: tuple[Guest, ...] = get_args(Guest)
"""They show pictures, so that nobody reads along unseen."""

PARTIES: Mapping[Role, tuple[Party, ...]] = {
    "staff": (Party.STAFF,),
    "visitor": (Party.VISITOR,),
    "shared": (Party.STAFF, Party.VISITOR),
    "colleague": (Party.STAFF,),
    "interpreter": (Party.STAFF, Party.VISITOR),
}
"""Whom somebody speaks for, or reads along for."""

ALONE: Mapping[Party, Role] = {Party.STAFF: "staff", Party.VISITOR: "visitor"}
"""The role of a person who speaks for one party only."""

"""What is said on the websocket of an appointment's waiting room, in both directions."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ...events import Party
from ...work import Quality
from .server import Messages
from .shared import Message, Tag

Interpreting = Literal["consecutive", "simultaneous"]
RoomState = Literal["early", "waiting", "open", "over", "revoked"]


class Enter(Message, frozen=True, tag="enter"):
    """The first message."""

    link: Annotated[str, Meta(max_length=512)]


class Ready(Message, frozen=True, tag="ready"):
    """The visitor has tried their devices and wants to be let in."""

    language: Tag


class Admit(Message, frozen=True, tag="admit"):
    """Staff let the visitor in."""

    interpreting: Interpreting | None = None
    """Null: as the appointment was made."""


class LeaveRoom(Message, frozen=True, tag="leave"):
    """Whoever says so goes for good."""


class RoomLanguage(msgspec.Struct, frozen=True):
    """A language that the staff's can be interpreted with."""

    tag: str
    name: str
    """Its own."""

    direction: Literal["ltr", "rtl"]
    heard: bool
    voice: Quality | None
    """How good the voice is that speaks it; null where none does."""

    translations: dict[str, Quality]
    """Into the staff's language."""


class RoomMessage(Message, frozen=True, tag="room", omit_defaults=False):
    """Everything there is to know, again after every change.

    Of an appointment that is not kept any more, only the first four fields.
    """

    role: Party
    state: RoomState
    id: str
    starts: datetime
    minutes: int | UnsetType = UNSET
    opens: datetime | UnsetType = UNSET
    closes: datetime | UnsetType = UNSET
    staff_language: str | UnsetType = UNSET
    visitor_language: str | None | UnsetType = UNSET
    """Null as long as nobody has said it."""

    interpreting: Interpreting | UnsetType = UNSET
    office: str | UnsetType = UNSET
    title: Messages | UnsetType = UNSET
    """What the office is called, by language."""

    present: dict[Party, bool] | UnsetType = UNSET
    ready: bool | UnsetType = UNSET
    """Whether the visitor is there and wants to be let in."""

    languages: list[RoomLanguage] | UnsetType = UNSET
    conversation: str | UnsetType = UNSET
    """Only while `open`."""

    token: str | UnsetType = UNSET
    """With which this role joins the conversation."""


class RoomError(Message, frozen=True, tag="error"):
    """Something was not accepted; where going on makes no sense the websocket closes."""

    code: str
    messages: Messages
    """In all languages there are texts in."""

    retry: bool
    detail: str = ""


RoomClientMessage = Enter | Ready | Admit | LeaveRoom
RoomServerMessage = RoomMessage | RoomError

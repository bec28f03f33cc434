"""What all messages have in common."""

from typing import Annotated

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Number = Annotated[int, Meta(ge=1, le=65_535)]
Sequence = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Tag = Annotated[str, Meta(min_length=2, max_length=16)]
Name = Annotated[str, Meta(max_length=64)]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text frame: one JSON object whose `type` names it."""

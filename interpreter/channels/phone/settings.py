"""What an office can set about its telephone, whatever carries the calls."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from ...errors import InterpreterError
from ...languages import normalise

Some = Annotated[int, Meta(ge=1, le=100)]
Seconds = Annotated[float, Meta(gt=0, le=600)]

MOST_IN_MENU = 9
"""One for each key from 1 on."""


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """Whom the telephone connects with whom, and in which languages people are received."""

    office: str = ""
    """The office (of `offices`) whose words, title and interpreters hold; empty: the general one.
    """

    language: str = ""
    """What its clerks speak; empty: what the office's staff speak."""

    clerks: tuple[str, ...] = ()
    """Numbers that are called for a caller, one after the other; a ring group needs one only."""

    menu: tuple[str, ...] = ()
    """Languages that callers are offered, in this order: the first is key 1."""

    numbers: Mapping[str, str] = field(default_factory=dict)
    """By the number that was dialled, the language its callers speak; they hear no menu."""

    outgoing: tuple[str, ...] = ()
    """Extensions of the service that clerks dial to call somebody; they hear no greeting."""

    staff: tuple[str, ...] = ()
    """Who may dial those: exact numbers, or beginnings followed by `*`. The clerks always may."""

    destinations: tuple[str, ...] = ()
    """Whom they may call that way, in the same form. Empty: nobody."""

    office_number: str = ""
    """Told to callers for whom nobody is there."""

    opening_hours: Mapping[str, str] = field(default_factory=dict)
    """By language, a sentence that tells them when somebody is."""

    calls: Some = 4
    """At once, in both directions."""

    ring_seconds: Seconds = 25.0
    """How long it rings at each clerk, and at whom a clerk calls."""

    answer_seconds: Seconds = 8.0
    """After each question, to press a key or begin to speak."""

    longest_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 2 * 3600.0
    """Of a call."""

    def __post_init__(self) -> None:
        """Raises `ValueError` saying which settings do not go together."""
        if len(self.menu) > MOST_IN_MENU:
            raise ValueError(f"a telephone menu has {MOST_IN_MENU} languages at most")
        tags = (*self.menu, *self.numbers.values(), *self.opening_hours)
        try:
            strange = [tag for tag in tags if normalise(tag) != tag]
        except InterpreterError as error:
            raise ValueError(str(error)) from error
        if strange or len(set(self.menu)) < len(self.menu):
            raise ValueError("languages are bare tags such as pt, each once")


def bare_number(address: str) -> str:
    """The number or extension in an address as exchanges write it: `201` of `<sip:201@pbx:5060>`.

    Spaces and the like are left out, so that `+49 (89) 12-3` and `+498912 3` are the same.
    """
    inner = re.search(r"<([^>]*)>", address)
    text = (inner.group(1) if inner else address).strip()
    text = re.sub(r"^(sips?|tel):", "", text, flags=re.IGNORECASE)
    text = re.split(r"[@;]", text)[0]
    return re.sub(r"[\s()/.-]", "", text)


def among(number: str, patterns: tuple[str, ...]) -> bool:
    """Whether a bare number is one of these, or begins as one that ends in `*`."""
    return bool(number) and any(
        number.startswith(pattern[:-1]) if pattern.endswith("*") else number == pattern
        for pattern in map(bare_number, patterns)
    )

"""What telephone calls are made with, and which languages can be had on the telephone."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ...reception import Reception
from ...work import Quality
from .announcements import Announcements
from .line import Caller, Line
from .settings import PhoneSettings

Dial = Callable[[str, float], Awaitable[Line]]
"""Calls a number and lets it ring for so many seconds. Raises `PhoneError`; one with the code
"busy" means what it says. If it is cancelled, it stops ringing."""

HEARING = {"threshold": 0.4, "exit_threshold": 0.25}
"""Of voice activity, for speech that came through 8 kHz and G.711: on 97 recordings it finds as
much of it so (631 s in 114 utterances) as of the same speech at 16 kHz with the usual thresholds
(642 s in 114), and as little noise (1.8 s of 135, and 2.1 s)."""


@dataclass(frozen=True, slots=True)
class Means:
    """The same for all calls."""

    settings: PhoneSettings
    reception: Reception
    announcements: Announcements
    dial: Dial

    @property
    def clerk_language(self) -> str:
        """As the telephone's settings say, else as the office's do, else English."""
        office = self.reception.offices[self.settings.office]
        return self.settings.language or office.language or "en"

    @property
    def menu(self) -> tuple[str, ...]:
        """The languages callers are offered: what clerks speak, and what is interpreted."""
        own = self.clerk_language
        return tuple(each for each in self.settings.menu if each == own or not self.missing(each))

    def missing(self, language: str) -> str:
        """Why callers who speak this cannot be interpreted on the telephone; empty if they can."""
        engines, own = self.reception.engines, self.clerk_language
        for source, target in ((own, language), (language, own)):
            if (source, target) not in engines.translator.pairs:
                return f"nothing translates {source} into {target}"
        for each in (own, language):
            if each not in engines.recognizer.languages:
                return f"{each} is not recognised"
            if not self.announcements.speaks(each):
                return f"{each} has no voice"
        return ""

    def quality(self, language: str) -> Quality:
        """The worse of both directions between clerks and whoever speaks this."""
        pairs, own = self.reception.engines.translator.pairs, self.clerk_language
        return max(pairs[language, own], pairs[own, language], key=lambda each: each.rank)


def variable(caller: Caller, *names: str) -> str:
    """What a dial plan or a SIP header tells by one of these names; given in small letters."""
    told = {name.lower(): value for name, value in caller.variables.items()}
    return next((told[name] for name in names if name in told), "")

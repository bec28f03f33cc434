"""A house with a switchboard, and what people are told by it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import numpy as np
from telephones_in_memory import Exchange, Telephone, all_hung_up

from interpreter.audio import Samples
from interpreter.channels.phone.announcements import Announcements
from interpreter.channels.phone.settings import PhoneSettings
from interpreter.channels.phone.switchboard import Switchboard
from interpreter.connection import ConversationLimits, Engines
from interpreter.conversation import Conversation
from interpreter.languages import name_in
from interpreter.reception import Reception
from interpreter.vad import Endpointing

SETTINGS = PhoneSettings(
    language="en",
    clerks=("201",),
    menu=("en", "pt", "de"),
    numbers={"500": "pt"},
    outgoing=("600",),
    staff=("3*",),
    destinations=("0891*",),
    office_number="089 12",
    opening_hours={"pt": "Estamos abertos de manhã."},
    ring_seconds=0.3,
    answer_seconds=5.0,
)
HASTY = replace(SETTINGS, answer_seconds=0.2)
"""For those who do not answer questions."""


@dataclass
class House:
    """A switchboard, and what goes on there."""

    switchboard: Switchboard
    reception: Reception
    call: asyncio.Task[None]

    @property
    def announcements(self) -> Announcements:
        """The service's own: a voice does not say the same twice alike, to the sample."""
        return self.switchboard.announcements

    async def told(self, telephone: Telephone, code: str, language: str, **values: object) -> None:
        """Wait until somebody has heard this."""
        sentence = self.announcements.words(code, language, **values)
        assert sentence.language == language
        await telephone.until_heard(await self.announcements.sound(sentence, telephone.rate))

    async def agreed(self, caller: Telephone, language: str = "pt") -> None:
        """Somebody agrees to be interpreted."""
        await self.told(caller, "phone-consent", language)
        caller.press("1")

    async def accepted(
        self, clerk: Telephone, language: str | None = "pt", *, machine: bool = True
    ) -> None:
        """A clerk takes the call."""
        code = "phone-waiting" if machine else "phone-waiting-without"
        await self.told(clerk, code, "en", spoken=name_in(language, "en"))
        clerk.press("1")

    @property
    def conversation(self) -> Conversation:
        """The one that goes on."""
        [conversation] = self.reception.conversations.values()
        return conversation


@contextlib.asynccontextmanager
async def calling(
    engines: Engines,
    caller: Telephone,
    exchange: Exchange | None = None,
    settings: PhoneSettings = SETTINGS,
    *others: Telephone,
    most: int = 4,
) -> AsyncIterator[House]:
    """Somebody calls; when the block ends the call has to be over, and nothing left of it."""
    limits = ConversationLimits(drain_seconds=5.0)
    reception = Reception(engines, Endpointing(), limits, secret="only in tests", most=most)
    switchboard = Switchboard(settings, reception, (exchange or Exchange()).dial)
    call = asyncio.create_task(switchboard.take(caller))
    async with all_hung_up(caller, *others):
        yield House(switchboard, reception, call)
        async with asyncio.timeout(30):
            await call
            await reception.shut()
        assert not reception.conversations
        assert all(each.ended for each in (caller, *others))
        assert not switchboard.ongoing()


def correlation(heard: Telephone, said: Samples) -> float:
    """How alike what was heard is to what was said, wherever it begins."""
    one, other = heard.heard.astype(float), said.astype(float)
    size = len(one) + len(other)
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    at = int(np.argmax(product))
    found = one[at : at + len(other)]
    return float(np.corrcoef(found, other[: len(found)])[0, 1])

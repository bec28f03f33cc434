"""The translation of an utterance as it grows: checked sentences that make up one text."""

from dataclasses import dataclass, field

from .events import Fact
from .messages import LANGUAGES
from .messages import text as in_words
from .mt.router import Checked
from .work import Quality

_WRONG = ("fact_", "term_forbidden")
"""Flags of a sentence that may say something false."""


def is_doubtful(flags: tuple[str, ...]) -> bool:
    """Whether somebody has to confirm before anybody relies on it."""
    return any(flag.startswith(_WRONG) for flag in flags)


def spoken(text: str, flags: tuple[str, ...], language: str) -> str:
    """What the voice says: what is doubtful is announced as such."""
    if is_doubtful(flags) and language in LANGUAGES:
        return f"{in_words('spoken-doubt', language)} {text}"
    return text


@dataclass(slots=True)
class Rendering:
    """What there is of a translation so far."""

    sentences: list[Checked] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def engine(self) -> str:
        """All that had a part in it."""
        return ", ".join(dict.fromkeys(sentence.engine for sentence in self.sentences))

    @property
    def quality(self) -> Quality:
        """The worst of them."""
        qualities = [sentence.quality for sentence in self.sentences]
        return max(qualities, key=lambda quality: quality.rank, default=Quality.NATIVE)

    @property
    def facts(self) -> tuple[Fact, ...]:
        return tuple(fact for sentence in self.sentences for fact in sentence.facts)

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(flag for each in self.sentences for flag in each.flags))

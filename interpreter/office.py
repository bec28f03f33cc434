"""What an office is to its conversations: its words, phrases and cards, and who takes over."""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .errors import ProtocolError, SettingsError
from .events import Contact
from .languages import normalise
from .mt import Briefing
from .mt.glossary import Glossary

STARTER = Path(__file__).with_name("starter.toml")
"""Phrases and cards that most counters need."""

_HOTWORDS = 30
"""More take the place of what was said before, and make a recognizer hear them everywhere."""

Id = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,40}$")]
CardKind = Literal["text", "picture", "map"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence that is said again and again, translated beforehand and checked by people."""

    id: Id
    texts: Mapping[str, str]
    """By language; where one is missing the machine translates, and says so."""


@dataclass(frozen=True, slots=True)
class Card:
    """Something to show that need not be interpreted."""

    id: Id
    texts: Mapping[str, str]
    """By language."""

    kind: CardKind = "text"
    picture: str = ""
    """One of the page's own, such as `passport` or `left`, or the address of an image on this
    server."""


@dataclass(frozen=True, slots=True)
class Office:
    """One office of the house; the same for all its conversations."""

    name: str = ""
    title: Mapping[str, str] = field(default_factory=dict)
    """What it is called, by language."""

    language: str = ""
    """What its staff speak; empty: to be chosen for each conversation."""

    briefing: Briefing = Briefing()
    glossary: Glossary = field(default_factory=Glossary)
    own_words: Glossary = field(default_factory=Glossary)
    """The part of the glossary that is its own."""

    phrases: tuple[Phrase, ...] = ()
    cards: tuple[Card, ...] = ()
    contact: Contact = Contact()
    subjects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By language, what should not be left to a machine, such as a hearing."""

    def hotwords(self, languages: Collection[str]) -> list[str]:
        """What recognition should expect to hear: its own names, then its own terms."""
        each = [self.own_words.hotwords(language, _HOTWORDS) for language in languages]
        return list(dict.fromkeys(chain(*each)))[:_HOTWORDS]

    def phrase(self, name: str, language: str) -> Mapping[str, str]:
        """The texts of a phrase that there is in this language. Raises `ProtocolError`."""
        for each in self.phrases:
            if each.id == name and language in each.texts:
                return each.texts
        raise ProtocolError("bad-message", "phrase: there is none of that name and language")

    def card(self, name: str) -> Card | None:
        """The card of that id."""
        return next((each for each in self.cards if each.id == name), None)


NO_OFFICE = Office()
"""Without words of its own."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of phrases and cards, as it is written."""

    phrases: tuple[Phrase, ...] = ()
    cards: tuple[Card, ...] = ()


def load_phrases(paths: Iterable[Path]) -> tuple[tuple[Phrase, ...], tuple[Card, ...]]:
    """Phrases and cards from TOML files; of two with the same id the later one wins.

    Raises `SettingsError` ("bad-phrases").
    """
    phrases: dict[str, Phrase] = {}
    cards: dict[str, Card] = {}
    for path in paths:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            file = msgspec.convert(table, _File)
            texts: list[Phrase | Card] = [*file.phrases, *file.cards]
            for each in texts:
                if not each.texts or any(normalise(tag) != tag for tag in each.texts):
                    raise ValueError(f"{each.id}: texts by bare language tags are needed")
        except OSError as error:
            raise SettingsError("bad-phrases", f"{path}: {error.strerror}") from error
        except (ValueError, msgspec.ValidationError, SettingsError) as error:
            raise SettingsError("bad-phrases", f"{path}: {error}") from error
        phrases.update((each.id, each) for each in file.phrases)
        cards.update((each.id, each) for each in file.cards)
    return tuple(phrases.values()), tuple(cards.values())

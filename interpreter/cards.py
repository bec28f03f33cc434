"""Cards: what is shown on both sides and need not be interpreted."""

from collections.abc import Callable, Iterable
from datetime import date

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from .errors import ProtocolError
from .events import CardShown
from .messages import text as in_words
from .office import Office

_FIXED = ("sign", "wait", "document")
"""Cards of the house, with texts of their own (`card-…` in the messages)."""


class Table:
    """What lies between the two people for both to see: one card at a time."""

    def __init__(
        self,
        office: Office,
        languages: Callable[[], Iterable[str]],
        emit: Callable[[CardShown], None],
    ) -> None:
        """`languages` of those who look at it."""
        self.card: CardShown | None = None
        self._office = office
        self._languages = languages
        self._emit = emit

    def show(self, card: str, value: str) -> None:
        """Lay a card on the table, or with "" take it away. Raises `ProtocolError`."""
        shown = show(card, value, self._languages(), self._office)
        self.card = shown if card else None
        self._emit(shown)


def show(card: str, value: str, languages: Iterable[str], office: Office) -> CardShown:
    """A card with its words in these languages; none for the name "".

    `number` shows its value; `date` is an ISO date, written out; `sign`, `wait` and `document`
    ask for something; others are the office's. Raises `ProtocolError` ("bad-message").
    """
    if not card:
        return CardShown("", "", {})
    if card == "number":
        return CardShown(card, _given(value), dict.fromkeys(languages, value))
    if card == "date":
        day = _day(value)
        return CardShown(card, value, {each: _in_full(day, each) for each in languages})
    if card in _FIXED:
        return CardShown(card, "", {each: in_words(f"card-{card}", each) for each in languages})
    if (own := office.card(card)) is None:
        raise ProtocolError("bad-message", "card: there is none of that name in this office")
    texts = {each: own.texts[each] for each in languages if each in own.texts}
    return CardShown(card, "", texts, own.picture)


def _given(value: str) -> str:
    if not value.strip():
        raise ProtocolError("bad-message", "card: a number needs a value")
    return value


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ProtocolError("bad-message", "card: a date is written like 2026-08-18") from None


def _in_full(day: date, language: str) -> str:
    """ "Tuesday, 18 August 2026"; as digits where the language's ways are not known."""
    try:
        return format_date(day, "full", locale=Locale.parse(language))
    except (UnknownLocaleError, ValueError):
        return day.isoformat()

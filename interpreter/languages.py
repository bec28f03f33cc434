"""Languages by tag: own names, script direction (from Unicode's CLDR, by Babel)."""

from functools import cache

from babel import Locale, UnknownLocaleError

from .errors import InterpreterError


def normalise(tag: str) -> str:
    """The language alone, in lower case: `pt` for `pt-BR`, `PT` and `pt_BR`.

    Engines here distinguish languages, not countries. Raises `InterpreterError`
    ("unknown-language") for what is no language.
    """
    language = tag.strip().replace("_", "-").split("-")[0].lower()
    if not (2 <= len(language) <= 3 and language.isascii() and language.isalpha()):
        raise _unknown(tag)
    _locale(language)
    return language


def own_name(language: str) -> str:
    """The language's name in itself: `Deutsch`, `Türkçe`, `العربية`."""
    locale = _locale(language)
    name = str(locale.get_display_name(locale) or language)
    return name[0].upper() + name[1:]


def english_name(language: str) -> str:
    """The language's name in English."""
    return str(_locale(language).english_name or language)


def name_in(language: str | None, reader: str) -> str:
    """The language's name in the reader's language; None is told as an unknown one."""
    names = _locale(reader).languages
    return str(names.get(language or "und") or names.get("und") or english_name(language or "en"))


def right_to_left(language: str) -> bool:
    """Whether its script runs from right to left."""
    return bool(_locale(language).text_direction == "rtl")


@cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError) as error:
        raise _unknown(language) from error


def _unknown(tag: str) -> InterpreterError:
    shown = "".join(c for c in tag[:16] if c.isascii() and (c.isalnum() or c in "-_"))
    return InterpreterError(
        "unknown-language",
        f"{shown!r} is not a language tag known here; use tags such as de, en, pt, tr, uk",
    )

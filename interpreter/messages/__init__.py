"""What people read and hear from the service itself, in their language.

One TOML file per language lies beside this module, each with the same keys: the notice that
everybody gets on joining (`notice`), and a sentence per code of an error, of a notice or of the
reason why a conversation ended (`ended-…`). Addressed to people who are nervous or busy: plain,
polite, and telling what to do next.
"""

import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = (
    *("de", "en", "fr", "es", "it", "pt", "nl", "pl"),
    *("ro", "tr", "uk", "ru", "ar", "fa", "vi", "zh"),
)
"""Tags of the languages there are texts in."""

FALLBACK = "en"
"""Whoever reads a language that is not among them gets this one."""

_UNNAMED = "internal-error"


def text(code: str, language: str, **values: object) -> str:
    """What `code` means, in a language given by its bare tag (see `languages.normalise`).

    `values` fill the placeholders of the text. A code without a text of its own reads as
    `internal-error`: its reader is a person in a conversation, who should not be left with nothing.
    Raises `KeyError` when a placeholder has no value.
    """
    texts = _texts(language if language in LANGUAGES else FALLBACK)
    return texts.get(code, texts[_UNNAMED]).format(**values)


def codes() -> frozenset[str]:
    """Everything there is a text for."""
    return frozenset(_texts(FALLBACK))


@cache
def _texts(language: str) -> dict[str, str]:
    content = files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(content)

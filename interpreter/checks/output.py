"""What a translation engine should never have put out, found on the text alone.

Such faults are rare and the checks are precise; most wrong translations pass them. They stop loops,
untranslated text and language models that answer instead of translating.
"""

import re
import tomllib
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

from ..errors import InterpreterError
from ..languages import english_name, own_name
from ..sentences import bare_words

_LEAST_WORDS = 3
"""From which on a text's language can be told: of 48 longer sentences 47 were told rightly."""

_SURE = 0.95
_COPIED_WORDS = 4

_LONGEST_RATIO, _LONGEST_SLACK = 2.2, 20
_SHORTEST_RATIO, _SHORTEST_SLACK = 0.4, 6
"""Characters of the translation by those of its source. Chosen wide: people are wordy."""

_LONGEST_PHRASE = 8
_REDUPLICATE = {"tr", "vi", "zh", "fa"}
"""Where a word said twice ("güle güle") is a word of its own."""

_IDEOGRAPH = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_SYLLABLE = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_STUTTER = re.compile(r"([^\W\d_]{1,6}?)\1{5,}")
_NAME_PARTS = frozenset(
    (
        *("de", "da", "do", "dos", "das", "du", "des", "del", "di", "la", "le", "van", "von"),
        *("der", "den", "al", "el", "bin", "ter", "zu", "y", "e"),
    )
)

_MARKUP = re.compile(
    r"<\|\w|<(?:start|end)_of_turn>|</?s>|</?(?:source|translation|text)>|\[/?INST\]|```|^#{2,} ",
    re.IGNORECASE | re.MULTILINE,
)
_TASK = re.compile(
    r"^\W*(?:translate\b.{0,60}:|translate (?:the following|from \w+ (?:in)?to)\b"
    r"|(?:here is|here's|sure,? here).{0,20}\btranslation\b|translation\b.{0,20}:"
    r"|(?:die )?übersetzung\b.{0,20}:|(?:a )?tradução\b.{0,20}:|(?:la )?traducción\b.{0,20}:"
    r"|(?:la )?traduction\b.{0,20}:|(?:la )?traduzione\b.{0,20}:|çeviri\b.{0,20}:)"
    r"|\byou are a (?:professional |simultaneous )*(?:interpreter|translator)\b",
    re.IGNORECASE,
)
_OF_TRANSLATING = re.compile(
    r"translat|interpret|übersetz|dolmetsch|tradu[czt]|tradui|intérpr|interprèt|çevir|tercüm"
    r"|перек[лв]|перев|tłumacz|vertaal|vertal|tolk|ترجم|مترجم|dịch|翻译|翻譯",
    re.IGNORECASE,
)
_OF_MACHINES = re.compile(
    r"\b(?:ai|ki|ia|yz|sztuczn\w+|ші|ии)\b|artifi[cz]i|k[uü]nstlich\w* intell|sprachmodell"
    r"|taalmodel|language|model|modèle|yapay|program|ассист|асист|assist|asist|інтелект|интеллект|модел"
    r"|ذكاء|هوش|نموذج|trí tuệ|mô hình|智能|模型",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Refusals:
    assistant: tuple[str, ...]
    declines: tuple[str, ...]
    denial: re.Pattern[str]


def faults(text: str, source: str, translation: str, target: str) -> tuple[str, ...]:
    """Codes of what is wrong with a translation, none if nothing can be told from outside.

    `wrong_language`: it is in the source's; `too_long` and `too_short`, by any measure; `repeats`:
    words in a loop; `copied`: the source untranslated; `refused`: an assistant's answer;
    `prompt_leaked`: parts of an instruction. Languages are bare tags. The first call for languages
    takes about a second to load a model; it may be made in any thread.
    """
    found = {
        "wrong_language": _wrong_language(text, source, translation, target),
        "too_long": _length(translation) > _LONGEST_RATIO * _length(text) + _LONGEST_SLACK,
        "too_short": _length(translation) < _SHORTEST_RATIO * _length(text) - _SHORTEST_SLACK
        or (bool(_WORD.search(text)) and not _WORD.search(translation)),
        "repeats": _repeats(text, translation, target),
        "copied": _copied(text, translation),
        "refused": _refused(text, source, translation, target),
        "prompt_leaked": _prompt_leaked(text, source, translation, target),
    }
    return tuple(code for code, wrong in found.items() if wrong)


def _length(text: str) -> int:
    """Characters as they would be in an alphabet."""
    text = " ".join(text.split())
    return len(text) + 2 * len(_IDEOGRAPH.findall(text)) + len(_SYLLABLE.findall(text))


def _words(text: str) -> list[str]:
    """To find loops in; numbers, which repeat themselves by right (20:20), all differ here."""
    words = _WORD.findall(text)
    return [word.casefold() if word.isalpha() else str(n) for n, word in enumerate(words)]


def _wrong_language(text: str, source: str, translation: str, target: str) -> bool:
    """Names and numbers, which stay as they are, do not count."""
    same = set(_WORD.findall(text))
    words = [
        word
        for word in _WORD.findall(translation)
        if word.isalpha() and not (word in same and word[0].isupper())
    ]
    if source == target or len(words) < _LEAST_WORDS:
        return False
    identifier = _identifier(*sorted((source, target)))
    if identifier is None:
        return False
    language, probability = identifier.classify(" ".join(words))
    return bool(language == source and probability >= _SURE)


_loading = Lock()


def _identifier(one: str, other: str) -> Any:
    """py3langid, limited to two languages; None if it does not know both."""
    with _loading:  # else threads that come at the same time would each load it
        return _limited(one, other)


@cache
def _limited(*languages: str) -> Any:
    model = _model()
    if not set(languages) <= set(model.labels):
        return None
    limited = copy(model)  # shares the big tables
    limited.set_languages(languages)
    return limited


@cache
def _model() -> Any:
    from py3langid import langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)


def _repeats(text: str, translation: str, target: str) -> bool:
    words, source_words = _words(translation), _words(text)
    half = len(words) // 2
    doubled = half and words == words[:half] * 2
    if doubled and (half > 1 or target not in _REDUPLICATE) and _most_times(source_words) == 1:
        return True
    if _most_times(words) > max(2, _most_times(source_words)):
        return True
    stutter = _STUTTER.search(translation)
    return bool(stutter) and not _STUTTER.search(text)


def _most_times(words: Sequence[str]) -> int:
    """How often in a row the same words come, at most; a single one counts from four times on."""
    most = 1
    for length in range(1, _LONGEST_PHRASE + 1):
        same = 0
        for before, word in zip(words, words[length:], strict=False):
            same = same + 1 if word == before else 0
            times = same // length + 1
            if length > 1 or times > 3 or times == len(words):
                most = max(most, times)
    return most


def _copied(text: str, translation: str) -> bool:
    words = _WORD.findall(translation)
    telling = {
        word.casefold()
        for word in words
        if word.isalpha() and not word[0].isupper() and word not in _NAME_PARTS
    }
    return (
        len(words) >= _COPIED_WORDS
        and len(telling) >= 2
        and bare_words(text) == bare_words(translation)
    )


def _refused(text: str, source: str, translation: str, target: str) -> bool:
    if target not in _refusals():
        return False
    said = f" {' '.join(bare_words(translation))} "
    own = _refusals()[target]
    if any(f" {phrase} " in said for phrase in own.assistant) and not _OF_MACHINES.search(text):
        return True
    if source not in _refusals() or not said.startswith(tuple(f" {p} " for p in own.declines)):
        return False
    return not _refusals()[source].denial.search(" ".join(bare_words(text)))


@cache
def _refusals() -> dict[str, _Refusals]:
    content = files(__package__).joinpath("refusals.toml").read_text(encoding="utf-8")
    return {
        language: _Refusals(
            tuple(table["assistant"]),
            tuple(table["declines"]),
            re.compile(rf"\b(?:{table['denial']})\b"),
        )
        for language, table in tomllib.loads(content).items()
    }


def _prompt_leaked(text: str, source: str, translation: str, target: str) -> bool:
    if any(found[0] not in text for found in _MARKUP.finditer(translation)):
        return True
    if _TASK.search(translation) and not _OF_TRANSLATING.search(text):
        return True
    if ":" in text or "：" in text:
        return False
    names = "|".join(re.escape(name) for tag in (source, target) for name in _names(tag))
    return bool(names and re.search(rf"\b(?:{names})\s*[:：]", translation, re.IGNORECASE))


@cache
def _names(language: str) -> tuple[str, ...]:
    try:
        return english_name(language), own_name(language)
    except InterpreterError:
        return ()

"""What people read: the same in every language, in the right script, for every code there is."""

import ast
import re
import string
import tomllib
import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from interpreter import messages
from interpreter.events import EndReason

ERRORS = [
    "bad-json",
    "unknown-message",
    "bad-message",
    "message-too-large",
    "too-many-messages",
    "join-first",
    "already-joined",
    "join-timeout",
    "bad-token",
    "token-expired",
    "conversation-ended",
    "conversation-full",
    "origin-not-allowed",
    "unsupported-audio",
    "bad-audio-frame",
    "audio-too-fast",
    "audio-gap",
    "unknown-language",
    "pair-not-available",
    "unknown-utterance",
    "nothing-to-repeat",
    "not-allowed",
    "consent-required",
    "human-interprets",
    "peer-gone",
    "overloaded",
    "starting",
    "recognition-failed",
    "recognition-timeout",
    "translation-failed",
    "translation-timeout",
    "translation-untrusted",
    "text-too-long",
    "plain-unavailable",
    "synthesis-failed",
    "synthesis-timeout",
    "language-not-spoken",
    "record-not-agreed",
    "appointments-unavailable",
    "appointment-closed",
    "visitor-not-ready",
    "opened-elsewhere",
    "internal-error",
]
NOTICES = [
    "please-repeat",
    "nothing-heard",
    "echo-suppressed",
    "utterance-split",
    "speech-lost",
    "audio-lost",
    "events-lost",
    "voice-basic",
    "unsure",
    "please-confirm",
    "spoken-doubt",
    "translation-degraded",
    "translation-recovered",
    "machine-behind",
    "machine-recovered",
    "no-voice",
    "demonstration",
    "handover-proposed",
    "handover-active",
    "handover-interpreter",
    "handover-over",
    "plain-failed",
]
ENDED = [f"ended-{reason}" for reason in get_args(EndReason)]
CARDS = ["card-sign", "card-wait", "card-document"]
FRAGMENTS = [f"record-{part}" for part in ("title", "doubtful", "confirmed", "staff", "visitor")]

PHONE = [
    "phone-menu",
    "phone-confirm",
    "phone-consent",
    "phone-wait",
    "phone-nobody",
    "phone-busy",
    "phone-office-number",
    "phone-waiting",
    "phone-waiting-without",
    "phone-keys",
    "phone-hung-up",
    "phone-slower",
    "phone-usual-speed",
    "phone-repeat",
    "phone-not-spoken",
    "phone-held",
    "phone-back",
    "phone-number",
    "phone-not-allowed",
    "phone-choosing",
    "phone-refused",
    "phone-without",
    "phone-no-interpreting",
]
"""Spoken, with placeholders; no channel shows them."""

CODES = {"notice", *ERRORS, *NOTICES, *ENDED, *CARDS, *FRAGMENTS, "record-machine", *PHONE}

SCRIPTS = {"uk": "CYRILLIC", "ru": "CYRILLIC", "ar": "ARABIC", "fa": "ARABIC", "zh": "CJK"}
STRANGERS = {"uk": "ёъыэ", "ru": "ієїґ", "ar": "پچژگکی", "fa": "كيىة", "pt": "ñ", "es": "çã"}
"""Letters that tell that a text is in its neighbour's language."""

CODE_CARRIERS = {
    *("ProtocolError", "BusyError", "RecognitionError", "TranslationError", "SynthesisError"),
    "StorageError",
    *("Notice", "Failure"),
}
"""Whatever takes a code as its first argument and can reach people in a conversation."""

OVER_HTTP = {"too-many-attempts"}
"""Answered to a program that opens conversations, in English."""

BETWEEN_ENGINES = {"llm-unreachable", "llm-unauthorized", "llm-busy", "llm-failed", "llm-marks"}
"""Told to the router, which asks another engine, or tells people "translation-failed"."""

BY_HAND = {"language-not-recognisable", "utterance-too-long"}
"""Met on the command line only, in English; conversations are refused or split before."""


def load(language: str) -> dict[str, str]:
    file = files("interpreter.messages").joinpath(f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def sentences(text: str) -> int:
    return len(re.findall(r"[.。](?=\s|$|[^\s.])", text))


def test_there_is_one_file_for_each_language() -> None:
    folder = files("interpreter.messages")
    found = {Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".toml")}
    assert found == set(messages.LANGUAGES)
    assert len(messages.LANGUAGES) == 16


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_language_says_everything_and_nothing_else(language: str) -> None:
    assert set(load(language)) == CODES
    assert messages.codes() == CODES


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_language_has_the_placeholders_of_english(language: str) -> None:
    english = load("en")
    for code, text in load(language).items():
        assert placeholders(text) == placeholders(english[code]), code


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_texts_are_whole_sentences_that_differ_from_each_other(language: str) -> None:
    texts = load(language)
    for code, text in texts.items():
        assert text == " ".join(text.split()), code
        if code == "spoken-doubt":  # what it announces follows
            assert text[-1] in ":：", code
        elif code not in FRAGMENTS:
            assert text.endswith("。" if language == "zh" else "."), code
        assert len(text) < 200, code
    assert len(set(texts.values())) == len(texts)


@pytest.mark.parametrize("language", sorted(set(messages.LANGUAGES) - {"en"}))
def test_nothing_was_left_in_english(language: str) -> None:
    english = load("en")
    assert not [code for code, text in load(language).items() if text == english[code]]


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_texts_are_in_the_script_of_their_language(language: str) -> None:
    script = SCRIPTS.get(language, "LATIN")
    for code, text in load(language).items():
        words = re.sub(r"\{\w+\}", "", text)
        letters = [each for each in words if unicodedata.category(each) in ("Lu", "Ll", "Lo")]
        assert letters, code
        assert all(unicodedata.name(letter).startswith(script) for letter in letters), code
        assert not set(text.lower()) & set(STRANGERS.get(language, "")), code


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_the_notice_says_four_things(language: str) -> None:
    """A machine interprets; it errs; confirm what matters; nothing is stored."""
    assert sentences(messages.text("notice", language)) == 4


def test_the_notice_in_english() -> None:
    notice = messages.text("notice", "en")
    for word in ("machine", "mistakes", "confirm", "dates and amounts", "Nothing is stored"):
        assert word in notice


def test_other_languages_read_english() -> None:
    assert messages.text("overloaded", "sw") == messages.text("overloaded", "en")
    assert messages.text("overloaded", "../en") == messages.text("overloaded", "en")
    assert messages.text("overloaded", "tr") != messages.text("overloaded", "en")


def test_a_code_without_words_reads_as_our_own_mistake() -> None:
    assert messages.text("disk-full", "de") == messages.text("internal-error", "de")


def test_values_fill_placeholders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_texts", lambda _: {"internal-error": "", "wait": "{n} s"})
    assert messages.text("wait", "en", n=3) == "3 s"
    with pytest.raises(KeyError):
        messages.text("wait", "en")


def test_every_text_can_be_shown_without_values() -> None:
    """`channels/wire.py` gives none."""
    for language in messages.LANGUAGES:
        for code in CODES - set(PHONE):
            assert messages.text(code, language) == load(language)[code]


def codes_in_source() -> Iterator[tuple[str, str]]:
    folder = Path(messages.__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name):
                first = node.args[0]
                if node.func.id in CODE_CARRIERS and isinstance(first, ast.Constant):
                    yield path.name, str(first.value)


def test_every_code_that_reaches_people_has_words() -> None:
    used = list(codes_in_source())
    assert ("wire.py", "bad-json") in used
    known = CODES | OVER_HTTP | BETWEEN_ENGINES | BY_HAND
    assert not [(file, code) for file, code in used if code not in known]


def test_the_protocol_documentation_lists_the_same_errors() -> None:
    document = Path(__file__).parents[1] / "clients" / "PROTOCOL.md"
    _, _, listing = document.read_text(encoding="utf-8").partition("## Errors")
    rows = [line.split("|")[1] for line in listing.splitlines() if line.startswith("| `")]
    assert {code for row in rows for code in re.findall(r"`([a-z-]+)`", row)} == set(ERRORS)

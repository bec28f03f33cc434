"""Short answers: every concept in every language, there and back, and nothing longer."""

import tomllib
from importlib.resources import files
from itertools import permutations

import pytest

from interpreter import phrases
from interpreter.phrases import LANGUAGES, translate

CALENDAR = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

DATES = [
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]

SHARED = {
    "good-morning": {"fr", "it", "pl"},
    "good-day": {"de", "fr", "es", "it", "pt", "nl", "pl", "ro", "vi", "zh"},
    "good-afternoon": {"de", "fr", "pl", "ro", "tr", "uk", "ru"},
    "good-evening": {"ar"},
    "excuse-me": {"pl", "vi"},
}
"""Where what is said for a concept is understood as another one: "bonjour" is hello all day."""


def table(language: str) -> dict[str, list[str]]:
    content = files(phrases).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(content)


TABLES = {language: table(language) for language in LANGUAGES}
CONCEPTS = [name for name in TABLES["en"] if name not in ("numbers", "tens")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_concept(language: str) -> None:
    own = TABLES[language]
    assert {*own} - CALENDAR == {*TABLES["en"]}
    assert (len(own["numbers"]), len(own["tens"])) == (20, 9)
    assert all(own.values())


@pytest.mark.parametrize(("source", "target"), [*permutations(LANGUAGES, 2)])
def test_what_is_said_comes_back_as_itself(source: str, target: str) -> None:
    for name in CONCEPTS:
        there = translate(TABLES[source][name][0], source, target)
        assert there, name
        if not {source, target} & SHARED.get(name, set()):
            again = translate(there, target, source)
            assert again == translate(TABLES[source][name][0], source, source), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_forms_are_understood_in_one_way(language: str) -> None:
    for name in CONCEPTS:
        if language in SHARED.get(name, set()):
            continue
        first = translate(TABLES[language][name][0], language, language)
        for form in TABLES[language][name]:
            assert translate(form, language, language) == first, form
            assert translate(form.upper(), language, language) == first, form


@pytest.mark.parametrize("language", LANGUAGES)
def test_days_months_and_numbers_are_translated(language: str) -> None:
    numbers = [*TABLES["en"]["numbers"], *TABLES["en"]["tens"]]
    words = DATES + [form if isinstance(form, str) else form[0] for form in numbers]
    said = [translate(word, "en", language) for word in words]
    assert len({*said}) == len(said) == 7 + 12 + 29
    for word, there in zip(words, said, strict=True):
        if (language, word) == ("fa", "nine"):
            continue  # written like "no"
        assert there
        assert translate(there, language, "en") == f"{word[0].upper()}{word[1:]}."


@pytest.mark.parametrize(
    ("text", "source", "target", "expected"),
    [
        # What engines made of these: "Yes Yes.", "the no", "yok."
        ("sim", "pt", "en", "Yes."),
        ("Não.", "pt", "en", "No."),
        ("no", "en", "tr", "Hayır."),
        ("NAO", "pt", "de", "Nein."),
        ("Sí", "es", "fr", "Oui."),
        ("si", "it", "ru", "Да."),
        ("HAYIR", "tr", "pt", "Não."),
        ("İyi akşamlar!", "tr", "en", "Good evening."),
        ("guten morgen", "de", "tr", "Günaydın."),
        ("thanks", "en", "tr", "Teşekkür ederim."),
        ("I don’t know", "en", "uk", "Я не знаю."),
        ("п'ять", "uk", "pl", "Pięć."),
        ("пʼятниця", "uk", "de", "Freitag."),
        ("dont know", "en", "es", "No lo sé."),
        ("نعم.", "ar", "de", "Ja."),
        ("لا، شكراً", "ar", "fa", "نه، متشکرم."),
        ("نمی دانم", "fa", "en", "I don't know."),
        ("không", "vi", "en", "No."),
        ("好的，谢谢。", "zh", "en", "All right, thank you."),
        ("Yes, please.", "en", "zh", "好的，麻烦您。"),
    ],
)
def test_single_answers(text: str, source: str, target: str, expected: str) -> None:
    assert translate(text, source, target) == expected


@pytest.mark.parametrize(
    ("text", "source", "target", "expected"),
    [
        ("Ja, danke.", "de", "en", "Yes, thank you."),
        ("Yes, of course.", "en", "de", "Ja, natürlich."),
        ("Não, não sei.", "pt", "en", "No, I don't know."),
        ("Não obrigada", "pt", "de", "Nein, danke."),
        ("Nein. Auf Wiedersehen!", "de", "en", "No. Goodbye."),
        ("Hola, buenos días.", "es", "de", "Guten Tag, guten Morgen."),
        ("Yes, Monday.", "en", "pt", "Sim, segunda-feira."),
        ("Nein, zwölf.", "de", "ar", "لا، اثنا عشر."),
        ("Okay. Sorry?", "en", "es", "De acuerdo. ¿Cómo dice?"),
    ],
)
def test_phrases_are_joined(text: str, source: str, target: str, expected: str) -> None:
    assert translate(text, source, target) == expected


@pytest.mark.parametrize(
    ("text", "source", "target", "expected"),
    [
        ("ja, ja", "de", "en", "Yes."),
        ("sim sim", "pt", "en", "Yes."),
        ("Yes yes yes.", "en", "tr", "Evet."),
        ("güle güle", "tr", "en", "Goodbye."),
        ("vier, vier", "de", "en", "Four, four."),
        ("vier vier", "de", "en", None),
    ],
)
def test_what_is_doubled_is_said_once_but_numbers(
    text: str, source: str, target: str, expected: str | None
) -> None:
    assert translate(text, source, target) == expected


@pytest.mark.parametrize(
    ("text", "source", "target", "expected"),
    [
        ("Morgen?", "de", "es", "¿Mañana?"),
        ("Tomorrow?", "en", "fr", "Demain\xa0?"),
        ("Friday?", "en", "ar", "الجمعة؟"),
        ("Bitte?", "de", "en", "Pardon?"),
        ("Bitte.", "de", "en", "Please."),
        ("Sorry?", "en", "tr", "Efendim?"),
        ("Sorry.", "en", "tr", "Özür dilerim."),
        ("Können Sie das wiederholen?", "de", "en", "Please say that again."),
        ("können Sie das wiederholen", "de", "nl", "Kunt u dat alstublieft herhalen?"),
        ("Como?", "pt", "de", "Wie bitte?"),
        ("como", "pt", "de", None),
        ("Ça va ?", "fr", "de", None),
        ("什么？", "zh", "fr", "Pardon\xa0?"),
    ],
)
def test_questions_stay_questions(
    text: str, source: str, target: str, expected: str | None
) -> None:
    assert translate(text, source, target) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4711", "4711"),
        ("12:30", "12:30"),
        ("4711.", "4711"),
        ("+49 176 1234567", "+49 176 1234567"),
        ("٤٧١١", "4711"),
        ("1.500", None),
        ("12,50", None),
        ("4711 bitte", None),
        (":", None),
    ],
)
def test_digits_pass_where_they_mean_the_same(text: str, expected: str | None) -> None:
    assert translate(text, "de", "en") == expected


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Sim, mas amanhã não posso", "pt"),
        ("Não, sei.", "pt"),
        ("No problem.", "en"),
        ("Yes, I have the form.", "en"),
        ("Nein, am Montag.", "de"),
        ("Danke für die Auskunft.", "de"),
        ("Yilmaz.", "tr"),
        ("bạn", "vi"),
        ("khong", "vi"),
        ("Ja, nein, danke, bitte, heute.", "de"),
        ("ja " * 200, "de"),
        ("", "de"),
        (" ... ", "de"),
        ("?", "en"),
        ("Sim.", "de"),
    ],
)
def test_nothing_else_is_caught(text: str, source: str) -> None:
    assert translate(text, source, "fr") is None


def test_unknown_languages_have_no_phrases() -> None:
    assert translate("yes", "en", "sw") is None
    assert translate("ndiyo", "sw", "en") is None
    assert translate("4711", "sw", "en") is None

"""Sentences and the stretches that are spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter.sentences import sounds_finished, split
from interpreter.tts.sentences import stretches

LANGUAGES = ["de", "en", "fr", "pt", "tr", "uk", "ar", "fa", "zh", "ja", "hi", "el", "am", "ku"]
texts = st.text(
    st.one_of(
        st.sampled_from(" \n\t.!?…。！？،؟۔।:;,-–\"'»«()5aBzéßЩи你あا@/"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=300,
)


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("de", ["Kommen Sie am 3. Mai um 9.30 Uhr.", "Bringen Sie z. B. Ihren Ausweis mit."]),
        ("de", ["Sie brauchen Formular Nr. 5.", "Danke."]),
        ("de", ["Herr Dr. Müller hilft Ihnen.", "Er sitzt in Zimmer 12.", "Dort entlang!"]),
        ("de", ["Am 12. 5. 2024 ist geschlossen.", "Kommen Sie am 1. oder 2. Juni."]),
        ("en", ["Dr. Smith sees you at 9.30 a.m. on Monday.", "Bring 3.50 euros."]),
        ("en", ["Write to info@city.example.org or see www.city.example.", "Thank you."]),
        ("en", ["Well... I don't know.", "Really?!", "Yes."]),
        ("pt", ["O Sr. Silva mora na Av. Brasil, n.º 5.", "Ele chega às 9h30."]),
        ("es", ["¿Tiene usted cita?", "El Sr. García está en la pág. 3.", "Gracias."]),
        ("fr", ["M. Dupont arrive à neuf heures.", "Mme. Durand aussi."]),
        ("it", ["Il Sig. Rossi è al n. 5.", "Grazie."]),
        ("tr", ["Saat 9.30'da gelin.", "Dr. Yılmaz sizi bekliyor.", "3. kat."]),
        ("uk", ["Приходьте о 9.30.", "Вул. Шевченка, 5.", "Дякую."]),
        ("ru", ["Приходите на ул. Ленина, д. 5.", "Спасибо."]),
        ("pl", ["Proszę przyjść na ul. Długą 5.", "Dziękuję."]),
        ("ar", ["هل لديك موعد؟", "نعم.", "شكرا"]),
        ("fa", ["سلام.", "حال شما چطور است؟", "خوبم."]),
        ("hi", ["आप कैसे हैं?", "मैं ठीक हूँ।", "धन्यवाद।"]),
        ("el", ["Τι ώρα είναι;", "Είναι εννέα.", "Ευχαριστώ."]),
    ],
)
def test_sentences(language: str, sentences: list[str]) -> None:
    assert split(" ".join(sentences), language) == sentences


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("zh", ["你好。", "请坐！", "你有预约吗？", "谢谢。"]),
        ("ja", ["こんにちは。", "予約はありますか？", "はい。"]),
    ],
)
def test_scripts_without_spaces(language: str, sentences: list[str]) -> None:
    assert split("".join(sentences), language) == sentences


def test_blank_text_has_no_sentences() -> None:
    assert split("", "en") == split(" \n\t ", "en") == []


@given(texts, st.sampled_from(LANGUAGES))
def test_nothing_is_lost_but_white_space(text: str, language: str) -> None:
    assert "".join("".join(split(text, language)).split()) == "".join(text.split())


@given(texts, st.sampled_from(LANGUAGES), st.integers(20, 80), st.integers(80, 200))
def test_every_letter_is_spoken_in_order(
    text: str, language: str, first: int, longest: int
) -> None:
    pieces = stretches(text, language, first=first, longest=longest)
    assert [c for c in "".join(pieces) if c.isalnum()] == [c for c in text if c.isalnum()]
    assert all(len(piece) <= longest for piece in pieces)
    assert all(any(map(str.isalnum, piece)) for piece in pieces)


def test_only_the_first_long_sentence_is_cut_early() -> None:
    long = (
        "Please bring your passport, the proof of your new address, and one photo, "
        "when you come to the office on Thursday morning."
    )
    assert stretches(f"{long} {long}", "en") == [
        "Please bring your passport, the proof of your new address,",
        "and one photo, when you come to the office on Thursday morning.",
        long,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Yes, of course I will do that for you as soon as I possibly can, madam.",
        "It is done, as soon as you have paid the whole of the twelve euros, sir.",
    ],
)
def test_short_clauses_are_not_torn_off(text: str) -> None:
    assert stretches(text, "en") == [text]


def test_numbers_take_longer_to_speak_than_to_write() -> None:
    number = "987.654.321"
    assert stretches(" ".join([number] * 6), "pt", longest=120) == [f"{number} {number}"] * 3


@pytest.mark.parametrize("text", ["", "...", "?! – …", "😀 👍"])
def test_what_cannot_be_spoken_is_left_out(text: str) -> None:
    assert stretches(text, "en") == []


def test_a_long_opening_without_a_pause_is_cut_behind_a_word_of_some_length() -> None:
    text = "O suco de repolho muda de cor dependendo de como o produto químico é feito."
    assert stretches(text, "pt", first=40) == [
        "O suco de repolho muda de cor dependendo",
        "de como o produto químico é feito.",
    ]
    assert stretches(text, "pt", first=60) == [text]


@pytest.mark.parametrize(
    ("text", "language", "finished"),
    [
        ("I would like to register.", "en", True),
        ("I would like to", "en", False),
        ("I would like to pay for the.", "en", False),
        ("I would like...", "en", False),
        ("Well, I…", "en", False),
        ("First of all,", "en", False),
        ("What is it for?", "en", True),
        ("Is that yours, or?", "en", True),
        ('He said "yes."', "en", True),
        ("Um.", "pt", True),
        ("Preciso de um.", "pt", False),
        ("Ich möchte die.", "de", False),
        ("Kommen Sie bitte mit.", "de", True),
        ("Buraya imza atın.", "tr", True),
        ("Я хочу подати заяву на", "uk", False),
        ("أين المكتب؟", "ar", True),
        ("你好。", "zh", True),
        ("", "en", False),
        ("...", "en", False),
    ],
)
def test_whether_somebody_sounds_finished(text: str, language: str, finished: bool) -> None:
    assert sounds_finished(text, language) is finished

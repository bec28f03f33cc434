"""The office's words: read from files, found in sentences, checked and repaired in translations."""

from pathlib import Path

import pytest

from interpreter.errors import SettingsError
from interpreter.mt import Term
from interpreter.mt.glossary import ADMINISTRATION, Glossary, load_glossary
from interpreter.mt.glossary_files import MOST_BYTES, MOST_ENTRIES

LANGUAGES = ("de", "en", "pt", "es", "fr", "tr")

TOML = """
source = "the office's list"

[[terms]]
de = ["Aufenthaltstitel", "Aufenthaltskarte"]
en = "residence title"
"pt-BR" = "título de residência"
accepted = { en = "residence card" }
forbidden = { en = ["residence permit", "stay title"] }
note = "as the law has it"

[[terms]]
keep = true
de = "Bürgerbüro Mitte"
"""

CSV = """\
de;en;forbidden:en;accepted:en;keep;note
Gebühr|Entgelt;fee;rate|tax;charge;;
"Bürgerbüro; Mitte";;;;x;a name

Frist;deadline;;;;
"""

TBX_2 = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE martif SYSTEM "TBXBasiccoreStructV02.dtd">
<martif type="TBX-Basic" xml:lang="en"><text><body>
<termEntry id="c1">
  <langSet xml:lang="de-DE">
    <tig><term>Reisedokument</term></tig>
    <tig><term>Reisepass</term>
      <termNote type="administrativeStatus">preferredTerm-admn-sts</termNote></tig>
  </langSet>
  <langSet xml:lang="en">
    <tig><term>passport</term></tig>
    <ntig><termGrp><term>passing
      document</term>
      <termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></termGrp></ntig>
  </langSet>
</termEntry>
<termEntry id="c2"><langSet xml:lang="en"><tig><term>old</term>
  <termNote type="normativeAuthorization">supersededTerm</termNote></tig></langSet></termEntry>
</body></text></martif>
"""

TBX_3_ATTRIBUTES = """<?xml version="1.0" encoding="UTF-8"?>
<tbx style="dca" type="TBX-Core" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2"><text><body>
<conceptEntry id="c1">
  <langSec xml:lang="de"><termSec><term>Reisepass</term></termSec></langSec>
  <langSec xml:lang="en"><termSec><term>passport</term></termSec>
    <termSec><term>passing document</term>
      <termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></termSec>
  </langSec>
</conceptEntry>
</body></text></tbx>
"""

TBX_3_ELEMENTS = TBX_3_ATTRIBUTES.replace(
    '<termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote>',
    '<min:administrativeStatus xmlns:min="http://www.tbxinfo.net/ns/min">'
    "deprecatedTerm-admn-sts</min:administrativeStatus>",
)


def read(folder: Path, name: str, content: str | bytes) -> Glossary:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_glossary([path])


def complaint(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(SettingsError) as caught:
        read(folder, name, content)
    assert caught.value.code == "bad-glossary"
    assert str(folder / name) in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def administration() -> Glossary:
    return load_glossary([ADMINISTRATION])


def sources(glossary: Glossary, text: str, source: str, target: str) -> list[str]:
    return [term.source for term in glossary.terms(text, source, target)]


def test_toml_is_read(tmp_path: Path) -> None:
    glossary = read(tmp_path, "own.toml", TOML)
    assert len(glossary) == 2
    (term,) = glossary.terms("Wo ist mein Aufenthaltstitel?", "de", "en")
    assert term == Term("Aufenthaltstitel", "residence title", ("residence permit", "stay title"))
    (term,) = glossary.terms("Wo ist meine Aufenthaltskarte?", "de", "pt")
    assert (term.source, term.target) == ("Aufenthaltskarte", "título de residência")
    assert glossary.check([term], "Onde está o título de residência?", "pt")[0][1] == "used"


@pytest.mark.parametrize("content", [CSV, CSV.encode("utf-8-sig"), CSV.replace("\n", "\r\n")])
def test_csv_is_read(tmp_path: Path, content: str | bytes) -> None:
    glossary = read(tmp_path, "own.csv", content)
    assert len(glossary) == 3
    assert glossary.terms("Das Entgelt bis zur Frist zahlen", "de", "en") == (
        Term("Entgelt", "fee", ("rate", "tax")),
        Term("Frist", "deadline"),
    )
    assert sources(glossary, "Pay at the Bürgerbüro Mitte", "en", "tr") == ["Bürgerbüro; Mitte"]


def test_csv_may_have_commas_or_tabs(tmp_path: Path) -> None:
    for name, content in [
        ("a.csv", "de,en\nFrist,deadline\n"),
        ("b.tsv", "de\ten\nFrist\tdeadline"),
    ]:
        assert sources(read(tmp_path, name, content), "die Fristen", "de", "en") == ["Frist"]


@pytest.mark.parametrize("content", [TBX_2, TBX_3_ATTRIBUTES, TBX_3_ELEMENTS])
def test_tbx_is_read(tmp_path: Path, content: str) -> None:
    glossary = read(tmp_path, "own.tbx", content)
    assert len(glossary) == 1
    assert glossary.terms("Ihr Reisepass.", "de", "en") == (
        Term("Reisepass", "passport", ("passing document",)),
    )
    assert glossary.hotwords("de", 9) == ("Reisepass",)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.toml", "[[terms]]\nde = \n", "line 2"),
        ("a.toml", '[[terms]]\nde = "ja"\n[[terms]]\nde = 5\n', "entry 2, de"),
        ("a.toml", '[[terms]]\nxx9 = "ja"\n', "entry 1: 'xx9'"),
        ("a.toml", "[[terms]]\nnote = 'x'\n", "entry 1 has no term"),
        ("a.toml", '[[terms]]\nde = "?"\n', "entry 1 has a term without letters"),
        ("a.toml", '[[terms]]\nde = "ja"\nforbidden = "no"\n', "entry 1, forbidden"),
        ("a.toml", '[[terms]]\nde = "ja"\nkeep = "yes"\n', "entry 1: keep"),
        ("a.toml", 'terms = "x"\n', "[[terms]]"),
        ("a.toml", 'words = "x"\n', "'words'"),
        ("a.toml", b'[[terms]]\nde = "B\xfcro"\n', "line 2 is not UTF-8"),
        ("a.toml", f'[[terms]]\nde = "{"a" * 201}"\n', "more than 200 characters"),
        ("a.csv", "German,English\nja,yes\n", "line 1: 'German'"),
        ("a.csv", "note\nja\n", "line 1 must name languages"),
        ("a.csv", "", "line 1"),
        ("a.csv", "de,en\nFrist,deadline\nja,yes,more\n", "line 3 has 3 cells"),
        ("a.csv", 'de,en\nja,"yes\n', "line 2"),
        ("a.csv", "de,note\n,nothing\n", "line 2 has no term"),
        ("a.tbx", "<martif><text>", "line 1"),
        ("a.tbx", "<html/>", "begins with <html>"),
        ("a.tbx", TBX_2.replace("de-DE", ""), "entry 1 (c1)"),
        ("a.tbx", TBX_2.replace("<term>passport</term>", ""), "entry 1 (c1) has a term without"),
        ("a.tbx", '<?xml version="1.0" encoding="klingon"?><tbx/>', "encoding"),
        ("a.txt", "Frist", "must end in"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, name: str, content: str | bytes, problem: str
) -> None:
    assert problem in complaint(tmp_path, name, content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(tmp_path: Path, encoding: str) -> None:
    bomb = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        '<!DOCTYPE tbx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        "<tbx>&b;</tbx>"
    )
    assert "DTD" in complaint(tmp_path, "a.tbx", bomb.encode(encoding))


def test_outside_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    dtd = f'<!DOCTYPE martif SYSTEM "{tmp_path}/outside"><martif>&x;</martif>'
    assert "secret" not in complaint(tmp_path, "a.tbx", dtd)


def test_limits(tmp_path: Path) -> None:
    assert "larger" in complaint(tmp_path, "a.csv", b"x" * (MOST_BYTES + 1))
    many = "de\n" + "\n".join(f"Wort{n}" for n in range(MOST_ENTRIES + 1))
    assert "more than" in complaint(tmp_path, "a.csv", many)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_glossary([tmp_path / "none.toml"])


@pytest.mark.parametrize(
    ("text", "source", "target", "found"),
    [
        ("Die Verlängerung des Aufenthaltstitels", "de", "en", ["Aufenthaltstitel"]),
        ("DIE GEBÜHREN", "de", "en", ["Gebühr"]),
        ("zwei Reisepässe", "de", "en", ["Reisepass"]),
        ("mit einer beglaubigten Kopie", "de", "en", ["beglaubigte Kopie"]),
        ("der Kindergeldantrag", "de", "en", ["Kindergeld"]),
        ("die Verwaltungsgebühren", "de", "en", ["Gebühr"]),
        ("der Mietvertrag und die Miete", "de", "en", ["Mietvertrag"]),
        ("duas autorizações de residência", "pt", "de", ["autorização de residência"]),
        ("as certidões de nascimento", "pt", "en", ["certidão de nascimento"]),
        ("a minha senha", "pt", "en", ["senha"]),
        ("tres solicitudes con recibos", "es", "en", ["solicitud", "recibo"]),
        ("vos actes de naissance", "fr", "de", ["acte de naissance"]),
        ("l'attestation de domicile", "fr", "de", ["attestation de domicile"]),
        ("birth certificates and fees", "en", "fr", ["birth certificate", "fee"]),
        ("pasaportunuzu getirin", "tr", "de", ["pasaport"]),
        ("oturma izninizin süresi", "tr", "de", ["oturma izni"]),
        ("vergi numaram yok", "tr", "en", ["vergi numarası"]),
        # What only looks like it
        ("Ich beantrage befristet", "de", "en", []),
        ("Die Passage ist gesperrt", "de", "en", []),
        ("feel free to enter", "en", "de", []),
        ("para harcamak", "tr", "de", []),
        ("as vistas da cidade", "pt", "en", []),
        ("", "de", "en", []),
    ],
)
def test_terms_are_found_inflected(
    administration: Glossary, text: str, source: str, target: str, found: list[str]
) -> None:
    assert sources(administration, text, source, target) == found


def test_the_longest_term_counts(administration: Glossary) -> None:
    text = "Für den Antrag auf Fristverlängerung brauchen Sie die Anerkennung des Abschlusses."
    assert sources(administration, text, "de", "en") == [
        "Antrag",
        "Fristverlängerung",
        "Anerkennung des Abschlusses",
    ]


def test_terms_without_a_word_in_the_target_language_are_left_out(tmp_path: Path) -> None:
    glossary = read(tmp_path, "own.toml", TOML)
    assert sources(glossary, "Mein Aufenthaltstitel", "de", "tr") == []


def test_a_sentence_gets_no_more_terms_than_a_prompt_can_hold(administration: Glossary) -> None:
    text = (
        "Antrag Bescheid Frist Gebühr Termin Visum Rente Pass Klage Wohngeld Kindergeld Unterhalt"
    )
    assert len(administration.terms(f"{text} Elterngeld Vollmacht", "de", "en")) == 12


def test_languages_without_spaces_or_with_prefixes(tmp_path: Path) -> None:
    table = "en,zh,ar,uk\nresidence permit,居留许可,تصريح الإقامة,посвідка\n"
    glossary = read(tmp_path, "own.csv", table)
    assert sources(glossary, "我的居留许可到期了。", "zh", "en") == ["居留许可"]
    assert sources(glossary, "أين تصريحُ الإقامةِ؟", "ar", "en") == ["تصريح الإقامة"]
    assert sources(glossary, "Моєї посвідки немає", "uk", "en") == ["посвідка"]
    (term,) = glossary.terms("my residence permit", "en", "zh")
    assert glossary.check([term], "我的居留许可", "zh") == ((term, "used"),)


def test_the_file_given_last_wins(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TOML, encoding="utf-8")
    both = load_glossary([ADMINISTRATION, path])
    (term,) = both.terms("Der Aufenthaltstitel", "de", "en")
    assert term.target == "residence title"
    assert both.check([term], "The residence permit", "en") == ((term, "forbidden"),)
    assert sources(both, "Die Gebühr", "de", "en") == ["Gebühr"]


@pytest.mark.parametrize(
    ("translation", "verdict", "repaired"),
    [
        ("I lost my waiting number.", "used", None),
        ("I lost the ticket numbers.", "used", None),
        ("I lost my ticket.", "used", None),
        ("I lost it.", "missing", None),
        ("I lost my password.", "forbidden", "I lost my waiting number."),
        ("Password lost.", "forbidden", "Waiting number lost."),
        ("I need a Password!", "forbidden", "I need a waiting number!"),
        ("My passwords are lost.", "forbidden", None),
        ("This password is no password.", "forbidden", None),
    ],
)
def test_translations_are_checked_and_repaired(
    administration: Glossary, translation: str, verdict: str, repaired: str | None
) -> None:
    terms = administration.terms("Perdi a minha senha.", "pt", "en")
    assert [found for _, found in administration.check(terms, translation, "en")] == [verdict]
    assert administration.repair(terms, translation, "en") == repaired


def test_english_articles_follow_the_new_word(tmp_path: Path) -> None:
    table = '[[terms]]\nde = "Widerspruch"\nen = "appeal"\nforbidden = {en = "contradiction"}\n'
    glossary = read(tmp_path, "own.toml", table)
    terms = glossary.terms("Ein Widerspruch", "de", "en")
    assert glossary.repair(terms, "A contradiction is free.", "en") == "An appeal is free."
    assert glossary.repair(terms, "It is a contradiction.", "en") == "It is an appeal."


def test_names_are_kept_in_every_language(tmp_path: Path) -> None:
    glossary = read(tmp_path, "own.toml", TOML)
    for source, text in [("de", "das Bürgerbüro Mitte"), ("tr", "bürgerbüro mitte nerede?")]:
        (term,) = glossary.terms(text, source, "en")
        assert term.target == "Bürgerbüro Mitte"
        assert glossary.check([term], "the Bürgerbüro Mitte", "en")[0][1] == "used"
        assert glossary.check([term], "the citizens' office", "en")[0][1] == "missing"


def test_hotwords_are_names_and_preferred_terms(tmp_path: Path) -> None:
    glossary = read(tmp_path, "own.toml", TOML)
    assert glossary.hotwords("de", 5) == ("Bürgerbüro Mitte", "Aufenthaltstitel")
    assert glossary.hotwords("en", 5) == ("Bürgerbüro Mitte", "residence title")
    assert glossary.hotwords("en", 1) == ("Bürgerbüro Mitte",)
    assert glossary.hotwords("tr", 0) == ()


def test_an_empty_glossary_has_nothing_to_say() -> None:
    glossary = Glossary()
    assert glossary.terms("Der Antrag", "de", "en") == ()
    assert glossary.check((), "The application", "en") == ()
    assert glossary.repair((), "The application", "en") is None
    assert glossary.hotwords("de", 10) == ()


def test_the_starter_glossary_has_every_language(administration: Glossary) -> None:
    assert len(administration) >= 60
    assert "Not checked" in ADMINISTRATION.read_text(encoding="utf-8")
    for language in LANGUAGES:
        assert len(administration.hotwords(language, 1000)) > 60


@pytest.mark.parametrize("source", LANGUAGES)
@pytest.mark.parametrize("target", LANGUAGES)
def test_the_starter_glossary_agrees_with_itself(
    administration: Glossary, source: str, target: str
) -> None:
    """Each preferred term is found, and what an entry says for it passes, forbidding itself not."""
    if source == target:
        return
    for text in administration.hotwords(source, 1000):
        terms = administration.terms(text, source, target)
        assert len(terms) == 1, text
        assert administration.check(terms, terms[0].target, target) == ((terms[0], "used"),)
        for word in terms[0].forbidden:
            assert administration.check(terms, word, target) == ((terms[0], "forbidden"),)
            repaired = administration.repair(terms, word, target)
            assert repaired and repaired.lower() == terms[0].target.lower()

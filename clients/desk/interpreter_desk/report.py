"""What a dialogue came to: one JSON object a line, or a table for people."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from interpreter.channels import protocol
from interpreter.events import Party

from .dialogue import Outcome
from .stage import Said

Row = dict[str, Any]

_STAGES = ("endpoint", "transcript", "translation", "first_audio")


def rows(said: Said, languages: Mapping[Party, str]) -> list[Row]:
    """One object an utterance; one with `error` for a recording in which none was found."""
    party = said.recording.party
    known = {
        "party": party,
        "from": languages[party],
        "to": languages[party.other],
        "audio_seconds": round(said.recording.seconds, 3),
    }
    if not said.outcomes:
        return [_row(Outcome(0, error="nothing-heard"), known, {}) | {"utterance": None}]
    interpreted = [outcome for outcome in said.outcomes if outcome.transcript]
    last = (interpreted or said.outcomes)[-1]
    return [
        _row(each, known, _latency(each, said.spoken_at if each is last else None))
        for each in said.outcomes
    ]


def _row(outcome: Outcome, known: Row, latency: Row) -> Row:
    transcript, translation = outcome.transcript, outcome.translation
    row: Row = {
        "utterance": outcome.utterance,
        "party": known["party"],
        "from": transcript.language if transcript else known["from"],
        "to": translation.target if translation else known["to"],
        "transcript": transcript.text if transcript else None,
        "translation": translation.text if translation else None,
        "engine": translation.engine if translation else None,
        "voice": outcome.speech.voice if outcome.speech else None,
        "flags": translation.flags if translation else [],
        "facts": [f"{fact.value} {fact.status}" for fact in translation.facts]
        if translation
        else [],
        "audio_seconds": known["audio_seconds"],
        "speech_seconds": outcome.speech_end.seconds if outcome.speech_end else None,
        "latency": {stage: latency.get(stage) for stage in _STAGES},
    }
    if outcome.error:
        row["error"] = outcome.error
    return row


def _latency(outcome: Outcome, spoken_at: float | None) -> Row:
    """Seconds after the last sample of speech.

    By this machine's clock for the last utterance of a file, whose last sample is known here; for
    those before, as the server measured them. When the endpoint was found only the server knows.
    Where the server took less for speech than was found in the file, its utterance ended earlier
    than the file's speech and its times are the longer ones: those count then.
    """
    timing = outcome.timing or protocol.TimingMessage(0, outcome.utterance)
    latency: Row = {stage: getattr(timing, stage) for stage in _STAGES}
    if spoken_at is not None:
        for stage, at in outcome.at.items():
            latency[stage] = max(round(at - spoken_at, 3), latency[stage] or 0.0)
    return latency


def table(rows: Iterable[Row]) -> Table:
    """The same for people."""
    shown = Table(show_lines=True)
    for column in ("", "who", "said", "heard by the other party", "latency (s)"):
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(
            str(row["utterance"] or "-"),
            f"{row['party']}\n{row['from']} → {row['to']}",
            row["transcript"] or "-",
            _heard(row),
            "\n".join(
                f"{stage.replace('_', ' ')} {row['latency'][stage]:.2f}"
                for stage in _STAGES
                if row["latency"][stage] is not None
            ),
        )
    return shown


def _heard(row: Row) -> str:
    by = " · ".join(part for part in (row["engine"], row["voice"]) if part)
    lines = [row["translation"] or "-", by, ", ".join([*row["flags"], *row["facts"]])]
    if "error" in row:
        lines.append(f"not interpreted: {row['error']}")
    return "\n".join(line for line in lines if line)

"""What was said, on paper: both languages, times, and what was doubtful.

For people to take along where both agreed, and for the human interpreter who takes over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from .events import Party, Rephrased, Transcript, Translation
from .journal import Entry
from .languages import own_name, right_to_left
from .messages import text as in_words
from .rendering import is_doubtful

_STYLE = """
body { font: 11pt/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem; padding: 0 1rem }
h1 { font-size: 1.3rem } .notice { border: 1px solid; padding: .6rem .8rem }
table { border-collapse: collapse; width: 100% } tr { break-inside: avoid }
td { border-top: 1px solid #999; padding: .4rem .5rem; vertical-align: top; text-align: start }
td.when { white-space: nowrap; font-variant-numeric: tabular-nums }
small { display: block } .doubtful { font-weight: 700 }
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said, as far as it is known in the end."""

    at: datetime
    """UTC; when it was first complete."""

    transcript: Transcript
    translation: Translation | None
    plain: str = ""
    """What it was put into before it was translated."""

    @property
    def doubtful(self) -> bool:
        """Whether the translation may be wrong, and nobody asked back."""
        return self.translation is not None and (
            is_doubtful(self.translation.flags) and not self.translation.confirmed
        )


def lines(entries: Iterable[Entry]) -> list[Line]:
    """What was said, in the order in which it was, with what was corrected put right."""
    found: dict[int, Line] = {}
    for entry in entries:
        match entry.event:
            case Transcript(final=True) as said:
                at = found[said.utterance].at if said.utterance in found else entry.at
                found[said.utterance] = Line(at, said, None)
            case Rephrased(utterance, _, text, _) if utterance in found:
                line = found[utterance]
                found[utterance] = Line(line.at, line.transcript, line.translation, text)
            case Translation(final=True) as told if told.utterance in found:
                line = found[told.utterance]
                found[told.utterance] = Line(line.at, line.transcript, told, line.plain)
    return [found[number] for number in sorted(found)]


def as_html(spoken: Sequence[Line], languages: dict[Party, str], title: str = "") -> str:
    """A page that prints well, without anything from elsewhere."""
    heads = [_words("record-title", language) for language in languages.values()]
    rows = "".join(_row(line) for line in spoken)
    notices = "".join(
        f'<p class="notice"{_in(language)}>{escape(in_words("record-machine", language))}</p>'
        for language in languages.values()
    )
    day = spoken[0].at.astimezone().strftime("%Y-%m-%d") if spoken else ""
    names = " – ".join(own_name(language) for language in languages.values())
    return (
        f'<!doctype html><html{_in(languages[Party.STAFF])}><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(in_words('record-title', languages[Party.STAFF]))}</title>"
        f"<style>{_STYLE}</style></head><body><h1>{'<br>'.join(heads)}</h1>"
        f"<p>{escape(' · '.join(each for each in (title, day, names) if each))}</p>{notices}"
        f"<table>{rows}</table></body></html>"
    )


def as_text(spoken: Sequence[Line], languages: dict[Party, str], title: str = "") -> str:
    """The same as plain text."""
    out = [in_words("record-title", language) for language in languages.values()]
    out += [title] if title else []
    out += ["", *(in_words("record-machine", language) for language in languages.values()), ""]
    for line in spoken:
        said, told = line.transcript, line.translation
        who = in_words(f"record-{said.party}", said.language)
        out.append(f"{_time(line, '%Y-%m-%d %H:%M:%S')}  {who}: {said.text}")
        if line.plain:
            out.append(f"    = {line.plain}")
        if told:
            marks = "".join(f" [{mark}]" for mark in _marks(line))
            out.append(f"    {told.target}: {told.text}{marks}")
    return "\n".join(out) + "\n"


def _row(line: Line) -> str:
    said, told = line.transcript, line.translation
    who = escape(in_words(f"record-{said.party}", said.language))
    plain = f"<small>{escape(line.plain)}</small>" if line.plain else ""
    original = f"<td{_in(said.language)}><small>{who}</small>{escape(said.text)}{plain}</td>"
    if told is None:
        return f'<tr><td class="when">{_time(line)}</td>{original}<td>—</td></tr>'
    marks = "".join(f'<small class="doubtful">⚠ {escape(mark)}</small>' for mark in _marks(line))
    other = f"<td{_in(told.target)}>{escape(told.text)}{marks}</td>"
    return f'<tr><td class="when">{_time(line)}</td>{original}{other}</tr>'


def _marks(line: Line) -> list[str]:
    """What has to be known of a translation, in its own language."""
    told = line.translation
    if told is None:
        return []
    if line.doubtful or "demonstration" in told.flags or "low_confidence" in told.flags:
        return [in_words("record-doubtful", told.target)]
    return [in_words("record-confirmed", told.target)] if told.confirmed else []


def _time(line: Line, form: str = "%H:%M:%S") -> str:
    """In the time zone of the house."""
    return line.at.astimezone().strftime(form)


def _words(code: str, language: str) -> str:
    return f"<span{_in(language)}>{escape(in_words(code, language))}</span>"


def _in(language: str) -> str:
    direction = ' dir="rtl"' if right_to_left(language) else ""
    return f' lang="{escape(language)}"{direction}'

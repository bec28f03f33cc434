"""The page at `/`: what runs here, for whoever set it up. It asks nobody else for anything."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from string import Template

from . import __version__
from .engines import House
from .languages import own_name
from .mt import Pair
from .work import Quality

_LOADING = """<p class="status" role="status">Starting: the models are being loaded.</p>
<p>This page looks again every two seconds.</p>
"""

_RUNNING = """<p class="status" role="status">Ready.</p>
<table>
<caption hidden>What runs here</caption>
<tr><th scope="row">Profile</th><td>{profile}: {description}</td></tr>
<tr><th scope="row">Understands speech with</th><td>{recognizer}</td></tr>
<tr><th scope="row">Translates</th><td>{pairs}</td></tr>
<tr><th scope="row">Voices</th><td>{voices}</td></tr>
</table>
{notices}
<h2>Try it</h2>
<p>From a terminal on this machine, with recordings of a visitor and a clerk:</p>
<pre><code>interpreter converse --staff-language en --visitor-language pt \\
    visitor:a.wav staff:b.wav</code></pre>
<p>or with a microphone: <code>interpreter desk --help</code>. Programs speak to
<code>/v1/stream</code>; its messages are described by <a href="/v1/schema.json">a JSON
Schema</a>. Nothing that is said is stored.</p>
"""


def start_page(house: House | None) -> str:
    """HTML of the page; `house` is None while models are being loaded."""
    if house is None:
        return _page(_LOADING, refresh='<meta http-equiv="refresh" content="2">')
    engines = house.engines
    pairs = sorted(engines.translator.pairs.items())
    translated = {language for pair, _ in pairs for language in pair}
    spoken = [
        f"{own_name(language)} ({language}): {voice.name}, {voice.quality}"
        for language, voice in sorted(engines.synthesizer.voices.items())
        if language in translated
    ]
    others = len(engines.synthesizer.voices) - len(spoken)
    body = _RUNNING.format(
        profile=escape(house.profile.name),
        description=escape(house.profile.description),
        recognizer=f"{escape(engines.recognizer.name)}, "
        f"{len(engines.recognizer.languages)} languages",
        pairs=_lines(
            f"{own_name(source)} → {own_name(target)} ({source}-{target}): {quality}"
            for (source, target), quality in pairs
            if quality is not Quality.DEMONSTRATION
        )
        + _for_demonstration(pairs),
        voices=_lines([*spoken, f"and {others} more languages"] if others else spoken),
        notices="".join(f"<p>Note: {escape(notice)}</p>\n" for notice in house.notices),
    )
    return _page(body)


def _for_demonstration(pairs: Sequence[tuple[Pair, Quality]]) -> str:
    """The languages of pairs that nobody should rely on."""
    shown = {
        language for pair, quality in pairs if quality is Quality.DEMONSTRATION for language in pair
    }
    if not shown:
        return ""
    names = ", ".join(sorted(own_name(language) for language in shown))
    return (
        "<br><strong>For demonstration only, about half of the sentences are wrong:</strong> "
        f"all other pairs of {escape(names)}"
    )


def _page(body: str, refresh: str = "") -> str:
    template = resources.files(__package__).joinpath("start_page.html").read_text(encoding="utf-8")
    return Template(template).substitute(refresh=refresh, version=__version__, body=body)


def _lines(texts: Iterable[str]) -> str:
    return "<br>".join(escape(text) for text in texts)

"""How language models are asked for a translation; one TOML file per family of models.

What stays the same from one sentence to the next comes first, so that a server can keep it in its
cache. `version` counts up with every change of the wording.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ...errors import SettingsError
from ...languages import english_name
from .. import Briefing

_SHOTS = 6
"""More do not make the translations of a small model better, and cost time where no cache helps."""

_TOKENS_PER_CHARACTER = 1.5
_LEAST_TOKENS = 48
"""Some scripts take more than a token a character; a loop is cut here if nowhere else."""

_QUOTES = "\"'“”„«»‘’"

Endpoint = Literal["completions", "chat/completions"]

_CONTROL = re.compile(r"<(?=[|/｜]?[a-zA-Z_])|\[(?=/?[A-Z_]+\])")
"""Where marks such as `<|im_end|>`, `<end_of_turn>`, `</s>` and `[/INST]` begin."""


def one_line(text: str) -> str:
    """The text without what could pass for the end of a turn: line breaks and control marks.

    Servers read a mark in a message as they read their own, so it is parted by a space.
    """
    return _CONTROL.sub(r"\g<0> ", " ".join(text.split()))


def most_tokens(text: str) -> int:
    """How many tokens an answer to this text may have."""
    return _LEAST_TOKENS + round(_TOKENS_PER_CHARACTER * len(text))


def answer(said: str, text: str) -> str:
    """The first line of what a model said, without quotes that `text` does not have."""
    line = said.strip().split("\n")[0].strip()
    quoted = len(line) > 1 and line[0] in _QUOTES and line[-1] in _QUOTES
    if quoted and text[:1] not in _QUOTES:
        return line[1:-1].strip()
    return line


@dataclass(frozen=True, slots=True)
class Prompt:
    """The wording for one family of models."""

    name: str
    version: int
    endpoint: Endpoint
    stop: tuple[str, ...]
    template: Mapping[str, Any]

    def body(self, text: str, source: str, target: str, briefing: Briefing) -> dict[str, Any]:
        """What the request holds besides the model's name and limits.

        All that people said or wrote goes through `one_line`.
        """
        text = one_line(text)
        names = {
            "source": english_name(source),
            "target": english_name(target),
            "source_tag": source,
            "target_tag": target,
        }
        if self.endpoint == "completions":
            return {"prompt": self._shots(text, source, target, briefing), "stop": list(self.stop)}
        briefed = "\n".join(self._briefed(briefing, names))
        messages = [
            _filled(message, {**names, "briefing": briefed, "text": text})
            for message in self.template["messages"]
        ]
        fields = _filled(self.template.get("fields", {}), names)
        return {"messages": messages, "stop": list(self.stop), **fields}

    def _shots(self, text: str, source: str, target: str, briefing: Briefing) -> str:
        """Examples of what follows what, then the sentence without its translation."""
        form: str = self.template["shot"]
        one, two = english_name(source), english_name(target)
        shots = [
            (row[source], row[target])
            for row in self.template["examples"]
            if source in row and target in row
        ][:_SHOTS]
        shots += [
            (one_line(turn.text), one_line(turn.translation))
            for turn in briefing.turns
            if (turn.source, turn.target) == (source, target)
        ]
        values = [{"source": one, "target": two, "said": a, "translated": b} for a, b in shots]
        asked = {"source": one, "target": two, "said": text, "translated": ""}
        return "".join(str(_filled(form, each)) for each in [*values, asked]).rstrip()

    def _briefed(self, briefing: Briefing, names: Mapping[str, str]) -> list[str]:
        lines: Mapping[str, str] = self.template.get("briefing", {})
        given = {
            "domain": briefing.domain,
            "formal": "yes" if briefing.formality == "formal" else "",
            "informal": "yes" if briefing.formality == "informal" else "",
            "speaker": briefing.speaker_gender,
            "addressee": briefing.addressee_gender,
            "terms": "; ".join(f"{term.source} = {term.target}" for term in briefing.terms),
            "forbidden": ", ".join(word for term in briefing.terms for word in term.forbidden),
            "turns": " / ".join(turn.text for turn in briefing.turns),
        }
        return [
            _filled(line, {**names, "value": one_line(given[key])})
            for key, line in lines.items()
            if given[key]
        ]


@cache
def load(name: str) -> Prompt:
    """The prompt of that name. Raises `SettingsError` ("unknown-prompt")."""
    if name not in names():
        raise SettingsError(
            "unknown-prompt", f"there is no prompt {name!r}; there are {', '.join(names())}"
        )
    raw = tomllib.loads((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))
    return Prompt(name, raw["version"], raw["endpoint"], tuple(raw["stop"]), raw)


def names() -> list[str]:
    """All that are here."""
    found = (each.name for each in files(__package__).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def _filled(shape: Any, values: Mapping[str, str]) -> Any:
    """The same shape with `{name}` replaced in every string, once: values are not looked into."""
    if isinstance(shape, str):
        parts = shape.split("{")
        filled = parts[0]
        for part in parts[1:]:
            name, _, rest = part.partition("}")
            filled += values[name] + rest
        return filled
    if isinstance(shape, dict):
        return {key: _filled(value, values) for key, value in shape.items()}
    if isinstance(shape, list):
        return [_filled(value, values) for value in shape]
    return shape

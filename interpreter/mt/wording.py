"""What a language model in this process is given to read: a prompt as tokens of that model.

A server marks the turns of a conversation with the template in a model's folder, which is a program
that the model brings along. Here the forms of the families that can be used are written down.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, TranslationError
from . import Briefing, Term, Turn
from .prompts import Prompt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MOST_TOKENS = 2048
"""A prompt has about 250; while one is read, nothing can be cancelled."""

_MOST_PREFIXES = 16
"""CTranslate2 never lets go of one: about 25 MB each with a model of 9B."""

_MAY_END_A_LINE = re.compile(r"\n|Ċ|<0x0A>")
"""How tokenizers write it; the second may be a letter as well."""

_THINK = "<think>"
_NO_THOUGHT = "<think>\n\n</think>\n\n"
"""What models that can think first are given, so that they do not (Qwen 3: `enable_thinking`)."""


@dataclass(frozen=True, slots=True)
class Markup:
    """How a family of models marks turns."""

    begin: str
    end: str
    answerer: str
    """What it calls the one who answers."""

    has_system: bool
    """Whether it knows instructions apart from what a user says."""

    def render(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The messages as one text, up to where the answer begins."""
        text, before = "", ""
        for message in messages:
            if message["role"] == "system" and not self.has_system:
                before = f"{message['content']}\n\n"
                continue
            text += f"{self.begin}{message['role']}\n{before}{message['content']}{self.end}\n"
            before = ""
        return f"{text}{self.begin}{self.answerer}\n"


CHATML = Markup("<|im_start|>", "<|im_end|>", "assistant", has_system=True)
"""Qwen, EuroLLM, Tower, SalamandraTA."""

GEMMA = Markup("<start_of_turn>", "<end_of_turn>", "model", has_system=False)
"""Gemma 2 and 3; Gemma 4 has other marks."""


class Wording:
    """A prompt for one model. The same tokens come first for every sentence of a direction."""

    def __init__(self, prompt: Prompt, tokenizer: "Tokenizer") -> None:
        """Raises `ModelError` ("model-unsupported") where the model cannot be asked so."""
        self.prompt = prompt
        self._tokenizer = tokenizer
        added = tokenizer.get_added_tokens_decoder()
        self._marks = {number for number, token in added.items() if token.special}
        names = {token.content for token in added.values()}
        self._thinks = _THINK in names
        self._markup: Markup | None = None
        if prompt.endpoint == "chat/completions":
            if not all(isinstance(each["content"], str) for each in prompt.template["messages"]):
                raise ModelError("model-unsupported", f"{prompt.name} needs a server's template")
            known = [each for each in (CHATML, GEMMA) if {each.begin, each.end} <= names]
            if not known:
                raise ModelError("model-unsupported", "its turns are marked in no way known here")
            self._markup = known[0]
        self.line_ends = frozenset(
            number
            for token, number in tokenizer.get_vocab().items()
            if _MAY_END_A_LINE.search(token) and "\n" in tokenizer.decode([number])
        )
        """Numbers of tokens that end a line, and so an answer."""

        self._prefixes: dict[tuple[str, ...], list[str]] = {}

    @property
    def ends(self) -> list[str]:
        """Tokens that end an answer, besides the one that ends every text of the model."""
        return [self._markup.end] if self._markup else []

    def tokens(self, text: str, source: str, target: str, briefing: Briefing) -> list[str]:
        """All of the prompt.

        Raises `TranslationError`: "text-too-long"; "llm-marks", what people said holds a control
        mark of this model that `one_line` has not parted.
        """
        body = self.prompt.body(text, source, target, briefing)
        if self._markup:
            said = [message["content"] for message in body["messages"]]
            whole = self._markup.render(body["messages"]) + (_NO_THOUGHT if self._thinks else "")
        else:
            said = [body["prompt"]]
            whole = body["prompt"]
        tokens: list[str] = self._tokenizer.encode(whole).tokens
        if len(tokens) > _MOST_TOKENS:
            raise TranslationError("text-too-long", f"a prompt has {len(tokens)} tokens")
        for each in said:
            if self._marks.intersection(self._tokenizer.encode(each, add_special_tokens=False).ids):
                raise TranslationError("llm-marks", "a control mark is in what was said")
        return tokens

    def prefix(self, source: str, target: str, briefing: Briefing) -> list[str]:
        """What a prompt begins with whatever is said; none once there are very many."""
        key = (source, target, briefing.domain, briefing.formality)
        if key not in self._prefixes:
            if len(self._prefixes) >= _MOST_PREFIXES:
                return []
            brief = Briefing(domain=briefing.domain, formality=briefing.formality)
            full = replace(
                brief,
                terms=(Term("1", "1", ("1",)),),
                turns=(Turn(source, target, "1", "1"),),
                speaker_gender="female",
                addressee_gender="female",
            )
            one = self.tokens("a", source, target, brief)
            two = self.tokens("1", source, target, full)
            same = [a == b for a, b in zip(one, two, strict=False)]
            self._prefixes[key] = one[: same.index(False)]
        return self._prefixes[key]

    def text(self, tokens: Sequence[int]) -> str:
        """What the model has said so far; of a letter that is not complete yet, nothing."""
        return self._tokenizer.decode(tokens).rstrip("\ufffd")

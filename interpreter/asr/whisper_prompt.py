"""What Whisper is given to hear, and what its text has to begin with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..audio import RATE, Samples
from ..languages import own_name

if TYPE_CHECKING:
    from faster_whisper.tokenizer import Tokenizer

FRAMES_PER_SECOND = 100

_WINDOWS = (1000, 1500, 2000, 3000)
"""Lengths in frames that the encoder is given, instead of always 30 s, which takes four times as
long as 10 s."""

_MARGIN = 100
"""Frames at least behind the speech; with less, endless repetition becomes frequent."""

_TOKENS_BESIDES = 16
_TOKENS_PER_SECOND = 10.0
"""Twice of what fast speech needs in scripts with short tokens."""

_CHARACTERS_PER_SECOND = 15.0
"""Fast speech; for scripts of which a character takes one to three tokens."""

_MOST_POSITIONS = 448
"""Of Whisper's decoder: prompt and text together."""

_MOST_HOTWORD_TOKENS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """What is to be recognised."""

    samples: Samples
    weights: Mapping[str, float]
    committed: str
    pieces: tuple[int, ...]
    """Tokens of a text that begins with what is committed."""

    hotwords: tuple[str, ...]
    beam: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    @property
    def frames(self) -> int:
        return round(self.seconds * FRAMES_PER_SECOND)

    @property
    def window(self) -> int:
        """Frames that the encoder is given."""
        fitting = (size for size in _WINDOWS if size >= self.frames + _MARGIN)
        return next(fitting, _WINDOWS[-1])


def most_tokens(tokenizer: "Tokenizer", language: str, seconds: float, prompt: int) -> int:
    """Bound of a text's tokens, so that a loop ends soon.

    The cost of a script is taken from the language's own name: 0.3 tokens a character in Latin
    letters, 1 in Devanagari, 2.5 in Georgian ones.
    """
    name = own_name(language)
    per_second = max(
        _TOKENS_PER_SECOND, _CHARACTERS_PER_SECOND * len(tokenizer.encode(name)) / len(name)
    )
    bound = _TOKENS_BESIDES + int(per_second * seconds)
    return min(bound, _MOST_POSITIONS - prompt)


def prompt_for(tokenizer: "Tokenizer", speech: Speech) -> list[int]:
    """Tokens before those that are to be found."""
    return [
        *hotword_prompt(tokenizer, speech.hotwords),
        *tokenizer.sot_sequence,
        tokenizer.no_timestamps,
        *_committed_tokens(tokenizer, speech),
    ]


def _committed_tokens(tokenizer: "Tokenizer", speech: Speech) -> list[int]:
    """As Whisper wrote it, if that can be told; another spelling of the same text confuses it."""
    if not speech.committed:
        return []
    for end in range(1, len(speech.pieces) + 1):
        text = tokenizer.decode(list(speech.pieces[:end])).strip()
        if text == speech.committed:
            return list(speech.pieces[:end])
    return list(tokenizer.encode(f" {speech.committed}"))


def hotword_prompt(tokenizer: "Tokenizer", hotwords: Sequence[str]) -> list[int]:
    """Names and terms as if they had been said before, as many as fit, the first ones first."""
    tokens: list[int] = []
    for number, word in enumerate(word for word in hotwords if word.strip()):
        more = tokenizer.encode(f"{',' if number else ''} {word.strip()}")
        if len(tokens) + len(more) > _MOST_HOTWORD_TOKENS:
            break
        tokens += more
    return [tokenizer.sot_prev, *tokens] if tokens else []

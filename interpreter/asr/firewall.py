"""What stands between a recognizer and a conversation: texts that nobody said. Pure functions.

A recognizer that hears noise does not fall silent, it invents; and now and then it says the same
again and again until it is stopped. Both can be told by numbers that it gives itself.
"""

import math
import zlib
from collections.abc import Sequence

from ..events import Word
from . import Hypothesis

_LEAST_LOG_PROBABILITY = -1.0
"""Mean over the tokens. Of 80 recordings of real speech that were understood the worst had -0.83;
texts made of noise that passes voice activity detection lay between -1.15 and -3.15."""

_MOST_COMPRESSION = 2.4
"""Speech seldom gets above 1.5, a telephone menu with "press one for", "press two for" to 2.35."""

_MOST_NO_SPEECH = 0.65
_UNSURE_LOG_PROBABILITY = -0.4
"""Together: of 91 recordings of real speech none had a no-speech probability above 0.6, and those
near it were surer. Noise and long silence that became text had 0.66 to 0.93, and -0.49 to -0.99."""

_MOST_NO_SPEECH_GROWING = 0.2
_UNSURE_LOG_PROBABILITY_GROWING = -0.6
"""The same while somebody speaks, where a text that is held back comes half a second later. In
9 minutes of babble 700 looks gave 8 texts that nobody said ("Thank you very much."), with 0.25 to
0.64 and -0.71 to -1.0; of 116 looks at real speech before anything was certain 4 were like that."""

_NO_TIME_SECONDS = 0.04
"""Whisper's alignment has steps of 0.02 s; a word that was spoken takes several."""


def reason_to_drop(heard: Hypothesis, *, growing: bool = False) -> str | None:
    """Why this text should not be taken for speech, or None if it may be.

    A `growing` text, of which nothing is certain yet, has to be surer than a final one: it does not
    hurt to show it a little later.

    Thresholds on the mean log-probability and on compression, as OpenAI's Whisper uses them to try
    again; here they are enough to drop the text. The no-speech probability counts only where the
    text is unsure too: alone it is high for some real speech, mostly where words are cut.
    """
    if not any(character.isalnum() for character in heard.text):
        return "empty"
    if heard.log_probability < _LEAST_LOG_PROBABILITY:
        return "improbable"
    limits = [(_MOST_NO_SPEECH, _UNSURE_LOG_PROBABILITY)]
    if growing:
        limits.append((_MOST_NO_SPEECH_GROWING, _UNSURE_LOG_PROBABILITY_GROWING))
    for no_speech, unsure in limits:
        if heard.no_speech_probability > no_speech and heard.log_probability < unsure:
            return "no-speech"
    if heard.compression_ratio > _MOST_COMPRESSION:
        return "repetitive"
    return None


def compression_ratio(text: str) -> float:
    """Length of the text over its zlib-compressed length; 0 for an empty one.

    Characters are numbered by first appearance and count as one byte each. In UTF-8 the two or
    three bytes of most scripts share their beginnings, which makes harmless text look repetitive.
    """
    if not text:
        return 0.0
    numbers = {character: number for number, character in enumerate(dict.fromkeys(text))}
    plain = bytes(numbers[character] % 256 for character in text)
    return len(plain) / len(zlib.compress(plain))


def words_spoken(words: Sequence[Word]) -> int:
    """How many of the words are left when copies at the end that took no time are cut off.

    A decoder in a loop repeats what it wrote, and the alignment finds no sound left for the copies:
    half of their words or more begin and end in one moment. What a person says twice takes time
    twice, so "no, no" and "33 33" stay. What is left of one more copy, perhaps only a piece of its
    last word, goes with the others.
    """
    texts = [_plain(word.text) for word in words]
    for length in range(1, len(words) // 2 + 1):
        end = len(words)
        piece, whole = texts[end - 1], texts[end - 1 - length]
        if piece != whole and whole.startswith(piece):
            end -= 1
        start = end
        while start > length and texts[start - 1] == texts[start - 1 - length]:
            start -= 1
        for copy in range(start, end - length + 1, length):
            times = [word.end - word.start for word in words[copy : copy + length]]
            if 2 * sum(time < _NO_TIME_SECONDS for time in times) >= length:
                return copy
    return len(words)


def mean_log_probability(words: Sequence[Word]) -> float:
    """The same scale as `Hypothesis.log_probability`, from the words alone; 0 without any."""
    if not words:
        return 0.0
    return sum(math.log(max(word.probability, 1e-6)) for word in words) / len(words)


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())

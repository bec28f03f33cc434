"""What of a growing text is certain: words that two hypotheses in a row agree on."""

import unicodedata
from collections.abc import Sequence

from ..events import Word

_SETTLED_SECONDS = 0.3
"""How far a word has to lie behind the end of the sound; what comes last is often cut off."""

_SURE = 0.7
"""Probability of a word that is committed, and of all before it.

Agreement alone commits mistakes which the whole sentence would have mended: on 34 sentences in six
languages the final texts had 22 % more errors than without committing anything. With the words
settled and sure it was 3 %, and half of the committed words were so 1.3 s after they were spoken.
"""


class Agreement:
    """LocalAgreement-2 on words, for one utterance.

    After Macháček, Dabre and Bojar, "Turning Whisper into Real-Time Transcription System", 2023:
    the longest beginning that the last two hypotheses share is committed, and stays; here only as
    far as its words are settled and sure. Words are compared by their letters and digits alone.
    What Whisper puts behind the last of them depends on what follows, so its punctuation is not
    committed with it.
    """

    def __init__(self) -> None:
        self.committed = ""
        """The beginning of the utterance's text that will not change any more."""

        self.seconds = 0.0
        """Where the last committed word ends in the sound."""

        self._previous: list[str] = []

    def push(self, text: str, words: Sequence[Word], seconds: float) -> bool:
        """Compare the next hypothesis, of so many seconds of sound, with the one before.

        False, and nothing changes, if it does not begin with what is committed.
        """
        if not text.startswith(self.committed):
            return False
        spelled, ends = _spell(text, words)
        agreed = 0
        for now, before, word in zip(spelled, self._previous, words, strict=False):
            settled = word.end <= seconds - _SETTLED_SECONDS
            if now != before or not settled or word.probability < _SURE:
                break
            agreed += 1
        self._previous = spelled
        committed = _without_punctuation(text[: ends[agreed - 1]]) if agreed else ""
        if len(committed) > len(self.committed):
            self.committed, self.seconds = committed, words[agreed - 1].end
        return True


def _spell(text: str, words: Sequence[Word]) -> tuple[list[str], list[int]]:
    """The words as they are compared, and where in the text each ends."""
    spelled, ends, position = [], [], 0
    for word in words:
        found = text.find(word.text, position)
        if found < 0:  # the text and its words have come apart; what fits, counts
            break
        position = found + len(word.text)
        spelled.append("".join(c for c in word.text.casefold() if not _separates(c)))
        ends.append(position)
    return spelled, ends


def _without_punctuation(text: str) -> str:
    end = len(text)
    while end and _separates(text[end - 1]):
        end -= 1
    return text[:end]


def _separates(character: str) -> bool:
    """Punctuation, a symbol or a space; the signs that other scripts write vowels with are not."""
    return unicodedata.category(character)[0] in "PSZ"

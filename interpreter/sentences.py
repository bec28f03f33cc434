"""Where one sentence ends and the next begins, in any language (by Wikimedia's sentencex)."""

import re

# What sentencex 1.0.32 does not know in the languages heard most at a counter.
_ABBREVIATION = re.compile(
    r"(?:^|\s)(?:av|bd|dra|mme|mlle|núm|pça|ref|ul|pl|al|sig|dott|вул|просп|кв)\.$", re.IGNORECASE
)
_INITIAL = re.compile(r"(?:^|[\s(])[^\W\d_]\.$")
_SHORT = re.compile(r"(?:^|\s)\w{1,4}\.$")


def split(text: str, language: str) -> list[str]:
    """The sentences of a text, without white space around them; nothing else is lost.

    Where it is unsure it does not split: two sentences together are spoken and translated well,
    half a sentence is not. Blank text has no sentences.
    """
    import sentencex

    sentences: list[str] = []
    for piece in sentencex.segment(language, text):
        if sentences and _goes_on(sentences[-1].rstrip(), piece.lstrip()):
            sentences[-1] += piece
        else:
            sentences.append(piece)
    return [sentence for sentence in map(str.strip, sentences) if sentence]


def _goes_on(before: str, after: str) -> bool:
    """Whether the full stop between them ended an abbreviation ("Av. Brasil", "3. kat")."""
    return bool(
        _ABBREVIATION.search(before)
        or _INITIAL.search(before)
        or (_SHORT.search(before) and after and (after[0].islower() or after[0] in "ºª"))
    )

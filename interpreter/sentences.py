"""Where one sentence ends and the next begins, in any language (boundaries by Wikimedia's sentencex)."""

import re

_ABBREVIATIONS = frozenset(
    # What sentencex 1.0.32 does not know in the languages heard most at a counter.
    "av. bd. dra. mme. mlle. n.º n.ª núm. nº pça. ref. ul. pl. al. sig. dott. вул. просп. кв.".split()
)
_SHORT = re.compile(r"(?:^|\s)[\w]{1,4}\.$")
_INITIAL = re.compile(r"(?:^|[\s(])[^\W\d_]\.$")


def split(text: str, language: str) -> list[str]:
    """The sentences of a text, without white space around them; nothing else is lost.

    Where it is unsure it does not split: two sentences together are spoken and translated well,
    half a sentence is not. Blank text has no sentences.
    """
    import sentencex

    sentences: list[str] = []
    for piece in map(str.strip, sentencex.segment(language, text)):
        if sentences and piece and _goes_on(sentences[-1], piece):
            sentences[-1] += " " + piece
        elif piece:
            sentences.append(piece)
    return sentences


def _goes_on(before: str, after: str) -> bool:
    """Whether the full stop between them ended an abbreviation ("Av. Brasil", "3. kat")."""
    return bool(
        before.rsplit(maxsplit=1)[-1].lower() in _ABBREVIATIONS
        or _INITIAL.search(before)
        or (_SHORT.search(before) and (after[0].islower() or after[0] in "ºª"))
    )

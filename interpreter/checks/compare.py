"""Whether the facts of a sentence have come through its translation, compared by value."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from rapidfuzz import fuzz

from ..events import Fact, FactKind, FactStatus
from ..sentences import bare_words
from .facts import Found, extract
from .lexicon import LANGUAGES, lexicon

_SAME_NAME = 88
"""Of 100: an accent may be lost, a letter of a short name may not."""

_FIGURES = (FactKind.NUMBER, FactKind.AMOUNT, FactKind.DURATION, FactKind.TIME)
_WRITTEN_OUT = 12
"""Up to which a number may be in words, where the words of a language are not known."""

_SHORT_PHONE = 6
"""Digits at the end that have to agree, where one of the two has no country's code."""

_TURNING = (FactKind.NEGATION, FactKind.MODALITY)


def compare(text: str, source: str, translation: str, target: str) -> tuple[Fact, ...]:
    """Every fact of both sides, in order, with what became of it.

    One that is missing, and another of the same kind that was added, are one that was changed.
    Where a language has no lexicon, only what is written in digits is compared.
    """
    said, given = extract(text, source), extract(translation, target)
    if source not in LANGUAGES or target not in LANGUAGES:
        return _compare_digits(text, said, translation, given)
    plain_said = [found for found in said if found.kind not in _TURNING]
    plain_given = [found for found in given if found.kind not in _TURNING]
    facts = _pair(plain_said, plain_given, translation)
    facts += _negation(text, source, said, translation, target, given)
    facts += _modality(text, said, given, translation, target)
    return tuple(facts)


def holds(value: str, found: Sequence[Found]) -> bool:
    """Whether a fact, given by its normalised value, is among those of a sentence."""
    if any(each.value.casefold() == value.casefold() for each in found):
        return True
    if value in ("need not", "must not") and any(each.value == "neither" for each in found):
        return True
    if re.fullmatch(r"\d\d:\d\d", value):
        wanted = Found(FactKind.TIME, value, value, 0)
    elif re.fullmatch(r"\d+ [a-z ]+", value):
        wanted = Found(FactKind.DURATION, value, value, 0)
    elif re.fullmatch(r"[\d+][\d ]{5,}", value):
        wanted = Found(FactKind.PHONE, value, value, 0)
    elif any(c.isdigit() for c in value) and not re.fullmatch(r"[\d-]+|[A-Z]{3} [\d.]+", value):
        wanted = Found(FactKind.REFERENCE, value, value, 0)
    elif value[:1].isupper() and value.isalpha():
        wanted = Found(FactKind.NAME, value, value, 0)
    else:
        return False
    return any(_equivalent(wanted, each) for each in found)


def _pair(said: Sequence[Found], given: Sequence[Found], translation: str) -> list[Fact]:
    left = list(given)
    partners: dict[int, Found] = {}
    for alike in (_equal, _equivalent):
        for number, found in enumerate(said):
            if number not in partners and (other := _first(found, left, alike)):
                partners[number] = other
                left.remove(other)
    facts = []
    for number, found in enumerate(said):
        if other := partners.get(number):
            facts.append(Fact(found.kind, FactStatus.KEPT, found.value, found.text, other.text))
        elif found.kind is FactKind.NAME and _is_there(found.value, translation):
            facts.append(Fact(found.kind, FactStatus.KEPT, found.value, found.text, found.text))
        elif found.kind not in _FIGURES and any(_equivalent(found, each) for each in given):
            continue  # said twice, translated once
        elif other := _first(found, left, _rivals):
            left.remove(other)
            facts.append(
                Fact(
                    *(found.kind, FactStatus.CHANGED, found.value, found.text, other.text),
                    found=other.value,
                )
            )
        elif not found.optional:
            facts.append(Fact(found.kind, FactStatus.MISSING, found.value, found.text))
    for other in left:
        twice = other.kind not in _FIGURES and any(_equivalent(found, other) for found in said)
        if not (twice or other.optional or other.kind is FactKind.NAME):
            facts.append(Fact(other.kind, FactStatus.ADDED, other.value, target=other.text))
    return facts


def _first(
    found: Found, others: Sequence[Found], alike: Callable[[Found, Found], bool]
) -> Found | None:
    return next((other for other in others if alike(found, other)), None)


def _equal(one: Found, two: Found) -> bool:
    return one.kind is two.kind and one.value == two.value


def _equivalent(one: Found, two: Found) -> bool:
    """Whether both may mean the same, as people say it."""
    kinds = {one.kind, two.kind}
    if kinds == {FactKind.TIME}:
        return _minutes(one, two) == _minutes(two, one)
    if kinds == {FactKind.DATE}:
        return bool({one.value, one.other} & ({two.value, two.other} - {""}))
    if kinds == {FactKind.DURATION}:
        return _length(one.value) == _length(two.value)
    if kinds == {FactKind.NAME}:
        return _is_there(one.value, two.value)
    if kinds <= {FactKind.PHONE, FactKind.REFERENCE, FactKind.NUMBER} and len(kinds) >= 1:
        return _alike_in_writing(one.value, two.value)
    if kinds == {FactKind.TIME, FactKind.NUMBER}:
        return _figure(one) is not None and _hour(one) == _hour(two)
    if len(kinds) == 2 and kinds <= set(_FIGURES):
        return _figure(one) is not None and _figure(one) == _figure(two)
    return _equal(one, two)


def _rivals(one: Found, two: Found) -> bool:
    """Whether one may have been made of the other by mistake."""
    written = (FactKind.PHONE, FactKind.REFERENCE, FactKind.NUMBER)
    return one.kind is two.kind or any(
        one.kind in group and two.kind in group for group in (_FIGURES, written)
    )


def _minutes(time: Found, other: Found) -> int:
    """Since midnight, or since noon too where one of the two does not tell the half of the day."""
    hours, minutes = map(int, time.value.split(":"))
    total = 60 * hours + minutes
    return total if time.half_known and other.half_known else total % 720


def _length(value: str) -> tuple[Decimal, str]:
    number, unit = value.split(" ", 1)
    unit = unit.removesuffix("s")
    count = Decimal(number)
    match unit:
        case "week":
            return count * 7, "day"
        case "hour":
            return count * 60, "minute"
        case "year":
            return count * 12, "month"
    return count, unit


def _figure(found: Found) -> Decimal | None:
    """The number in it, where it is worth no more than that."""
    match found.kind:
        case FactKind.TIME:
            hours, minutes = found.value.split(":")
            return Decimal(hours) if minutes == "00" else None
        case FactKind.AMOUNT:
            return Decimal(found.value.split(" ")[1])
        case FactKind.DURATION:
            return Decimal(found.value.split(" ")[0])
    return Decimal(found.value)


def _hour(found: Found) -> Decimal | None:
    """On a dial of twelve hours; None where it is no full hour."""
    figure = _figure(found)
    return None if figure is None or figure > 24 else figure % 12


def _alike_in_writing(one: str, two: str) -> bool:
    first, second = (re.sub(r"\W", "", each).casefold() for each in (one, two))
    if first == second:
        return True
    if one.startswith("+") and two.startswith("+"):
        return False
    short, long = sorted((first, second), key=len)
    # +49 30 231 and 030 231: the code replaces the zero.
    return len(short.lstrip("0")) > _SHORT_PHONE and long.endswith(short.lstrip("0"))


def _is_there(name: str, translation: str) -> bool:
    """Whether a name is in a text, give or take a letter."""
    wanted = "".join(bare_words(name)).replace("ı", "i")
    words = (word.replace("ı", "i") for word in bare_words(translation))
    return any(word.startswith(wanted) or fuzz.ratio(wanted, word) > _SAME_NAME for word in words)


def _negation(
    text: str,
    source: str,
    said: Sequence[Found],
    translation: str,
    target: str,
    given: Sequence[Found],
) -> list[Fact]:
    """Both sides say "not" or "without", or neither does; "invalid" and its like stand for it."""
    here = [found for found in said if found.kind is FactKind.NEGATION]
    there = [found for found in given if found.kind is FactKind.NEGATION]
    if here and there:
        kind, one, two = FactKind.NEGATION, here[0], there[0]
        return [Fact(kind, FactStatus.KEPT, one.value, one.text, two.text)]
    if here and not _says_softly(translation, target):
        return [Fact(FactKind.NEGATION, FactStatus.MISSING, here[0].value, here[0].text)]
    if there and not _says_softly(text, source):
        added = there[0]
        return [Fact(FactKind.NEGATION, FactStatus.ADDED, added.value, target=added.text)]
    return []


def _says_softly(text: str, language: str) -> bool:
    words = lexicon(language)
    return words is not None and words.soft_negation.search(text) is not None


def _modality(
    text: str, said: Sequence[Found], given: Sequence[Found], translation: str, target: str
) -> list[Fact]:
    here = [found for found in said if found.kind is FactKind.MODALITY]
    values = {found.value for found in here}
    asked = text.rstrip().endswith("?")
    there = {found.value: found for found in given if found.kind is FactKind.MODALITY}
    if here and "neither" in {*there, *(found.value for found in here)}:
        return _neither(here, there)
    facts = []
    for found in here:
        if other := there.get(found.value):
            facts.append(Fact(found.kind, FactStatus.KEPT, found.value, found.text, other.text))
        elif rival := _contrary(found.value, {v: f for v, f in there.items() if v not in values}):
            facts.append(
                Fact(
                    *(found.kind, FactStatus.CHANGED, found.value, found.text, rival.text),
                    found=rival.value,
                )
            )
        elif not there and not (asked and found.value == "may") and not _asks(translation, target):
            facts.append(Fact(found.kind, FactStatus.MISSING, found.value, found.text))
    return facts


def _neither(here: Sequence[Found], there: dict[str, Found]) -> list[Fact]:
    """Italian "non deve" is "must not" or "need not"; either will do, and nothing else."""
    open_to = ("neither", "need not", "must not")
    facts = []
    for found in here:
        other = next((there[value] for value in open_to if value in there), None)
        if found.value in open_to and other:
            facts.append(Fact(found.kind, FactStatus.KEPT, found.value, found.text, other.text))
        elif found.value in open_to:
            facts.append(Fact(found.kind, FactStatus.MISSING, found.value, found.text))
    return facts


def _contrary(value: str, there: dict[str, Found]) -> Found | None:
    """What cannot be meant by that word: "may" for "must", "must not" for "need not"."""
    contraries = {
        "must": ("may", "need not"),
        "may": ("must", "must not"),
        "need not": ("must", "must not", "may"),
        "must not": ("need not", "may", "must"),
    }[value]
    return next((there[each] for each in contraries if each in there), None)


def _asks(translation: str, target: str) -> bool:
    """Whether it asks politely, which is another way to say that somebody must."""
    words = lexicon(target)
    return words is not None and words.polite.search(translation) is not None


def _compare_digits(
    text: str, said: Sequence[Found], translation: str, given: Sequence[Found]
) -> tuple[Fact, ...]:
    """What is written in digits on one side has to be on the other; small numbers may be words."""
    here, there = _groups(text), _groups(translation)
    meant_here = {*here, *_groups("; ".join(found.value for found in said))}
    meant_there = {*there, *_groups("; ".join(found.value for found in given))}
    facts = []
    for group in here:
        if group in meant_there or group in "".join(there):
            facts.append(Fact(FactKind.NUMBER, FactStatus.KEPT, group, group, group))
        elif int(group) > _WRITTEN_OUT:
            facts.append(Fact(FactKind.NUMBER, FactStatus.MISSING, group, group))
    for group in there:
        known = group in meant_here or group in "".join(here)
        if not known and int(group) > _WRITTEN_OUT:
            facts.append(Fact(FactKind.NUMBER, FactStatus.ADDED, group, target=group))
    return tuple(facts)


def _groups(text: str) -> list[str]:
    """Digits that stand together, thousands too, without the zeros before them."""
    together = re.sub(r"(?<=\d)[.,'’\u00a0\u202f](?=\d{3}(?!\d))", "", text)
    # In whatever digits the language has: int() knows them all.
    return [str(int(group)) for group in re.findall(r"\d+", together)]

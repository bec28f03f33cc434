"""What the benchmarks say: recorded speech where there is some, and synthesised sentences."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interpreter_desk.recordings import Recording

from ..audio import RATE, Samples, read_wav, resample, silence
from ..connection import Engines
from ..events import Party

LENGTHS = {2: (1.2, 3.2), 5: (3.6, 6.6), 10: (7.5, 12.5)}
"""Seconds -> what counts as an utterance of that length."""

_SENTENCES = {
    "en": {
        2: ["Please take a seat.", "Do you have your passport?"],
        5: [
            "Please fill in this form and bring it back by Friday at noon.",
            "Your residence permit is valid until the end of next year.",
        ],
        10: [
            "If you move to another flat, you have to register the new address here within "
            "fourteen days, and please bring the form that your landlord has signed.",
            "For the child benefit we need the birth certificate of your daughter, your tax "
            "number, and the account to which the money is to be transferred every month.",
        ],
    },
    "pt": {
        2: ["Bom dia, tenho uma pergunta.", "Onde fica a sala doze?"],
        5: [
            "Preciso de renovar a minha autorização de residência este mês.",
            "O meu filho começa a escola em setembro, que documentos faltam?",
        ],
        10: [
            "Mudei de casa na semana passada e queria registar a nova morada, mas o senhorio "
            "ainda não assinou o formulário que me deram aqui na segunda-feira.",
            "Recebi uma carta desta repartição e não percebi até quando tenho de pagar, por isso "
            "vim perguntar se ainda posso pedir mais algum tempo.",
        ],
    },
}


@dataclass(frozen=True, slots=True)
class BenchUtterance:
    """One thing to say."""

    language: str
    length: int
    """Seconds: a key of `LENGTHS`."""

    origin: str
    """`recorded` or `synthesised`."""

    samples: Samples
    """At 16 kHz."""

    transcript: str
    """What is said."""


async def material(engines: Engines, speech: Path | None) -> list[BenchUtterance]:
    """Utterances of 2, 5 and 10 s in English and Portuguese."""
    made = list(_recorded(speech)) if speech else []
    for language, by_length in _SENTENCES.items():
        for length, sentences in by_length.items():
            for sentence in sentences:
                samples = await _speak(engines, sentence, language)
                made.append(BenchUtterance(language, length, "synthesised", samples, sentence))
    return made


async def _speak(engines: Engines, sentence: str, language: str) -> Samples:
    sounds = [
        resample(sound.samples, sound.rate, RATE)
        async for sound in engines.synthesizer.synthesize(sentence, language)
    ]
    return np.concatenate([silence(0.3), *sounds, silence(0.2)])


def _recorded(folder: Path) -> Iterator[BenchUtterance]:
    """At most three recordings of each language and length."""
    taken: dict[tuple[str, int], int] = defaultdict(int)
    with (folder / "index.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["language"] not in _SENTENCES or row["file"].startswith(("kw_", "tel8k_")):
                continue
            for length, (shortest, longest) in LENGTHS.items():
                key = (row["language"], length)
                if shortest <= float(row["seconds"]) <= longest and taken[key] < 3:
                    taken[key] += 1
                    samples, rate = read_wav(folder / row["file"])
                    yield BenchUtterance(
                        *key, "recorded", resample(samples, rate, RATE), row["transcript"]
                    )


def as_recording(utterance: BenchUtterance) -> Recording:
    """English is what the clerk says, Portuguese the visitor."""
    party = Party.STAFF if utterance.language == "en" else Party.VISITOR
    return Recording(party, Path(utterance.origin), utterance.samples, RATE)

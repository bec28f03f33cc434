"""`interpreter say` and `interpreter transcribe`: try a voice, or a recording, by hand."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .asr import Hypothesis, Recognizer
from .asr.firewall import reason_to_drop
from .audio import RATE, Samples, read_wav, resample, silence, write_wav
from .engines import load_recognizer, load_synthesizer, load_vad
from .errors import InterpreterError, RecognitionError
from .events import DOUBTFUL
from .languages import english_name, normalise
from .models import load_profile
from .scheduler import Scheduler
from .settings import load_settings
from .tts import Synthesizer
from .vad import CHUNK, Ended, Endpointing, Segmenter, VadStream
from .work import Priority

_SAY = """\
Try a voice: speak a text into a WAV file.

  interpreter say pt "Bom dia!" -o hello.wav
  interpreter say de "Einen Moment, bitte." -o moment.wav --speed 0.8
"""

_TRANSCRIBE = """\
Try a recording: write down what is said in a WAV file of any length and rate. Utterances are found
and judged as in a conversation: what would be dropped there is shown as not being speech.

  interpreter transcribe visit.wav --languages de,pt      one of these two is spoken
  interpreter transcribe visit.wav                        any language that the model knows
"""

_SPEEDS = (0.5, 2.0)


def add_say_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_say` needs to be told."""
    parser.description = _SAY
    parser.add_argument("language", type=_language, metavar="LANGUAGE", help="such as pt")
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE.wav", help="what to write"
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="N", help="0.5 to 2 times the voice's own (1)"
    )


def add_transcribe_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_transcribe` needs to be told."""
    parser.description = _TRANSCRIBE
    parser.add_argument("recording", type=Path, metavar="FILE.wav")
    parser.add_argument(
        "--languages",
        type=_languages,
        metavar="TAG,TAG",
        help="the only ones that can be heard (default: all that the model knows)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one utterance a line")


def run_say(given: argparse.Namespace) -> int:
    """Run the command; gives the exit status. Raises `InterpreterError`."""
    if not given.text.strip():
        raise InterpreterError("bad-usage", "there is nothing to say: the text is empty")
    if not _SPEEDS[0] <= given.speed <= _SPEEDS[1]:
        raise InterpreterError("bad-usage", "--speed goes from 0.5 (slow) to 2 (fast)")
    _check_output(given.output)
    settings = load_settings(given.settings, vars(given))
    scheduler = Scheduler(settings.workers)
    try:
        synthesizer = load_synthesizer(
            settings, load_profile(settings.profile), scheduler, _tell, only=given.language
        )
        _require_voice(synthesizer, given.language, settings.profile)
        spoken = asyncio.run(_speak(synthesizer, given.text, given.language, given.speed))
    finally:
        scheduler.close()
    try:
        write_wav(given.output, spoken.samples, spoken.rate)
    except OSError as error:
        raise InterpreterError("cannot-write", f"{given.output}: {error.strerror}") from error
    quality = synthesizer.voices[given.language].quality
    print(
        f"{' and '.join(spoken.voices)} ({english_name(given.language)}, {quality}): "
        f"{spoken.seconds:.2f} s at {spoken.rate} Hz in {given.output}; "
        f"first sound after {spoken.first_seconds:.2f} s, all after {spoken.made_seconds:.2f} s "
        f"(real-time factor {spoken.made_seconds / spoken.seconds:.2f})"
    )
    return 0


def run_transcribe(given: argparse.Namespace) -> int:
    """Run the command; gives the exit status. Raises `InterpreterError`."""
    samples, rate = read_wav(given.recording)
    settings = load_settings(given.settings, vars(given))
    profile = load_profile(settings.profile)
    scheduler = Scheduler(settings.workers)
    try:
        recognizer = load_recognizer(settings, profile, scheduler)
        if recognizer.notice:
            _tell(recognizer.notice)
        weights = _weights(recognizer, given.languages)
        detector = load_vad(settings, profile).stream()
        seconds = len(samples) / rate
        _tell(
            f"{given.recording}: {seconds:.1f} s at {rate} Hz; {recognizer.name} listens for "
            f"{', '.join(weights) if given.languages else f'{len(weights)} languages'}"
        )
        began = time.monotonic()
        heard, failed = asyncio.run(
            _hear(
                _utterances(resample(samples, rate, RATE), detector, settings.endpointing),
                recognizer,
                weights,
                as_json=given.json,
            )
        )
    finally:
        scheduler.close()
    took = time.monotonic() - began
    factor = f" (real-time factor {took / seconds:.2f})" if seconds else ""
    _tell(f"{heard} utterances in {took:.1f} s{factor}")
    return 1 if failed else 0


# say -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Spoken:
    samples: Samples
    rate: int
    voices: tuple[str, ...]
    """More than one where the better one failed on the way."""

    first_seconds: float
    made_seconds: float

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def _check_output(path: Path) -> None:
    """Before any time is spent on making what cannot be written."""
    if path.is_dir():
        raise InterpreterError("bad-usage", f"{path} is a folder; name a file, such as said.wav")
    if path.suffix.lower() != ".wav":
        raise InterpreterError("bad-usage", f"{path}: a WAV file is written; call it {path}.wav")
    if not path.parent.is_dir():
        raise InterpreterError("bad-usage", f"there is no folder {path.parent}")


def _require_voice(synthesizer: Synthesizer, language: str, profile: str) -> None:
    if language not in synthesizer.voices:
        raise InterpreterError(
            "language-not-spoken",
            f"no voice of the profile {profile} speaks {english_name(language)} ({language}); "
            "`interpreter models list --json` tells which model does",
        )


async def _speak(synthesizer: Synthesizer, text: str, language: str, speed: float) -> _Spoken:
    began = time.monotonic()
    first = 0.0
    pieces: list[Samples] = []
    rate = 0
    voices: dict[str, None] = {}
    async for sound in synthesizer.synthesize(text, language, speed=speed):
        if not pieces:
            first, rate = time.monotonic() - began, sound.rate
        voices[sound.voice] = None
        pieces.append(resample(sound.samples, sound.rate, rate))
    if not any(len(piece) for piece in pieces):
        raise InterpreterError("bad-usage", "there is nothing in this text that could be spoken")
    made = time.monotonic() - began
    return _Spoken(np.concatenate(pieces), rate, tuple(voices), first, made)


# transcribe ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Utterance:
    start: float
    """Seconds from the beginning of the recording."""

    end: float
    samples: Samples
    """At 16 kHz."""


def _weights(recognizer: Recognizer, languages: list[str] | None) -> dict[str, float]:
    """All languages that are asked for, as likely as each other."""
    if unknown := set(languages or ()) - set(recognizer.languages):
        raise InterpreterError(
            "unknown-language",
            f"{recognizer.name} does not recognise {', '.join(sorted(unknown))}; it does "
            f"{', '.join(sorted(recognizer.languages))}",
        )
    return dict.fromkeys(languages or recognizer.languages, 1.0)


def _utterances(
    samples: Samples, detector: VadStream, endpointing: Endpointing
) -> Iterator[_Utterance]:
    """What is said in a recording at 16 kHz, piece by piece."""
    segmenter = Segmenter(endpointing)
    # The detector wants whole chunks, and may look at the last sound with silence after it.
    padded = np.concatenate([samples, silence(2 * CHUNK / RATE)])
    length = len(samples) / RATE
    for position in range(0, len(padded), RATE):
        for probability in detector.probabilities(padded[position : position + RATE]):
            for edge in segmenter.push(probability):
                if isinstance(edge, Ended):
                    yield _cut(padded, edge, length)
    for edge in segmenter.finish():
        if isinstance(edge, Ended):
            yield _cut(padded, edge, length)


def _cut(samples: Samples, edge: Ended, length: float) -> _Utterance:
    end = min(edge.end / RATE, length)
    return _Utterance(edge.start / RATE, end, samples[edge.start : edge.end])


async def _hear(
    utterances: Iterator[_Utterance],
    recognizer: Recognizer,
    weights: dict[str, float],
    *,
    as_json: bool,
) -> tuple[int, int]:
    """Print each utterance as soon as it is recognised; gives how many there were and failed."""
    heard = failed = 0
    for utterance in utterances:
        heard += 1
        try:
            hypothesis = await recognizer.recognize(
                utterance.samples, weights, priority=Priority.BACKGROUND
            )
        except (RecognitionError, TimeoutError) as error:
            failed += 1
            code = error.code if isinstance(error, RecognitionError) else "recognition-timeout"
            _tell(f"{_span(utterance)}  failed: {code}")
            continue
        dropped = reason_to_drop(hypothesis)
        line = _as_json if as_json else _as_text
        print(line(utterance, hypothesis, dropped), flush=True)
    return heard, failed


def _as_text(utterance: _Utterance, heard: Hypothesis, dropped: str | None) -> str:
    if dropped:
        return f"{_span(utterance)}  (not speech: {dropped})"
    confidence = heard.confidence
    doubt = f"  [low confidence: {confidence:.2f}]" if confidence < DOUBTFUL else ""
    language = f"{heard.language} ({heard.language_probability:.2f})"
    return f"{_span(utterance)}  {language}  {heard.text}{doubt}"


def _as_json(utterance: _Utterance, heard: Hypothesis, dropped: str | None) -> str:
    confidence = heard.confidence
    words = [
        asdict(word)
        | {
            "start": round(utterance.start + word.start, 2),
            "end": round(utterance.start + word.end, 2),
            "probability": round(word.probability, 3),
        }
        for word in heard.words
    ]
    return json.dumps(
        {
            "start": round(utterance.start, 2),
            "end": round(utterance.end, 2),
            "language": heard.language,
            "language_probability": round(heard.language_probability, 3),
            "text": heard.text,
            "confidence": round(confidence, 3),
            "low_confidence": confidence < DOUBTFUL,
            "not_speech": dropped,
            "words": words,
        },
        ensure_ascii=False,
    )


def _span(utterance: _Utterance) -> str:
    return f"{utterance.start:7.2f} – {utterance.end:7.2f} s"


# both ----------------------------------------------------------------------------------------


def _tell(line: str) -> None:
    """What is not the result itself."""
    print(line, file=sys.stderr, flush=True)


def _language(tag: str) -> str:
    try:
        return normalise(tag)
    except InterpreterError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _languages(tags: str) -> list[str]:
    return list(dict.fromkeys(_language(tag) for tag in tags.split(",")))

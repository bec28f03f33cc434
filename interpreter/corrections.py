"""Transcripts that people have put right."""

from dataclasses import replace

from .asr import Recognizer
from .audio import Samples
from .errors import ProtocolError
from .events import Party, Transcript


def as_typed(utterance: int, revision: int, party: Party, language: str, text: str) -> Transcript:
    """What somebody typed, as if it had been said. Raises `ProtocolError` where it is blank."""
    text = " ".join(text.split())
    if not text:
        raise ProtocolError("bad-message", "text: there is nothing but space in it")
    return Transcript(
        utterance=utterance,
        revision=revision,
        party=party,
        language=language,
        language_probability=1.0,
        text=text,
        committed=len(text),
        words=(),
        confidence=1.0,
        final=True,
    )


async def heard_again(
    recognizer: Recognizer, old: Transcript, party: Party, language: str, sound: Samples
) -> Transcript | None:
    """What was said, if it was that party who said it, in its language; None if nothing was.

    `sound` is at 16 kHz. Raises `RecognitionError`.
    """
    heard = await recognizer.recognize(sound, {language: 1.0})
    if not heard.text:
        return None
    return replace(
        old,
        revision=old.revision + 1,
        party=party,
        language=language,
        language_probability=1.0,
        text=heard.text,
        committed=len(heard.text),
        words=heard.words,
        confidence=round(heard.confidence, 3),
    )

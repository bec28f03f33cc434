"""What people put right: who spoke, what was said, and that a doubtful translation is right."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .asr import Recognizer
from .audio import Samples
from .connection import Connection
from .errors import InterpreterError, ProtocolError
from .events import Event, Failure, Notice, Party, Transcript
from .recall import Recall


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


@dataclass(frozen=True, slots=True)
class Corrections:
    """Puts right what a conversation remembers."""

    recall: Recall
    languages: Mapping[Party, str]
    recognizer: Recognizer
    emit: Callable[[Event], None]
    interpret: Callable[[Transcript], Awaitable[None]]
    """Tells a new transcript of an old utterance, and has it interpreted."""

    silence: Callable[[Transcript], None]
    """Stops the voice that speaks this transcript's translation."""

    deaf_to: Callable[[Connection], ProtocolError | None]
    """Why nothing is interpreted for this connection, if so."""

    start: Callable[[Coroutine[Any, Any, None]], None]
    """Runs what takes longer, as long as the conversation lives."""

    async def correct(
        self, connection: Connection, utterance: int, text: str | None, party: Party | None
    ) -> None:
        """Replace what was recognised, or who spoke, and interpret it anew.

        Without a text the sound is heard again in the right party's language, and this returns
        before that is done. Raises `ProtocolError`.
        """
        if reason := self.deaf_to(connection):
            raise reason
        if text is None and party is None:
            raise ProtocolError("bad-message", "correct: a text or a party is needed")
        if (old := self.recall.transcript(utterance)) is None:
            raise ProtocolError("unknown-utterance", f"{utterance} is not known, or too old")
        if old.party not in connection.parties and Party.STAFF not in connection.parties:
            raise ProtocolError("not-allowed", "only staff correct what the other party said")
        party = party or old.party
        if party is not old.party:
            self.silence(old)
        if text is not None:
            await self.interpret(
                as_typed(utterance, old.revision + 1, party, self.languages[party], text)
            )
        elif (sound := self.recall.sound(utterance)) is not None:
            self.start(self._hear_again(old, party, sound))
        else:
            raise ProtocolError("unknown-utterance", "its sound is gone; send the text as well")

    def confirm(self, connection: Connection, utterance: int) -> None:
        """Somebody has asked back: a doubtful translation is right. Raises `ProtocolError`."""
        if Party.STAFF not in connection.parties:
            raise ProtocolError("not-allowed", "only staff confirm")
        if (translation := self.recall.translation(utterance)) is None:
            raise ProtocolError("unknown-utterance", f"{utterance} is not known, or too old")
        if not translation.confirmed:
            self.emit(replace(translation, confirmed=True))

    async def _hear_again(self, old: Transcript, party: Party, sound: Samples) -> None:
        language = self.languages[party]
        try:
            heard = await self.recognizer.recognize(sound, {language: 1.0})
        except InterpreterError as error:
            self.emit(Failure(error.code, error.retryable, old.utterance))
            return
        if not heard.text:
            self.emit(Notice("please-repeat", old.utterance, party))
            return
        await self.interpret(
            replace(
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
        )

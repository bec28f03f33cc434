"""Plain language: what staff say is made easier before it is translated."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from .checks import compare, extract
from .checks.output import faults
from .errors import InterpreterError, ProtocolError, TranslationError
from .events import Event, FactKind, FactStatus, Notice, Party, PlainChanged, Rephrased, Transcript
from .mt import Briefing, Translator

SECONDS = 12.0
"""For one utterance; then it is translated as it was said."""

_NO_FAULT_HERE = frozenset({"copied", "too_long", "too_short"})
"""Of those of a translation: explaining takes words, and what is easy already stays."""

_LONGEST_RATIO, _LONGEST_SLACK = 3, 80
"""Characters of the plain text by those of what was said; beyond it the model has lost itself."""


class PlainLanguage:
    """Rephrases one party's sentences by the rules of Leichte Sprache, where a model here can.

    What it makes of them is checked like a translation: a fact that changed, or a text that is no
    rephrasing, and the sentence is translated as it was said.
    """

    def __init__(
        self,
        rephraser: Translator | None,
        briefing: Callable[[], Briefing],
        emit: Callable[[Event, Party | None], None],
    ) -> None:
        self.on = False
        self._rephraser = rephraser
        self._briefing = briefing
        self._emit = emit

    def available(self, language: str) -> bool:
        """Whether a model here is trusted to do it in that language."""
        return self._rephraser is not None and (language, language) in self._rephraser.pairs

    def state(self, language: str) -> bool | None:
        """Whether it is on; None where no model here can do it."""
        return self.on if self.available(language) else None

    def switch(self, parties: tuple[Party, ...], on: bool, language: str) -> None:
        """From now on, or no more. Raises `ProtocolError`: "not-allowed", "plain-unavailable"."""
        if Party.STAFF not in parties:
            raise ProtocolError("not-allowed", "staff decide how they speak")
        if on and not self.available(language):
            raise ProtocolError("plain-unavailable", "no model here is declared able to do it")
        if on is not self.on:
            self.on = on
            self._emit(PlainChanged(on), None)

    async def rephrase(self, transcript: Transcript) -> Transcript:
        """The same in plain language, told to staff; as it was where that does not succeed."""
        language = transcript.language
        if not (self.on and self._rephraser and self.available(language)):
            return transcript
        try:
            async with asyncio.timeout(SECONDS):
                text = await self._asked(self._rephraser, transcript.text, language)
        except (TimeoutError, InterpreterError):
            text = ""
        if not text or not _faithful(transcript.text, text, language):
            self._emit(Notice("plain-failed", transcript.utterance, Party.STAFF), Party.STAFF)
            return transcript
        self._emit(
            Rephrased(transcript.utterance, transcript.revision, text, self._rephraser.name),
            Party.STAFF,
        )
        return replace(transcript, text=text, committed=len(text))

    async def _asked(self, rephraser: Translator, text: str, language: str) -> str:
        async for draft in rephraser.translate(text, language, language, self._briefing()):
            if draft.final:
                return draft.text
        raise TranslationError("llm-failed", "it gave no answer")


def _faithful(said: str, plain: str, language: str) -> bool:
    """Nothing that counts may differ, and it has to be a text in this language."""
    if len(plain) > _LONGEST_RATIO * len(said) + _LONGEST_SLACK:
        return False
    facts = compare(said, language, plain, language)
    if _times(said, language) != _times(plain, language):
        return False  # between two languages "half past nine" may be 21:30, but not here
    other = "de" if language == "en" else "en"  # what a model falls back to
    found = set(faults(said, other, plain, language))
    return all(fact.status is FactStatus.KEPT for fact in facts) and not found - _NO_FAULT_HERE


def _times(text: str, language: str) -> set[str]:
    return {each.value for each in extract(text, language) if each.kind is FactKind.TIME}

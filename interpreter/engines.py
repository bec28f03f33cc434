"""Builds the engines of a profile: the one place where models and backends meet."""

import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

from . import asr, mt, tts
from .audio import silence
from .connection import Engines
from .errors import InterpreterError, ModelError
from .languages import normalise
from .models import Manifest, Profile, Role, locate
from .mt import Briefing
from .mt.generator import GeneratorTranslator
from .mt.glossary import load_glossary
from .mt.llm import Endpoint, LlmSettings, LlmTranslator
from .mt.router import Router
from .office import NO_OFFICE, Office, load_phrases
from .plain import SECONDS as PLAIN_SECONDS
from .settings import OfficeSettings, Settings, secret
from .tts.voices import Voices
from .vad import SileroVad
from .work import Quality, Run

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """Engines that are ready, and what should be known about them."""

    engines: Engines
    profile: Profile
    notices: tuple[str, ...]
    load_seconds: float
    offices: Mapping[str, Office] = field(default_factory=lambda: {"": NO_OFFICE})
    """By name; "" is what holds where none is named."""

    resources: ExitStack = field(default_factory=ExitStack)
    """What the engines need outside this process."""

    def close(self) -> None:
        """Let go of what lives outside this process."""
        self.resources.close()


def build(settings: Settings, profile: Profile, run: Run) -> House:
    """Load every installed model of the profile; blocks for as long as that takes.

    Raises `ModelError` ("model-missing") where one that cannot be done without is not installed.
    """
    began = time.monotonic()
    notices: list[str] = []
    resources = ExitStack()
    recognizer = load_recognizer(settings, profile, run)
    if recognizer.notice:
        notices.append(recognizer.notice)
    offices = {"": office_of("", settings.office)}
    offices |= {name: office_of(name, each) for name, each in settings.offices.items()}
    translators = load_translators(settings, profile, run, notices.append, resources)
    engines = Engines(
        vad=load_vad(settings, profile),
        recognizer=recognizer,
        translator=Router(translators, offices[""].glossary),
        synthesizer=load_synthesizer(settings, profile, run, notices.append),
        run=run,
        plain=load_rephraser(settings, profile, translators),
    )
    for notice in notices:
        log.warning("%s", notice)
    load_seconds = time.monotonic() - began
    return House(engines, profile, tuple(notices), load_seconds, offices, resources)


def office_of(name: str, settings: OfficeSettings) -> Office:
    """An office with its files read. Raises `SettingsError`."""
    phrases, cards = load_phrases(settings.phrase_files)
    return Office(
        name=name,
        title=settings.title,
        language=normalise(settings.language) if settings.language else "",
        briefing=Briefing(domain=settings.domain, formality=settings.formality),
        glossary=load_glossary(settings.glossary_files),
        own_words=load_glossary(settings.own_glossary_files),
        phrases=phrases,
        cards=cards,
        contact=settings.contact,
        subjects=settings.subjects,
    )


async def warm_up(engines: Engines) -> None:
    """Use every engine once: first calls take up to a second longer, and nobody should wait so.

    What fails here fails again, with somebody to tell, when it is needed.
    """
    translated = {
        language
        for pair, quality in engines.translator.pairs.items()
        for language in pair
        if quality is not Quality.DEMONSTRATION
    }
    with contextlib.suppress(InterpreterError):
        await engines.recognizer.recognize(silence(1.0), dict.fromkeys(translated, 1.0))
    for language, voice in engines.synthesizer.voices.items():
        if language in translated and voice.quality is not Quality.BASIC:
            with contextlib.suppress(InterpreterError):
                async for _ in engines.synthesizer.synthesize("1", language):
                    pass


def load_vad(settings: Settings, profile: Profile) -> SileroVad:
    """The voice activity detector of a profile."""
    manifest = _first(profile, "vad")
    return SileroVad(_folder(settings, manifest) / manifest.files[0].path)


def load_recognizer(settings: Settings, profile: Profile, run: Run) -> asr.Recognizer:
    """The recognizer of a profile."""
    manifest = _first(profile, "asr")
    return asr.load(
        asr.RecognizerSettings(
            backend=manifest.backend,
            model=manifest.id,
            path=_folder(settings, manifest),
            languages=manifest.languages,
            device=settings.device,
            threads=settings.threads_per_call,
        ),
        run,
    )


def load_translators(
    settings: Settings,
    profile: Profile,
    run: Run,
    notice: Callable[[str], None],
    resources: ExitStack,
) -> list[mt.Translator]:
    """The language model that was set up, and the translators of a profile that are installed."""
    translators: list[mt.Translator] = []
    if settings.llm.base_url:
        translators.append(_service(settings))
    for manifest in profile.of("mt"):
        if _is_left_out(manifest, profile, settings, notice):
            continue
        translators.append(
            mt.load(
                mt.TranslatorSettings(
                    backend=manifest.backend,
                    model=manifest.id,
                    path=_folder(settings, manifest),
                    pairs=manifest.translations,
                    device=settings.device,
                    threads=settings.threads_per_call,
                    prompt=manifest.prompt,
                ),
                run,
                resources,
            )
        )
    return translators


def load_rephraser(
    settings: Settings, profile: Profile, translators: Sequence[mt.Translator]
) -> mt.Translator | None:
    """The first language model that is declared to be able to speak plainly."""
    declared = {manifest.id: manifest.plain for manifest in profile.of("mt")}
    declared[f"llm/{settings.llm.model}"] = settings.llm.plain
    for translator in translators:
        if not isinstance(translator, LlmTranslator | GeneratorTranslator):
            continue
        if able := declared.get(translator.name):
            same = {(language, language): Quality.GOOD for language in able}
            return translator.asked("plain", same, PLAIN_SECONDS)
    return None


def _service(settings: Settings) -> LlmTranslator:
    """A language model that runs elsewhere."""
    llm, endpoint = settings.llm, Endpoint(settings.llm.base_url, secret("INTERPRETER_LLM_KEY"))
    return LlmTranslator(
        LlmSettings(
            name=f"llm/{llm.model}",
            model=llm.model,
            prompt=llm.prompt,
            pairs=dict.fromkeys(permutations(llm.languages, 2), llm.quality),
            first_token_seconds=llm.first_token_seconds,
            total_seconds=llm.total_seconds,
            at_once=llm.at_once,
        ),
        lambda: endpoint,
    )


def load_synthesizer(
    settings: Settings,
    profile: Profile,
    run: Run,
    notice: Callable[[str], None],
    only: str | None = None,
) -> tts.Synthesizer:
    """The synthesizers of a profile behind one; `only` those that speak that language."""
    loaded = []
    for manifest in profile.of("tts"):
        if only and only not in manifest.languages:
            continue
        if _is_left_out(manifest, profile, settings, notice):
            continue
        loaded.append(
            tts.load(
                tts.SynthesizerSettings(
                    backend=manifest.backend,
                    model=manifest.id,
                    path=_folder(settings, manifest),
                    languages=manifest.languages,
                    voices={tag: names[0] for tag, names in manifest.voices.items()},
                    threads=settings.threads_per_call,
                ),
                run,
            )
        )
    return Voices(loaded)


def _is_left_out(
    manifest: Manifest, profile: Profile, settings: Settings, notice: Callable[[str], None]
) -> bool:
    """Whether it is not installed, and can be done without."""
    if locate(manifest) is not None or manifest.id not in profile.optional:
        return False
    notice(
        f"{manifest.id} is not installed: {profile.optional[manifest.id]} "
        f"Mend with: interpreter models fetch {settings.profile}"
    )
    return True


def _first(profile: Profile, role: Role) -> Manifest:
    if not (manifests := profile.of(role)):
        raise ModelError("model-missing", f"the profile {profile.name} names no model for {role}")
    return manifests[0]


def _folder(settings: Settings, manifest: Manifest) -> Path:
    if (folder := locate(manifest)) is None:
        raise ModelError(
            "model-missing",
            f"{manifest.id} is not installed; fetch it with: interpreter models fetch "
            f"{settings.profile}",
        )
    return folder

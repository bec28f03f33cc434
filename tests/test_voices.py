"""Which voice speaks, who goes on when it fails, and how loud."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import numpy as np
import pytest

from interpreter.audio import from_float, level
from interpreter.errors import BusyError, SynthesisError
from interpreter.tts import Sound, SynthesizerSettings, Voice, load
from interpreter.tts.voices import Voices
from interpreter.work import Priority, Quality, Run

RATE = 16_000


class Scripted:
    """Hums two stretches a sentence and notes it, until the word that it fails at."""

    def __init__(
        self,
        name: str,
        languages: Mapping[str, Quality],
        *,
        fails_at: str = "never",
        failure: Exception | None = None,
        loudness: float = 0.1,
    ) -> None:
        self.name = name
        self.voices = {tag: Voice(f"{name}/voice", quality) for tag, quality in languages.items()}
        self.spoke: list[str] = []
        self._fails_at = fails_at
        self._failure = failure or SynthesisError("synthesis-failed", "it did not work")
        self._hum = from_float(loudness * np.sin(np.arange(RATE) * 0.3))

    def opening(self, text: str, language: str) -> str:
        return text

    async def synthesize(
        self,
        text: str,
        language: str,
        *,
        speed: float = 1.0,
        opening: Sound | None = None,
        priority: Priority = Priority.SPEECH,
    ) -> AsyncIterator[Sound]:
        yield opening or Sound(self._hum, RATE, self.voices[language].name)
        if self._fails_at in text:
            raise self._failure
        yield Sound(self._hum, RATE, self.voices[language].name)
        self.spoke.append(text)


def speak(voices: Voices, text: str, language: str = "de") -> list[Sound]:
    async def collect() -> list[Sound]:
        return [sound async for sound in voices.synthesize(text, language)]

    return asyncio.run(collect())


def test_the_best_voice_speaks_then_in_the_order_given() -> None:
    basic = Scripted("basic", {"de": Quality.BASIC, "tr": Quality.BASIC})
    good = Scripted("good", {"de": Quality.GOOD, "pt": Quality.GOOD})
    other = Scripted("other", {"pt": Quality.GOOD})
    voices = Voices([basic, good, other])
    assert {tag: voice.name for tag, voice in voices.voices.items()} == {
        "de": "good/voice",
        "tr": "basic/voice",
        "pt": "good/voice",
    }
    assert {sound.voice for sound in speak(voices, "Guten Tag.")} == {"good/voice"}
    assert voices.name == "basic+good+other"


@pytest.mark.parametrize("failure", [None, TimeoutError()])
def test_the_next_voice_goes_on_with_the_sentence_that_failed(failure: Exception | None) -> None:
    first = Scripted("first", {"de": Quality.GOOD}, fails_at="zwei", failure=failure)
    second = Scripted("second", {"de": Quality.GOOD})
    sounds = speak(Voices([first, second]), "Satz eins. Satz zwei. Satz drei.")
    assert first.spoke == ["Satz eins."]
    assert second.spoke == ["Satz zwei.", "Satz drei."]
    assert [sound.voice for sound in sounds][-4:] == ["second/voice"] * 4


def test_a_voice_that_failed_is_tried_again_with_the_next_text() -> None:
    first = Scripted("first", {"de": Quality.GOOD}, fails_at="zwei")
    voices = Voices([first, Scripted("second", {"de": Quality.GOOD})])
    speak(voices, "Satz zwei.")
    speak(voices, "Satz drei.")
    assert first.spoke == ["Satz drei."]


def test_the_failure_is_told_when_no_voice_is_left() -> None:
    slow = Scripted("slow", {"de": Quality.GOOD}, fails_at="a", failure=TimeoutError())
    with pytest.raises(SynthesisError) as failed:
        speak(Voices([slow]), "Guten Tag.")
    assert (failed.value.code, failed.value.retryable) == ("synthesis-timeout", True)


def test_an_overloaded_machine_is_not_asked_again() -> None:
    busy = BusyError("overloaded", "too much waits")
    second = Scripted("second", {"de": Quality.GOOD})
    first = Scripted("first", {"de": Quality.GOOD}, fails_at="a", failure=busy)
    with pytest.raises(BusyError):
        speak(Voices([first, second]), "Guten Tag.")
    assert second.spoke == []


@pytest.mark.parametrize("text", ["Hello.", ""])
def test_a_language_nobody_speaks(text: str) -> None:
    with pytest.raises(SynthesisError) as failed:
        speak(Voices([Scripted("one", {"de": Quality.GOOD})]), text, "en")
    assert failed.value.code == "language-not-spoken"


@pytest.mark.parametrize("loudness", [0.01, 0.1, 1.0])
def test_all_voices_are_equally_loud(loudness: float) -> None:
    voices = Voices([Scripted("one", {"de": Quality.GOOD}, loudness=loudness)])
    assert [level(sound.samples) for sound in speak(voices, "Guten Tag.")] == pytest.approx(
        [-23.0, -23.0], abs=0.1
    )


def test_silence_and_nothing_stay_what_they_are() -> None:
    voices = Voices([Scripted("one", {"de": Quality.GOOD}, loudness=0.0)])
    assert not any(sound.samples.any() for sound in speak(voices, "Guten Tag."))
    assert speak(voices, "") == []


def test_a_click_is_not_blown_up() -> None:
    """A stretch that is nearly all peak keeps within full scale."""
    one = Scripted("one", {"de": Quality.GOOD})
    one._hum = np.zeros(RATE, dtype=np.int16)
    one._hum[100] = 20_000
    [first, _] = speak(Voices([one]), "Guten Tag.")
    assert 0 < np.abs(first.samples.astype(int)).max() <= 0.91 * 32768


def test_real_voices_go_together(
    piper_settings: SynthesizerSettings, espeak_settings: SynthesizerSettings, run: Run
) -> None:
    voices = Voices([load(espeak_settings, run), load(piper_settings, run)])
    english = speak(voices, "Good morning. How can I help you?", "en")
    german = speak(voices, "Guten Morgen. Wie kann ich Ihnen helfen?", "de")
    assert {sound.voice for sound in english} == {"piper/en_US-joe-medium"}
    assert {sound.voice for sound in german} == {"espeak/de"}
    for sound in [*english, *german]:
        # Pauses count here, so a little below the loudness of the speech alone.
        assert -27 < level(sound.samples) < -22.5


def test_what_was_made_ahead_is_spoken_as_it_is() -> None:
    voices = Voices([Scripted("good", {"de": Quality.GOOD})])
    ahead = speak(voices, "Guten Tag.")[0]

    async def collect() -> list[Sound]:
        text = "Guten Tag. Bitte sehr."
        assert voices.opening(text, "de") == "Guten Tag."
        return [sound async for sound in voices.synthesize(text, "de", opening=ahead)]

    sounds = asyncio.run(collect())
    assert sounds[0] is ahead
    assert [sound is ahead for sound in sounds[1:]] == [False, False, False]


def test_what_was_made_ahead_by_a_voice_that_fails_is_not_given_to_the_next() -> None:
    failing = Scripted("failing", {"de": Quality.NATIVE}, fails_at="Tag")
    other = Scripted("other", {"de": Quality.GOOD})
    voices = Voices([failing, other])
    ahead = Sound(from_float(np.zeros(100)), RATE, "failing/voice")

    async def collect() -> list[Sound]:
        return [sound async for sound in voices.synthesize("Guten Tag.", "de", opening=ahead)]

    sounds = asyncio.run(collect())
    assert [sound.voice for sound in sounds] == ["failing/voice", "other/voice", "other/voice"]
    assert sounds[0] is ahead and sounds[1] is not ahead

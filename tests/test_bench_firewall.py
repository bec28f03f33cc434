"""The firewall benchmark, short, with the real engines."""

import asyncio
import json

import numpy as np
import pytest

from interpreter.audio import RATE, resample, silence
from interpreter.bench.feed import feed, rehearsal
from interpreter.bench.firewall import Heard
from interpreter.bench.noise import piece
from interpreter.cli import main
from interpreter.events import Failure, Notice, Party, SpeechStarted, Transcript


def transcript(utterance: int, text: str, *, final: bool) -> Transcript:
    return Transcript(utterance, 1, Party.STAFF, "en", 1.0, text, 0, (), 0.9, final)


def test_an_utterance_with_any_text_counts_once() -> None:
    heard = Heard()
    for event in (
        SpeechStarted(1, Party.STAFF),
        transcript(1, "Thank", final=False),
        transcript(1, "Thank you.", final=True),
        SpeechStarted(2, Party.STAFF),
        transcript(2, "So", final=False),
        Notice("please-repeat", 2, Party.STAFF),
    ):
        heard.note(event)
    assert heard.texts == {1: "Thank you.", 2: "So"}
    assert heard.final == {1}
    assert heard.dropped == 1


def test_what_nobody_noticed_was_dropped_too() -> None:
    heard = Heard()
    assert heard.dropped == 1
    heard.note(SpeechStarted(1, Party.STAFF))
    heard.note(SpeechStarted(2, Party.STAFF))
    heard.note(transcript(1, "So", final=False))
    assert heard.dropped == 2  # nothing came of them, not even a word about it
    heard.note(transcript(1, "So.", final=True))
    assert heard.dropped == 1
    heard.note(Failure("recognition-timeout", True, 2))
    assert (heard.dropped, heard.failures) == (1, 1)


def test_noise_becomes_no_text_and_a_sentence_is_not_dropped() -> None:
    async def listen() -> tuple[Heard, Heard]:
        noise, speech = Heard(), Heard()
        async with feed(of, "en", noise.note) as feeder:
            await feeder.hear(piece("white", 2)[: 20 * RATE])
            await feeder.hush()
        sounds = [
            resample(sound.samples, sound.rate, RATE)
            async for sound in of.engines.synthesizer.synthesize(
                "Please fill in this form and bring it back by Friday.", "en"
            )
        ]
        async with feed(of, "en", speech.note) as feeder:
            await feeder.hear(np.concatenate([silence(0.5), *sounds]))
            await feeder.hush()
        return noise, speech

    with rehearsal("embedded") as of:
        assert of.languages == ["en", "pt"]
        assert of.partner("en") == "pt"
        noise, speech = asyncio.run(listen())
    assert not noise.texts
    assert not noise.notices
    assert speech.dropped == 0
    assert of.vad.speech > 1.5 * RATE
    (text,) = [speech.texts[number] for number in speech.final]
    assert "form" in text


def test_the_command_prints_what_it_measured(capsys: pytest.CaptureFixture[str]) -> None:
    asked = "bench firewall --minutes 0.2 --kind hum --kind own-voice --language pt"
    assert main(asked.split()) == 0
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["benchmark"] == "firewall"
    assert result["false_texts"] == 0
    assert result["hours"] == pytest.approx(0.4 / 60, abs=1e-3)
    assert set(result["noises"]["own-voice"]) == {"pt"}
    hum = result["noises"]["hum"]["pt"]
    assert (hum["speech_share"], hum["notices_per_hour"]) == (0.0, 0.0)
    assert result["wrongly_dropped_share"] is None
    assert "hum pt: 0 false texts" in printed.err


def test_a_language_that_is_not_interpreted_is_asked_wrongly(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = "bench firewall --language xx --kind hum --minutes 0.1"
    assert main(asked.split()) == 2
    assert "en, pt" in capsys.readouterr().err

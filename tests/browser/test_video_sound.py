"""What one hears in a call: the interpretation as it is, and people behind it, lowered."""

import asyncio
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from browsing import blank_page, spoken
from engine_room import QUESTION, wait
from in_process import Running
from playwright.sync_api import Page
from video_calls import Launch, caller, join, sees

from interpreter.audio import RATE, Samples, resample
from interpreter.connection import Engines

SPEECH_RATE = 24_000
DOWN_SECONDS = 0.06
BACK_SECONDS = 0.3 + 0.4
"""After the voice: first nothing happens, then the original comes up."""

CEILING = 0.9
Sound = npt.NDArray[np.float32]

MIX = """async ([voice, sounding, original, level]) => {
  const { Mixer } = await import('/web/video/ducking.js');
  const context = new OfflineAudioContext(1, voice.length, 24000);
  const player = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
  const mixer = new Mixer();
  mixer.setLevel(level);
  await mixer.attach(player);
  const play = (to, input, ...channels) => {
    const buffer = context.createBuffer(channels.length, voice.length, 24000);
    channels.forEach((channel, n) => buffer.copyToChannel(Float32Array.from(channel), n));
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(to, 0, input);
    source.start();
  };
  play(player, 0, voice, sounding);
  play(mixer.node, 2, original);
  const rendered = await context.startRendering();
  return [...rendered.getChannelData(0)];
}"""
"""Renders the mixture of a voice, and an original it stands for."""


@pytest.fixture
def page(service: Running, launch: Launch) -> Page:
    return blank_page(launch().new_context(), service.address)


@pytest.fixture(scope="session")
def voice(engines: Engines) -> Sound:
    """An interpretation: half a second of nothing, a sentence, and two seconds of nothing."""
    said = asyncio.run(spoken(engines, "Please bring your passport and two photographs.", "en"))
    return _padded(said, 0.5, 2.0)


@pytest.fixture(scope="session")
def original(engines: Engines, voice: Sound) -> Sound:
    """Somebody who speaks all the time meanwhile."""
    said = asyncio.run(spoken(engines, QUESTION, "pt"))
    return np.resize(_padded(said, 0, 0), len(voice))


def _padded(said: Samples, before: float, after: float) -> Sound:
    gaps = [np.zeros(round(seconds * SPEECH_RATE), np.float32) for seconds in (before, after)]
    sound = resample(said, RATE, SPEECH_RATE).astype(np.float32) / 32768
    return np.concatenate([gaps[0], sound, gaps[1]])


def gate(voice: Sound) -> Sound:
    """1 from the sentence's first sample to its last."""
    sounding = np.zeros(len(voice), np.float32)
    sounding[SPEECH_RATE // 2 : len(voice) - 2 * SPEECH_RATE] = 1
    return sounding


def mixed(page: Page, voice: Sound, original: Sound, level: float) -> Sound:
    given = [each.astype(float).tolist() for each in (voice, gate(voice), original)]
    return np.array(page.evaluate(MIX, [*given, level]), np.float32)


def peak(sound: Sound, to: float) -> Sound:
    return sound * np.float32(to / np.max(np.abs(sound)))


def gains(people: Sound, original: Sound) -> Sound:
    """Of the original in what is left of a mixture without its voice; where there is any."""
    heard = np.abs(original) > 0.01
    return np.asarray(people[heard] / original[heard], np.float32)


def test_the_original_is_lowered_under_the_interpretation_and_raised_after(
    page: Page, voice: Sound, original: Sound
) -> None:
    voice, original = peak(voice, 0.7), peak(original, 0.8)
    out = mixed(page, voice, original, 0.15)
    people = out - voice
    begin = SPEECH_RATE // 2
    end = len(voice) - 2 * SPEECH_RATE
    low = slice(begin + round(DOWN_SECONDS * SPEECH_RATE), end)
    back = slice(end + round(BACK_SECONDS * SPEECH_RATE), None)
    assert gains(people[:begin], original[:begin]) == pytest.approx(1, abs=1e-4)
    assert gains(people[low], original[low]) == pytest.approx(0.15, abs=1e-3)
    assert gains(people[back], original[back]) == pytest.approx(1, abs=1e-4)
    # Down and up again without a jump.
    steps = np.diff(gains(people, original)) / np.diff(np.flatnonzero(np.abs(original) > 0.01))
    assert np.max(np.abs(steps)) < 1.01 / (DOWN_SECONDS * SPEECH_RATE)


def test_without_anybody_the_interpretation_is_what_it_was(page: Page, voice: Sound) -> None:
    out = mixed(page, voice, np.zeros_like(voice), 0.15)
    assert np.array_equal(out, voice)


@pytest.mark.parametrize("level", [0.15, 0.5, 1.0])
def test_nothing_is_clipped_and_the_interpretation_never_attenuated(
    page: Page, voice: Sound, original: Sound, level: float
) -> None:
    loud, shout = peak(voice, 0.98), peak(original, 1.0)
    out = mixed(page, loud, shout, level)
    assert np.max(np.abs(out)) <= 0.98 + 1e-6
    over = np.abs(loud) < CEILING
    assert np.max(np.abs(out[over])) <= CEILING + 1e-6
    # What is added to the voice is the original, by a gain from none to all: so the voice is whole
    # from its first sample on.
    added = gains(out - loud, shout)
    assert np.min(added) >= -1e-4 and np.max(added) <= 1 + 1e-4
    begin = slice(SPEECH_RATE // 2, SPEECH_RATE // 2 + SPEECH_RATE // 100)
    assert np.all(np.abs((out - loud)[begin]) <= np.abs(shout[begin]) + 1e-6)


def test_the_worklet_shows_the_very_samples_in_which_a_voice_sounds(page: Page) -> None:
    told = page.evaluate(
        """async () => {
          globalThis.sampleRate = 24000;
          globalThis.AudioWorkletProcessor = class { port = { postMessage() {} }; };
          const made = {};
          globalThis.registerProcessor = (name, maker) => { made[name] = maker; };
          await import('/web/playback-worklet.js');
          const playback = new made.playback();
          const out = [];
          const play = (blocks) => {
            for (let n = 0; n < blocks; n += 1) {
              const [sound, sounding] = [new Float32Array(128), new Float32Array(128)];
              playback.process([], [[sound], [sounding]]);
              sound.forEach((sample, at) => out.push([sample, sounding[at]]));
            }
          };
          const push = (utterance, size) =>
            playback.take({ what: 'push', utterance, samples: new Float32Array(size).fill(0.5) });
          play(2);
          playback.take({ what: 'begin', utterance: 1 });
          push(1, 1900);
          play(2); // too little to begin
          push(1, 100);
          play(20); // all of it, and then none came for a while
          push(1, 2000);
          playback.take({ what: 'end', utterance: 1 });
          play(10);
          playback.take({ what: 'stop', utterance: 1 });
          play(2);
          return out;
        }"""
    )
    samples = np.array(told)
    sounding = samples[:, 1] == 1
    assert np.array_equal(sounding, samples[:, 0] == 0.5)
    edges = np.flatnonzero(np.diff(sounding)) + 1
    assert edges.tolist() == [4 * 128, 4 * 128 + 2000, 24 * 128, 34 * 128]


def test_in_a_call_the_other_is_lowered_while_a_voice_sounds(
    service: Running, launch: Launch
) -> None:
    tokens = service.open()
    seconds = np.arange(60 * RATE) / RATE
    tone = (9000 * np.sin(2 * np.pi * 300 * seconds)).astype(np.int16)
    staff = join(caller(launch, service.address), tokens["staff"])
    visitor = join(caller(launch, service.address, tone), tokens["visitor"])
    sees(staff)
    staff.evaluate(
        """() => {
          const { node } = call.mixer;
          const ear = new AnalyserNode(node.context, { fftSize: 4096 });
          node.connect(ear);
          globalThis.heard = () => {
            const samples = new Float32Array(ear.fftSize);
            ear.getFloatTimeDomainData(samples);
            return Math.sqrt(samples.reduce((sum, each) => sum + each ** 2, 0) / samples.length);
          };
          globalThis.silentVoice = (seconds) => {
            talk.player.begin(9);
            talk.player.push(9, new Int16Array(24000 * seconds));
            talk.player.end(9);
          };
        }"""
    )
    wait(staff, "heard() > 0.1")
    staff.wait_for_timeout(1000)
    usual = staff.evaluate("heard()")
    for level in (0.15, 0.5, 1):
        staff.evaluate("level => call.setLevel(level)", level)
        assert staff.evaluate("call.state.level") == level
        staff.evaluate("silentVoice(3)")
        staff.wait_for_timeout(1500)
        assert staff.evaluate("heard()") == pytest.approx(level * usual, rel=0.15)
        wait(staff, f"heard() > {0.9 * usual}")
        staff.wait_for_timeout(2500)
    # Somebody of one's own side is interpreted to nobody.
    staff.evaluate("call.mixer.remove(call.state.peers[0].stream)")
    wait(staff, "heard() < 0.001")
    staff.evaluate("call.mixer.add(call.state.peers[0].stream, false); call.setLevel(0.15)")
    wait(staff, f"heard() > {0.9 * usual}")
    staff.evaluate("silentVoice(3)")
    staff.wait_for_timeout(1500)
    assert staff.evaluate("heard()") == pytest.approx(usual, rel=0.15)
    visitor.evaluate("talk.leave()")
    wait(staff, "heard() < 0.001")


LEVELS = """async (samples) => {
  const { Bandwidth } = await import('/web/video/bandwidth.js');
  const bandwidth = new Bandwidth();
  return samples.map((sample) => bandwidth.take(sample));
}"""


def line(bits: float | None, lost: float = 0.0, delay: float = 0.05) -> dict[str, Any]:
    return {"available": bits, "lost": lost, "delay": delay}


def test_a_thin_line_loses_its_picture_first_and_gets_it_back(page: Page) -> None:
    def levels(*samples: dict[str, Any]) -> list[str]:
        made: list[str] = json.loads(json.dumps(page.evaluate(LEVELS, list(samples))))
        return made

    good, thin, bad = line(2e6), line(3e5), line(8e4)
    assert levels(*[good] * 30) == ["full"] * 30
    # A moment is not enough; three samples are, for each step.
    assert levels(thin, thin, good, thin, thin, good) == ["full"] * 6
    assert levels(*[thin] * 20) == ["full"] * 2 + ["reduced"] * 18
    assert levels(*[bad] * 6)[-1] == "none"
    assert levels(*[line(2e6, lost=0.2)] * 6)[-1] == "none"
    # A long way is not a bad line; a queue that grows is.
    assert levels(*[line(2e6, delay=0.9)] * 10)[-1] == "full"
    assert levels(good, *[line(2e6, delay=0.9)] * 3)[-1] == "reduced"
    # Without a picture the browser's estimate says nothing, and lost packets do.
    back = levels(*[bad] * 6, *[bad] * 10)
    assert back[-1] == "reduced"
    assert levels(*[bad] * 6, *[line(8e4, lost=0.2)] * 20)[-1] == "none"
    # It did not bear more after all: the next attempt comes later.
    again = levels(*[bad] * 6, *[bad] * 10, *[bad] * 3, *[bad] * 19, *[bad] * 1)
    assert again[15] == "reduced" and again[18] == "none"
    assert again[-2:] == ["none", "reduced"]

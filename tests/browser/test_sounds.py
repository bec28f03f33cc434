"""Loudspeaker and microphone of the page: what is really heard, and when they are silent."""

from collections.abc import Callable
from typing import Any

import pytest
from browsing import blank_page
from engine_room import START, state, wait
from in_process import Running
from playwright.sync_api import Browser, Page

Launch = Callable[..., Browser]

LONG = "Please bring your passport, two photographs, your rental contract and the form. " * 3

PLAYER = """async () => {
  const { Player } = await import('/web/playback.js');
  const player = globalThis.player = new Player();
  globalThis.reports = [];
  player.addEventListener('played', ({ detail }) => reports.push(detail));
  await player.resume();
  globalThis.push = (utterance, count) => {
    for (let n = 0; n < count; n += 1) player.push(utterance, new Int16Array(2400));
  };
  globalThis.speak = (utterance, count) => {
    player.begin(utterance);
    push(utterance, count);
    player.end(utterance);
  };
}"""
"""A `player` that is spoken to in tenths of a second, and its `reports`."""

TRACK = """async () => {
  const take = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await take(wanted);
    globalThis.track = stream.getAudioTracks()[0];
    return stream;
  };
}"""
"""Keeps the microphone's `track`, as the browser knows it."""


def reports(page: Page) -> Any:
    return page.evaluate("reports")


def test_all_of_a_voice_is_reported_as_played(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    page.evaluate(
        """() => {
          globalThis.samples = 0;
          const count = ({ detail }) => { samples += detail.samples.length; };
          talk.connection.addEventListener('audio', count);
        }"""
    )
    page.evaluate("text => talk.say(text, 'staff')", LONG)
    wait(page, "talk.state.lines[0]?.spoken === 'done'")
    told = reports(page)
    assert told[-1] == {
        "utterance": 1,
        "milliseconds": page.evaluate("samples") // 24,
        "done": True,
    }
    # Often enough for the service to know what the microphone hears.
    heard = [0] + [report["milliseconds"] for report in told]
    assert max(later - earlier for earlier, later in zip(heard, heard[1:], strict=False)) <= 500


def test_a_stopped_voice_stays_silent_until_it_is_said_again(
    service: Running, launch: Launch
) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(PLAYER)
    page.evaluate("player.begin(1); push(1, 100)")
    wait(page, "reports.length >= 2")
    page.evaluate("player.stop(1)")
    wait(page, "reports.at(-1).done")
    stopped = reports(page)
    assert 0 < stopped[-1]["milliseconds"] < 10_000  # not to its end
    # What was on its way comes to nothing; another voice is heard in full.
    page.evaluate("push(1, 10); player.end(1); speak(2, 3)")
    wait(page, "reports.at(-1).done && reports.at(-1).utterance === 2")
    assert {report["utterance"] for report in reports(page)[len(stopped) :]} == {2}
    assert reports(page)[-1]["milliseconds"] == 300
    page.evaluate("speak(1, 4)")
    wait(page, "reports.at(-1).done && reports.at(-1).utterance === 1")
    assert reports(page)[-1]["milliseconds"] == 400


def test_a_voice_that_comes_slowly_is_heard_in_full(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(PLAYER)
    page.evaluate("player.begin(1); push(1, 1)")
    wait(page, "reports.length >= 1")
    page.wait_for_timeout(400)
    page.evaluate("push(1, 2); speak(2, 1)")
    page.wait_for_timeout(400)
    page.evaluate("push(1, 1); player.end(1)")
    wait(page, "reports.at(-1).done && reports.at(-1).utterance === 2")
    done = [
        (report["utterance"], report["milliseconds"]) for report in reports(page) if report["done"]
    ]
    assert done == [(1, 400), (2, 100)]


def test_without_a_loudspeaker_nobody_is_said_to_speak(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(
        """() => {
          globalThis.addModule = AudioWorklet.prototype.addModule;
          AudioWorklet.prototype.addModule = () => Promise.reject(new Error());
        }"""
    )
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    assert page.evaluate("talk.player.node") is None
    page.evaluate("talk.say('Please take a seat.', 'staff')")
    wait(page, "talk.state.lines[0]?.spoken === 'done'")
    assert state(page)["activity"] == "idle"
    # The next tap tries again.
    page.evaluate("() => { AudioWorklet.prototype.addModule = addModule; }")
    page.locator("body").click(force=True)
    wait(page, "talk.player.node !== null")
    page.evaluate("talk.sayAgain(undefined, 'visitor')")
    wait(page, "reports.at(-1).milliseconds > 500")


def test_one_side_stops_its_own_voices_only(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    page.evaluate("talk.say('Traga o seu passaporte e duas fotografias, por favor.', 'visitor')")
    page.evaluate("talk.say('Please take a seat.', 'staff')")
    wait(page, "talk.doing.voices.size === 2")
    page.evaluate("talk.stopSpeaking('staff')")
    assert page.evaluate("[...talk.doing.voices.values()]") == ["visitor"]
    wait(page, "talk.state.lines[1]?.spoken === 'done'")
    assert [line["spoken"] for line in state(page)["lines"]] == ["stopped", "done"]


def test_the_button_stops_every_voice(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    page.evaluate("text => talk.say(text, 'staff')", LONG)
    wait(page, "reports.length > 2")
    page.evaluate("talk.talk(true, 'visitor')")
    assert state(page)["lines"][0]["spoken"] == "stopped"
    assert page.evaluate("talk.doing.voices.size") == 0
    wait(page, "reports.at(-1).done")


@pytest.mark.parametrize("how", ["talk.leave()", "talk.closeMicrophone()"])
def test_a_microphone_that_opens_too_late_is_closed_again(
    service: Running, launch: Launch, how: str
) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(START, [service.open()["shared"], "shared_microphone"])
    page.evaluate(TRACK)
    opened = page.evaluate(
        "async () => { const opening = talk.openMicrophone().then(() => true, () => false);"
        f" {how}; return opening; }}"
    )
    assert opened is False
    assert page.evaluate("[track.readyState, talk.microphone]") == ["ended", None]


def test_a_suspended_microphone_goes_on(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(
        """async () => {
          const Real = AudioContext;
          globalThis.AudioContext = class extends Real {
            constructor(options) { super(options); globalThis.context = this; }
          };
          globalThis.frames = 0;
          const { openMicrophone } = await import('/web/capture.js');
          await openMicrophone({ onFrame: () => { frames += 1; } });
          await context.suspend();
          frames = 0;
        }"""
    )
    wait(page, "frames > 20")


def test_the_microphone_is_mute_while_a_person_interprets(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(START, [service.open()["shared"], "shared_microphone"])
    page.evaluate(TRACK)
    page.evaluate("talk.openMicrophone()")
    assert page.evaluate("track.enabled") is True
    page.evaluate("talk.handover('begin')")
    wait(page, "talk.state.handover?.state === 'active'")
    assert page.evaluate("track.enabled") is False
    page.evaluate("talk.handover('end')")
    wait(page, "talk.state.handover === null")
    assert page.evaluate("track.enabled") is True

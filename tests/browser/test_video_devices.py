"""Cameras and microphones that fail, change or appear in the middle of a call."""

import numpy as np
import pytest
from browsing import blank_page
from engine_room import wait
from in_process import Running
from playwright.sync_api import Page
from video_calls import Launch, caller, hears, join, peers, sees, speak

from interpreter.audio import Samples, silence

DEVICES = """() => {
  const { mediaDevices } = navigator;
  const list = mediaDevices.enumerateDevices.bind(mediaDevices);
  globalThis.hidden = () => false;
  mediaDevices.enumerateDevices = async () => (await list()).filter((each) => !hidden(each));
  globalThis.second = ({ label }) => / 2$|_1$/.test(label);
  globalThis.appear = (test) => {
    hidden = test;
    mediaDevices.dispatchEvent(new Event('devicechange'));
  };
}"""
"""Fake devices can be neither plugged in nor pulled out, so some are left out of the list."""

OFFERS = """() => {
  globalThis.offers = 0;
  talk.connection.addEventListener('message', ({ detail }) => {
    if (detail.description) offers += 1;
  });
}"""

LOUDNESS = """async () => {
  const before = await stats(0, 'audio', 'totalAudioEnergy');
  await new Promise((resolve) => setTimeout(resolve, 500));
  return (await stats(0, 'audio', 'totalAudioEnergy')) - before;
}"""
"""How much sound came from somebody in half a second."""


def in_call(service: Running, launch: Launch, heard: Samples | None = None) -> tuple[Page, Page]:
    tokens = service.open()
    staff = join(caller(launch, service.address), tokens["staff"])
    two = "--use-fake-device-for-media-stream=device-count=2"
    visitor = caller(launch, service.address, heard, two)
    visitor.evaluate(DEVICES)
    join(visitor, tokens["visitor"])
    sees(staff)
    return staff, visitor


@pytest.mark.parametrize(("allowed", "camera"), [(["microphone"], "refused"), ([], "refused")])
def test_who_refuses_the_camera_is_heard_and_sees(
    service: Running, launch: Launch, allowed: list[str], camera: str
) -> None:
    tokens = service.open()
    staff = join(caller(launch, service.address), tokens["staff"])
    context = launch(None, "--allow-loopback-in-peer-connection", allow=False).new_context(
        permissions=allowed
    )
    visitor = join(blank_page(context, service.address), tokens["visitor"])
    sees(visitor)
    microphone = "on" if allowed else "refused"
    assert visitor.evaluate("[media.state.camera, media.state.microphone]") == [camera, microphone]
    wait(staff, "call.state.peers[0].picture === 'off'")
    assert staff.evaluate("call.state.peers[0].microphone") is bool(allowed)
    if allowed:
        hears(staff)
    # They think better of it.
    context.grant_permissions(["camera", "microphone"])
    wait(visitor, "media.state.camera === 'on' && media.state.microphone === 'on'")
    sees(staff)
    hears(staff)


def test_another_microphone_goes_to_people_and_interpreter_without_negotiating(
    service: Running, launch: Launch, question: Samples
) -> None:
    # A fake microphone begins to play its file when it is opened.
    staff, visitor = in_call(service, launch, np.concatenate([silence(1.0), question]))
    visitor.evaluate("talk.openMicrophone()")
    wait(visitor, "talk.state.lines[0]?.target?.final")
    visitor.evaluate(OFFERS)
    named = speak(visitor)
    assert visitor.evaluate("media.state.used.microphone") == named
    assert visitor.evaluate("media.microphone.getSettings().deviceId") == named
    staff.wait_for_function(f"async () => await ({LOUDNESS})() > 0.0001", timeout=60_000)
    wait(visitor, "talk.state.lines[1]?.target?.final")
    hears(staff)
    cameras = visitor.evaluate("media.state.devices.camera.map(({ id }) => id)")
    assert len(cameras) == 2
    visitor.evaluate("id => media.useCamera(id)", cameras[1])
    assert visitor.evaluate("media.camera.getSettings().deviceId") == cameras[1]
    sees(staff)
    assert visitor.evaluate("offers") == 0


def test_what_is_unplugged_is_replaced_by_what_is_there(service: Running, launch: Launch) -> None:
    staff, visitor = in_call(service, launch)
    visitor.evaluate(
        """() => {
          globalThis.told = [];
          media.addEventListener('change', () => told.push(media.state.microphone));
          const pull = (track) => { track.stop(); track.dispatchEvent(new Event('ended')); };
          appear(() => true);
          for (const track of [media.microphone, media.camera]) pull(track);
        }"""
    )
    wait(staff, "call.state.peers[0].picture === 'off' && !call.state.peers[0].microphone")
    lost = "media.state.microphone === 'lost' && media.state.camera === 'lost'"
    wait(visitor, f"{lost} && media.state.devices.microphone.length === 0")
    visitor.wait_for_timeout(1000)
    assert visitor.evaluate(lost)
    visitor.evaluate("appear(() => false)")
    wait(visitor, "media.state.microphone === 'on' && media.state.camera === 'on'")
    sees(staff)
    assert peers(staff)[0]["microphone"] is True


def test_a_headset_that_appears_is_offered(service: Running, launch: Launch) -> None:
    staff, visitor = in_call(service, launch)
    visitor.evaluate("appear(second)")
    wait(visitor, "media.state.devices.camera.length === 1")
    assert visitor.evaluate("media.state.appeared") is None
    visitor.evaluate("appear((each) => second(each) && each.kind !== 'audioinput')")
    wait(visitor, "media.state.appeared?.kind === 'microphone'")
    named = visitor.evaluate("media.state.appeared.id")
    visitor.evaluate("media.answer(true)")
    wait(visitor, f"media.state.used.microphone === '{named}'")
    assert visitor.evaluate("media.state.appeared") is None
    hears(staff)
    # One that goes again before anybody has answered is no longer offered.
    visitor.evaluate("appear((each) => second(each) && each.kind === 'audiooutput')")
    wait(visitor, "media.state.appeared?.kind === 'camera'")
    visitor.evaluate("appear((each) => second(each) && each.kind !== 'audioinput')")
    wait(visitor, "media.state.appeared === null")


def test_a_loudspeaker_that_goes_gives_way_to_the_usual_one(
    service: Running, launch: Launch
) -> None:
    _, visitor = in_call(service, launch)
    chosen = "media.state.devices.speaker.find(({ id }) => id !== 'default').id"
    visitor.evaluate(f"media.useSpeaker({chosen})")
    used = visitor.evaluate("media.state.used.speaker")
    assert visitor.evaluate("call.mixer.speaker") == used
    visitor.evaluate("id => appear(({ deviceId }) => deviceId === id)", used)
    wait(visitor, "media.state.speakerLost && media.state.used.speaker === ''")
    assert visitor.evaluate("call.mixer.speaker") == ""
    visitor.evaluate("media.useSpeaker('')")
    assert visitor.evaluate("media.state.speakerLost") is False


BUSY = """(name) => {
  const { mediaDevices } = navigator;
  const take = mediaDevices.getUserMedia.bind(mediaDevices);
  globalThis.fault = name;
  mediaDevices.getUserMedia = (wanted) =>
    fault && wanted.video ? Promise.reject(new DOMException('', fault)) : take(wanted);
}"""
"""Another program's hold on a camera, which fake devices do not know."""


@pytest.mark.parametrize(
    ("fault", "code"),
    [("NotReadableError", "busy"), ("NotFoundError", "missing"), ("TypeError", "failed")],
)
def test_a_camera_that_does_not_open_leaves_the_sound(
    service: Running, launch: Launch, fault: str, code: str
) -> None:
    tokens = service.open()
    staff = join(caller(launch, service.address), tokens["staff"])
    visitor = caller(launch, service.address)
    visitor.evaluate(BUSY, fault)
    join(visitor, tokens["visitor"])
    hears(staff)
    assert visitor.evaluate("[media.state.camera, media.state.microphone]") == [code, "on"]
    wait(staff, "call.state.peers[0].picture === 'off'")
    visitor.evaluate("fault = ''; media.setCamera(true)")
    sees(staff)


def test_a_camera_that_is_not_there_leaves_the_one_before(service: Running, launch: Launch) -> None:
    staff, visitor = in_call(service, launch)
    used = visitor.evaluate("media.state.used.camera")
    visitor.evaluate("media.useCamera('nonsense')")
    state = visitor.evaluate("[media.state.camera, media.state.used.camera]")
    assert state == ["on", used]
    visitor.evaluate("media.useMicrophone('nonsense')")
    assert visitor.evaluate("[media.state.microphone, media.microphone.readyState]") == [
        "on",
        "live",
    ]
    sees(staff)


def test_a_closed_lid_is_told_and_over_when_it_opens(service: Running, launch: Launch) -> None:
    staff, visitor = in_call(service, launch)
    lid = """(closed) => {
      const { camera } = media;
      Object.defineProperty(camera, 'muted', { value: closed, configurable: true });
      camera.dispatchEvent(new Event(closed ? 'mute' : 'unmute'));
    }"""
    visitor.evaluate(lid, True)
    wait(visitor, "media.state.camera === 'lost'")
    wait(staff, "call.state.peers[0].picture === 'off'")
    hears(staff)
    visitor.evaluate(lid, False)
    sees(staff)


def test_only_the_last_wish_counts(service: Running, launch: Launch) -> None:
    page = caller(launch, service.address)
    ended = page.evaluate(
        """async () => {
          const { mediaDevices } = navigator;
          const take = mediaDevices.getUserMedia.bind(mediaDevices);
          const all = [];
          mediaDevices.getUserMedia = async (wanted) => {
            const stream = await take(wanted);
            all.push(...stream.getTracks());
            return stream;
          };
          const { Media } = await import('/web/video/media.js');
          const media = new Media();
          const opening = media.open();
          media.setCamera(false);
          await opening;
          const first = [media.state.camera, media.state.microphone, media.camera === undefined];
          const again = media.setCamera(true);
          media.close();
          await again;
          return [first, all.length, all.every(({ readyState }) => readyState === 'ended')];
        }"""
    )
    assert ended == [["off", "on", True], 3, True]


def test_without_a_safe_connection_there_are_no_devices(service: Running, launch: Launch) -> None:
    page = caller(launch, service.address)
    state = page.evaluate(
        """async () => {
          Object.defineProperty(navigator, 'mediaDevices', { value: undefined });
          const { Media } = await import('/web/video/media.js');
          const media = new Media();
          await media.open();
          return [media.state.camera, media.state.microphone];
        }"""
    )
    assert state == ["insecure", "insecure"]

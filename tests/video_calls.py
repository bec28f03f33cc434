"""Video calls on empty pages: browsers with fake cameras, and what a test asks of them."""

import json
from collections.abc import Callable
from typing import Any

from browsing import blank_page
from engine_room import wait
from playwright.sync_api import Browser, Page

from interpreter.audio import Samples

Launch = Callable[..., Browser]

CALL = """async ([token, watching]) => {
  const { Conversation } = await import('/web/conversation.js');
  const { Media } = await import('/web/video/media.js');
  const { Call } = await import('/web/video/call.js');
  const media = globalThis.media = new Media();
  await media.open();
  const talk = globalThis.talk = new Conversation({
    token, turnTaking: 'own_microphone', video: true, watching, track: () => media.microphone,
  });
  globalThis.call = new Call({ conversation: talk, media });
  globalThis.other = (place = 0) => [...call.others.values()][place]?.peer;
  globalThis.stats = async (place, kind, name) => {
    const all = [...((await other(place)?.connection.getStats()) ?? new Map()).values()];
    const got = all.filter((each) => each.type === 'inbound-rtp' && each.kind === kind);
    return Math.max(0, ...got.map((each) => each[name] ?? 0));
  };
  globalThis.frames = (place = 0) => stats(place, 'video', 'framesDecoded');
  globalThis.packets = (place = 0) => stats(place, 'audio', 'packetsReceived');
  globalThis.roundTrip = async (place = 0) => {
    const all = [...(await other(place).connection.getStats()).values()];
    return Math.max(...all.map(({ roundTripTime }) => roundTripTime ?? 0));
  };
  globalThis.route = async (place = 0) => {
    const all = await other(place).connection.getStats();
    const { selectedCandidatePairId } = [...all.values()].find(({ type }) => type === 'transport');
    const { localCandidateId, remoteCandidateId } = all.get(selectedCandidatePairId);
    return [localCandidateId, remoteCandidateId].map((id) => {
      const { candidateType, address } = all.get(id);
      return [candidateType, address];
    });
  };
  await talk.start();
  return talk.state.connection;
}"""
"""Joins a conversation with picture and voice, as `media`, `talk` and `call`."""


def join(page: Page, token: str, *, watching: bool = False) -> Page:
    assert page.evaluate(CALL, [token, watching]) == "open"
    return page


def caller(launch: Launch, address: str, heard: Samples | None = None, *more: str) -> Page:
    """An empty page of a browser of its own."""
    browser = launch(heard, "--allow-loopback-in-peer-connection", *more)
    return blank_page(browser.new_context(), address)


def is_live(page: Page, number: int = 1) -> None:
    """Until the ways to so many others are there."""
    wait(
        page, f"call.state.peers.filter(({{ picture }}) => picture === 'live').length === {number}"
    )


def hears(page: Page, place: int = 0) -> None:
    """Until more of somebody's voice has come."""
    before = page.evaluate(f"packets({place})")
    more = f"async (before) => await packets({place}) > before + 25"
    page.wait_for_function(more, arg=before, timeout=60_000)


def sees(page: Page, number: int = 1) -> None:
    """Until pictures and sound of so many others come, and go on coming."""
    is_live(page, number)
    for place in range(number):
        before = page.evaluate(f"frames({place})")
        more = f"async (before) => await frames({place}) > before + 5"
        page.wait_for_function(more, arg=before, timeout=60_000)
        hears(page, place)


def speak(page: Page) -> str:
    """Open another microphone, whose file begins; its name."""
    second = "media.state.devices.microphone.find(({ label }) => / 2$/.test(label)).id"
    named: str = page.evaluate(second)
    page.evaluate("id => media.useMicrophone(id)", named)
    return named


def peers(page: Page) -> list[dict[str, Any]]:
    """What the page knows of the others."""
    told: list[dict[str, Any]] = json.loads(page.evaluate("JSON.stringify(call.state.peers)"))
    return told

"""A video appointment in two Chromium processes: time to the picture, and what the call costs."""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
from measure_page import _begin as begin_at_the_tablet
from playwright.async_api import Browser, Page, Playwright, WebSocket, async_playwright

from interpreter.audio import RATE, resample, silence, write_wav
from interpreter.bench.measures import machine, processor_seconds, server_process, spread
from interpreter.engines import load_synthesizer
from interpreter.models import load_profile
from interpreter.scheduler import Scheduler
from interpreter.settings import Settings
from interpreter_desk.own_server import own_server
from interpreter_desk.rest import Staff

ABOUT = """\
Lets two people meet by video through a service with the embedded models; the visitor's fake
microphone says the same Portuguese question every 12 s. Then the same at a tablet. The browsers
give way to the service, since otherwise they run on machines of their own. Prints JSON:

  link_to_picture_seconds   from opening the visitor's link to the first picture of the other, with
                            somebody who presses each button at once
  service_cpu_percent       of a core: pictures only (signalling), and with both microphones open
                            in silence
  first_audio_seconds       from the last word to the first translated sound sent, in the call and
                            at the tablet (goal: 0.2 s apart)
  caption_to_voice_seconds  from the complete caption until the page plays its voice, in the first
                            and in the last third of the call: no drift
"""
SAID = "Bom dia, preciso de renovar a minha autorização de residência."
EVERY_SECONDS = 12.0
PATIENCE_MS = 60_000
BROWSER_NICENESS = 19


@dataclass
class Told:
    """What passed over a page's websocket, as far as it is measured."""

    first_audio: list[float] = field(default_factory=list)
    captions: dict[int, float] = field(default_factory=dict)
    voices: dict[int, float] = field(default_factory=dict)
    """Monotonic seconds, by utterance: when it was shown, and when it began to be heard."""

    def watch(self, page: Page) -> None:
        page.on("websocket", self._watch)

    def lags(self) -> list[float]:
        """From caption to voice, utterance by utterance."""
        both = sorted(self.captions.keys() & self.voices.keys())
        return [self.voices[each] - self.captions[each] for each in both]

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._take)
        socket.on("framesent", self._sent)

    def _take(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes):
            return
        message = json.loads(frame)
        if message["type"] == "translation" and message.get("final"):
            self.captions.setdefault(message["utterance"], time.monotonic())
        elif message["type"] == "timing" and message.get("first_audio") is not None:
            self.first_audio.append(message["first_audio"])

    def _sent(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes):
            return
        message = json.loads(frame)
        if message["type"] == "played":
            heard = time.monotonic() - message["milliseconds"] / 1000
            self.voices.setdefault(message["utterance"], heard)


async def _microphone(folder: Path) -> Path:
    scheduler = Scheduler()
    voices = load_synthesizer(
        Settings(), load_profile("embedded"), scheduler, lambda _: None, only="pt"
    )
    pieces = [resample(p.samples, p.rate, RATE) async for p in voices.synthesize(SAID, "pt")]
    scheduler.close()
    said = np.concatenate(pieces)
    rest = max(3.0, EVERY_SECONDS - len(said) / RATE)
    file = folder / "visitor.wav"
    write_wav(file, resample(np.concatenate([said, silence(rest)]), RATE, 48_000), 48_000)
    write_wav(folder / "staff.wav", silence(5.0, 48_000), 48_000)
    return file


@asynccontextmanager
async def _browser(playwright: Playwright, microphone: Path) -> AsyncIterator[Browser]:
    browser = await playwright.chromium.launch(
        executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}",
            "--autoplay-policy=no-user-gesture-required",
            "--allow-loopback-in-peer-connection",
        ],
    )
    try:
        yield browser
    finally:
        await browser.close()


def _links(staff: Staff) -> dict[str, str]:
    body = {
        "starts": datetime.now(UTC).isoformat(),
        "staff_language": "en",
        "visitor_language": "pt",
    }
    request = Request(
        f"{staff.address.url.rstrip('/')}/v1/appointments",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {staff.key}"},
    )
    with urlopen(request, timeout=10) as answer:
        links: dict[str, str] = json.load(answer)["links"]
    return links


async def _measure(minutes: float, folder: Path) -> dict[str, Any]:
    file = await _microphone(folder)
    async with own_server(lambda _: None) as staff:
        # Outside a benchmark the browsers have processors of their own.
        os.nice(BROWSER_NICENESS)
        return {"minutes": minutes, **await _meet_and_compare(staff, minutes, folder, file)}


async def _meet_and_compare(
    staff: Staff, minutes: float, folder: Path, file: Path
) -> dict[str, Any]:
    async with async_playwright() as playwright:
        async with (
            _browser(playwright, folder / "staff.wav") as one,
            _browser(playwright, file) as other,
        ):
            call = await _call(staff, one, other, minutes)
        async with _browser(playwright, file) as tablet:
            told = Told()
            page = await tablet.new_page(locale="en-GB", viewport={"width": 1280, "height": 800})
            told.watch(page)
            await page.add_init_script("localStorage.setItem('tablet.handsFree', 'true')")
            await page.goto(staff.address.url)
            await begin_at_the_tablet(page, staff.key)
            await asyncio.sleep(60 * min(2.0, minutes))
    return {**call, "first_audio_at_the_tablet_seconds": spread(told.first_audio)}


async def _call(staff: Staff, one: Browser, other: Browser, minutes: float) -> dict[str, Any]:
    links, service, told = _links(staff), server_process(), Told()
    clerk = await one.new_page(locale="en-GB", viewport={"width": 1280, "height": 800})
    visitor = await other.new_page(locale="pt-PT", viewport={"width": 390, "height": 844})
    for page in (clerk, visitor):
        page.set_default_timeout(PATIENCE_MS)
    told.watch(clerk)
    await clerk.goto(links["staff"])
    await clerk.locator(".lobby .primary.big").click()
    began = time.monotonic()
    await visitor.goto(links["visitor"])
    await visitor.locator(".lobby .primary.big").click()
    await clerk.locator(".page.room[data-state=ready]").wait_for()
    await clerk.get_by_role("button", name="Let in").click()
    await visitor.wait_for_function(
        "() => (document.querySelector('.tile-picture video:not(.screen)')?.videoWidth ?? 0) > 2"
    )
    to_picture = time.monotonic() - began
    # Nobody has agreed yet: pictures and voices flow, and no sound goes to the service.
    pictures_only = await _cpu(service, 30.0)
    await clerk.locator("[data-tool=microphone]").click()
    await visitor.locator("[data-tool=microphone]").click()
    await visitor.get_by_role("button", name="Sim").click()
    await visitor.locator("[data-content=talk] .tools").wait_for()
    await asyncio.sleep(3.0)
    silent = await _cpu(service, 30.0)
    await visitor.locator("[data-tool=microphone]").click()
    await asyncio.sleep(60 * minutes)
    lags = told.lags()
    third = max(1, len(lags) // 3)
    return {
        "link_to_picture_seconds": round(to_picture, 2),
        "service_cpu_percent": {"pictures_only": pictures_only, "microphones_in_silence": silent},
        "utterances": len(lags),
        "first_audio_seconds": spread(told.first_audio),
        "caption_to_voice_seconds": {
            "first_third": round(median(lags[:third]), 3) if lags else None,
            "last_third": round(median(lags[-third:]), 3) if lags else None,
        },
    }


async def _cpu(service: Any, seconds: float) -> float:
    before = processor_seconds(service)
    await asyncio.sleep(seconds)
    return round(100 * (processor_seconds(service) - before) / seconds, 2)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/bench-video",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="of talking (10)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = asyncio.run(_measure(given.minutes, Path(folder)))
    result = {"benchmark": "video", "date": date.today().isoformat(), "machine": machine()}
    sys.stdout.write(json.dumps(result | measured, indent=2) + "\n")


if __name__ == "__main__":
    main()

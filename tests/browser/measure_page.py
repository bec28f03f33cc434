"""The tablet's page in Chromium: weight, start, and what streaming costs."""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page, Response, async_playwright

from interpreter.audio import RATE, resample, silence, write_wav
from interpreter.bench.measures import machine
from interpreter.engines import load_synthesizer
from interpreter.models import load_profile
from interpreter.scheduler import Scheduler
from interpreter.settings import Settings
from interpreter_desk.own_server import own_server

ABOUT = """\
Signs a tablet in, opens a conversation without buttons and lets a fake microphone hear the same
Portuguese question every 12 s, through a service with the embedded models. Prints JSON:

  page_kb            all files of the page, as they are sent
  interactive_ms     from the address to the field for the key, on loopback, without a cache
  long_tasks         tasks over 50 ms of the page while it streams, and the longest
  heap_mb            of the page after a garbage collection: after the first minute and in the end
"""
SAID = "Bom dia, preciso de renovar a minha autorização de residência."
EVERY_SECONDS = 12.0


async def _microphone(folder: Path) -> Path:
    scheduler = Scheduler()
    voices = load_synthesizer(
        Settings(), load_profile("embedded"), scheduler, lambda _: None, only="pt"
    )
    pieces = [resample(p.samples, p.rate, RATE) async for p in voices.synthesize(SAID, "pt")]
    scheduler.close()
    said = np.concatenate(pieces)
    rest = max(3.0, EVERY_SECONDS - len(said) / RATE)
    file = folder / "microphone.wav"
    write_wav(file, resample(np.concatenate([said, silence(rest)]), RATE, 48_000), 48_000)
    return file


async def _measure(minutes: float, folder: Path) -> dict[str, Any]:
    file = await _microphone(folder)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    async with own_server(lambda _: None) as staff, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={file}",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        page = await browser.new_page(locale="en-GB", viewport={"width": 1280, "height": 800})
        weights: dict[str, int] = {}

        def weigh(response: Response) -> None:
            weights[response.url] = int(response.headers.get("content-length", 0))

        page.on("response", weigh)
        await page.add_init_script("localStorage.setItem('tablet.handsFree', 'true')")
        began = time.monotonic()
        await page.goto(staff.address.url)
        await page.get_by_label("Key", exact=True).wait_for()
        interactive = round(1000 * (time.monotonic() - began))
        await _begin(page, staff.key)
        return {
            "page_kb": round(sum(weights.values()) / 1000, 1),
            "interactive_ms": interactive,
            **await _stream(page, minutes),
        }


async def _begin(page: Page, key: str) -> None:
    await page.get_by_label("Key", exact=True).fill(key)
    await page.get_by_role("button", name="Sign in").click()
    await page.locator(".results .grid button", has_text="Português").first.click()
    await page.get_by_role("button", name="Start").click()
    await page.locator(".half.visitor").get_by_role("button", name="Sim").click()


async def _stream(page: Page, minutes: float) -> dict[str, Any]:
    await page.evaluate(
        """() => {
          globalThis.long = [];
          new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration)))
            .observe({ type: 'longtask', buffered: false });
        }"""
    )
    begin = min(60.0, 30 * minutes)
    await asyncio.sleep(begin)
    first = await _heap(page)
    await asyncio.sleep(60 * minutes - begin)
    long = await page.evaluate("long")
    return {
        "minutes": minutes,
        "utterances": await page.locator(".half.staff [data-utterance]").count(),
        "long_tasks": {"n": len(long), "longest_ms": round(max(long, default=0))},
        "heap_mb": {"first": first, "last": await _heap(page)},
    }


async def _heap(page: Page) -> float:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("HeapProfiler.collectGarbage")
    await devtools.send("Performance.enable")
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    used = next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize")
    return round(float(used) / 1e6, 2)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/bench-page",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="of streaming (10)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = asyncio.run(_measure(given.minutes, Path(folder)))
    result = {"benchmark": "page", "date": date.today().isoformat(), "machine": machine()}
    sys.stdout.write(json.dumps(result | measured, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Video appointments as two people see them: real browsers, a real service, real speech."""

import asyncio
import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
from browsing import spoken
from in_process import KEY, Running
from playwright.sync_api import Browser, Page, expect

from interpreter.audio import Samples, silence
from interpreter.connection import Engines

Launch = Callable[..., Browser]
QUESTION = "Bom dia, preciso de renovar a minha autorização de residência."
ANSWER = "Please fill in this form and come back on Friday."
PICTURES = os.environ.get("INTERPRETER_PICTURES")
"""A folder for screenshots of every step, for people to look at."""

LOOPBACK = "--allow-loopback-in-peer-connection"
LONG = 60_000


def picture(page: Page, name: str) -> None:
    if PICTURES:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}.png"))


def appointment(house: Running, **more: Any) -> dict[str, str]:
    """The links of an appointment that begins now."""
    starts = datetime.now(UTC).isoformat()
    body = {"starts": starts, "staff_language": "en", "visitor_language": "pt"} | more
    request = Request(
        f"{house.address}/v1/appointments",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {KEY}"},
    )
    with urlopen(request, timeout=10) as answer:
        links: dict[str, str] = json.load(answer)["links"]
    return links


def visit(browser: Browser, link: str, language: str, size: tuple[int, int] = (1280, 800)) -> Page:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale=language)
    page = context.new_page()
    page.goto(link.replace("/call#", "/call?raw=1#"))
    return page


def meet(staff: Page, visitor: Page) -> None:
    """From the links into the call, with the visitor's consent."""
    expect(visitor.locator(".lobby")).to_be_visible(timeout=LONG)
    picture(visitor, "call-lobby")
    visitor.locator(".lobby .primary.big").click()
    expect(visitor.locator(".page.room")).to_be_visible()
    picture(visitor, "call-room-visitor")
    staff.locator(".lobby .primary.big").click(timeout=LONG)
    expect(staff.locator(".page.room[data-state=ready]")).to_be_visible(timeout=LONG)
    picture(staff, "call-room-staff")
    staff.get_by_role("button", name="Let in").click()
    expect(visitor.locator("[data-content=consent] .reading")).to_be_visible(timeout=LONG)
    picture(visitor, "call-consent")
    picture(staff, "call-consent-staff")
    visitor.get_by_role("button", name=re.compile("^Sim")).click()
    for page in (staff, visitor):
        expect(page.locator("[data-content=talk] .tools")).to_be_visible(timeout=LONG)
        expect(page.locator(".tile-picture[data-picture=live]")).to_have_count(1, timeout=LONG)


@pytest.fixture(scope="module")
def question(engines: Engines) -> Samples:
    said = asyncio.run(spoken(engines, QUESTION, "pt"))
    return np.concatenate([silence(12.0), said, silence(120.0)])


@pytest.fixture(scope="module")
def answer(engines: Engines) -> Samples:
    said = asyncio.run(spoken(engines, ANSWER, "en"))
    return np.concatenate([silence(24.0), said, silence(120.0)])


def test_two_people_meet_by_video(
    service: Running, launch: Launch, question: Samples, answer: Samples
) -> None:
    links = appointment(service)
    visitor = visit(launch(question, LOOPBACK), links["visitor"], "pt-PT", (390, 844))
    staff = visit(launch(answer, LOOPBACK), links["staff"], "en-GB")
    meet(staff, visitor)
    picture(staff, "call-begins")
    heard = staff.locator(".line.heard .words").first
    expect(heard).to_contain_text("residence", timeout=LONG)
    picture(staff, "call-heard")
    picture(visitor, "call-said")
    expect(visitor.locator(".line.heard .words").first).to_contain_text("sexta-feira", timeout=LONG)
    picture(visitor, "call-heard")
    picture(staff, "call-said")

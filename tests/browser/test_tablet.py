"""Whole conversations on the tablet's page: a real browser, a real service, real speech."""

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from browsing import Line
from in_process import KEY, Running, running
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from interpreter.audio import RATE, Samples, resample, silence
from interpreter.connection import Engines

Launch = Callable[..., Browser]
QUESTION = "Bom dia, preciso de renovar a minha autorização de residência."
ANSWER = "Of course. Please fill in this form and come back on Friday at half past nine."
PICTURES = os.environ.get("INTERPRETER_PICTURES")
"""A folder for screenshots of every step, for people to look at."""

SIZES = [(1280, 800), (768, 1024), (390, 844)]


async def spoken(engines: Engines, text: str, language: str) -> Samples:
    pieces = [
        resample(piece.samples, piece.rate, RATE)
        async for piece in engines.synthesizer.synthesize(text, language)
    ]
    return np.concatenate(pieces)


@pytest.fixture(scope="module")
def question(engines: Engines) -> Samples:
    said = asyncio.run(spoken(engines, QUESTION, "pt"))
    return np.concatenate([silence(1.0), said, silence(6.0)])


@pytest.fixture(scope="module")
def dialogue(engines: Engines) -> Samples:
    """A question, time to hear its translation, and the answer."""
    asked = asyncio.run(spoken(engines, QUESTION, "pt"))
    answered = asyncio.run(spoken(engines, ANSWER, "en"))
    return np.concatenate([silence(1.0), asked, silence(9.0), answered, silence(6.0)])


def picture(page: Page, name: str) -> None:
    if PICTURES:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.wait_for_timeout(500)
        page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}.png"))


def tablet(browser: Browser, size: tuple[int, int] = SIZES[0], language: str = "en-GB") -> Page:
    context: BrowserContext = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale=language
    )
    return context.new_page()


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/?raw=1")
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".results .grid").first).to_be_visible(timeout=30_000)


def choose(page: Page, language: str) -> None:
    page.locator(".results .grid button", has_text=language).first.click()
    page.get_by_role("button", name="Start").click()


def begin(page: Page, address: str, language: str = "Português", yes: str = "Sim") -> None:
    sign_in(page, address)
    choose(page, language)
    visitor(page).get_by_role("button", name=re.compile(f"^{yes}")).click()
    expect(staff(page).locator(".talk")).to_be_visible()


def staff(page: Page) -> Locator:
    return page.locator(".half.staff")


def visitor(page: Page) -> Locator:
    return page.locator(".half.visitor")


def words(half: Locator, number: int) -> Locator:
    return half.locator(f"[data-utterance='{number}'] .text .words")


def hold(page: Page, half: Locator, seconds: float) -> None:
    box = half.locator(".talk").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(1000 * seconds)
    page.mouse.up()


def test_a_whole_conversation_without_buttons(
    service: Running, launch: Launch, dialogue: Samples
) -> None:
    page = tablet(launch(dialogue))
    page.add_init_script("localStorage.setItem('tablet.handsFree', 'true')")
    begin(page, service.address)
    picture(page, "talk-empty")
    expect(words(staff(page), 1)).to_contain_text(re.compile("residence", re.I), timeout=60_000)
    expect(words(visitor(page), 1)).to_contain_text("Bom dia")
    picture(page, "talk-question")
    expect(words(visitor(page), 2)).to_contain_text(re.compile("sexta", re.I), timeout=60_000)
    expect(words(staff(page), 2)).to_contain_text("Friday")
    page.wait_for_timeout(2000)
    picture(page, "talk-answer")
    # The facts stand out on both sides.
    expect(words(visitor(page), 2).locator("mark").first).to_be_visible()
    # What it means, translated back, by tapping the line.
    staff(page).locator("[data-utterance='2'] .text").click()
    expect(staff(page).locator("[data-utterance='2'] .details")).to_contain_text("Translated back")
    picture(page, "talk-back")


def test_a_button_for_each_side(service: Running, launch: Launch, question: Samples) -> None:
    page = tablet(launch(question))
    begin(page, service.address)
    hold(page, visitor(page), len(question) / RATE - 4.5)
    expect(words(staff(page), 1)).to_contain_text(re.compile("residence", re.I), timeout=60_000)
    # Typing, from right beside.
    staff(page).get_by_role("button", name="Type", exact=True).click()
    staff(page).locator("textarea, input[type=text]").last.fill(
        "Do you have your passport with you?"
    )
    page.keyboard.press("Enter")
    expect(words(visitor(page), 2)).to_contain_text("passaporte", timeout=60_000)
    picture(page, "talk-typed")


def test_the_network_is_cut_for_ten_seconds_in_mid_sentence(
    line: Line, service: Running, launch: Launch, question: Samples
) -> None:
    page = tablet(launch(question))
    page.add_init_script("localStorage.setItem('tablet.handsFree', 'true')")
    begin(page, line.address)
    page.wait_for_timeout(2500)
    line.cut()
    expect(staff(page)).to_contain_text("connection is cut", timeout=10_000)
    picture(page, "lost")
    page.wait_for_timeout(10_000)
    line.mend()
    expect(words(visitor(page), 1)).to_contain_text("residência", timeout=60_000)
    said = words(visitor(page), 1).inner_text().casefold()
    assert said.count("bom dia") == 1 and said.count("autorização") == 1
    expect(staff(page).locator("[data-utterance]")).to_have_count(1)
    expect(staff(page)).not_to_contain_text("connection is cut")


def test_a_reload_in_mid_conversation(service: Running, launch: Launch, question: Samples) -> None:
    page = tablet(launch(question))
    page.add_init_script("localStorage.setItem('tablet.handsFree', 'true')")
    begin(page, service.address)
    expect(words(staff(page), 1)).to_contain_text(re.compile("residence", re.I), timeout=60_000)
    page.reload()
    expect(words(staff(page), 1)).to_contain_text(re.compile("residence", re.I), timeout=30_000)
    expect(words(visitor(page), 1)).to_contain_text("Bom dia")
    picture(page, "reloaded")


def test_two_tablets_at_once(service: Running, launch: Launch, question: Samples) -> None:
    pages = [tablet(launch(question)) for _ in range(2)]
    for page in pages:
        page.add_init_script("localStorage.setItem('tablet.handsFree', 'true')")
        begin(page, service.address)
    for page in pages:
        expect(words(staff(page), 1)).to_contain_text(re.compile("residence", re.I), timeout=60_000)
        expect(staff(page).locator("[data-utterance]")).to_have_count(1)


def test_a_slow_network_loses_nothing(
    line: Line, service: Running, launch: Launch, question: Samples
) -> None:
    page = tablet(launch(question))
    page.add_init_script("localStorage.setItem('tablet.handsFree', 'true')")
    begin(page, line.address)
    line.delay_seconds = 0.4
    expect(words(staff(page), 1)).to_contain_text(re.compile("residence", re.I), timeout=60_000)
    assert words(visitor(page), 1).inner_text().casefold().count("autorização") == 1


def test_a_restarted_service_has_forgotten_the_conversation(
    engines: Engines, launch: Launch
) -> None:
    page = tablet(launch())
    with running(engines) as before:
        line = Line(before.port)
        begin(page, line.address)
        line.cut()
    with running(engines) as after:
        line.to = after.port
        line.mend()
        expect(staff(page)).to_contain_text("did not come back", timeout=30_000)
        picture(page, "restarted")
        line.close()


def test_every_script_is_drawn(service: Running, launch: Launch) -> None:
    """With the fonts of the system: none of the languages' own names is made of empty boxes."""
    page = tablet(launch())
    page.goto(f"{service.address}/")
    boxes = page.evaluate(
        """async () => {
          const { LANGUAGES } = await import('/web/i18n.js');
          const draw = (letter) => {
            const canvas = new OffscreenCanvas(60, 60).getContext('2d');
            canvas.font = '40px system-ui, sans-serif';
            canvas.fillText(letter, 5, 45);
            return canvas.getImageData(0, 0, 60, 60).data.join();
          };
          const box = draw(String.fromCodePoint(0x10fffe));
          const boxed = (name) => [...name].some((letter) => draw(letter) === box);
          return Object.values(LANGUAGES).filter(boxed);
        }"""
    )
    assert boxes == []


def test_the_notice_is_read_aloud(service: Running, launch: Launch) -> None:
    page = tablet(launch())
    sign_in(page, service.address)
    choose(page, "Português")
    with page.expect_response("**/v1/notice?language=pt", timeout=60_000) as answer:
        visitor(page).get_by_role("button", name="Ouvir").click()
    assert answer.value.headers["content-type"] == "audio/wav"
    expect(visitor(page).get_by_role("button", name="Ouvir")).to_be_visible()


def test_without_a_yes_the_microphone_stays_off(service: Running, launch: Launch) -> None:
    page = tablet(launch())
    page.add_init_script(
        """const take = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        globalThis.asked = 0;
        navigator.mediaDevices.getUserMedia = (wanted) => { asked += 1; return take(wanted); };"""
    )
    sign_in(page, service.address)
    choose(page, "Português")
    visitor(page).get_by_role("button", name="Não").click()
    expect(staff(page)).to_contain_text("said no")
    picture(page, "refused")
    assert page.evaluate("asked") == 0
    expect(page.locator(".talk")).to_have_count(0)


def test_arabic_runs_from_right_to_left(service: Running, launch: Launch) -> None:
    page = tablet(launch())
    sign_in(page, service.address)
    choose(page, "العربية")
    expect(visitor(page)).to_have_attribute("dir", "rtl")
    expect(staff(page)).to_have_attribute("dir", "ltr")
    picture(page, "arabic")


def test_a_refused_microphone_leaves_typing(service: Running, launch: Launch) -> None:
    page = tablet(launch(None, allow=False))
    begin(page, service.address)
    expect(staff(page)).to_contain_text(re.compile("microphone", re.I))
    staff(page).get_by_role("button", name="Type", exact=True).click()
    staff(page).locator("textarea, input[type=text]").last.fill("Please take a seat.")
    page.keyboard.press("Enter")
    expect(words(visitor(page), 1)).to_be_visible(timeout=60_000)
    picture(page, "no-microphone")


def test_phrases_cards_and_a_person(service: Running, launch: Launch) -> None:
    page = tablet(launch())
    begin(page, service.address)
    staff(page).get_by_role("button", name="Phrases", exact=True).click()
    staff(page).get_by_role("button", name="Please take a seat.").click()
    expect(words(visitor(page), 1)).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")
    visitor(page).get_by_role("button", name=re.compile("Pessoa")).click()
    page.wait_for_timeout(1000)
    picture(page, "asked")
    staff(page).get_by_role("button", name="A person takes over").click()
    expect(staff(page)).to_contain_text("A person interprets now")
    expect(visitor(page)).to_contain_text(re.compile("pessoa", re.I))
    picture(page, "handover")
    again = staff(page).get_by_role("button", name="The machine again")
    again.click()
    expect(again).to_be_hidden()


def test_the_end_erases_everything(service: Running, launch: Launch) -> None:
    page = tablet(launch())
    begin(page, service.address)
    staff(page).get_by_role("button", name="End", exact=True).click()
    picture(page, "end")
    staff(page).get_by_role("button", name=re.compile("No record")).click()
    expect(page.locator("body")).to_contain_text("Everything has been erased", timeout=20_000)
    picture(page, "erased")
    reception = service.service.reception
    assert reception is not None
    kept = page.evaluate("JSON.stringify([{ ...sessionStorage }, { ...localStorage }])")
    assert "c_" not in kept and KEY not in kept


def test_a_record_only_if_both_agree(service: Running, launch: Launch) -> None:
    page = tablet(launch())
    begin(page, service.address)
    staff(page).get_by_role("button", name="Type", exact=True).click()
    staff(page).locator("textarea, input[type=text]").last.fill("Please take a seat.")
    page.keyboard.press("Enter")
    expect(words(visitor(page), 1)).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")
    staff(page).get_by_role("button", name="End", exact=True).click()
    staff(page).get_by_role("button", name=re.compile("Yes, a record")).click()
    visitor(page).get_by_role("button", name=re.compile("^Sim")).click()
    with page.expect_download() as download:
        staff(page).get_by_role("button", name="Save as text").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert "Please take a seat." in text and "A machine interpreted" in text
    picture(page, "record")


@pytest.mark.parametrize("size", SIZES)
def test_every_size_shows_both_halves(
    service: Running, launch: Launch, size: tuple[int, int]
) -> None:
    page = tablet(launch(), size)
    begin(page, service.address)
    for half in (staff(page), visitor(page)):
        expect(half.locator(".talk")).to_be_in_viewport(ratio=0.9)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, "size")


def test_staff_follow_a_telephone_call(service: Running, launch: Launch) -> None:
    """With the token that the service gives out for it, which stands in for a call here."""
    page = tablet(launch())
    tokens = service.open()
    call = {"name": "1", "state": "interpreted", "language": "pt", "seconds": 12.5}
    told = json.dumps({"calls": [call | {"staff_token": tokens["staff"]}]})
    page.route(
        "**/v1/calls", lambda route: route.fulfill(body=told, content_type="application/json")
    )
    sign_in(page, service.address)
    expect(page.locator(".calls")).to_contain_text("is being interpreted")
    picture(page, "calls")
    page.get_by_role("button", name="Follow").click()
    expect(visitor(page)).to_be_hidden()
    staff(page).get_by_role("button", name="Type", exact=True).click()
    staff(page).locator("textarea, input[type=text]").last.fill("Please take a seat.")
    page.keyboard.press("Enter")
    expect(words(staff(page), 1)).to_be_visible(timeout=60_000)
    picture(page, "call")
    staff(page).get_by_role("button", name="Stop following").click()
    expect(page.locator(".results .grid").first).to_be_visible()

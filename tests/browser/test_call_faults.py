"""What can go wrong in a video call, and who comes into it: real browsers, a real service."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from browsing import Line
from in_process import Running
from playwright.sync_api import Browser, Page, expect
from test_call import LONG, LOOPBACK, appointment, meet, visit

Launch = Callable[..., Browser]
LIVE = ".tile-picture[data-picture=live]"


def together(service: Running, launch: Launch, address: str = "") -> tuple[Page, Page]:
    """Staff and visitor in a call; the visitor by another address, if that is given."""
    links = appointment(service)
    theirs = links["visitor"].replace(service.address, address or service.address)
    visitor = visit(launch(None, LOOPBACK), theirs, "pt-PT", (390, 844))
    staff = visit(launch(None, LOOPBACK), links["staff"], "en-GB")
    meet(staff, visitor)
    return staff, visitor


def type_line(page: Page, text: str) -> None:
    page.locator(".chat input").fill(text)
    page.keyboard.press("Enter")


def test_a_page_that_is_reloaded_comes_back_into_the_call(service: Running, launch: Launch) -> None:
    staff, visitor = together(service, launch)
    type_line(staff, "Good morning.")
    expect(visitor.locator(".line.heard .words")).to_have_count(1, timeout=LONG)
    visitor.reload()
    # A browser lets nobody be heard before a tap; what was agreed and said is still there.
    expect(visitor.locator(".page.closed .primary.big")).to_be_visible(timeout=LONG)
    # A tap too many does not bring them in twice.
    visitor.locator(".page.closed .primary.big").evaluate("tap => [tap.click(), tap.click()]")
    expect(visitor.locator("[data-content=talk] .tools")).to_be_visible(timeout=LONG)
    expect(visitor.locator(".line.heard .words")).to_have_count(1, timeout=LONG)
    for page in (staff, visitor):
        expect(page.locator(".tile-picture")).to_have_count(1, timeout=LONG)
        expect(page.locator(LIVE)).to_have_count(1, timeout=LONG)
    type_line(staff, "Please take a seat.")
    expect(visitor.locator(".line.heard .words")).to_have_count(2, timeout=LONG)


def test_without_the_service_the_picture_stays_and_words_come_later(
    service: Running, launch: Launch, line: Line
) -> None:
    staff, visitor = together(service, launch, line.address)
    line.cut()
    expect(visitor.locator(".half .banners")).to_contain_text("ligação", timeout=LONG)
    expect(staff.locator(".picture-state")).to_contain_text("connection", timeout=LONG)
    expect(visitor.locator(LIVE)).to_have_count(1)
    type_line(staff, "Please take a seat.")
    line.mend()
    expect(visitor.locator(".line.heard .words")).to_have_count(1, timeout=LONG)
    expect(staff.locator(".picture-state")).to_have_text("", timeout=LONG)
    expect(staff.locator(LIVE)).to_have_count(1)


def test_who_does_not_allow_the_camera_is_heard(service: Running, launch: Launch) -> None:
    links = appointment(service)
    browser = launch(None, LOOPBACK, allow=False)
    context = browser.new_context(locale="pt-PT", permissions=["microphone"])
    visitor = context.new_page()
    visitor.goto(links["visitor"].replace("/call#", "/call?raw=1#"))
    expect(visitor.locator("[data-device=camera] .warning")).to_contain_text("câmara", timeout=LONG)
    expect(visitor.locator("[data-device=microphone] .warning")).to_be_hidden()
    visitor.locator(".lobby .primary.big").click()
    staff = visit(launch(None, LOOPBACK), links["staff"], "en-GB")
    staff.locator(".lobby .primary.big").click(timeout=LONG)
    staff.get_by_role("button", name="Let in").click()
    visitor.get_by_role("button", name=re.compile("^Sim")).click(timeout=LONG)
    expect(visitor.locator(LIVE)).to_have_count(1, timeout=LONG)
    expect(staff.locator(".tile-picture[data-picture=off]")).to_have_count(1, timeout=LONG)
    expect(staff.locator(".picture-state")).to_contain_text("Camera off")
    expect(visitor.locator(".faults")).to_contain_text("câmara")


def test_a_human_interpreter_comes_in_and_the_machine_only_shows_captions(
    service: Running, launch: Launch
) -> None:
    staff, visitor = together(service, launch)
    staff.locator("[data-tool=invite]").click()
    staff.locator("dialog").get_by_role("button", name="Interpreter").click()
    link = staff.locator("dialog .address").get_attribute("href") or ""
    staff.keyboard.press("Escape")
    guest = visit(launch(None, LOOPBACK), link, "en-GB")
    guest.locator(".lobby .primary.big").click(timeout=LONG)
    for page in (staff, visitor, guest):
        expect(page.locator(LIVE)).to_have_count(2, timeout=LONG)
    for page in (staff, visitor):
        expect(page.locator(".banners [data-code=interpreter]")).to_be_visible(timeout=LONG)
        expect(page.locator(".cover.handover")).to_be_hidden()
    expect(guest.locator(".faults [data-code=interprets]")).to_contain_text("silent")
    type_line(staff, "Please take a seat.")
    expect(guest.locator(".caption")).to_contain_text("Please take a seat.", timeout=LONG)
    expect(visitor.locator(".line.heard .words")).to_have_count(1, timeout=LONG)
    # Staff may want the machine's voice all the same.
    staff.locator("[data-code=interpreter]").get_by_role("button").click()
    expect(guest.locator(".faults [data-code=interprets]")).to_contain_text(
        "The machine interprets", timeout=LONG
    )
    expect(staff.locator("[data-code=interpreter]")).to_have_count(0)
    staff.locator("[data-tool=more]").click()
    staff.get_by_role("button", name="Get a person to interpret").click()
    staff.get_by_role("button", name="A person takes over").click()
    for page in (staff, visitor):
        expect(page.locator(".banners [data-code=interpreter]")).to_be_visible(timeout=LONG)
    guest.locator("[data-tool=leave]").click()
    for page in (staff, visitor):
        expect(page.locator(LIVE)).to_have_count(1, timeout=LONG)
    # Staff have handed over to a person, so the machine stays out of it until they take it back.
    expect(visitor.locator(".cover.handover")).to_be_visible(timeout=LONG)
    staff.get_by_role("button", name="The machine again").click()
    for page in (staff, visitor):
        expect(page.locator(".cover.handover")).to_be_hidden(timeout=LONG)


def test_muting_and_the_camera_are_seen_by_the_other(service: Running, launch: Launch) -> None:
    staff, visitor = together(service, launch)
    staff.locator("[data-tool=microphone]").click()
    expect(visitor.locator(".name .icon-mic-off")).to_be_visible(timeout=LONG)
    staff.locator("[data-tool=camera]").click()
    expect(visitor.locator(".tile-picture[data-picture=off]")).to_have_count(1, timeout=LONG)
    expect(staff.locator(".own-picture")).to_be_hidden()
    staff.locator("[data-tool=camera]").click()
    expect(visitor.locator(LIVE)).to_have_count(1, timeout=LONG)


@pytest.mark.parametrize("link", ["", "WyJ4Il0.forged"])
def test_a_link_that_is_none_says_so(service: Running, launch: Launch, link: str) -> None:
    page = visit(launch(None, LOOPBACK), f"{service.address}/call#{link}", "en-GB")
    expect(page.locator(".page.closed h1")).not_to_be_empty(timeout=LONG)


def test_an_appointment_that_has_not_begun_opens_by_itself_later(
    service: Running, launch: Launch
) -> None:
    links = appointment(service, starts=(datetime.now(UTC) + timedelta(days=30)).isoformat())
    page = visit(launch(None, LOOPBACK), links["visitor"], "en-GB")
    page.locator(".lobby .primary.big").click(timeout=LONG)
    expect(page.locator(".page.room[data-state=early] .lead")).to_contain_text(
        "A sala de espera abre"
    )


def test_visitors_who_leave_can_come_back(service: Running, launch: Launch) -> None:
    staff, visitor = together(service, launch)
    visitor.locator(".leave").click()
    expect(staff.locator(".tile-picture")).to_have_count(0, timeout=LONG)
    visitor.locator(".page.closed .primary.big").click()
    for page in (staff, visitor):
        expect(page.locator(LIVE)).to_have_count(1, timeout=LONG)


def test_a_visitor_who_wants_no_record_has_everything_erased(
    service: Running, launch: Launch
) -> None:
    staff, visitor = together(service, launch)
    staff.locator(".leave").click()
    staff.get_by_role("button", name=re.compile("^Yes, a record")).click()
    visitor.locator("[data-content=end] button").last.click(timeout=LONG)
    for page in (staff, visitor):
        expect(page.locator(".page.closed")).to_be_visible(timeout=LONG)
    expect(staff.locator(".page.closed")).to_contain_text("Nothing of this conversation is left")


def test_who_looks_at_their_devices_is_let_in_all_the_same(
    service: Running, launch: Launch
) -> None:
    links = appointment(service)
    visitor = visit(launch(None, LOOPBACK), links["visitor"], "pt-PT", (390, 844))
    visitor.locator(".lobby .primary.big").click(timeout=LONG)
    visitor.locator(".page.room .choices button").last.click()
    expect(visitor.locator("dialog [data-device=microphone]")).to_be_visible()
    staff = visit(launch(None, LOOPBACK), links["staff"], "en-GB")
    staff.locator(".lobby .primary.big").click(timeout=LONG)
    staff.get_by_role("button", name="Let in").click()
    expect(visitor.locator("[data-content=consent] .reading")).to_be_visible(timeout=LONG)
    expect(visitor.locator("dialog")).to_have_count(0)


def test_another_link_in_the_same_tab_is_opened(service: Running, launch: Launch) -> None:
    links = appointment(service)
    page = visit(launch(None, LOOPBACK), f"{service.address}/call#broken", "pt-PT")
    expect(page.locator(".page.closed h1")).not_to_be_empty(timeout=LONG)
    page.goto(links["visitor"].replace("/call#", "/call?raw=1#"))
    expect(page.locator(".lobby")).to_be_visible(timeout=LONG)
    assert "#" not in page.url


def test_where_sound_needs_a_tap_the_lobby_says_so(service: Running, launch: Launch) -> None:
    gesture = "--autoplay-policy=document-user-activation-required"
    page = visit(launch(None, LOOPBACK, gesture), appointment(service)["visitor"], "pt-PT")
    tap = page.locator(".sound-level .warning")
    expect(tap).to_contain_text("Toque", timeout=LONG)
    page.locator("h1").click()
    expect(tap).to_be_hidden()

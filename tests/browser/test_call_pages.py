"""Every screen of a video appointment: for everybody, at every size, in every direction."""

import re
from collections.abc import Callable

import pytest
from in_process import KEY, Running
from page_checks import complaints
from playwright.sync_api import Browser, Page, expect
from test_call import LONG, LOOPBACK, appointment, picture, visit

Launch = Callable[..., Browser]
Sizes = tuple[int, int]
DESKTOP, PHONE, SMALL = (1280, 800), (390, 844), (320, 640)


@pytest.mark.parametrize(
    ("staff_size", "visitor_size", "language"),
    [(DESKTOP, PHONE, "ar"), (PHONE, DESKTOP, "pt"), (SMALL, SMALL, "de")],
)
def test_no_screen_of_a_call_keeps_anybody_out(
    service: Running,
    launch: Launch,
    axe: str,
    staff_size: Sizes,
    visitor_size: Sizes,
    language: str,
) -> None:
    links = appointment(service, visitor_language=language)
    visitor = visit(launch(None, LOOPBACK), links["visitor"], "en-GB", visitor_size)
    staff = visit(launch(None, LOOPBACK), links["staff"], "en-GB", staff_size)
    errors: list[str] = []
    for page in (visitor, staff):
        page.emulate_media(color_scheme="dark" if page is visitor else "light")
        page.emulate_media(reduced_motion="reduce")
        page.on("pageerror", lambda error: errors.append(str(error)))

    def look(page: Page, name: str) -> None:
        picture(page, f"screen-{name}-{language}")
        assert complaints(page, axe) == [], name

    for page, name in ((visitor, "visitor"), (staff, "staff")):
        expect(page.locator(".lobby .primary.big")).to_be_visible(timeout=LONG)
        expect(page.locator(".preview video")).to_be_visible(timeout=LONG)
        look(page, f"lobby-{name}")
        page.locator(".lobby .primary.big").click()
        expect(page.locator(".page.room")).to_be_visible()
        look(page, f"room-{name}")
    staff.get_by_role("button", name="Let in").click()
    for page, name in ((visitor, "visitor"), (staff, "staff")):
        expect(page.locator("[data-content=consent]")).to_be_visible(timeout=LONG)
        expect(page.locator(".tile-picture[data-picture=live]")).to_be_visible(timeout=LONG)
        look(page, f"consent-{name}")
    assert visitor.evaluate("document.documentElement.dir") == (
        "rtl" if language == "ar" else "ltr"
    )
    visitor.locator(".reading .primary").click()
    for page, name in ((visitor, "visitor"), (staff, "staff")):
        expect(page.locator("[data-content=talk] .tools")).to_be_visible(timeout=LONG)
        look(page, f"talk-{name}")
        page.locator("[data-tool=devices]").click()
        look(page, f"devices-{name}")
        page.keyboard.press("Escape")
    staff.locator("[data-tool=invite]").click()
    staff.get_by_role("button", name="Interpreter").click()
    expect(staff.locator("dialog .address")).to_be_visible()
    look(staff, "invite")
    staff.keyboard.press("Escape")
    staff.locator(".leave").click()
    expect(staff.locator("[data-content=end]")).to_be_visible()
    look(staff, "end-staff")
    staff.get_by_role("button", name=re.compile("^Yes")).click()
    expect(visitor.locator("[data-content=end]")).to_be_visible()
    look(visitor, "end-visitor")
    staff.get_by_role("button", name=re.compile("^No")).click()
    for page, name in ((visitor, "visitor"), (staff, "staff")):
        expect(page.locator(".page.closed")).to_be_visible(timeout=LONG)
        look(page, f"over-{name}")
    assert errors == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_list_of_appointments_keeps_nobody_out(
    service: Running, launch: Launch, axe: str, size: Sizes
) -> None:
    context = launch().new_context(
        viewport={"width": size[0], "height": size[1]}, locale="en-GB", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{service.address}/?raw=1")
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Video appointments").click()
    expect(page.get_by_role("heading", name="Video appointments")).to_be_visible()
    page.get_by_label("Visitor’s language").select_option("pt")
    page.get_by_role("button", name="Make appointment").click()
    expect(page.locator("dialog img")).to_be_visible(timeout=LONG)
    picture(page, "appointments-links")
    assert complaints(page, axe) == []
    letter = page.locator("dialog textarea").input_value()
    link = re.findall(r"http\S+/call#\S+", letter)
    assert len(link) == 2 and link[0] == link[1]
    assert "Atendimento por vídeo" in letter and "Video appointment" in letter
    page.locator("dialog").get_by_role("button", name="Close").click()
    expect(page.locator(".appointments-list [data-state=waiting]").first).to_contain_text(
        "Portuguese"
    )
    picture(page, "appointments")
    assert complaints(page, axe) == []
    visitor = visit(launch(None, LOOPBACK), link[0], "pt-PT", PHONE)
    expect(page.locator(".appointments-list .waits")).to_be_visible(timeout=LONG)
    mine = page.locator(".appointments-list li.waits")
    mine.get_by_role("button", name="Cancel appointment").click()
    page.locator("dialog").get_by_role("button", name="Cancel appointment").click()
    expect(page.locator(".appointments-list .waits")).to_have_count(0, timeout=LONG)
    expect(visitor.locator(".page.closed")).to_contain_text("cancelado", timeout=LONG)

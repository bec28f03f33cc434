"""The tablet's pages in a real browser, every screen of them, with a stand-in for the service."""

from collections.abc import Iterator
from typing import Any

import page_scenes as scenes
import pytest
from page_checks import CUT_OFF, TOO_SMALL, violations
from page_scenes import SCENES
from playwright.sync_api import Browser, BrowserContext, Page, expect

TABLET = {"width": 768, "height": 1024}
PHONE = {"width": 390, "height": 844}
ZOOMED = {"width": 320, "height": 256}
"""A screen of 1280 by 1024 at 400 %."""


def somebody(browser: Browser, **wishes: Any) -> BrowserContext:
    """A browser nobody has used, in German, which shows problems of the page as failures."""
    context = browser.new_context(locale="de-DE", reduced_motion="reduce", **wishes)
    context.set_default_timeout(10_000)
    return context


def opened(context: BrowserContext) -> tuple[Page, list[str]]:
    """A page, and the errors it will have."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if "Content Security" in message.text else None,
    )
    return page, errors


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = somebody(browser, viewport=TABLET)
    page, errors = opened(context)
    yield page
    context.close()
    assert errors == []


def asked(page: Page) -> list[list[Any]]:
    """What the page wanted of the conversation, in order."""
    wishes: list[list[Any]] = page.evaluate("() => conversation.asked")
    return wishes


@pytest.mark.parametrize("name", SCENES)
def test_no_screen_keeps_anybody_out(name: str, browser: Browser, address: str, axe: str) -> None:
    for size, scheme in ((TABLET, "light"), (PHONE, "dark")):
        context = somebody(browser, viewport=size, color_scheme=scheme)
        page, errors = opened(context)
        SCENES[name](page, address)
        assert violations(page, axe) == []
        assert page.evaluate(TOO_SMALL) == []
        assert page.evaluate(CUT_OFF) == []
        assert errors == []
        context.close()


def test_the_rules_of_accessibility_are_really_applied(page: Page, address: str, axe: str) -> None:
    scenes.sign_in(page, address)
    page.evaluate("() => document.querySelector('label[for]:not(.field *)').remove()")
    page.evaluate("() => document.querySelector('.lead').style.setProperty('color', '#bbb')")
    found = {violation[0] for violation in violations(page, axe)}
    assert {"label", "color-contrast"} <= found


@pytest.mark.parametrize("name", SCENES)
def test_at_400_percent_nothing_is_cut_off_sideways(
    name: str, browser: Browser, address: str
) -> None:
    context = somebody(browser, viewport=ZOOMED)
    page, errors = opened(context)
    SCENES[name](page, address)
    assert page.evaluate("document.documentElement.scrollWidth") <= ZOOMED["width"]
    assert page.evaluate(CUT_OFF) == []
    assert errors == []
    context.close()


def test_each_half_has_its_own_language_and_direction(page: Page, address: str) -> None:
    scenes.arabic(page, address)
    halves = page.locator(".half").evaluate_all("halves => halves.map(h => [h.lang, h.dir])")
    assert halves == [["ar", "rtl"], ["de", "ltr"]]
    heard = page.locator(".visitor .heard .words")
    expect(heard).to_have_attribute("lang", "ar")
    expect(heard).to_have_css("direction", "rtl")
    page.click(".visitor [data-tool=type]")
    area = page.locator(".visitor textarea")
    expect(area).to_have_attribute("dir", "rtl")
    expect(area).to_be_focused()
    area.fill("شكرا")
    area.press("Enter")
    assert ["say", "شكرا", "visitor"] in asked(page)


def test_the_page_of_arabic_staff_runs_from_right_to_left(page: Page, address: str) -> None:
    scenes.languages(page, address)
    page.get_by_label("Ich spreche").select_option("ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    mark = page.locator(".mark").bounding_box()
    assert mark is not None and mark["x"] > TABLET["width"] / 2


def test_no_microphone_without_yes(page: Page, address: str) -> None:
    scenes.consent_refused(page, address)
    assert ["consent", False, "visitor"] in asked(page)
    assert ["openMicrophone"] not in asked(page)
    assert page.locator(".talk").count() == 0
    page.click(".reading .primary")
    expect(page.locator(".talk").first).to_be_visible()
    assert asked(page)[-2:] == [["consent", True, "visitor"], ["openMicrophone"]]


def test_a_person_can_be_asked_for_before_any_consent(page: Page, address: str) -> None:
    scenes.consent(page, address)
    page.click(".reading .choices button:nth-child(3)")
    assert asked(page)[-1] == ["handover", "ask"]
    scenes.put(page, handover={"state": "proposed", "reason": "asked"})
    page.click(".staff .asked-person .primary")
    assert asked(page)[-1] == ["handover", "begin"]


def test_the_key_and_the_invitation_leave_no_trace(page: Page, address: str) -> None:
    scenes.languages(page, address)
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert "right" not in kept
    page.evaluate("sessionStorage.clear()")
    page.goto(address + "/?again#invitation=abc")
    page.wait_for_selector(".tile")
    assert page.evaluate("location.hash + history.length") == f"{page.evaluate('history.length')}"


def test_an_old_invitation_says_what_to_do(page: Page, address: str) -> None:
    page.goto(address + "/#invitation=old")
    expect(page.locator(".told")).to_contain_text("abgelaufen")
    expect(page.locator("input[type=password]")).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "tag"),
    [("türk", "tr"), ("turk", "tr"), ("Portuguese", "pt"), ("ukrainisch", "uk"), ("فار", "fa")],
)
def test_a_language_is_found_by_any_of_its_names(
    typed: str, tag: str, page: Page, address: str
) -> None:
    scenes.languages(page, address)
    page.fill("input[type=search]", typed)
    expect(page.locator(".tile")).to_have_count(1)
    expect(page.locator(".tile")).to_have_attribute("data-language", tag)


def test_what_is_chosen_most_stands_first(page: Page, address: str) -> None:
    scenes.languages_often(page, address)
    often = page.locator(".results section").first.locator(".tile")
    tags = often.evaluate_all("tiles => tiles.map(tile => tile.dataset.language)")
    assert tags == ["ar", "pt"]


def test_what_was_spoken_to_find_a_language_proposes_it(page: Page, address: str) -> None:
    scenes.found_out(page, address)
    tags = page.locator(".proposal .tile").evaluate_all("ts => ts.map(t => t.dataset.language)")
    assert tags == ["pt", "es"]
    expect(page.locator(".proposal [lang=pt]").first).to_have_text("É esta a sua língua?")
    expect(page.locator(".proposal .tile").first).to_be_focused()


def test_the_button_is_held_or_tapped(page: Page, address: str) -> None:
    scenes.empty(page, address)
    talk = page.locator(".staff .talk")
    box = talk.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 20)
    page.mouse.down()
    expect(talk).to_have_attribute("data-mode", "talking")
    page.wait_for_timeout(500)
    page.mouse.up()
    expect(talk).to_have_attribute("data-mode", "ready")
    talk.click()
    expect(talk).to_contain_text("Antippen, wenn Sie fertig sind")
    expect(page.locator(".visitor .talk")).to_have_attribute("aria-disabled", "true")
    page.locator(".visitor .talk").click(force=True)
    talk.click()
    expect(talk).to_have_attribute("aria-pressed", "false")
    talks = [wish for wish in asked(page) if wish[0] == "talk"]
    assert talks == [["talk", down, "staff"] for down in (True, False, True, False)]


def test_keys_speak_for_each_side(page: Page, address: str) -> None:
    scenes.empty(page, address)
    page.keyboard.down("F2")
    expect(page.locator(".visitor .talk")).to_have_attribute("data-mode", "talking")
    page.wait_for_timeout(500)
    page.keyboard.up("F2")
    page.locator(".staff .talk").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".staff .talk")).to_have_attribute("data-mode", "talking")
    page.keyboard.press("Enter")
    talks = [wish[1:] for wish in asked(page) if wish[0] == "talk"]
    assert talks == [[True, "visitor"], [False, "visitor"], [True, "staff"], [False, "staff"]]


def test_doubts_are_settled_with_one_tap(page: Page, address: str) -> None:
    scenes.conversation(page, address)
    changed = page.locator(".staff .line[data-utterance='2']")
    expect(changed.locator("mark[data-status=changed]")).to_have_text("halb zehn")
    expect(page.locator(".visitor .line[data-utterance='2'] mark")).to_have_text("às nove")
    expect(changed.locator(".comparison")).to_contain_text("às nove")
    changed.get_by_role("button", name="Es stimmt").click()
    assert asked(page)[-1] == ["confirm", 2]
    doubtful = page.locator(".staff .line[data-utterance='3']")
    expect(doubtful).to_have_css("border-top-style", "dashed")
    doubtful.get_by_role("button", name="Um Wiederholung bitten").click()
    expect(page.locator(".visitor .line[data-utterance='3'] .asked")).to_be_visible()
    page.click(".visitor .line[data-utterance='3'] .remarks button")
    page.fill(".visitor .details textarea", "O meu nome é Anna Ramos.")
    page.keyboard.press("Enter")
    assert asked(page)[-1] == ["correct", 3, "O meu nome é Anna Ramos.", None]


def test_a_line_tells_its_back_translation_and_its_speaker_is_swapped(
    page: Page, address: str
) -> None:
    scenes.explained(page, address)
    details = page.locator(".staff .line[data-utterance='2'] .details")
    expect(details).to_contain_text("Kommen Sie am Donnerstag um neun.")
    details.get_by_role("button", name="Das war die andere Person").click()
    assert asked(page)[-1] == ["correct", 2, None, "visitor"]
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()
    expect(page.locator(".staff .line[data-utterance='2'] .text")).to_be_focused()


def test_screen_readers_hear_final_lines_once(page: Page, address: str) -> None:
    scenes.empty(page, address)
    status = page.locator(".staff > [role=status]")
    page.evaluate("""() => {
      globalThis.said = [];
      const status = document.querySelector('.staff > [role=status]');
      const hear = () => said.push(status.textContent);
      new MutationObserver(hear).observe(status, { childList: true });
    }""")
    first = scenes.line(1, "visitor", "pt", spoken="none")
    for committed in (4, 12, 30):
        partial = first["target"] | {"committed": committed, "final": False}
        scenes.put(page, lines=[first | {"target": partial}])
    expect(page.locator(".staff .partial")).to_be_visible()
    expect(status).to_be_empty()
    scenes.put(page, lines=[first])
    scenes.put(page, lines=[first | {"spoken": "done"}])
    expect(status).to_have_text(first["target"]["text"])
    assert page.evaluate("said") == [first["target"]["text"]]


def test_committed_words_stay_where_they_are(page: Page, address: str) -> None:
    scenes.conversation(page, address)
    line = page.locator(".staff .line[data-utterance='4'] .words")
    expect(line.locator(".partial")).to_have_text("Brief vom Vermieter")
    expect(line).to_have_text("Ich habe auch einen Brief vom Vermieter")


def test_cards_lie_on_both_halves(page: Page, address: str) -> None:
    scenes.panel("cards")(page, address)
    page.get_by_label("Nummer").fill("A 112")
    page.get_by_role("button", name="Zeigen").first.click()
    assert asked(page)[-1] == ["card", "number", "A 112"]
    scenes.put(page, card={"card": "number", "value": "A 112", "messages": {}})
    expect(page.locator(".shown-card .value")).to_have_text(["A 112", "A 112"])
    page.click(".staff .away")
    assert asked(page)[-1] == ["card", "", ""]


def test_a_phrase_takes_one_tap(page: Page, address: str) -> None:
    scenes.panel("phrases")(page, address)
    page.get_by_role("button", name="Bitte nehmen Sie Platz.").click()
    assert asked(page)[-1] == ["phrase", "take-a-seat", "staff"]
    expect(page.locator(".staff .panel")).to_be_hidden()
    expect(page.locator(".staff [data-tool=phrases]")).to_be_focused()


def test_how_the_tablet_lies_is_remembered(page: Page, address: str) -> None:
    scenes.empty(page, address)
    visitor = page.locator(".visitor")
    expect(visitor).to_have_css("rotate", "180deg")
    page.get_by_role("button", name="Drehen").click()
    expect(visitor).to_have_css("rotate", "none")
    page.evaluate("() => sessionStorage.setItem('agreed', 'yes')")
    page.reload()
    expect(page.locator(".table")).to_have_attribute("data-layout", "beside")


def test_a_lost_connection_is_told_to_both(page: Page, address: str) -> None:
    scenes.cut(page, address)
    lost = page.locator(".banners [data-code=lost]")
    expect(lost).to_have_text(
        [
            "A ligação caiu. Volta sozinha; o que disser fica guardado até lá.",
            "Die Verbindung ist unterbrochen. Sie kommt von selbst wieder; "
            "was Sie sagen, bleibt erhalten.",
        ]
    )
    scenes.put(page, connection="open")
    expect(lost).to_have_count(0)
    expect(page.locator(".banners [data-code=demonstration]")).to_have_count(2)


def test_a_person_takes_over(page: Page, address: str) -> None:
    scenes.handover_active(page, address)
    phone = page.locator(".staff .contact a").first
    expect(phone).to_have_attribute("href", "tel:+4930123456")
    page.keyboard.press("F1")
    assert not [wish for wish in asked(page) if wish[0] == "talk"]


def test_a_record_needs_two(page: Page, address: str) -> None:
    scenes.end_waiting(page, address)
    expect(page.get_by_role("button", name="Drucken")).to_have_count(0)
    page.evaluate("() => { globalThis.print = () => { globalThis.printed = true; }; }")
    page.get_by_role("button", name="Ja, ein Protokoll").click()
    page.get_by_role("button", name="Drucken oder als PDF sichern").click()
    page.wait_for_function("globalThis.printed")
    assert page.locator("#sheet").inner_html() == "<h1>Record</h1><p>Bom dia.</p>"
    assert page.evaluate("globalThis.bad") is None
    with page.expect_download() as download:
        page.get_by_role("button", name="Als Text sichern").click()
    assert download.value.suggested_filename.startswith("gespraech-")


def test_without_a_record_everything_is_erased_and_the_page_says_so(
    page: Page, address: str
) -> None:
    scenes.erased(page, address)
    assert page.evaluate("closedConversation") == "c_1"
    assert ["leave"] in asked(page)
    expect(page.locator(".erased h2")).to_have_text(["Tudo foi apagado", "Alles ist gelöscht"])
    assert page.evaluate("sessionStorage.getItem('tablet.conversation')") is None
    assert "residência" not in page.content()


def test_what_is_not_erased_is_not_said_to_be(page: Page, address: str) -> None:
    scenes.end(page, address)
    page.evaluate("() => { globalThis.closeFails = true; }")
    page.click(".staff .question .primary")
    expect(page.locator(".end .told")).to_contain_text("noch nicht sicher")
    page.evaluate("() => { globalThis.closeFails = false; }")
    page.get_by_role("button", name="Kein Protokoll, jetzt löschen").click()
    expect(page.locator(".erased")).to_be_visible()

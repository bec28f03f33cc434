"""Every screen and every fault of a video appointment, with a stand-in for all that is not page."""

from collections.abc import Iterator
from typing import Any

import call_scenes as scenes
import pytest
from call_scenes import SCENES, STAFF, devices, people, room
from page_checks import CUT_OFF, complaints
from page_scenes import PARTIES, put, talk
from playwright.sync_api import Browser, BrowserContext, Page, expect

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LYING = {"width": 844, "height": 390}
ZOOMED = {"width": 320, "height": 256}
"""A screen of 1280 by 1024 at 400 %."""


def somebody(browser: Browser, **wishes: Any) -> BrowserContext:
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
    context = somebody(browser, viewport=DESKTOP)
    page, errors = opened(context)
    yield page
    context.close()
    assert errors == []


def asked(page: Page, whom: str) -> list[list[Any]]:
    """What the page wanted of the room, the media or the call, in order."""
    wishes: list[list[Any]] = page.evaluate(f"() => {whom}.asked")
    return wishes


@pytest.mark.parametrize("name", SCENES)
def test_no_screen_keeps_anybody_out(name: str, browser: Browser, address: str, axe: str) -> None:
    for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        context = somebody(browser, viewport=size, color_scheme=scheme)
        page, errors = opened(context)
        SCENES[name](page, address)
        assert complaints(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert errors == []
        context.close()


@pytest.mark.parametrize("size", [ZOOMED, LYING], ids=["zoomed", "lying"])
@pytest.mark.parametrize("name", SCENES)
def test_small_screens_cut_nothing_off(
    name: str, size: dict[str, int], browser: Browser, address: str
) -> None:
    context = somebody(browser, viewport=size)
    page, errors = opened(context)
    SCENES[name](page, address)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate(CUT_OFF) == []
    assert errors == []
    context.close()


def test_the_link_leaves_the_address_and_a_reload_goes_on(page: Page, address: str) -> None:
    scenes.lobby(page, address)
    assert page.evaluate("location.href") == address + "/call"
    assert page.evaluate("room.link") == "link"
    page.reload()
    page.wait_for_function("() => globalThis.room")
    assert page.evaluate("room.link") == "link"


def test_visitors_choose_the_language_nobody_knew(page: Page, address: str) -> None:
    scenes.enter(page, address, visitor_language=None, staff_language="en")
    expect(page.locator("h1")).to_have_text("Welche Sprache sprechen Sie?")
    page.fill("input[type=search]", "ukrain")
    page.locator(".tile").click()
    expect(page.locator(".lobby h1")).to_have_text("Відеозустріч")
    page.click(".lobby .primary.big")
    assert ["ready", "uk"] in asked(page, "room")
    page.reload()
    page.wait_for_function("() => globalThis.room")
    room(page, **(scenes.ROOM | {"visitor_language": None}))
    expect(page.locator(".spoken-language")).to_contain_text("Українська")


def test_the_languages_of_the_browser_are_proposed(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="tr-TR")
    page, errors = opened(context)
    scenes.language(page, address)
    first = page.locator(".results section").first
    assert first.locator(".tile").evaluate_all("all => all.map(t => t.dataset.language)") == ["tr"]
    expect(first.locator("h2")).to_have_text("Belki bunlardan biri")
    assert errors == []
    context.close()


def test_refused_devices_say_what_to_do_and_sound_only_goes_on(page: Page, address: str) -> None:
    scenes.lobby_refused(page, address)
    camera = page.locator("[data-device=camera]")
    expect(camera.locator(".warning")).to_contain_text("ou continue só com som")
    camera.get_by_role("button").click()
    assert asked(page, "media")[-1] == ["useCamera", ""]
    page.click(".lobby .primary.big")
    expect(page.locator(".page.room .faults [data-code=camera]")).to_be_visible()


def test_the_level_of_the_voice_moves_the_bar(page: Page, address: str) -> None:
    page.goto(address + "/call#link")
    page.wait_for_function("() => globalThis.room")
    page.evaluate("""async () => {
      const context = new AudioContext();
      const tone = new OscillatorNode(context);
      const out = new MediaStreamAudioDestinationNode(context);
      tone.connect(out);
      tone.start();
      media.open = async () => {
        media.stream.addTrack(out.stream.getAudioTracks()[0]);
        media.put({ microphone: 'on' });
      };
    }""")
    room(page, **scenes.ROOM)
    page.wait_for_selector(".sound-level progress")
    page.wait_for_function("() => document.querySelector('.sound-level progress').value > 0.5")


def test_staff_are_called_when_the_visitor_is_ready_and_let_them_in(
    page: Page, address: str
) -> None:
    scenes.staff_waits(page, address)
    expect(page.locator(".page.room .primary.big")).to_have_count(0)
    room(page, present={"staff": True, "visitor": True}, ready=True)
    expect(page).to_have_title("● Ihr Besuch ist bereit. Sprache: Portugiesisch – Interpreter")
    page.locator(".page.room select").select_option("simultaneous")
    page.get_by_role("button", name="Einlassen").click()
    assert asked(page, "room")[-1] == ["admit", "simultaneous"]


def test_staff_may_begin_without_waiting_for_somebody_they_will_call(
    page: Page, address: str
) -> None:
    scenes.staff_waits(page, address)
    page.get_by_role("button", name="Beginnen, ohne zu warten").click()
    assert asked(page, "room")[-1] == ["admit", "consecutive"]


def test_nobody_is_let_in_before_a_language_is_known(page: Page, address: str) -> None:
    scenes.wait(page, address, role="staff", visitor_language=None)
    expect(page.locator(".page.room .choices button")).to_have_count(2)
    expect(page.locator(".page.room .choices button").first).to_be_hidden()


def test_an_appointment_that_ends_meanwhile_says_so(page: Page, address: str) -> None:
    scenes.wait(page, address)
    room(page, state="revoked")
    expect(page.locator(".closed h1")).to_have_text("Este atendimento foi cancelado.")
    assert page.evaluate("Object.keys(sessionStorage)") == []
    assert asked(page, "closedMedia") == [["close"]]


def test_an_appointment_that_is_opened_elsewhere_goes_on_there(page: Page, address: str) -> None:
    scenes.talking(page, address)
    page.evaluate("() => room.refuse('opened-elsewhere', 'Opened elsewhere.', true)")
    expect(page.locator(".closed h1")).to_have_text("Opened elsewhere.")
    assert asked(page, "conversation")[-1] == ["leave"]


def test_a_call_goes_on_while_the_waiting_room_is_away(page: Page, address: str) -> None:
    scenes.talking(page, address)
    page.evaluate("() => room.put({ state: 'over' }, false)")
    expect(page.locator(".call .stage")).to_be_visible()


def test_captions_show_both_languages_and_frame_what_may_be_wrong(page: Page, address: str) -> None:
    scenes.doubtful(page, address)
    heard, own = page.locator(".caption.heard"), page.locator(".caption.own")
    expect(heard).to_have_text(talk("pt")[0]["target"]["text"])
    expect(own.locator("mark[data-status=changed]")).to_have_text("halb zehn")
    size = "element => parseFloat(getComputedStyle(element).fontSize)"
    assert heard.evaluate(size) > 1.2 * own.evaluate(size)
    before = heard.evaluate(size)
    page.get_by_role("button", name="Schrift").click()
    assert heard.evaluate(size) > 1.2 * before
    page.get_by_role("button", name="Es stimmt").click()
    assert asked(page, "conversation")[-1] == ["confirm", 2]


def test_captions_grow_and_go_again(page: Page, address: str) -> None:
    scenes.call(page, address)
    page.clock.install()
    line = talk("pt")[1] | {"flags": [], "facts": []}
    for words in (8, 20):
        put(page, lines=[line | {"target": line["target"] | {"committed": words, "final": False}}])
        expect(page.locator(".caption .partial")).to_have_text(line["target"]["text"][words:])
    put(page, lines=[line | {"spoken": "done"}])
    expect(page.locator(".caption .partial")).to_have_count(0)
    page.clock.run_for(30_000)
    expect(page.locator(".caption")).to_have_count(0)
    expect(page.locator(".line.heard")).to_have_count(1)


def test_what_is_typed_is_interpreted(page: Page, address: str) -> None:
    scenes.arabic(page, address)
    line = page.locator(".chat input")
    expect(line).to_have_attribute("dir", "rtl")
    line.fill("شكرا")
    page.keyboard.press("Enter")
    assert asked(page, "conversation")[-1] == ["say", "شكرا", "visitor"]
    expect(line).to_have_value("")
    expect(line).to_be_focused()


def test_the_original_voice_is_adjusted_and_switched_off(page: Page, address: str) -> None:
    scenes.original(page, address)
    slider = page.locator(".original input")
    expect(slider).to_be_focused()
    page.keyboard.press("ArrowRight")
    assert asked(page, "call")[-1] == ["setLevel", pytest.approx(0.2)]
    page.locator(".original button").click()
    assert asked(page, "call")[-1] == ["setLevel", 0]
    expect(page.locator(".original output")).to_have_text("Aus")
    assert page.evaluate("localStorage.getItem('tablet.originalVoice')") == "0"
    page.locator(".original button").click()
    assert asked(page, "call")[-1] == ["setLevel", pytest.approx(0.2)]
    page.keyboard.press("Escape")
    expect(page.locator("[data-tool=original]")).to_be_focused()


def test_microphone_camera_and_screen_are_switched(page: Page, address: str) -> None:
    scenes.talking(page, address)
    page.click("[data-tool=microphone]")
    expect(page.locator("[data-tool=microphone]")).to_have_text("Ligar som")
    page.click("[data-tool=camera]")
    expect(page.locator(".own-picture")).to_be_hidden()
    page.click("[data-tool=share]")
    expect(page.locator("[data-tool=share]")).to_have_text("Parar de mostrar")
    page.click("[data-tool=share]")
    assert asked(page, "media") == [["setMuted", True], ["setCamera", False]]
    assert asked(page, "call")[-2:] == [["share"], ["stopSharing"]]


def test_a_microphone_that_is_gone_is_asked_for_again(page: Page, address: str) -> None:
    scenes.talking(page, address)
    devices(page, microphone="lost")
    page.click("[data-tool=microphone]")
    assert asked(page, "media")[-2:] == [["setMuted", False], ["useMicrophone", ""]]
    devices(page, speakerLost=True)
    lost = page.locator(".faults [data-code=speaker]")
    expect(lost).to_contain_text("alto-falante")
    lost.get_by_role("button").click()
    assert asked(page, "media")[-1] == ["useSpeaker", ""]


def test_to_repeat_something_is_asked_of_the_other_in_words(page: Page, address: str) -> None:
    scenes.doubtful(page, address)
    put(page, lines=[talk("pt")[0] | {"flags": ["low_confidence"]}])
    page.get_by_role("button", name="Um Wiederholung bitten").click()
    words = page.evaluate("conversation.asked.at(-1)")
    assert words[0] == "say" and words[2] == "staff" and words[1]
    # Who said something is certain where each has a device.
    page.locator(".line.heard .text").click()
    expect(page.locator(".line .details .icon-swap")).to_have_count(0)


def test_the_own_picture_is_moved_and_hidden(page: Page, address: str) -> None:
    scenes.talking(page, address)
    own = page.locator(".own-picture")
    stage = page.locator(".stage").bounding_box()
    box = own.bounding_box()
    assert stage and box
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(stage["x"] + 60, stage["y"] + stage["height"] - 60, steps=4)
    page.mouse.up()
    expect(own).to_have_attribute("data-corner", "below-start")
    own.get_by_role("button").first.focus()
    page.keyboard.press("Enter")
    expect(own).to_have_attribute("data-corner", "above-start")
    own.get_by_role("button").last.press("Enter")
    expect(own.locator("video")).to_be_hidden()
    own.get_by_role("button").last.press("Enter")
    expect(own.locator("video")).to_be_visible()


def test_pictures_and_captions_float_in_a_small_window_and_come_back(
    page: Page, address: str
) -> None:
    scenes.talking(page, address)
    size = "element => getComputedStyle(element).fontSize"
    before = page.locator(".caption").last.evaluate(size)
    page.click("[data-tool=small]")
    expect(page.locator(".elsewhere")).to_be_visible()
    small = "documentPictureInPicture.window.document"
    page.wait_for_function(f"() => {small}.querySelector('.face').videoWidth > 0")
    page.wait_for_function(
        f"before => getComputedStyle([...{small}.querySelectorAll('.caption')].at(-1)).fontSize"
        " === before",
        arg=before,
    )
    put(page, lines=[talk("pt")[0]])
    assert page.evaluate(f"{small}.querySelectorAll('.caption').length") == 1
    page.locator(".elsewhere button").click()
    expect(page.locator(".stage .face")).to_be_visible()
    expect(page.locator(".stage .caption")).to_have_count(1)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"picture": "connecting"}, "A imagem está a chegar …"),
        ({"picture": "lost"}, "A imagem perdeu-se. A voz e as legendas continuam."),
        ({"picture": "off"}, "Câmara desligada"),
        ({"picture": "narrow"}, "Só som: a ligação está lenta."),
        ({"away": True}, "A outra pessoa ficou sem ligação por um momento."),
        ({}, ""),
    ],
)
def test_every_picture_that_is_not_there_says_why(
    page: Page, address: str, state: dict[str, Any], text: str
) -> None:
    scenes.call(page, address)
    people(page, STAFF | state)
    expect(page.locator(".picture-state")).to_have_text(text)


def test_devices_that_find_no_way_to_each_other_say_so(page: Page, address: str) -> None:
    scenes.call(page, address)
    page.clock.install()
    people(page, STAFF | {"picture": "connecting"})
    state = page.locator(".picture-state")
    expect(state).to_have_text("A imagem está a chegar …")
    page.clock.run_for(25_000)
    expect(state).to_have_text(
        "Não há imagem: os dois aparelhos não conseguem ligar-se. A voz e as legendas continuam."
    )
    people(page, STAFF)
    expect(state).to_have_text("")


def test_who_is_not_in_the_picture_is_explained(page: Page, address: str) -> None:
    scenes.elsewhere(page, address)
    alone = page.locator(".alone")
    expect(alone).to_contain_text("am Telefon oder an einem Tablet")
    put(page, parties=PARTIES | {"visitor": PARTIES["visitor"] | {"connected": False}})
    expect(alone).to_contain_text("Derselbe Link führt wieder herein")
    people(page, scenes.VISITOR)
    expect(alone).to_be_hidden()


def test_faults_of_devices_and_line_are_told_once_each(page: Page, address: str) -> None:
    scenes.faulty(page, address)
    codes = page.locator(".call .banners li").evaluate_all("all => all.map(l => l.dataset.code)")
    assert sorted(codes) == ["camera", "lost", "microphone", "narrow"]
    devices(page, camera="on", microphone="on")
    page.evaluate("() => call.put({ narrow: false })")
    expect(page.locator(".faults")).to_be_hidden()


def test_a_headset_that_appears_is_offered(page: Page, address: str) -> None:
    scenes.talking(page, address)
    headset = {"kind": "microphone", "id": "m2", "label": "Headset"}
    devices(page, appeared=headset)
    page.locator(".appeared .primary").click()
    assert asked(page, "media")[-1] == ["answer", True]
    devices(page, appeared=None)
    expect(page.locator(".appeared")).to_be_hidden()


def test_who_looked_elsewhere_is_told_that_they_were_seen(page: Page, address: str) -> None:
    scenes.talking(page, address)
    page.evaluate("""() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }""")
    notice = page.locator(".faults [data-code=background]")
    expect(notice).to_contain_text("segundo plano")
    page.evaluate("""() => {
      Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }""")
    notice.get_by_role("button").click()
    expect(notice).to_have_count(0)


def test_interpreters_see_both_and_have_no_half(page: Page, address: str) -> None:
    scenes.interpreting(page, address)
    assert page.evaluate("conversation.options.watching") is True
    expect(page.locator(".tile-picture")).to_have_count(2)
    expect(page.locator(".faults [data-code=interprets]")).to_be_visible()
    expect(page.locator(".call .half")).to_have_count(0)
    assert page.evaluate("location.hash") == ""


def test_who_leaves_can_come_back_and_their_camera_is_off(page: Page, address: str) -> None:
    scenes.left(page, address)
    assert asked(page, "conversation")[-1] == ["leave"]
    assert asked(page, "closedMedia") == [["close"]]
    page.locator(".closed .primary.big").click()
    expect(page.locator(".call .half")).to_be_visible()


def test_without_a_record_everything_is_erased_and_the_page_says_so(
    page: Page, address: str
) -> None:
    scenes.erased(page, address)
    assert page.evaluate("closedConversation") == "c_1"
    expect(page.locator(".closed")).to_contain_text("weder auf diesem Gerät noch im Dienst")
    assert page.evaluate("Object.keys(sessionStorage)") == []
    assert "Ramos" not in page.content()


def test_staff_who_end_before_consent_close_it_at_once(page: Page, address: str) -> None:
    scenes.consent_staff(page, address)
    page.click("[data-tool=leave]")
    expect(page.locator(".closed .goodbye")).to_be_visible()
    assert page.evaluate("closedConversation") == "c_1"


def test_an_interrupted_conversation_leads_back_to_the_waiting_room(
    page: Page, address: str
) -> None:
    scenes.interrupted(page, address)
    expect(page.locator(".page.room .told").first).to_contain_text("A conversa foi interrompida.")
    assert asked(page, "room")[-1] == ["ready", "pt"]
    page.evaluate("() => { globalThis.joined.agreed.consent.visitor = null; }")
    room(page, **scenes.OPEN)
    expect(page.locator(".reading")).to_be_visible()


def test_a_reload_in_the_call_needs_one_tap(page: Page, address: str) -> None:
    scenes.resumed(page, address)
    expect(page.locator(".closed h1")).to_have_text("A sua conversa ainda está aqui")
    page.locator(".closed .primary.big").click()
    expect(page.locator(".call .half")).to_be_visible()

"""Every screen of a video appointment, each put on a page as people would come to see it."""

import json
from collections.abc import Callable
from typing import Any

from page_scenes import PARTIES, put, talk
from playwright.sync_api import Page
from stand_in_pages import STAND_IN

Scene = Callable[[Page, str], None]

LANGUAGES = json.loads((STAND_IN / "counter.json").read_text(encoding="utf-8"))["languages"]
ROOM: dict[str, Any] = {
    "role": "visitor",
    "state": "waiting",
    "id": "K7MQ4X",
    "starts": "2026-11-24T09:30:00+01:00",
    "minutes": 30,
    "opens": "2026-11-24T09:00:00+01:00",
    "closes": "2026-11-24T11:00:00+01:00",
    "staff_language": "de",
    "visitor_language": "pt",
    "interpreting": "consecutive",
    "office": "registration",
    "title": {"de": "Einwohnermeldeamt"},
    "present": {"staff": False, "visitor": True},
    "ready": False,
    "languages": [each for each in LANGUAGES if each["heard"] and each["tag"] != "de"],
}
OPEN = {"state": "open", "token": "t", "conversation": "c_1"}
VISITOR = {"role": "visitor", "parties": ["visitor"]}
STAFF = {"role": "staff", "parties": ["staff"]}
INTERPRETER = {"role": "interpreter", "parties": ["staff", "visitor"]}
CARD = {"card": "number", "value": "A 112", "messages": {}}


def room(page: Page, **changes: Any) -> None:
    """Change what the waiting room tells."""
    page.evaluate("changes => room.put(changes)", changes)


def devices(page: Page, **changes: Any) -> None:
    page.evaluate("changes => media.put(changes)", changes)


def people(page: Page, *others: dict[str, Any]) -> None:
    """Who is in the picture."""
    page.evaluate("others => call.meet(...others)", list(others))


def enter(page: Page, address: str, **changes: Any) -> None:
    page.goto(address + "/call#link")
    page.wait_for_function("() => globalThis.room")
    room(page, **(ROOM | changes))


def language(page: Page, address: str) -> None:
    enter(page, address, visitor_language=None)
    page.wait_for_selector(".call-language .tile")


def lobby(page: Page, address: str, **changes: Any) -> None:
    enter(page, address, **changes)
    page.wait_for_selector(".lobby .preview video")


def lobby_asking(page: Page, address: str) -> None:
    page.add_init_script("globalThis.asking = true")
    enter(page, address)
    page.wait_for_selector(".preview .dark span")


def lobby_refused(page: Page, address: str) -> None:
    page.add_init_script("globalThis.devicesNow = { camera: 'refused', microphone: 'refused' }")
    enter(page, address)
    page.wait_for_selector("[data-device=camera] .warning span")


def lobby_headset(page: Page, address: str) -> None:
    lobby(page, address, visitor_language="ar")
    devices(page, appeared={"kind": "microphone", "id": "m2", "label": "Bluetooth Headset"})
    page.get_by_role("button", name="تشغيل").first.click()


def wait(page: Page, address: str, **changes: Any) -> None:
    lobby(page, address, **changes)
    page.click(".lobby .primary.big")
    page.wait_for_selector(".page.room .lead")


def wait_early(page: Page, address: str) -> None:
    wait(page, address, state="early")


def wait_lost(page: Page, address: str) -> None:
    wait(page, address)
    page.evaluate("() => room.put({}, false)")
    devices(page, camera="lost")


def staff_waits(page: Page, address: str) -> None:
    wait(page, address, role="staff", present={"staff": True, "visitor": False})


def staff_admits(page: Page, address: str) -> None:
    staff_waits(page, address)
    room(page, present={"staff": True, "visitor": True}, ready=True)
    page.wait_for_selector("[data-state=ready] .primary.big")


def revoked(page: Page, address: str) -> None:
    enter(page, address, state="revoked")
    page.wait_for_selector(".closed h1")


def no_link(page: Page, address: str) -> None:
    page.goto(address + "/call")
    page.wait_for_selector(".closed h1")


def joining(role: str, visitor: str = "pt", *, agreed: bool = True) -> str:
    """What the conversation tells whoever joins it, as a script."""
    names = {each["tag"]: each for each in LANGUAGES}
    theirs = {"language": visitor, "name": names[visitor]["name"]}
    parties = {"staff": PARTIES["staff"], "visitor": PARTIES["visitor"] | theirs}
    consent = {"staff": True, "visitor": agreed or None}
    record = {"staff": None, "visitor": None}
    state = {"role": role, "parties": parties, "name": "c_1", "office": "registration"}
    state |= {"agreed": {"consent": consent, "record": record}}
    return f"globalThis.joined = {json.dumps(state)}"


def call(
    page: Page, address: str, role: str = "visitor", visitor: str = "pt", *, agreed: bool = True
) -> None:
    page.add_init_script(joining(role, visitor, agreed=agreed))
    wait(page, address, role=role, visitor_language=visitor)
    room(page, **OPEN)
    page.wait_for_selector(".call .half")
    people(page, STAFF if role == "visitor" else VISITOR)
    page.wait_for_function("() => document.querySelector('.face').videoWidth > 0")


def consent(page: Page, address: str) -> None:
    call(page, address, agreed=False)
    page.wait_for_selector(".reading .notice li")


def consent_staff(page: Page, address: str) -> None:
    call(page, address, "staff", agreed=False)
    page.wait_for_selector(".waiting")


def talking(page: Page, address: str, role: str = "visitor", visitor: str = "pt") -> None:
    call(page, address, role, visitor)
    put(page, lines=talk(visitor), activity="listening", speaker="visitor")
    page.wait_for_selector(".caption")


def talking_staff(page: Page, address: str) -> None:
    talking(page, address, "staff")


def doubtful(page: Page, address: str) -> None:
    call(page, address, "staff")
    put(page, lines=talk("pt")[:2])
    page.wait_for_selector(".caption[data-doubt=wrong]")


def arabic(page: Page, address: str) -> None:
    talking(page, address, "visitor", "ar")


def with_interpreter(page: Page, address: str) -> None:
    call(page, address, "staff")
    people(page, VISITOR, INTERPRETER | {"microphone": False})
    told = {"en": "A person interprets. The machine is silent and only shows captions."}
    put(page, handover={"state": "active", "reason": "interpreter", "messages": told})
    put(page, lines=talk("pt"))
    page.wait_for_selector(".banners [data-code=interpreter]")


def shared(page: Page, address: str) -> None:
    talking(page, address)
    people(page, STAFF | {"sharing": True})


def shown_card(page: Page, address: str) -> None:
    talking(page, address)
    put(page, card=CARD)


def original(page: Page, address: str) -> None:
    talking_staff(page, address)
    page.click("[data-tool=original]")


def dialog(name: str) -> Scene:
    def scene(page: Page, address: str) -> None:
        talking_staff(page, address)
        page.click(f"[data-tool={name}]")
        page.wait_for_selector("dialog[open]")

    return scene


def invited(page: Page, address: str) -> None:
    dialog("invite")(page, address)
    page.click("dialog .choices button >> nth=1")
    page.wait_for_selector("dialog .address")


def dialled(page: Page, address: str) -> None:
    dialog("phone")(page, address)
    page.fill("dialog input", "030 123456")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog .phones li")


def panel(page: Page, address: str) -> None:
    talking_staff(page, address)
    page.click("[data-tool=more]")


def peer(**state: Any) -> Scene:
    """The other person's picture is in this state."""

    def scene(page: Page, address: str) -> None:
        talking(page, address)
        people(page, STAFF | state)

    return scene


def faulty(page: Page, address: str) -> None:
    talking(page, address)
    devices(page, camera="lost", microphone="busy")
    page.evaluate("() => call.put({ narrow: true })")
    put(page, connection="lost")


def gone(page: Page, address: str) -> None:
    talking_staff(page, address)
    put(page, parties=PARTIES | {"visitor": PARTIES["visitor"] | {"connected": False}})
    people(page)


def elsewhere(page: Page, address: str) -> None:
    talking_staff(page, address)
    people(page)


def interpreting(page: Page, address: str) -> None:
    page.add_init_script(joining("interpreter"))
    page.goto(address + "/call#guest=t&role=interpreter")
    page.click(".lobby .primary.big")
    page.wait_for_selector(".call.no-half")
    people(page, STAFF, VISITOR)


def left(page: Page, address: str) -> None:
    talking(page, address)
    page.click("[data-tool=leave]")
    page.wait_for_selector(".closed .primary.big")


def ending(page: Page, address: str) -> None:
    talking_staff(page, address)
    page.click("[data-tool=leave]")
    page.wait_for_selector("[data-content=end] .question")


def recorded(page: Page, address: str) -> None:
    talking(page, address)
    agreed = {"staff": True, "visitor": True}
    put(page, agreed={"consent": agreed, "record": agreed})
    page.wait_for_selector("[data-content=end] .question")


def erased(page: Page, address: str) -> None:
    ending(page, address)
    page.click("[data-content=end] .primary")
    page.wait_for_selector(".closed .goodbye")


def interrupted(page: Page, address: str) -> None:
    talking(page, address)
    page.evaluate("() => room.put({ state: 'waiting', token: undefined })")
    put(page, ended="idle", endedMessages={})
    page.wait_for_selector(".page.room .told")


def resumed(page: Page, address: str) -> None:
    talking(page, address)
    page.goto(address + "/call")
    page.wait_for_function("() => globalThis.room")
    room(page, **(ROOM | OPEN))
    page.wait_for_selector(".closed .primary.big")


SCENES: dict[str, Scene] = {
    "language": language,
    "lobby": lobby,
    "lobby-asking": lobby_asking,
    "lobby-refused": lobby_refused,
    "lobby-headset": lobby_headset,
    "wait": wait,
    "wait-early": wait_early,
    "wait-lost": wait_lost,
    "staff-waits": staff_waits,
    "staff-admits": staff_admits,
    "revoked": revoked,
    "no-link": no_link,
    "consent": consent,
    "consent-staff": consent_staff,
    "talking": talking,
    "talking-staff": talking_staff,
    "doubtful": doubtful,
    "arabic": arabic,
    "with-interpreter": with_interpreter,
    "shared": shared,
    "shown-card": shown_card,
    "original": original,
    "devices": dialog("devices"),
    "invited": invited,
    "dialled": dialled,
    "panel": panel,
    "camera-off": peer(picture="off", camera=False),
    "narrow": peer(picture="narrow", camera=False),
    "lost": peer(picture="lost"),
    "away": peer(away=True, microphone=False),
    "faulty": faulty,
    "gone": gone,
    "elsewhere": elsewhere,
    "interpreting": interpreting,
    "left": left,
    "ending": ending,
    "recorded": recorded,
    "erased": erased,
    "interrupted": interrupted,
    "resumed": resumed,
}
"""By name; every one is looked at in every size and held against the rules of accessibility."""

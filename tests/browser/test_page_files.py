"""What the tablet's pages are made of: their words, their weight, and whom they ask for it."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import call_scenes
import page_scenes as scenes
import pytest
from page_scenes import Scene
from playwright.sync_api import Browser, BrowserContext, Page, expect
from stand_in_pages import WEB

MESSAGES = {file.stem: json.loads(file.read_text()) for file in (WEB / "messages").glob("*.json")}
ENGLISH = MESSAGES["en"]
SCRIPTS = {file: file.read_text(encoding="utf-8") for file in WEB.rglob("*.js")}

HEAVIEST = 300 * 1024
HEAVIEST_CALL = 400 * 1024
"""With pictures, devices and a waiting room besides the conversation."""

PLACEHOLDER = re.compile(r"\{(\w+)\}")
SAID = re.compile(r"words\.say\((?:[^()'`]*\? )?(?:'([^']+)'|`([^`]+)`)")
"""Keys that are asked for as they stand, or put together in a template."""
QUOTED = re.compile(r"'([a-z][a-z.-]*)'")
HOLE = re.compile(r"\$\{[^}]*\}")


def forms(message: str | dict[str, str]) -> list[str]:
    return [message] if isinstance(message, str) else list(message.values())


@pytest.mark.parametrize("language", MESSAGES)
def test_every_language_says_the_same_things(language: str, browser: Browser) -> None:
    messages = MESSAGES[language]
    assert list(messages) == list(ENGLISH)
    page = browser.new_page()
    categories = page.evaluate(
        "tag => new Intl.PluralRules(tag).resolvedOptions().pluralCategories", language
    )
    page.close()
    for key, text in messages.items():
        assert type(text) is type(ENGLISH[key]), key
        assert all(form.strip() for form in forms(text)), key
        if isinstance(text, dict):
            assert sorted(text) == sorted(categories), key
            assert set(PLACEHOLDER.findall(text["other"])) == {"count"}, key
        else:
            names = sorted(PLACEHOLDER.findall(text))
            assert names == sorted(PLACEHOLDER.findall(ENGLISH[key])), key


def test_the_page_says_nothing_it_has_no_words_for() -> None:
    written = "\n".join(SCRIPTS.values())
    said = {plain or template for plain, template in SAID.findall(written)}
    assert len(said) > 100
    for key in said:
        pattern = "[a-z.-]+".join(map(re.escape, HOLE.split(key)))
        assert any(re.fullmatch(pattern, known) for known in ENGLISH), key


def test_no_words_are_left_over() -> None:
    written = "\n".join(SCRIPTS.values())
    quoted = set(QUOTED.findall(written))
    stems = [template.split("${")[0] for template in re.findall(r"`([a-z.-]+\$\{[^`]*)`", written)]
    for key in ENGLISH:
        assert key in quoted or any(key.startswith(stem) for stem in stems), key


def test_every_language_has_a_name_in_the_list() -> None:
    block = re.search(r"LANGUAGES = \{(.*?)\}", SCRIPTS[WEB / "i18n.js"], re.DOTALL)
    listed = re.findall(r"(\w\w): '", block[1] if block else "")
    assert set(MESSAGES) <= set(listed)
    assert len(listed) == len(set(listed)) == 16


def watched(context: BrowserContext) -> tuple[Page, list[tuple[str, int]]]:
    """A page, and the address and size of everything it fetches."""
    page = context.new_page()
    fetched: list[tuple[str, int]] = []

    def note(request: Any) -> None:
        response = request.response()
        if response and response.ok:
            fetched.append((request.url, len(response.body())))

    page.on("requestfinished", note)
    return page, fetched


@pytest.mark.parametrize(
    "scene", [scenes.conversation, call_scenes.talking], ids=["tablet", "call"]
)
def test_the_pages_are_light_and_ask_nobody_else(
    scene: Scene, browser: Browser, address: str
) -> None:
    context = browser.new_context(locale="de-DE", viewport={"width": 768, "height": 1024})
    page, fetched = watched(context)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    scene(page, address)
    context.close()
    assert requested
    for url in requested:
        assert url.startswith((address + "/", "data:", "blob:"))
    own = {url: size for url, size in fetched if not urlsplit(url).path.startswith("/fixture")}
    assert len(own) > 20
    assert sum(own.values()) < HEAVIEST


IMPORTED = re.compile(r"(?:from|import|new URL\()\s*'(\./[^']+\.js|\.\./[^']+\.js)'")
REFERRED = re.compile(r'(?:src|href)="/web/([^"]+\.(?:js|css))"')


def parts(page: str) -> set[Path]:
    """All files a page consists of, without its words."""
    found = {WEB / page}
    waiting = [WEB / name for name in REFERRED.findall((WEB / page).read_text())]
    while waiting:
        file = waiting.pop().resolve()
        if file not in found:
            found.add(file)
            waiting += [file.parent / name for name in IMPORTED.findall(SCRIPTS.get(file, ""))]
    return found


@pytest.mark.parametrize(
    ("page", "one", "heaviest"),
    [("index.html", "tablet.js", HEAVIEST), ("call.html", "peer.js", HEAVIEST_CALL)],
)
def test_all_that_a_page_consists_of_is_light(page: str, one: str, heaviest: int) -> None:
    files = parts(page)
    assert one in {file.name for file in files}
    words = sorted(file.stat().st_size for file in (WEB / "messages").glob("*.json"))
    assert sum(file.stat().st_size for file in files) + sum(words[-2:]) < heaviest


def test_nothing_is_inline_that_the_policy_would_refuse() -> None:
    for name in ("index.html", "call.html"):
        page = (WEB / name).read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page)
    for file, text in SCRIPTS.items():
        for word in ("innerHTML", "insertAdjacentHTML", "eval(", "document.write"):
            assert word not in text, file


def test_the_page_names_no_other_host() -> None:
    for file in [*WEB.rglob("*.*")]:
        if file.suffix == ".png":
            continue
        hosts = set(re.findall(r"https?://([\w.-]+)", file.read_text(encoding="utf-8")))
        assert hosts <= {"www.w3.org"}, file


def test_it_can_be_installed() -> None:
    manifest = json.loads((WEB / "manifest.webmanifest").read_text())
    assert manifest["start_url"] == manifest["scope"] == "/"
    for icon in manifest["icons"]:
        file = WEB / Path(icon["src"]).relative_to("/web")
        if icon["type"] == "image/png":
            header = file.read_bytes()[16:24]
            width, height = (int.from_bytes(header[at : at + 4], "big") for at in (0, 4))
            assert icon["sizes"] == f"{width}x{height}"
        else:
            assert "<svg" in file.read_text()


def test_the_page_opens_while_the_service_is_away_and_keeps_no_answers(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    scenes.sign_in(page, address)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    page.wait_for_selector("input[type=password]")
    page.fill("input[type=password]", "right")
    page.click("button[type=submit]")
    page.wait_for_selector(".tile")
    kept = page.evaluate("""async () => {
      const requests = await (await caches.open('shell')).keys();
      return requests.map(request => new URL(request.url).pathname);
    }""")
    assert "/" in kept and "/web/tablet.js" in kept
    assert all(path == "/" or path.startswith("/web/") for path in kept)
    page.evaluate("sessionStorage.clear()")
    context.set_offline(True)
    page.reload()
    expect(page.locator("input[type=password]")).to_be_visible()
    context.close()


def test_what_the_tablet_remembers_does_no_harm(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="de-DE", viewport={"width": 768, "height": 1024})
    page = context.new_page()
    scenes.conversation(page, address)
    page.click(".staff .bar .actions button >> nth=0")
    kept = page.evaluate("({...localStorage})")
    context.close()
    assert kept.pop("tablet.languageUses") == '{"pt":1}'
    assert kept == {"tablet.staffText": "1.25"}


def test_the_source_is_readable() -> None:
    for file, text in SCRIPTS.items():
        assert len(text.splitlines()) < 400, file
    for file in (WEB / "styles").glob("*.css"):
        assert len(file.read_text().splitlines()) < 400, file

"""What every page has to keep: nobody is kept out, nothing is too small or cut off."""

from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

AXE = """async rules => (await axe.run(document, { runOnly: rules })).violations.map(
    violation => [violation.id, ...violation.nodes.map(node => node.html.slice(0, 200))])"""

TOO_SMALL = """() => [...document.querySelectorAll('button, select, input, textarea')]
    .map(element => [element, element.getBoundingClientRect()])
    .filter(([element, { width, height }]) => width > 0 && element.type !== 'checkbox')
    .filter(([, { width, height }]) => width < 43.9 || height < 43.9)
    .map(([element]) => element.outerHTML.slice(0, 120))"""

CUT_OFF = """() => [...document.querySelectorAll('.half, .page, .call, dialog')]
    .flatMap(element => [element, ...element.querySelectorAll('*')])
    .filter(element => !element.closest('.unseen, svg, select, video, .bar h2'))
    .filter(element => element.getBoundingClientRect().width > 0)
    .filter(element => {
      const { left, right } = element.getBoundingClientRect();
      return left < -1 || right > innerWidth + 1;
    }).map(element => element.outerHTML.slice(0, 120))"""


def violations(page: Page, axe: str) -> list[list[str]]:
    page.evaluate(axe)
    found: list[list[str]] = page.evaluate(AXE, RULES)
    return found


def complaints(page: Page, axe: str) -> list[object]:
    """Everything that is wrong with a page as it is now."""
    return [*violations(page, axe), *page.evaluate(TOO_SMALL), *page.evaluate(CUT_OFF)]

"""axe-core on a page: what it finds, said so that it can be put right."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""The rules that see colours; the others find the same whatever the scheme."""
# Left to itself it fetches and reads the style sheets again on each page, for a rule that none of these tags asks for.
_RUN = """async (only) => {
    const preload = { assets: ['media'] };
    const { violations } = await axe.run(document, { runOnly: only, resultTypes: ['violations'], preload });
    const why = node => [...node.any, ...node.all, ...node.none].map(check => check.message).join('; ');
    return violations.map(found => [`${found.id} (${found.impact}): ${found.help}`,
        ...found.nodes.map(node => `    ${node.target}: ${why(node)}`)].join('\\n')); }"""


@cache
def _script() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


class Stories:
    """Whether axe-core looks at the pages that a story comes by: before a release."""

    looked_at = False


def violations(page: Page, *, always: bool = False) -> list[str]:
    """What axe-core finds on the page as it stands, in both colour schemes.

    Of a page that a story comes by nothing is found but before a release. Pages that stand for all are looked at
    `always`. It comes in by the debugger, so no policy is in its way.
    """
    if not (always or Stories.looked_at):
        return []
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_script())
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    dark = _found(page, _COLOURS)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return [f"dark: {each}" for each in dark] + _found(page, _TAGS)


SIDEWAYS = "() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
"""By how many pixels a page could be scrolled sideways."""
_CUT = """() => [...document.body.querySelectorAll('*')].filter(each => {
    const {overflowX, position} = getComputedStyle(each);
    if (!/hidden|clip/.test(overflowX) || position === 'absolute' || !each.checkVisibility()) return false;
    if (each.matches('input, select, textarea')) return false;  // what is in it can be moved
    return each.scrollWidth > each.clientWidth + 1 && !each.closest('.leaflet-container, .hidden, svg');
}).map(each => `${each.tagName}.${each.className}: ${each.textContent.trim().slice(0, 40)}`)"""
_OUTSIDE = """() => [...document.querySelectorAll('body *')].filter(each => each.checkVisibility()
    && each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .slice(0, 5).map(each => `${each.tagName}.${each.className}: ${each.textContent.trim().slice(0, 40)}`)"""
_LARGE = "size => { document.documentElement.style.fontSize = size; }"


def too_wide(page: Page) -> list[str]:
    """What of the page can't be seen without scrolling sideways, or is cut: at 320 pixels, with letters twice as large
    there, and on a desk at a zoom of 200 %."""
    found: list[str] = []
    for width, size in ((320, "100%"), (320, "200%"), (640, "100%")):
        page.set_viewport_size({"width": width, "height": 640})
        page.evaluate(_LARGE, size)
        if (over := page.evaluate(SIDEWAYS)) > 0:
            found.append(f"{width} px, letters {size}: {over} px too wide: {page.evaluate(_OUTSIDE)}")
        found += [f"{width} px, letters {size}: cut: {each}" for each in page.evaluate(_CUT)]
    page.evaluate(_LARGE, "")
    return found


def _found(page: Page, only: Any) -> list[str]:
    found: Any = page.evaluate(_RUN, only)
    return [str(each) for each in found]

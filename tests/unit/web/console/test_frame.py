"""Every page is sound HTML that a keyboard and a screen reader find their way in, in every language."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from alerts.model.person import Role
from alerts.web.console.frame import PAGES, Frame, static_file
from tests.unit.web.console.guarding import OWN, Browser, open_town
from tests.walls import in_one_test

NAMED = {"input", "select", "textarea"}
PLAIN = (
    "/desk/",
    "/desk/account",
    "/desk/account/code",
    "/desk/accounts",
    "/desk/record",
    "/desk/nowhere",
    "/desk/stumbles",
)
SCHEMES = ("light", "dark")


def faults_of(page):
    """What is wrong with a page, in words."""
    tree, found = page.tree, []
    ids = tree.xpath("//@id")
    found += [f"id {one} twice" for one in set(ids) if ids.count(one) > 1]
    labelled = set(tree.xpath("//label/@for"))
    for element in tree.iter(*NAMED):
        labels = element.get("id") in labelled or element.get("aria-label")
        if element.get("type") not in ("hidden", "submit") and not labels:
            found.append(f"{element.tag} {element.get('name')} has no label")
    for attribute in ("for", "aria-labelledby", "aria-describedby"):
        for value in tree.xpath(f"//@{attribute}"):
            found += [f"{attribute} {one} leads nowhere" for one in value.split() if one not in ids]
    levels = [int(heading.tag[1]) for heading in tree.iter("h1", "h2", "h3", "h4")]
    found += [f"h{b} after h{a}" for a, b in pairwise(levels) if b > a + 1]
    found += ["markup shown as text"] if "<time" in page.said or "&lt;" in page.said else []
    found += ["not one h1"] if levels.count(1) != 1 else []
    found += [f"inline {name}" for name in tree.xpath("//@*[starts-with(name(), 'on')]")]
    found += ["inline style"] if tree.xpath("//@style | //style") else []
    found += ["inline script"] if tree.xpath("//script[not(@src)]") else []
    found += [
        f"form to {form.get('action')} without csrf"
        for form in tree.forms
        if form.method == "POST" and "csrf" not in form.fields and "sign-in" not in page.text
    ]
    return found


async def every_page(town, language):
    """The pages of the way in, then the plain ones, then those that say what is wrong."""
    browser = Browser(town, language=language)
    try:
        page = await browser.get("/desk/sign-in")
        yield page
        yield await browser.send(page, "/desk/sign-in", name="Nobody", password="x")
        yield await browser.post("/desk/compose", {"csrf": "x", "headline": "Crue"})
        await town.add("Root", Role.ADMINISTRATOR)
        page = await browser.send(await browser.get("/desk/sign-in"), "/desk/sign-in", name="Root", password=town.first)
        page = await browser.follow(page)
        yield page
        yield await browser.send(page, "/desk/sign-in/password", new_password=OWN, new_password_again="x")
        page = await browser.send(page, "/desk/sign-in/password", new_password=OWN, new_password_again=OWN)
        page = await browser.follow(page)
        yield page
        seed = page.tree.xpath("//*[@class='code']")[0].text_content().replace(" ", "")
        await browser.send(page, "/desk/sign-in/second-factor", code=town.code(seed))
        for path in PLAIN:
            yield await browser.get(path)
        page = await browser.get("/desk/accounts")
        yield await browser.send(page, "/desk/accounts/add", name="Anne", role="author", own_password=OWN)
        yield await browser.send(page, "/desk/accounts/add", name="Anne", role="author", own_password=OWN)
        yield await browser.send(page, "/desk/tokens/add", token_name="Carte", role="viewer", own_password=OWN)
        yield await browser.get("/desk/accounts")
        yield await browser.post("/desk/account/language", page.form("/desk/accounts/add") | {"csrf": "x"})
        page = await browser.send(await browser.get("/desk/account"), "/desk/account/code/remove")
        yield page
        page = await browser.send(page, "/desk/account/code/remove", own_password=OWN)
        yield page
        await browser.send(page, "/desk/sign-out")
        await town.clock.advance(60)
        page = await browser.send(await browser.get("/desk/sign-in"), "/desk/sign-in", name="Root", password=OWN)
        yield await browser.follow(page)
    finally:
        await browser.client.close()


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_page_is_sound(town, language):
    seen = 0
    async for page in every_page(town, language):
        assert page.tree is not None, page.text
        assert page.tree.get("lang") == language
        assert not faults_of(page), (page.said[:60], faults_of(page))
        seen += 1
    assert seen > 15


async def test_who_is_alone_is_told(tmp_path):
    async with open_town(tmp_path, "[desk]\nalone = true\n") as town:
        browser = Browser(town)
        await browser.settle()
        assert "Single officer" in (await browser.get("/desk/account")).text
        await browser.client.close()


async def test_the_way_to_what_a_role_may_not_do_isn_t_shown(town):
    browser = Browser(town)
    await browser.settle(role=Role.VIEWER)
    page = await browser.get("/desk/account")
    ways = set(page.tree.xpath("//nav//a/@href"))
    assert {"/desk/", "/desk/waiting", "/desk/channels"} <= ways
    assert not {"/desk/compose", "/desk/accounts", "/desk/record"} & ways
    await browser.client.close()


async def test_files_come_packed_and_pages_with_a_token_do_not(town):
    browser = Browser(town)
    await browser.settle(role=Role.VIEWER)
    for path, packed in (("/desk/static/console.css?0", True), ("/desk/account", False)):
        async with browser.client.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert (answer.headers.get("Content-Encoding") == "gzip") is packed, path
    await browser.client.close()


def tokens(scheme):
    """The colours of console.css in one scheme."""
    style = static_file("console.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", light))
    return found | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", dark)) if scheme == "dark" else {})


def luminance(colour):
    full = "".join(c * 2 for c in colour[1:]) if len(colour) == 4 else colour[1:]
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


GROUNDS = ("ground", "surface", "sunken", "raised")
PAIRS = [
    *((text, ground) for text in ("ink", "soft", "accent") for ground in GROUNDS),
    *((tone, f"{tone}-soft") for tone in ("good", "busy", "heed", "bad", "spent")),
    *((tone, ground) for tone in ("good", "busy", "heed", "bad") for ground in ("ground", "surface", "sunken")),
    *(("ink", f"{tone}-soft") for tone in ("good", "busy", "heed", "bad", "accent")),
    *((f"on-{look}", look) for look in ("extreme", "severe", "moderate", "minor", "accent")),
    ("on-accent", "accent-strong"),
    ("surface", "bad"),
]


@in_one_test
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_is_legible(scheme, text, ground):
    """WCAG 2.2, 1.4.3."""
    colours = tokens(scheme)
    assert contrast(colours[text], colours[ground]) >= 4.5


@in_one_test
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("edge", ["edge", "focus"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_edges_are_seen(scheme, edge, ground):
    """WCAG 2.2, 1.4.11."""
    colours = tokens(scheme)
    assert contrast(colours[edge], colours[ground]) >= 3


class Asked(dict):
    """As much of a request as a page looks at."""

    path = path_qs = "/desk/exercise"
    method, cookies, headers = "GET", {}, {}


@pytest.mark.parametrize(
    ("said", "is_drill"), [("None of this reaches the public.", True), ("", False), (" \n", False)]
)
async def test_an_exercise_is_unmistakable(town, tmp_path, said, is_drill):
    """The word before everything in the title and on the page, and other colours by the body's class."""
    (tmp_path / "drill.html").write_text(
        "{% extends 'frame.html' %}{% block exercise %}{{ said }}{% endblock %}{% block main %}<h1>x</h1>{% endblock %}"
    )
    frame = Frame(town.config, town.clock.now, (tmp_path, PAGES))
    text = frame.text(Asked(), "drill.html", said=said)
    assert ('<body class="exercise">' in text) is is_drill
    assert ("<title>EXERCICE – " in text) is is_drill
    assert ("<strong>EXERCICE</strong> None" in text) is is_drill

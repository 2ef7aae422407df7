"""The desk on a home screen: its manifest, its worker, and the page where nothing answers."""

from __future__ import annotations

import json
from dataclasses import replace

from alerts.web.console.frame import Frame
from alerts.web.console.home_screen import HomeScreen
from tests.unit.web.console.guarding import Browser


async def told(browser):
    page = await browser.get("/desk/manifest.webmanifest")
    assert page.status == 200
    assert page.headers["Content-Type"] == "application/manifest+json; charset=utf-8"
    async with browser.client.get("/desk/manifest.webmanifest", headers=browser.headers) as answer:
        return json.loads(await answer.read())


async def test_the_desk_is_an_app_for_whoever_asks(browser):
    app = await told(browser)
    assert app["name"] == "Tocsin – Ville de Saint-Martin, duty desk"
    assert (app["id"], app["start_url"], app["scope"]) == ("/desk/",) * 3
    assert (app["display"], app["lang"], app["short_name"]) == ("standalone", "en", "Desk")
    assert {(icon["sizes"], icon["purpose"]) for icon in app["icons"]} == {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }
    assert [(each["name"], each["url"]) for each in app["shortcuts"]] == [
        ("New alert", "/desk/compose"),
        ("To validate", "/desk/waiting"),
    ]
    for icon in app["icons"]:
        async with browser.client.get(icon["src"]) as answer:
            assert (answer.content_type, (await answer.read())[:4]) == ("image/png", b"\x89PNG")
    page = await browser.get("/desk/sign-in")
    [link] = page.tree.xpath("//link[@rel='manifest']")
    assert (link.get("href"), link.get("crossorigin")) == ("/desk/manifest.webmanifest", None)
    assert page.tree.xpath("//link[@rel='apple-touch-icon']")
    assert not page.tree.xpath("//body/@data-worker"), "who isn't in gets none"
    assert "manifest-src 'self'" in page.headers["Content-Security-Policy"]


async def test_it_speaks_the_language_that_the_browser_asks_for(town):
    browser = Browser(town, language="fr")
    app = await told(browser)
    page = await browser.get("/desk/offline")
    await browser.client.close()
    assert (app["name"], app["lang"]) == ("Tocsin – Ville de Saint-Martin, poste de permanence", "fr")
    assert [each["name"] for each in app["shortcuts"]] == ["Nouvelle alerte", "À valider"]
    assert "Le poste de permanence est injoignable" in page.said


async def test_in_a_fleet_it_is_the_towns_own(town):
    frame = Frame(replace(town.config, mount="/t/sm"), town.clock.now)
    home = HomeScreen(replace(town.console, frame=frame))
    app = home._manifest(frame.words(_Asked()))
    assert (app["id"], app["scope"], app["start_url"]) == ("/t/sm/desk/",) * 3
    assert all(each["src"].startswith("/t/sm/desk/static/") for each in app["icons"])
    assert [each["url"] for each in app["shortcuts"]] == ["/t/sm/desk/compose", "/t/sm/desk/waiting"]
    worker = await home.worker(_Asked())
    assert worker.text.startswith('const KEEPS = ["/t/sm/desk/offline", "/t/sm/desk/static/console.css?')


class _Asked(dict):
    """A request that says nothing."""

    cookies, headers = {}, {}


async def test_what_the_worker_keeps_names_nobody(town, browser):
    await browser.settle()
    assert "Anne" in (await browser.get("/desk/account")).text
    script = await browser.get("/desk/worker.js", Accept="*/*")
    first, _, rest = script.text.partition("\n")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "addEventListener" in rest
    page, style = json.loads(first.removeprefix("const KEEPS = ").removesuffix(";"))
    kept = await browser.get(page)
    assert "Anne" not in kept.text
    assert "The desk can’t be reached" in kept.said
    assert "tocsin status, tocsin post, tocsin approve" in kept.said
    assert not kept.tree.xpath("//form"), "nothing is sent from there"
    assert kept.tree.xpath("//main//a[@href='']"), "the address that was wanted"
    assert style in kept.text
    assert (await browser.get("/desk/account")).tree.xpath("//body/@data-worker") == ["/desk/worker.js"]

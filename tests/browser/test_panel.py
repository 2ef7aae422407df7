"""The screen in the hall, in a real browser: what it shows, whether it fits, and what it does when nobody answers."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from alerts.model.alert import Area, NamedValue, Severity
from alerts.web.public.export import Export
from alerts.web.public.site import answers_of
from alerts.web.public.snapshot import Freshness
from tests.browser.axe import violations
from tests.browser.test_files_that_nobody_renews import served
from tests.release import at_release
from tests.unit.desk.conftest import LATER, NOW, TownDesk, a_town, an_alert
from tests.unit.web.public.conftest import Paper, a_setting
from tests.unit.web.public.test_panel import LONG

pytestmark = pytest.mark.process
SIZES = {"lying": (1920, 1080), "upright": (1080, 1920), "small": (1024, 768)}
HERE = (NamedValue("INSEE", "38185"),)
WORST = [
    an_alert(
        sender="alertes@saint-martin.example",
        event="Crue",
        headline="Crue soudaine de la Vive : montée rapide des eaux attendue dans la nuit, berges évacuées",
        severity=Severity.EXTREME,
        instruction=LONG,
        areas=tuple(Area(name, geocodes=HERE) for name in ("Centre-Bourg", "Les Coteaux", "Le Port", "La Plaine")),
    ),
    an_alert(event="Gel", headline="Verglas", severity=Severity.SEVERE),
    an_alert(),
    an_alert(event="Travaux", headline="Rue Basse fermée", severity=Severity.MINOR, instruction="Passez par le quai."),
]
# What of the screen that is seen sticks out of its room; its smallest letters and its pictogram, in hundredths of the
# shorter side.
_FITS = """() => {
    const room = document.querySelector('.screen.shown .room'), side = Math.min(innerWidth, innerHeight) / 100;
    const isSeen = each => each.checkVisibility({visibilityProperty: true}) && each.textContent.trim();
    const seen = [...document.querySelectorAll('p, h2')].filter(isSeen), page = document.documentElement;
    return {out: room ? Math.max(room.scrollHeight - room.clientHeight, room.scrollWidth - room.clientWidth) : 0,
        scrolls: page.scrollHeight > innerHeight || page.scrollWidth > innerWidth,
        least: Math.min(...seen.map(each => parseFloat(getComputedStyle(each).fontSize))) / side,
        sign: (document.querySelector('.screen.shown .head .pictogram')?.getBoundingClientRect().height || 0) / side};
}"""


_SHOWN = re.compile(r"\bshown\b")


def _till_tomorrow(alert):
    """The same, still on at night."""
    infos = tuple(replace(info, expires=info.expires + timedelta(days=1)) for info in alert.infos)
    return replace(alert, infos=infos)


class Hall:
    """Files that a server serves, at a time of its own, to screens."""

    def __init__(self, folder, chromium) -> None:
        self.folder, self.chromium, self.until = folder, chromium, ExitStack()
        self.server = ExitStack()

    def write(self, *alerts, stale=False, after=timedelta()) -> None:
        """Put an edition in place."""
        town = TownDesk(self.folder / f"{len(list(self.folder.iterdir()))}.db", a_town())
        filed = [town.hear(each) for each in alerts]
        town.clock.set(NOW + after)
        paper = Paper(town, a_setting(public_url=""))
        if stale:
            paper.freshness = Freshness("Météo", NOW - timedelta(hours=2), stale=True)
        Export(self.folder / "site", ["en"]).write(answers_of(paper.print(*filed)))
        town.db.close()

    def serve(self, at) -> str:
        """Where it is served."""
        return self.server.enter_context(served(self.folder / "site", at))

    def screen(self, address, size="lying", path="panel/", **options):
        """A screen that shows it, whose time a test moves."""
        width, height = SIZES[size]
        context = self.chromium.new_context(viewport={"width": width, "height": height}, **options)
        self.until.callback(context.close)
        page = context.new_page()
        if options.get("java_script_enabled", True):
            page.clock.install()
        page.goto(address + path)
        if options.get("java_script_enabled", True):
            expect(page.locator("html.js")).to_be_attached()
        return page


@pytest.fixture
def hall(tmp_path, chromium):
    hall = Hall(tmp_path, chromium)
    yield hall
    hall.until.close()
    hall.server.close()


@pytest.mark.parametrize("size", ["lying", *at_release(["upright", "small"])])
@pytest.mark.parametrize("hours", [0, 10], ids=["day", "night"])
def test_every_screen_of_a_turn_fits_and_is_read_from_six_metres(hall, size, hours):
    hall.write(
        *[alert if not hours else _till_tomorrow(alert) for alert in WORST], stale=True, after=timedelta(hours=hours)
    )
    address = hall.serve(NOW + timedelta(hours=hours))
    page = hall.screen(address, size)
    count = page.locator(".screen").count()
    assert count == len(WORST) + 1, "the worst takes two"

    for n in range(count):
        expect(page.locator(".screen").nth(n)).to_have_class(_SHOWN)
        assert page.locator(".screen").filter(visible=True).count() == 1
        found = page.evaluate(_FITS)
        assert found["out"] <= 0, f"screen {n} sticks out by {found['out']}"
        assert not found["scrolls"]
        assert found["least"] >= 4
        assert found["sign"] >= 15, "what it is about isn't told apart from six metres"
        page.clock.run_for(10_000)
    assert not (said := violations(page, always=True)), "\n".join(said)
    assert page.evaluate("getComputedStyle(document.body).cursor") == "none"


@pytest.mark.release
def test_words_still_fit_when_the_night_begins(hall):
    hall.write(_till_tomorrow(WORST[0]), after=timedelta(hours=8, minutes=59))
    page = hall.screen(hall.serve(NOW + timedelta(hours=8, minutes=59, seconds=55)), "upright")
    by_day = page.evaluate(_FITS)
    page.clock.run_for(6_000)

    expect(page.locator("html")).to_have_class(re.compile("night"))
    assert by_day["out"] <= 0
    assert page.evaluate(_FITS)["out"] <= 0


@pytest.mark.release
@pytest.mark.parametrize("size", ["lying", *at_release(["upright", "small"])])
def test_without_a_script_the_next_screen_is_at_the_next_address_and_fits(hall, size):
    hall.write(*WORST)
    address = hall.serve(NOW)

    for path, words in (("panel/", "Crue soudaine"), ("panel/3/", "Verglas"), ("en/panel/4/", "Coup de vent")):
        page = hall.screen(address, size, path, java_script_enabled=False)
        expect(page.locator(".screen").filter(visible=True)).to_contain_text(words)
        expect(page.locator(".lost")).to_be_hidden()
        assert page.locator(".screen").filter(visible=True).count() == 1
        found = page.evaluate(_FITS)
        assert found["out"] <= 0, f"{path} sticks out by {found['out']}"
        assert found["least"] >= 4


@pytest.mark.release
def test_calm_shows_the_time_of_the_town_or_nothing_at_all(hall):
    hall.write()
    address = hall.serve(NOW + timedelta(minutes=2))
    page = hall.screen(address, timezone_id="Pacific/Auckland")
    expect(page.locator(".clock")).to_have_text("13:02")
    expect(page.locator(".calm")).to_be_visible()
    expect(page.locator(".asof")).to_have_text("à jour à 13:00")
    assert not (said := violations(page)), "\n".join(said)

    black = hall.screen(address, path="panel/#blank")
    expect(black.locator(".clock")).to_be_hidden()
    box = black.locator(".idle").bounding_box()
    assert (box["width"], box["height"]) == SIZES["lying"]


def test_what_is_not_up_to_date_is_said_large_also_on_a_black_screen(hall):
    hall.write(stale=True)
    address = hall.serve(NOW)
    for path in ("panel/", "panel/#blank"):
        page = hall.screen(address, path=path)
        expect(page.locator(".doubt")).to_have_text("Pas à jour")
        expect(page.locator(".idle")).to_contain_text("Météo : pas de nouvelles depuis mercredi 25 novembre à 11")
        expect(page.locator(".calm")).to_have_count(0)
        assert not (said := violations(page)), "\n".join(said)


def test_what_is_over_goes_by_the_clock_of_the_server_whatever_that_of_the_screen_says(hall):
    hall.write(an_alert(), after=LATER - NOW - timedelta(minutes=1))
    page = hall.screen(hall.serve(LATER - timedelta(seconds=20)))
    with page.expect_response("**/panel/"):
        page.clock.set_system_time("2031-01-01")
        page.clock.run_for(1_000)
    expect(page.locator(".screen")).to_be_visible()
    hall.server.close()
    page.clock.run_for(12_000)
    assert page.locator(".screen").is_visible()

    page.clock.run_for(9_500)
    assert page.locator(".screen").count() == 0
    expect(page.locator(".clock")).to_be_visible()
    assert page.locator(".calm").filter(visible=True).count() == 0, "nobody said that nothing else is on"


def test_a_screen_whose_server_is_gone_says_since_when_and_recovers(hall):
    hall.write(an_alert())
    address = hall.serve(NOW)
    page = hall.screen(address)
    expect(page.locator(".lost")).to_be_hidden()
    hall.server.close()

    page.clock.run_for(50_000)
    expect(page.locator(".lost")).to_have_text("Pas à jour depuis mercredi 25 novembre à 13 h 00", use_inner_text=True)
    expect(page.locator(".screen")).to_be_visible()
    expect(page.locator(".asof")).to_be_hidden()
    assert page.evaluate(_FITS)["out"] <= 0
    assert not (said := violations(page)), "\n".join(said)

    page.route("**/panel", lambda route: route.fulfill(path=hall.folder / "site" / "panel" / "index.html"))
    page.clock.run_for(25_000)
    expect(page.locator(".lost")).to_be_hidden()


def test_files_that_nobody_renews_are_not_taken_for_news(hall):
    hall.write()
    page = hall.screen(hall.serve(NOW + timedelta(minutes=11)))

    expect(page.locator(".lost")).to_contain_text("Pas à jour depuis")
    expect(page.locator(".calm")).to_be_hidden()


def test_a_new_version_is_loaded_and_new_words_are_shown_without_it(hall):
    hall.write(an_alert())
    page = hall.screen(hall.serve(NOW))
    loads = []
    page.on("framenavigated", lambda _: loads.append(1))
    hall.write(an_alert(headline="Tempête"))
    page.clock.run_for(21_000)
    expect(page.locator(".screen")).to_contain_text("Tempête")
    assert not loads

    file = hall.folder / "site" / "panel" / "index.html"
    file.write_text(file.read_text(encoding="utf-8").replace("/static/panel.", "/static/newer."), encoding="utf-8")
    with page.expect_event("framenavigated"):
        page.clock.run_for(21_000)


def test_a_script_that_never_came_leaves_no_screen_that_is_believed_for_ever(hall):
    hall.write(an_alert())
    address = hall.serve(NOW)
    context = hall.chromium.new_context()
    hall.until.callback(context.close)
    page = context.new_page()
    page.route("**/*.js", lambda route: route.abort())
    page.goto(address + "panel/")
    expect(page.locator(".screen")).to_be_visible()
    expect(page.locator(".lost")).to_be_hidden()

    page.evaluate("document.getAnimations().forEach(each => each.finish())")
    expect(page.locator(".lost")).to_be_visible()

"""Every page of the public side, in every state: nothing that axe-core finds, nothing cut, nothing forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from alerts.daemon.serving import build_app
from alerts.web.public.email_signup import EmailSignupPages
from alerts.web.public.publisher import Publisher
from alerts.web.public.sms_signup import SmsSignupPages
from alerts.web.public.snapshot import Setting
from tests.browser.axe import too_wide, violations
from tests.browser.editions import STATES, Printed, printed, whole_setting
from tests.browser.officer import SIZES
from tests.browser.pages import ANSWERED, IN_FILES, ON_SCREENS, PUBLIC_NO_PAGES
from tests.browser.test_files_that_nobody_renews import served
from tests.browser.whole_town import WholeTown, whole_town
from tests.fakes import FakeClock
from tests.release import at_release
from tests.unit.desk.conftest import NOW

pytestmark = pytest.mark.process
JEANNE = "jeanne@quais.example"
NETWORKS = iter(range(1, 250))
LOOKED_AT = ("extreme",)
"""The state that is looked at each time: the one with most on it. The calm one has every page."""


@pytest.fixture(scope="module")
def setting(tmp_path_factory) -> Setting:
    return whole_setting(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def states(setting, tmp_path_factory) -> dict[str, Printed]:
    folder = tmp_path_factory.mktemp("states")
    return {name: printed(folder, name, setting) for name in STATES}


class Anything:
    """Stands for what addresses don't depend on."""

    def __getattr__(self, name: str) -> Anything:
        return self

    def __call__(self, *given: object, **named: object) -> Anything:
        return self


def routes(setting: Setting) -> set[str]:
    """What the daemon answers a GET with outside desk and API, in the town's own language."""
    some = Anything()
    publisher = Publisher(some, setting, FakeClock(NOW))
    signups = [EmailSignupPages(publisher, some, some), SmsSignupPages(publisher, some, some)]
    app = build_app(setting.town, some, some, some, publisher, intake=some, reports=some, push=some, signups=signups)
    found = {each.resource.canonical for each in app.router.routes() if each.method == "GET"}
    return {each for each in found if not each.startswith(("/desk", "/api", "/open311", "/en/"))}


def addresses(states: dict[str, Printed]) -> set[str]:
    """What editions answer, in the town's own language, with a name in the place of what differs."""
    said = {path for each in states.values() for path in each.paths if not path.startswith("/en/")}
    patterns = ((r"^/alerts/\w+", "/alerts/{id}"), (r"^/cap/\w+", "/cap/{id}"), (r"^/static/.*", "/static/{file}"))
    for pattern, instead in (*patterns, (r"^/panel/\d+", "/panel/{n}")):
        said = {re.sub(pattern, instead, path) for path in said}
    return said


def test_no_page_is_forgotten(setting, states):
    there, listed = routes(setting) | addresses(states), {*IN_FILES, *ON_SCREENS, *ANSWERED, *PUBLIC_NO_PAGES}

    assert sorted(there - listed) == [], "put it into tests/browser/pages.py"
    assert sorted(listed - there) == [], "it isn't there any more"


def faults(page: Page) -> list[str]:
    return [f"{page.url}: {wrong}" for wrong in (*violations(page, always=True), *too_wide(page))]


@pytest.mark.parametrize("state", [*LOOKED_AT, *at_release(state for state in STATES if state not in LOOKED_AT)])
def test_every_page_of_an_edition_is_for_everybody(chromium, states, state):
    edition, found = states[state], []
    paths = [path for path, looked_at in IN_FILES.items() if state in looked_at]
    with served(edition.folder, NOW + timedelta(hours=STATES[state].hours, minutes=1)) as site:
        context = chromium.new_context(**SIZES["phone"], locale="fr-FR")
        page = context.new_page()
        for path in paths:
            for shown in edition.shown if "{id}" in path else ("",):
                page.set_viewport_size(SIZES["phone"]["viewport"])
                page.goto(site + (shown or path).lstrip("/"))
                page.wait_for_load_state("networkidle")
                found += faults(page)
        context.close()
    assert not found, "\n".join(found)


# --- what the daemon answers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[WholeTown]:
    with whole_town(tmp_path_factory.mktemp("whole-town")) as town:
        yield town


class Visit:
    """Somebody's telephone on the town's pages, and what is wrong with what they saw."""

    def __init__(self, page: Page, town: WholeTown) -> None:
        self.page, self.town = page, town
        self.seen: list[str] = []
        self.found: list[str] = []

    def look(self) -> None:
        """At the page that is open, in every width."""
        self.seen.append(self.page.url.removeprefix(self.town.pages).partition("?")[0])
        self.found += faults(self.page)
        self.page.set_viewport_size(SIZES["phone"]["viewport"])

    def go(self, path: str) -> Page:
        """Open it, and look."""
        self.page.goto(self.town.pages + path)
        self.page.wait_for_load_state("load")
        self.look()
        return self.page

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()


@pytest.fixture
def visit(chromium, town) -> Iterator[Visit]:
    with ExitStack() as until:
        context = chromium.new_context(**SIZES["phone"], locale="fr-FR")
        until.callback(context.close)
        visit = Visit(context.new_page(), town)
        yield visit
        assert not visit.found, "\n".join(visit.found)


@pytest.mark.release
def test_every_page_of_letters(visit, town):
    page = visit.go("/")
    page.get_by_text("Les alertes par courriel").click()
    visit.look()
    visit.go("/en/mail")
    page = visit.go("/mail")
    page.get_by_label("Votre adresse électronique").fill(JEANNE)
    visit.press("M’envoyer le lien")
    expect(page.get_by_role("heading", name="Consultez votre messagerie")).to_be_visible()
    visit.look()
    page.goto(town.letter())
    visit.look()
    visit.press("Oui, envoyez-les-moi")
    expect(page.get_by_text("Vous recevez nos alertes par courriel")).to_be_visible()
    visit.look()
    visit.press("Ne plus recevoir de courriels")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    visit.look()
    page.goto(f"{town.letter()[:-4]}AAAA")
    visit.look()
    assert {re.sub(r"/mail/(confirm/)?[\w-]+.*", r"/mail/\1{}", each) for each in visit.seen} == {
        "/", "/en/mail", "/mail", "/mail/confirm/{}", "/mail/{}",
    }  # fmt: skip


@pytest.mark.release
def test_every_page_of_reports(visit, town):
    told = town.reported()
    page = visit.go("/reports")
    for path in ("/", f"/reports/{told['road']}", f"/en/reports/{told['lamp']}", f"/reports/{told['road']}/notice"):
        visit.go(path)
    page.locator("textarea").first.fill("On y voit une plaque.")
    # What comes sooner than anybody types is taken for a program's.
    page.wait_for_function("() => performance.now() > 3100")
    page.locator("main form button").last.click()
    page.wait_for_url(re.compile("/notice/"))
    visit.look()
    visit.go("/report?kind=wires")
    page = visit.go("/report")
    page.locator("input[value=flooding]").click()
    page.locator("#address").fill("4 rue de la Halle")
    visit.look()
    page.locator("#send").click()
    page.wait_for_url(re.compile("/report/SM-"))
    visit.look()


@pytest.mark.release
def test_a_poll_and_a_question(visit, town):
    out = town.post("Coupure d’eau", "--severity", "Moderate", "--area", "Centre-Bourg")["incident"]
    asked = ("--question", "Ouvrir la halle le dimanche ?", "--option", "Oui", "--option", "Non", "--until", "2d")
    [poll] = town.objects("poll", "open", *asked)
    town.until_shown(out)
    page = visit.go(f"/polls/{poll['poll']}")
    visit.press("Oui")
    expect(page.get_by_text("Votre réponse est comptée. Merci.")).to_be_visible()
    visit.look()
    page = visit.go(f"/alerts/{out}")
    page.get_by_label("Votre question").fill("Jusqu’à quand ?")
    visit.press("Voir les réponses données, ou envoyer la question")
    expect(page.get_by_role("heading", name="Poser une question")).to_be_visible()
    visit.look()

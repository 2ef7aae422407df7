"""An operator at their browser: every town on one page, one alert to all of them; phone and desk, axe on each page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from campaign.town import Town
from tests.browser.axe import SIDEWAYS, violations
from tests.browser.officer import SIZES, Desk, People
from tests.mail_relay import MAIL, Relay, running
from tests.release import at_release

pytestmark = pytest.mark.process
MEYLAN = '[sources.manual]\npublish = "approve"\n'


class FleetTown(Town):
    """A county: three towns, one of which validates what comes from outside, and one whose file is broken."""

    desk = ""

    def open(self):
        self.start_sandbox()
        for name, more in (("crolles", ""), ("meylan", MEYLAN), ("voreppe", 'oops = "no such key"\n')):
            self.add_town(name, more)
        self.start_fleet()

    def add_town(self, name, more, rest=""):
        folder = self.folder / "towns" / name
        folder.mkdir(parents=True)
        (folder / "token").write_text("1234567:sandbox-telegram-token")
        (folder / "channels.toml").write_text(
            f'[station]\nname = "Ville de {name.capitalize()}"\nsender = "alertes@{name}.example"\n{more}'
            f'[channels.telegram]\nkind = "telegram"\napi_url = "{self.sandbox}"\n'
            f'chat = "@saintmartin_alertes"\ntoken = {{ file = "token" }}\n{rest}'
        )
        return folder

    def start_fleet(self):
        lines = '[fleet]\nname = "Département de l’Isère"\n[web]\nlisten = "127.0.0.1:0"\n'
        (self.folder / "towns/fleet.toml").write_text(lines)
        fleet = self.start("run", "--stations", str(self.folder / "towns"))
        address = fleet.wait_for(r'"url": "(http://[^"]+)", "event": "web.listening"')[1]
        self.desk = f"{address.replace('127.0.0.1', 'localhost')}/desk"
        fleet.wait_for("fleet.running")

    def tocsin(self, *arguments, stdin=None):
        """Commands about accounts are about the fleet's."""
        group, *rest = arguments
        return super().tocsin(group, "--stations", str(self.folder / "towns"), *rest, stdin=stdin)


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    town = FleetTown(tmp_path_factory.mktemp("county"))
    try:
        town.open()
        yield town
    finally:
        town.end()


@pytest.fixture(scope="module")
def operators(county):
    return People(county)


@pytest.fixture
def desk(chromium, operators):
    desk = Desk(chromium, operators)
    yield desk
    desk.close()


def is_well_made(page):
    assert violations(page) == []
    assert page.evaluate(SIDEWAYS) <= 0
    return True


@pytest.mark.parametrize("size", ["desk", *at_release(["phone"])])
def test_an_operator_sees_all_towns_and_posts_one_alert_to_them(desk, county, size):
    marie = desk.person("marie", "operator", size)
    page = marie.go("/")
    expect(page.locator("tbody tr").first).to_contain_text("not running")
    expect(page.locator("tbody tr")).to_have_count(3)
    assert is_well_made(page)

    headline = f"Crue de l’Isère, {size}"
    marie.press(page.get_by_role("link", name="New alert for several towns"))
    marie.press(page.get_by_role("link", name="Flood", exact=True))
    page.get_by_label("Headline", exact=True).fill(headline)
    page.get_by_label("Or more precisely, in words").fill("Quais de l’Isère")
    page.get_by_label("Instruction").fill("Montez à l’étage.")
    marie.press(page.locator("#f-severity").get_by_text("Extreme"))
    page.locator("select[name=urgency]").evaluate("each => { each.closest('details').open = true }")
    page.locator("select[name=urgency]").select_option("Immediate")
    assert is_well_made(page)
    marie.press(page.locator("#publish"))

    page.get_by_label("Show only towns whose name contains").fill("meyl")
    expect(page.get_by_label("Ville de Crolles")).not_to_be_visible()
    assert is_well_made(page)
    page.get_by_label("All 3 towns").check()
    marie.press(page.locator("#look"))

    expect(page.locator("#town-crolles")).to_contain_text("would go out at once")
    expect(page.locator("#town-meylan")).to_contain_text("would wait to be validated there")
    expect(page.locator("#town-voreppe")).to_contain_text("would be refused")
    assert is_well_made(page)
    marie.press(page.get_by_role("button", name=re.compile("^Send .* to 2 towns")))

    # By itself, as the page stands open.
    expect(page.locator("#town-crolles")).to_contain_text("is going out")
    expect(page.locator("#town-meylan")).to_contain_text("waiting to be validated there")
    assert is_well_made(page)
    county.until(lambda: any(headline in each["text"] for each in county.timelines()["telegram"]))

    marie.press(page.get_by_role("link", name="Sent to towns"))
    expect(page.get_by_role("link", name=headline)).to_be_visible()
    assert is_well_made(page)
    page = marie.go("/")
    expect(page.locator("#town-meylan .count")).to_be_visible()
    expect(page.locator("#town-crolles")).to_contain_text("Crue de l’Isère")


@pytest.mark.release
def test_without_any_script_it_goes_the_whole_way_too(desk, county):
    marie = desk.fresh("simone", "operator", java_script_enabled=False)
    page = marie.go("/compose?hazard=wind")
    page.get_by_label("Headline", exact=True).fill("Vent violent sur le département")
    page.locator("#publish").click()
    page.get_by_label("Ville de Crolles").check()
    page.locator("#look").click()
    page.get_by_role("link", name="Refresh").click() if page.locator("progress").count() else None
    with page.expect_navigation():  # reloaded in the midst of it, Chromium has no page
        page.locator("#send").click()
    county.until(lambda: page.reload() and "is going out" in page.locator("#town-crolles").inner_text())
    county.until(lambda: any("Vent violent" in each["text"] for each in county.timelines()["telegram"]))


@pytest.mark.parametrize("scripts", [True, *at_release([False])])
def test_a_citizen_finds_their_towns_at_the_fleets_own_address(chromium, county, scripts):
    context = chromium.new_context(**SIZES["phone"], locale="fr-FR", java_script_enabled=scripts)
    page = context.new_page()
    page.goto(county.desk.removesuffix("desk"))
    expect(page.locator(".towns li")).to_have_count(2)
    if scripts:
        assert is_well_made(page)
    page.get_by_label("Votre commune").fill("meyl")
    page.get_by_role("button", name="Regarder").click()
    expect(page.locator(".towns li")).to_have_count(1)
    page.get_by_role("link", name="Ville de Meylan", exact=True).click()
    expect(page).to_have_url(re.compile("/t/meylan/$"))
    expect(page.get_by_role("heading", name="Aucune alerte en cours")).to_be_visible()
    context.close()


class Valley(FleetTown):
    """Two towns that write letters, one of them with a bot, each at a host of its own."""

    def open_with(self, relay):
        self.relay = relay
        self.start_sandbox()
        for name, bot in (("crolles", "subscriptions = true\n"), ("meylan", "")):
            host = f'public_url = "https://alertes.{name}.example"\n'
            self.add_town(name, host, bot + MAIL.format(port=relay.port, name=name))
        self.start_fleet()


@pytest.fixture(scope="module")
def valley(tmp_path_factory):
    with running(Relay()) as relay:
        town = Valley(tmp_path_factory.mktemp("valley"))
        try:
            town.open_with(relay)
            yield town
        finally:
            town.end()


PHONE = {**SIZES["phone"], "locale": "fr-FR", "java_script_enabled": False}
DESK = {**SIZES["desk"], "locale": "en-GB", "color_scheme": "dark"}
MORE = ({**SIZES["desk"], "locale": "fr-FR"}, {**SIZES["phone"], "locale": "en-GB", "color_scheme": "dark"})


@pytest.mark.release
@pytest.mark.parametrize("browser", [PHONE, DESK, *at_release(MORE)])
def test_a_citizen_subscribes_to_several_towns_with_one_form(chromium, valley, browser):
    french, scripts = browser["locale"] == "fr-FR", browser.get("java_script_enabled", True)
    before = len(valley.relay.taken)
    context = chromium.new_context(**browser)
    page = context.new_page()
    page.goto(valley.desk.removesuffix("desk"))
    page.get_by_label("Ville de Crolles", exact=True).check()
    page.get_by_label("Votre commune" if french else "Your town").fill("meyl")
    page.get_by_label("Votre commune" if french else "Your town").press("Enter")
    expect(page.get_by_label("Ville de Crolles", exact=True)).to_be_checked()
    page.get_by_label("Ville de Meylan", exact=True).check()
    if scripts:
        assert is_well_made(page)
    page.get_by_role("button", name="M’abonner aux communes cochées" if french else "Subscribe to the ticked").click()

    page.get_by_label("Votre adresse" if french else "Your e-mail address").fill(f"citizen{before}@quais.example")
    page.get_by_label("Crues et pluies" if french else "Floods and rain").check()
    expect(page.get_by_role("link", name="@")).to_have_attribute("href", re.compile("^https://t.me/"))
    if scripts:
        assert is_well_made(page)
    page.get_by_role("button", name="M’envoyer 2 liens" if french else "Send me 2 links").click()
    expect(page.get_by_role("heading", name="Consultez" if french else "Check your e-mail")).to_be_visible()
    if scripts:
        assert is_well_made(page)
    letters = valley.relay.taken[before:]
    assert sorted(each.letter["From"] for each in letters) == ["alertes@crolles.example", "alertes@meylan.example"]
    assert all(("confirmez" if french else "confirm") in each.letter["Subject"] for each in letters)
    context.close()

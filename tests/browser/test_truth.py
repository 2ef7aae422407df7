"""No screen says more than is so: who sees an alert, what waits, where it is, and that nothing went out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.release import at_release

pytestmark = pytest.mark.process

LOCALES = {"en": "en-GB", "fr": "fr-FR"}
SAID = {
    "en": (
        "desk",
        "Visible to the public on 3 channels of 3, until",
        "its end is waiting (3 channels)",
        "A cancellation is waiting to be validated.",
    ),
    "fr": (
        "phone",
        "Visible du public sur 3 canaux sur 3, jusqu’au",
        "sa fin attend (3 canaux)",
        "Une annulation attend une validation.",
    ),
}
"""On which screen, the line at the head, what it says of an end that waits, and the title of what waits."""


@pytest.mark.release
@pytest.mark.parametrize("language", ["fr", *at_release(["en"])])
def test_one_line_says_who_sees_it_and_an_end_that_waits_ends_nothing(desk, town, language):
    size, line, ends, kind = SAID[language]
    alert = town.post(f"Route coupée ({language})", "--as", "anne", "--severity", "Moderate")["alert"]
    assert town.tocsin("approve", alert, "--as", "berthe").returncode == 0
    berthe = desk.person("berthe", "approver", size, locale=LOCALES[language])
    page = berthe.go(f"/alerts/{alert}")
    expect(page.locator("#standing")).to_contain_text(line)
    expect(page.locator("#standing")).to_contain_text(re.compile(r"anne, .*berthe\."))

    assert town.tocsin("cancel", alert, "--as", "anne").returncode == 0
    page = berthe.go(f"/alerts/{alert}")
    expect(page.locator("#standing")).to_contain_text(ends)
    expect(page.get_by_role("heading", name=kind)).to_be_visible()
    incident = page.locator("#incident").get_attribute("data-incident")
    expect(berthe.go("/").locator(f"#on-{incident}")).to_be_visible()


@pytest.mark.release
def test_a_page_that_was_made_before_it_went_out_says_so_as_soon_as_it_listens(desk, town):
    alert = town.post("Passerelle fermée", "--as", "anne", "--severity", "Moderate")["alert"]
    berthe = desk.person("berthe", "approver", "phone", locale="fr-FR")
    said, held = "Visible du public sur 3 canaux sur 3", []
    page = berthe.page
    page.route("**/desk/events", lambda route: held.append(route))  # noqa: PLW0108 Playwright marks it
    # A page that looks again every minute would say so by itself, later.
    page.add_init_script("window.setInterval = () => 0")
    berthe.go(f"/alerts/{alert}")
    incident = page.locator("#incident").get_attribute("data-incident")
    listening = berthe.context.new_page()
    listening.goto(berthe.desk + "/")
    assert town.tocsin("approve", alert, "--as", "berthe").returncode == 0
    # Whoever listened was told of all of it: no event is left for the one that begins to.
    expect(listening.locator(f"#on-{incident}")).to_contain_text(said)
    expect(page.locator("#standing")).not_to_contain_text("Visible du public")

    for stream in held:
        stream.continue_()

    expect(page.locator("#standing")).to_contain_text(said, timeout=20_000)


def test_whose_update_waits_and_would_be_withdrawn_is_said_while_another_is_written_and_after(desk, town):
    alert = town.post("Coupure d’eau rue Haute", "--as", "anne", "--severity", "Moderate")["alert"]
    assert town.tocsin("approve", alert, "--as", "berthe").returncode == 0
    berthe = desk.person("berthe", "approver", "phone", locale="fr-FR")
    page = berthe.go(f"/compose?update={alert}")
    expect(page.locator("#withdraws .notice")).to_have_count(0)

    assert town.tocsin("update", alert, "--as", "anne", "--headline", "Réparation en cours").returncode == 0
    expect(page.locator("#withdraws")).to_contain_text("Une mise à jour de anne attend", timeout=20_000)
    expect(page.locator("#withdraws")).to_contain_text("Réparation en cours")

    home = desk.person("anne", "author", "phone", locale="fr-FR").go("/")
    taken = home.get_by_text("Votre mise à jour a été retirée avant de partir : celle de berthe l’a remplacée.")
    expect(taken).to_have_count(0)
    page.fill("#f-headline", "Coupure d’eau jusqu’à minuit")
    berthe.press(page.locator("#publish"))
    page.wait_for_url("**/alerts/*")
    expect(page.get_by_text("La mise à jour de anne, qui attendait, a été retirée")).to_be_visible()
    expect(taken).to_be_visible(timeout=20_000)
    assert violations(home) == []
    home.locator(".notice", has=taken).get_by_role("link").click()
    expect(home.get_by_role("heading", name="Votre mise à jour a été retirée avant de partir")).to_be_visible()
    home.goto(f"{berthe.desk}/")
    expect(home.locator("#board")).to_be_visible()
    expect(taken).to_have_count(0)


@pytest.mark.release
def test_the_button_of_an_open_form_says_what_it_does_after_a_restart_under_another_rule(desk, town):
    berthe = desk.person("berthe", "approver", "phone", locale="fr-FR")
    page = berthe.go("/compose?hazard=general")
    page.fill("#f-headline", "Route coupée")
    expect(page.locator("#publish")).to_contain_text("Soumettre", timeout=20_000)
    config = town.folder / "channels.toml"
    before = config.read_text()
    town.kill()
    try:
        config.write_text(before.replace('publish = "approve"', 'publish = "auto"', 1))
        town.revive()
        expect(page.locator("#publish")).to_have_text("Publier", timeout=30_000)
    finally:
        town.kill()
        config.write_text(before)
        town.revive()


@pytest.mark.parametrize(("language", "told"), [("en", "Not sent:"), *at_release([("fr", "Pas envoyé")])])
def test_without_a_connection_the_button_says_so_and_a_reload_files_nothing(desk, town, language, told):
    headline = f"Ligne coupée ({language})"
    anne = desk.person("anne", locale=LOCALES[language])
    page = anne.go("/compose?hazard=general")
    anne.write(page.locator("#f-headline"), headline)
    expect(page.locator("#status")).to_have_attribute("data-state", "saved")
    town.kill()
    anne.press(page.locator("#publish"))
    expect(page.locator("#unsent")).to_contain_text(told)
    assert "/compose" in page.url
    town.revive()

    page.reload()
    expect(page.locator("#f-headline")).to_have_value(headline)
    assert not [each for each in town.objects("status") if each.get("headline") == headline], "nothing was filed"
    anne.press(page.locator("#publish"))
    page.wait_for_url(re.compile(r"/alerts/"))


@pytest.mark.release
@pytest.mark.parametrize(
    ("language", "asked"), [("fr", "Dans quel quartier est-ce"), *at_release([("en", "In which district is that?")])]
)
def test_a_place_in_words_asks_which_district_it_is_in(desk, language, asked):
    anne = desk.person("anne", locale=LOCALES[language])
    page = anne.go("/compose?hazard=general")
    anne.write(page.locator("#f-headline"), "Arbre sur la chaussée")
    anne.write(page.locator("#f-place"), "Pont de la Drevenne")
    expect(page.locator("#beside")).to_contain_text(asked)


@pytest.mark.release
@pytest.mark.parametrize(
    ("language", "title"), [("fr", "Les avis de Tocsin"), *at_release([("en", "Tocsin’s notices")])]
)
def test_our_own_notices_have_a_page_of_their_own(desk, town, language, title):
    alert = town.post(f"À relire ({language})", "--as", "anne", "--severity", "Moderate")["alert"]
    berthe = desk.person("berthe", "approver", locale=LOCALES[language])
    town.until(lambda: berthe.go("/notices").get_by_text(f"À relire ({language})").count())
    expect(berthe.page.get_by_role("heading", name=title)).to_be_visible()
    for address in ("/alerts", "/timeline"):
        page = berthe.go(address)
        expect(page.get_by_text(re.compile(r"à valider"))).to_have_count(0)
    town.tocsin("reject", alert, "--as", "berthe")

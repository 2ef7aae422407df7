"""From a question under the town's post to its answer there, in three actions: by real browsers on both sides."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.axe import SIDEWAYS, violations
from tests.browser.officer import SIZES, People
from tests.browser.town import LISTENS, DeskTown, desk_town
from tests.release import at_release

pytestmark = pytest.mark.process
SEND = {"en": "Send the answer", "fr": "Envoyer la réponse"}


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[DeskTown]:
    with desk_town(tmp_path_factory.mktemp("listening"), publish="auto", channels=LISTENS) as town:
        yield town


@pytest.fixture(scope="module")
def people(town) -> People:
    return People(town)


@pytest.fixture
def square(chromium, town) -> Iterator:
    """Opens the sandbox's timelines, where the town's posts are answered."""
    contexts = []

    def look(size: str):
        contexts.append(chromium.new_context(**{**SIZES[size], "locale": "fr-FR"}))
        page = contexts[-1].new_page()
        page.goto(town.sandbox)
        return page

    yield look
    for context in contexts:
        context.close()


def out(town: DeskTown, headline: str) -> str:
    """An alert that is out on the Page: the id of its incident."""
    [filed] = town.objects("post", "--headline", headline, "--expires", "3h", "--channel", "page")
    town.until(lambda: {post["state"] for post in town.objects("status", filed["alert"])[0]["posts"]} == {"sent"})
    return filed["incident"]


@pytest.mark.parametrize(
    ("size", "language"), [("phone", "fr"), *at_release([("desk", "en"), ("desk", "fr"), ("phone", "en")])]
)
def test_a_question_is_answered_where_it_was_asked_in_three_actions(desk, town, square, size, language):
    about = f"Coupure d’eau, {size} {language}"
    alert = out(town, about)
    officer = desk.person("anne", "author", size, locale=language)
    page = officer.go("/heard")
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    there = square(size)
    post = there.get_by_role("article").filter(has_text=about).first
    post.get_by_text("Répondre comme un habitant").first.click()
    post.get_by_label("Au nom de").first.fill("Nadia")
    question = f"Peut-on boire l’eau à la crèche {size} {language} ?"
    post.get_by_label("Ses mots").first.fill(question)
    post.get_by_role("button", name="Envoyer").first.click()

    # It comes onto the open page by itself.
    asked = page.get_by_role("link", name=re.compile(re.escape(question))).first
    expect(asked).to_be_visible()
    assert violations(page) == []
    assert page.evaluate(SIDEWAYS) <= 0
    officer.actions = 0
    officer.press(asked)
    officer.write(page.locator("#f-text"), "Non : seulement en bouteille.")
    assert violations(page) == []
    assert page.evaluate(SIDEWAYS) <= 0
    officer.press(page.get_by_role("button", name=SEND[language]))
    expect(page.get_by_role("status").first).to_be_visible()
    assert officer.actions == 3

    told = there.get_by_role("article").filter(has_text=about).first
    expect(told.get_by_text("Non : seulement en bouteille.").first).to_be_visible()
    for address in (f"/alerts/{alert}", "/heard", "/heard/all", page.url.removeprefix(officer.desk)):
        officer.go(address)
        assert violations(page) == [], address
        assert page.evaluate(SIDEWAYS) <= 0, address


@pytest.mark.release
def test_the_page_of_the_alert_has_the_answer_and_takes_another_question(desk, town, chromium):
    alert = out(town, "Travaux rue Basse")
    officer = desk.person("anne", "author")
    context = chromium.new_context(**SIZES["phone"], locale="fr-FR")
    citizen, faults = context.new_page(), []
    citizen.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    try:
        citizen.goto(f"{town.daemon.url}/alerts/{alert}")
        citizen.get_by_label("Votre question").fill("Le bus passe-t-il ?")
        citizen.get_by_role("button", name="Voir les réponses données, ou envoyer la question").click()
        expect(citizen.get_by_role("heading", name="Poser une question")).to_be_visible()
        assert violations(citizen) == []
        assert citizen.evaluate(SIDEWAYS) <= 0
        # What comes sooner than anybody reads is taken for a program's, thanked for and dropped.
        citizen.wait_for_function("() => performance.now() > 2100")
        citizen.get_by_role("button", name="Envoyer la question").click()
        expect(citizen.get_by_role("heading", name="Votre question est notée")).to_be_visible()
        assert violations(citizen) == []

        page = officer.go("/heard")
        page.get_by_role("link", name="Le bus passe-t-il ?").first.click()
        page.locator("#f-text").fill("Oui, par la rue Haute.")
        page.locator("#send-answer").click()
        expect(page.get_by_role("status").first).to_be_visible()
        citizen.goto(f"{town.daemon.url}/alerts/{alert}")
        expect(citizen.get_by_role("heading", name="Questions fréquentes")).to_be_visible()
        expect(citizen.get_by_text("Oui, par la rue Haute.")).to_be_visible()
        assert violations(citizen) == []
        citizen.goto(f"{town.daemon.url}/privacy")
        assert violations(citizen) == []
        assert citizen.evaluate(SIDEWAYS) <= 0
    finally:
        context.close()
    assert faults == []


@pytest.mark.release
def test_a_question_is_answered_without_any_script(desk, town):
    out(town, "Fuite rue Haute")
    officer = desk.person("anne", "author", java_script_enabled=False)
    page = officer.go("/heard")
    page.get_by_label("What was asked or said").fill("Fuite : jusqu’à quand ?")
    page.get_by_label("Where", exact=True).fill("Au guichet")
    page.get_by_label("About which alert").select_option(label="Fuite rue Haute")
    page.get_by_role("button", name="Note it").click()
    page.get_by_role("link", name="Fuite : jusqu’à quand ?").first.click()
    page.locator("#f-text").fill("Jusqu’à ce soir.")
    page.locator("#send-answer").click()
    expect(page.get_by_text("The current answer")).to_be_visible()

"""The sandbox's page as somebody tries the bot on it: three taps subscribe, on a phone too, beside a whole town."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from campaign.town import TELEGRAM, Town
from tests.browser.axe import SIDEWAYS, violations
from tests.browser.officer import SIZES
from tests.process.town import town_in
from tests.release import at_release

pytestmark = pytest.mark.process
HIGH = "() => document.scrollingElement.scrollHeight"
TOKEN = "1234567:sandbox-telegram-token"


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[Town]:
    for town in town_in(tmp_path_factory.mktemp("sandbox")):
        town.start_sandbox("--no-limits")
        town.configure(TELEGRAM + "subscriptions = true\n")
        town.start_daemon()
        yield town


@pytest.fixture
def look(chromium, town) -> Iterator:
    contexts, faults = [], []

    def open_page(size: str, **more) -> Page:
        contexts.append(chromium.new_context(**{**SIZES[size], "locale": "fr-FR", **more}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.goto(town.sandbox)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def ask(town: Town, path: str, body: dict) -> dict:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer sandbox-bearer"}
    asked = urllib.request.Request(f"{town.sandbox}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked) as answer:
        return json.loads(answer.read())


def write(town: Town, chat: int | str, text: str) -> dict:
    return ask(town, f"/bot{TOKEN}/sendMessage", {"chat_id": chat, "text": text})


@pytest.mark.release
@pytest.mark.parametrize(("size", "script"), [("phone", True), *at_release([("desk", True), ("phone", False)])])
def test_one_answers_and_votes_like_anybody(look, town, size, script):
    """A question under the town's post, its answer beneath, a vote: with the page's script and without it."""
    words = f"Crue sur {size}, {'avec' if script else 'sans'} script"
    write(town, "@saintmartin", words)
    poll = {"options": ["Samedi", "Dimanche"], "duration_minutes": 60}
    ask(town, "/2/tweets", {"text": f"Quel jour ? {words}", "poll": poll})
    page = look(size, java_script_enabled=script)
    if not script:
        page.get_by_role("link", name="L’arrêter, pour y écrire.").click()
    post = page.get_by_role("article").filter(has_text=words).filter(has_not=page.get_by_role("button", name="Voter"))
    post.get_by_text("Répondre comme un habitant").first.click()
    post.get_by_label("Au nom de").first.fill("Nadia")
    post.get_by_label("Ses mots").first.fill("Où, exactement ?")
    post.get_by_role("button", name="Envoyer").first.click()
    answers = post.get_by_role("region", name=re.compile("^Réponses"))
    expect(answers.get_by_role("article")).to_contain_text("Où, exactement ?")
    expect(answers.get_by_role("article")).to_contain_text("Nadia")

    vote = page.get_by_role("article").filter(has_text=f"Quel jour ? {words}")
    vote.get_by_role("button", name="Voter Dimanche").click()
    expect(vote.get_by_role("listitem").filter(has_text="Dimanche")).to_contain_text("1 voix")
    if script:  # neither can be asked of a page that runs none
        assert violations(page) == []
        assert page.evaluate(SIDEWAYS) <= 0
        expect(post.get_by_label("Ses mots").first).to_have_value("")


@pytest.mark.release
@pytest.mark.parametrize("size", ["desk", *at_release(["phone"])])
def test_a_platform_is_had_to_fail_and_to_work_again(look, size):
    page = look(size)
    faults = page.get_by_role("region", name="Pannes")
    expect(faults.get_by_role("status")).to_have_text("Aucune panne en cours.")
    faults.get_by_label("Plateforme").select_option("Telegram")
    faults.get_by_label("Ce qui échoue").select_option("trop de demandes : attendre")
    faults.get_by_label("Combien de fois").fill("2")
    faults.get_by_role("button", name="Déclencher la panne").click()
    expect(faults.get_by_role("status")).to_have_text("Telegram – trop de demandes : attendre (2 fois encore)")
    assert page.evaluate(SIDEWAYS) <= 0
    faults.get_by_role("button", name="Finir toutes les pannes").click()
    expect(faults.get_by_role("status")).to_have_text("Aucune panne en cours.")


@pytest.mark.parametrize(("size", "chat"), [("phone", 4712), *at_release([("desk", 4711)])])
def test_three_taps_subscribe(look, size, chat):
    page = look(size)
    page.get_by_label("Conversation", exact=True).fill(str(chat))
    page.get_by_role("button", name="Envoyer").first.click()
    talk = page.get_by_role("region", name=f"Conversation {chat}")
    expect(talk).to_contain_text("Ici le service d’alerte")
    talk.get_by_role("button", name=re.compile("^Tout$")).click()
    talk.get_by_role("button", name="Modéré et plus").click()
    expect(talk).to_contain_text("abonnement enregistré")

    talk.get_by_label("Message").fill("/mydata")
    talk.get_by_label("Message").press("Enter")
    expect(talk).to_contain_text('"on": true')
    expect(talk.get_by_label("Message")).to_be_focused()
    assert page.evaluate(SIDEWAYS) <= 0
    assert violations(page) == []


@pytest.mark.release
def test_what_is_being_typed_outlives_what_comes_in_and_a_town_fits_the_page(look, town):
    page = look("phone")
    before = page.evaluate(HIGH)
    page.get_by_label("Message", exact=True).fill("/settings, mais plus ta")
    page.get_by_label("Message", exact=True).press("ArrowLeft")
    for chat in range(9000, 9200):
        write(town, chat, "Crue de l’Isère. " * 20)
    expect(page.get_by_role("region", name="Conversation 9199")).to_be_visible()
    expect(page.locator("main")).to_contain_text(re.compile(r"19\d autres conversations ne sont pas montrées"))
    expect(page.get_by_label("Message", exact=True)).to_have_value("/settings, mais plus ta")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.type("X")
    expect(page.get_by_label("Message", exact=True)).to_have_value("/settings, mais plus tXa")
    assert page.evaluate(HIGH) < before + 6000
    assert page.evaluate(SIDEWAYS) <= 0

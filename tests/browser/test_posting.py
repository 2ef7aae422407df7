"""An officer posts a prepared hazard in four actions, somebody else validates it, both see it out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.release import at_release

pytestmark = pytest.mark.process
WORDS = """screen => [...screen.querySelectorAll('.post')].map(part => [...part.childNodes]
    .filter(node => node.className !== 'link').map(node => node.textContent).join(' ')).join(' ')"""
"""All words of a post, before and behind its fold; X shows less of an address than there is."""
CALLED = {"x": "X account", "page": "Facebook Page", "telegram": "Telegram channel (telegram)"}


@pytest.mark.parametrize(
    ("size", "hazard", "place"),
    [("phone", "Take shelter", "Le Plateau"), *at_release([("desk", "Power cut", "Les Coteaux")])],
)
def test_a_prepared_hazard_in_four_actions_validated_in_another_browser_and_seen_out_live(
    desk, town, size, hazard, place
):
    anne, berthe = desk.person("anne", "author", size), desk.person("berthe", "approver", size)
    page = anne.go("/compose")
    anne.actions = 0

    anne.press(page.get_by_role("link", name=hazard))
    anne.press(page.locator("#f-area").get_by_text(place))
    expect(page.locator("#beside")).to_contain_text(place)
    expect(page.locator("#does")).to_have_text(re.compile(r"Send for validation: 3 channels"))
    anne.press(page.locator("#publish"))
    if hazard == "Take shelter":
        expect(page.get_by_role("heading", name="Read, then confirm")).to_be_visible()
        expect(page.locator("main dl")).to_contain_text(place)
        anne.press(page.locator("#confirm"))
    expect(page.get_by_text("An alert is waiting to be validated.")).to_be_visible()
    assert anne.actions <= 4
    alert = re.search(r"/alerts/(\w+)", page.url)[1]

    other = berthe.go("/")
    berthe.press(other.locator(f"#judge-{alert}"))
    berthe.press(other.get_by_role("button", name=re.compile("^Validate: publish on")))

    [stored] = town.objects("status", alert)
    channels = {post["channel"] for post in stored["posts"]}
    assert channels >= {"page", "telegram"}
    for channel in channels:
        expect(page.get_by_role("link", name=f"See it there – {CALLED[channel]}").first).to_be_visible()
    [stored] = town.objects("status", alert)
    for post in stored["posts"]:
        expect(page.get_by_role("link", name=f"See it there – {CALLED[post['channel']]}").first).to_have_attribute(
            "href", post["url"]
        )
    assert any(place in post["text"] for post in town.timelines()["telegram"])


@pytest.mark.release
def test_what_is_beside_the_form_is_what_is_stored(desk, town):
    anne = desk.person("anne")
    page = anne.go("/compose?hazard=general")
    anne.write(page.get_by_label("Headline", exact=True), "Pont de la Drevenne fermé")
    anne.write(page.get_by_label("Instruction"), "Passez par le pont neuf.")
    looks = page.locator(".look")
    expect(looks.first).to_contain_text("Passez par le pont neuf.")
    shown = {look.get_attribute("data-channel"): look.locator(".screen").first.evaluate(WORDS) for look in looks.all()}
    anne.press(page.locator("#publish"))
    page.wait_for_url(re.compile(r"/alerts/"))

    [stored] = town.objects("status", re.search(r"/alerts/(\w+)", page.url)[1])

    def words(text: str) -> list[str]:
        return [line for line in text.split() if not line.startswith("http")]

    for post in stored["posts"]:
        assert words(post["text"]) == words(shown[post["channel"]])


@pytest.mark.release
def test_what_is_grave_is_read_before_it_goes(desk):
    anne = desk.person("anne")
    page = anne.go("/compose?hazard=general")
    anne.write(page.get_by_label("Headline", exact=True), "Fuite de gaz rue Haute")
    anne.press(page.locator("#f-severity").get_by_text("Extreme"))
    anne.press(page.locator("#f-area").get_by_text("Centre-Bourg"))
    anne.press(page.locator("#publish"))
    expect(page.locator("#f-instruction-error")).to_be_visible()
    anne.write(page.get_by_label("Instruction"), "Éloignez-vous à pied.")
    anne.press(page.locator("#publish"))

    expect(page.get_by_role("heading", name="Read, then confirm")).to_be_visible()
    facts = page.locator("main dl")
    for words in ("Fuite de gaz rue Haute", "Extreme", "Centre-Bourg"):
        expect(facts).to_contain_text(words)


@pytest.mark.release
def test_an_exercise_looks_like_one_from_the_first_page_to_the_last(desk, town):
    anne = desk.person("anne")
    page = anne.go("/compose")
    real = page.locator("body").evaluate(
        "e => getComputedStyle(e).getPropertyValue('--accent') + getComputedStyle(e).backgroundColor"
    )
    anne.press(page.get_by_role("link", name="This is an exercise"))
    expect(page.locator(".exercise-banner")).to_contain_text("EXERCISE")
    assert "exercise" in page.url
    drill = page.locator("body").evaluate(
        "e => getComputedStyle(e).getPropertyValue('--accent') + getComputedStyle(e).backgroundColor"
    )
    assert real != drill, "other colours"

    anne.press(page.get_by_role("link", name="Air pollution"))
    assert "exercise" in page.url
    expect(page).to_have_title(re.compile("^EXERCISE"))
    expect(page.locator("#publish")).to_have_text(re.compile("[Ee]xercise|EXERCISE"))
    anne.press(page.locator("#publish"))
    page.wait_for_url(re.compile(r"/alerts/"))
    expect(page.locator(".exercise-banner")).to_contain_text("EXERCISE")
    [stored] = town.objects("status", re.search(r"/alerts/(\w+)", page.url)[1])
    assert {post["channel"] for post in stored["posts"]} == {"exercices"}
    assert all("EXERCICE" in post["text"] for post in stored["posts"])

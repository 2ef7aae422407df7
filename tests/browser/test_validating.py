"""Four eyes, live: what an approver sees, what happens when they decide, and what a veto stops."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from alerts.web.console.stream import STREAMS
from tests.browser.lively import warning
from tests.release import at_release

pytestmark = pytest.mark.process


def public(town) -> list[str]:
    """What the public can read: no chat of the team's, of the exercises, or of one person."""
    return [
        post["text"]
        for platform, posts in town.timelines().items()
        for post in posts
        if platform != "telegram" or post["channel"].startswith("@")
    ]


@pytest.mark.parametrize("size", ["desk", *at_release(["phone"])])
def test_an_approver_validates_and_the_author_sees_it_go_out_live(desk, town, size):
    anne, berthe = desk.person("anne", "author", size), desk.person("berthe", "approver", size)
    alert = town.post(f"Rue Basse fermée ({size})", "--as", "anne", "--severity", "Moderate")["alert"]

    watching = anne.go(f"/alerts/{alert}")
    expect(watching.get_by_text("An alert is waiting to be validated.")).to_be_visible()
    page = berthe.go("/waiting")
    page.locator(f'.actions a[href$="/waiting/{alert}"]').click()
    for post in town.objects("status", alert)[0]["posts"]:
        expect(page.get_by_text(post["text"].splitlines()[0]).first).to_be_visible()
    page.get_by_role("button", name="Validate: publish on 3 channels").click()

    for channel in ("X account", "Facebook Page", "Telegram channel (telegram)"):
        expect(watching.get_by_role("link", name=f"See it there – {channel}").first).to_be_visible()
    urls = {post["url"] for post in town.objects("status", alert)[0]["posts"]}
    assert urls <= {link.get_attribute("href") for link in watching.get_by_role("link").all()}


@pytest.mark.release
def test_who_hurries_through_the_pages_is_never_told_that_the_connection_is_lost(desk):
    anne = desk.person("anne")
    refused = []
    anne.page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    for _ in range(10):
        with anne.page.expect_request(re.compile("/desk/events")):
            anne.go("/")

    expect(anne.page.locator("[data-live]")).to_have_attribute("data-state", "on")
    assert refused == []


@pytest.mark.release
def test_whose_page_gave_its_connection_to_newer_ones_has_one_again_in_a_while(desk, town):
    anne = desk.person("anne")
    first, asked = anne.page, []
    first.on("request", lambda request: asked.append(request.url) if "/desk/events" in request.url else None)
    first.clock.install()
    anne.go("/")
    for _ in range(STREAMS):
        with anne.context.expect_event("response", lambda answer: answer.url.endswith("/desk/events")):
            anne.context.new_page().goto(f"{anne.desk}/")
    assert len(asked) == 1

    town.until(lambda: first.clock.fast_forward(31_000) or len(asked) > 1)
    expect(first.locator("[data-live]")).to_have_attribute("data-state", "on")


@pytest.mark.release
def test_its_author_cannot_validate_it(desk, town):
    berthe = desk.person("berthe", "approver")
    alert = town.post("Marché annulé", "--as", "berthe", "--severity", "Moderate")["alert"]

    page = berthe.go(f"/waiting/{alert}")

    expect(page.get_by_text("You wrote this alert: somebody else has to validate it.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Validate"))).to_have_count(0)


@pytest.mark.release
def test_two_approvers_at_once_and_the_second_is_told(desk, town):
    berthe, zoe = desk.person("berthe", "approver"), desk.person("zoe", "approver")
    alert = town.post("Piscine fermée", "--as", "anne", "--severity", "Moderate")["alert"]
    one, other = berthe.go(f"/waiting/{alert}"), zoe.go(f"/waiting/{alert}")

    one.get_by_role("button", name=re.compile("Validate")).click()
    expect(one.get_by_role("button", name=re.compile("Validate"))).to_have_count(0)
    other.get_by_role("button", name=re.compile("Validate")).click()

    expect(other.get_by_text("berthe validated it at")).to_be_visible()


@pytest.mark.parametrize("size", ["phone", *at_release(["desk"])])
def test_a_veto_in_time(desk, town, size):
    berthe = desk.person("berthe", "approver", size)
    town.feed.tell(warning(f"vent-{size}", f"Coup de vent ({size})"))
    told = town.until(
        lambda: [each for each in town.objects("status") if each.get("headline") == f"Coup de vent ({size})"]
    )

    page = berthe.go(f"/waiting/{told[0]['alert']}")
    expect(page.get_by_role("timer")).to_contain_text(re.compile("in|min"))
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_text("will not go out.")).to_be_visible()

    [stopped] = town.objects("status", told[0]["alert"])
    assert {post["state"] for post in stopped["posts"]} == {"rejected"}
    assert not any(f"Coup de vent ({size})" in text for text in public(town))


@pytest.mark.release
@pytest.mark.parametrize("size", ["phone", *at_release(["desk"])])
def test_correct_with_one_tap(desk, town, size):
    anne = desk.person("anne", "author", size)
    alert = town.post(f"Évacuation du quartier Nord ({size})", "--as", "anne", "--severity", "Moderate")["alert"]
    assert town.tocsin("approve", alert, "--as", "berthe").returncode == 0
    page = anne.go(f"/alerts/{alert}")
    expect(page.get_by_role("link", name="See it there – X account").first).to_be_visible()

    before = sum("Rectificatif – notre message" in text for text in public(town))
    page.locator("#f-right").fill("Personne n’a à partir.")
    page.get_by_role("button", name="Correct it now on 3 channels").click()

    town.until(lambda: sum("Rectificatif – notre message" in text for text in public(town)) > before)
    expect(page.get_by_text("correction").first).to_be_visible()


@pytest.mark.release
def test_a_correction_is_called_back_in_time_and_sent_by_whoever_leaves(desk, town):
    anne = desk.person("anne", "author")
    alert = town.post("Gymnase ouvert à tous", "--as", "anne", "--severity", "Moderate")["alert"]
    assert town.tocsin("approve", alert, "--as", "berthe").returncode == 0
    page = anne.go(f"/alerts/{alert}")
    expect(page.get_by_role("link", name="See it there – X account").first).to_be_visible()
    correct = page.get_by_role("button", name="Correct it now on 3 channels")

    page.clock.install()
    correct.click()
    expect(page.get_by_text("goes out in five seconds")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    page.clock.fast_forward(6_000)
    expect(page.locator("#undo")).to_have_count(0)
    expect(correct).to_be_focused()
    assert len(town.objects("status", alert)) == 1, "nothing followed"

    page.locator("#f-right").fill("Il ouvre demain.")
    correct.click()
    expect(page.locator("#undo")).to_be_visible()
    anne.go("/")
    town.until(lambda: len(town.objects("status", alert)) > 1 or "corrected" in str(town.objects("status", alert)))
    expect(anne.go(f"/alerts/{alert}").get_by_text("correction").first).to_be_visible()


@pytest.mark.release
def test_the_end_of_what_is_grave_is_called_back_in_time_or_goes_out_by_itself(desk, town):
    anne = desk.person("anne", "author", "phone", locale="fr-FR")
    options = ("--event", "Évacuation", "--severity", "Extreme", "--area", "Le Plateau")
    alert = town.post("Évacuez le Plateau", "--as", "anne", *options)["alert"]
    assert town.tocsin("approve", alert, "--as", "berthe").returncode == 0
    page = anne.go(f"/alerts/{alert}")
    anne.press(page.locator("#ending summary"))
    anne.press(page.locator("#f-how-clear"))
    page.clock.install()

    anne.press(page.locator("#end"))
    expect(page.get_by_text("La fin est envoyée dans cinq secondes")).to_be_visible()
    anne.press(page.get_by_role("button", name="Annuler l’envoi"))
    page.clock.fast_forward(6_000)
    expect(page.locator("#undo")).to_have_count(0)
    expect(page.locator("#end")).to_be_focused()
    assert len(town.objects("status", alert)) == 1, "nothing followed"

    anne.press(page.locator("#end"))
    expect(page.locator("#undo")).to_be_visible()
    page.clock.fast_forward(6_000)
    page.wait_for_url(re.compile("done=end"))


@pytest.mark.release
def test_an_exercise_cannot_be_mistaken(desk, town):
    berthe = desk.person("berthe", "approver")
    drill = town.post("Évacuation du gymnase", "--as", "anne", "--severity", "Severe", "--exercise")["alert"]
    real = town.post("Fuite de gaz", "--as", "anne", "--severity", "Severe")["alert"]

    looks = {}
    for name, alert in (("drill", drill), ("real", real)):
        page = berthe.go(f"/waiting/{alert}")
        colour = "e => getComputedStyle(e).backgroundColor"
        button = page.get_by_role("button", name=re.compile("^Validate"))
        looks[name] = (
            button.inner_text(),
            page.locator("body").evaluate(colour),
            page.title(),
            page.locator(".exercise-banner").count(),
        )

    assert looks["drill"][0] == "Validate the exercise"
    assert looks["drill"][2].startswith("EXERCISE")
    assert looks["drill"][3] == 1
    assert looks["real"][3] == 0
    assert looks["drill"][:2] != looks["real"][:2]
    berthe.go(f"/waiting/{drill}").get_by_role("button", name="Validate the exercise").click()
    town.until(lambda: town.objects("status", drill)[0]["posts"][0]["state"] == "sent")
    assert not any("gymnase" in text for text in public(town))
    assert all("EXERCICE" in post["text"] for post in town.objects("status", drill)[0]["posts"])

"""Previews that look like the platforms, and numbers that come true: whom it says it reaches, it reaches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import expect

from alerts.channels.push.encryption import new_key
from alerts.store.files import connect
from tests.browser.axe import SIDEWAYS, violations
from tests.browser.officer import SIZES, People
from tests.browser.town import CHANNELS as THOSE_OF_A_TOWN
from tests.browser.town import DeskTown, desk_town
from tests.release import at_release

pytestmark = pytest.mark.process
DRAWN = """() => [...document.querySelectorAll('.look img')].every(each => { each.loading = 'eager';
    return each.complete && each.naturalWidth > 0; })"""
CHANNELS = (
    THOSE_OF_A_TOWN.replace('kind = "twitter"', 'kind = "twitter"\nseverity = "Minor"').replace(
        "subscriptions = true\n", 'subscriptions = true\nlimits = ["1000/1m"]\n'
    )
    + """
[channels.lettre]
kind = "mail"
host = "127.0.0.1"
port = 9
tls = "none"
sender = "Ville de Saint-Martin <alertes@saint-martin.example>"
to = "alertes@listes.saint-martin.example"
subscriptions = true

[channels.panneaux]
kind = "mqtt"
host = "127.0.0.1"
port = 9
tls = "none"

[push]
key = {{ file = "push.pem" }}
subject = "mailto:mairie@saint-martin.example"
"""
)
WIDER = """() => [...document.querySelectorAll('.look')].flatMap(look => {
    const edge = look.getBoundingClientRect().right + 1, all = [...look.querySelectorAll('*')];
    return all.filter(each => !each.closest('details figcaption') && each.getBoundingClientRect().right > edge)
        .map(each => `${each.tagName}.${each.className}`); })"""
"""What stands out of its channel's box."""
HERE, ELSEWHERE, EVERYWHERE = 31, 9, 4
"""Who chose the district that the alert is for, another one, and none: 35 hear of it."""


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[DeskTown]:
    folder = tmp_path_factory.mktemp("looks")
    (folder / "push.pem").write_text(new_key())
    with desk_town(folder, publish="auto", channels=CHANNELS) as town:
        chosen = [["SM-05"]] * HERE + [["SM-01"]] * ELSEWHERE + [[]] * EVERYWHERE
        lines = "".join(json.dumps({"chat": 7000 + n, "districts": each}) + "\n" for n, each in enumerate(chosen))
        done = town.tocsin("subscribers", "import", "-", "--channel", "telegram", stdin=lines)
        assert done.returncode == 0, done.stderr
        yield town


@pytest.fixture(scope="module")
def people(town) -> People:
    return People(town)


def told(town: DeskTown, words: str) -> int:
    """How many private chats got a message with these words."""
    posts = town.timelines()["telegram"]
    return len({post["channel"] for post in posts if words in post["text"] and re.fullmatch("7...", post["channel"])})


def is_through(town: DeskTown) -> bool:
    with closing(connect(town.folder / "tocsin.db", readonly=True)) as db:
        return {row[0] for row in db.execute("SELECT state FROM bulk WHERE channel = 'telegram'")} == {"done"}


@pytest.mark.release
def test_whom_the_preview_says_it_reaches_it_reaches(desk, town):
    anne = desk.person("anne")
    page = anne.go("/compose?hazard=general")
    telegram = page.locator('.look[data-channel="telegram"]')
    anne.write(page.get_by_label("Headline", exact=True), "Passerelle fermée")
    expect(telegram).to_contain_text("Reaches about 45 subscribers (the whole town)")
    anne.press(page.locator("#f-area").get_by_text("Les Coteaux"))
    expect(telegram).to_contain_text("Reaches about 35 subscribers (Les Coteaux)")
    anne.press(page.locator("#publish"))
    page.wait_for_url(re.compile(r"/alerts/"))

    assert town.until(lambda: is_through(town) and told(town, "Passerelle fermée")) == HERE + EVERYWHERE

    alert = re.search(r"/alerts/(\w+)", page.url)[1]
    page = anne.go(f"/compose?update={alert}")
    anne.write(page.get_by_label("Instruction"), "Passez par le pont.")
    expect(telegram).to_contain_text("Goes to about 35 subscribers: those who got the alert")
    anne.press(page.locator("#publish"))
    page.wait_for_url(re.compile(r"/alerts/"))
    assert town.until(lambda: told(town, "Passez par le pont.") if is_through(town) else 0) == HERE + EVERYWHERE


@pytest.mark.parametrize("size", ["phone", *at_release(["desk", "narrow", "zoomed"])])
@pytest.mark.parametrize("scheme", ["light", *at_release(["dark"])])
def test_previews_are_for_everybody_at_every_size(desk, town, size, scheme):
    anne = desk.person("anne", size=size, color_scheme=scheme)
    page = anne.go("/compose?hazard=evacuation")
    page.locator("#f-area").get_by_text("Les Coteaux").click()
    for layout in ("feed.twitter", "feed.facebook", "chat.telegram", "letter.mail", "lock.push", "panel.mqtt"):
        expect(page.locator(f".screen.{layout}").first).to_be_visible()
    expect(page.locator(".screen.facebook .rest").first).to_be_visible()
    assert page.wait_for_function(DRAWN)
    page.evaluate("() => document.querySelectorAll('.look details').forEach(each => { each.open = true; })")
    # The bars at the foot of a telephone lie over whatever is there: the previews, and no button that axe measures.
    page.evaluate("() => document.querySelector('.screen.feed.twitter').scrollIntoView()")
    assert not (found := violations(page)), "\n".join(found)
    page.evaluate("() => document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(WIDER) == [], "letters twice as large"


def test_the_screens_of_a_phone_are_no_wider_than_it(desk, town):
    narrow = desk.person("anne", size="narrow")
    page = narrow.go("/compose?hazard=evacuation")
    expect(page.locator(".screen").first).to_be_visible()
    for size in ("narrow", "zoomed"):
        page.set_viewport_size(SIZES[size]["viewport"])
        assert page.evaluate(SIDEWAYS) <= 0


@pytest.mark.release
def test_without_script_the_same_stands_there_when_asked_for(desk, town):
    anne = desk.person("anne", java_script_enabled=False)
    page = anne.go("/compose?hazard=water-cut")
    page.locator("#look").click()
    expect(page.locator(".screen.lock .notification").first).to_be_visible()
    expect(page.locator('.look[data-channel="telegram"]')).to_contain_text("Reaches about 45 subscribers")


@pytest.mark.release
@pytest.mark.parametrize("size", ["phone", *at_release(["desk", "narrow"])])
def test_an_end_and_a_correction_are_looked_at_first_and_nothing_is_sent_by_that(desk, town, size):
    anne = desk.person("anne", size=size)
    done = town.tocsin("post", "--headline", f"Gymnase ouvert à tous ({size})", "--expires", "3h", "--json")
    alert = json.loads(done.stdout.splitlines()[0])["alert"]
    page = anne.go(f"/alerts/{alert}")
    page.locator("#f-right").fill("Il ouvre demain.")
    anne.press(page.locator(".correct").get_by_role("button", name="See first how it will look"))
    expect(page.get_by_role("heading", name="How the correction will look")).to_be_visible()
    expect(page.locator("#undo")).to_have_count(0)
    for layout in ("feed", "chat", "lock"):
        expect(page.locator(f".screen.{layout}").first).to_be_visible()
    assert page.evaluate(SIDEWAYS) <= 0
    assert not (found := violations(page)), "\n".join(found)
    anne.press(page.get_by_role("link", name="Back to the alert"))

    anne.press(page.locator("#ending summary"))
    anne.press(page.get_by_label("The danger is over (all clear)"))
    anne.press(page.locator("#ending").get_by_role("button", name="See first how it will look"))
    expect(page.get_by_role("heading", name="How the all clear will look")).to_be_visible()
    anne.press(page.locator("#confirm"))
    expect(page.get_by_text("Its end is on its way to the channels.")).to_be_visible()


def test_a_press_counts_though_the_page_is_renewed_before_the_finger_is_lifted(desk, town):
    anne = desk.person("anne")
    page = anne.go(f"/alerts/{town.post('Piscine fermée', '--expires', '3h')['alert']}")
    anne.press(page.locator("#ending summary"))
    anne.press(page.get_by_label("The danger is over (all clear)"))
    page.locator("#ending").get_by_role("button", name="See first how it will look").hover()
    page.mouse.down()
    for _ in range(2):  # every two seconds, while it is on its way
        with page.expect_response(re.compile("/fragments/alerts/")) as renewed:
            pass
        renewed.value.finished()
    page.mouse.up()
    expect(page.get_by_role("heading", name="How the all clear will look")).to_be_visible()

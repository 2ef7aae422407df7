"""Push with nothing that stands in for the browser: a Firefox subscribes, reads, shows, and leaves.

Its push service is the sandbox's, over the protocol of Mozilla's own. What Tocsin encrypts, Firefox decrypts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from alerts.store.files import connect
from campaign.town import Town
from tests.browser.axe import SIDEWAYS
from tests.browser.firefox import FIREFOX, Firefox, firefox
from tests.browser.push_town import PushTown

pytestmark = [pytest.mark.process, pytest.mark.release]
SHOWN = """async () => {
    const shown = await (await navigator.serviceWorker.ready).getNotifications();
    return shown.map(({title, body, tag, lang, icon, data: {navigate}}) => ({title, body, tag, lang, icon, navigate}));
}"""
SAYS = "() => document.querySelector('[data-push] [role=status]').textContent"
CLOSE = "async () => (await (await navigator.serviceWorker.ready).getNotifications()).forEach((each) => each.close())"
REPORTS = "\n[reports]\n"


class Home:
    """Somebody with a Firefox at the town's page."""

    def __init__(self, town: PushTown, browser: Firefox) -> None:
        self.town = town
        self.browser = browser

    def visit(self, path: str = "/") -> None:
        """Open a page. It is whole then: a browser complains of what it was still loading when it leaves one."""
        self.browser.goto(self.town.pages + path)
        self.town.until(lambda: self.browser.is_at(self.town.pages + path))

    def subscribe(self) -> None:
        """By the page's own button."""
        self.browser.press("S’abonner")
        self.is_told("Abonnement enregistré")

    def leave(self) -> None:
        """As one does who has had enough."""
        self.browser.evaluate(CLOSE)
        self.browser.press("Ne plus recevoir d’alertes ici")
        self.is_told("Vous ne recevez plus d’alertes ici")

    def is_told(self, words: str) -> None:
        """What the page says to a tap."""
        self.town.until(lambda: words in self.browser.evaluate(SAYS))

    def sees(self, words: str) -> dict[str, Any]:
        """The one notification on the screen, once it says that."""

        def shown() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self.browser.evaluate(SHOWN)
            return found if any(words in each["body"] or words in each["title"] for each in found) else []

        [only] = self.town.until(shown)
        return only

    def is_connected(self, wanted: bool) -> None:
        """Switch the line to the push service on or off."""
        self.browser.prefers({"dom.push.connection.enabled": wanted})
        self.town.until(lambda: any(each["connected"] for each in self._known()) is wanted)

    def subscriptions(self) -> list[dict[str, Any]]:
        """What the push service has of this browser."""
        return [each for firefox in self._known() for each in firefox["browsers"]]

    def endpoint(self) -> str:
        """Where the town reaches its one subscriber."""
        with closing(connect(self.town.database, readonly=True)) as db:
            [[endpoint]] = db.execute("SELECT endpoint FROM subscriber WHERE channel = 'push'").fetchall()
        return str(endpoint)

    def _known(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.town.ask("/sandbox/push/firefoxes.json")
        return found


@pytest.fixture(scope="module")
def home(tmp_path_factory, forks) -> Iterator[Home]:
    """One town and one browser for all: their tests follow each other, and each leaves nothing."""
    if shutil.which(FIREFOX) is None:
        pytest.skip(f"{FIREFOX} is missing: apt-get install firefox-esr")
    Town.forks = forks
    folder = tmp_path_factory.mktemp("push")
    town = PushTown(folder)
    try:
        town.open_push(REPORTS)
        service = town.sandbox.replace("http://", "ws://") + "/sandbox/push/firefox"
        told = {"serverURL": service, "testing.allowInsecureServerURL": True, "retryBaseInterval": 100}
        settings = {f"dom.push.{name}": value for name, value in told.items()}
        with firefox(folder / "profile", {**settings, "dom.push.connection.enabled": True}) as browser:
            yield Home(town, browser)
    finally:
        town.end()


def test_a_firefox_shows_an_alert_its_update_and_its_end_and_leaves_without_a_trace(home):
    town, browser = home.town, home.browser
    home.visit()
    browser.tick("Centre-Bourg")
    home.subscribe()
    assert town.rows("subscriber") == 1

    elsewhere = town.post("Panne aux Coteaux", "--severity", "Severe", "--area", "Les Coteaux")
    grave = town.post(
        "Rue Basse fermée", "--severity", "Severe", "--area", "Centre-Bourg", "--instruction", "Passez par le quai."
    )
    shown = home.sees("Passez par le quai.")
    assert "Rue Basse" in shown["title"]
    assert shown["tag"] == grave["incident"] != elsewhere["incident"]
    assert shown["lang"] == "fr"
    assert shown["icon"].startswith("data:image/png;base64,")
    browser.tap_notification()
    with browser.new_window():
        town.until(lambda: browser.is_at(f"{town.pages}/alerts/{grave['incident']}"))

    town.objects("update", grave["incident"], "--instruction", "Passez par le pont.")
    home.sees("Passez par le pont.")
    town.objects("cancel", grave["incident"], "--over")
    assert "Rue Basse" in home.sees("Route rouverte")["title"]
    town.until(lambda: town.rows("received") == 0)
    assert [each["acknowledged"] for each in town.brought()] == ["delivered"] * 3
    assert {each["urgency"] for each in town.brought()} == {"high"}

    home.leave()
    assert (town.rows("subscriber"), town.rows("received"), town.rows("held_back")) == (0, 0, 0)
    assert [each["gone"] for each in home.subscriptions()] == [True]
    assert browser.errors(town.pages) == []


def test_who_was_away_is_shown_only_the_latest_of_an_alert(home):
    town = home.town
    home.visit()
    home.subscribe()
    home.is_connected(False)
    before = len(town.brought())
    grave = town.post("Crue de la Vive", "--severity", "Extreme", "--area", "all", "--instruction", "Montez.")
    town.until(lambda: len(town.brought()) == before + 1)
    town.objects("update", grave["incident"], "--instruction", "Ne descendez pas.")
    town.until(lambda: len(town.brought()) == before + 2)
    home.is_connected(True)
    home.sees("Ne descendez pas.")
    town.until(lambda: town.brought()[-1]["acknowledged"])
    assert [each["acknowledged"] for each in town.brought()[before:]] == [None, "delivered"]
    home.leave()


def test_a_browser_that_gets_another_endpoint_is_told_the_end_of_what_it_had_and_can_still_leave(home):
    town = home.town
    home.visit()
    home.subscribe()
    first = home.endpoint()
    grave = town.post("Rue Haute fermée", "--severity", "Severe", "--area", "all")
    home.sees("Rue Haute")
    town.ask("/sandbox/timelines", method="DELETE")  # the push service forgets all that it knew
    town.until(lambda: home.endpoint() != first)
    town.objects("cancel", grave["incident"], "--over")
    home.sees("Route rouverte")
    home.leave()  # by the page that was open all the while
    assert town.rows("subscriber") == 0
    assert [each["gone"] for each in home.subscriptions()] == [True]


def test_an_officer_whose_device_gets_another_endpoint_is_told_to_link_it_again(home):
    town = home.town
    home.visit()
    home.subscribe()
    # A device that the desk linked has no token of a subscriber's.
    home.browser.evaluate("async () => (await caches.open('push')).delete('state')")
    town.ask("/sandbox/timelines", method="DELETE")
    shown = home.sees("n’est plus affiché sur cet appareil")
    assert shown["navigate"] == f"{town.pages}/desk/account"
    home.browser.evaluate(CLOSE)
    endpoint = home.endpoint()
    assert town.tocsin("push", "forget", json.loads(endpoint)[0]).returncode == 0


def test_choices_are_changed_and_kept_over_a_visit(home):
    town, browser = home.town, home.browser
    home.visit()
    home.subscribe()
    browser.choose("severity", "Extreme")
    browser.press("Enregistrer ces choix")
    home.is_told("Vos choix sont enregistrés")
    home.visit()
    town.until(lambda: browser.evaluate("() => document.querySelector('[name=severity]').value") == "Extreme")
    before = len(town.brought())
    town.post("Rue Longue fermée", "--severity", "Severe", "--area", "Centre-Bourg")
    town.post("Rupture de la digue", "--severity", "Extreme", "--area", "all")
    home.sees("Rupture de la digue")
    assert len(town.brought()) == before + 1
    home.leave()


@pytest.mark.parametrize("width", [390, 1280])
def test_gecko_shows_every_page_and_none_of_them_complains(home, width):
    town, browser = home.town, home.browser
    grave = town.post("Eau non potable", "--severity", "Severe", "--area", "Centre-Bourg")["incident"]
    [told] = town.objects("report", "add", "--kind", "road", "--at", "45.1915,5.7130", "--text", "Un trou.")
    town.objects("report", "accept", told["report"])
    town.until_shown(grave)
    browser.is_wide(width)
    for page in ("", f"alerts/{grave}", "report", "reports", f"reports/{told['report']}", "poster", "panel", "privacy"):
        home.visit(f"/{page}")
        assert browser.evaluate(SIDEWAYS) == 0, page
    assert browser.errors(town.pages) == []

"""From a tap on the town's page to an alert on the lock screen, updated in place, ended, and left without a trace.

Chromium's push service is Google's, and not asked in a test. So the page's `subscribe` is answered with a browser of
the sandbox; what Tocsin then sends there is a real encrypted request, and what the sandbox reads of it is what
Chromium's service worker is given, as its service would. `test_push_firefox.py` does it with nothing that stands in.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from alerts.model.alert import Severity
from alerts.model.hazard import Hazard
from alerts.rendering.card import COLOURS, OVER
from tests.browser.axe import SIDEWAYS, violations
from tests.browser.officer import SIZES, Desk, People
from tests.browser.push_town import PushTown
from tests.mail_relay import LIST, USER, Relay, running
from tests.process.person import Person as Citizen

pytestmark = pytest.mark.process
# Noted as it is shown: a Chromium that is asked for its notifications may forget one that it is about to draw.
NOTED = """() => {
    const show = registration.showNotification;
    self.noted = [];
    ServiceWorkerRegistration.prototype.showNotification = async function (title, told) {
        await show.call(this, title, told);
        const {body, tag, icon, badge, data: {navigate}} = told;
        noted.push({title, body, tag, icon, badge, navigate});
    };
}"""
FIRST_IS_SLOW = """() => {
    const draws = OffscreenCanvas.prototype.convertToBlob;
    let first = true;
    OffscreenCanvas.prototype.convertToBlob = async function (...told) {
        if (first) { first = false; await new Promise((resolve) => setTimeout(resolve, 300)); }
        return draws.apply(this, told);
    };
}"""
DRAWN = "data:image/png;base64,"
SERVED_BY_THE_SANDBOX = """(subscription) => {
    let given = null;
    const made = {...subscription, toJSON: () => subscription, unsubscribe: async () => { given = null; return true; }};
    PushManager.prototype.subscribe = async ({userVisibleOnly, applicationServerKey}) => {
        if (!userVisibleOnly || applicationServerKey.length !== 65) throw new Error("no such key");
        return (given = made);
    };
    PushManager.prototype.getSubscription = async () => given;
}"""
# As above, but a browser that opens another page still has it.
STILL_SERVED = """(subscription) => {
    const unsubscribe = async () => { localStorage.removeItem("given"); return true; };
    const made = {...subscription, toJSON: () => subscription, unsubscribe};
    PushManager.prototype.subscribe = async () => { localStorage.setItem("given", "1"); return made; };
    PushManager.prototype.getSubscription = async () => localStorage.getItem("given") ? made : null;
}"""
NEVER_DRAWN = "OffscreenCanvas.prototype.convertToBlob = () => new Promise(() => {})"
MAIL = f"""
[channels.lettre]
kind = "mail"
host = "127.0.0.1"
port = PORT
tls = "none"
sender = "Ville de Saint-Martin <{USER}>"
to = "{LIST}"
"""


def mail_by(relay: Relay) -> str:
    """The mailing list, by that relay."""
    return MAIL.replace("PORT", str(relay.port))


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running(Relay()) as relay:
        yield relay


@pytest.fixture
def town(tmp_path, relay) -> Iterator[PushTown]:
    town = PushTown(tmp_path)
    try:
        town.open_push(mail_by(relay))
        yield town
    finally:
        town.end()


@pytest.fixture
def context(chromium) -> Iterator[BrowserContext]:
    context = chromium.new_context(**SIZES["phone"], locale="fr-FR")
    yield context
    context.close()


@pytest.fixture
def telephone(notifying_chromium, town) -> Iterator[BrowserContext]:
    context = notifying_chromium.new_context(**SIZES["phone"], locale="fr-FR")
    context.grant_permissions(["notifications"], origin=town.pages)
    yield context
    context.close()


class LockScreen:
    """A telephone with the town's page, and the push service that brings it what the sandbox read."""

    def __init__(self, context: BrowserContext, town: PushTown) -> None:
        self.town = town
        [subscription] = town.ask("/sandbox/push/browsers", {"count": 1})
        context.add_init_script(f"({SERVED_BY_THE_SANDBOX})({json.dumps(subscription)})")
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(town.pages)
        self._delivered = 0
        self._cdp = context.new_cdp_session(self.page)
        self._registrations: list[str] = []
        self._cdp.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: self._registrations.extend(each["registrationId"] for each in told["registrations"]),
        )
        self._cdp.send("ServiceWorker.enable")

    def subscribe(self) -> None:
        self.page.get_by_role("button", name="S’abonner").click()
        expect(self.page.get_by_text("Abonnement enregistré")).to_be_visible()
        [self.worker] = self.page.context.service_workers
        self.worker.evaluate(NOTED)

    def is_pushed(self, payload: str) -> None:
        """As its push service would: to the service worker."""
        told = {"origin": f"{self.town.pages}/", "registrationId": self._registrations[-1], "data": payload}
        self._cdp.send("ServiceWorker.deliverPushMessage", told)

    def shows(self, *titles: str) -> list[dict]:
        """Return the notifications on the screen, the newest of each tag, once these titles were shown."""
        self.town.until(lambda: set(titles) <= {each["title"] for each in self._noted()})
        return self._on_screen()

    def is_brought(self, count: int) -> list[dict]:
        """Push to the service worker all that has arrived since; return the screen once the last one is shown."""
        brought = self.town.until(lambda: found if len(found := self.town.brought()) == count else None)
        for each in brought[self._delivered :]:
            self.is_pushed(each["payload"])
        self._delivered = count
        self.town.until(lambda: len(self._noted()) == count)
        return self._on_screen()

    def _noted(self) -> list[dict]:
        return self.worker.evaluate("() => noted")

    def _on_screen(self) -> list[dict]:
        return list({each["tag"]: each for each in self._noted()}.values())


def picture(address: str) -> Image.Image:
    """The picture that a telephone drew."""
    assert address.startswith(DRAWN), address
    found = Image.open(io.BytesIO(base64.b64decode(address.removeprefix(DRAWN))))
    assert found.format == "PNG"
    return found.convert("RGBA")


def inks(drawn: Image.Image) -> set[str]:
    """What more than a hundredth of it is made of, as style sheets spell colours."""
    least = drawn.width * drawn.height // 100
    return {f"#{red:02x}{green:02x}{blue:02x}" for count, (red, green, blue, opaque) in drawn.getcolors(1 << 16)
            if count > least and opaque == 255}  # fmt: skip


def a_message(title: str, **data: object) -> str:
    told = {"title": title, "body": "", "tag": title, "navigate": "/", **({"data": data} if data else {})}
    return json.dumps({"web_push": 8030, "notification": told})


def of_the_street(citizen: Citizen) -> list[dict]:
    return [each for each in citizen.messages() if "Rue Basse" in each["text"]]


def test_an_alert_is_shown_updated_in_place_ended_and_nothing_is_left_of_who_leaves(town, telephone, relay):
    phone = LockScreen(telephone, town)
    page = phone.page
    form = page.locator("form", has=page.get_by_role("button", name="S’abonner"))
    expect(form).to_be_visible()
    assert page.evaluate(SIDEWAYS) == 0
    assert violations(page) == []
    page.get_by_label("Centre-Bourg", exact=True).check()
    page.get_by_label("Heures calmes").select_option("")
    phone.subscribe()
    assert violations(page) == []
    assert town.rows("subscriber") == 1
    neighbour = Citizen(town, 4711)
    neighbour.say("/start")
    for tap in ("Toute la commune", "Tout", "Tout, même mineur"):
        neighbour.press(tap)
    town.until(lambda: town.rows("subscriber", "telegram") == 1)

    elsewhere = town.post("Panne aux Coteaux", "--severity", "Moderate", "--area", "Les Coteaux")
    grave = town.post(
        "Rue Basse fermée", "--severity", "Severe", "--area", "Centre-Bourg", "--instruction", "Passez par le quai."
    )
    [shown] = phone.is_brought(1)
    assert "Rue Basse" in shown["title"]
    assert "Passez par le quai." in shown["body"]
    assert picture(shown["icon"]).size == (192, 192)
    assert inks(picture(shown["icon"])) == {COLOURS[Severity.SEVERE], "#ffffff"}
    assert shown["tag"] == grave["incident"] != elsewhere["incident"]
    assert shown["navigate"].endswith(f"/alerts/{grave['incident']}")

    town.until(lambda: len(of_the_street(neighbour)) == 1)
    assert town.tocsin("update", grave["incident"], "--instruction", "Passez par le pont.").returncode == 0
    town.until(lambda: len(of_the_street(neighbour)) == 2)
    [shown] = phone.is_brought(2)
    assert "Passez par le pont." in shown["body"]

    assert town.tocsin("cancel", grave["incident"], "--over").returncode == 0
    [ended] = phone.is_brought(3)
    assert ended["tag"] == grave["incident"]
    assert ended["title"] != shown["title"]
    assert inks(picture(ended["icon"])) == {OVER, "#ffffff"}
    town.until(lambda: town.rows("received") == 0)
    assert [each["topic"] for each in town.brought()] == [town.brought()[0]["topic"]] * 3

    # The same alert was told once on each of the others, too: three letters, and three messages in the bot's chat.
    def letters() -> list[str]:
        return [each.text() for each in relay.taken if "Rue Basse" in each.text()]

    town.until(lambda: len(letters()) == 3 and len(of_the_street(neighbour)) == 3)

    phone.worker.evaluate(f"() => {{ {NEVER_DRAWN} }}")
    phone.is_pushed(a_message("Crue", hazard="flood", severity="Severe"))
    flood = phone.shows("Crue")[-1]
    assert flood["icon"] == flood["badge"] == f"{town.pages}/icon.png"

    page.get_by_role("button", name="Ne plus recevoir d’alertes ici").click()
    expect(page.get_by_text("Vous ne recevez plus d’alertes ici")).to_be_visible()
    assert (town.rows("subscriber"), town.rows("received"), town.rows("held_back")) == (0, 0, 0)
    town.post("Rue Haute fermée", "--severity", "Severe", "--area", "all")
    town.until(lambda: [post for post in town.timelines()["telegram"] if "Rue Haute" in post["text"]])
    assert len(town.brought()) == 3
    assert phone.errors == []


@pytest.mark.release
def test_each_hazard_is_drawn_on_the_telephone_and_nothing_is_asked_of_the_town(town, telephone):
    phone = LockScreen(telephone, town)
    phone.subscribe()
    asked: list[str] = []
    telephone.on("request", lambda request: asked.append(request.url))
    seen = set()
    for hazard, severity in zip(Hazard, itertools.cycle(Severity), strict=False):
        phone.is_pushed(a_message(hazard, hazard=hazard, severity=severity))
        shown = phone.shows(hazard)[-1]
        icon, badge = picture(shown["icon"]), picture(shown["badge"])
        assert (icon.size, badge.size) == ((192, 192), (96, 96))
        assert inks(icon) == {COLOURS[severity], "#ffffff"}, hazard
        assert icon.getpixel((0, 0))[3] == 0, "with round corners"
        assert inks(badge) == {"#ffffff"}
        seen.add(badge.tobytes())
    assert len(seen) == len(Hazard), "no two alike"
    # Of a later version than this worker, and of an earlier one.
    phone.is_pushed(a_message("later", hazard="sandstorm", severity="Apocalyptic"))
    later = phone.shows("later")[-1]
    assert picture(later["badge"]).tobytes() in seen
    assert inks(picture(later["icon"])) == {COLOURS[Severity.UNKNOWN], "#ffffff"}
    assert not [url for url in asked if "icon" in url]
    phone.is_pushed(a_message("earlier"))
    earlier = phone.shows("earlier")[-1]
    assert earlier["icon"] == f"{town.pages}/icon.png"
    assert phone.errors == []


@pytest.mark.release
@pytest.mark.parametrize(
    "fault",
    ["delete self.OffscreenCanvas", "delete self.Path2D", "OffscreenCanvas.prototype.getContext = () => null"],
)
def test_where_nothing_can_be_drawn_the_alert_is_shown_with_the_town_s_own_picture(town, telephone, fault):
    phone = LockScreen(telephone, town)
    phone.subscribe()
    phone.worker.evaluate(f"() => {{ {fault} }}")
    phone.is_pushed(a_message("Crue", hazard="flood", severity="Severe"))
    [shown] = phone.shows("Crue")
    assert shown["icon"] == shown["badge"] == f"{town.pages}/icon.png"
    assert phone.errors == []


@pytest.mark.release
def test_an_update_that_is_drawn_sooner_than_its_alert_still_takes_its_place(town, telephone):
    phone = LockScreen(telephone, town)
    phone.subscribe()
    phone.worker.evaluate(FIRST_IS_SLOW)
    alert, update = (json.loads(a_message("Crue", hazard="flood", severity="Severe")) for _ in range(2))
    update["notification"].update(title="Crue plus forte", data={"hazard": "flood", "severity": "Extreme"})
    for each in (alert, update):
        phone.is_pushed(json.dumps(each))
    [shown] = phone.shows("Crue", "Crue plus forte")
    assert shown["title"] == "Crue plus forte"
    assert inks(picture(shown["icon"])) == {COLOURS[Severity.EXTREME], "#ffffff"}


def test_without_a_network_the_last_known_state_is_there_with_its_age(town, context):
    grave = town.post("Crue de la Vive", "--severity", "Extreme", "--area", "all")["incident"]
    town.until_shown(grave)
    page = context.new_page()
    page.goto(town.pages)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.wait_for_function(
        "async () => (await caches.keys()).includes('seen') && (await (await caches.open('seen')).keys()).length > 3"
    )
    page.goto(f"{town.pages}/alerts/{grave}")
    context.set_offline(True)
    page.goto(town.pages)
    expect(page.get_by_role("link", name="Crue de la Vive").first).to_be_visible()
    expect(page.locator(".foot time")).to_be_visible()
    assert page.evaluate("() => getComputedStyle(document.body).margin") == "0px", "with its style"
    page.goto(f"{town.pages}/alerts/{grave}")
    expect(page.get_by_text("Crue de la Vive").first).to_be_visible()
    page.goto(f"{town.pages}/alerts/nothing")
    expect(page.get_by_text("Crue de la Vive").first).to_be_visible()


@pytest.mark.release
def test_who_was_there_once_has_the_page_without_a_network(town, context):
    grave = town.post("Crue de la Vive", "--severity", "Extreme", "--area", "all")["incident"]
    town.until_shown(grave)
    page = context.new_page()
    page.goto(town.pages)
    page.wait_for_function(
        "async () => { const all = await (await caches.open('seen')).keys();"
        " return all.some(({url}) => url.endsWith('.css')) && all.some(({url}) => url === location.href) }"
    )
    context.set_offline(True)
    page.goto(town.pages)
    expect(page.get_by_role("link", name="Crue de la Vive").first).to_be_visible()
    assert page.evaluate("() => getComputedStyle(document.body).margin") == "0px", "with its style"


@pytest.mark.release
def test_on_an_iphone_the_home_screen_is_explained_first(town, chromium):
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1"
    context = chromium.new_context(**SIZES["phone"], locale="fr-FR", user_agent=agent)
    try:
        page = context.new_page()
        page.goto(town.pages)
        expect(page.get_by_text("Choisissez « Sur l’écran d’accueil »")).to_be_visible()
        assert page.evaluate(SIDEWAYS) == 0
        assert violations(page) == []
    finally:
        context.close()


@pytest.mark.release
def test_an_officer_is_told_on_their_device_what_waits_and_how_it_ended(tmp_path, relay, notifying_chromium):
    town = PushTown(tmp_path)
    town.open_push(mail_by(relay), '[sources.manual]\npublish = "approve"\n')
    people = People(town)
    desk = Desk(notifying_chromium, people)
    try:
        for name, role in (("anne", "author"), ("berthe", "approver")):
            people.known(name, role)
        [subscription] = town.ask("/sandbox/push/browsers", {"count": 1})
        berthe = desk.person("berthe", "approver")
        berthe.context.grant_permissions(["notifications"], origin=town.pages)
        berthe.context.add_init_script(f"({SERVED_BY_THE_SANDBOX})({json.dumps(subscription)})")
        page = berthe.go("/account")
        assert violations(page) == []
        page.get_by_role("button", name="Show it here").click()
        berthe.prove()
        expect(page.get_by_text("Linked: what is waiting is shown here")).to_be_visible()
        assert (town.rows("officer_chat"), town.rows("subscriber")) == (1, 1)

        waiting = town.post("Crue de la Vive", "--severity", "Severe", "--area", "all", "--as", "anne")

        def of_the_flood(count: int) -> list[dict]:
            found = [each for each in town.brought() if "Crue" in each["notification"]["title"]]
            return found if len(found) == count else []

        [told] = town.until(lambda: of_the_flood(1))
        assert told["urgency"] == "high"
        assert "Crue de la Vive" in told["notification"]["title"]
        assert "valider" in told["notification"]["title"]
        assert told["notification"]["navigate"].endswith(f"/desk/waiting/{waiting['alert']}")
        assert town.tocsin("approve", waiting["alert"], "--as", "berthe").returncode == 0
        first, last = town.until(lambda: of_the_flood(2))
        assert first["topic"] == last["topic"]

        berthe.go("/account").get_by_role("button", name="Unlink").click()
        berthe.prove()
        town.until(lambda: town.rows("officer_chat") == 0)
        assert town.rows("subscriber") == 0
        assert berthe.faults == []
    finally:
        desk.close()
        town.end()


@pytest.mark.release
def test_who_subscribed_on_the_english_page_is_known_on_the_french_one_and_to_the_worker(telephone, town):
    [subscription] = town.ask("/sandbox/push/browsers", {"count": 1})
    telephone.add_init_script(f"({STILL_SERVED})({json.dumps(subscription)})")
    page = telephone.new_page()
    page.goto(f"{town.pages}/en/")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_text("Subscribed")).to_be_visible()
    page.goto(town.pages)
    expect(page.get_by_role("button", name="Enregistrer ces choix")).to_be_visible()
    [worker] = telephone.service_workers
    kept = worker.evaluate("async () => (await (await (await caches.open('push')).match('state'))?.json())?.endpoint")
    assert kept == subscription["endpoint"], "it moves along with the endpoint, should the browser change that"

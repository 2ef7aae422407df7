"""What a preview shows is what people will see: the words, the card that the page then has, and whom it reaches."""

from __future__ import annotations

import re
from html import unescape

import pytest

from alerts.daemon.desk import build_renderer
from alerts.desk.publicity import public_incident
from alerts.model.alert import Severity
from alerts.model.person import Role
from alerts.model.subscriber import Mailbox, PushEndpoint, Quiet, Subscriber
from alerts.store.facts import keep_fact
from alerts.web.console.looks import panel_of
from alerts.web.public.site import card_answer
from alerts.web.public.snapshot import Setting, tell
from tests.unit.web.console.composing import a_form, open_bench, posted, preview
from tests.walls import in_one_test

MORE = """
[push]
key = { file = "push.pem" }
subject = "mailto:mairie@saint-martin.example"
[channels.lettre]
kind = "mail"
host = "smtp.saint-martin.example"
sender = "Ville de Saint-Martin <alertes@saint-martin.example>"
to = "alertes@listes.saint-martin.example"
subscriptions = true
[channels.panneaux]
kind = "mqtt"
host = "mqtt.saint-martin.example"
"""
WORDS = {"headline": "Eau non potable", "instruction": "Ne buvez pas l’eau du robinet.", "span": "6h"}


@pytest.fixture
async def bench(tmp_path):
    async with open_bench(tmp_path, more=MORE) as bench:
        yield bench


@pytest.fixture
async def waiting(tmp_path):
    async with open_bench(tmp_path, "approve", more=MORE) as bench:
        yield bench


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def look(html: str, name: str) -> str:
    """One channel's part beside the form."""
    return re.search(rf'<article class="look [^"]*" data-channel="{name}".*?</article>', html, re.DOTALL)[0]


async def subscribe(bench, channel: str, many: int, **choices) -> None:
    def keep(unit):
        for number in range(many):
            endpoint = (
                PushEndpoint(f"https://push.example/{choices}{number}", "key", "auth")
                if channel == "push"
                else Mailbox(f"who{number}@example.org", f"token {choices}{number}")
            )
            token = f"{channel} {choices} {number}"
            unit.subscribers.put(channel, Subscriber(endpoint.number, endpoint=endpoint, token=token, **choices))

    await bench.service.act(keep)


async def test_the_card_is_the_one_that_the_page_will_have(bench):
    fields = {**dict(await a_form(bench)), **WORDS, "severity": "Moderate", "area": ["SM-05"]}
    shown = (await preview(bench, **fields))["html"]
    [address] = set(re.findall(r'src="/desk(/looks/cards/[0-9a-f]{64}\.png)"', shown))
    async with bench.client.get(f"/desk{address}") as answer:
        kind, drawn = answer.content_type, await answer.read()
    await posted(bench, **WORDS, severity="Moderate", area=["SM-05"])
    [stored] = await bench.stored_alerts()
    incident = await bench.service.ask(
        lambda unit: public_incident([stored], unit.alerts.thread(stored.incident_id), unit.now)
    )
    told = tell(incident, Setting(bench.station, build_renderer(bench.config)), "fr", bench.clock.now())

    assert (kind, drawn) == ("image/png", card_answer(told).body)
    assert f'<strong class="title">{told.title}</strong>' in look(shown, "page")
    assert told.summary in unescape(look(shown, "telegram"))
    assert '<span class="host">alertes.saint-martin.example</span>' in look(shown, "x")


async def test_a_card_that_nobody_was_shown_is_not_there(bench):
    await bench.get(f"/looks/cards/{'0' * 64}.png", 404)
    await bench.get("/looks/logo", 404)


async def test_each_kind_of_place_has_its_own_layout_and_says_where_the_words_stand(bench):
    shown = (await preview(bench, **WORDS, severity="Severe", area=["SM-05"]))["html"]
    layouts = {
        name: re.findall(r'<figure class="screen (\w+)', look(shown, name)) for name in ("x", "page", "telegram")
    }
    assert layouts == {"x": ["feed"], "page": ["feed"], "telegram": ["chat"]}
    assert re.findall(r'<figure class="screen (\w+)', look(shown, "push")) == ["lock", "lock"], "French and English"
    assert re.findall(r'<figure class="screen (\w+)', look(shown, "lettre")) == ["letter"] * 3, (
        "a list, then subscribers"
    )
    assert re.findall(r'<figure class="screen (\w+)', look(shown, "panneaux")) == ["panel"]
    assert "@saintmartin" in look(shown, "telegram")
    assert "Urgent: it wakes a sleeping phone." in look(shown, "push")
    assert "From: Ville de Saint-Martin < alertes@saint-martin.example > To: alertes@listes.saint-martin.example" in (
        text_of(look(shown, "lettre"))
    ).replace("<alertes", "< alertes").replace("example>", "example >")
    for screen in re.findall(r"<figure.*?</figure>", shown, re.DOTALL):
        assert "<figcaption>" in screen


async def test_a_panel_s_preview_is_what_it_can_show_and_its_json_is_folded_away(bench):
    shown = look((await preview(bench, **WORDS, severity="Severe", area=["SM-05"]))["html"], "panneaux")
    said, folded = (text_of(each) for each in shown.split("<details"))
    assert "What a panel can show" in said
    assert "Severe Alerte Eau non potable Ne buvez pas l’eau du robinet. Les Coteaux · until Wed 25 Nov, 09:00" in said
    assert "Topics: tocsin/all/… , tocsin/SM-05/…" in said
    assert "{" not in said
    assert '"headline": "Eau non potable"' in folded


@in_one_test
@pytest.mark.parametrize(
    "words", ["ALERTE", "[1]", "{}", '{"severity": "Severe", "until": "soon"}', '{"until": 5}', "null"]
)
def test_what_a_panel_cannot_read_is_shown_as_it_is_handed_over(words):
    assert panel_of(words, "tocsin") is None


def test_what_is_over_stands_at_no_topic():
    told = panel_of('{"severity": "Minor", "headline": "Fin", "over": true, "districts": ["SM-05"]}', "mairie")
    assert (told.headline, told.until, told.topics) == ("Fin", None, ())


async def test_whom_it_reaches_is_told_for_each_channel_and_no_number_singles_anybody_out(bench):
    await subscribe(bench, "push", 42, districts=frozenset({"SM-05"}))
    await subscribe(bench, "push", 9, districts=frozenset({"SM-01"}))
    await subscribe(bench, "push", 12, quiet=Quiet(*(bench.clock.now().time().replace(hour=hour) for hour in (1, 6))))
    await subscribe(bench, "lettre", 3)
    here = (await preview(bench, **WORDS, severity="Moderate", area=["SM-05"]))["html"]
    everywhere = (await preview(bench, **WORDS, severity="Severe"))["html"]

    push = text_of(look(here, "push"))
    assert "Reaches about 55 subscribers (Les Coteaux), about 10 of them only after their quiet hours" in push
    assert "Reaches about 65 subscribers" in text_of(look(everywhere, "push"))
    assert "quiet hours" not in look(everywhere, "push")
    letters = text_of(look(here, "lettre"))
    assert "Reaches fewer than 5 subscribers" in letters
    assert "Goes to the list alertes@listes.saint-martin.example" in letters
    assert "Public: anyone can see it" in look(here, "page")
    assert "Reaches" not in look(here, "page")


async def test_who_validates_sees_the_same(waiting):
    await subscribe(waiting, "push", 20, severity=Severity.SEVERE)
    await subscribe(waiting, "push", 10)
    fields = {**WORDS, "severity": "Moderate", "area": ["SM-05"], "description": ""}
    shown = (await preview(waiting, **fields))["html"]
    alert = await posted(waiting, **fields)
    waiting.role, waiting.name = Role.APPROVER, "Berthe"
    page = await waiting.get(f"/waiting/{alert}")

    assert "Reaches about 10 subscribers" in text_of(page)
    assert page.count('<figure class="screen ') == shown.count('<figure class="screen ')
    assert "looks.css" in page
    assert re.search(r'<div class="link-card facebook">\s*<img src="/desk/looks/cards/', page)


async def test_an_update_says_how_it_stands_beside_what_is_out_and_goes_to_its_readers(bench):
    alert = await posted(bench, **WORDS, severity="Moderate", area=["SM-05"])
    await subscribe(bench, "push", 30)

    def receive(unit):
        [stored] = unit.alerts.by_id(alert)
        unit.db.execute(
            "INSERT INTO received SELECT channel, chat, ?, 1, 0 FROM subscriber LIMIT 20", (stored.incident_id,)
        )
        unit.db.execute("UPDATE post SET state = 'sent', sent_at = 1, remote_id = '7'")

    await bench.service.act(receive)
    fields = {**dict(await a_form(bench)), **WORDS, "area": ["SM-05"], "instruction": "Buvez-la de nouveau."}
    said = {"draft": "draft0009", "about": alert, "fields": fields}
    shown = (await bench.json("/compose/preview", said))["html"]

    assert "It replaces the published post, whose card or picture stays." in look(shown, "page")
    assert 'class="link-card facebook' not in shown
    assert "It follows the earlier e-mail in the same thread." in look(shown, "lettre")
    assert "It replaces what is shown there." in look(shown, "panneaux")
    assert "It appears below the published post, as a reply." in look(shown, "x")
    assert "It replaces the notification on the screen." in look(shown, "push")
    assert "Goes to about 20 subscribers: those who got the alert" in text_of(look(shown, "push"))


async def test_the_crest_is_the_town_s(tmp_path):
    (tmp_path / "crest.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    async with open_bench(tmp_path, more=MORE) as bench:
        assert 'src="/desk/looks/logo"' not in (await preview(bench, **WORDS))["html"]
        assert ">S</text>" in (await preview(bench, **WORDS))["html"]
        object.__setattr__(bench.console.frame.station, "logo", "crest.svg")
        assert 'src="/desk/looks/logo"' in (await preview(bench, **WORDS))["html"]
        async with bench.client.get("/desk/looks/logo") as answer:
            assert await answer.text() == '<svg xmlns="http://www.w3.org/2000/svg"/>'
        assert answer.content_type == "image/svg+xml"
        assert answer.headers["Cache-Control"] == "private, max-age=3600"
        assert answer.headers["X-Frame-Options"] == "DENY"
        # A script in it is not run where somebody opens it by itself.
        assert answer.headers["Content-Security-Policy"].endswith("; sandbox")


SMS = """
[channels.sms]
kind = "sms"
provider = "octopush"
sender = "STMARTIN"
login = "mairie@saint-martin.example"
contacts = "Alertes"
key = { env = "SMS_KEY" }
price = 0.07
daily_budget = 200
monthly_budget = 600
"""


async def test_an_sms_is_shown_as_it_is_sent_with_its_parts_and_its_price(tmp_path):
    async with open_bench(tmp_path, more=SMS) as bench:
        fields = {**dict(await a_form(bench)), **WORDS, "severity": "Severe", "area": ["SM-05"]}
        shown = look((await preview(bench, **fields))["html"], "sms")
        assert "Ne buvez pas l'eau du robinet." in text_of(shown)
        assert "link-card" not in shown
        assert re.search("[12] SMS each", text_of(shown))
        assert "€" not in text_of(shown), "nobody knows yet how many are on the list"

        await bench.service.act(lambda unit: keep_fact(unit.db, "sms", "followers", "420"))
        shown = text_of(look((await preview(bench, **fields))["html"], "sms"))
        parts = int(re.search(r"(\d) SMS each", shown)[1])
        assert "Goes to about 420 numbers" in shown
        assert f"about {parts * 29.4:.2f} €" in shown


async def test_an_sms_says_which_letters_make_it_dear(tmp_path):
    async with open_bench(tmp_path, more=f"{SMS}parts = 8\n") as bench:
        fields = {**dict(await a_form(bench)), **WORDS, "headline": "Crue 🌊", "severity": "Severe", "area": ["SM-05"]}
        shown = text_of(look((await preview(bench, **fields))["html"], "sms"))
        assert "alphabet of SMS: 🌊" in shown

"""No English on a French page, no bare key, French spacing: every page of the desk, in every state, and of setting up.

What is said elsewhere (faults of settings, notices, the bot, public pages) is walked in `test_french_words.py`.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer

from alerts.daemon.warnings import furnish_warnings
from alerts.delivery.monitor import HealthNotice, Phase, Trouble, What
from alerts.desk.officer import Officer
from alerts.model.actor import Actor, Origin, Role
from alerts.model.alert import Alert, Area, Info, Severity, Status
from alerts.model.post import PostState
from alerts.model.reason import because
from alerts.store.alerts import AlertRepository
from alerts.store.schema import stamp
from alerts.web.console import compose, own_account, people, record, report, validate, watch
from tests.unit.french import visible, wrong_in
from tests.unit.web.console.setup.visiting import CODE, ROOT, SECRETS, Visitor, opened, storm
from tests.unit.web.console.watching import a_desk

FRENCH = {"Accept-Language": "fr"}
BOSS = Actor("Paul", Role.ADMINISTRATOR, Origin.CONSOLE)


async def filled(desk) -> list[str]:
    """An alert in every state; the pages that show them."""
    now = desk.clock.now()
    out = await desk.post("Fuite rue Haute", channels=("x", "second"), instruction="Restez chez vous.")
    await desk.office.act(lambda sitting: Officer(sitting, BOSS).approve(out.id))
    sent = {"remote_id": "7", "url": "https://t.example/7", "sent_at": stamp(now), "tries": 2}
    await desk.settle(out.id, PostState.SENT, **sent)
    bad = await desk.post("Pont fermé", channels=("x", "second"))
    await desk.office.act(lambda sitting: Officer(sitting, BOSS).approve(bad.id))
    why = because("maybe_out_decide", why=because("no_answer_within", platform="Telegram", seconds="10")).kept()
    await desk.settle(bad.id, PostState.IN_DOUBT, reason=why, tries=1)
    gone = await desk.post("Arbre tombé", channels=("second",))
    await desk.office.act(lambda sitting: Officer(sitting, BOSS).reject(gone.id, "Erreur de rue"))
    waits = await desk.post("Marché annulé", channels=("x",))
    await desk.press(f"/alerts/{out.id}/end", how="cancel", reason="Réparée")
    info = Info("Vent", severity=Severity.MODERATE, headline="Vent fort", areas=(Area("Lyon"),))
    info = replace(info, expires=now + timedelta(hours=1), language="fr-FR")
    left = await desk.hear(Alert("urn-9", "meteo@example", now, status=Status.DRAFT, infos=(info,)))
    warnings = replace(furnish_warnings(desk.config, iter("abcdefgh").__next__), outlets=desk.desk.station.outlets[:1])
    news = HealthNotice(Phase.FIRING, Trouble(What.FEED, "meteo", because("not_read_lately")), now)

    def troubled(db):
        warnings.file(AlertRepository(db), [news], now)
        db.execute(
            "INSERT INTO source (name, memory, last_ok, failures, reason) VALUES ('meteo', '{}', ?, 3, ?)",
            (stamp(now - timedelta(hours=3)), because("reader_stumbled", error="OSError").kept()),
        )
        db.execute(
            "INSERT INTO channel (name, state, reason, quotas) VALUES ('second', 'blocked', ?, '[]')",
            (because("telegram_token_refused", said="Unauthorized").kept(),),
        )

    await desk.database.write(troubled)
    alerts = [f"/alerts/{each.id}" for each in (out, bad, gone, waits, left)]
    reports = [f"/alerts/{each.id}/report" for each in (out, bad, left)]
    return [
        *("/", "/alerts", "/left-out", "/notices", "/timeline", "/calendar", "/channels", "/record", "/account"),
        *(
            "/waiting",
            f"/waiting/{waits.id}",
            f"/waiting/{gone.id}",
            "/compose",
            "/compose?hazard=general",
            "/accounts",
        ),
        *(f"/compose?update={out.id}", *alerts, *reports),
    ]


@pytest.fixture
async def desk(tmp_path):
    parts = (watch, validate, compose, own_account, people, record, report)
    async with a_desk(tmp_path, publish="approve", parts=parts, language="fr-FR") as desk:
        desk.language, desk.role = "fr", Role.ADMINISTRATOR
        yield desk


async def test_no_page_of_the_desk_says_a_word_of_english(desk):
    found = {}
    for address in await filled(desk):
        if wrong := wrong_in(visible(await desk.text(address))):
            found[address] = wrong
    assert found == {}


@pytest.mark.parametrize(
    ("address", "fields", "told"),
    [
        ("/accounts/enable", {"name": "Zoé"}, "n’est pas un compte"),
        ("/accounts/disable", {"name": "Zoé"}, "connus\u00a0:"),
        ("/tokens/revoke", {"token": "zzz"}, "connus\u00a0:"),
        (
            "/compose",
            {"draft": "d" * 20, "headline": "F" * 1001, "span": "6h", "do": "publish"},
            "1\u202f001 caractères",
        ),
        ("/compose", {"draft": "d" * 20, "headline": "Ok", "web": "ici", "span": "6h", "do": "publish"}, "https://"),
    ],
)
async def test_no_refusal_of_a_form_says_a_word_of_english(desk, address, fields, told):
    await desk.sign_in()
    page = visible((await desk.press(address, **fields))[2])
    assert told in page, page
    assert wrong_in(page) == []


WHOLE = """[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
areas = ["INSEE:38185"]
boundary = "quartiers.geojson"

[channels.x]
kind = "twitter"
api_url = "http://127.0.0.1:9"
consumer_key = { env = "X_CONSUMER_KEY" }
consumer_secret = { env = "X_CONSUMER_SECRET" }
access_token = { env = "X_ACCESS_TOKEN" }
access_token_secret = { file = "absent" }

[channels.page]
kind = "facebook"
api_url = "http://127.0.0.1:9"
page_id = "1234567890"
token = { env = "FACEBOOK_TOKEN" }

[channels.fil]
kind = "telegram"
api_url = "http://127.0.0.1:9"
chat = "@saintmartin"
token = { env = "TELEGRAM_TOKEN" }

[channels.jeu]
kind = "telegram"
api_url = "http://127.0.0.1:9"
chat = "-1008"
token = { env = "TELEGRAM_TOKEN" }
exercise = true

[channels.panneaux]
kind = "webhook"
url = "http://127.0.0.1:9/x"
secret = { env = "WEBHOOK_SECRET" }
public = false

[sources.meteo]
kind = "cap"
url = "orages.xml"

[sources.travaux]
kind = "ical"
url = "absent.ics"
publish = "approve"
"""
STEPS = ("station", "channels", "sources", "duty", "lines", "accounts", "ready")
PRESSED = [
    *((step, "", {}) for step in STEPS),
    *(
        ("channels", do, {"kind": kind})
        for kind in ("twitter", "facebook", "telegram", "webhook")
        for do in ("add", "save:")
    ),
    *(
        ("channels", f"{do}:{name}", {})
        for name in ("x", "page", "fil", "jeu", "panneaux")
        for do in ("edit", "test", "show")
    ),
    ("channels", "show:fil", {"chat": "@saintmartin"}),
    ("channels", "show:fil", {"chat": "-1007"}),
    ("channels", "save:", {"kind": "telegram", "name": "fil", "key.chat": "@un_autre", "key.token": "1:a-secret"}),
    ("channels", "save:", {"kind": "telegram", "name": "Été", "key.chat": "nom", "key.api_url": "x"}),
    ("sources", "add", {"kind": "cap"}),
    ("sources", "save:", {"kind": "ical", "name": "a"}),
    ("sources", "edit:meteo", {}),
    ("sources", "test:meteo", {}),
    ("sources", "test:nulle", {}),
    ("station", "save", {"language": "fr_FR", "timezone": "Paris", "public_url": "x", "areas": "38185"}),
    ("duty", "save", {"told.fil": "true", "heartbeat": "x"}),
    ("lines", "write", {}),
    ("accounts", "add-person", {"person": "Camille"}),
    ("ready", "exercise", {}),
]
"""A step of setting up, what is pressed there, and what was typed."""


@pytest.fixture
async def setup(tmp_path, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    clients = []

    async def enter(*, trusted: bool) -> Visitor:
        hosts: set[str] = set()
        client = TestClient(TestServer(opened(tmp_path, hosts, trusted=trusted)))
        await client.start_server()
        clients.append(client)
        hosts.add(f"127.0.0.1:{client.server.port}")
        visitor = Visitor(client, language="fr")
        await visitor.get(f"/desk/setup?code={CODE}")
        return visitor

    yield enter
    for client in clients:
        await client.close()


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("lines", ["", "[station", WHOLE.replace('name = "Ville', 'nom = "Ville'), WHOLE])
async def test_no_page_of_setting_up_says_a_word_of_english(setup, tmp_path, trusted, lines):
    shutil.copy(ROOT / "areas.geojson", tmp_path / "quartiers.geojson")
    storm(tmp_path)
    visitor, found = await setup(trusted=trusted), {}
    for step, do, typed in PRESSED:
        visitor.lines = lines
        await visitor.send(step, do, **typed)
        assert visitor.status in (200, 422), (step, do)
        if wrong := wrong_in(visible(visitor.page)):
            found[f"{step} {do} {typed}"] = wrong
    assert found == {}


async def test_no_refusal_at_the_door_of_setting_up_says_a_word_of_english(setup):
    visitor = await setup(trusted=True)
    told = [await visitor.get("/desk/setup/nowhere"), await visitor.get(f"/desk/setup?code={CODE}")]
    told.append(await (await visitor.client.get("/desk/setup", headers={"Host": "b.example", **FRENCH})).text())
    told.append(await (await visitor.client.post("/desk/setup/station", data={"csrf": "x"}, headers=FRENCH)).text())
    visitor.client.session.cookie_jar.clear()
    told.append(await visitor.get("/desk/setup"))
    assert len(set(told)) == len(told)
    for each in told:
        text = visible(each) if each.lstrip().startswith("<") else each
        assert text
        assert wrong_in(text) == []

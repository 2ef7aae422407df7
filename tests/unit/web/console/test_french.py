"""No English on a French page, no bare key, French spacing: every page of the desk, in every state, and of setting up.

What is said elsewhere (faults of settings, notices, the bot, public pages) is walked in `test_french_words.py`.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pyotp import TOTP

from alerts.desk.officer import Officer
from alerts.health.monitor import HealthNotice, Phase, Trouble, What
from alerts.health.notices import build_notices
from alerts.model.alert import Alert, Area, Info, Severity, Status
from alerts.model.hazard import Hazard
from alerts.model.person import Actor, Origin, Role
from alerts.model.post import PostState
from alerts.model.reason import because
from alerts.store.statement import stamp
from alerts.web.console import compose, own_account, people, report, validate
from tests.unit.french import visible, wrong_in
from tests.unit.setup.visiting import CODE, ROOT, SECRETS, Visitor, opened, storm
from tests.unit.web.console.guarding import FIRST, OWN, Browser, open_town
from tests.unit.web.console.watching import WATCH, a_desk
from tests.walls import in_one_test

FRENCH = {"Accept-Language": "fr"}
BOSS = Actor("Paul", Role.ADMINISTRATOR, Origin.CONSOLE)


async def filled(desk) -> list[str]:
    """An alert in every state; the pages that show them."""
    now = desk.clock.now()
    out = await desk.post("Fuite rue Haute", channels=("x", "second"), instruction="Restez chez vous.")
    await desk.service.act(lambda unit: Officer(unit, BOSS).approve(out.id))
    sent = {"remote_id": "7", "url": "https://t.example/7", "sent_at": stamp(now), "tries": 2}
    await desk.settle(out.id, PostState.SENT, **sent)
    bad = await desk.post("Pont fermé", channels=("x", "second"))
    await desk.service.act(lambda unit: Officer(unit, BOSS).approve(bad.id))
    why = because("maybe_out_decide", why=because("no_answer_within", platform="Telegram", seconds="10")).kept()
    await desk.settle(bad.id, PostState.IN_DOUBT, reason=why, tries=1)
    gone = await desk.post("Arbre tombé", channels=("second",))
    await desk.service.act(lambda unit: Officer(unit, BOSS).reject(gone.id, "Erreur de rue"))
    waits = await desk.post("Marché annulé", channels=("x",))
    await desk.press(f"/alerts/{out.id}/end", how="cancel", reason="Réparée")
    info = Info("Vent", severity=Severity.MODERATE, headline="Vent fort", areas=(Area("Lyon"),))
    info = replace(info, expires=now + timedelta(hours=1), language="fr-FR")
    left = await desk.hear(Alert("urn-9", "meteo@example", now, status=Status.DRAFT, infos=(info,)))
    warnings = replace(
        build_notices(desk.config, iter("abcdefgh").__next__), channels=tuple(desk.config.channels.values())[:1]
    )
    news = HealthNotice(Phase.FIRING, Trouble(What.FEED, "meteo", because("not_read_lately")), now)

    def troubled(db):
        warnings.file(db.alerts, [news], now)
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
    parts = (*WATCH, validate, compose, own_account, people, report)
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
        ("/accounts/enable", {"name": "Zoé"}, "mot de passe"),
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


DRAFT = {"draft": "d" * 20, "headline": "Fuite", "span": "6h", "hazard": "general"}
TYPED = [
    {},
    {"headline": "F" * 1001},
    {"headline": ""},
    {"description": "F" * 30_000},
    {"instruction": "Attention."},
    {"instruction": "Restez chez vous. " * 60, "severity": "Severe", "area": "CB"},
    {"span": "", "expires": "hier"},
    {"span": "", "onset": "2026-11-26T10:00", "expires": "2026-11-26T09:00"},
    {"span": "", "expires": "2040-01-01T10:00"},
    {"place": "Rue Haute", "polygon": "1,2 3,4"},
    {"circle": "45,5,-1"},
    {"polygon": "45,5 46,6 45,6 46,5 45,5"},
    {"web": "ici", "severity": "Terrible", "channel": "nul"},
    {"headline": "Ceci est un test", "description": "Voir mairie.paris"},
    {"exercise": "1"},
    {"picture": "nulle.png"},
]
"""What may be typed, right or wrong, beside a headline and a span."""


@pytest.mark.parametrize("severity", ["Moderate", "Extreme"])
async def test_no_page_of_composing_says_a_word_of_english(desk, severity):
    await desk.sign_in()
    found, told = {}, [(f"/compose?hazard={hazard}", await desk.text(f"/compose?hazard={hazard}")) for hazard in Hazard]
    for typed in TYPED:
        for do in ("preview", "publish"):
            pressed = await desk.press("/compose", **{**DRAFT, "severity": severity, "do": do, **typed})
            told += [(f"{do} {typed}"[:60], pressed[2])] if pressed[2] else []
    for name, page in told:
        if wrong := wrong_in(visible(page)):
            found[name] = wrong
    assert found == {}


async def test_no_act_that_is_refused_says_a_word_of_english(desk):
    out = await desk.post("Fuite rue Haute", channels=("x",), instruction="Restez chez vous.")
    acts = ("retry", "drop", "end", "correct", "withdraw", "retract")
    tried = [*((f"/alerts/{out.id}/{act}", {"post": "nul"}) for act in acts), (f"/alerts/{out.id}/end", {"how": "no"})]
    tried += [(f"/waiting/{out.id}", {"do": do, "seen": "x"}) for do in ("approve", "reject", "return")]
    await desk.service.act(lambda unit: Officer(unit, BOSS).approve(out.id))
    tried += [(f"/waiting/{out.id}", {"do": "approve", "seen": "x"}), ("/sources/meteo/gone", {})]
    found = {}
    for address, fields in tried:
        _, _, page = await desk.press(address, **fields)
        if page.lstrip().startswith("<") and (wrong := wrong_in(visible(page))):
            found[address] = wrong
    assert found == {}


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
        for kind in ("twitter", "facebook", "telegram", "webhook", "mail", "mqtt")
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
    ("sources", "test:travaux", {}),
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

    async def enter() -> Visitor:
        hosts: set[str] = set()
        client = TestClient(TestServer(opened(tmp_path, hosts)))
        await client.start_server()
        clients.append(client)
        hosts.add(f"127.0.0.1:{client.server.port}")
        visitor = Visitor(client, language="fr")
        await visitor.get(f"/desk/setup?code={CODE}")
        return visitor

    yield enter
    for client in clients:
        await client.close()


@in_one_test
@pytest.mark.parametrize("lines", ["", "[station", WHOLE.replace('name = "Ville', 'nom = "Ville'), WHOLE])
async def test_no_page_of_setting_up_says_a_word_of_english(setup, tmp_path, lines):
    shutil.copy(ROOT / "areas.geojson", tmp_path / "quartiers.geojson")
    storm(tmp_path)
    visitor, found = await setup(), {}
    for step, do, typed in PRESSED:
        visitor.lines = lines
        await visitor.send(step, do, **typed)
        assert visitor.status in (200, 422), (step, do)
        if wrong := wrong_in(visible(visitor.page)):
            found[f"{step} {do} {typed}"] = wrong
    assert found == {}


async def test_no_refusal_at_the_door_of_setting_up_says_a_word_of_english(setup):
    visitor = await setup()
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


class Reader(Browser):
    """A French browser that notes what is wrong on each page it is shown."""

    def __init__(self, town) -> None:
        super().__init__(town, language="fr")
        self.found = {}

    async def _ask(self, method, path, fields, headers):
        page = await super()._ask(method, path, fields, headers)
        text = visible(page.text) if page.tree is not None else page.text if page.status >= 400 else ""
        if wrong := wrong_in(text):
            self.found[f"{method} {path} {page.status}"] = wrong
        return page


@pytest.fixture
async def reader(tmp_path):
    async with open_town(tmp_path) as town:
        reader = Reader(town)
        yield reader
        await reader.client.close()


async def test_no_page_on_the_way_in_says_a_word_of_english(reader):
    page = await reader.get("/desk/sign-in")
    await reader.town.add()
    for _ in range(30):
        page = await reader.send(page, "/desk/sign-in", name="Anne", password="wrong")
    assert page.status == 429
    await reader.town.clock.advance(7200)
    page = await reader.follow(await reader.send(page, "/desk/sign-in", name="Anne", password=FIRST))
    for new, again in ((OWN, "x"), ("court", "court"), ("123456789012", "123456789012")):
        page = await reader.send(page, "/desk/sign-in/password", new_password=new, new_password_again=again)
    page = await reader.send(page, "/desk/sign-in/password", new_password=OWN, new_password_again=OWN)
    page = await reader.send(await reader.follow(page), "/desk/sign-in/second-factor", code="000000")
    codes = TOTP(page.tree.xpath("//*[@class='code']")[0].text_content().replace(" ", ""))
    page = await reader.send(page, "/desk/sign-in/second-factor", code=codes.at(reader.town.clock.now()))
    assert "tentatives de connexion à votre compte ont échoué" in page.said
    account = await reader.get("/desk/account")
    await reader.town.clock.advance(13 * 3600)
    page = await reader.post("/desk/account/language", account.form("/desk/account/language"))
    assert page.status == 401
    page = await reader.send(page, "/desk/sign-in", name="Anne", password=OWN)
    page = await reader.send(page, "/desk/sign-in/code", code="000000")
    page = await reader.send(page, "/desk/sign-in/code", code=codes.at(reader.town.clock.now()))
    assert page.status == 200
    await reader.get("/desk/")
    assert reader.found == {}


async def test_no_page_of_one_s_own_account_and_no_mishap_says_a_word_of_english(reader):
    await reader.settle(role=Role.ADMINISTRATOR)
    wrong = {"old_password": "x", "password": "x", "new_password": OWN, "new_password_again": OWN, "code": "000000"}
    for form in ("password", "code", "code/remove", "telegram", "sessions/end", "passkey/options", "passkey/remove"):
        page = await reader.get("/desk/account")
        token = page.form("/desk/account/language")["csrf"]
        await reader.post(f"/desk/account/{form}", {"csrf": token, **wrong})
    for path in ("/desk/account/code", "/desk/nowhere", "/desk/stumbles", "/desk/alerts/none", "/desk/waiting/none"):
        await reader.get(path)
        await reader.get(path, Sec_Fetch_Mode="cors", Accept="application/json")
    for path in ("/desk/accounts/add", "/desk/accounts/role", "/desk/tokens/add", "/desk/compose/draft", "/desk/"):
        await reader.post(path, {"csrf": token, "name": "?", "role": "king"})
    script = {"X_CSRF_Token": token, "Accept": "application/json", "Sec_Fetch_Mode": "cors"}
    for fields in ({}, {"draft": "d" * 20, "revision": 1, "fields": []}):
        async with reader.client.post(
            "/desk/compose/draft", json=fields, headers={**reader.headers, **sent_by(reader, script)}
        ) as answer:
            told = await answer.text()
            assert wrong_in(json.loads(told)["error"] if told.startswith("{") else told) == []
    await reader.post("/desk/account/language", {"csrf": "another"})
    await reader.post("/desk/account/language", {"csrf": token}, Sec_Fetch_Site="cross-site")
    await reader.get("/desk/", Host="elsewhere.example")
    await reader.post("/desk/account/language", {"csrf": token, "language": "x" * 3_000_000})
    await reader.send(await reader.get("/desk/account"), "/desk/sign-out")
    await reader.get("/desk/waiting/none", Sec_Fetch_Mode="cors", Accept="application/json")
    assert reader.found == {}


def sent_by(reader, headers):
    cookies = "; ".join(f"{name}={value}" for name, value in reader.jar.items())
    return {name.replace("_", "-"): value for name, value in headers.items()} | {"Cookie": cookies}

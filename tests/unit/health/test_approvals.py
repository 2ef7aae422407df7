"""What waits for somebody is told on the channels of [notify]: at once, again, and how it was decided."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.access.audit import AuditEvent
from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.health.approvals import ApprovalNotices
from alerts.health.desk_events import word_change
from alerts.health.monitor import Phase
from alerts.health.notices import build_notices, compose
from alerts.health.words import PendingApproval, word_pending
from alerts.model.alert import Area, Severity
from alerts.model.events import Events, PostsStored
from alerts.model.lease import DUTIES
from alerts.model.person import Actor, Origin, Role
from alerts.model.ports import Heard
from alerts.model.town import SourceRules
from alerts.store.database import Database
from alerts.store.files import migrate
from tests.fakes import FakeClock
from tests.unit.desk.conftest import NOW, PAGE, TEAM, X, an_alert

TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
public_url = "https://alertes.saint-martin.example"

[desk]
url = "https://garde.saint-martin.example/desk"

[sources.manual]
publish = "approve"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = { env = "TELEGRAM_TOKEN" }

[channels.exercices]
kind = "telegram"
chat = "@saintmartin_exercices"
token = { env = "TELEGRAM_TOKEN" }
exercise = true

[channels.equipe]
kind = "telegram"
chat = "-1009876543210"
token = { env = "TELEGRAM_TOKEN" }
public = false

[notify]
channels = ["equipe"]
"""
ANNE = Actor("Anne", Role.AUTHOR, Origin.CONSOLE)
PAUL = Actor("Paul", Role.APPROVER, Origin.CONSOLE)
PARIS = ZoneInfo("Europe/Paris")


class Duty:
    """A town with officers, and what those on call read."""

    def __init__(self, config, database: Database) -> None:
        self.config = config
        self.database = database
        self.clock = FakeClock(NOW)
        self.ids = itertools.count(1)
        self.desk = build_desk(config, self.clock.now, self.new_id)
        self.woken: list[str] = []
        self.keeper = LeaseKeeper(Leases(database), self.clock, "us", [DUTIES])
        self.restart()

    def new_id(self) -> str:
        return f"id{next(self.ids):05}"

    def another(self) -> ApprovalNotices:
        warnings = build_notices(self.config, self.new_id)
        events = Events()
        events.subscribe(PostsStored, lambda event: self.woken.extend(event.channels))
        return ApprovalNotices(self.config, self.database, self.clock, warnings, events, keeper=self.keeper)

    def restart(self) -> None:
        self.watch = self.another()

    async def act(self, actor: Actor, action):
        def acting(unit):
            return action(Officer(DeskUnit(unit, self.desk, self.clock.now(), self.new_id), actor))

        return await self.database.write(acting)

    async def post(self, headline: str = "Crue de l’Isère", **fields) -> str:
        draft = Draft(headline, severity=Severity.SEVERE, **fields)
        alert = draft_alert(draft, self.desk.station, self.clock.now(), self.new_id())
        return (await self.act(ANNE, lambda officer: officer.post(alert))).stored.id

    async def change(self, sql: str, *values) -> None:
        await self.database.write(lambda db: db.execute(sql, values))

    async def newest(self, act=AuditEvent.PASSKEY_ADDED):
        lines = await self.database.read(lambda unit: unit.audit.newest())
        return next(line for line in lines if line.entry.act == act)

    async def look(self, after: float = 2.0) -> list[str]:
        """What is told now; it goes out at once."""
        await self.clock.advance(after)
        before = len(await self.told())
        await self.watch.look()
        await self.change(
            "UPDATE post SET state = 'sent', remote_id = id WHERE state = 'queued' AND channel = 'equipe'"
        )
        return (await self.told())[before:]

    async def told(self) -> list[str]:
        def read(db):
            return [row[0] for row in db.execute("SELECT plain FROM post WHERE channel = 'equipe' ORDER BY seq")]

        return await self.database.read(read)


@pytest.fixture
async def duty(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN, encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    yield Duty(config, database)
    await database.close()


async def test_an_alert_that_waits_is_told_once_with_the_link_to_where_it_is_validated(duty):
    alert = await duty.post(expires="6h")

    (told,) = await duty.look()
    assert told.splitlines() == [
        "Tocsin, Saint-Martin",
        "Alerte à valider\u00a0: «\u00a0Crue de l’Isère\u00a0» (grave)",
        f"https://garde.saint-martin.example/desk/waiting/{alert}",
        "(Saint-Martin ; jusqu’au 25/11 19 h 00 ; de Anne)",
    ]
    assert duty.woken == ["equipe"]
    assert await duty.look() == []


async def test_it_is_told_again_until_somebody_decides_and_then_by_whom(duty):
    alert = await duty.post()
    await duty.look()
    (again,) = await duty.look(after=600)
    assert "Alerte toujours à valider, depuis 13\u00a0h\u00a000\u00a0: «\u00a0Crue de l’Isère\u00a0»" in again

    await duty.act(PAUL, lambda officer: officer.approve(alert))
    (over,) = await duty.look()
    assert "Validée par Paul\u00a0: «\u00a0Crue de l’Isère\u00a0»" in over
    assert await duty.look(after=6000) == []


async def test_a_rejection_is_told_with_its_reason(duty):
    alert = await duty.post()
    await duty.look()
    await duty.act(PAUL, lambda officer: officer.reject(alert, "la crue est pour demain"))

    (over,) = await duty.look()
    assert over.splitlines()[1:] == [
        "Rejetée par Paul\u00a0: «\u00a0Crue de l’Isère\u00a0» (grave)",
        "(la crue est pour demain)",
    ]


async def test_neither_a_restart_nor_a_second_daemon_tells_it_twice(duty):
    alert = await duty.post()
    other = duty.another()
    await duty.look()
    await other.look()
    duty.restart()
    assert await duty.look() == []
    assert len(await duty.told()) == 1

    duty.restart()
    await duty.act(PAUL, lambda officer: officer.approve(alert))
    assert len(await duty.look()) == 1, "decided while nobody looked: told by the one that starts next"
    await other.look()
    assert len(await duty.told()) == 2


async def test_an_exercise_says_so_in_capitals(duty):
    await duty.post(exercise=True)

    (told,) = await duty.look()
    assert told.splitlines()[1].startswith("EXERCICE – Alerte à valider\u00a0: ")


async def test_a_veto_tells_when_it_goes_out_and_that_it_did(duty):
    alert = await duty.post()
    until = round((NOW + timedelta(minutes=20)).timestamp() * 1e6)
    await duty.change("UPDATE post SET not_before = ? WHERE alert_id = ?", until, alert)

    (told,) = await duty.look()
    assert (
        "Part d’elle-même à 13\u00a0h\u00a020 si personne ne l’arrête\u00a0: "
        f"https://garde.saint-martin.example/desk/waiting/{alert}" in told
    )
    await duty.change("UPDATE post SET state = 'queued' WHERE alert_id = ?", alert)
    await duty.change("UPDATE alert SET state = 'accepted' WHERE id = ?", alert)
    (over,) = await duty.look()
    assert "Partie sans veto\u00a0: «\u00a0Crue de l’Isère\u00a0»" in over


async def test_a_newer_version_is_told_as_what_it_is(duty):
    alert = await duty.post()
    await duty.look()
    await duty.act(ANNE, lambda officer: officer.update(alert, {"headline": "Crue : ponts fermés"}))

    newer, over = await duty.look()
    assert "Alerte à valider\u00a0: «\u00a0Crue : ponts fermés\u00a0»" in newer
    assert "Remplacée par une version plus récente\u00a0: «\u00a0Crue de l’Isère\u00a0»" in over


async def test_what_another_officer_took_the_place_of_is_told_with_whose_words_stand_instead(duty):
    alert = await duty.post()
    await duty.look()
    await duty.act(PAUL, lambda officer: officer.update(alert, {"headline": "Crue : ponts fermés"}))

    _, over = await duty.look()
    assert (
        "Retirée avant de partir\u00a0: ce que Paul a écrit depuis l’a remplacée. C’était\u00a0: «\u00a0Crue de" in over
    )


async def test_a_correction_is_told_once_with_its_words_and_by_whom(duty):
    alert = await duty.post(exercise=True)
    await duty.look()
    await duty.act(PAUL, lambda officer: officer.approve(alert))
    await duty.change("UPDATE post SET state = 'sent' WHERE alert_id = ?", alert)
    await duty.look()
    filed = await duty.act(PAUL, lambda officer: officer.correct(alert, "le pont est ouvert"))

    (told,) = await duty.look()
    assert told.splitlines()[1:] == [
        "EXERCICE – Rectifiée par Paul, sans validation\u00a0: «\u00a0Crue de l’Isère\u00a0» (grave)",
        f"https://garde.saint-martin.example/desk/alerts/{filed.stored.id}",
        "(le pont est ouvert)",
    ]
    assert await duty.look() == []
    duty.restart()
    assert await duty.look() == []
    assert await duty.look(after=26 * 3600) == [], "it is no news for ever"


async def test_an_author_s_words_to_a_correction_are_told_as_what_waits(duty):
    alert = await duty.post(exercise=True)
    await duty.act(PAUL, lambda officer: officer.approve(alert))
    await duty.change("UPDATE post SET state = 'sent' WHERE alert_id = ?", alert)
    filed = await duty.act(ANNE, lambda officer: officer.correct(alert, "le pont est ouvert"))

    told = "\n".join(await duty.look())
    assert "EXERCICE – Rectifiée par Anne, sans validation\u00a0: «\u00a0Crue de l’Isère\u00a0»" in told
    assert f"https://garde.saint-martin.example/desk/waiting/{filed.words.id}" in told
    assert "le pont est ouvert" not in told


async def test_a_correction_that_was_made_while_nobody_looked_is_told_by_the_one_that_starts_next(duty):
    for number in range(3):
        alert = await duty.post(f"Crue numéro {number}")
        await duty.act(PAUL, lambda officer, alert=alert: officer.approve(alert))
        await duty.change("UPDATE post SET state = 'sent' WHERE alert_id = ?", alert)
        await duty.act(ANNE, lambda officer, alert=alert: officer.correct(alert))

    assert len([each for each in await duty.look() if "Rectifiée par Anne" in each]) == 3
    assert await duty.look() == []


AWAITED = PendingApproval("01ABC", "Crue", Severity.SEVERE, ("Centre",), NOW, NOW, "meteo")


def test_without_an_address_of_the_desk_the_command_is_told():
    assert word_pending(AWAITED, Phase.FIRING, "fr", PARIS).fix == "tocsin approve 01ABC --as NOM"
    vetoed = replace(AWAITED, goes_out_at=NOW)
    assert word_pending(vetoed, Phase.FIRING, "en", PARIS).fix == (
        "Goes out at 13:00 unless somebody stops it: tocsin reject 01ABC --as NAME"
    )


@pytest.mark.parametrize("channel", [X, PAGE, TEAM])
@pytest.mark.parametrize("language", ["fr-FR", "en"])
def test_the_link_is_never_what_is_cut(channel, language):
    long = replace(
        AWAITED,
        headline="Crue et <b>submersion</b> " * 30,
        areas=tuple(f"Quartier numéro {n}" for n in range(80)),
        goes_out_at=NOW,
        exercise=True,
        link="https://garde.saint-martin.fr/desk/waiting/01JDQ8Z5B6M6M8T9V0W1X2Y3Z4",
    )
    message = compose(word_pending(long, Phase.REPEATED, language, PARIS), "Ville de Saint-Martin", channel, language)

    assert long.link in message.plain
    assert ("13:00" if not language.startswith("fr") else "13\u00a0h\u00a000") in message.plain


async def test_another_second_factor_is_told_once_and_a_first_one_is_none(duty):
    """Whoever changed it: those on call see it though its owner may be locked out by it."""

    async def write(*acts):
        for act in acts:
            await duty.act(ANNE, lambda officer, act=act: officer.write(act, "Anne"))

    await write(AuditEvent.CODES_ADDED, AuditEvent.SIGNED_IN, AuditEvent.PASSWORD_CHANGED)
    assert await duty.look() == []
    await write(AuditEvent.PASSKEY_ADDED, AuditEvent.LANGUAGE_CHANGED)
    (told,) = await duty.look()
    assert told.splitlines() == [
        "Tocsin, Saint-Martin",
        "compte Anne : clé d’accès ajoutée, le 25/11 à 13\u00a0h\u00a000",
        "Si ce n’était pas cette personne : « tocsin user reset Anne ».",
    ]
    assert await duty.look() == []
    duty.restart()
    assert await duty.look() == []
    english = word_change(await duty.newest(), "en", PARIS)
    assert english.headline == "account Anne: passkey added, 2026-11-25 13:00"


@pytest.mark.parametrize(("first", "became"), [("auto", "Il n’est pas publié."), ("approve", "Chacun suit")])
async def test_two_messages_under_one_name_are_told_once(duty, first, became):
    station = duty.desk.station
    station.sources.update({"meteo": SourceRules(publish=first), "other": SourceRules()})
    one = an_alert(identifier="one", areas=(Area(station.name),))
    two = replace(one, infos=an_alert(headline="Tout va bien", areas=(Area(station.name),)).infos)
    for alert, source in ((one, "meteo"), (two, "other")):
        heard = Heard(f"{source} {alert.identifier}", alert)
        await duty.database.write(lambda unit, h=heard, s=source: duty.desk.hear(unit.alerts, h, s))

    said = [each for each in await duty.look() if "Deux messages" in each]
    assert len(said) == 1
    assert "«\u00a0Tout va bien\u00a0» (other) et «\u00a0Coup de vent\u00a0» (meteo), reçu avant. " + became in said[0]
    duty.restart()
    assert [each for each in await duty.look() if "Deux messages" in each] == []


async def test_what_is_grave_and_nears_its_end_is_put_before_those_on_duty_once(duty):
    alert = await duty.post(expires="6h")
    await duty.act(PAUL, lambda officer: officer.approve(alert))
    await duty.change("UPDATE post SET state = 'sent', remote_id = id WHERE channel = 'telegram'")
    await duty.look()
    assert await duty.look(after=5 * 3600) == []

    (told,) = await duty.look(after=35 * 60)
    assert told.replace("\u00a0", " ").splitlines() == [
        "Tocsin, Saint-Martin",
        "Prend fin à 19 h 00 : « Crue de l’Isère » (grave). Prolonger, terminer ou laisser finir ?",
        f"https://garde.saint-martin.example/desk/alerts/{alert}",
        "(Saint-Martin)",
    ]
    duty.restart()
    assert await duty.look() == []


async def test_what_is_slight_or_was_ended_is_left_to_its_end(duty):
    alert = await duty.post(expires="6h")
    await duty.act(PAUL, lambda officer: officer.approve(alert))
    await duty.change("UPDATE post SET state = 'sent', remote_id = id WHERE channel = 'telegram'")
    await duty.look()
    await duty.act(PAUL, lambda officer: officer.cancel(alert, over=True))
    assert not [told for told in await duty.look(after=5.6 * 3600) if "Prend fin" in told]

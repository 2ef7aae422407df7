"""What `status` and the metrics tell of subscribers: who there are, who was told, who waits for their hour."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.cli import run
from alerts.config import load_config
from alerts.daemon.bots import BulkSenders, bot_paces
from alerts.daemon.desk import Control
from alerts.daemon.telemetry import Metrics
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.model.alert import Severity
from alerts.model.delivery import Bulk, BulkState, Progress
from alerts.model.events import Events
from alerts.model.post import PostKind
from alerts.model.subscriber import Notice, Subscriber, Topic
from alerts.store.database import Database
from alerts.store.files import connect
from alerts.store.statement import stamp
from alerts.store.subscribers import Subscribers
from alerts.store.unit import Unit
from tests.fakes import FakeClock

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en-GB"
[store]
url = "sqlite:///tocsin.db"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
subscriptions = true
[channels.page]
kind = "telegram"
chat = "@saintmartin_autre"
token = { env = "OTHER_TOKEN" }
"""
A_BULK = Bulk(
    id="b1",
    channel="telegram",
    incident="i1",
    alert_id="a1",
    kind=PostKind.PUBLISH,
    state=BulkState.QUEUED,
    notice=Notice(Topic.WEATHER, Severity.MODERATE),
    texts={"fr": "Vent"},
    stored_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
)
NOW = datetime(2026, 11, 25, 12, 10, tzinfo=UTC)


class TestProgress:
    """Whom it is settled for, and whom not."""

    def test_what_holds_somebody_back_is_not_done(self):
        done = replace(A_BULK, state=BulkState.DONE, total=1508, skipped=3)
        assert (Progress(done, deferred=1505).state, Progress(done).state) == ("held", "done")

    def test_who_is_still_to_be_looked_at_is_neither_told_nor_held_nor_passed_over(self):
        going = replace(A_BULK, state=BulkState.SENDING, total=100, sent=20, failed=1, skipped=9, started_at=NOW)
        assert (Progress(going, deferred=10).looked, Progress(going, deferred=10).rest) == (40, 60)
        assert Progress(going, deferred=10).ends_at(NOW + timedelta(minutes=4)) == NOW + timedelta(minutes=10)

    @pytest.mark.parametrize(
        ("changes", "rest"),
        [
            ({}, None),
            ({"state": BulkState.DONE, "total": 9, "sent": 8}, 0),
            ({"state": BulkState.STOPPED, "total": 9}, 0),
        ],
    )
    def test_nobody_is_left_of_what_is_over_and_nobody_knows_before_it_begins(self, changes, rest):
        assert Progress(replace(A_BULK, **changes)).rest == rest


@pytest.fixture
def town(tmp_path, monkeypatch, capsys):
    """An alert that is out, its bulk by name as `status` has it, and two subscribers, one of whom paused."""
    (tmp_path / "channels.toml").write_text(CHANNELS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN", "1:a")
    for headline in ("Coup de vent", "Crue de la Morge"):
        assert run(["post", "--headline", headline, "--channel", "telegram"]) == 0

    def store(unit):
        for chat, on in ((1, True), (2, True), (3, False)):
            unit.subscribers.put("telegram", Subscriber(chat, "fr", on=on))

    Control(load_config(tmp_path / "channels.toml")).act(store)
    capsys.readouterr()
    return tmp_path


def change(folder, headline, **values):
    with closing(sqlite3.connect(folder / "tocsin.db")) as db, db:
        of = "(SELECT id FROM alert WHERE headline = ?)"
        names = ", ".join(f"{name} = ?" for name in values)
        db.execute(f"UPDATE bulk SET {names} WHERE alert_id = {of}", (*values.values(), headline))
        return db.execute(f"SELECT id FROM bulk WHERE alert_id = {of}", (headline,)).fetchone()[0]


def hold(folder, bulk, *times):
    with closing(sqlite3.connect(folder / "tocsin.db")) as db, db:
        rows = [("telegram", chat, bulk, stamp(time)) for chat, time in enumerate(times, 1)]
        db.executemany("INSERT INTO held_back (channel, chat, bulk, until) VALUES (?, ?, ?, ?)", rows)


def test_what_waits_for_its_hour_says_for_how_many_and_till_when(town, capsys):
    morning = datetime.now(UTC).replace(minute=0) + timedelta(hours=12)
    ended = stamp(datetime.now(UTC))
    bulk = change(town, "Coup de vent", state="done", total=1508, skipped=1506, ended_at=ended)
    hold(town, bulk, morning - timedelta(hours=1), morning)

    assert run(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("bulk") and "Coup de vent" in line)
    assert lines[head].split()[2] == "held"
    by = morning.astimezone(ZoneInfo("Europe/Paris"))
    assert lines[head + 1] == (
        f"        of 1508 subscribers: 0 told, 2 to be told by {by:%Y-%m-%d %H:%M}, 1506 passed over"
    )


def test_what_is_under_way_stands_first_with_how_many_are_still_to_go(town, capsys):
    began = stamp(datetime.now(UTC) - timedelta(minutes=1))
    change(town, "Coup de vent", state="done", total=75, sent=75, everyone=False, ended_at=stamp(datetime.now(UTC)))
    change(town, "Crue de la Morge", state="sending", total=1508, sent=251, skipped=449, started_at=began)

    assert run(["status", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    bulks = [each for each in told if "bulk" in each]
    assert [(each["headline"], each["state"], each["rest"]) for each in bulks] == [
        ("Crue de la Morge", "sending", 808),
        ("Coup de vent", "done", 0),
    ]
    assert run(["status"]) == 0
    shown = capsys.readouterr().out
    assert "of 1508 subscribers: 251 told, 449 passed over, 808 still to go, through at" in shown
    assert "of 75 who got the alert: 75 told\n" in shown


def test_status_tells_how_many_subscribe_where_one_can(town, capsys):
    assert run(["status", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["channel"]: each["subscribers"] for each in told if "reserve" in each} == {"telegram": 2, "page": None}
    assert run(["status"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("channel")]
    assert [line.endswith(", 2 subscribers") for line in lines] == [True, False]


@pytest.fixture
async def senders(town):
    database, clock = await Database.open(town / "tocsin.db"), FakeClock()
    config = load_config(town / "channels.toml")
    yield BulkSenders(
        config,
        database=database,
        keeper=LeaseKeeper(Leases(database), clock, "us", []),
        clock=clock,
        resources=lambda _: None,
        open_bulk=lambda *_: None,
        events=Events(),
        paces=bot_paces(config, clock),
    )
    await database.close()


async def test_the_metrics_tell_how_many_subscribe(senders):
    metrics = Metrics(Events())
    await senders.measure(metrics)
    assert metrics.registry.get_sample_value("tocsin_subscribers", {"channel": "telegram"}) == 2


def test_they_count_only_where_somebody_came_chose_or_went(town, senders):
    asked, db = [], connect(town / "tocsin.db")
    db.set_trace_callback(asked.append)

    def counted():
        asked.clear()
        return senders._count(Unit(db)), len([each for each in asked if "count(" in each])

    assert counted() == ({"telegram": 2}, 1)
    assert counted() == ({"telegram": 2}, 0)
    people = Subscribers(db)
    for change, many in (
        (lambda: people.put("telegram", Subscriber(99)), 3),
        (lambda: people.put("telegram", Subscriber(99, on=False)), 2),
        (lambda: people.moved("telegram", 99, -99), 2),
        (lambda: people.forget("telegram", -99), 2),
    ):
        change()
        assert counted() == ({"telegram": many}, 1)
    people.put("page", Subscriber(99))
    assert counted() == ({"telegram": 2}, 0)
    db.close()

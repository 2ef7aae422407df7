"""One alert to many, with the real program and the sandbox: killed on the way, cancelled, at its pace, in no log."""

from __future__ import annotations

import re
import signal
from collections import Counter

import pytest

from alerts.channels.settings import TelegramSettings
from alerts.delivery.lease import TERM
from alerts.model.alert import Severity
from alerts.model.subscriber import Subscriber, Topic
from alerts.store.files import connect, migrate, opened
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from tests.process.town import TELEGRAM, town_in

pytestmark = pytest.mark.process
MANY = 2000
FIRST = 5_550_000_000
WANTING = {FIRST + number for number in range(MANY) if number % 4}
UNDER_WAY = TelegramSettings.model_fields["in_flight"].default
KILLS = 5


@pytest.fixture
def town(tmp_path):
    """A town with as many subscribers, of whom every fourth wants to hear of water alone."""
    for town in town_in(tmp_path):
        town.start_sandbox("--no-limits")
        town.environment["TOCSIN_LOG"] = "debug"
        migrate(town.database)
        with opened(town.database) as db, transaction(db):
            for number in range(MANY):
                topics = frozenset() if number % 4 else frozenset({Topic.WATER})
                Subscribers(db).put("telegram", Subscriber(FIRST + number, topics=topics))
        yield town


def configure(town, rate: int) -> None:
    town.configure(TELEGRAM + f"subscriptions = true\nrate = {rate}\n")


def told(town, words: str = "") -> Counter[int]:
    """How many messages each chat has that hold these words."""
    posts = town.timelines()["telegram"]
    return Counter(int(post["channel"]) for post in posts if post["channel"].isdigit() and words in post["text"])


def bulks(town) -> list[dict]:
    return [each for each in town.objects("status") if "bulk" in each]


def sent(town) -> int:
    db = connect(town.database, readonly=True)
    row = db.execute("SELECT sent FROM bulk ORDER BY seq LIMIT 1").fetchone()
    db.close()
    return row["sent"] if row else 0


def test_killed_five_times_on_the_way_nobody_is_lost_and_few_are_told_twice(town):
    configure(town, rate=0)
    town.fault("telegram", "latency", seconds=0.1, route="POST .*sendMessage")  # else it is through before the kills
    log = town.folder / "tocsin.log"
    daemon = town.start("run", log=log)
    town.post("Coup de vent", "--severity", "Severe")
    for number in range(1, KILLS + 1):
        town.until(lambda number=number: sent(town) > number * len(WANTING) // (KILLS + 2))
        daemon.stop(signal.SIGKILL)
        town.wind(TERM.total_seconds())  # else the next one waits for the lease of the one that died
        daemon = town.start("run", log=log)
    [bulk] = town.until(lambda: [each for each in bulks(town) if each["state"] == "done"])

    reached = told(town)
    assert set(reached) == WANTING
    assert sum(reached.values()) - len(WANTING) <= KILLS * UNDER_WAY
    assert (bulk["total"], bulk["sent"], bulk["failed"], bulk["skipped"]) == (MANY, len(WANTING), 0, MANY // 4)
    daemon.stop()
    said = log.read_text(encoding="utf-8")
    assert said.count("tocsin.running") >= KILLS
    assert "bulk.done" in said
    assert not re.search(r"55500\d{5}", said), "a chat is named in a log"
    assert "sandbox-telegram-token" not in said


@pytest.mark.release
def test_a_cancelled_alert_stops_and_its_end_goes_to_those_who_got_it(town):
    configure(town, rate=50)
    town.start_daemon()
    alert = town.post("Coup de vent", "--severity", "Moderate")
    town.until(lambda: sent(town) > 20)
    [going] = bulks(town)
    assert going["state"] == "sending"
    assert going["ends_at"] > going["started_at"]

    town.tocsin("cancel", alert["alert"])
    first, end = town.until(lambda: [each for each in bulks(town) if each["ended_at"]][1:] and bulks(town))

    assert (first["state"], end["state"], end["kind"]) == ("stopped", "done", "end")
    assert first["sent"] < len(WANTING) // 2
    got, ended = told(town, "Attention"), told(town, "retirée")
    assert set(ended) == set(got)
    assert set(ended.values()) == {1}


@pytest.mark.release
def test_an_update_reaches_only_who_has_the_alert_and_status_says_so_in_words(town):
    configure(town, rate=0)
    town.start_daemon()
    with opened(town.database) as db, transaction(db):
        db.execute("UPDATE subscriber SET severity = ? WHERE chat >= ?", (Severity.EXTREME.rank, FIRST + 100))
    alert = town.post("Coup de vent", "--severity", "Moderate")
    town.until(lambda: [each for each in bulks(town) if each["state"] == "done"])
    with opened(town.database) as db, transaction(db):
        db.execute("UPDATE subscriber SET severity = 0")

    town.tocsin("update", alert["alert"], "--description", "Il faiblit.")
    town.until(lambda: len([each for each in bulks(town) if each["state"] == "done"]) == 2)

    assert set(told(town)) == set(told(town, "faiblit")) == {chat for chat in WANTING if chat < FIRST + 100}
    assert "sur 75 qui ont reçu l’alerte\u00a0: 75 avertis" in town.tocsin("status").stdout

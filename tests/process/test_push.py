"""Push with the real program and the sandbox's push service: killed on the way, updated in place, ended, in no log."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections import Counter

import pytest

from alerts.channels.push.encryption import new_key
from alerts.channels.settings import PushSettings
from alerts.delivery.lease import TERM
from alerts.model.subscriber import PushEndpoint, Subscriber, Topic
from alerts.store.files import connect, migrate, opened
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from tests.process.town import TELEGRAM, town_in

pytestmark = pytest.mark.process
MANY = int(os.environ.get("PUSH_SUBSCRIBERS", "2000"))
PATIENCE = 60 + MANY / 50
WANTING = MANY * 3 // 4
UNDER_WAY = PushSettings.model_fields["in_flight"].default
KILLS = 5


@pytest.fixture
def town(tmp_path):
    """A town that browsers subscribed to, of which every fourth wants to hear of water alone."""
    for town in town_in(tmp_path):
        town.start_sandbox("--no-limits")
        town.environment["TOCSIN_LOG"] = "debug"
        (tmp_path / "push.pem").write_text(new_key())
        host = town.sandbox.removeprefix("http://")
        push = f'[push]\nkey = {{{{ file = "push.pem" }}}}\nsubject = "mailto:a@b.example"\nservices = ["{host}"]\n'
        town.configure(TELEGRAM + push)
        migrate(town.database)
        with opened(town.database) as db, transaction(db):
            for number, told in enumerate(asked(town, "browsers", {"count": MANY})):
                endpoint = PushEndpoint(told["endpoint"], **told["keys"])
                topics = frozenset() if number % 4 else frozenset({Topic.WATER})
                Subscribers(db).put(
                    "push", Subscriber(endpoint.number, topics=topics, endpoint=endpoint, token=f"{number}")
                )
        yield town


def asked(town, path: str, body: object = None) -> list[dict]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{town.sandbox}/sandbox/push/{path}", data, headers)) as answer:
        return json.load(answer)


def told(town, words: str) -> Counter[str]:
    return Counter(each["browser"] for each in asked(town, "messages.json") if words in each["payload"])


def bulks(town) -> list[dict]:
    return [each for each in town.objects("status") if "bulk" in each]


def sent(town) -> int:
    db = connect(town.database, readonly=True)
    row = db.execute("SELECT sent FROM bulk WHERE channel = 'push' ORDER BY seq LIMIT 1").fetchone()
    db.close()
    return row["sent"] if row else 0


def test_killed_five_times_on_the_way_nobody_is_lost_and_what_comes_twice_takes_its_own_place(town):
    town.fault("push", "latency", seconds=0.1)  # else it is through before the kills
    log = town.folder / "tocsin.log"
    daemon = town.start("run", log=log)
    alert = town.post("Coup de vent", "--severity", "Severe")
    for number in range(1, KILLS + 1):
        town.until(lambda number=number: sent(town) > number * WANTING // (KILLS + 2), patience=PATIENCE)
        daemon.stop(signal.SIGKILL)
        town.wind(TERM.total_seconds())
        daemon = town.start("run", log=log)
    [bulk] = town.until(lambda: [each for each in bulks(town) if each["state"] == "done"], patience=PATIENCE)
    town.mend()

    reached = told(town, "Coup de vent")
    assert len(reached) == WANTING
    assert sum(reached.values()) - WANTING <= KILLS * UNDER_WAY
    assert (bulk["total"], bulk["sent"], bulk["failed"], bulk["skipped"]) == (MANY, WANTING, 0, MANY // 4)
    assert len({each["topic"] for each in asked(town, "messages.json")}) == 1

    assert town.tocsin("update", alert["incident"], "--headline", "Coup de vent plus fort").returncode == 0
    town.until(lambda: len(told(town, "plus fort")) == WANTING, patience=PATIENCE)
    assert town.tocsin("cancel", alert["incident"], "--over").returncode == 0
    town.until(
        lambda: len(bulks(town)) == 3 and all(each["state"] == "done" for each in bulks(town)), patience=PATIENCE
    )
    messages = asked(town, "messages.json")
    assert {(each["topic"], each["notification"]["tag"]) for each in messages} == {
        (messages[0]["topic"], alert["incident"])
    }
    assert len(messages) - sum(reached.values()) == 2 * WANTING
    daemon.stop()
    words = log.read_text()
    assert "/wpush/" not in words

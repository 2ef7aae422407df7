"""Push with the real program and the sandbox's push service: killed on the way, updated in place, ended, in no log."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
import urllib.request
from collections import Counter, defaultdict
from functools import partial

import pytest

from alerts.channels.push.encryption import new_key
from alerts.channels.settings import PushSettings
from alerts.delivery.lease import TERM
from alerts.model.subscriber import PushEndpoint, Subscriber, Topic
from alerts.store.files import connect, migrate, opened
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from tests.process.town import TELEGRAM, Running, town_in

pytestmark = pytest.mark.process
MANY = int(os.environ.get("PUSH_SUBSCRIBERS", "2000"))
FIGURES = logging.getLogger(__name__)
PATIENCE = 180 + MANY / 50
WANTING = MANY - -(-MANY // 4)
UNDER_WAY = PushSettings.model_fields["in_flight"].default
KILLS = (2, 2, 1)
"""While the alert, its update and its end are told."""


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
        browsers = asked(town, "browsers", {"count": MANY})
        town.wanting = {each["endpoint"].rpartition("/")[2] for number, each in enumerate(browsers) if number % 4}
        with opened(town.database) as db, transaction(db):
            for number, told in enumerate(browsers):
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


def bulks(town) -> list[dict]:
    """The bulks of push as the file has them: to ask the sandbox or a command costs as much as what is waited for."""
    db = connect(town.database, readonly=True)
    rows = db.execute("SELECT kind, state, total, sent, failed, skipped FROM bulk WHERE channel = 'push' ORDER BY seq")
    found = [dict(row) for row in rows]
    db.close()
    return found


def tell_killed(town, daemon: Running, log, number: int, kills: int) -> Running:
    """See the bulk of that number to its end, through so many kills spread over it; the daemon that lives."""
    began = time.monotonic()

    def has_come_to(kill: int) -> bool:
        [told] = bulks(town)[number:] or [{"sent": 0}]
        return told["sent"] > kill * WANTING // (kills + 2)

    for kill in range(1, kills + 1):
        town.until(partial(has_come_to, kill), patience=PATIENCE)
        daemon.stop(signal.SIGKILL)
        town.wind(TERM.total_seconds())
        daemon = town.start("run", log=log)
    town.until(lambda: bulks(town)[number]["state"] == "done", patience=PATIENCE)
    FIGURES.info(
        "%s told to %d in %.0f s, %d kills", bulks(town)[number]["kind"], WANTING, time.monotonic() - began, kills
    )
    return daemon


@pytest.mark.release
def test_killed_five_times_from_the_alert_to_its_end_nobody_is_lost_and_what_comes_twice_takes_its_own_place(town):
    town.fault("push", "latency", seconds=0.1)  # else it is through before the kills
    log = town.folder / "tocsin.log"
    daemon = town.start("run", log=log)
    alert = town.post("Coup de vent", "--severity", "Severe")
    daemon = tell_killed(town, daemon, log, 0, KILLS[0])
    assert town.tocsin("update", alert["incident"], "--headline", "Coup de vent plus fort").returncode == 0
    daemon = tell_killed(town, daemon, log, 1, KILLS[1])
    assert town.tocsin("cancel", alert["incident"], "--over").returncode == 0
    daemon = tell_killed(town, daemon, log, 2, KILLS[2])
    daemon.stop()

    assert [each["kind"] for each in bulks(town)] == ["publish", "update", "end"]
    assert [each["sent"] for each in bulks(town)] == [WANTING] * 3
    assert [each["failed"] for each in bulks(town)] == [0] * 3
    assert (bulks(town)[0]["total"], bulks(town)[0]["skipped"]) == (MANY, MANY - WANTING)
    messages = asked(town, "messages.json")
    phases, heard = list(dict.fromkeys(each["payload"] for each in messages)), defaultdict(list)
    for each in messages:
        heard[each["browser"]].append(phases.index(each["payload"]))
    assert heard.keys() == town.wanting
    # Each browser heard all three, in their order: what came twice came before the next, and took its own place.
    assert {tuple(dict.fromkeys(each)) for each in heard.values()} == {(0, 1, 2)}
    assert all(each == sorted(each) for each in heard.values())
    assert len({(each["topic"], each["notification"]["tag"]) for each in messages}) == 1
    counts = Counter(each["payload"] for each in messages)
    repeats = [counts[words] - WANTING for words in phases]
    FIGURES.info("%d subscribed, %d wanted it, %d kills, %s came twice", MANY, WANTING, sum(KILLS), repeats)
    assert all(many <= kills * UNDER_WAY for many, kills in zip(repeats, KILLS, strict=True))
    assert "/wpush/" not in log.read_text()

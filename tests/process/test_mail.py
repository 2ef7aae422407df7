"""The real program and a real mail relay: what is under way at a kill is in doubt, and nobody can look."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections import Counter, defaultdict
from functools import partial

import pytest

from alerts.access.sessions import digest
from alerts.channels.settings import MailSettings
from alerts.delivery.lease import TERM
from alerts.model.subscriber import Mailbox, Subscriber, Topic
from alerts.store.files import connect, migrate, opened
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from tests.mail_relay import LIST, USER, Relay, running

pytestmark = pytest.mark.process
FIGURES = logging.getLogger(__name__)
MANY = int(os.environ.get("MAIL_SUBSCRIBERS", "80"))
UNDER_WAY = MailSettings.model_fields["in_flight"].default
KILLS = (2, 2, 1)
"""While the alert, its update and its end are written to subscribers."""
CHANNEL = f"""
[channels.lettre]
kind = "mail"
host = "127.0.0.1"
port = PORT
tls = "none"
sender = "Ville de Saint-Martin <{USER}>"
to = "{LIST}"
"""


def test_a_kill_at_the_final_dot_sends_what_is_grave_once_more_under_its_id(town):
    with running(Relay()) as relay:
        town.configure(CHANNEL.replace("PORT", str(relay.port)))
        relay.set(does="hang")
        daemon = town.start_daemon()
        grave = town.post("Crue de l’Isère", "--severity", "Severe")["alert"]
        slight = town.post("Marché déplacé", "--severity", "Minor")["alert"]
        town.until(lambda: len(relay.taken) == 2)
        daemon.stop(signal.SIGKILL)
        relay.set()
        town.start_daemon()

        def posts() -> dict[str, str]:
            return {each["alert"]: each["posts"][0]["state"] for each in town.objects("status") if each.get("posts")}

        town.until(lambda: posts() == {grave: "sent", slight: "in_doubt"})
        told = [(taken.letter["Subject"], taken.id) for taken in relay.taken]
        assert len(told) == 3
        assert told[2] == next(each for each in told if "Crue" in each[0])
        assert relay.taken[2].letter["Date"] in [taken.letter["Date"] for taken in relay.taken[:2]]
        assert "Isère" in relay.taken[2].text()


def subscribe(town) -> set[str]:
    """So many mailboxes, of which every fourth wants to hear of water alone; those that want to hear of wind."""
    migrate(town.database)
    with opened(town.database) as db, transaction(db):
        for number in range(MANY):
            box = Mailbox(f"n{number}@quais.example", f"{number:043}")
            topics = frozenset() if number % 4 else frozenset({Topic.WATER})
            one = Subscriber(box.number, topics=topics, endpoint=box, token=digest(box.token))
            Subscribers(db).put("lettre", one)
    return {f"n{number}@quais.example" for number in range(MANY) if number % 4}


def bulks(town) -> list[dict]:
    db = connect(town.database, readonly=True)
    rows = db.execute("SELECT kind, state, total, sent, failed FROM bulk WHERE channel = 'lettre' ORDER BY seq")
    found = [dict(row) for row in rows]
    db.close()
    return found


def written_to(town, daemon, relay: Relay, number: int, wanting: int):
    """See the bulk of that number to its end, through its kills; the daemon that lives."""
    kills, before, began = KILLS[number], len(relay.taken), time.monotonic()

    def has_come_to(kill: int) -> bool:
        return len(relay.taken) - before > kill * wanting // (kills + 1)

    for kill in range(1, kills + 1):
        town.until(partial(has_come_to, kill), patience=180 + MANY / 10)
        daemon.stop(signal.SIGKILL)
        town.wind(TERM.total_seconds())
        daemon = town.start_daemon()
    town.until(lambda: bulks(town)[number:] and bulks(town)[number]["state"] == "done", patience=180 + MANY / 10)
    FIGURES.info("%s to %d in %.0f s", bulks(town)[number]["kind"], wanting, time.monotonic() - began)
    return daemon


@pytest.mark.release
def test_killed_five_times_no_subscriber_is_missed_and_what_comes_twice_is_the_same_letter(town):
    with running(Relay()) as relay:
        channel = CHANNEL.replace("PORT", str(relay.port)).replace(
            f'to = "{LIST}"\n', "subscriptions = true\nrate = 0\n"
        )
        town.configure(channel)
        wanting = subscribe(town)
        relay.takes = 0.02
        daemon = town.start_daemon()
        alert = town.post("Coup de vent", "--severity", "Moderate")
        daemon = written_to(town, daemon, relay, 0, len(wanting))
        assert town.tocsin("update", alert["incident"], "--headline", "Coup de vent plus fort").returncode == 0
        daemon = written_to(town, daemon, relay, 1, len(wanting))
        assert town.tocsin("cancel", alert["incident"], "--over").returncode == 0
        daemon = written_to(town, daemon, relay, 2, len(wanting))
        daemon.stop()

        assert [each["kind"] for each in bulks(town)] == ["publish", "update", "end"]
        assert [(each["sent"], each["failed"]) for each in bulks(town)] == [(len(wanting), 0)] * 3
        letters = defaultdict(list)
        for each in relay.taken:
            [to] = each.to
            letters[to].append(each.id)
        assert letters.keys() == wanting
        # Three different letters, in their order; one that comes twice is the same one.
        assert {len(dict.fromkeys(ids)) for ids in letters.values()} == {3}
        assert all(ids == sorted(ids, key=ids.index) for ids in letters.values())
        first = {to: ids[0] for to, ids in letters.items()}
        assert all(each.reply_to == first[each.to[0]] for each in relay.taken if each.id != first[each.to[0]])
        contents = defaultdict(set)
        for each in relay.taken:
            contents[each.id].add(each.content)
        assert all(len(each) == 1 for each in contents.values())
        repeats = [many - 1 for many in Counter(each.id for each in relay.taken).values()]
        FIGURES.info("%d subscribed, %d kills, %d came twice", MANY, sum(KILLS), sum(repeats))
        assert max(repeats) <= 1
        assert sum(repeats) <= sum(KILLS) * UNDER_WAY
        assert relay.connections <= sum(repeats) + UNDER_WAY * (sum(KILLS) + 4) + 3 * len(wanting) // 50

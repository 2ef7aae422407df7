"""Two daemons on one database: one works, the other stands by; what a stopped one had is no longer its own."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing

import pytest

from alerts.model.town import Server
from campaign.ledger import Ledger

pytestmark = pytest.mark.process
TAKEN_WITHIN = 6.0


def at_work(town, *daemons):
    """The daemon that holds every lane; waits until one does."""
    ledger = Ledger(town.place)

    def owner():
        owners = ledger.owners(time.time())
        return next((each for each in daemons if owners == [each.pid] * 3), None)

    return town.until(owner)


def stop_between_transactions(town, worker) -> None:
    """Stop it where it holds no lock: nobody could write until it goes on. A server lets go of the lock itself."""
    while True:
        worker.send(signal.SIGSTOP)
        if isinstance(town.place, Server):
            return
        with closing(sqlite3.connect(town.database, timeout=0.5, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                worker.send(signal.SIGCONT)
                continue
            return


def texts(town) -> dict[str, list[str]]:
    return {platform: [post["text"] for post in posts] for platform, posts in town.timelines().items()}


def told(town, words: str) -> list[int]:
    """How often each platform says these words."""
    return [sum(words in text for text in platform) for platform in texts(town).values()]


@pytest.mark.both_stores
def test_a_killed_daemons_lanes_are_taken_and_worked_within_six_seconds(town):
    town.configure()
    first, second = town.start_daemon(), town.start_daemon()
    worker = at_work(town, first, second)
    town.post("Pour commencer", "--wait")

    worker.stop(signal.SIGKILL)
    killed = time.monotonic()
    town.post("Digue surveillée", "--severity", "Severe")
    town.until(lambda: told(town, "Digue surveillée") == [1, 1, 1])

    assert time.monotonic() - killed < TAKEN_WITHIN


@pytest.mark.both_stores
def test_a_stopped_daemon_whose_lanes_were_taken_sends_nothing_under_its_lease_when_it_goes_on(town):
    town.configure()
    first, second = town.start_daemon(), town.start_daemon()
    worker = at_work(town, first, second)
    other = second if worker is first else first
    town.post("Pour commencer", "--wait")

    stop_between_transactions(town, worker)
    # Rung while it stands still: this is what it finds when it goes on.
    town.post("Digue surveillée", "--severity", "Severe")
    assert at_work(town, other) is other
    town.until(lambda: told(town, "Digue surveillée") == [1, 1, 1])
    worker.send(signal.SIGCONT)
    town.post("Rue barrée")
    town.until(lambda: told(town, "Rue barrée") == [1, 1, 1])
    worker.wait_for("lease.lost")

    assert told(town, "Digue surveillée") == [1, 1, 1]
    assert told(town, "Rue barrée") == [1, 1, 1]
    assert at_work(town, first, second) is other, "it took nothing back by going on"
    owners = {row["owner"].rsplit("-", 2)[1] for row in attempts(town) if row["left_at"] > stopped_for(town)}
    assert owners == {str(other.pid)}


def attempts(town):
    return Ledger(town.place).attempts()


def stopped_for(town) -> int:
    """When the first attempt for what was posted during the stop was made."""
    return min(row["left_at"] for row in attempts(town) if "Digue" in row["plain"])


def test_a_request_that_is_held_while_its_daemon_stands_still_is_not_made_again(town):
    town.configure()
    first, second = town.start_daemon(), town.start_daemon()
    worker = at_work(town, first, second)
    town.post("Pour commencer", "--wait")
    held = [
        town.fault(platform, "drip", seconds=3, times=1, route="POST .*(tweets|feed|sendMessage)")
        for platform in ("twitter", "facebook", "telegram")
    ]

    town.post("Digue surveillée", "--severity", "Severe")
    town.until(lambda: all(town.met(fault) for fault in held))
    stop_between_transactions(town, worker)
    other = second if worker is first else first
    assert at_work(town, other) is other
    worker.send(signal.SIGCONT)
    ledger = Ledger(town.place)
    town.until(lambda: ledger.open_posts() == 0, patience=40)

    assert told(town, "Digue surveillée") == [1, 1, 1]
    there = {post["id"] for posts in town.timelines().values() for post in posts if "Digue" in post["text"]}
    assert {row["remote_id"] for row in attempts(town) if "Digue" in row["plain"] and row["remote_id"]} == there

"""Two daemons on one database: each works its share, and what one had that goes or stands still is the other's.

How soon, a wound clock holds to the second (`test_lease.py`).
"""

from __future__ import annotations

import itertools
import json
import signal
import time
import urllib.request
from collections import Counter

import pytest

from campaign.ledger import Ledger

pytestmark = pytest.mark.process
LANES = ["page", "telegram", "x"]
SOURCES = "".join(
    f'[sources.{name}]\nkind = "cap"\nurl = "{{sandbox}}/no-feed/{name}"\narea = "any"\nallow_private = true\n'
    for name in ("floods", "meteo", "quakes", "works")
)


def works(town) -> dict[str, int]:
    """Which process has each lease."""
    return Ledger(town.place).works(time.time())


def is_fair(town, *daemons) -> bool:
    """Whether each of the daemons has its share of all there is."""
    owners = works(town)
    for names in (LANES, [name for name in owners if name.startswith("source ")]):
        counts = Counter(owners.get(name) for name in names)
        shares = [counts[each.pid] for each in daemons]
        if sum(shares) != len(names) or max(shares) - min(shares) > 1:
            return False
    return True


def two(town):
    """Two daemons that have their shares: the one that has `x`, and the other."""
    town.configure(sources=SOURCES.format(sandbox=town.sandbox))
    daemons = [town.start_daemon(), town.start_daemon()]
    town.until(lambda: is_fair(town, *daemons))
    holder = works(town)["x"]
    return sorted(daemons, key=lambda each: each.pid != holder)


def texts(town) -> dict[str, list[str]]:
    return {platform: [post["text"] for post in posts] for platform, posts in town.timelines().items()}


def told(town, words: str) -> list[int]:
    """How often each platform says these words."""
    return [sum(words in text for text in platform) for platform in texts(town).values()]


def readiness(daemon):
    with urllib.request.urlopen(f"{daemon.url}/readyz", timeout=60) as answer:
        return json.loads(answer.read())


@pytest.mark.both_stores
def test_each_has_its_share_and_all_that_a_killed_one_had_is_worked_by_the_other(town):
    first, second = two(town)
    rows = town.objects("status")
    registered = {row["daemon"]: row for row in rows if "works" in row}
    assert {int(name.rsplit("-", 1)[1]) for name in registered} == {first.pid, second.pid}
    assert sorted(itertools.chain(*(row["works"] for row in registered.values()))) == sorted(works(town))
    [x] = [row for row in rows if row.get("channel") == "x" and "left" in row]
    assert x["owner"]["daemon"].endswith(f"-{first.pid}")
    for daemon in (first, second):
        body = readiness(daemon)
        assert body["daemon"].endswith(f"-{daemon.pid}")
        assert body["owners"]["x"] == x["owner"]
        assert ("lane x" in body["cycles"]) is (daemon is first)
    town.post("Pour commencer", "--wait")

    first.stop(signal.SIGKILL)
    town.post("Digue rompue", "--severity", "Extreme")
    town.until(lambda: told(town, "Digue rompue") == [1, 1, 1])
    town.until(lambda: set(works(town).values()) == {second.pid} and len(works(town)) == 8)


@pytest.mark.both_stores
def test_one_that_stops_hands_over_at_once_and_one_that_comes_gets_its_share(town):
    first, second = two(town)
    first.send(signal.SIGTERM)
    town.until(lambda: not first.alive)
    assert first.pid not in works(town).values(), "what it had isn't left to run out"
    town.until(lambda: set(works(town).values()) == {second.pid} and len(works(town)) == 8)

    third = town.start_daemon()
    town.until(lambda: is_fair(town, second, third))


@pytest.mark.both_stores
def test_a_stopped_daemon_whose_lanes_were_taken_sends_nothing_under_its_lease_when_it_goes_on(town):
    worker, other = two(town)
    town.post("Pour commencer", "--wait")

    town.stop_between_transactions(worker)
    # Rung while it stands still: this is what it finds when it goes on.
    town.post("Digue surveillée", "--severity", "Severe")
    town.until(lambda: told(town, "Digue surveillée") == [1, 1, 1])
    assert set(works(town).values()) == {other.pid}
    worker.send(signal.SIGCONT)
    town.post("Rue barrée")
    town.until(lambda: told(town, "Rue barrée") == [1, 1, 1])
    worker.wait_for("lease.lost")
    town.until(lambda: is_fair(town, worker, other))

    assert told(town, "Digue surveillée") == [1, 1, 1]
    assert told(town, "Rue barrée") == [1, 1, 1]
    during = {row["owner"].rsplit("-", 2)[1] for row in attempts(town) if "Digue" in row["plain"]}
    assert during == {str(other.pid)}


def attempts(town):
    return Ledger(town.place).attempts()


def test_a_request_that_is_held_while_its_daemon_stands_still_is_not_made_again(town):
    worker, other = two(town)
    town.post("Pour commencer", "--wait")
    held = [
        town.fault(platform, "drip", seconds=3, times=1, route="POST .*(tweets|feed|sendMessage)")
        for platform in ("twitter", "facebook", "telegram")
    ]

    town.post("Digue surveillée", "--severity", "Severe")
    town.until(lambda: all(town.met(fault) for fault in held))
    town.stop_between_transactions(worker)
    town.until(lambda: set(works(town).values()) == {other.pid})
    worker.send(signal.SIGCONT)
    ledger = Ledger(town.place)
    town.until(lambda: ledger.open_posts() == 0)

    assert told(town, "Digue surveillée") == [1, 1, 1]
    there = {post["id"] for posts in town.timelines().values() for post in posts if "Digue" in post["text"]}
    assert {row["remote_id"] for row in attempts(town) if "Digue" in row["plain"] and row["remote_id"]} == there

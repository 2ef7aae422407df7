"""An upgrade under fire: `python -m bench.upgrade [--store postgresql]`.

Of 200 alerts, ten a second, one daemon takes in the first. The next one is started on the same database and, once it is
ready, the first is asked to stop. A program whose connection ends asks the other daemon, under the same key. It ends
with 1 where a platform lacks an alert, has one twice, or got one later than `ALLOWED` seconds after it was posted.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from bench.process import keep_bytecode
from bench.storm import CHANNELS, PLATFORMS, Program, token_of
from campaign.ledger import Ledger
from campaign.postgresql import MISSING, PostgreSQL, find_binaries
from campaign.running import Running
from campaign.town import Town, town_in

STORM, EVERY = 200, 0.1
"""Alerts, and the seconds between two."""
BEGINS = 40
"""The alert at which the upgrade begins."""
ALLOWED = 2.0
"""Seconds from posting an alert to its last platform."""
SOURCES = '\n[sources.manual]\npublish = "auto"\n'


def _upgrade(town: Town, old: Running, urls: list[str]) -> None:
    """The next daemon is started, and named; once it is ready, the old one stops."""
    urls.insert(0, town.start_daemon().url)
    old.stop()


def _post(urls: list[str], token: str, number: int) -> float:
    """Post it to the newest daemon that answers; when it was begun."""
    began = time.time()
    wish = {"headline": f"Crue, secteur {number:03}.", "instruction": "Montez à l’étage.", "severity": "Severe"}
    while True:
        for url in tuple(urls):
            program = Program(url, token)
            try:
                program.ask("/alerts", wish, **{"Idempotency-Key": f"storm-{number}"})
            except (OSError, http.client.HTTPException):
                continue
            finally:
                program.close()
            return began
        if time.time() - began > 60:
            raise TimeoutError(f"nobody takes alert {number}")


def under_fire(town: Town) -> tuple[list[float], Counter[tuple[str, int]]]:
    """Seconds until each alert was on its last platform, and how often each platform was given each alert."""
    town.start_sandbox("--no-limits")
    town.configure("".join(CHANNELS), SOURCES)
    old = town.start_daemon()
    token = token_of(town, "station", "author")
    urls, posted = [old.url], list[float]()
    upgrade = threading.Thread(target=_upgrade, args=(town, old, urls))
    began = time.monotonic()
    for number in range(STORM):
        if number == BEGINS:
            upgrade.start()
        time.sleep(max(began + number * EVERY - time.monotonic(), 0))
        posted.append(_post(urls, token, number))
    upgrade.join()
    town.until(lambda: all(len(each) >= STORM for each in town.timelines().values()))
    time.sleep(ALLOWED)  # for what would come twice
    given = Counter((name, number_of(post["text"])) for name, posts in town.timelines().items() for post in posts)
    last = dict[int, float]()
    for attempt in Ledger(town.place).attempts():
        number = number_of(attempt["plain"])
        last[number] = max(last.get(number, 0), attempt["left_at"] / 1_000_000)
    return [last[number] - at for number, at in enumerate(posted)], given


def number_of(text: str) -> int:
    """The alert's number, as its headline has it."""
    return int(text.partition("secteur ")[2][:3])


def main() -> int:
    """Measure it and print what came of it; 1 where an alert was lost, twice or late."""
    parser = argparse.ArgumentParser(prog="python -m bench.upgrade", description="An upgrade amid a storm.")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    store = parser.parse_args().store
    if store == "postgresql" and find_binaries() is None:
        print(MISSING)
        return 0
    keep_bytecode()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        for town in town_in(Path(folder)):
            if store == "sqlite":
                late, given = under_fire(town)
            else:
                with PostgreSQL(durable=True) as server:
                    town.store = server.url()
                    late, given = under_fire(town)
                    town.end()
    lost = sum(given[platform, number] == 0 for platform in PLATFORMS for number in range(STORM))
    twice = sum(times > 1 for times in given.values())
    quiet, amid = max(late[:BEGINS]), max(late[BEGINS:])
    print(f"{store}: {STORM} alerts, {lost} lost, {twice} twice; latest {amid:.2f} s, before the upgrade {quiet:.2f} s")
    return 1 if lost or twice or amid > ALLOWED else 0


if __name__ == "__main__":
    sys.exit(main())

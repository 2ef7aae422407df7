"""A daemon that carries out what commands hand over, as processes: what is loaded, and what a kill leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from alerts.store.connection import opened

pytestmark = pytest.mark.process
LARGE = ("sqlalchemy", "pydantic", "jinja2", "babel", "typer", "aiohttp", "asyncio", "lxml", "structlog", "sqlite3")
CODE = """
import sys
from alerts.cli import run
from alerts.daemon import control
control.GREETS_WITHIN = 60.0  # a daemon beside other tests may answer late, and a command then works by itself
status = run(sys.argv[1:])
print(status, len(sys.modules), [name for name in {names!r} if name in sys.modules], file=sys.stderr)
"""


def stored(town) -> list:
    with opened(town.place) as db:
        return [row["id"] for row in db.execute("SELECT id FROM alert ORDER BY seq").fetchall()]


def loaded_by(town, *line: str) -> str:
    """The exit status of a command, how many modules it loaded, and which of the large ones."""
    command = [sys.executable, "-c", CODE.format(names=LARGE), *line]
    done = subprocess.run(
        command, cwd=town.folder, env=town.environment, capture_output=True, text=True, timeout=180, check=True
    )
    return done.stderr.splitlines()[-1]


def test_a_command_loads_nothing_large_where_a_daemon_does_its_work(town):
    town.configure()
    town.start_daemon()

    for line in (
        ["post", "--headline", "Vent violent", "--wait"],
        ["status"],
        ["status", "--json"],
        ["status", "zzzz"],
    ):
        status, modules, large = loaded_by(town, *line).split(maxsplit=2)
        assert (status, large) == ("2" if line[-1] == "zzzz" else "0", "[]")
        assert int(modules) < 160
    assert len(town.timelines()["twitter"]) == 1
    # The list of all commands has the acts', which are imported for it.
    for line in (["--version"], ["post", "--help"]):
        assert not {"sqlalchemy", "jinja2", "babel", "aiohttp", "asyncio", "lxml"} & set(
            loaded_by(town, *line).split("'")
        )


@pytest.mark.both_stores
def test_a_daemon_that_is_killed_at_any_moment_of_a_post_leaves_one(town):
    town.configure()
    daemon, told = town.start_daemon(), []
    with ThreadPoolExecutor(1) as threads:
        for number, moment in enumerate((lambda: True, lambda: len(stored(town)) == 2)):
            line = ("post", "--headline", f"Alerte {number}", "--wait=20s", "--json")
            command = threads.submit(town.tocsin, *line)
            town.until(moment)
            daemon.stop(signal.SIGKILL)
            daemon = town.start_daemon()
            done = command.result()
            told.append(json.loads(done.stdout or "null") or done.stderr)

    assert [alert["headline"] for alert in told] == ["Alerte 0", "Alerte 1"]
    assert stored(town) == [alert["alert"] for alert in told]
    town.until(lambda: {len(posts) for posts in town.timelines().values()} == {2})


def test_a_daemon_that_stands_still_is_not_waited_for_and_posts_what_was_stored_without_it(town):
    town.configure()
    daemon = town.start_daemon()
    town.stop_between_transactions(daemon)

    # Whoever waited for its answer would be told that there is none, and would have failed.
    alert = town.post("Rue coupée")
    daemon.send(signal.SIGCONT)

    town.until(lambda: town.timelines()["twitter"])
    assert [each["alert"] for each in town.objects("status") if "alert" in each] == [alert["alert"]]


@pytest.mark.release
@pytest.mark.both_stores
def test_what_an_officer_reads_and_what_a_program_reads_is_the_same_as_without_a_daemon(town):
    town.configure()
    daemon = town.start_daemon()
    alert = town.post("Rue coupée", "--wait")["alert"]
    ways = (["status", alert], ["status", alert, "--json"], ["status", alert, "--cap"], ["explain", alert])
    shown = [town.tocsin(*way).stdout for way in ways]
    assert json.loads(shown[1])["alert"] == alert
    daemon.stop()
    assert [town.tocsin(*way).stdout for way in ways] == shown

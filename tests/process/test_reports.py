"""Reports as processes: commands beside a daemon, and a server that they are handed on to, whoever is killed when."""

from __future__ import annotations

import signal

import pytest

from alerts.store.connection import opened
from tests.process.town import ALL_THREE
from tests.release import at_release

pytestmark = pytest.mark.process
REPORTS = """
[reports]
prefix = "SM"
[reports.forward.agglo]
url = "{sandbox}/open311/v2"
key = {{ env = "AGGLO_KEY" }}
kinds = {{ lighting = "LIGHT", flooding = "FLOOD" }}
allow_private = true
"""


@pytest.fixture(scope="module")
def town(shared_town):
    shared_town.environment["AGGLO_KEY"] = "sandbox-open311-key"
    shared_town.configure(ALL_THREE + REPORTS)
    yield shared_town
    shared_town.end()


@pytest.fixture
def daemon(town):
    town.hurry = 0.0
    town.mend()
    running = town.start_daemon()
    yield running
    running.stop(signal.SIGKILL)


def add(town, kind="lighting", place="45.19,5.71", text="Lampadaire éteint"):
    [added] = town.objects("report", "add", "--kind", kind, f"--at={place}", "--text", text)
    return added["report"]


def given(town, number):
    return [each for each in town.ask("/sandbox/open311.json") if number in each["description"]]


def standing(town, number):
    """The state of the handing on, by the database."""
    with opened(town.place) as db:
        rows = db.execute(
            "SELECT f.state, f.remote_id, f.tries, f.remote_state, f.said "
            "FROM report_forward f JOIN report r ON r.id = f.report "
            f"WHERE r.number = '{number}'"
        ).fetchall()
    return tuple(rows[0]) if rows else None


def looked_for(town, number):
    """Whether a daemon looked for one that is in doubt."""
    state, _, tries, *_ = standing(town, number)
    return state == "in doubt" and tries > 0


def test_commands_beside_a_daemon_do_what_they_do_without_one(town, daemon):
    number = add(town, "flooding", text="De l’eau")
    [accepted] = town.objects("report", "accept", number, "--text", "On regarde")
    assert accepted["state"] == "accepted"
    # The daemon hears of it at once: it is handed on long before it would look by itself.
    [there] = town.until(lambda: given(town, number))
    assert there["service_code"] == "FLOOD"

    town.objects("report", "close", number, "--text", "Pompé")
    daemon.stop()
    [closed] = [each for each in town.objects("reports", "--state", "closed") if each["report"] == number]
    assert closed["state"] == "closed"
    assert add(town)
    assert not any(town.timelines().values()), "no report is an alert by itself"


@pytest.mark.parametrize(
    ("fault", "made"), [({"kind": "drip", "seconds": 60}, 1), *at_release([({"kind": "hang"}, 0)])]
)
def test_a_daemon_killed_while_the_server_holds_its_answer_sends_nothing_twice(town, daemon, fault, made):
    number = add(town)
    held = town.fault("open311", route="POST .*/requests", times=1, **fault)
    town.objects("report", "accept", number)
    town.until(lambda: town.met(held))
    daemon.stop(signal.SIGKILL)
    assert standing(town, number)[0] == "sending"

    town.hurry = 2.0
    again = town.start_daemon()
    if made:
        found = town.until(lambda: (told := standing(town, number))[0] == "sent" and told)
        assert found[1] == given(town, number)[0]["service_request_id"]
    else:
        # It was looked for, and isn't there: that proves nothing, so an officer says what is to be done.
        town.until(lambda: looked_for(town, number))
        assert standing(town, number)[0] == "in doubt"
    town.hurry = 0.0
    town.wind(60)
    assert len(given(town, number)) == made
    again.stop()


@pytest.mark.release
def test_a_daemon_killed_before_it_sends_has_the_next_one_send(town, daemon):
    daemon.stop(signal.SIGKILL)  # its lease and its share are still there: nobody handed them over
    number = add(town)
    town.objects("report", "accept", number)
    town.start_daemon()
    town.until(lambda: given(town, number))
    town.until(lambda: standing(town, number)[0] == "sent")
    town.ask("/sandbox/open311/close", {"request": given(town, number)[0]["service_request_id"], "notes": "Réparé"})
    town.hurry = 60.0
    town.until(lambda: standing(town, number)[3] == "closed")
    assert standing(town, number)[4] == "Réparé"

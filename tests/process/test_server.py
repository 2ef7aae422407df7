"""A PostgreSQL that is killed under a running daemon: what it waits for is told, and what waited goes out once."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from campaign.postgresql import MISSING, PostgreSQL, find_binaries
from campaign.schedule import PLATFORMS, WRITES
from tests.process.test_leases import told
from tests.process.town import town_in

pytestmark = pytest.mark.process
SILENT = "ne répond pas"


@pytest.fixture
def server():
    if find_binaries() is None:
        pytest.skip(MISSING)
    with PostgreSQL(durable=True) as server:
        yield server


@pytest.fixture
def town(tmp_path, server):
    for town in town_in(tmp_path):
        town.store = server.url()
        town.start_sandbox()
        town.configure()
        yield town


def readiness(daemon) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(f"{daemon.url}/readyz", timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_server_that_is_killed_is_told_and_what_was_under_way_goes_out_once_when_it_is_back(town, server):
    daemon = town.start_daemon()
    town.post("Pour commencer", "--wait")
    held = [town.fault(platform, "latency", seconds=1, times=1, route=WRITES) for platform in PLATFORMS]
    town.post("Digue surveillée", "--severity", "Severe")
    town.until(lambda: all(town.met(fault) for fault in held))

    server.stop_hard()
    status, body = town.until(lambda: (found := readiness(daemon))[0] == 503 and found)
    assert (status, body["standing"]) == (503, ["store"])
    assert body["cycles"]["store"]["reason_code"] == "database_said"
    for line in (["status"], ["post", "--headline", "Rue barrée"]):
        done = town.tocsin(*line)
        assert (done.returncode, SILENT in done.stderr) == (1, True), done.stderr
    late = town.start("run")
    assert late.process.wait(60) == 1, "whoever starts it tries again"
    server.start()

    town.until(lambda: readiness(daemon)[0] == 200)
    town.hurry = 0.5
    town.until(
        lambda: (
            {post["state"] for each in town.objects("status", "--all") for post in each.get("posts", ())} == {"sent"}
        )
    )
    assert told(town, "Digue surveillée") == [1, 1, 1]
    assert told(town, "Rue barrée") == [0, 0, 0], "that it wasn't stored was told"

"""A station is moved to a server while it has something to send, goes on there, and no more in its old place."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.process


@pytest.mark.release
def test_what_waits_when_a_station_is_moved_goes_out_from_its_new_place_once(town, server):
    town.configure()
    daemon = town.start_daemon()
    town.post("Marché déplacé")
    town.until(lambda: all(town.timelines().values()))
    to = server.url.reveal()
    refused = town.tocsin("db", "copy", town.store, to)
    assert (refused.returncode, "un service travaille sur" in refused.stderr) == (1, True)
    assert town.tocsin("db", "copy", town.store, "sqlite:///kept.db", "--keep").returncode == 0

    assert daemon.stop() == 0
    town.post("Route coupée")
    moved = town.tocsin("db", "copy", town.store, to)
    assert moved.returncode == 0, moved.stderr
    post = town.tocsin("post", "--headline", "Trop tard")
    assert (post.returncode, "a été déplacée vers postgresql://" in post.stderr) == (1, True)
    stopped = town.start("run")
    stopped.wait_for("a été déplacée vers postgresql://")
    assert stopped.process.wait(60) == 1

    town.store = to
    town.configure()
    daemon = town.start_daemon()
    town.until(lambda: all(len(posts) == 2 for posts in town.timelines().values()))
    for posts in town.timelines().values():
        assert sorted(words for words in ("Marché", "Route") for post in posts if words in post["text"]) == [
            "Marché",
            "Route",
        ]
    refused = town.tocsin("db", "copy", to, "sqlite:///back.db")
    assert (refused.returncode, "un service travaille sur" in refused.stderr) == (1, True)
    assert daemon.stop() == 0
    back = town.tocsin("db", "copy", to, "sqlite:///back.db")
    assert back.returncode == 0, back.stderr

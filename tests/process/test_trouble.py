"""One channel's trouble is its own, and what it missed arrives once."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.process


def test_a_page_that_answers_500_delays_nobody_and_gets_its_post_once_it_is_back(town):
    town.configure()
    town.start_daemon()
    town.fault("facebook", "error_json", status=500)

    done = town.tocsin("post", "--headline", "Pont fermé", "--severity", "Severe", "--wait=3s")
    assert done.returncode == 1, "not all were sent"
    timelines = town.timelines()
    assert len(timelines["twitter"]) == len(timelines["telegram"]) == 1
    assert not timelines["facebook"]

    town.mend()
    town.hurry = 0.5
    town.until(lambda: town.timelines()["facebook"])
    states = {post["channel"]: post["state"] for post in town.objects("status")[0]["posts"]}
    town.until(lambda: all(post["state"] == "sent" for post in town.objects("status")[0]["posts"]))
    assert len(town.timelines()["facebook"]) == 1, states


def test_a_post_whose_answer_is_lost_is_found_and_not_sent_again(town):
    town.configure()
    town.start_daemon()
    town.post("Tout va bien", "--wait")  # Telegram is searched from the last known message on
    for platform in ("twitter", "facebook", "telegram"):
        town.fault(platform, "cut_after", times=1, route="POST .*(tweets|feed|sendMessage)")

    town.post("Digue surveillée", "--severity", "Severe")
    town.hurry = 0.5
    town.until(lambda: all(post["state"] == "sent" for post in town.objects("status")[1]["posts"]))

    assert {platform: len(posts) for platform, posts in town.timelines().items()} == {
        "twitter": 2,
        "facebook": 2,
        "telegram": 2,
    }
    there = {post["id"] for posts in town.timelines().values() for post in posts if "Digue" in post["text"]}
    assert {post["remote_id"] for post in town.objects("status")[1]["posts"]} == there


def test_a_revoked_token_blocks_its_channel_alone_and_heals_by_itself(town):
    town.configure()
    town.start_daemon()
    town.fault("twitter", "revoked")
    town.tocsin("post", "--headline", "Gymnase ouvert", "--wait=3s")

    (channel,) = [each for each in town.objects("status") if each.get("channel") == "x"]
    assert channel["state"] == "blocked"
    assert channel["queued"] == 1
    assert len(town.timelines()["facebook"]) == 1
    assert "sandbox-access-token" not in town.tocsin("status").stdout

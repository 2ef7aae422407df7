"""What an outage must not do: lose a post, send it twice, publish what is over or was cancelled meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.config import load_config
from alerts.daemon.desk import Control
from alerts.model.alert import Alert, Area, Info, MsgType, Reference, Severity, Urgency
from campaign.feed import Feed
from campaign.town import PAGE, TELEGRAM, X
from tests.process.town import ALL_THREE
from tests.release import at_release

pytestmark = pytest.mark.process
WRITES = "POST .*(tweets|feed|sendMessage)"
PLATFORMS = ("twitter", "facebook", "telegram")
SOURCE = '\n[sources.crues]\nkind = "cap"\nurl = "{url}"\nevery = "1s"\narea = "any"\n'


@pytest.fixture
def feed():
    feed = Feed()
    yield feed
    feed.stop()


def flood(name: str, *, lasts: float = 3600.0) -> Alert:
    now = datetime.now(UTC)
    info = Info(
        event="Crue", severity=Severity.MODERATE, urgency=Urgency.EXPECTED, language="fr-FR",
        expires=now + timedelta(seconds=lasts), headline=f"Crue à {name}", areas=(Area(name),),
    )  # fmt: skip
    return Alert(name, "crues@bassin.example", now.replace(microsecond=0), infos=(info,))


def cancellation(alert: Alert) -> Alert:
    reference = Reference(alert.sender, alert.identifier, alert.sent)
    later = alert.sent + timedelta(seconds=1)
    return replace(
        alert,
        identifier=f"{alert.identifier}-fin",
        sent=later,
        msg_type=MsgType.CANCEL,
        references=(reference,),
        infos=(),
    )


def posts_of(town, words: str) -> list[dict]:
    """The posts of the alert that has these words; none before it was filed."""
    found = [each for each in town.objects("status", "--all") if words in (each.get("headline") or "")]
    return found[0]["posts"] if found else []


def timeline(town, platform: str, words: str) -> list[dict]:
    return [post for post in town.timelines()[platform] if words in " ".join([post["text"], *post["edits"]])]


@pytest.mark.parametrize(("fault", "taken"), [("cut_after", True), *at_release([("cut_before", False)])])
def test_a_lost_answer_is_one_post_with_its_receipt_though_what_is_read_lags(town, fault, taken):
    town.configure()
    town.start_daemon()
    town.post("Pour commencer", "--wait")  # Telegram is searched from the last known message on
    for platform in PLATFORMS:
        town.fault(platform, fault, times=1, route=WRITES)
        town.fault(platform, "read_lag", seconds=2, route="GET ")

    town.post("Digue surveillée", "--severity", "Severe")
    town.hurry = 0.5
    town.until(lambda: {post["state"] for post in posts_of(town, "Digue")} == {"sent"})

    there = {platform: timeline(town, platform, "Digue surveillée") for platform in PLATFORMS}
    assert [len(posts) for posts in there.values()] == [1, 1, 1]
    assert {post["remote_id"] for post in posts_of(town, "Digue")} == {posts[0]["id"] for posts in there.values()}
    assert all(post["url"].startswith("https://") for post in posts_of(town, "Digue"))
    tries = {post["attempts"] for post in posts_of(town, "Digue")}
    assert tries == ({1} if taken else {2}), "sends; looks are none"


@pytest.mark.release
def test_an_alert_behind_a_limit_that_its_feed_cancels_never_appears(town, feed):
    slow = 'limits = ["1/1h"]\nreserve = 0\n'
    town.configure(X + slow + PAGE + slow + TELEGRAM + slow, sources=SOURCE.format(url=feed.url))
    town.start_daemon()
    town.post("Pour commencer", "--wait")
    alert = flood("Saint-Vincent")
    feed.tell(alert)
    town.until(lambda: [post["state"] for post in posts_of(town, "Saint-Vincent")] == ["queued"] * 3)

    feed.tell(cancellation(alert))

    town.until(lambda: [post["state"] for post in posts_of(town, "Saint-Vincent")] == ["superseded"] * 3)
    assert all(post["reason_code"] == "superseded" for post in posts_of(town, "Saint-Vincent"))
    assert not any(timeline(town, platform, "Saint-Vincent") for platform in PLATFORMS)


def test_an_alert_that_is_out_ends_on_each_channel_in_its_configured_way(town, feed):
    ways = X + 'on_end = "reply"\n' + PAGE + 'on_end = "edit"\n' + TELEGRAM + 'on_end = "delete"\n'
    town.configure(ways, sources=SOURCE.format(url=feed.url))
    town.start_daemon()
    alert = flood("Saint-Vincent")
    feed.tell(alert)
    town.until(lambda: all(timeline(town, platform, "Saint-Vincent") for platform in PLATFORMS))

    feed.tell(cancellation(alert))

    first, end = town.until(lambda: both(timeline(town, "twitter", "Saint-Vincent")))
    assert end["reply_to"] == first["id"]
    assert "retirée" in end["text"]
    (edited,) = town.until(lambda: [post for post in timeline(town, "facebook", "Saint-Vincent") if post["edits"]])
    assert "retirée" in edited["text"]
    (gone,) = town.until(lambda: [post for post in timeline(town, "telegram", "Saint-Vincent") if post["deleted"]])
    assert "annulée" not in gone["text"]


def both(posts: list[dict]) -> list[dict] | None:
    return sorted(posts, key=lambda post: post["created_at"]) if len(posts) == 2 else None


def test_what_is_over_when_a_stopped_daemon_returns_is_not_published(town):
    town.configure(ALL_THREE)
    daemon = town.start_daemon()
    daemon.stop()
    control = Control(load_config(town.folder / "channels.toml"))
    alerts = [flood(f"Saint-{number}", lasts=60.0) for number in range(10)]
    for alert in alerts:
        control.act(lambda unit, alert=alert: unit.desk.post(unit.alerts, alert))
    town.wind(max((alert.ends - datetime.now(UTC)).total_seconds() for alert in alerts) + 1)

    town.start_daemon()

    town.until(lambda: {post["state"] for account in accounts(town) for post in account["posts"]} == {"expired"})
    assert len(accounts(town)) == 10
    assert all(post["reason"] for account in accounts(town) for post in account["posts"])
    assert not any(town.timelines().values())


def accounts(town) -> list[dict]:
    return [each for each in town.objects("status", "--all") if "alert" in each]

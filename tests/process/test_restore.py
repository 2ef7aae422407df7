"""A database put back from a backup: nothing twice, nothing lost, and what can't be known is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from alerts.model.alert import Alert, Area, Info, Severity, Urgency
from campaign.feed import Feed
from campaign.town import Town

pytestmark = pytest.mark.process
SOURCE = '\n[sources.crues]\nkind = "cap"\nurl = "{url}"\nevery = "1s"\narea = "any"\n'
PLATFORMS = ("twitter", "facebook", "telegram")


@pytest.fixture
def feed():
    feed = Feed()
    yield feed
    feed.stop()


def flood(name: str) -> Alert:
    now = datetime.now(UTC)
    info = Info(
        event="Crue", severity=Severity.SEVERE, urgency=Urgency.EXPECTED, language="fr-FR",
        expires=now + timedelta(hours=6), headline=f"Crue à {name}", areas=(Area(name),),
    )  # fmt: skip
    identifier = re.sub(r"\W", "-", name)
    return Alert(identifier, "crues@bassin.example", now.replace(microsecond=0), infos=(info,))


def how_often(town: Town, words: str) -> list[int]:
    """How often these words stand on each platform."""
    timelines = town.timelines()
    return [sum(words in post["text"] for post in timelines[platform]) for platform in PLATFORMS]


def are_out(town: Town, words: Sequence[str]) -> bool:
    """Whether all of these stand on every platform."""
    timelines = town.timelines()
    texts = ["\n".join(post["text"] for post in timelines[platform]) for platform in PLATFORMS]
    return all(each in text for each in words for text in texts)


def states(town: Town) -> set[str]:
    """Of all posts."""
    return {post["state"] for each in town.objects("status", "--all") if "alert" in each for post in each["posts"]}


def test_of_a_backup_from_before_twenty_posts_none_is_twice_and_none_lost(town, feed):
    town.hurry = 1.0
    town.configure(sources=SOURCE.format(url=feed.url))
    daemon = town.start_daemon()
    feed.tell(flood("Ancienne"))
    town.until(lambda: are_out(town, ["Ancienne"]))
    for platform in PLATFORMS:
        town.fault(platform, "latency", times=1, seconds=6, route="POST .*(tweets|feed|sendMessage)")
    town.post("Eau coupée rue Neuve", "--severity", "Severe")
    assert town.tocsin("db", "backup", "copy.db").returncode == 0
    twenty = ["Eau coupée", *(f"Quartier {number:02}" for number in range(19))]
    for name in twenty[1:]:
        feed.tell(flood(name))
    town.until(lambda: are_out(town, twenty))
    refused = town.tocsin("db", "restore", "copy.db")
    assert refused.returncode == 1
    assert "arrêtez-le d’abord" in refused.stderr
    daemon.stop()

    restored = town.tocsin("db", "restore", "copy.db")
    assert restored.returncode == 0, restored.stderr
    assert "ne sait rien de ce qui s’est passé après" in restored.stderr
    feed.tell(flood("Nouvelle"))
    town.start_daemon()
    town.until(lambda: are_out(town, ["Nouvelle"]))
    town.until(lambda: states(town) == {"sent"})

    for words in ("Ancienne", *twenty, "Nouvelle"):
        assert how_often(town, words) == [1, 1, 1], words

    [told] = [each for each in town.objects("status") if "database" in each]
    assert (told["database"], told["looked_for"]) == ("restored", 0)
    assert told["found"] >= 3 * 19, "what the feed told again; the one under way is looked for in any case"
    assert told["since"] < told["until"]
    shown = town.tocsin("status").stdout
    assert f"{told['found']} publications retrouvées, 0 encore cherchée" in shown
    assert "la base ignore ce que les agents ont publié ou terminé dans cet intervalle" in shown

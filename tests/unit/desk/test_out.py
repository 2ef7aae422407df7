"""An alert as it is shown everywhere: the keys and spellings that were promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.desk.approve import fingerprint
from alerts.desk.out import AlertOut, Rehearsal
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Severity
from alerts.model.ports import Heard
from alerts.model.post import PostState, Receipt
from alerts.model.reason import in_words
from alerts.store.unit import Unit
from tests.unit.desk.conftest import NOW, an_alert

KEYS = [
    "alert",
    "incident",
    "identifier",
    "follows",
    "status",
    "state",
    "reason",
    "reason_code",
    "severity",
    "headline",
    "expires",
    "author",
    "fingerprint",
    "posts",
]
POST_KEYS = [
    "id",
    "channel",
    "kind",
    "state",
    "text",
    "remote_id",
    "url",
    "attempts",
    "sent_at",
    "reason",
    "reason_code",
]


def shown(town, filed, posts):
    unit = DeskUnit(Unit(town.db), town.desk, town.clock.now(), town._new_id)
    return AlertOut.of(unit, filed.stored, posts).as_json()


def test_an_alert_with_its_posts(town):
    filed = town.hear(an_alert(severity=Severity.SEVERE, identifier="one"))
    posts = [
        replace(
            town.posts(filed)["telegram"],
            state=PostState.SENT,
            receipt=Receipt("7", "https://t.me/x/7"),
            tries=2,
            sent_at=NOW + timedelta(milliseconds=1500),
        )
    ]
    account = shown(town, filed, posts)

    assert list(account) == KEYS
    assert account == {
        "alert": filed.stored.id,
        "incident": filed.stored.incident_id,
        "identifier": "one",
        "follows": None,
        "status": "Actual",
        "state": "accepted",
        "reason": None,
        "reason_code": None,
        "severity": "Severe",
        "headline": "Coup de vent",
        "expires": "2026-11-25T19:00:00+01:00",
        "author": None,
        "fingerprint": fingerprint(filed.stored, posts),
        "posts": account["posts"],
    }
    [post] = account["posts"]
    assert list(post) == POST_KEYS
    assert post == {
        "id": posts[0].id,
        "channel": "telegram",
        "kind": "publish",
        "state": "sent",
        "text": posts[0].message.plain,
        "remote_id": "7",
        "url": "https://t.me/x/7",
        "attempts": 2,
        "sent_at": "2026-11-25T13:00:01.500+01:00",
        "reason": None,
        "reason_code": None,
    }
    assert "<b>" not in post["text"], "what a reader sees"


def test_an_entry_that_could_not_be_read(town):
    filed = town.act(lambda alerts: town.desk.hear(alerts, Heard("k", problem=in_words("no CAP: entry 7")), "meteo"))
    account = shown(town, filed, [])

    assert list(account) == KEYS
    assert (account["identifier"], account["status"], account["headline"], account["expires"]) == (None,) * 4
    assert (account["state"], account["reason"], account["posts"]) == ("left_out", "no CAP: entry 7", [])


def test_an_alert_without_a_headline_is_called_after_its_event(town):
    filed = town.hear(an_alert(headline=None))

    assert shown(town, filed, [])["headline"] == "Vent violent"


def test_a_rehearsal_tells_how_it_fits(town):
    filed = town.post(an_alert())
    account = Rehearsal.of(town.station, filed.stored, filed.drafts).as_json()

    assert list(account) == [*KEYS, "notes"]
    post = account["posts"][0]
    assert list(post) == [*POST_KEYS, "count", "limit", "cut", "warnings"]
    assert (post["channel"], post["limit"]) == ("x", 280)
    assert 0 < post["count"] <= 280
    assert (post["sent_at"], post["remote_id"], post["attempts"]) == (None, None, 0)

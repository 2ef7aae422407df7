"""An incident's report says who did what when, what was said, how long it took, and what was left out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from alerts.desk.officer import Officer
from alerts.desk.report import report_named, report_of, report_to_json
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Severity, Status
from alerts.model.incident import AlertState
from alerts.model.listening import EarStatus
from alerts.model.person import Actor, Origin, Role
from alerts.model.ports import Heard
from alerts.model.post import PostState
from alerts.model.reason import in_words
from alerts.model.spending import SPENT, Spending
from alerts.model.town import SourceRules
from alerts.store.archive import Archive
from alerts.store.facts import keep_fact
from alerts.store.statement import stamp
from alerts.store.unit import Unit, transaction
from alerts.web.console.report import report_text
from tests.unit.desk.conftest import NOW, SENDER, TELEGRAM, X, an_alert

ANNE = Actor("anne", Role.AUTHOR, Origin.CONSOLE, "192.0.2.7")
BRUNO = Actor("bruno", Role.APPROVER, Origin.CONSOLE, "192.0.2.8")


@pytest.fixture
def town(make_town):
    return make_town(
        sources={"manual": SourceRules(publish="approve"), "meteo": SourceRules(severity=Severity.MODERATE)}
    )


def by(town, actor, action):
    with transaction(town.db):
        return action(Officer(DeskUnit(Unit(town.db), town.desk, town.clock.now(), town._new_id), actor))


def report(town, incident):
    return report_of(DeskUnit(Unit(town.db), town.desk, town.clock.now(), town._new_id), incident)


def attempt(town, post, *, took: float, outcome: str = "sent", remote_id: str | None = "77") -> None:
    """What a lane writes of one attempt that leaves now."""
    now = town.clock.now()
    sent = outcome == "sent"
    with transaction(town.db):
        town.db.execute(
            "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at, ended_at, outcome, remote_id)"
            " VALUES (?, ?, 'send', 'me', 1, ?, ?, ?, ?)",
            (post.id, post.channel, stamp(now), stamp(now + timedelta(seconds=took)), outcome, remote_id),
        )
        if sent:
            town.db.execute(
                "UPDATE post SET state = 'sent', sent_at = ?, remote_id = ?, url = ?, tries = tries + 1 WHERE id = ?",
                (stamp(now), remote_id, f"https://platform.example/{remote_id}", post.id),
            )


def validated(town):
    """Anne writes, Bruno validates two minutes later."""
    own = an_alert(sender=SENDER, headline="Rue Basse fermée")
    filed = by(town, ANNE, lambda officer: officer.post(own))
    town.pass_(minutes=2)
    by(town, BRUNO, lambda officer: officer.approve(filed.stored.id))
    return filed


def test_it_tells_who_wrote_and_who_validated_and_from_where(town):
    made = report(town, validated(town).stored.incident_id)

    assert [(deed.who, deed.what, deed.address) for deed in made.deeds] == [
        ("anne", "post", "192.0.2.7"),
        ("bruno", "approve", "192.0.2.8"),
    ]
    assert made.versions[0].author == "anne"
    assert made.versions[0].validated_at == NOW + timedelta(minutes=2)
    assert made.headline == "Rue Basse fermée"


def test_it_tells_how_long_each_leg_took(town):
    filed = validated(town)
    town.pass_(seconds=3)
    attempt(town, town.posts(filed)["x"], took=0.5, outcome="unavailable", remote_id=None)
    town.pass_(seconds=10)
    attempt(town, town.posts(filed)["x"], took=0.25)

    [x] = [post for post in report(town, filed.stored.incident_id).posts if post.channel == "x"]

    assert x.delays.validated == timedelta(minutes=2)
    assert x.delays.left == timedelta(seconds=3), "from the validation to the first attempt"
    assert x.delays.answered == timedelta(seconds=0.25), "of the attempt that the platform took"
    assert x.delays.whole == timedelta(minutes=2, seconds=13.25)
    assert x.url == "https://platform.example/77"


def test_it_tells_the_signs_that_people_gave_a_post(make_town):
    town = make_town(channels=(replace(TELEGRAM, hears=True), X))
    filed = town.hear(an_alert())
    for channel, post in town.posts(filed).items():
        attempt(town, post, took=0.1, remote_id=f"{channel}-1")
    ear = EarStatus("telegram", {"reactions": {"telegram-1": {"👍": 3}, "telegram-2": {"😢": 1}}})
    with transaction(town.db):
        Unit(town.db).listening.put_ear(ear)
    assert {each.channel: each.reactions for each in report(town, filed.stored.incident_id).posts} == {
        "telegram": {"👍": 3},
        "x": {},
    }


def test_what_its_sender_said_of_the_time_is_compared_with_ours_and_never_below_nothing(town):
    late = town.hear(an_alert(sent=NOW - timedelta(minutes=5)))
    ahead = town.hear(an_alert(sent=NOW + timedelta(minutes=5), event="Neige", headline="Neige"))

    assert report(town, late.stored.incident_id).posts[0].delays.received == timedelta(minutes=5)
    assert report(town, ahead.stored.incident_id).posts[0].delays.received == timedelta()


def test_what_went_out_at_once_was_validated_by_nobody(town):
    filed = town.hear(an_alert())

    made = report(town, filed.stored.incident_id)

    assert made.versions[0].validated_at is None
    assert made.deeds == ()


def test_another_try_is_no_validation(make_town):
    town = make_town()
    filed = town.post(an_alert(sender=SENDER))
    town.deliver(filed, PostState.FAILED, "page")
    by(town, ANNE, lambda officer: officer.retry(filed.stored.id))

    assert report(town, filed.stored.incident_id).versions[0].validated_at is None


def test_what_was_rejected_is_told_once_with_its_reason(town):
    filed = validated(town)
    update = by(town, ANNE, lambda officer: officer.update(filed.stored.id, {"instruction": "Passez par le quai."}))
    by(town, BRUNO, lambda officer: officer.reject(update.stored.id, "trop tôt"))

    made = report(town, filed.stored.incident_id)

    assert [(left.version, left.channel) for left in made.unsaid] == [(2, None)]
    assert "trop tôt" in str(made.unsaid[0].reason)
    assert [version.state for version in made.versions] == [AlertState.ACCEPTED, AlertState.REJECTED]
    assert made.versions[1].instruction == "Passez par le quai."


def test_a_post_that_failed_and_a_channel_that_was_passed_over_are_left_out_with_the_reason(make_town):
    town = make_town()
    filed = town.post(an_alert(sender=SENDER, severity=Severity.MINOR))
    town.deliver(filed, PostState.FAILED, "page")

    left = {each.channel: str(each.reason) for each in report(town, filed.stored.incident_id).unsaid}

    assert set(left) == {"x", "page"}, "the team's channel takes no alerts"
    assert "Moderate" in left["x"]


def test_a_channel_that_nobody_chose_is_told_so(make_town):
    town = make_town()
    filed = town.post(an_alert(sender=SENDER), "x")

    left = {each.channel: str(each.reason) for each in report(town, filed.stored.incident_id).unsaid}

    assert left == {"page": "it was not chosen", "telegram": "it was not chosen"}


def test_an_entry_that_could_not_be_read_has_a_report_too(town):
    with town.alerts() as alerts:
        filed = town.desk.hear(alerts, Heard("urn-broken", None, problem=in_words("no XML")), "meteo")

    made = report(town, filed.stored.incident_id)

    assert str(made.versions[0].reason) == "no XML"
    assert made.headline == ""


def test_the_data_has_times_of_the_station_and_spans_in_seconds(town):
    filed = validated(town)
    attempt(town, town.posts(filed)["x"], took=0.25)

    data = report_to_json(report(town, filed.stored.incident_id), town.station.zone, "fr-FR")

    assert json.loads(json.dumps(data)) == data
    assert data["versions"][0]["received_at"] == "2026-11-25T13:00:00.000+01:00"
    assert data["posts"][0]["delays"]["validated"] == 120.0
    assert data["posts"][0]["state"] == "sent"


def test_an_exercise_is_told_to_be_one(make_town):
    town = make_town()
    drill = replace(an_alert(sender=SENDER), status=Status.EXERCISE)
    filed = town.post(drill)

    assert report(town, filed.stored.incident_id).exercise


def test_what_was_only_said_to_the_team_is_no_exercise(town):
    filed = town.hear(an_alert(status=Status.SYSTEM))

    assert not report(town, filed.stored.incident_id).exercise


def test_of_a_pruned_incident_it_is_the_same_by_either_name(town):
    filed = validated(town)
    for post in town.posts(filed).values():
        attempt(town, post, took=0.25)
    before = report(town, filed.stored.incident_id)
    town.pass_(days=4 * 365)
    now = town.clock.now()

    with transaction(town.db):
        assert Archive(town.db).prune(now - timedelta(days=3 * 365), now).gone == 1

    unit = DeskUnit(Unit(town.db), town.desk, now, town._new_id)
    assert not unit.alerts.by_id(filed.stored.id)
    for name in (filed.stored.id, filed.stored.incident_id):
        assert replace(report_named(unit, name), made_at=before.made_at) == before


def test_it_tells_what_each_post_of_a_paid_channel_cost(make_town):
    paid = replace(X, name="sms", kind="sms", price=0.07, daily_budget=200.0, monthly_budget=600.0)
    town = make_town(channels=(paid, TELEGRAM))
    filed = town.hear(an_alert())
    spent = Spending().plus(town.posts(filed)["sms"].id, 29.4, NOW.date())
    with transaction(town.db):
        keep_fact(town.db, "sms", SPENT, spent.written())
    made = report(town, filed.stored.incident_id)
    assert {each.channel: each.cost for each in made.posts} == {"sms": 29.4, "telegram": None}
    assert "29,40" in report_text(made, "fr", UTC)

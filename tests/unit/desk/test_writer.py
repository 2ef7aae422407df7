"""What is told to subscribers is stored with the channel's own post, in their languages, for whom it concerns."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.ending import end_what_is_over
from alerts.model.alert import Area, NamedValue, Severity, Status
from alerts.model.errors import Refused
from alerts.model.post import Means
from alerts.rendering.templates import Renderer
from tests.unit.desk.conftest import CENTRE, DRILLS, MILL, NOW, PAGE, TELEGRAM, an_alert, cancelling, following

BOT = replace(TELEGRAM, subscriptions=True)
DRILL_BOT = replace(DRILLS, subscriptions=True)


@pytest.fixture
def town(make_town):
    return make_town(channels=(PAGE, BOT, DRILL_BOT))


def bulks(town) -> list[dict]:
    return [dict(row) for row in town.db.execute("SELECT * FROM bulk ORDER BY seq")]


def test_one_row_is_stored_with_the_post_of_its_id(town):
    filed = town.hear(an_alert())
    [bulk] = bulks(town)
    assert bulk["id"] == town.posts(filed)["telegram"].id
    assert (bulk["channel"], bulk["incident"], bulk["alert_id"]) == (
        "telegram",
        filed.stored.incident_id,
        filed.stored.id,
    )
    assert (bulk["kind"], bulk["state"], bulk["topic"], bulk["severity"]) == (
        "publish",
        "queued",
        "weather",
        "Moderate",
    )


def test_the_words_are_there_in_french_and_english(town):
    town.hear(an_alert())
    texts = json.loads(bulks(town)[0]["texts"])
    assert "Où" in texts["fr"]
    assert "Where" in texts["en"]
    assert "Coup de vent" in texts["en"], "what the sender says isn't translated"
    assert set(json.loads(bulks(town)[0]["links"])) == {"fr", "en"}


def test_a_channel_without_subscriptions_has_none(make_town):
    town = make_town(channels=(PAGE, TELEGRAM))
    town.hear(an_alert())
    assert bulks(town) == []


def test_an_exercise_goes_to_channels_of_exercises_alone(town):
    town.post(an_alert(status=Status.EXERCISE))
    [bulk] = bulks(town)
    assert (bulk["channel"], bulk["exercise"]) == ("exercices", 1)
    assert all("EXERCICE" in text or "EXERCISE" in text for text in json.loads(bulk["texts"]).values())


@pytest.mark.parametrize(
    ("areas", "codes"),
    [
        ((CENTRE.as_area(),), ["D1"]),
        ((CENTRE.as_area(), MILL.as_area()), None),
        ((Area("Saint-Martin", geocodes=(NamedValue("INSEE", "38185"),)),), None),
        ((Area("Là-bas", polygons=CENTRE.as_area().polygons),), ["D1"]),
    ],
)
def test_it_concerns_the_districts_that_it_touches(town, areas, codes):
    town.hear(an_alert(areas=areas))
    found = bulks(town)[0]["districts"]
    assert (json.loads(found) if found else None) == codes


def test_what_is_refused_stores_none(town):
    town.hear(an_alert(areas=(Area("Ailleurs", geocodes=(NamedValue("INSEE", "01001"),)),)))
    assert bulks(town) == []


@pytest.mark.parametrize(
    ("changes", "everyone"),
    [
        ({}, 0),
        ({"severity": Severity.SEVERE}, 1),
        ({"severity": Severity.MINOR}, 0),
        ({"event": "Évacuation"}, 1),
        ({"areas": (MILL.as_area(),)}, 1),
        ({"areas": (CENTRE.as_area(), MILL.as_area())}, 1),
    ],
)
def test_an_update_is_for_those_who_know_of_it_unless_it_reaches_further(town, changes, everyone):
    first = an_alert(areas=(CENTRE.as_area(),))
    town.deliver(town.hear(first))
    town.hear(following(first, **{"areas": (CENTRE.as_area(),), "description": "Encore.", **changes}))
    published, updated = bulks(town)
    assert (published["everyone"], updated["kind"], updated["everyone"]) == (1, "update", everyone)


def test_an_end_is_for_those_who_know_of_it(town):
    first = an_alert()
    town.deliver(town.hear(first))
    town.hear(cancelling(first))
    end = bulks(town)[1]
    assert (end["kind"], end["everyone"], end["topic"]) == ("end", 0, "weather")
    assert "retirée" in json.loads(end["texts"])["fr"]
    assert "withdrawn" in json.loads(end["texts"])["en"]


def test_an_update_is_edited_in_where_the_channel_says_so(make_town):
    town = make_town(channels=(replace(BOT, on_update=Means.EDIT),))
    first = an_alert()
    town.deliver(town.hear(first))
    town.deliver(town.hear(following(first, description="Encore.")))
    town.hear(cancelling(first))
    assert [bulk["edits"] for bulk in bulks(town)][1:] == [1, 0]


def test_where_nothing_is_filed_there_is_none(town):
    town.hear(an_alert())
    town.db.execute("DELETE FROM bulk")
    town.hear(an_alert())
    assert bulks(town) == [], "the same words again are left out"


def begun(town, filed) -> None:
    town.db.execute("UPDATE bulk SET state = 'sending', started_at = 1 WHERE alert_id = ?", (filed.stored.id,))


@pytest.mark.parametrize("state", ["failed", "queued", "dropped"])
def test_the_end_is_told_to_subscribers_who_know_though_the_channel_s_own_post_never_got_out(town, state):
    filed = town.post(an_alert())
    begun(town, filed)
    town.db.execute("UPDATE post SET state = ? WHERE channel = 'telegram'", (state,))
    ended = town.post(cancelling(filed.stored.alert))
    assert [bulk["kind"] for bulk in bulks(town)] == ["publish", "end"]
    assert bulks(town)[1]["id"] == town.posts(ended)["telegram"].id
    with pytest.raises(Refused, match="over here already"):
        town.post(cancelling(filed.stored.alert))


def test_an_alert_that_runs_out_is_ended_for_subscribers_too_though_the_post_never_got_out(town):
    filed = town.post(an_alert())
    begun(town, filed)
    town.db.execute("UPDATE post SET state = 'failed'")
    over = filed.stored.alert.ends + timedelta(hours=1)
    town.act(lambda alerts: end_what_is_over(alerts, town.station, town.writer.write, over))
    assert [bulk["kind"] for bulk in bulks(town)] == ["publish", "end"]


def test_who_was_never_told_hears_of_no_end(town):
    filed = town.post(an_alert())
    town.db.execute("UPDATE post SET state = 'failed'")
    with pytest.raises(Refused):
        town.post(cancelling(filed.stored.alert))
    assert [bulk["kind"] for bulk in bulks(town)] == ["publish"]


def test_templates_are_made_ready_once_for_all_alerts_that_need_the_same(town, monkeypatch):
    """In a storm an alert comes each third of a second, and rendering is most of what filing it costs."""
    rendered, render = [], Renderer.render
    monkeypatch.setattr(Renderer, "render", lambda *given, **more: rendered.append(given[3]) or render(*given, **more))

    def ready_for(**changes) -> int:
        rendered.clear()
        town.desk.warm(an_alert(**changes))
        return len(rendered)

    first = ready_for(event="Vent violent")
    assert first == len(town.station.channels)
    assert ready_for(event="Vent violent sur la crête", headline="Autre") == 0
    assert ready_for(event="Crue") == first, "other words"
    assert ready_for(event="Coupure d’eau", onset=NOW + timedelta(days=1)) == first, "the words of one to come"
    assert ready_for(event="Coupure d’eau", onset=NOW - timedelta(hours=1)) == first
    assert ready_for(event="Crue de la Vive") == 0

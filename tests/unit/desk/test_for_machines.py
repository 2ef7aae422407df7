"""What a channel for machines is told of an alert: by name, with the districts that it touches."""

from __future__ import annotations

import json

from alerts.channels.settings import MQTT_TEXT
from alerts.model.alert import Area, Severity
from alerts.model.post import Means
from alerts.model.town import ChannelConfig
from tests.unit.desk.conftest import HERE, LATER, X, a_town, an_alert, cancelling, following, square

PANELS = ChannelConfig("panneaux", "mqtt", MQTT_TEXT, on_update=Means.EDIT, on_end=Means.DELETE)
RING = tuple((lat, lon) for lon, lat in square(5.705, 45.185, 0.01)["coordinates"][0])


def told(town, filed):
    return json.loads(town.posts(filed)["panneaux"].message.text)


def test_an_alert_is_told_by_name_for_the_whole_town(make_town):
    town = make_town(channels=(X, PANELS))
    alert = an_alert(severity=Severity.SEVERE)
    filed = town.hear(alert)

    assert told(town, filed) == {
        "severity": "Severe",
        "event": "Vent violent",
        "headline": "Coup de vent",
        "instruction": "Rentrez le mobilier de jardin.",
        "area": "Saint-Martin",
        "until": LATER.astimezone(a_town().zone).isoformat(),
        "districts": ["D1", "D2"],
        "over": False,
    }
    assert "Coup de vent" in town.posts(filed)["panneaux"].message.plain, "an officer is shown words"


def test_the_districts_are_those_that_it_touches(make_town):
    town = make_town(channels=(X, PANELS))
    filed = town.hear(an_alert(areas=(Area("Le bourg", polygons=(RING,)),)))

    assert told(town, filed)["districts"] == ["D1"]


def test_an_update_is_told_anew_and_an_end_is_over_where_the_alert_was(make_town):
    town = make_town(channels=(X, PANELS))
    first = an_alert(areas=(Area("Le bourg", polygons=(RING,)),))
    town.deliver(town.hear(first))
    second = following(first, severity=Severity.EXTREME, areas=(Area("Saint-Martin", geocodes=(HERE,)),))
    update = town.hear(second)
    town.deliver(update)
    end = town.hear(cancelling(second))

    assert (told(town, update)["severity"], told(town, update)["districts"]) == ("Extreme", ["D1", "D2"])
    assert town.posts(update)["panneaux"].means is Means.EDIT
    assert (told(town, end)["over"], town.posts(end)["panneaux"].means) == (True, Means.DELETE)


def test_what_nobody_told_is_prepared(make_town):
    town = make_town(channels=(X, PANELS))
    filed = town.hear(an_alert(headline=None, instruction=None))

    said = told(town, filed)
    assert said["headline"]
    assert said["instruction"]

"""What is stored of an alert is all of it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from alerts.model.alert import (
    Alert,
    Area,
    Circle,
    Info,
    NamedValue,
    Reference,
    Resource,
    alert_from_json,
    alert_to_json,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PARIS = timezone(timedelta(hours=1))
times = st.builds(
    datetime.fromtimestamp,
    st.floats(0, 4e9),
    st.sampled_from([UTC, PARIS]),
)
words = st.text(max_size=20)
points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
areas = st.builds(
    Area,
    description=words,
    polygons=st.lists(st.lists(points, max_size=5).map(tuple), max_size=2).map(tuple),
    circles=st.lists(st.builds(Circle, points, st.floats(0, 500)), max_size=2).map(tuple),
    geocodes=st.lists(st.builds(NamedValue, words, words), max_size=2).map(tuple),
    altitude=st.none() | st.floats(0, 9000),
    ceiling=st.none(),
)
infos = st.builds(
    Info,
    event=words,
    headline=st.none() | words,
    onset=st.none() | times,
    expires=st.none() | times,
    resources=st.lists(st.builds(Resource, words, words, st.none() | words), max_size=2).map(tuple),
    areas=st.lists(areas, max_size=2).map(tuple),
)
alerts = st.builds(
    Alert,
    identifier=words,
    sender=words,
    sent=times,
    note=st.none() | words,
    references=st.lists(st.builds(Reference, words, words, times), max_size=2).map(tuple),
    infos=st.lists(infos, max_size=2).map(tuple),
)


@given(alerts)
def test_an_alert_comes_back_equal(alert):
    assert alert_from_json(alert_to_json(alert)) == alert


def test_every_field_of_every_type_is_stored():
    alert = Alert("id", "sender", NOW, infos=(Info("Wind", areas=(Area("Here"),)),))
    for field in fields(Info):
        if field.name in ("headline", "description", "instruction", "web", "contact", "audience", "sender_name"):
            changed = replace(alert, infos=(replace(alert.infos[0], **{field.name: "x"}),))
            assert alert_from_json(alert_to_json(changed)) == changed != alert


def test_what_stands_at_its_default_takes_no_room():
    stored = json.loads(alert_to_json(Alert("id", "sender", NOW)))

    assert stored == {"identifier": "id", "sender": "sender", "sent": "2026-11-25T12:00:00+00:00"}


def test_it_is_one_line():
    assert "\n" not in alert_to_json(Alert("id\n2", "sender", NOW))

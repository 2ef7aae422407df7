"""The pure parts of the compose page: reading what was typed, what stands there before, what an update tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import update_of
from alerts.model.alert import Severity, Status
from alerts.model.errors import Misuse
from alerts.model.hazard import Hazard
from alerts.model.incident import AlertState, StoredAlert
from alerts.web.console.compose_view import Voice
from alerts.web.console.drafts import (
    adapted,
    another_hazard,
    changes_between,
    fields_of_alert,
    fitting,
    prepared_fields,
)
from alerts.web.console.form import LONGEST, FormContext, digest, read_form, same, too_long, typed, typed_in_json, until
from alerts.web.console.rehearsal import CheckedText, checklist
from alerts.web.console.words import words_of
from tests.unit.desk.conftest import NOW, a_town, make_town, town  # noqa: F401 fixtures
from tests.walls import in_one_test

STATION = a_town()


def plain(sentence, **values):
    return sentence % values if values else sentence


def read(station=STATION, **fields):
    form = {"headline": "Fuite de gaz", "severity": "Moderate", **fields}
    return read_form(form, FormContext(station, NOW, lambda _: None), plain)


def test_a_form_is_read_as_a_draft():
    reading = read(
        area=("D1",), span="3h", instruction=" Fermez le gaz. ", hazard="flood", exercise="1", channel=("x",)
    )

    assert reading.problems == {}
    assert reading.channels == ("x",)
    draft = reading.draft
    assert (draft.areas, draft.expires, draft.instruction, draft.hazard, draft.exercise) == (
        ("D1",), "3h", "Fermez le gaz.", Hazard.FLOOD, True,
    )  # fmt: skip


@in_one_test
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("headline", " "), ("severity", "Terrible"), ("urgency", "Soon"), ("category", "Weather"), ("expires", "soon"),
        ("expires", "2020-01-01T10:00"), ("expires", "0h"), ("onset", "tomorrow"), ("web", "javascript:alert(1)"),
        ("web", "https://a b"), ("polygon", "1,2 3,4"), ("circle", "45.19 5.72 2"), ("picture", "../../etc/passwd"),
        ("channel", ("nowhere",)), ("area", ("D9",)), ("polygon", "48.1,2.1 48.1,2.2 48.2,2.2"),
    ],
)  # fmt: skip
def test_what_can_t_stand_is_told_beside_its_field(field, value):
    reading = read(**{field: value})

    assert reading.draft is None
    [(told, words)] = reading.problems.items()
    assert told == ("place" if field == "polygon" and value.startswith("48") else field)
    assert words.strip()
    assert "--" not in words, "an option of the command line is nothing to tell an officer"


def test_an_end_before_the_start_is_told_at_the_end():
    assert set(read(onset="6h", expires="3h").problems) == {"expires"}


def test_what_was_typed_counts_before_what_was_ticked():
    assert until({"span": "3h", "expires": "18:30"}, NOW, STATION) == "18:30"
    assert until({"span": "3h", "expires": " "}, NOW, STATION) == "3h"
    assert until({"span": "other", "expires": ""}, NOW, STATION) is None
    assert until({"span": "tomorrow"}, NOW, STATION) == "2026-11-26T08:00:00"
    assert until({"span": "<script>"}, NOW, STATION) is None


def test_fields_are_ours_alone_and_hold_no_control_characters():
    found = typed([("headline", "a\x00b\r\nc\ud800"), ("area", "D1"), ("area", "D2"), ("csrf", "x"), ("draft", "y")])

    assert found == {"headline": "ab\nc", "area": ("D1", "D2")}
    assert typed_in_json({"headline": "a", "area": ["D1"], "web": 5, "channel": "x"}) == {
        "headline": "a", "area": ("D1",), "channel": ("x",),
    }  # fmt: skip
    for wrong in (None, [], "x"):
        with pytest.raises(Misuse):
            typed_in_json(wrong)


def test_a_field_that_is_too_long_is_told_and_stays_as_it_was_typed():
    found = typed([("description", "x" * (LONGEST + 1)), ("headline", "x" * LONGEST), ("area", "y" * (LONGEST + 1))])

    assert len(found["description"]) == LONGEST + 1
    assert too_long(found) == ("description", "area")


def test_an_empty_field_is_no_field():
    assert same({"headline": "a", "place": "", "area": ()}, {"headline": "a"})
    assert not same({"headline": "a"}, {"headline": "b"})
    assert digest({"headline": "a"}, "x") != digest({"headline": "a"}, "y")


def test_another_hazard_replaces_what_nobody_touched(town):  # noqa: F811
    storm, cut = (town.desk.renderer.prepared(hazard, "fr") for hazard in (Hazard.STORM, Hazard.WATER_CUT))
    form = {**prepared_fields(storm), "headline": "Grêle sur le Centre", "area": ("D1",)}

    changed = another_hazard(form, storm, cut)

    assert changed["headline"] == "Grêle sur le Centre"
    assert changed["area"] == ("D1",)
    assert (changed["hazard"], changed["severity"], changed["description"]) == (
        "water-cut",
        "Moderate",
        cut.description,
    )
    assert another_hazard({**form, "expires": "18:30"}, storm, cut)["expires"] == "18:30"


def a_record(**words):
    alert = draft_alert(Draft("Fuite de gaz", **words), STATION, NOW, "k3m9")
    return StoredAlert("rec1", "inc1", "manual", alert, AlertState.ACCEPTED, NOW)


@in_one_test
@pytest.mark.parametrize(
    "words",
    [
        {},
        {"areas": ("D1",), "description": "Rue\nbarrée", "web": "https://a.example/x", "onset": "1h", "expires": "8h"},
        {"areas": ("D1", "D2"), "place": "Rue de la Gare", "severity": Severity.EXTREME},
        {"polygons": ("45.182,5.702 45.182,5.71 45.19,5.706",), "circles": ("45.19,5.71 0.5",), "areas": ("D2",)},
        {"hazard": Hazard.WATER_CUT, "exercise": True},
    ],
)
def test_an_alert_as_a_form_differs_from_itself_in_nothing(words):
    stored = a_record(**words)
    before = fields_of_alert(stored, STATION)
    reading = read_form(before, FormContext(STATION, NOW, lambda _: None), plain)

    assert reading.problems == {}
    assert changes_between(before, before, reading.draft) == {}
    again = draft_alert(reading.draft, STATION, NOW, "k3m9")
    assert again.infos[0].expires == stored.alert.infos[0].expires
    assert again.status is stored.alert.status
    geometry = lambda alert: sorted(ring for area in alert.areas for ring in area.polygons)  # noqa: E731
    assert geometry(again) == geometry(stored.alert)


def test_the_whole_town_is_a_box_of_its_own_and_comes_back_ticked():
    stored = a_record(areas=("all",))
    form = fields_of_alert(stored, STATION)
    reading = read_form(form, FormContext(STATION, NOW, lambda _: None), plain)
    update = update_of(stored, changes_between(form, {**form, "area": ()}, read().draft), STATION, NOW, "b")

    assert form["area"] == ("all",)
    assert draft_alert(reading.draft, STATION, NOW, "c").areas[0].description == "toute la commune"
    assert update.areas[0].description == STATION.name, "no place is told any more"


def test_an_update_tells_what_differs_and_nothing_else():
    stored = a_record(areas=("D1",), description="Rue barrée", onset="1h", web="https://a.example")
    before = fields_of_alert(stored, STATION)
    now = {**before, "description": "", "web": "", "onset": "", "area": (), "severity": "Severe"}
    reading = read_form(now, FormContext(STATION, NOW, lambda _: None), plain)

    changes = changes_between(before, now, reading.draft)
    info = update_of(stored, changes, STATION, NOW, "b").infos[0]

    assert set(changes) == {
        "description",
        "web",
        "onset",
        "severity",
        "areas",
        "place",
        "polygons",
        "circles",
        "nowhere",
    }
    assert (info.description, info.web, info.onset, info.severity) == (None, None, None, Severity.SEVERE)
    assert [area.description for area in info.areas] == [STATION.name]
    assert info.expires == stored.alert.infos[0].expires


def test_a_feed_s_area_stays_as_the_feed_drew_it():
    stored = a_record(polygons=("45.1823456789012,5.702 45.182,5.71 45.19,5.706",))
    before = fields_of_alert(stored, STATION)
    now = {**before, "headline": "Fuite de gaz colmatée"}

    changes = changes_between(before, now, read_form(now, FormContext(STATION, NOW, lambda _: None), plain).draft)

    assert update_of(stored, changes, STATION, NOW, "b").areas == stored.alert.areas


def test_an_exercise_is_one_as_a_form():
    stored = a_record()
    drill = replace(stored, alert=replace(stored.alert, status=Status.EXERCISE))

    assert fields_of_alert(drill, STATION)["exercise"] == "1"


def test_a_draft_that_names_districts_is_ticked():
    assert adapted({"headline": "x", "areas": ("Centre-Bourg",), "channels": ("x",)}, STATION) == {
        "headline": "x", "area": ("D1",), "channel": ("x",),
    }  # fmt: skip


SAID = CheckedText(
    station="Saint-Martin", headline="Fuite de gaz", place="Centre-Bourg", whole=False, unplaced=False, until="18:00",
    own_end=True,
    instruction="Partez.", severity=Severity.SEVERE, signed=True, linked=True,
)  # fmt: skip


def test_the_five_elements_are_there():
    assert [check.good for check in checklist(SAID, plain)] == [True] * 5


@in_one_test
@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"signed": False}, 0), ({"headline": ""}, 1), ({"headline": "x" * 120}, 1),
        ({"headline": "FUITE DE GAZ EN VILLE"}, 1), ({"until": ""}, 2), ({"own_end": False}, 2), ({"whole": True}, 2),
        ({"unplaced": True}, 2),
        ({"instruction": ""}, 3), ({"linked": False}, 4),
        ({"headline": "Évacuez !!!"}, 1), ({"headline": "URGENT fuite"}, 1), ({"headline": "École {nom} fermée"}, 1),
        ({"description": "Vous pouvez rentrer."}, 1), ({"whole": True, "needs_a_place": True}, 2),
        ({"instruction": "Partez vers {lieu}."}, 3), ({"instruction": "Restez attentifs."}, 3),
        ({"instruction": "Le gaz est dangereux."}, 3), ({"instruction": "Vous pouvez rentrer. Partez."}, 3),
    ],
)  # fmt: skip
def test_each_element_that_lacks_is_told_with_its_reason(change, place):
    checks = checklist(replace(SAID, **change), plain)

    assert [check.good for check in checks] == [here != place for here in range(5)]
    assert checks[place].words


def test_what_is_minor_needs_no_instruction():
    assert checklist(replace(SAID, instruction="", severity=Severity.MINOR), plain)[3].good


def test_numbers_and_times_are_as_an_officer_says_them():
    voice = Voice(words_of("en"), STATION.zone, STATION.name, NOW)

    assert [voice.number(number) for number in (0, 7, 42, 312, 4212, 98765)] == [
        "0",
        "7",
        "42",
        "310",
        "4,200",
        "99,000",
    ]
    assert voice.time(NOW + timedelta(hours=2)) == "15:00"
    assert voice.time(NOW + timedelta(days=1)) == "Thu 26 Nov, 13:00"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_another_severity_has_its_own_order_unless_somebody_typed_one(town, language):  # noqa: F811
    flood = town.desk.renderer.prepared(Hazard.FLOOD, language)
    form = {**prepared_fields(flood), "severity": "Extreme"}

    assert form["instruction"] == flood.instruction(Severity.SEVERE)
    assert fitting(form, flood, NOW, STATION.zone) == {**form, "instruction": flood.instruction(Severity.EXTREME)}
    loose = {**form, "instruction": form["instruction"].replace("\u00a0", " ").replace(" ", "  ") + "\r\n"}
    assert fitting(loose, flood, NOW, STATION.zone)["instruction"] == flood.instruction(Severity.EXTREME)
    for mine in ("Montez.", "", flood.instruction(Severity.EXTREME), f"{form['instruction']} Rue Haute aussi."):
        assert fitting({**form, "instruction": mine}, flood, NOW, STATION.zone)["instruction"] == mine
    assert fitting({**form, "severity": "Terrible"}, flood, NOW, STATION.zone)["instruction"] == form["instruction"]
    assert fitting(form, None, NOW, STATION.zone) == form


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_power_cut_that_is_announced_has_the_words_of_a_planned_one(town, language):  # noqa: F811
    sudden = town.desk.renderer.prepared(Hazard.POWER, language)
    planned, form = sudden.kinds["planned"], prepared_fields(sudden)
    ready = {name: prepared_fields(planned)[name] for name in ("headline", "event", "instruction", "urgency")}

    def fitted(**changes):
        found = fitting({**form, **changes}, sudden, NOW, STATION.zone)
        return {name: found[name] for name in ready}

    assert ready["instruction"] not in {sudden.instruction(severity) for severity in Severity}
    assert fitted() == {name: form[name] for name in ready}
    assert fitted(onset="20h") == ready
    assert fitted(headline=planned.headline)["instruction"] == ready["instruction"]
    assert fitted(event=planned.event, instruction="Ma consigne.")["instruction"] == "Ma consigne."
    assert fitted(onset="20h", headline="Rue Haute sans courant")["headline"] == "Rue Haute sans courant"
    assert fitted(onset="hier")["instruction"] == form["instruction"]

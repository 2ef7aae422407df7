"""What is prepared for each hazard: whole in both languages, and a station's own words before those that ship."""

from __future__ import annotations

import pytest

from alerts.model.alert import Severity
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.town import Town, parse_span
from alerts.rendering.checking import check_templates
from alerts.rendering.templates import Renderer
from tests.unit.desk.conftest import an_info


@pytest.mark.parametrize("language", ["fr-FR", "en"])
def test_every_hazard_has_its_usual_alert(town, language):
    found = town.desk.every_prepared(language)

    assert list(found) == list(Hazard)
    for hazard, prepared in found.items():
        assert prepared.event
        assert prepared.headline or hazard is Hazard.GENERAL, hazard
        assert len(prepared.headline) <= 40, f"{prepared.headline}: it goes before everything else"
        assert parse_span(prepared.duration)
        assert prepared.instruction(prepared.severity) or hazard is Hazard.GENERAL, hazard


def test_the_event_that_is_prepared_is_about_its_own_hazard(town):
    for language in ("fr", "en"):
        for hazard, prepared in town.desk.every_prepared(language).items():
            found = hazard_of(an_info(event=prepared.event, headline=prepared.headline, parameters=()))
            assert found is hazard, f"{prepared.event} / {prepared.headline} would be taken for {found}"


def test_a_severity_has_its_own_instruction_where_there_is_one(town):
    flood = town.desk.renderer.prepared(Hazard.FLOOD, "en")

    assert flood.instruction(Severity.SEVERE) != flood.instruction(Severity.MINOR)
    assert flood.instruction(Severity.MINOR) == flood.instructions["default"]


def test_a_station_sets_single_lines_of_it(tmp_path):
    (tmp_path / "fr" / "hazards").mkdir(parents=True)
    (tmp_path / "fr" / "hazards" / "flood.j2").write_text('{% set prepared = {"duration": "3h"} %}', encoding="utf-8")

    flood = Renderer(Town("Saint-Martin"), [tmp_path]).prepared(Hazard.FLOOD, "fr-FR")

    assert (flood.duration, flood.severity, flood.headline) == ("3h", Severity.SEVERE, "Crue, l’eau monte")


def test_a_station_s_mistake_is_told_by_check_and_harms_nobody(tmp_path):
    file = tmp_path / "fr" / "hazards" / "flood.j2"
    file.parent.mkdir(parents=True)
    file.write_text('{% set prepared = {"severity": "Terrible"} %}', encoding="utf-8")
    face = Town("Saint-Martin")

    assert Renderer(face, [tmp_path]).prepared(Hazard.FLOOD, "fr").severity is Severity.SEVERE
    [fault] = check_templates(face, [tmp_path])
    assert str(file) in str(fault)
    assert "Terrible" in str(fault)

"""A town's own templates of before still render: names of parts and variables hold, and `check` says what to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alerts.model.alert import Area, Severity
from alerts.model.post import EndReason, PostKind
from alerts.rendering.checking import check_templates
from alerts.rendering.templates import Renderer
from tests.unit.rendering.sample_alerts import CHANNELS, FRENCH, TELEGRAM, an_alert, an_info, render

FORMER = Path(__file__).parent / "former"
"""Templates as a town wrote them for the first release."""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FORMER, tmp_path / "templates"))


@pytest.mark.parametrize("kind", [PostKind.PUBLISH, PostKind.UPDATE, PostKind.END])
@pytest.mark.parametrize("reason", list(EndReason))
def test_they_render_as_they_did(town: Path, kind: PostKind, reason: EndReason) -> None:
    renderer = Renderer(FRENCH, [town])
    now = an_alert(an_info(severity=Severity.EXTREME, areas=(Area("Drôme"), Area("Isère"))))
    for channel in CHANNELS:
        rendered = render(now, kind, channel, renderer, previous=an_alert(), reason=reason)
        assert rendered.warnings == ()
    said = render(now, kind, TELEGRAM, renderer, previous=an_alert(), reason=reason).message.plain
    assert said.startswith(
        {PostKind.PUBLISH: "Danger extrême : Coup de vent", PostKind.UPDATE: "Mise à jour – Danger extrême : Coup"}.get(
            kind, ("Fin de", "Alerte", "Rectificatif")
        )
    )
    if kind is PostKind.UPDATE:
        assert "Ce qui change : Niveau relevé (était : grave) ; Nouveau" in said or "Zones ajoutées : Drôme" in said
        assert ".." not in said
    if kind is PostKind.PUBLISH:
        assert "Que faire : Rentrez le mobilier de jardin." in said


def test_where_nothing_is_known_their_words_around_it_go_too(town: Path) -> None:
    said = render(an_alert(an_info(areas=())), channel=TELEGRAM, renderer=Renderer(FRENCH, [town])).message.plain
    assert "Où" not in said


def test_check_finds_nothing_in_them_but_what_it_says_how_to_change(town: Path) -> None:
    assert check_templates(FRENCH, [town]) == []
    (town / "fr" / "hazards" / "air-quality.j2").write_text(
        '{% set after = "Vous pouvez reprendre vos activités." %}', "utf-8"
    )
    (fault,) = check_templates(FRENCH, [town])
    assert "air-quality.j2" in str(fault)
    assert "only an all clear may free people" in str(fault)

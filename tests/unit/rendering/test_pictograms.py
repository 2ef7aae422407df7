"""Each drawing is a hazard's, and is shown as its file has it."""

from __future__ import annotations

from pathlib import Path

import alerts.rendering
from alerts.model.hazard import Hazard
from alerts.rendering.pictograms import pictogram

DRAWINGS = Path(alerts.rendering.__file__).with_name("drawings")


def test_each_drawing_is_a_hazard_s_and_is_shown_as_it_is_drawn():
    drawn = {file.stem: file.read_text(encoding="utf-8") for file in DRAWINGS.iterdir()}
    assert "general" in drawn
    for name, text in drawn.items():
        assert pictogram(Hazard(name)).svg == "".join(text.splitlines()[1:-1]), name
    assert {pictogram(each).paths for each in Hazard if each.value not in drawn} <= {pictogram(Hazard.GENERAL).paths}

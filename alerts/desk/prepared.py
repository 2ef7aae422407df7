"""The prepared alerts that an officer starts from, hazard by hazard, as the station's templates have them."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.desk.actions import Desk
from alerts.model.hazard import Hazard
from alerts.rendering.prepared import Prepared

__all__ = ["Prepared", "every_prepared", "prepared_for"]


def prepared_for(desk: Desk, hazard: Hazard, language: str) -> Prepared:
    """What is prepared for a hazard in that language; what ships where the station's own file can't be read."""
    return desk.prepared(hazard, language)


def every_prepared(desk: Desk, language: str) -> Mapping[Hazard, Prepared]:
    """What is prepared for each hazard; the first time for a language it reads a file for each."""
    return {hazard: prepared_for(desk, hazard, language) for hazard in Hazard}

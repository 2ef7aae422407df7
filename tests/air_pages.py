"""Atmo France's episodes of air pollution for tests, as its GeoJSON has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

FREE, INFORMED, ALERTED = "PAS DE DEPASSEMENT", "INFORMATION ET RECOMMANDATION", "ALERTE SUR PERSISTANCE"
CODES = {"SO2": 1, "NO2": 8, "PM10": 5, "O3": 7, "PM2.5": 39}
Row = tuple[str, str, str]
"""A pollutant, a day and its state."""


def row(pollutant: str, day: str, state: str, **more: Any) -> dict[str, Any]:
    """A row of Isère; a value of None takes a key out."""
    told = {
        "aasqa": "84",
        "code_pol": CODES.get(pollutant),
        "code_zone": "38",
        "date_dif": "2026-11-25",
        "date_ech": day,
        "etat": state,
        "lib_pol": pollutant,
        "lib_zone": "Bassin grenoblois",
        "source": "Atmo Auvergne-Rhône-Alpes",
        **more,
    }
    return {name: each for name, each in told.items() if each is not None}


def episodes(*rows: Row | dict[str, Any]) -> bytes:
    """The episodes of these rows."""
    told: Sequence[dict[str, Any]] = [each if isinstance(each, dict) else row(*each) for each in rows]
    features = [{"type": "Feature", "geometry": None, "properties": each} for each in told]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()

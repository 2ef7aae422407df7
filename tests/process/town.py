"""The town of these tests is the campaign's."""

from __future__ import annotations

from campaign.running import Running
from campaign.town import ALL_THREE, PAGE, SECRETS, STATION, TELEGRAM, Town, X, town_in

__all__ = ["ALL_THREE", "PAGE", "SECRETS", "STATION", "TELEGRAM", "Running", "Town", "X", "town_in"]

"""What is prepared for a hazard, so that an officer only completes what differs: `prepared` in the hazard's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts.model.alert import Category, Certainty, Severity, Urgency
from alerts.model.hazard import Hazard
from alerts.model.setting_values import parse_span
from alerts.rendering.library import Words


@dataclass(frozen=True, slots=True)
class Prepared:
    """The usual alert of a hazard, in one language. `duration` is a span as it is typed: `6h`.

    `headline` and `description` are empty where nothing can be said beforehand.
    """

    hazard: Hazard
    name: str
    event: str
    headline: str
    description: str
    category: Category
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    duration: str
    instructions: Mapping[str, str]

    def instruction(self, severity: Severity) -> str:
        """What to do at that severity: its own words, else the usual ones. May have blanks to fill in: `{place}`."""
        return self.instructions.get(severity.value) or self.instructions["default"]


def read_prepared(hazard: Hazard, words: Words) -> Prepared:
    """What the words of a hazard prepare; what they don't tell has a default. Raises ValueError for a wrong value."""
    said: Mapping[str, Any] = words.get("prepared", {})
    duration = str(said.get("duration", "12h"))
    parse_span(duration)
    return Prepared(
        hazard=hazard,
        name=str(words["name"]),
        event=str(said.get("event", words["name"])),
        headline=str(said.get("headline", "")),
        description=str(said.get("description", "")),
        category=Category(said.get("category", Category.SAFETY)),
        severity=Severity(said.get("severity", Severity.MODERATE)),
        urgency=Urgency(said.get("urgency", Urgency.EXPECTED)),
        certainty=Certainty(said.get("certainty", Certainty.LIKELY)),
        duration=duration,
        instructions=dict(said.get("instruction", words["instruction"])),
    )

"""An incident as linked data: schema.org's SpecialAnnouncement, which search engines read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts.web.public.setting import Setting
from alerts.web.public.told import Told


def announcement(told: Told, setting: Setting) -> Mapping[str, Any]:
    """https://schema.org/SpecialAnnouncement; times in the station's zone."""
    incident, alert = told.incident, told.incident.alert
    ends = incident.ending.at if incident.ending else alert.ends

    def spelled(moment: datetime) -> str:
        return moment.astimezone(setting.zone).isoformat(timespec="seconds")

    return {
        "@context": "https://schema.org",
        "@type": "SpecialAnnouncement",
        "@id": setting.address(told.path),
        "url": setting.address(told.path),
        "name": told.title,
        "text": told.summary,
        "inLanguage": told.language,
        "datePosted": spelled(incident.versions[0].received_at),
        "dateModified": spelled(incident.changed_at),
        "expires": spelled(ends),
        "spatialCoverage": [
            {"@type": "AdministrativeArea", "name": name} for name in (told.facts["areas"] or [setting.station])
        ],
        "publisher": {"@type": "GovernmentOrganization", "name": setting.station, "url": setting.address("/")},
    }

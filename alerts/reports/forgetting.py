"""How what citizens reported is forgotten: who told of it after a day, the rest when the town has done with it.

| what | when it goes |
|---|---|
| digests of networks and chats, the day's secrets | after 24 hours |
| the chat that is told, the photo, the private link, what was said against it | 30 days after the closing |
| the words, the exact place, the answers given | a year after it came; the place stays as a square of 100 m |

What stays is counted: the kind, the district, the day, what became of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.desk.service import DeskUnit
from alerts.model.reports import CitizenReport
from alerts.reports.places import coarse

SOURCES_KEPT = timedelta(hours=24)
SECRETS_KEPT = timedelta(hours=48)
"""The day's, and that of the day before."""
CONTACT_KEPT = timedelta(days=30)
WORDS_KEPT = timedelta(days=365)
AT_ONCE = 50
"""Reports of which something is forgotten in one transaction."""


def forget_what_is_past(unit: DeskUnit) -> int:
    """Forget some of what is past its time; returns of how many reports, and 0 once nothing is left that is."""
    reports, now = unit.reports, unit.now
    reports.drop_sources(now - SOURCES_KEPT)
    reports.drop_day_secrets(now - SECRETS_KEPT)
    closed = reports.with_contact(now - CONTACT_KEPT, AT_ONCE)
    for each in closed:
        reports.drop_contact(each.id)
        reports.put(replace(each, token="", channel=None, chat=None, has_photo=False))
    old = reports.exact(now - WORDS_KEPT, AT_ONCE)
    for each in old:
        reports.drop_words(each.id)
        reports.put(rounded(each))
    return len(closed) + len(old)


def rounded(report: CitizenReport) -> CitizenReport:
    """The report with nothing left in it that somebody said, and no exact place."""
    place = coarse(report.lat, report.lon) if report.lat is not None and report.lon is not None else (None, None)
    return replace(
        report,
        lat=place[0],
        lon=place[1],
        place=None,
        text=None,
        key=None,
        source=None,
        source_before=None,
        answer=None,
        withheld=None,
        likeness=None,
        token="",
        channel=None,
        chat=None,
        by=None,
        has_photo=False,
        rounded=True,
    )

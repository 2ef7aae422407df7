"""Forgetting citizens' reports: their sources after a day, the rest after the town has closed them.

| what | when it goes | |---|---| | digests of networks and chats, the day's secrets | after 24 hours | | an unfinished
report to the bot | after an hour | | the chat to notify, the photo, the private link, the objections | 30 days after
the closing | | the words, the exact place, the answers given | a year after it came; the place stays as a square of 100
m |

The counts stay: the kind, the district, the day, the number of sources, the result. A report erased on request loses
its place too, at once (`erased`). Each row includes the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from alerts.desk.unit import DeskUnit
from alerts.model.listening import UtteranceState
from alerts.model.person import REPLIES_KEPT
from alerts.model.reports import CitizenReport, Closing, ReportState, ReportStep
from alerts.reports.places import coarse

# The table above, in the same order.
SOURCES_KEPT = timedelta(hours=24)
SECRETS_KEPT = timedelta(hours=48)
"""The day's, and that of the day before."""
BEGUN_KEPT = timedelta(hours=1)
CONTACT_KEPT = timedelta(days=30)
WORDS_KEPT = timedelta(days=365)
MOST_MADE = 10_000
"""Reports made from people's remarks that are searched for those of one person."""
AT_ONCE = 50
"""Reports of which something is forgotten in one transaction."""


def forget_what_is_past(unit: DeskUnit) -> int:
    """Forget some of what is past its time; returns of how many reports, and 0 once nothing is left that is."""
    reports, now = unit.reports, unit.now
    reports.drop_sources(now - SOURCES_KEPT)
    reports.drop_day_secrets(now - SECRETS_KEPT)
    # What a program was answered holds words and private links too.
    unit.replies.sweep(now - REPLIES_KEPT)
    unit.report_chats.drop_begun(now - BEGUN_KEPT)
    closed = reports.with_contact(now - CONTACT_KEPT, AT_ONCE)
    for each in closed:
        reports.drop_contact(each.id)
        reports.put(without_contact(each))
    old = reports.exact(now - WORDS_KEPT, AT_ONCE)
    for each in old:
        reports.drop_words(each.id)
        unit.listening.forget_answers(each.id)
        reports.put(without_words(each))
    return len(closed) + len(old)


def erased(unit: DeskUnit, report: CitizenReport) -> CitizenReport:
    """Erase a report's identity, place and words; its kind remains.

    Its form's key stays for as long as its words would have, a digest: otherwise the same form, sent again by a
    telephone, would restore all of it. One that is erased already stays as it is.
    """
    if report.closing is Closing.ERASED:
        return report
    bare = without_words(replace(report, lat=None, lon=None))
    gone = replace(
        bare,
        key=report.key,
        state=ReportState.CLOSED,
        closing=Closing.ERASED,
        closed_at=report.closed_at or unit.now,
        changed_at=unit.now,
        agreed=False,
        # The year's round takes the key.
        rounded=report.key is None,
    )
    unit.reports.put(gone)
    unit.reports.drop_all(report.id)
    unit.listening.forget_answers(report.id)
    # An answer about its words that were validated has its id, any other one its number.
    for name in (report.number, report.id):
        unit.replies.drop_those_with(name)
    unit.reports.step(ReportStep(report.id, unit.now, ReportState.CLOSED, Closing.ERASED))
    return gone


def forget_with_reports(unit: DeskUnit, forget: Callable[[DeskUnit], int]) -> tuple[int, int]:
    """Forget what somebody said, as `forget` does, and erase what officers made reports of it; how many it was of each.

    For where somebody asks for it: in time each has its own term.
    """
    made = [each for each in unit.reports.made_of_what_was_said(MOST_MADE) if not _is_source_forgotten(unit, each)]
    count = forget(unit)
    gone = [each for each in made if _is_source_forgotten(unit, each)]
    for each in gone:
        erased(unit, each)
    return count, len(gone)


def _is_source_forgotten(unit: DeskUnit, report: CitizenReport) -> bool:
    said = unit.listening.utterance(report.utterance) if report.utterance is not None else None
    return said is None or said.state is UtteranceState.FORGOTTEN


def without_contact(report: CitizenReport) -> CitizenReport:
    """Return the report without anything that reaches its sender, or gives them access."""
    return replace(report, token="", channel=None, chat=None, has_photo=False, likeness=None)


def without_words(report: CitizenReport) -> CitizenReport:
    """The report with nothing left in it that somebody said, and no exact place."""
    place = coarse(report.lat, report.lon) if report.lat is not None and report.lon is not None else (None, None)
    return replace(
        without_contact(report),
        lat=place[0], lon=place[1], place=None, text=None, language=None, key=None,
        source=None, source_before=None, held=None, answer=None, withheld=None, assigned_to=None,
        utterance=None, rounded=True,
    )  # fmt: skip

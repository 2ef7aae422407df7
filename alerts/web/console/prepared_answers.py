"""Prepared answers: what officers say most to who reported, which each reads in their own language.

A form carries the code alone. What is said is looked up when it is told, in the language that the report came in; where
there is no such language it is the town's. `as_prepared` is the act of a button that carries one.
"""

from __future__ import annotations

from dataclasses import dataclass

from alerts.model.errors import Misuse
from alerts.model.reason import because
from alerts.model.reports import CitizenReport, Closing, ReportState
from alerts.model.town import Town
from alerts.rendering.i18n import Words
from alerts.reports.report_acts import CloseReport, CloseReportAsPrepared, ReportAct, SetReportAside
from alerts.web.console.words import best_language, words_of


@dataclass(frozen=True, slots=True)
class PreparedAnswer:
    """A sentence for who reported; `closing` is what it closes a report with, None: it sets it aside."""

    code: str
    closing: Closing | None
    text: str


def prepared(words: Words) -> tuple[PreparedAnswer, ...]:
    """All of them in a language, in the order in which they are offered."""
    _ = words.gettext
    done, not_ours, not_found = Closing.DONE, Closing.NOT_OURS, Closing.NOT_FOUND
    return (
        PreparedAnswer("mended", done, _("It has been repaired. Thank you for telling us.")),
        PreparedAnswer("safe", done, _("Our teams have been there and made it safe. Thank you for telling us.")),
        PreparedAnswer("over", done, _("It is over: nothing more needs to be done there.")),
        PreparedAnswer(
            "passed-on",
            not_ours,
            _("This isn’t for the town to deal with. We have passed it on to the service in charge."),
        ),
        PreparedAnswer("private", not_ours, _("This is private property: it is up to its owner to deal with it.")),
        PreparedAnswer(
            "not-found",
            not_found,
            _("Our teams went there and found nothing. If it is still there, please report it again."),
        ),
        PreparedAnswer(
            "no-place", None, _("We couldn’t tell what it is, or where. Please report it again with more detail.")
        ),
        PreparedAnswer("no-matter", None, _("The town can’t do anything about this here.")),
        PreparedAnswer("offensive", None, _("It names or insults people, so we don’t keep it among the reports.")),
        PreparedAnswer("joke", None, _("It doesn’t seem to be meant seriously.")),
    )


@dataclass(frozen=True, slots=True)
class PreparedDecision:
    """A reason for what is decided about a notice; `upheld`: what it is about is taken from the public."""

    code: str
    upheld: bool
    text: str


def decisions(words: Words) -> tuple[PreparedDecision, ...]:
    """All of them in a language, in the order in which they are offered."""
    _ = words.gettext
    return (
        PreparedDecision("shows-somebody", True, _("Somebody can be recognised in it.")),
        PreparedDecision("accuses", True, _("It accuses somebody, and that isn’t what reports are for.")),
        PreparedDecision("unlawful", True, _("It is against the law.")),
        PreparedDecision("allowed", False, _("We found nothing in it that breaks the rules.")),
        PreparedDecision("useful", False, _("It names nobody, and others need to know about it.")),
    )


def decided_for(code: str, town: Town) -> PreparedDecision:
    """Return a decision in the town's language, since the objector's is unknown. Raises Misuse."""
    found = {each.code: each for each in decisions(words_of(best_language(None, town.language)))}
    if code not in found:
        raise Misuse(because("no_prepared_answer", name=code[:40]))
    return found[code]


def language_of(report: CitizenReport, town: Town) -> str:
    """Return the language of the reporter's messages."""
    return best_language(report.language, town.language)


def prepared_for(report: CitizenReport, code: str, town: Town) -> PreparedAnswer:
    """Return a prepared answer in the reporter's language. Raises Misuse if there is none of that code."""
    found = {each.code: each for each in prepared(words_of(language_of(report, town)))}
    if code not in found:
        raise Misuse(because("no_prepared_answer", name=code[:40]))
    return found[code]


def as_prepared(
    act: type[ReportAct], report: CitizenReport, code: str, was: ReportState | None, town: Town
) -> ReportAct:
    """The act with the prepared words. Raises Misuse for a code that belongs to no such act."""
    tapped = prepared_for(report, code, town)
    if act is CloseReport and tapped.closing is not None:
        return CloseReportAsPrepared(report.number, tapped.text, tapped.closing, was)
    if act is SetReportAside:
        return SetReportAside(report.number, tapped.text, was)
    raise Misuse(because("no_prepared_answer", name=code[:40]))

"""What officers say most to who reported, in one tap; each reads it in their own language.

A form carries the code alone. What is said is looked up when it is told, in the language that the report came in; where
there is no such language it is the town's.
"""

from __future__ import annotations

from dataclasses import dataclass

from alerts.model.errors import Misuse
from alerts.model.reason import because
from alerts.model.reports import CitizenReport, Closing
from alerts.model.town import Town
from alerts.rendering.i18n import Words
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
        PreparedAnswer("mended", done, _("It is mended. Thank you for telling us.")),
        PreparedAnswer("safe", done, _("Our teams were there: the place is safe. Thank you for telling us.")),
        PreparedAnswer("over", done, _("It is over: nothing more has to be done there.")),
        PreparedAnswer("passed-on", not_ours, _("This isn’t the town’s to do. We passed it on to who is in charge.")),
        PreparedAnswer("private", not_ours, _("This is private ground: its owner is in charge of it.")),
        PreparedAnswer(
            "not-found", not_found, _("Our teams were there and found nothing. Report it again if it is still there.")
        ),
        PreparedAnswer(
            "no-place", None, _("We couldn’t tell what or where it is. Please report it again, more exactly.")
        ),
        PreparedAnswer("no-matter", None, _("The town can do nothing about this here.")),
        PreparedAnswer("offensive", None, _("It names or insults persons, so we don’t keep it among the reports.")),
        PreparedAnswer("joke", None, _("It doesn’t seem to be meant in earnest.")),
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
        PreparedDecision("accuses", True, _("It accuses somebody, which isn’t for a report to do.")),
        PreparedDecision("unlawful", True, _("It is against the law.")),
        PreparedDecision("allowed", False, _("We found nothing in it that isn’t allowed.")),
        PreparedDecision("useful", False, _("It names nobody, and others need to know of it.")),
    )


def decided_for(code: str, town: Town) -> PreparedDecision:
    """That one in the town's language, since nobody knows in which who gave notice reads. Raises Misuse."""
    found = {each.code: each for each in decisions(words_of(best_language(None, town.language)))}
    if code not in found:
        raise Misuse(because("no_prepared_answer", name=code[:40]))
    return found[code]


def language_of(report: CitizenReport, town: Town) -> str:
    """The language in which who reported is told."""
    return best_language(report.language, town.language)


def prepared_for(report: CitizenReport, code: str, town: Town) -> PreparedAnswer:
    """That one as who reported reads it. Raises Misuse where there is none of that code."""
    found = {each.code: each for each in prepared(words_of(language_of(report, town)))}
    if code not in found:
        raise Misuse(because("no_prepared_answer", name=code[:40]))
    return found[code]

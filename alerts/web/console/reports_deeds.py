"""The acts on a report's page: each button's, by its name.

An act uses `alerts.reports.acts`, which checks the role, notifies the reporter and writes the audit log. Each is one
tap: its parameters are in the button, or were typed next to it.

The usual answers to reporters are prepared (`PreparedAnswer`), and each reporter reads them in their own language. A
form carries the code alone. The words are looked up when they are sent, in the report's language, or else the town's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from alerts.desk.officer import Officer
from alerts.model.errors import Misuse
from alerts.model.reason import because
from alerts.model.reports import CitizenReport, Closing, ReportState
from alerts.model.town import Town
from alerts.rendering.i18n import Words
from alerts.reports import acts
from alerts.reports.forwarding import forward_again
from alerts.web.console.words import best_language, words_of

Was = ReportState | None
ReportDeed = Callable[[Officer, str, Mapping[str, str], Was], object]
"""Does it to the report of that number, with what the form said, if it still is in the state in which it was seen."""


def was_of(form: Mapping[str, str]) -> Was:
    """In which state the officer saw it; None where the form doesn't say."""
    try:
        return ReportState(form.get("was", ""))
    except ValueError:
        return None


def _prepared(officer: Officer, number: str, form: Mapping[str, str]) -> PreparedAnswer | None:
    """Return the tapped answer, in the reporter's language. Returns None if it was typed."""
    code = form.get("prepared", "")
    return prepared_for(acts.find_report(officer.unit, number), code, officer.unit.desk.station) if code else None


def _accept(officer: Officer, number: str, form: Mapping[str, str], was: Was) -> object:
    return acts.accept(officer, number, form.get("said"), was=was)


def _tell(officer: Officer, number: str, form: Mapping[str, str], was: Was) -> object:
    """Words to who reported, while it goes on; they are the town's answer until there is another."""
    if not form.get("said", "").strip():
        raise Misuse(because("report_told_nothing"))
    return acts.accept(officer, number, form["said"], was=was)


def _assign(officer: Officer, number: str, form: Mapping[str, str], was: Was) -> object:
    return acts.assign(officer, number, form.get("to") or form.get("whom", ""), was=was)


def _close(officer: Officer, number: str, form: Mapping[str, str], was: Was) -> object:
    tapped = _prepared(officer, number, form)
    if tapped is not None and tapped.closing is not None:
        return acts.close(officer, number, tapped.closing, tapped.text, was=was, prepared=True)
    try:
        closing = Closing(form.get("closing", Closing.DONE))
    except ValueError:  # no page of ours sends it
        closing = Closing.ERASED
    return acts.close(officer, number, closing, form.get("answer"), was=was)


def _duplicate(officer: Officer, number: str, form: Mapping[str, str], was: Was) -> object:
    return acts.duplicate(officer, number, form.get("of") or form.get("other", ""), was=was)


def _about(officer: Officer, number: str, form: Mapping[str, str], was: Was) -> object:
    return acts.about(officer, number, form.get("about", ""), was=was)


def _set_aside(officer: Officer, number: str, form: Mapping[str, str], was: Was) -> object:
    tapped = _prepared(officer, number, form)
    return acts.set_aside(officer, number, tapped.text if tapped else form.get("reason", ""), was=was)


def _withhold(officer: Officer, number: str, form: Mapping[str, str], _: Was) -> object:
    return acts.withhold(officer, number, form.get("why", ""))


def _show_again(officer: Officer, number: str, _: Mapping[str, str], __: Was) -> object:
    return acts.show_again(officer, number)


def _erase(officer: Officer, number: str, _: Mapping[str, str], __: Was) -> object:
    return acts.erase(officer, number)


def _forward_again(officer: Officer, number: str, form: Mapping[str, str], _: Was) -> object:
    return forward_again(officer, acts.find_report(officer.unit, number), form.get("server") or None)


DEEDS: Mapping[str, ReportDeed] = MappingProxyType(
    {
        "accept": _accept,
        "tell": _tell,
        "assign": _assign,
        "close": _close,
        "duplicate": _duplicate,
        "about": _about,
        "set-aside": _set_aside,
        "withhold": _withhold,
        "show-again": _show_again,
        "erase": _erase,
        "forward-again": _forward_again,
    }
)
"""The acts on a report: each is an address below its page, and the code of its confirmation."""
STAYS = frozenset({"tell", "withhold", "show-again", "erase", "forward-again"})
"""After these the report is shown again; after the others the list, where the next one waits."""


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

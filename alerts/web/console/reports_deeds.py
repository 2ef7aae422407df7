"""What is done about a report from its page: each button's deed, by its name.

A deed acts through `alerts.reports.acts`, which checks the role, tells who reported and writes the audit log. Each is
one tap: what it needs to say is in the button, or was typed beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from alerts.desk.officer import Officer
from alerts.model.errors import Misuse
from alerts.model.reason import because
from alerts.model.reports import Closing, ReportState
from alerts.reports import acts
from alerts.reports.forwarding import forward_again
from alerts.web.console.reports_prepared import PreparedAnswer, prepared_for

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
    """What was tapped, in the language of who reported; None where something was typed."""
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
        return acts.close(officer, number, tapped.closing, tapped.text, was=was)
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
"""What can be done to a report: each is an address below its page, and the word that tells that it was done."""
STAYS = frozenset({"tell", "withhold", "show-again", "erase", "forward-again"})
"""After these the report is shown again; after the others the list, where the next one waits."""

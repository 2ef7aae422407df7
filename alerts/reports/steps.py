"""The rules that the acts on reports share (`report_acts`): who makes one public, and who is told of what.

The reporter is notified of a step (`ReportStep`): their private link shows it, and the bot sends it if the report has a
chat.
The audit log records acts and never words, for it is never forgotten, and the words are.

`accepted_at` means that an officer took the report's words for true enough to be public. Closing a waiting one doesn't
imply it, for a report is closed for its content as often as in spite of it. If two are needed (`[reports] answers`),
the author of an anonymous report is unknown: its words and photo wait until two officers accepted it, of whom the later
one validates; the first one may accept it again. Submitting it doesn't imply it either. An officer's own words wait
until somebody else validated them.
"""

from __future__ import annotations

from dataclasses import replace

from alerts.desk.handing_in import drafted, hand_in
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.desk.versions import waiting
from alerts.model.errors import Conflict, Forbidden, Misuse
from alerts.model.listening import AnswerTo, GivenAnswer
from alerts.model.person import Act, fold_name
from alerts.model.reason import because
from alerts.model.reports import CitizenReport, Closing, ContentNotice, ReportPhoto, ReportState, ReportStep, Via
from alerts.reports.forwarding import note_forwards

LONGEST_SAID = 1000
"""Characters of what an officer says to who reported."""
# A service's or a person's name.
LONGEST_ASSIGNED = 100
MOST_DUPLICATES = 500
"""Maximum duplicate reporters notified of the end; beyond, nobody can have checked that all are the same."""
BY_HAND = (Closing.DONE, Closing.NOT_OURS, Closing.NOT_FOUND)
"""The closings that an officer chooses; the others follow from other acts."""
WAITING = (ReportState.RECEIVED, ReportState.HELD)
"""The states in which a report waits for a first officer."""
TAKEN_UP = (ReportState.ACCEPTED, ReportState.ASSIGNED)
"""The states of one that an officer took up."""
ACCEPTED = "report accepted"
"""How the audit log says it."""
_MOST_LINES = 200
"""Lines of the audit log about one report that are read for its acceptances."""


def find_report(unit: DeskUnit, name: str) -> CitizenReport:
    """The report of that number or id. Raises Misuse."""
    found = unit.reports.by_number(name.upper()) or unit.reports.by_id(name)
    if found is None:
        raise Misuse(because("no_such_report", name=name[:40]))
    return found


def let_out(unit: DeskUnit, accepted: GivenAnswer) -> CitizenReport:
    """Publish a validated answer: its reporter and those of its duplicates get it.

    Raises Conflict if the report was erased meanwhile.
    """
    report = find_report(unit, accepted.subject)
    must_be(report)
    answered = replace(report, answer=accepted.text, changed_at=unit.now)
    unit.reports.put(answered)
    step = ReportStep(
        report.id, unit.now, report.state, report.closing, accepted.text, report.incident, by=accepted.author
    )
    unit.reports.step(step, report.channel, report.chat)
    if answered.state is ReportState.CLOSED:
        tell_duplicates(unit, answered, accepted.text, accepted.author)
    return answered


def tell_duplicates(unit: DeskUnit, closed: CitizenReport, answer: str | None, by: str) -> None:
    """Record the same answer for the duplicates' reporters."""
    for same in unit.reports.duplicates_of(closed.id, MOST_DUPLICATES):
        step = ReportStep(same.id, unit.now, same.state, closed.closing, answer, same.incident, by=by)
        unit.reports.step(step, same.channel, same.chat)


def may_go_out(officer: Officer, report: CitizenReport, said: str | None) -> str | None:
    """An officer's own words if they may be said now; None where there are none, or they wait for a second person."""
    if said is None or not _needs_two(officer.unit):
        return said
    draft = replace(drafted(officer, report.id, said, report.language), to=AnswerTo.REPORT)
    hand_in(officer, draft, waits=True, act=Act.TEND)
    return None


def last_answer(unit: DeskUnit, report: CitizenReport) -> str | None:
    """Return the last answer to it, even one that waits."""
    waits = waiting(unit, report.id)
    return waits.text if waits is not None else report.answer


def _needs_two(unit: DeskUnit) -> bool:
    section = unit.desk.station.reports
    return section is not None and section.answers == "approve"


def _is_one_enough(unit: DeskUnit) -> bool:
    return unit.desk.station.desk.alone or not _needs_two(unit)


def may_vouch(officer: Officer, report: CitizenReport) -> bool:
    """True if this officer may make it public.

    If two are needed, its submitter may not. Words or a photo need a validator, and another officer who took it up, or
    typed it in, before them.
    """
    if _is_one_enough(officer.unit):
        return True
    if _is_brought_by(officer, report):
        return False
    if not _has_words(report):
        return True
    return officer.actor.may(Act.VALIDATE_ANSWER) and bool(_took_up(officer.unit, report) - {_name_of(officer)})


def may_second(officer: Officer, report: CitizenReport) -> bool:
    """True if this officer, who may not vouch for its words, may be the other one who takes it up first.

    Without their acceptance an approver who took it up first could never make it public, however many authors saw it.
    """
    if report.accepted_at is not None or _is_one_enough(officer.unit) or _is_brought_by(officer, report):
        return False
    return _has_words(report) and _name_of(officer) not in _took_up(officer.unit, report)


def _has_words(report: CitizenReport) -> bool:
    return report.text is not None or report.has_photo


def _is_brought_by(officer: Officer, report: CitizenReport) -> bool:
    return report.by is not None and fold_name(report.by) == _name_of(officer)


def _name_of(officer: Officer) -> str:
    return fold_name(officer.actor.name)


def _took_up(unit: DeskUnit, report: CitizenReport) -> set[str]:
    """The officers who took it for a report: that of a program, whoever's it is, is a stranger's until then."""
    took = {each.by for each in unit.reports.steps(report.id) if each.state in TAKEN_UP}
    typed = {report.by} if report.via is Via.OFFICER else set()
    # Of a later officer's word who reported is told nothing, so it is no step.
    lines = [each.entry for each in unit.audit.newest(subject=report.number, most=_MOST_LINES)]
    seconded = {each.actor for each in lines if each.act == Act.TEND and each.detail == ACCEPTED}
    return {fold_name(each) for each in took | typed | seconded if each is not None}


# --- what of it is public


def release(officer: Officer, name: str, photo: ReportPhoto) -> CitizenReport:
    """Release its photo to the public, as it was read and blurred.

    Raises Conflict if it is another one by now, Forbidden for its submitter if two are needed.
    """
    report, kept = _with_photo(officer, name, photo)
    if kept.released_at is not None and kept.jpeg == photo.jpeg:
        return report
    if _is_brought_by(officer, report) and not _is_one_enough(officer.unit):
        raise Forbidden(because("report_brought", report=report.number, who=officer.actor.name))
    shown = replace(photo, released_at=officer.unit.now, released_by=officer.actor.name)
    officer.unit.reports.put_photo(shown)
    return touch(officer, report, "report's photo released")


def keep_photo(officer: Officer, name: str, photo: ReportPhoto) -> CitizenReport:
    """Keep its photo as it was blurred, without showing it. Raises Conflict where it is another one by now."""
    report, kept = _with_photo(officer, name, photo)
    if kept.jpeg == photo.jpeg:
        return report
    officer.unit.reports.put_photo(replace(kept, jpeg=photo.jpeg))
    return touch(officer, report, "report's photo blurred")


def take_back_photo(officer: Officer, name: str) -> CitizenReport:
    """Show its photo to nobody beyond the desk any more."""
    officer.must(Act.TEND)
    report = find_report(officer.unit, name)
    kept = officer.unit.reports.photo(report.id)
    if kept is None or kept.released_at is None:
        return report
    officer.unit.reports.put_photo(replace(kept, released_at=None, released_by=None))
    return touch(officer, report, "report's photo taken back")


def decide_notice(officer: Officer, notice: str, *, upheld: bool, answer: str) -> ContentNotice:
    """Decide what somebody says against a public report; upheld, its words and photo are withheld for that answer.

    Raises Misuse without an answer, Conflict where somebody was faster and decided otherwise.
    """
    officer.must(Act.TEND)
    unit, said = officer.unit, stripped(answer)
    kept = unit.reports.notice(notice)
    if kept is None:
        raise Misuse(because("no_such_notice", name=notice[:40]))
    state = "upheld" if upheld else "dismissed"
    if kept.state == state:
        return kept
    if kept.state != "open":
        raise Conflict(because("notice_settled"))
    if said is None:
        raise Misuse(because("notice_without_answer"))
    report = find_report(unit, kept.report)
    decided = replace(kept, state=state, answer=said, by=officer.actor.name)
    unit.reports.put_notice(decided)
    officer.write(Act.TEND, report.number, f"notice {state}")
    if upheld:
        withhold(officer, report, said)
    return decided


# --- what they have in common


def must_be(report: CitizenReport, was: ReportState | None = None) -> None:
    """Raise Conflict for what was erased, which comes back by nobody's hand, and where somebody was faster (`was`)."""
    if report.closing is Closing.ERASED:
        raise Conflict(because("report_is_erased", report=report.number))
    if was is not None and report.state is not was:
        raise Conflict(because("report_settled", report=report.number))


def withhold(officer: Officer, report: CitizenReport, why: str) -> CitizenReport:
    """Withdraw its words and photo from the public, for a reason that the reporter gets.

    Raises Conflict for what was erased: the words of a reason would be kept with it for good.
    """
    must_be(report)
    if report.withheld == why:
        return report
    return change(officer, replace(report, withheld=why), "report withheld", why)


def stripped(text: str | None) -> str | None:
    """An officer's words, None for a blank. Raises Misuse where they are too many."""
    said = (text or "").strip()
    if len(said) > LONGEST_SAID:
        raise Misuse(because("report_said_length", most=LONGEST_SAID))
    return said or None


def must_undo(officer: Officer) -> None:
    """Raise Forbidden for a role that says no to nobody, where two are needed: it doesn't undo another's no."""
    if _needs_two(officer.unit):
        officer.must(Act.REJECT)


def taken_up(
    officer: Officer, report: CitizenReport, state: ReportState, said: str | None, *, vouches: bool | None = None
) -> CitizenReport:
    """Return it as taken up; `vouches` makes it public, by default if one officer is enough."""
    if vouches is None:
        vouches = (_is_one_enough(officer.unit) or not _has_words(report)) and may_vouch(officer, report)
    if report.state is ReportState.SET_ASIDE:
        must_undo(officer)
    return replace(
        report,
        state=state,
        held=None,
        accepted_at=report.accepted_at or (officer.unit.now if vouches else None),
        closed_at=None,
        closing=None,
        duplicate_of=None,
        answer=said or (report.answer if report.is_open else None),
        assigned_to=report.assigned_to if state is ReportState.ASSIGNED else None,
    )


def closed(unit: DeskUnit, report: CitizenReport, closing: Closing, answer: str | None = None) -> CitizenReport:
    """Return it as closed, with an answer to who reported."""
    return replace(
        report,
        state=ReportState.CLOSED,
        closing=closing,
        closed_at=unit.now,
        answer=answer,
        duplicate_of=None,
        assigned_to=None,
    )


def change(officer: Officer, report: CitizenReport, what: str, said: str | None = None) -> CitizenReport:
    """Store it, notify the reporter, and record it."""
    unit = officer.unit
    step = ReportStep(report.id, unit.now, report.state, report.closing, said, report.incident, by=officer.actor.name)
    unit.reports.step(step, report.channel, report.chat)
    if report.state in TAKEN_UP:
        note_forwards(unit, unit.desk.station, report, unit.now)
    return touch(officer, report, what)


def touch(officer: Officer, report: CitizenReport, what: str) -> CitizenReport:
    """Store it and record it; the reporter isn't notified."""
    changed = replace(report, changed_at=officer.unit.now)
    officer.unit.reports.put(changed)
    officer.write(Act.TEND, report.number, what)
    return changed


def _with_photo(officer: Officer, name: str, photo: ReportPhoto) -> tuple[CitizenReport, ReportPhoto]:
    officer.must(Act.TEND)
    report = find_report(officer.unit, name)
    kept = officer.unit.reports.photo(report.id)
    if kept is None or kept.report != photo.report or kept.at != photo.at:
        raise Conflict(because("report_photo_changed", report=report.number))
    return report, kept

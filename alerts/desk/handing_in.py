"""Versions of an officer's own public words: written, waiting for a second person, then published or rejected.

`alerts.desk.versions` says what a version is bound to. Each kind publishes it in its own way: an answer goes where the
question was asked (`alerts.listening.questions`), the result of a poll onto its page, an answer to a report to its
reporter (`alerts.reports.steps`).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from alerts.desk.approve import SHORTEST
from alerts.desk.officer import Officer
from alerts.desk.versions import digest_of, waiting
from alerts.model.errors import Conflict, Forbidden, Misuse
from alerts.model.listening import AnswerState, AnswerTo, GivenAnswer
from alerts.model.person import Act, fold_name
from alerts.model.reason import because
from alerts.store.unit import Unit

_UNSEEN = (AnswerState.WAITING, AnswerState.REJECTED)
"""The states of versions that were never published."""


def drafted(officer: Officer, subject: str, text: str, language: str | None = None) -> GivenAnswer:
    """Return an unsubmitted version of this officer's words, by default in the town's language."""
    unit = officer.unit
    return GivenAnswer(
        id="",
        subject=subject,
        version=0,
        text=text,
        language=language or unit.desk.station.language,
        author=officer.actor.name,
        created_at=unit.now,
        state=AnswerState.WAITING,
    )


def hand_in(officer: Officer, draft: GivenAnswer, *, waits: bool, act: Act) -> GivenAnswer:
    """Store the next version by an officer who may write it (`act`). It waits, or the caller publishes it now.

    It replaces a version that still waited, whoever wrote it; the audit log gets a line for each.
    """
    unit, now = officer.unit, officer.unit.now
    versions = unit.listening.answers(draft.subject)
    new = replace(
        draft,
        id=unit.new_id(),
        version=len(versions) + 1,
        author=officer.actor.name,
        created_at=now,
        state=AnswerState.WAITING if waits else AnswerState.ACCEPTED,
    )
    digest = digest_of(new)
    new = new if waits else replace(new, digest=digest)
    for each in versions:
        if each.state is AnswerState.WAITING:
            unit.listening.decide_answer(each, AnswerState.REJECTED, officer.actor.name, now)
            officer.write(act, each.subject, f"{each.id} replaced: {new.id}")
    unit.listening.add_answer(new)
    officer.write(act, new.subject, f"{new.id} v{new.version}: {_logged(new)} [{digest}]")
    return new


def _logged(version: GivenAnswer) -> str:
    """Return a version for the audit log, which is never erased: reports are, so their answers leave only a digest."""
    if version.to is AnswerTo.REPORT:
        return "answer"
    return f"{version.asked} – {version.text}" if version.asked else version.text


def validate(officer: Officer, name: str, seen: str | None = None) -> GivenAnswer:
    """Accept a waiting version as it was shown (`seen`: its digest); the caller publishes it.

    Raises Forbidden for its own author, Conflict if somebody was faster or it has changed since it was shown.
    """
    officer.must(Act.VALIDATE_ANSWER)
    unit, now = officer.unit, officer.unit.now
    found = must_wait(unit, name)
    digest = digest_of(found)
    if seen is not None and seen != digest:
        raise Conflict(because("changed_since_shown", alert=found.id))
    is_own = is_by(officer, found)
    if is_own and not unit.desk.station.desk.alone:
        raise Forbidden(because("answers_own", answer=found.id, author=officer.actor.name))
    if not unit.listening.decide_answer(found, AnswerState.ACCEPTED, officer.actor.name, now, digest):
        raise Conflict(because("answer_settled", answer=found.id, state=found.state))
    alone = ", alone" if is_own else ""
    officer.write(Act.VALIDATE_ANSWER, found.subject, f"{found.id}{alone}: {_logged(found)} [{digest}]")
    return replace(found, state=AnswerState.ACCEPTED, validated_by=officer.actor.name, validated_at=now, digest=digest)


def let_go(officer: Officer, subject: str, act: Act) -> None:
    """Reject the waiting version of a subject, since it is never to be published."""
    if (found := waiting(officer.unit, subject)) is not None:
        officer.unit.listening.decide_answer(found, AnswerState.REJECTED, officer.actor.name, officer.unit.now)
        officer.write(act, subject, f"{found.id} rejected:")


def is_by(officer: Officer, version: GivenAnswer) -> bool:
    """True if this officer made that version or wrote its words, however the name is spelled.

    An officer who rewords the question, or merges another one into it, is the author of a version with somebody else's
    words. Until those are released they stay their writer's too.
    """
    earlier = [each for each in officer.unit.listening.answers(version.subject) if each.version < version.version]
    unseen = takewhile(lambda each: each.text == version.text and each.state in _UNSEEN, reversed(earlier))
    return fold_name(officer.actor.name) in {fold_name(each.author) for each in (version, *unseen)}


def find_answer(unit: Unit, name: str) -> GivenAnswer:
    """Return the version by its id, or by the beginning of it. Raises Misuse."""
    found = unit.listening.answer(only_named(unit, "answer", name))
    assert found is not None  # noqa: S101 its id was just read
    return found


def must_wait(unit: Unit, name: str) -> GivenAnswer:
    """Return the waiting version of that name. Raises Misuse, and Conflict if it no longer waits."""
    found = find_answer(unit, name)
    if found.state is not AnswerState.WAITING:
        raise Conflict(because("answer_settled", answer=found.id, state=found.state))
    return found


def only_named(unit: Unit, table: str, name: str) -> str:
    """Return the one id of that table with this beginning. Raises Misuse for none and for several."""
    found = unit.listening.named(table, name)
    if len(name) < SHORTEST and name not in found:
        raise Misuse(because("name_too_short", name=name, least=SHORTEST))
    if not found:
        raise Misuse(because("nothing_heard_so", name=name))
    if len(found) > 1:
        raise Misuse(because("name_of_several", name=name, found=list(found[:5])))
    return found[0]

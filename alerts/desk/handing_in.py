"""How a version of an officer's own words comes to be, waits for a second person, and is let out or kept back.

`alerts.desk.versions` says what a version is bound to. What letting it out means is its kind's own affair: an answer to
a question goes where it was asked (`alerts.listening.questions`), what came of a poll onto its page, an answer to a
report to who reported (`alerts.reports.steps`).
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
"""The states of what was never let out."""


def drafted(officer: Officer, subject: str, text: str, language: str | None = None) -> GivenAnswer:
    """Return a version of this officer's words before submission, by default in the town's language: it waits."""
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
    """Keep the next version of an officer who may give it (`act`); it waits, or is to be let out now.

    It takes the place of one that still waited, whoever's that was: the audit log has a line of each.
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
    """A version in the audit log. That is never forgotten, so of a report, whose words are, it has the digest alone."""
    if version.to is AnswerTo.REPORT:
        return "answer"
    return f"{version.asked} – {version.text}" if version.asked else version.text


def validate(officer: Officer, name: str, seen: str | None = None) -> GivenAnswer:
    """Accept a version that waits, as it was shown (`seen`: its digest); the caller lets it out.

    Raises Forbidden for its own author, Conflict where somebody was faster or it isn't what was shown.
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
    """The version of that id, or of that beginning of one. Raises Misuse."""
    found = unit.listening.answer(only_named(unit, "answer", name))
    assert found is not None  # noqa: S101 its id was just read
    return found


def must_wait(unit: Unit, name: str) -> GivenAnswer:
    """The version of that name, if it waits. Raises Misuse, and Conflict where it doesn't any more."""
    found = find_answer(unit, name)
    if found.state is not AnswerState.WAITING:
        raise Conflict(because("answer_settled", answer=found.id, state=found.state))
    return found


def only_named(unit: Unit, table: str, name: str) -> str:
    """The one id of that table that begins so. Raises Misuse for none and for several."""
    found = unit.listening.named(table, name)
    if len(name) < SHORTEST and name not in found:
        raise Misuse(because("name_too_short", name=name, least=SHORTEST))
    if not found:
        raise Misuse(because("nothing_heard_so", name=name))
    if len(found) > 1:
        raise Misuse(because("name_of_several", name=name, found=list(found[:5])))
    return found[0]

"""Officers' own words waiting for validation, outside alerts and polls, of all rooms: one way to release each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from alerts.desk.handing_in import must_wait, validate
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.listening import acts as of_questions
from alerts.listening import outcomes as of_polls
from alerts.model.listening import AnswerTo, GivenAnswer
from alerts.model.post import Post
from alerts.reports import acts as of_reports

_LetOut: TypeAlias = Callable[[Officer, str, str | None], tuple[GivenAnswer, Sequence[Post]]]


def _after(let_out: Callable[[DeskUnit, GivenAnswer], object]) -> _LetOut:
    """Return the act that validates, then releases a version whose kind has no post."""

    def validated(officer: Officer, name: str, seen: str | None) -> tuple[GivenAnswer, Sequence[Post]]:
        accepted = validate(officer, name, seen)
        let_out(officer.unit, accepted)
        return accepted, ()

    return validated


def _out_of_question(officer: Officer, name: str, seen: str | None) -> tuple[GivenAnswer, Sequence[Post]]:
    done = of_questions.approve_answer(officer, name, seen)
    return done.answer, done.posts


_LET_OUT: Mapping[AnswerTo, _LetOut] = MappingProxyType(
    {
        AnswerTo.QUESTION: _out_of_question,
        AnswerTo.POLL: _after(of_polls.let_out),
        AnswerTo.REPORT: _after(of_reports.let_out),
    }
)


def approve_version(officer: Officer, name: str, seen: str | None = None) -> tuple[GivenAnswer, Sequence[Post]]:
    """Release a waiting version as it was shown (`seen`: its digest), with its posts.

    Raises Forbidden for its own author, Misuse, and Conflict if it waits no more or differs from the one shown.
    """
    found = must_wait(officer.unit, name)
    return _LET_OUT[found.to](officer, found.id, seen)


def asked_of(unit: DeskUnit, version: GivenAnswer) -> str:
    """Return the subject of a version for its validator: the question as readers get it, the poll's, the report."""
    match version.to:
        case AnswerTo.POLL:
            poll = unit.polls.poll(version.subject)
            return poll.question if poll is not None else version.subject
        case AnswerTo.REPORT:
            report = unit.reports.by_id(version.subject)
            return " – ".join(filter(None, (report.number, report.text))) if report is not None else version.subject
        case _:
            question = unit.listening.question(version.subject)
            return version.asked or (question.words if question is not None else version.subject)

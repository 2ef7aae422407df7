"""Acts on one poll: let it open, keep it from opening, close it, add what the town did with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from alerts.desk.act import SEEN_BODY, Line, Lines, Named, OfficerAct, Seen
from alerts.desk.handing_in import drafted, hand_in
from alerts.desk.officer import Officer
from alerts.desk.out import Out
from alerts.desk.unit import DeskUnit
from alerts.desk.versions import newest
from alerts.listening.out import PollOut, PollResult
from alerts.listening.outcomes import LONGEST_OUTCOME, let_out
from alerts.listening.polls import closed, find_poll, opened, shown_of
from alerts.model.errors import Conflict, Forbidden, Misuse, Refused
from alerts.model.incident import MANUAL
from alerts.model.listening import AnswerTo
from alerts.model.person import Act, fold_name
from alerts.model.poll import POLLS, SHORTEST, Poll, PollState
from alerts.model.reason import Reason, because


@dataclass(frozen=True)
class PollAct(OfficerAct):
    """The base of them."""

    of, place, group = "polls", "/polls", "poll"
    answers: ClassVar[tuple[type[Out], ...]] = (PollOut,)
    names: ClassVar[str] = "A poll's id, or the start of one."

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Why no poll has this id."""
        return None if unit.polls.poll(self.id) is not None else because("no_such_poll", name=self.id[:60])

    def found(self, unit: DeskUnit) -> str | None:
        """The poll's id. An alert of that name goes first, but for the one that a poll's posts belong to."""
        if any(stored.source != POLLS for stored in unit.alerts.by_id(self.id)):
            return None
        try:
            return find_poll(unit, self.id).id
        except Misuse:
            return None

    def account(self, unit: DeskUnit, done: Poll) -> Out:
        """The poll with its posts."""
        return PollOut.of(unit, done)

    def before(self, unit: DeskUnit) -> Out:
        """The poll as it is now."""
        return PollOut.of(unit, find_poll(unit, self.id))

    def title(self, unit: DeskUnit) -> str:
        """The question."""
        return find_poll(unit, self.id).question

    def page(self, unit: DeskUnit, done: Poll) -> str:  # noqa: ARG002 it has its id
        """The poll's own page."""
        return f"/polls/{done.id}"

    def values(self, done: Poll) -> Mapping[str, Any]:
        """The poll's id, and the channels."""
        return {"alert": done.id, "channels": done.channels}

    def _waiting(self, unit: DeskUnit) -> Poll:
        poll = find_poll(unit, self.id)
        if poll.state is not PollState.WAITING or poll.approved_at is not None:
            raise Conflict(because("poll_is", poll=poll.id, state=poll.state))
        return poll


@dataclass(frozen=True)
class ApprovePoll(PollAct):
    """Let a waiting poll open.

    At once or at its hour, as it was shown (`seen`: `shown_of`). Raises Forbidden for its own author.
    """

    verb, permission, decides, body = "approve", Act.APPROVE, True, SEEN_BODY
    details = "Never one's own, unless the station has one officer alone."
    confirmation = "%(alert)s goes out on %(channels)s"

    seen: Seen = None

    def carry_out(self, officer: Officer) -> Poll:
        """Let it open. Raises Forbidden, Conflict, Refused."""
        officer.must(Act.APPROVE)
        unit, town = officer.unit, officer.unit.desk.station
        poll = self._waiting(unit)
        if self.seen is not None and self.seen != shown_of(poll):
            raise Conflict(because("changed_since_shown", alert=poll.id))
        if not town.desk.alone and fold_name(poll.author) == fold_name(officer.actor.name):
            raise Forbidden(because("validates_own", alert=poll.id, author=poll.author))
        if poll.closes_at - max(unit.now, poll.opens_at) < SHORTEST:
            raise Refused(because("poll_too_late", poll=poll.id))
        approved = replace(poll, approved_by=officer.actor.name, approved_at=unit.now)
        officer.write(Act.APPROVE, poll.id, f"{poll.question} [{shown_of(poll)}]")
        unit.polls.put(approved)
        return opened(unit, town, approved) if approved.opens_at <= unit.now else approved


@dataclass(frozen=True)
class RejectPoll(PollAct):
    """Keep a poll from opening.

    Its own author may; another's takes an approver.
    """

    verb, permission, decides = "reject", Act.CONSULT, True
    body = ("PollReason", "Why a poll doesn't open.")
    details = "An author may reject their own; another's takes an approver."
    confirmation = "%(alert)s doesn't go out"

    reason: Annotated[Line | None, Named(help="Why.")] = None

    def carry_out(self, officer: Officer) -> Poll:
        """Keep it. Raises Forbidden, Conflict."""
        unit = officer.unit
        poll = find_poll(unit, self.id)
        is_own = fold_name(poll.author) == fold_name(officer.actor.name)
        officer.must(Act.CONSULT if is_own else Act.REJECT)
        if poll.state is not PollState.WAITING:
            raise Conflict(because("poll_is", poll=poll.id, state=poll.state))
        who, why = officer.actor.name, self.reason
        reason = because("rejected_why", who=who, why=why) if why else because("rejected", who=who)
        rejected = replace(poll, state=PollState.REJECTED, reason=reason, secret="")
        unit.polls.put(rejected)
        officer.write(Act.REJECT, poll.id, why or "")
        return rejected


@dataclass(frozen=True)
class ClosePoll(PollAct):
    """Close an open poll before its time."""

    verb, permission = "close", Act.CONSULT
    help = "Close a poll before its time, on all its channels together."

    def carry_out(self, officer: Officer) -> Poll:
        """Close it. Raises Forbidden, Conflict."""
        officer.must(Act.CONSULT)
        poll = find_poll(officer.unit, self.id)
        if poll.state is not PollState.OPEN:
            raise Conflict(because("poll_is", poll=poll.id, state=poll.state))
        officer.write(Act.CONSULT, poll.id, "closes it before its time")
        return closed(officer.unit, officer.unit.desk.station, poll)


@dataclass(frozen=True)
class TellPollOutcome(PollAct):
    """Add to a poll's page what the town did with it.

    The words are public at once, or once somebody else has validated them (`alerts.desk.versions`).
    """

    verb, permission, answers = "outcome", Act.CONSULT, (PollResult,)
    body = ("OutcomeWish", "What the town did with a poll.")
    details = "Where the poll was validated, or messages of officers are, it waits: `waits` is it."

    outcome: Annotated[
        Annotated[Lines, StringConstraints(max_length=LONGEST_OUTCOME)], Named(help="What the town did with it.")
    ]

    def carry_out(self, officer: Officer) -> Poll:
        """Hand the words in; the same words again change nothing. Raises Forbidden, Conflict, Misuse."""
        officer.must(Act.CONSULT)
        unit, text = officer.unit, self.outcome.strip()
        poll = find_poll(unit, self.id)
        if poll.state is not PollState.CLOSED:
            raise Conflict(because("poll_is", poll=poll.id, state=poll.state))
        if not text or len(text) > LONGEST_OUTCOME:
            raise Misuse(because("poll_outcome", most=LONGEST_OUTCOME))
        last = newest(unit, poll.id)
        if last is not None and last.text == text:
            return poll
        waits = poll.approved_by is not None or unit.desk.station.rules_for(MANUAL).publish != "auto"
        draft = replace(drafted(officer, poll.id, text), to=AnswerTo.POLL)
        new = hand_in(officer, draft, waits=waits, act=Act.CONSULT)
        return poll if waits else let_out(unit, new)

    def account(self, unit: DeskUnit, done: Poll) -> Out:
        """The result, with the words that wait."""
        return PollResult.of(unit, done)

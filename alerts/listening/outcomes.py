"""What came of a poll, in an officer's own words on the poll's page: in versions, as every word of an officer's is.

Who wanted two people to ask wants two to say what came of it: the words wait where the poll was validated, or where
officers' messages are by now. What was said before stays on the page, below what is said now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.desk.handing_in import drafted, hand_in
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.desk.versions import newest, public_versions
from alerts.listening.polls import find_poll
from alerts.model.errors import Conflict, Misuse
from alerts.model.incident import MANUAL
from alerts.model.listening import AnswerTo, GivenAnswer
from alerts.model.person import Act
from alerts.model.poll import Poll, PollState
from alerts.model.reason import because
from alerts.store.unit import Unit

LONGEST_OUTCOME = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a poll, as it was said at that time."""

    text: str
    at: datetime | None


def outcomes(unit: Unit, poll: Poll) -> Sequence[Outcome]:
    """What everybody may read of it, the newest first."""
    found = [Outcome(each.text, each.validated_at or each.created_at) for each in public_versions(unit, poll.id)]
    # One that an earlier version of the program kept stands in the poll alone.
    if poll.outcome is not None and not unit.listening.answers(poll.id):
        found = [Outcome(poll.outcome, poll.outcome_at)]
    return found[::-1]


def tell_outcome(officer: Officer, name: str, words: str) -> tuple[Poll, GivenAnswer]:
    """Say on a closed poll's page what the town did with it, now or once somebody else has validated it.

    The same words again change nothing. Raises Forbidden, Conflict, Misuse.
    """
    officer.must(Act.CONSULT)
    unit, text = officer.unit, words.strip()
    poll = find_poll(unit, name)
    if poll.state is not PollState.CLOSED:
        raise Conflict(because("poll_is", poll=poll.id, state=poll.state))
    if not text or len(text) > LONGEST_OUTCOME:
        raise Misuse(because("poll_outcome", most=LONGEST_OUTCOME))
    last = newest(unit, poll.id)
    if last is not None and last.text == text:
        return poll, last
    town = unit.desk.station
    waits = poll.approved_by is not None or town.rules_for(MANUAL).publish != "auto"
    draft = replace(drafted(officer, poll.id, text), to=AnswerTo.POLL)
    new = hand_in(officer, draft, waits=waits, act=Act.CONSULT)
    return (poll if waits else let_out(unit, new)), new


def let_out(unit: DeskUnit, accepted: GivenAnswer) -> Poll:
    """Have what was accepted be what came of its poll."""
    poll = find_poll(unit, accepted.subject)
    done = replace(poll, outcome=accepted.text, outcome_at=unit.now)
    unit.polls.put(done)
    return done

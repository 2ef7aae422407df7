"""What came of a poll, in an officer's own words on the poll's page: in versions, as every word of an officer's is.

Who wanted two people to ask wants two to say what came of it: the words wait where the poll was validated, or where
officers' messages are by now. What was said before stays on the page, below what is said now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.desk.service import DeskUnit
from alerts.desk.versions import public_versions
from alerts.listening.polls import find_poll
from alerts.model.listening import GivenAnswer
from alerts.model.poll import Poll
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


def let_out(unit: DeskUnit, accepted: GivenAnswer) -> Poll:
    """Have what was accepted be what came of its poll."""
    poll = find_poll(unit, accepted.subject)
    done = replace(poll, outcome=accepted.text, outcome_at=unit.now)
    unit.polls.put(done)
    return done

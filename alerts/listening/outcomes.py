"""The outcome of a poll, in an officer's own words on the poll's page: in versions, like all officers' words.

A town that demanded two people for the poll demands two for its outcome: the words wait if the poll was validated, or
if officers' messages need it by now. Earlier words stay on the page, below the current ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.desk.unit import DeskUnit
from alerts.desk.versions import public_versions
from alerts.listening.polls import find_poll
from alerts.model.listening import GivenAnswer
from alerts.model.poll import Poll
from alerts.store.unit import Unit

LONGEST_OUTCOME = 2000


@dataclass(frozen=True, slots=True)
class PublishedOutcome:
    """The outcome of a poll, as published at that time."""

    text: str
    at: datetime | None


def outcomes(unit: Unit, poll: Poll) -> Sequence[PublishedOutcome]:
    """Return the public outcomes, the newest first."""
    found = [
        PublishedOutcome(each.text, each.validated_at or each.created_at) for each in public_versions(unit, poll.id)
    ]
    # One that an earlier version of the program kept stands in the poll alone.
    if poll.outcome is not None and not unit.listening.answers(poll.id):
        found = [PublishedOutcome(poll.outcome, poll.outcome_at)]
    return found[::-1]


def let_out(unit: DeskUnit, accepted: GivenAnswer) -> Poll:
    """Have what was accepted be what came of its poll."""
    poll = find_poll(unit, accepted.subject)
    done = replace(poll, outcome=accepted.text, outcome_at=unit.now)
    unit.polls.put(done)
    return done

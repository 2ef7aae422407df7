"""The one place that says which of an officer's own words may be public beside alerts: answers, outcomes of polls.

Each is a *version* (`GivenAnswer`): words by an author, bound by a digest to all that readers get with them: what is
asked, about which incident, whether who asks later and who didn't ask are told too. Where the town wants two people, a
version waits until somebody other than its author validated that digest (`alerts.desk.handing_in`). Any change of what
it is bound to is another version, which waits like the first; meanwhile the one before stands. Everything public asks
`public_versions`, and a post that is to be tried again asks `why_fallen`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256

from alerts.model.listening import AnswerState, GivenAnswer
from alerts.model.poll import PollState
from alerts.model.post import Means, Post, PostKind
from alerts.model.reason import Reason, because
from alerts.store.unit import Unit

_ALIVE = (AnswerState.WAITING, AnswerState.ACCEPTED)


def digest_of(version: GivenAnswer) -> str:
    """What a validation is bound to, as SHA-256: all that readers get by this version."""
    bound = [version.id, version.to, version.subject, version.text, version.language]
    reach = [version.asked, version.incident, version.next_ones, version.everywhere]
    return sha256(json.dumps([*bound, *reach], ensure_ascii=False).encode()).hexdigest()


def public_versions(unit: Unit, subject: str) -> Sequence[GivenAnswer]:
    """What was let out to that question, poll or report and not taken back, oldest first: the last one stands.

    What isn't to the letter what was let out is none. A version without a digest is of an earlier program.
    """
    versions = unit.listening.answers(subject)
    return [each for each in versions if each.state is AnswerState.ACCEPTED and _is_whole(each)]


def _is_whole(version: GivenAnswer) -> bool:
    return version.digest is None or version.digest == digest_of(version)


def standing(unit: Unit, subject: str) -> GivenAnswer | None:
    """The version that stands; None: none does."""
    found = public_versions(unit, subject)
    return found[-1] if found else None


def waiting(unit: Unit, subject: str) -> GivenAnswer | None:
    """The version that waits for a second person."""
    found = (each for each in reversed(unit.listening.answers(subject)) if each.state is AnswerState.WAITING)
    return next(found, None)


def newest(unit: Unit, subject: str) -> GivenAnswer | None:
    """The newest version that waits or stands."""
    return next((each for each in reversed(unit.listening.answers(subject)) if each.state in _ALIVE), None)


def why_fallen(unit: Unit, post: Post) -> Reason | None:
    """Why what that post says stands no more: its answer was withdrawn, its poll is over; None: it stands."""
    if post.kind is PostKind.ANSWER and post.means is not Means.DELETE and post.answer is not None:
        said = unit.listening.answer(post.answer)
        if said is not None and not (said.state is AnswerState.ACCEPTED and _is_whole(said)):
            return because("answer_withdrawn", question=said.subject)
    if post.kind is PostKind.POLL:
        poll = unit.polls.poll(post.alert_id)
        if poll is not None and poll.state is not PollState.OPEN:
            return because("poll_is", poll=poll.id, state=poll.state)
    return None

"""The rule of publicity for officers' own words outside alerts: answers, outcomes of polls.

Each is a *version* (`GivenAnswer`): words by an author, bound by a digest to everything published with them: the
question, the incident, and if later askers and others get them too. If the town demands two people, a version waits
until somebody other than its author validated that digest (`alerts.desk.handing_in`). Any change of a bound part is
another version, which waits like the first; meanwhile the one before stays public. Everything public asks
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

# A rejected or withdrawn version is none to build on.
_ALIVE = (AnswerState.WAITING, AnswerState.ACCEPTED)


def digest_of(version: GivenAnswer) -> str:
    """Return the SHA-256 that a validation is bound to: of everything published by this version."""
    bound = [version.id, version.to, version.subject, version.text, version.language]
    reach = [version.asked, version.incident, version.next_ones, version.everywhere]
    return sha256(json.dumps([*bound, *reach], ensure_ascii=False).encode()).hexdigest()


def public_versions(unit: Unit, subject: str) -> Sequence[GivenAnswer]:
    """Return the released versions for that question, poll or report, oldest first: the last one is current.

    A version that differs from its released form is none. One without a digest is of an earlier program.
    """
    versions = unit.listening.answers(subject)
    return [each for each in versions if each.state is AnswerState.ACCEPTED and _is_whole(each)]


def _is_whole(version: GivenAnswer) -> bool:
    return version.digest is None or version.digest == digest_of(version)


def current_answer(unit: Unit, subject: str) -> GivenAnswer | None:
    """Return the current version. Returns None if there is none."""
    found = public_versions(unit, subject)
    return found[-1] if found else None


def waiting(unit: Unit, subject: str) -> GivenAnswer | None:
    """The version that waits for a second person."""
    found = (each for each in reversed(unit.listening.answers(subject)) if each.state is AnswerState.WAITING)
    return next(found, None)


def newest(unit: Unit, subject: str) -> GivenAnswer | None:
    """Return the newest version that waits or is current."""
    return next((each for each in reversed(unit.listening.answers(subject)) if each.state in _ALIVE), None)


def why_fallen(unit: Unit, post: Post) -> Reason | None:
    """Return the reason why a post's words are invalid: its answer was withdrawn, its poll is over.

    None: they are valid.
    """
    if post.kind is PostKind.ANSWER and post.means is not Means.DELETE and post.answer is not None:
        said = unit.listening.answer(post.answer)
        if said is not None and not (said.state is AnswerState.ACCEPTED and _is_whole(said)):
            return because("answer_withdrawn", question=said.subject)
    if post.kind is PostKind.POLL:
        poll = unit.polls.poll(post.alert_id)
        if poll is not None and poll.state is not PollState.OPEN:
            return because("poll_is", poll=poll.id, state=poll.state)
    return None

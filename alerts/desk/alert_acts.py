"""Acts on a waiting or published alert, and on one of its posts; `Officer` has the rules of each.

Posting and updating are no acts: they are conversations, with drafts, rehearsals and previews of their own in each
front end, and call `Officer.file` at the end (docs/adr/0052). So are the commands and the page that end an alert, and
an officer's chat about a waiting one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field

from alerts.desk.act import Fingerprint, Lines, Name, Named, OfficerAct
from alerts.desk.actions import Filed
from alerts.desk.approve import alert_in_full, find_alert, find_posts
from alerts.desk.officer import Officer, current_version
from alerts.desk.out import AlertOut
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Misuse
from alerts.model.incident import StoredAlert
from alerts.model.person import Act
from alerts.model.post import Post
from alerts.model.reason import Reason, because

Done: TypeAlias = tuple[StoredAlert, Sequence[Post]]
"""The alert after the act, and the posts that changed."""
_Again = Annotated[bool, Field(description="Publish it though the same event is out already.")]
_OverLimit = Annotated[
    bool,
    Field(
        description="Send now what waits for the town's own limit instead: an approver, and only what is Severe or "
        "Extreme."
    ),
    Named(help="Send now what is severe or extreme and waits for the town's own limit; takes an approver."),
]
_DryRun = Annotated[bool, Field(description="Show each channel's text; store nothing.")]
_OwnPost = Annotated[Name | None, Field(description="One post of its incident alone."), Named(by_form=True)]


@dataclass(frozen=True)
class AlertAct(OfficerAct):
    """The base of acts on an alert. `by_id`: only the alert's full id names it, as that stands for its exact words."""

    of, place, group, answers = "alerts", "/alerts", "tocsin", (AlertOut,)
    names: ClassVar[str] = "An alert's id, CAP identifier or incident, or the start of one."
    by_id: ClassVar[bool] = False

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Return the reason why no alert has this full name. Returns None if one has."""
        try:
            alert_in_full(unit.alerts, self.id, only_id=self.by_id)
        except Misuse as error:
            return error.reason
        return None

    def account(self, unit: DeskUnit, done: Done) -> AlertOut:
        """Return the alert with its posts."""
        return AlertOut.of(unit, alert_in_full(unit.alerts, done[0].id, only_id=True))

    def before(self, unit: DeskUnit) -> AlertOut:
        """Return the alert by itself, with everything that a validation publishes."""
        return AlertOut.alone(unit, self._stored(unit))

    def title(self, unit: DeskUnit) -> str:
        """Return its headline, or the kind of its event."""
        stored = self._stored(unit)
        info = stored.alert.info_for(unit.desk.station.language) if stored.alert is not None else None
        return (info.headline or info.event) if info is not None else stored.id

    def page(self, unit: DeskUnit, done: Done) -> str:  # noqa: ARG002 it is the one in the address
        """Return the alert's own page, which confirms the act."""
        return f"/alerts/{self.id}?done={self.verb}"

    def values(self, done: Done) -> Mapping[str, Any]:
        """Return the alert's id, and the channels."""
        return {"alert": done[0].id, "channels": tuple(post.channel for post in done[1])}

    def _stored(self, unit: DeskUnit) -> StoredAlert:
        return find_alert(unit.alerts, self.id)


@dataclass(frozen=True)
class _EndAct(AlertAct):
    """The base of acts that end an alert. `If-Match` names the message that the end refers to.

    Commands and the page of an alert file an end by hand: they show its result, and wait for it.
    """

    group, place, files = "", "", True

    def account(self, unit: DeskUnit, done: Filed) -> AlertOut:  # type: ignore[override]
        """Return the message that ends it."""
        return AlertOut.of(unit, done.stored)

    def _stored(self, unit: DeskUnit) -> StoredAlert:
        return current_version(unit.alerts, find_alert(unit.alerts, self.id), ends=True)


@dataclass(frozen=True)
class CancelAlert(_EndAct):
    """End an alert."""

    verb, permission, body = "cancel", Act.CANCEL, ("EndWish", "Why an alert no longer holds.")
    details = "It no longer holds; with `over`, what it told of is over."

    reason: Annotated[Lines | None, Field(description="Told to the readers.")] = None
    over: Annotated[bool, Field(description="What it told of is over (all clear), rather than it no longer holds.")] = (
        False
    )
    dry_run: _DryRun = False

    def carry_out(self, officer: Officer) -> Filed:
        """File its end. Raises as `Officer.cancel`."""
        return officer.cancel(self.id, _plain(self.reason), over=self.over)


@dataclass(frozen=True)
class CorrectAlert(_EndAct):
    """Say that an alert was wrong."""

    verb, permission, body = (
        "correct",
        Act.CORRECT,
        ("CorrectWish", "A correction: the right words in place of the wrong ones."),
    )
    details = "On every channel where it is, ahead of everything else."

    reason: Annotated[Lines | None, Field(description="What is right; told to the readers.")] = None
    dry_run: _DryRun = False

    def carry_out(self, officer: Officer) -> Filed:
        """File the correction. Raises as `Officer.correct`."""
        return officer.correct(self.id, _plain(self.reason))


def _plain(text: str | None) -> str | None:
    """Return the text with line feeds as its only line endings."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if text is not None else None


@dataclass(frozen=True)
class ApproveAlert(AlertAct):
    """Validate a waiting alert."""

    verb, permission, group, place, decides, by_id = "approve", Act.APPROVE, "", "/waiting", True, True
    body = ("ApproveWish", "What was looked at before it was validated.")
    details = (
        "By its own id alone: that names exactly these texts, areas and channels, which never change. "
        "`If-Match`, or `seen`, is compared with its fingerprint. Never by its author."
    )

    confirmation = "%(alert)s goes out on %(channels)s"

    seen: Annotated[Fingerprint | None, Field(description="The `fingerprint` of the alert as it was shown.")] = None
    again: _Again = False

    def carry_out(self, officer: Officer) -> Done:
        """Let it go out exactly as it was shown. Raises as `Officer.approve`."""
        return officer.approve(self.id, seen=self.seen, again=self.again)


@dataclass(frozen=True)
class RejectAlert(AlertAct):
    """Keep a waiting alert from going out."""

    verb, permission, group, place, decides, by_id = "reject", Act.POST, "", "/waiting", True, True
    body = ("RejectWish", "Why it shall not go out.")
    details = "By its own id alone. An author may reject what they wrote themselves; the rest takes an approver."
    confirmation = "%(alert)s doesn't go out"

    reason: Annotated[Lines | None, Field(description="Told to its author.")] = None

    def carry_out(self, officer: Officer) -> Done:
        """Reject it. Raises as `Officer.reject`."""
        return officer.reject(self.id, (self.reason or "").strip() or None)

    def page(self, unit: DeskUnit, done: Done) -> str:  # noqa: ARG002 it is the one in the address
        """Return the list of waiting alerts, which confirms the act."""
        return f"/waiting?done={self.verb}&of={self.id}"


@dataclass(frozen=True)
class _TroubleAct(AlertAct):
    """The base of acts on failed posts and posts in doubt: all of an alert, or one."""

    def _stored(self, unit: DeskUnit) -> StoredAlert:
        posts = [post for post in unit.alerts.post_by_id(self.id) if post.id == self.id]
        return find_alert(unit.alerts, posts[0].alert_id if posts else self.id)

    def _meant(self, unit: DeskUnit, post: str | None) -> str:
        """Return the post's id if it belongs to the alert's incident, without a post the alert's. Raises Misuse."""
        if post is None:
            return self.id
        incident = find_alert(unit.alerts, self.id).incident_id
        # The post's id comes from a form: it must not reach into another incident.
        if all(each.id != post for each in unit.alerts.thread(incident)):
            raise Misuse(because("no_such_post", name=post, alert=self.id))
        return post


@dataclass(frozen=True)
class RetryAlert(_TroubleAct):
    """Send again what failed or is in doubt."""

    verb, permission, body = "retry", Act.RETRY, ("RetryWish", "What to send again.")
    details = "What was in doubt may then be out twice."
    confirmation = "queued again: %(channels)s"

    over_limit: _OverLimit = False
    post: _OwnPost = None

    def carry_out(self, officer: Officer) -> Done:
        """Queue it. Raises as `Officer.retry`."""
        return _with_alert(
            officer.unit, officer.retry(self._meant(officer.unit, self.post), over_limit=self.over_limit)
        )


@dataclass(frozen=True)
class DropAlert(_TroubleAct):
    """Give up what failed or is in doubt."""

    verb, permission, confirmation = "drop", Act.DROP, "dropped: %(channels)s"

    post: _OwnPost = None

    def carry_out(self, officer: Officer) -> Done:
        """Drop it. Raises as `Officer.drop`."""
        return _with_alert(officer.unit, officer.drop(self._meant(officer.unit, self.post)))


def _with_alert(unit: DeskUnit, posts: Sequence[Post]) -> Done:
    return unit.alerts.by_id(posts[0].alert_id)[0], posts


def _no_post(unit: DeskUnit, name: str) -> Reason | None:
    """Return the reason why no post has exactly this id: with an alert's id the desk would act on all of its posts."""
    is_there = any(post.id == name for post in unit.alerts.post_by_id(name))
    is_one = is_there and [post.id for post in find_posts(unit.alerts, name)] == [name]
    return None if is_one else because("request_no_post", name=repr(name[:60]))


@dataclass(frozen=True)
class RetryPost(RetryAlert):
    """Send one post again."""

    of, verb, group, place = "posts", "retry", "", ""
    details = "By the post's id. The answer is its alert."

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Return the reason why no post has this id."""
        return _no_post(unit, self.id)


@dataclass(frozen=True)
class DropPost(DropAlert):
    """Give one post up."""

    of, verb, group, place = "posts", "drop", "", ""
    details = "By the post's id. The answer is its alert."

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Return the reason why no post has this id."""
        return _no_post(unit, self.id)

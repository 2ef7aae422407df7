"""The items that wait for somebody: a validation, a post in doubt, a failed post; and who may release them.

A validation is bound to the displayed version (`fingerprint`): validating another one raises Conflict. Four eyes: by
somebody other than its author, onto the channels that it was written for, unless the town has only one officer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from alerts.desk.dedupe import end_reason, must_be_meant, stop_clocks
from alerts.desk.posts import supersede
from alerts.desk.routing import COMING
from alerts.model.alert import MsgType, alert_to_json
from alerts.model.errors import Conflict, Forbidden, Misuse, Refused
from alerts.model.incident import MANUAL, AlertState, StoredAlert, Wanted
from alerts.model.person import MAY, Act, Actor, fold_name
from alerts.model.post import OVER_LIMIT, DeferredPost, EndReason, Post, PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.store.alerts import AlertRepository
from alerts.store.views import Views

SHORTEST = 4
"""How much of a name says that it was meant: a slip of the finger must not cancel an alert."""


TAKEN_OVER_WITHIN = timedelta(hours=24)
"""How long an officer is notified that somebody else's words replaced theirs."""
_MOST_TAKEN_OVER = 40


class MessageKind(StrEnum):
    """A message's meaning for its readers: waiting ones are named by it."""

    ALERT = "alert"
    UPDATE = "update"
    END = "end"
    CANCELLATION = "cancellation"
    CORRECTION = "correction"


_ENDS = {
    EndReason.ALL_CLEAR: MessageKind.END,
    EndReason.EXPIRED: MessageKind.END,
    EndReason.CANCELLED: MessageKind.CANCELLATION,
    EndReason.CORRECTED: MessageKind.CORRECTION,
}


def kind_of(stored: StoredAlert, posts: Sequence[Post]) -> MessageKind:
    """Return a message's meaning, by its content and by its posts' kinds."""
    reason = end_reason(stored.alert) if stored.alert else None
    if reason is not None:
        return _ENDS[reason]
    kinds = {post.kind for post in posts}
    if kinds == {PostKind.END}:
        return MessageKind.END
    return MessageKind.UPDATE if kinds and PostKind.PUBLISH not in kinds else MessageKind.ALERT


def find_alert(alerts: AlertRepository, name: str) -> StoredAlert:
    """The alert of that id, CAP identifier or incident, by unique prefix. Raises Misuse."""
    found = alerts.by_id(name)
    if len(name) < SHORTEST and not any(name in (stored.id, stored.incident_id) for stored in found):
        raise Misuse(because("name_too_short", name=name, least=SHORTEST))
    if not found:
        raise Misuse(because("no_such_alert", name=name))
    if len(found) > 1:
        shown = [*(stored.id for stored in found[:5]), *("…" for _ in found[5:6])]
        raise Misuse(because("name_of_alerts", name=name, found=shown))
    return found[0]


def alert_in_full(alerts: AlertRepository, name: str, *, only_id: bool = False) -> StoredAlert:
    """The alert of that id, CAP identifier or incident (the newest of it), in full. Raises Misuse.

    `only_id`: nothing but the alert's own id, which names its exact texts.
    """

    def names(stored: StoredAlert) -> Sequence[str | None]:
        others = (stored.incident_id, stored.alert.identifier if stored.alert else None)
        return (stored.id,) if only_id else (stored.id, *others)

    # `by_id` takes the beginning of an id, as an officer types it; a program names what it means in full.
    alike = [stored for stored in alerts.by_id(name) if name in names(stored)]
    if len(alike) != 1:
        which = "its own id, in full" if only_id else "an alert's id, identifier or incident, in full"
        raise Misuse(because("request_no_alert", name=repr(name[:60]), which=which))
    return alike[0]


def find_posts(alerts: AlertRepository, name: str) -> list[Post]:
    """The post of that id, or all posts of the alert of that name. Raises Misuse."""
    posts, stored_alerts = alerts.post_by_id(name), alerts.by_id(name)
    if posts and not any(_is_named(stored, name) for stored in stored_alerts):
        if len(posts) + len(stored_alerts) == 1:
            return list(posts)
        shown = [*(post.id for post in posts), *(stored.id for stored in stored_alerts)][:5]
        raise Misuse(because("name_of_several", name=name, found=shown))
    return list(alerts.posts_of(find_alert(alerts, name).id))


def approve(
    alerts: AlertRepository, name: str, who: str, now: datetime, *, seen: str | None = None, again: bool = False
) -> tuple[StoredAlert, list[Post]]:
    """Let a waiting alert go out exactly as it was rendered.

    `seen` is the `fingerprint` of what was shown; another one is a Conflict, and so is a feed's message whose event is
    out already by another, unless `again` says that it is meant. Raises Misuse, or Refused where nothing waits. A name
    that all versions of an incident share validates none of them: a newer one may have just come.
    """
    stored, waiting = _waiting(alerts, name)
    if not stored.id.startswith(name) and len(alerts.incident(stored.incident_id)) > 1:
        raise Misuse(because("name_of_versions", name=name, alert=stored.id))
    if seen is not None and seen != fingerprint(stored, alerts.posts_of(stored.id)):
        raise Conflict(because("changed_since_shown", alert=stored.id))
    if not again:
        must_be_meant(alerts, stored, now)
    validated = because("validated", who=who)
    for post in waiting:
        alerts.move_post(post, PostState.QUEUED, None, not_before=now)
    alerts.set_alert_state(stored.id, AlertState.ACCEPTED, validated)
    alerts.note(now, stored.id, None, "approved", validated)
    # Nothing is left to be validated of an incident that ends here.
    if any(post.kind is PostKind.END for post in waiting):
        rest = [post for post in alerts.thread(stored.incident_id) if post.state is PostState.WAITING]
        supersede(alerts, rest, stored, now)
    # It is out now, so its twins must not go out by themselves any more.
    stop_clocks(alerts, stored, now)
    return stored, waiting


def reject(
    alerts: AlertRepository, name: str, who: str, reason: str | None, now: datetime, *, sent_back: bool = False
) -> tuple[StoredAlert, list[Post]]:
    """Keep a waiting alert from going out. Raises Misuse, or Refused where nothing waits.

    Where a veto came too late for some channels, it is kept from the others, and stays accepted: what is out has to be
    updated and ended.
    """
    stored, waiting = _waiting(alerts, name)
    bare = because("rejected", who=who)
    why = because("sent_back" if sent_back else "rejected_why", who=who, why=reason) if reason else bare
    left = [post.channel for post in alerts.posts_of(stored.id) if post.state in COMING]
    for post in waiting:
        alerts.move_post(post, PostState.REJECTED, why, not_before=None)
    became = because("rejected_too_late", rejected=why, channels=left) if left else why
    alerts.set_alert_state(stored.id, AlertState.ACCEPTED if left else AlertState.REJECTED, became)
    alerts.note(now, stored.id, None, "rejected", became)
    return stored, waiting


def fingerprint(stored: StoredAlert, posts: Sequence[Post]) -> str:
    """Return the SHA-256 that a validation is bound to: of everything it publishes, so all of it must be displayed.

    That is the message with its areas and every word, each post's channel, words and picture, and the subscribers'
    messages in each language. A post's state is no part of it.
    """
    shown: list[Any] = [stored.id, alert_to_json(stored.alert) if stored.alert else None]
    # In the order of their ids, for the store may list them in any.
    for post in sorted((each for each in posts if each.kind is not PostKind.ANSWER), key=lambda each: each.id):
        message = post.message
        # By its content and not its path: another picture may lie there by now.
        picture = [_content(message.image.path), message.image.alt] if message.image else None
        words = [message.text, message.plain, message.link, picture]
        subscribers = [[language, each.text, each.link] for language, each in sorted(post.subscribers.items())]
        shown.append([post.id, post.channel, post.kind, post.means, *words, post.exercise, *subscribers])
    return hashlib.sha256(json.dumps(shown, ensure_ascii=False).encode()).hexdigest()


def _content(picture: str) -> str | None:
    """Return the SHA-256 of a picture's file. Returns None if there is none."""
    try:
        found = Path(picture).stat()
        return _digest(picture, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
    except OSError:
        return None


@lru_cache(maxsize=256)
def _digest(picture: str, *_: int) -> str:
    """Read again only where the file isn't the one that was read: lists show many pictures, many times."""
    return hashlib.sha256(Path(picture).read_bytes()).hexdigest()


def retry(
    alerts: AlertRepository, name: str, now: datetime, *, fallen: Callable[[Post], Reason | None] = lambda _: None
) -> list[Post]:
    """Queue failed posts or those in doubt again; one in doubt may then be out twice. Raises Misuse or Refused.

    Posts that their incident has superseded stay: nobody is to read an alert after its update or its end. `fallen`
    returns the reason why a post's words are no longer valid.
    """
    troubled = _in_trouble(alerts, name)
    newer = {post.id: fallen(post) or _newer(alerts, post) for post in troubled}
    posts = [post for post in troubled if newer[post.id] is None]
    if not posts:
        raise Refused(because("retry_overtaken", name=name, why=newer[troubled[0].id]))
    return _move(alerts, posts, PostState.QUEUED, because("retried"), now)


def send_over_limit(alerts: AlertRepository, name: str, deferred: Iterable[DeferredPost], now: datetime) -> list[Post]:
    """Have what waits for the town's own windows (`deferred`) sent past them, first of all. Raises Misuse or Refused.

    Only what is grave (Severe, Extreme): anything less would use up what is kept back for that.
    """
    named = {post.id for post in find_posts(alerts, name)}
    found = [each for each in deferred if each.post.id in named]
    if not found:
        raise Refused(because("nothing_held", name=name))
    posts = [each.post for each in found if each.is_ours]
    if not posts:
        raise Refused(because("platform_holds", name=name, why=found[0].reason))
    if lesser := [post for post in posts if not post.urgent]:
        raise Refused(because("over_limit_grave", name=name, severity=lesser[0].severity, why=found[0].reason))
    for post in posts:
        alerts.put_ahead(post, OVER_LIMIT)
        alerts.note(now, post.alert_id, post.id, PostState.QUEUED, because("sent_over_limit"))
    return posts


def drop(alerts: AlertRepository, name: str, now: datetime) -> list[Post]:
    """Give up what failed or is in doubt. Raises Misuse or Refused."""
    return _move(alerts, _in_trouble(alerts, name), PostState.DROPPED, because("dropped"), now)


def _waiting(alerts: AlertRepository, name: str) -> tuple[StoredAlert, list[Post]]:
    stored = find_alert(alerts, name)
    waiting = [post for post in alerts.posts_of(stored.id) if post.state is PostState.WAITING]
    if not waiting:
        # Two officers may have the same page open: whoever comes second is told what the first one did.
        raise Conflict(_not_waiting(stored))
    return stored, waiting


def _in_trouble(alerts: AlertRepository, name: str) -> list[Post]:
    posts = find_posts(alerts, name)
    found = [post for post in posts if post.state in (PostState.FAILED, PostState.IN_DOUBT)]
    if not found:
        states = sorted({str(post.state) for post in posts})
        raise Refused(
            because("nothing_in_trouble", name=name, states=states)
            if states
            else because("nothing_sent_there", name=name)
        )
    return found


def _newer(alerts: AlertRepository, post: Post) -> Reason | None:
    """Return the reason why a post is superseded: a later one on its channel, an end anywhere, a newer message."""
    for later in alerts.thread(post.incident_id):
        is_here = later.channel == post.channel or later.kind is PostKind.END
        if later.seq > post.seq and is_here and later.state in COMING:
            return because("newer_there", alert=later.alert_id, kind=later.kind, state=later.state)
    # An answer's thread is its own: nothing but a later version of it takes its place.
    if post.kind is PostKind.ANSWER:
        return None
    messages = list(alerts.incident(post.incident_id))
    place = next(place for place, stored in enumerate(messages) if stored.id == post.alert_id)
    for stored in messages[place + 1 :]:
        follows = stored.alert
        if follows is not None and _replaces(stored, messages[place]):
            return because("has_replaced", alert=stored.id, type=follows.msg_type)
    return None


def _replaces(stored: StoredAlert, earlier: StoredAlert) -> bool:
    """True if its sender replaced the earlier one by it, published here or not; the same words replace nothing."""
    follows = stored.alert is not None and stored.alert.msg_type in (MsgType.UPDATE, MsgType.CANCEL)
    is_decided = stored.state in (AlertState.ACCEPTED, AlertState.LEFT_OUT)
    return follows and is_decided and stored.content_key != earlier.content_key


def _move(alerts: AlertRepository, posts: list[Post], state: PostState, reason: Reason, now: datetime) -> list[Post]:
    for post in posts:
        alerts.move_post(post, state, reason, not_before=None)
        alerts.note(now, post.alert_id, post.id, str(state), reason)
    return posts


def _is_named(stored: StoredAlert, name: str) -> bool:
    """True if the name is one of its names, in full."""
    return name in (stored.id, stored.incident_id, stored.alert.identifier if stored.alert else None)


def _not_waiting(stored: StoredAlert) -> Reason:
    if stored.reason is None:
        return because("not_waiting", alert=stored.id, state=stored.state)
    return because("not_waiting_why", alert=stored.id, state=stored.state, why=stored.reason)


def wrote(actor: Actor, stored: StoredAlert) -> bool:
    """True if the actor wrote it, however the name is spelled.

    At the command line a name is the given one (docs/adr/0004-accounts.md); the audit log has the login with it.
    """
    return stored.author is not None and fold_name(stored.author) == fold_name(actor.name)


def why_not_theirs(actor: Actor, stored: StoredAlert, station: Town, brought: Collection[str] = ()) -> Reason | None:
    """Return the reason why this actor may not validate it. Returns None if they may, as everybody may in a town alone.

    `brought` are the submitters of the reports that a draft cites: that makes it theirs, as a mail makes its draft its
    writer's.
    """
    if station.desk.alone:
        return None
    if wrote(actor, stored):
        return because("validates_own", alert=stored.id, author=stored.author)
    if fold_name(actor.name) in {fold_name(each) for each in stored.mailed_by}:
        return because("validates_mailed", alert=stored.id, who=actor.name)
    if fold_name(actor.name) in {fold_name(each) for each in brought}:
        return because("validates_brought", alert=stored.id, who=actor.name)
    if stored.author is None and stored.source == MANUAL:
        return because("author_unknown", alert=stored.id)
    return None


def must_be_another(actor: Actor, stored: StoredAlert, station: Town, brought: Collection[str] = ()) -> None:
    """Raise Forbidden for its author or submitter, unless the town has nobody else."""
    if why := why_not_theirs(actor, stored, station, brought):
        raise Forbidden(why)


def must_leave(stored: StoredAlert, posts: Sequence[Post], *, ends: bool) -> None:
    """Raise Forbidden for an officer who may not reject it: `posts` of somebody else's waiting alert.

    A feed's alert under a veto may be stopped by every author, so an end may withdraw it; an edit would stop its clock
    and leave it waiting for somebody, so it may not.
    """
    needed = MAY[Act.REJECT]
    if not is_vetoed(stored, posts):
        if stored.author:
            raise Forbidden(because("waits_of_another", alert=stored.id, author=stored.author, role=needed))
        raise Forbidden(because("waits_of_source", alert=stored.id, source=stored.source, role=needed))
    if not ends:
        raise Forbidden(because("goes_out_by_itself", alert=stored.id, role=needed))


def is_vetoed(stored: StoredAlert, posts: Sequence[Post]) -> bool:
    """True if it is a feed's, and goes out by itself unless somebody stops it."""
    return stored.author is None and any(post.state is PostState.WAITING and post.not_before for post in posts)


def must_fit(stored: StoredAlert, posts: Sequence[Post], station: Town) -> None:
    """Raise Refused where a channel isn't the one any more that it was shown for.

    An exercise stays one: nothing of it was ever let onto a live channel, whatever channels.toml says by now.
    """
    for post in posts:
        if post.state is PostState.WAITING and (why := _misfit(post, station)):
            raise Refused(because(why, alert=stored.id, channel=post.channel))


def _misfit(post: Post, station: Town) -> str | None:
    channel = station.channels.get(post.channel)
    if channel is None:
        return "channel_is_gone"
    if channel.exercise is post.exercise:
        return None
    return "channel_now_for_exercises" if channel.exercise else "channel_now_live"


@dataclass(frozen=True, slots=True)
class TakenOver:
    """An officer's message that waited for a validation until somebody else's took its place, and that one."""

    stored: StoredAlert
    newer: StoredAlert

    def is_of(self, name: str) -> bool:
        """True if that officer wrote the withdrawn alert."""
        return fold_name(self.stored.author or "") == fold_name(name)


def taken_over(views: Views, now: datetime) -> list[TakenOver]:
    """Return the officers' alerts of the last day that somebody else's newer words replaced; newest first."""
    left = views.page(Wanted(state=AlertState.LEFT_OUT, source=MANUAL), most=_MOST_TAKEN_OVER)
    newer = views.stored_alerts([superseded_by(each) for each in left])
    found = [taken for each in left if (taken := taken_over_by(each, newer.get(superseded_by(each))))]
    return [each for each in found if now - each.newer.received_at <= TAKEN_OVER_WITHIN]


def taken_over_by(stored: StoredAlert, newer: StoredAlert | None) -> TakenOver | None:
    """Return the pair if an officer wrote the one and somebody else, or a source, the `newer`; else None."""
    if stored.author is None or newer is None:
        return None
    taken = TakenOver(stored, newer)
    return None if taken.is_of(newer.author or newer.source) else taken


def superseded_by(stored: StoredAlert) -> str:
    """The id of the message that took its place while it waited; empty where none did."""
    reason = stored.reason
    return str(reason["by"]) if reason is not None and reason.code == "superseded" else ""

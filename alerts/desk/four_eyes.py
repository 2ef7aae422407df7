"""Who may let an alert go out: somebody else than who wrote it, onto the channels that it was written for."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.desk.dedupe import MANUAL
from alerts.desk.station import Station
from alerts.model.actor import MAY, Act, Actor, fold_name
from alerts.model.errors import Forbidden, Refused
from alerts.model.incident import StoredAlert
from alerts.model.post import Post, PostState
from alerts.model.reason import Reason, because


def wrote(actor: Actor, record: StoredAlert) -> bool:
    """Whether the actor is who wrote it, however the name is spelled.

    At the command line a name is what is given there (docs/adr/0004-accounts.md); the record keeps the login beside it.
    """
    return record.author is not None and fold_name(record.author) == fold_name(actor.name)


def why_not_theirs(actor: Actor, record: StoredAlert, station: Station) -> Reason | None:
    """Why this actor may not validate it; None: they may. Where the station is alone, everybody may."""
    if station.alone:
        return None
    if wrote(actor, record):
        return because("validates_own", alert=record.id, author=record.author)
    if record.author is None and record.source == MANUAL:
        return because("author_unknown", alert=record.id)
    return None


def must_be_another(actor: Actor, record: StoredAlert, station: Station) -> None:
    """Raise Forbidden for who wrote it, unless the station says that there is nobody else."""
    if why := why_not_theirs(actor, record, station):
        raise Forbidden(why)


def must_leave(record: StoredAlert, posts: Sequence[Post], *, ends: bool) -> None:
    """Raise Forbidden for who may not reject it: what `posts` of somebody else's alert wait for is not theirs to undo.

    What a feed brought and a veto holds, whoever may write stops, so an end may take it back; an edit would stop its
    clock and leave it waiting for somebody, so it may not.
    """
    needed = MAY[Act.REJECT]
    if not is_vetoed(record, posts):
        if record.author:
            raise Forbidden(because("waits_of_another", alert=record.id, author=record.author, role=needed))
        raise Forbidden(because("waits_of_source", alert=record.id, source=record.source, role=needed))
    if not ends:
        raise Forbidden(because("goes_out_by_itself", alert=record.id, role=needed))


def is_vetoed(record: StoredAlert, posts: Sequence[Post]) -> bool:
    """Whether a feed brought it, and it goes out by itself unless somebody stops it."""
    return record.author is None and any(post.state is PostState.WAITING and post.not_before for post in posts)


def must_fit(record: StoredAlert, posts: Sequence[Post], station: Station) -> None:
    """Raise Refused where a channel isn't the one any more that it was shown for.

    An exercise stays one: nothing of it was ever let onto a live channel, whatever channels.toml says by now.
    """
    for post in posts:
        if post.state is PostState.WAITING and (why := _misfit(post, station)):
            raise Refused(because(why, alert=record.id, channel=post.channel))


def _misfit(post: Post, station: Station) -> str | None:
    outlet = station.outlet(post.channel)
    if outlet is None:
        return "channel_is_gone"
    if outlet.exercise is post.exercise:
        return None
    return "channel_now_for_exercises" if outlet.exercise else "channel_now_live"

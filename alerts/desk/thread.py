"""An incident on one channel: its posts so far, what comes next, and what a correction can't mend there.

A channel's thread is its posts of one incident in the order of storing. What its readers see follows from the posts'
kinds and states alone, so each question here is a pure function of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerts.model.incident import LeftOut
from alerts.model.post import EndReason, Means, Post, PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig, Town

THERE = (PostState.SENDING, PostState.IN_DOUBT, PostState.SENT)
"""The states of what readers see, or may see already."""
MISSING = (PostState.WAITING, PostState.FAILED, PostState.EXPIRED)
"""The states of what is meant for readers, and not out yet, or didn't get there."""
COMING = (PostState.QUEUED, *THERE)
"""The states of what readers see, or will see if nothing stands in its way."""
_NO_MORE = (PostState.SUPERSEDED, PostState.REJECTED, PostState.DROPPED)
_UNSEEN = {
    PostState.QUEUED: "coming",
    PostState.SENDING: "coming",
    PostState.IN_DOUBT: "doubtful",
    PostState.WAITING: "waiting",
    PostState.FAILED: "failed",
    PostState.EXPIRED: "failed",
}


def last_there(thread: Sequence[Post]) -> Post | None:
    """The newest post that is there or on its way: what the next one follows."""
    return next((post for post in reversed(thread) if post.state in COMING), None)


def is_on(thread: Sequence[Post]) -> bool:
    """Whether the incident is on this channel, or on its way there, and was not ended.

    What follows an end without beginning anew, as a correction's words do, belongs to the end.
    """
    turns = [post.kind for post in thread if post.state in COMING and post.kind is not PostKind.UPDATE]
    return turns[-1] is not PostKind.END if turns else last_there(thread) is not None


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an incident is, of all its posts: each channel in one of the tuples, by what its readers have before them.

    `live` is what was sent and not ended there, whatever waits or fails since; `coming`, `doubtful`, `waiting` and
    `failed` are channels whose readers have nothing of it yet; `ended` those that were told of its end. `then` are the
    posts that would change what is live or end it, and aren't out.
    """

    live: tuple[str, ...] = ()
    coming: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    then: tuple[Post, ...] = ()

    @property
    def meant(self) -> int:
        """How many channels it is on, or meant for."""
        return sum(map(len, (self.live, self.coming, self.doubtful, self.waiting, self.failed)))


def reach_of(posts: Iterable[Post]) -> Reach:
    """How far an incident got, channel by channel: only what was answered for counts as seen."""
    threads: dict[str, list[Post]] = {}
    for post in posts:
        if post.state not in _NO_MORE:
            threads.setdefault(post.channel, []).append(post)
    found: dict[str, list[str]] = {}
    then: list[Post] = []
    for channel, thread in threads.items():
        seen, last = next((each for each in reversed(thread) if each.state is PostState.SENT), None), thread[-1]
        if seen is not None and seen.kind is not PostKind.END:
            found.setdefault("live", []).append(channel)
            then += [last] if last is not seen else []
        elif last.state is PostState.SENT or last.kind is PostKind.END:
            found.setdefault("ended", []).append(channel)
        else:
            found.setdefault(_UNSEEN[last.state], []).append(channel)
    return Reach(**{name: tuple(channels) for name, channels in found.items()}, then=tuple(then))


def channels_on(posts: Iterable[Post]) -> frozenset[str]:
    """The channels on which an incident is, of all its posts."""
    threads: dict[str, list[Post]] = {}
    for post in posts:
        threads.setdefault(post.channel, []).append(post)
    return frozenset(channel for channel, thread in threads.items() if is_on(thread))


def channels_meant(posts: Iterable[Post]) -> frozenset[str]:
    """The channels that an incident is for, of all its posts: where it is on, waits, or failed to get to."""
    listed = tuple(posts)
    newest = {post.channel: post for post in listed}
    # An end that didn't get there holds no channel: nothing more is meant for it.
    held = {name for name, post in newest.items() if post.state in MISSING and post.kind is not PostKind.END}
    return channels_on(listed) | held


def is_open(posts: Sequence[Post]) -> bool:
    """Whether anything of an incident is on, on its way, or waits for somebody."""
    return bool(channels_on(posts)) or any(post.state is PostState.WAITING for post in posts)


def overtaken(posts: Iterable[Post], *, by_one_that_waits: bool) -> list[Post]:
    """The posts whose place a newer message takes because they haven't left.

    One that waits for a validation takes the place of what waits too; it doesn't hold up what may go out.
    """
    states = (PostState.WAITING,) if by_one_that_waits else (PostState.WAITING, PostState.QUEUED)
    return [post for post in posts if post.state in states]


def next_step(
    channel: ChannelConfig, thread: Sequence[Post], ending: EndReason | None, *, told: bool = False
) -> PostKind | LeftOut:
    """What a channel's thread needs next: its first post (also after its end), an update, or its end.

    Where its subscribers were `told`, the end is told though the channel's own post never got out.
    """
    if is_on(thread) or (told and ending is not None):
        if ending is None:
            return PostKind.UPDATE
        silent = channel.on_end is Means.NONE and ending is not EndReason.CORRECTED
        return LeftOut(because("channel_tells_no_ends")) if silent else PostKind.END
    if ending is None:
        return PostKind.PUBLISH
    if any(post.kind is PostKind.END and post.state in COMING for post in thread):
        return LeftOut(because("end_told_there"))
    return LeftOut(because("never_appeared_there"))


def left_wrong(thread: Sequence[Post], station: Town) -> list[Reason]:
    """What to say of each channel on which the wrong words stay readable, or may still arrive, and what to do there."""
    lines = []
    for channel in station.channels.values():
        posts = [post for post in thread if post.channel == channel.name and post.state in THERE]
        lines += [_line(channel, post) for post in posts if _stays(channel, post)]
    return lines


def _stays(channel: ChannelConfig, post: Post) -> bool:
    return post.state is not PostState.SENT or channel.on_end not in (Means.EDIT, Means.DELETE)


def _line(channel: ChannelConfig, post: Post) -> Reason:
    if post.state is not PostState.SENT:
        return because("wrong_may_arrive", channel=channel.name)
    where = post.receipt.url if post.receipt and post.receipt.url else "its id is in `tocsin status`"
    return because("wrong_stays", channel=channel.name, where=where)

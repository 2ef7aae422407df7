"""The channels of an alert, its publishing mode, and the places of its incident: pure functions with reasons.

A channel's thread is its posts of one incident in the order of storing. The readers' view follows from the posts' kinds
and states alone (`is_on`, `reach_of`), and so does the next step there (`next_step`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from alerts.model.alert import Alert, Info, MsgType, Scope, Severity, Status, Urgency
from alerts.model.hazard import fold
from alerts.model.hazard_words import says_it_is_over
from alerts.model.incident import LeftOut
from alerts.model.post import EndReason, Means, Post, PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig, Publish, SourceRules, Town

# CAP's statuses that are published; System and Draft never are.
LIVE = (Status.ACTUAL,)
PRACTICE = (Status.EXERCISE, Status.TEST)
# How far ahead a time of issue may lie: a wrong clock or time zone, and no more.
_CLOCKS_DIFFER = timedelta(days=1)
# Characters of each text in which it says that it is over: what comes later tells of something else.
_LOOKED_AT = 300
IN_WORDS_ONLY = because("over_in_words")
THERE = (PostState.SENDING, PostState.IN_DOUBT, PostState.SENT)
"""The states of what readers see, or may see already."""
MISSING = (PostState.WAITING, PostState.FAILED, PostState.EXPIRED)
"""The states of what is meant for readers, and not out yet, or didn't get there."""
COMING = (PostState.QUEUED, *THERE)
"""The states of posts that readers see, or will see unless something prevents it; and see `may_be_seen`."""
# Posts that will never go out, by a decision rather than a failure.
_NO_MORE = (PostState.SUPERSEDED, PostState.REJECTED, PostState.DROPPED)
_UNSEEN = {
    PostState.QUEUED: "coming",
    PostState.SENDING: "coming",
    PostState.IN_DOUBT: "doubtful",
    PostState.WAITING: "waiting",
    PostState.FAILED: "failed",
    PostState.EXPIRED: "failed",
}


def fit_for_people(alert: Alert) -> LeftOut | None:
    """Why the message is for nobody here at all: not for the public, no alert, or with nothing to read in it."""
    # CAP 3.2.1: these two answer the system that sent a message, and have nothing to tell people.
    if alert.msg_type in (MsgType.ACK, MsgType.ERROR):
        return LeftOut(because("for_machines", type=alert.msg_type))
    if alert.status not in (*LIVE, *PRACTICE):
        return LeftOut(because("not_actual", status=alert.status))
    # CAP 3.2.1: what is Restricted or Private names those it is for, and they aren't the public.
    if alert.scope is not Scope.PUBLIC:
        return LeftOut(because("not_public", scope=alert.scope))
    # CAP 3.2.1 asks for no info. A Cancel does without, since what it refers to has the words.
    if not alert.infos and alert.msg_type is not MsgType.CANCEL:
        return LeftOut(because("nothing_to_read"))
    return None


def premature(alert: Alert, now: datetime) -> LeftOut | None:
    """Why its time of issue can't be right: in it lies what makes one message newer than another."""
    if alert.sent - now <= _CLOCKS_DIFFER:
        return None
    return LeftOut(because("sent_in_future", at=alert.sent))


def over(alert: Alert, now: datetime, zone: tzinfo) -> LeftOut | None:
    """Return the reason why it is too late to publish, in the town's time. Returns None if it isn't."""
    if alert.ends > now:
        return None
    return LeftOut(because("over_before_read", at=alert.ends.astimezone(zone)))


def grave_enough(alert: Alert, least: Severity) -> LeftOut | None:
    """Why it is too slight for a source that takes `least` and worse; Unknown passes, for it is often grave."""
    if alert.severity is Severity.UNKNOWN or alert.severity.at_least(least):
        return None
    return LeftOut(because("below_source_severity", severity=alert.severity, least=least))


def choose_channels(
    alert: Alert,
    station: Town,
    named: Sequence[str] = (),
    *,
    on: frozenset[str] = frozenset(),
    ends: bool = False,
) -> tuple[ChannelConfig, ...] | LeftOut:
    """The channels for a message, or why there is none.

    Those named, or all that take its status and severity, and those where its incident is `on`: whoever read the
    alert reads that it is less grave now. An end goes where the incident is on, and nowhere else.
    """
    fitting = _of_its_kind(alert.status, station, on)
    if isinstance(fitting, LeftOut):
        return fitting
    if misfit := misfits(alert, station, named, on):
        return misfit
    wanted = [channel for channel in fitting if not named or channel.name in named]
    if ends:
        return tuple(channel for channel in wanted if channel.name in on) or LeftOut(
            because("ends_none_named" if named else "ends_nothing_on")
        )
    taking = [channel for channel in wanted if named or channel.name in on or _takes(channel, alert.severity)]
    return tuple(taking) or LeftOut(because("below_every_channel", severity=alert.severity))


def channels_for(status: Status, station: Town, on: frozenset[str]) -> list[ChannelConfig]:
    """Exercises on exercise channels, real alerts on live ones, and never otherwise."""
    practice = status in PRACTICE
    return [
        each for each in station.channels.values() if each.exercise is practice and (each.public or each.name in on)
    ]


def _of_its_kind(status: Status, station: Town, on: frozenset[str]) -> list[ChannelConfig] | LeftOut:
    """The channels that may have it at all, or why there is none."""
    if fitting := channels_for(status, station, on):
        return fitting
    return LeftOut(because("no_exercise_channel" if status in PRACTICE else "no_channel", status=status))


def misfits(alert: Alert, station: Town, named: Sequence[str], on: frozenset[str]) -> LeftOut | None:
    """Why a channel that was named can't have it: nobody is left believing that it went there."""
    fitting = channels_for(alert.status, station, on)
    names = {channel.name for channel in fitting}
    strangers = [name for name in named if name not in names]
    if not strangers:
        return None
    known = [channel.name for channel in fitting]
    return LeftOut(because("channel_of_other_kind", channels=strangers, status=alert.status, known=known))


def _takes(channel: ChannelConfig, severity: Severity) -> bool:
    # Unknown can't be held against a threshold: it is often grave.
    return severity is Severity.UNKNOWN or severity.at_least(channel.severity)


def how_to_publish(alert: Alert, intake: SourceRules, ending: EndReason | None = None) -> Publish:
    """`publish` of the source, or `urgent` for what is Severe or worse and Immediate.

    A severity of Unknown can't be held against a threshold: from a source that has one, it waits for the officer. An
    end is no warning, so it needs no severity, and `urgent = "auto"` lets no end out: it is never urgent to stop
    warning. What withdraws a wrong alert waits for nobody.
    """
    if ending is EndReason.CORRECTED:
        return "auto"
    # A source whose threshold is Minor takes everything, so Unknown is no exception there.
    if alert.severity is Severity.UNKNOWN and intake.severity.at_least(Severity.MODERATE) and ending is None:
        return "approve"
    if alert.severity.at_least(Severity.SEVERE) and alert.urgency is Urgency.IMMEDIATE and intake.urgent:
        return intake.publish if intake.urgent == "auto" and ending is not None else intake.urgent
    return intake.publish


def over_in_words(alert: Alert) -> bool:
    """True if a warning says in its first words, in one of its languages, that it is over.

    Some publishers send "Fin de l'alerte crue" as one more Alert or Update. Published as a warning it would frighten,
    as an all clear it would permit; neither is for a machine to choose.
    """
    return any(_says_over(info) for info in alert.infos)


def _says_over(info: Info) -> bool:
    first = (info.description or "")[:_LOOKED_AT].split(". ", 1)[0]
    texts = [fold(text[:_LOOKED_AT]) for text in (info.headline or "", info.event, first)]
    return says_it_is_over(*texts)


def may_be_seen(post: Post) -> bool:
    """True if readers see the post, will see it, or may, because its answer was lost and it was then given up.

    Possible readers of an alert get its end. An end that may be out isn't enough: it can be repeated.
    """
    return post.state in COMING or (post.is_doubtful and post.kind is not PostKind.END)


def last_there(thread: Sequence[Post]) -> Post | None:
    """The newest post that is there, may be, or is on its way: what the next one follows."""
    return next((post for post in reversed(thread) if may_be_seen(post)), None)


def is_on(thread: Sequence[Post]) -> bool:
    """True if the incident is on this channel, or on its way there, and was not ended.

    Posts after an end that don't begin again, such as a correction's words, belong to the end.
    """
    turns = [post.kind for post in thread if may_be_seen(post) and post.kind is not PostKind.UPDATE]
    return turns[-1] is not PostKind.END if turns else last_there(thread) is not None


@dataclass(frozen=True, slots=True)
class Reach:
    """The places of an incident, by all its posts: each channel in one of the tuples, by its readers' view.

    `live` was sent and not ended there, whatever waits or fails since; `coming`, `doubtful`, `waiting` and `failed` are
    channels whose readers have nothing of it yet; `ended` those with its end. `then` are the unsent posts that would
    change a live one or end it; `deferred` those deferred only by a limit, or by our refused access; `unread` channels
    that reach subscribers alone and have none.
    """

    live: tuple[str, ...] = ()
    coming: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    then: tuple[Post, ...] = ()
    deferred: tuple[Post, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def meant(self) -> int:
        """How many channels it is on, or meant for."""
        return sum(map(len, (self.live, self.coming, self.doubtful, self.waiting, self.failed)))


def reach_of(posts: Iterable[Post], unread: Collection[str] = ()) -> Reach:
    """How far an incident got, channel by channel: only what was answered for counts as seen.

    On the channels in `unread` nobody can see anything.
    """
    threads: dict[str, list[Post]] = {}
    for post in posts:
        if post.state not in _NO_MORE:
            threads.setdefault(post.channel, []).append(post)
    found: dict[str, list[str]] = {}
    then: list[Post] = []
    for channel, thread in threads.items():
        if channel in unread:
            found.setdefault("unread", []).append(channel)
            continue
        seen, last = next((each for each in reversed(thread) if each.state is PostState.SENT), None), thread[-1]
        if seen is not None and seen.kind is not PostKind.END:
            found.setdefault("live", []).append(channel)
            then += [last] if last is not seen else []
        elif last.state is PostState.SENT or last.kind is PostKind.END:
            found.setdefault("ended", []).append(channel)
        else:
            found.setdefault(_UNSEEN[last.state], []).append(channel)
    deferred = tuple(
        thread[-1] for thread in threads.values() if thread[-1].is_deferred or thread[-1].is_refused_access
    )
    return Reach(**{name: tuple(channels) for name, channels in found.items()}, then=tuple(then), deferred=deferred)


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
    missing = {name for name, post in newest.items() if post.state in MISSING and post.kind is not PostKind.END}
    return channels_on(listed) | missing


def is_open(posts: Sequence[Post]) -> bool:
    """True if a post of an incident is on, on its way, or waits for somebody."""
    return bool(channels_on(posts)) or any(post.state is PostState.WAITING for post in posts)


def overtaken(posts: Iterable[Post], *, by_one_that_waits: bool) -> list[Post]:
    """The posts whose place a newer message takes because they haven't left.

    One that waits for a validation takes the place of what waits too; it doesn't hold up what may go out.
    """
    states = (PostState.WAITING,) if by_one_that_waits else (PostState.WAITING, PostState.QUEUED)
    return [post for post in posts if post.state in states]


def next_step(
    channel: ChannelConfig, thread: Sequence[Post], ending: EndReason | None, *, reached: bool = False
) -> PostKind | LeftOut:
    """Return the next step of a channel's thread: its first post (also after its end), an update, or its end.

    If its subscribers have the incident (`reached`), the end is published though the channel's own post never got out.
    """
    if is_on(thread) or (reached and ending is not None):
        if ending is None:
            return PostKind.UPDATE
        # What was wrong is corrected also where ends aren't told: its readers believe it until then.
        silent = channel.on_end is Means.NONE and ending is not EndReason.CORRECTED
        return LeftOut(because("channel_tells_no_ends")) if silent else PostKind.END
    if ending is None:
        return PostKind.PUBLISH
    if any(post.kind is PostKind.END and post.state in COMING for post in thread):
        return LeftOut(because("end_told_there"))
    return LeftOut(because("never_appeared_there"))


def left_wrong(thread: Sequence[Post], station: Town) -> list[Reason]:
    """Return a line for each channel on which wrong words stay, or may still arrive, with the remedy there."""
    lines = []
    for channel in station.channels.values():
        posts = [post for post in thread if post.channel == channel.name and post.state in THERE]
        lines += [_line(channel, post) for post in posts if _stays(channel, post)]
    return list(dict.fromkeys(lines))


def _stays(channel: ChannelConfig, post: Post) -> bool:
    return post.state is not PostState.SENT or channel.on_end not in (Means.EDIT, Means.DELETE)


def _line(channel: ChannelConfig, post: Post) -> Reason:
    if post.state is not PostState.SENT:
        return because("wrong_may_arrive", channel=channel.name)
    where = post.receipt.url if post.receipt and post.receipt.url else "it has no address to open"
    return because("wrong_stays", channel=channel.name, where=where)

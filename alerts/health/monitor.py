"""Troubles and their phases: when a warning is new, repeated or over. Decisions only, nothing is sent.

    rounds ──▶ troubles ──▶ lasting ones ──▶ notices: firing, repeated, resolved

Each round returns its findings (`see`). A trouble has to last some rounds before it is reported, is repeated while it
lasts, and reported once more when it is over; one that comes back at once is no new trouble. The same phases serve an
alert that waits for a validation (`notices_due`). The meaning of a feed's silence is learned from the feed itself
(`Habit`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from alerts.model.reason import Reason, because

AGAIN_AFTER = timedelta(hours=6)
"""How long until a lasting trouble is reported again."""
RESTS = timedelta(minutes=30)
"""A trouble that comes back within this time of its last beginning isn't new, so that flapping causes no flood."""
FAILURES_REPORTED = 3
"""How many times in a row a source has to fail: a lost packet is no news."""
INTERVALS_REPORTED = 3
"""And for how many of its own intervals it wasn't read."""
STUCK_AFTER = timedelta(minutes=10)
"""How long a post may be tried without success before that is reported."""
LIMITED_FOR = timedelta(minutes=2)
"""How much longer a grave post has to wait for its channel's limits before that is reported."""


class What(StrEnum):
    """The kinds of trouble, the one that explains the others of a channel first."""

    CYCLE = "cycle"
    TASK = "task"
    CREDENTIAL = "credential"
    PLATFORM = "platform"
    LANE = "lane"
    RIGHTS = "rights"
    UNDECIDED = "undecided"
    LIMIT = "limit"
    FEED = "feed"
    QUIET = "quiet"
    UNDRAFTED = "undrafted"
    SIGN_INS = "sign_ins"
    RESTORED = "restored"
    CROWD = "crowd"
    BUDGET = "budget"
    STORE = "store"


OF_A_CHANNEL = (What.CREDENTIAL, What.PLATFORM, What.LANE, What.RIGHTS, What.UNDECIDED, What.LIMIT)
# What needs no warning of its own while the other is there: they are one cause.
_HIDES: Mapping[What, tuple[What, ...]] = MappingProxyType(
    {
        What.TASK: (What.CYCLE,),
        What.CREDENTIAL: (What.PLATFORM, What.LANE, What.RIGHTS, What.LIMIT),
        What.PLATFORM: (What.LANE, What.LIMIT),
    }
)
# For how many rounds in a row it has to be seen; all else is told when it is seen first.
_ROUNDS: Mapping[What, int] = MappingProxyType({What.CYCLE: 3, What.PLATFORM: 3})


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that doesn't work: a channel, a source or a cycle by its name, why, and since when if that is known."""

    what: What
    name: str
    reason: Reason | None = None
    since: datetime | None = None
    posts: int = 0

    @property
    def key(self) -> str:
        """The identity of the trouble across rounds."""
        return f"{self.what} {self.name}"


@dataclass(frozen=True, slots=True)
class StuckPosts:
    """Posts of a channel that don't get out: how many, since when, and what was said last."""

    posts: int
    since: datetime
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """A channel in one round. `refused` is why its credential doesn't work, `unreachable` why nobody answers there.

    `known` says whether its platform could be asked: where not, silence is no recovery. `rights` are what is missing.
    `limited` are grave posts that wait for the channel's limits.
    """

    name: str
    refused: Reason | None = None
    unreachable: Reason | None = None
    rights: tuple[Reason, ...] = ()
    stuck: StuckPosts | None = None
    undecided: StuckPosts | None = None
    limited: StuckPosts | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """A source in one round: how often it is read, how often it failed in a row, when it was last good.

    `undrafted` is how much of it found no place among its drafts.
    """

    name: str
    every: timedelta
    failures: int = 0
    reason: Reason | None = None
    last_ok: datetime | None = None
    quiet_since: datetime | None = None
    undrafted: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """The findings of one round: the troubles, and the keys of all that was checked.

    Absent ones among them are over.
    """

    troubles: tuple[Trouble, ...] = ()
    judged: frozenset[str] = frozenset()

    def and_also(self, troubles: Sequence[Trouble]) -> Seen:
        """With troubles that come under any name: sign-ins that fail again and again, a database that was put back."""
        return Seen((*self.troubles, *troubles), self.judged.union(each.key for each in troubles))

    def of_store(self, name: str, lacks: Reason | None) -> Seen:
        """With what the disk of the database of that name lacks, if anything."""
        trouble = Trouble(What.STORE, name, lacks)
        return Seen((*self.troubles, *([trouble] if lacks else ())), self.judged | {trouble.key})

    def judging(self, kinds: Sequence[What], keys: Iterable[str]) -> Seen:
        """Return the findings after checking these kinds: reported troubles of them that are absent are over."""
        begins = tuple(f"{what} " for what in kinds)
        return Seen(self.troubles, self.judged.union(key for key in keys if key.startswith(begins)))


def see(
    channels: Sequence[ChannelSeen],
    sources: Sequence[SourceSeen],
    cycles: Mapping[str, Reason | None],
    now: datetime,
) -> Seen:
    """Return one round's troubles. `cycles` has every cycle, with the reason if it is stalled (else None)."""
    stalled = [Trouble(What.CYCLE, name, why) for name, why in cycles.items() if why is not None]
    found = [
        *stalled,
        *(trouble for channel in channels for trouble in _of_channel(channel)),
        *(trouble for source in sources for trouble in _of_source(source, now)),
    ]
    judged = [f"{What.CYCLE} {name}" for name in cycles]
    # What couldn't be looked at is neither there nor over: only what was judged can be told to have ended.
    for channel in channels:
        kinds = OF_A_CHANNEL if channel.known else (What.LANE, What.UNDECIDED, What.LIMIT)
        judged += [f"{what} {channel.name}" for what in kinds]
    judged += [f"{what} {source.name}" for source in sources for what in (What.FEED, What.QUIET, What.UNDRAFTED)]
    return Seen(tuple(found), frozenset(judged).union(trouble.key for trouble in found))


def _of_channel(seen: ChannelSeen) -> Iterator[Trouble]:
    if seen.refused is not None:
        yield Trouble(What.CREDENTIAL, seen.name, seen.refused)
    if seen.unreachable is not None:
        yield Trouble(What.PLATFORM, seen.name, seen.unreachable)
    if seen.rights:
        yield Trouble(What.RIGHTS, seen.name, because("rights_missing", each=seen.rights))
    piles = ((What.LANE, seen.stuck), (What.UNDECIDED, seen.undecided), (What.LIMIT, seen.limited))
    for what, stuck in piles:
        if stuck is not None:
            yield Trouble(what, seen.name, stuck.reason, stuck.since, stuck.posts)


def _of_source(seen: SourceSeen, now: datetime) -> Iterator[Trouble]:
    if seen.failures >= FAILURES_REPORTED and _long_ago(seen.last_ok, seen.every * INTERVALS_REPORTED, now):
        yield Trouble(What.FEED, seen.name, seen.reason, seen.last_ok)
    elif seen.quiet_since is not None:
        yield Trouble(What.QUIET, seen.name, None, seen.quiet_since)
    if seen.undrafted:
        yield Trouble(What.UNDRAFTED, seen.name, posts=seen.undrafted)


def _long_ago(time: datetime | None, span: timedelta, now: datetime) -> bool:
    """True if the time is long ago. A future one is of a clock that was set back, so it proves nothing."""
    return time is None or time > now or now - time >= span


# --- from troubles to notices ---------------------------------------------------------------------------------------


class Phase(StrEnum):
    """The phase of a trouble; the values are part of stored reasons and log lines."""

    FIRING = "begins"
    REPEATED = "goes_on"
    RESOLVED = "over"


@dataclass(frozen=True, slots=True)
class ReportedTrouble:
    """A trouble known to those on call: since when, and when they were last notified."""

    trouble: Trouble
    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class HealthNotice:
    """One short message to those on call."""

    say: Phase
    trouble: Trouble
    since: datetime


@dataclass(frozen=True, slots=True)
class MonitorMemory:
    """The memory between rounds: the number of rounds of each trouble, and when each was last reported to begin."""

    rounds: Mapping[str, int] = field(default_factory=dict)
    begun: Mapping[str, datetime] = field(default_factory=dict)

    def note(self, seen: Seen) -> MonitorMemory:
        """After one more round."""
        keys = {trouble.key for trouble in seen.troubles}
        return MonitorMemory({key: self.rounds.get(key, 0) + 1 for key in keys}, self.begun)

    def note_also(self, troubles: Iterable[Trouble]) -> MonitorMemory:
        """Return the memory with further troubles of this round; they are reported at once."""
        return MonitorMemory({**self.rounds, **{trouble.key: 1 for trouble in troubles}}, self.begun)

    def tell(self, news: Iterable[HealthNotice], now: datetime) -> MonitorMemory:
        """Return the memory after these notices."""
        begun = {each.trouble.key: now for each in news if each.say is Phase.FIRING}
        return MonitorMemory(self.rounds, {**self.begun, **begun})


def news_of(
    seen: Seen, reported: Mapping[str, ReportedTrouble], notebook: MonitorMemory, now: datetime
) -> list[HealthNotice]:
    """Return the notices of a round: each trouble once when it begins, again while it lasts, once when it is over.

    `reported` has the troubles known to those on call, by key; `notebook` includes this round already.
    """
    there = {trouble.key: trouble for trouble in seen.troubles}
    news = []
    for key, trouble in there.items():
        known = reported.get(key)
        if known is not None:
            # Less than nothing has passed where the clock was set back: it is told again then, not only hours later.
            if not timedelta() <= now - known.at < AGAIN_AFTER and not _hidden(trouble, there):
                news.append(HealthNotice(Phase.REPEATED, trouble, known.since))
        elif _is_ripe(trouble, notebook, now) and not _hidden(trouble, there):
            news.append(HealthNotice(Phase.FIRING, trouble, trouble.since or now))
    over = [each for key, each in reported.items() if key in seen.judged and key not in there]
    return news + [HealthNotice(Phase.RESOLVED, each.trouble, each.since) for each in over]


def reported_after(
    reported: Mapping[str, ReportedTrouble], news: Iterable[HealthNotice], now: datetime
) -> dict[str, ReportedTrouble]:
    """Return the troubles that those on call know after these notices."""
    known = dict(reported)
    for each in news:
        known[each.trouble.key] = ReportedTrouble(each.trouble, each.since, now)
        if each.say is Phase.RESOLVED:
            del known[each.trouble.key]
    return known


def _is_ripe(trouble: Trouble, notebook: MonitorMemory, now: datetime) -> bool:
    """It lasted long enough, and it isn't the same one flapping."""
    begun = notebook.begun.get(trouble.key)
    # As above: a beginning that lies ahead is one of a clock that was set back, and holds nothing up.
    rested = begun is None or not timedelta() <= now - begun < RESTS
    return rested and notebook.rounds.get(trouble.key, 0) >= _ROUNDS.get(trouble.what, 1)


def _hidden(trouble: Trouble, there: Mapping[str, Trouble]) -> bool:
    return any(trouble.what in hidden and f"{what} {trouble.name}" in there for what, hidden in _HIDES.items())


# When those on call are told that something waits for them: at once, again while it does, and how it was decided.


def notices_due(
    waiting: Iterable[str], notified: Mapping[str, datetime], now: datetime, remind: timedelta
) -> list[tuple[Phase, str]]:
    """Return the notices due, by alert. `notified` has the time of the last notice of each unsettled one.

    A time in the future is one of a clock that was set back: the notice is repeated.
    """
    # An alert may wait for more than one reason, and is told once.
    there = list(dict.fromkeys(waiting))
    begins = [(Phase.FIRING, each) for each in there if each not in notified]
    again = [
        (Phase.REPEATED, each)
        for each in there
        if each in notified and not timedelta() <= now - notified[each] < remind
    ]
    return begins + again + [(Phase.RESOLVED, each) for each in notified if each not in there]


# A feed's own habit: how long it usually goes without anything new, learned by watching it. Nothing but arithmetic.
# A feed that answers and says nothing new is the failure that nobody notices before the next emergency. No fixed time
# finds it: an index that is made anew each minute is dead after an hour, a works calendar is well after three weeks.
# A key for each source would be left at its default. So it stays, at the price of these forty lines.

QUIET_AT_LEAST = timedelta(days=1)
"""No feed is called quiet before this, however busy it was."""
TIMES_AS_LONG = 3
"""How many times its longest silence is out of the ordinary."""
# Below this the rhythm of a feed is unknown, and its silence means nothing.
CHANGES_TO_LEARN = 5
# A feed's rhythm changes with the season, so an old long silence must not excuse a new one.
FORGETS_HALF_IN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Habit:
    """The rhythm of a feed: `mark` identifies its last content and `changed_at` is when that was new.

    `longest` is its longest silence, which fades: by half in two months. `changes` counts the changes seen.
    """

    mark: str
    changed_at: datetime
    longest: timedelta = timedelta()
    changes: int = 0


def habit_after(habit: Habit | None, mark: str | None, now: datetime) -> Habit | None:
    """Return the habit after one more poll of the feed; `mark` is None if nothing is known (as after an error)."""
    if mark is None or (habit is not None and habit.mark == mark):
        return habit
    if habit is None:
        return Habit(mark, now)
    # A clock that was set back would make a silence of less than nothing.
    silence = max(now - habit.changed_at, timedelta())
    faded = habit.longest * 0.5 ** (silence / FORGETS_HALF_IN)
    return Habit(mark, now, max(silence, faded), habit.changes + 1)


def habit_without(habit: Habit, away: timedelta) -> Habit:
    """The habit as if the time in which nobody watched hadn't been: its silence isn't the feed's."""
    return replace(habit, changed_at=habit.changed_at + away)


def quiet_since(habit: Habit | None, now: datetime) -> datetime | None:
    """Since when the feed is quiet beyond its habit; None: it isn't, or its habit isn't known yet."""
    if habit is None or habit.changes < CHANGES_TO_LEARN:
        return None
    usual = max(habit.longest * TIMES_AS_LONG, QUIET_AT_LEAST)
    return habit.changed_at if now - habit.changed_at > usual else None

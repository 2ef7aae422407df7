"""It says when it can't: what to warn of, and when a warning is new, repeated or over. Decisions only, nothing is sent.

rounds look ──▶ troubles ──▶ lasting ones ──▶ news: it begins, it goes on, it is over
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from alerts.model.reason import Reason, because

AGAIN_AFTER = timedelta(hours=6)
"""After how long a trouble that lasts is told once more."""
RESTS = timedelta(minutes=30)
"""What comes back within this time of its last beginning isn't told anew: something that flaps is no flood."""
FAILURES_TOLD = 3
"""How many times in a row a source has to fail: a lost packet is no news."""
INTERVALS_TOLD = 3
"""And for how many of its own intervals it wasn't read."""
STUCK_AFTER = timedelta(minutes=10)
"""How long a post may be tried without getting out before that is told."""


class What(StrEnum):
    """The kinds of trouble, the one that explains the others of a channel first."""

    CYCLE = "cycle"
    CREDENTIAL = "credential"
    PLATFORM = "platform"
    LANE = "lane"
    RIGHTS = "rights"
    UNDECIDED = "undecided"
    FEED = "feed"
    QUIET = "quiet"
    SIGN_INS = "sign_ins"
    RESTORED = "restored"
    STORE = "store"


OF_A_CHANNEL = (What.CREDENTIAL, What.PLATFORM, What.LANE, What.RIGHTS, What.UNDECIDED)
_HIDES: Mapping[What, tuple[What, ...]] = MappingProxyType(
    {What.CREDENTIAL: (What.PLATFORM, What.LANE, What.RIGHTS), What.PLATFORM: (What.LANE,)}
)
"""What needs no warning of its own while the other is there: they are one cause."""
_ROUNDS: Mapping[What, int] = MappingProxyType({What.CYCLE: 3, What.PLATFORM: 3})
"""For how many rounds in a row it has to be seen; all else is told when it is seen first."""


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
        """What makes it the same trouble in the next round."""
        return f"{self.what} {self.name}"


@dataclass(frozen=True, slots=True)
class Held:
    """Posts of a channel that don't get out: how many, since when, and what was said last."""

    posts: int
    since: datetime
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """A channel in one round. `refused` is why its credential doesn't work, `unreachable` why nobody answers there.

    `known` says whether its platform could be asked: where not, silence is no recovery. `rights` are what is missing.
    """

    name: str
    refused: Reason | None = None
    unreachable: Reason | None = None
    rights: tuple[Reason, ...] = ()
    stuck: Held | None = None
    undecided: Held | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """A source in one round: how often it is read, how often it failed in a row, when it was last good."""

    name: str
    every: timedelta
    failures: int = 0
    reason: Reason | None = None
    last_ok: datetime | None = None
    quiet_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What one round saw: the troubles, and the keys of all that it could have seen: those it didn't see are over."""

    troubles: tuple[Trouble, ...] = ()
    judged: frozenset[str] = frozenset()

    def and_also(self, troubles: Sequence[Trouble]) -> Seen:
        """With troubles that come under any name: sign-ins that fail again and again, a database that was put back."""
        return Seen((*self.troubles, *troubles), self.judged.union(each.key for each in troubles))

    def of_store(self, name: str, lacks: Reason | None) -> Seen:
        """With what the disk of the database of that name lacks, if anything."""
        trouble = Trouble(What.STORE, name, lacks)
        return Seen((*self.troubles, *([trouble] if lacks else ())), self.judged | {trouble.key})

    def judging(self, what: What, keys: Iterable[str]) -> Seen:
        """Having looked for all of that kind: those that were told and aren't there any more are over."""
        return Seen(self.troubles, self.judged.union(key for key in keys if key.startswith(f"{what} ")))


def see(
    channels: Sequence[ChannelSeen],
    sources: Sequence[SourceSeen],
    cycles: Mapping[str, Reason | None],
    now: datetime,
) -> Seen:
    """One round's troubles. `cycles` holds every cycle, and for one that stands still why (else None)."""
    standing = [Trouble(What.CYCLE, name, why) for name, why in cycles.items() if why is not None]
    found = [
        *standing,
        *(trouble for channel in channels for trouble in _of_channel(channel)),
        *(trouble for source in sources for trouble in _of_source(source, now)),
    ]
    judged = [f"{What.CYCLE} {name}" for name in cycles]
    for channel in channels:
        kinds = OF_A_CHANNEL if channel.known else (What.LANE, What.UNDECIDED)
        judged += [f"{what} {channel.name}" for what in kinds]
    judged += [f"{what} {source.name}" for source in sources for what in (What.FEED, What.QUIET)]
    return Seen(tuple(found), frozenset(judged).union(trouble.key for trouble in found))


def _of_channel(seen: ChannelSeen) -> Iterator[Trouble]:
    if seen.refused is not None:
        yield Trouble(What.CREDENTIAL, seen.name, seen.refused)
    if seen.unreachable is not None:
        yield Trouble(What.PLATFORM, seen.name, seen.unreachable)
    if seen.rights:
        yield Trouble(What.RIGHTS, seen.name, because("rights_missing", each=seen.rights))
    for what, held in ((What.LANE, seen.stuck), (What.UNDECIDED, seen.undecided)):
        if held is not None:
            yield Trouble(what, seen.name, held.reason, held.since, held.posts)


def _of_source(seen: SourceSeen, now: datetime) -> Iterator[Trouble]:
    if seen.failures >= FAILURES_TOLD and _long_ago(seen.last_ok, seen.every * INTERVALS_TOLD, now):
        yield Trouble(What.FEED, seen.name, seen.reason, seen.last_ok)
    elif seen.quiet_since is not None:
        yield Trouble(What.QUIET, seen.name, None, seen.quiet_since)


def _long_ago(time: datetime | None, span: timedelta, now: datetime) -> bool:
    """A time in the future is one of a clock that was set back: nothing can be told by it."""
    return time is None or time > now or now - time >= span


# --- from troubles to news ------------------------------------------------------------------------------------------


class Say(StrEnum):
    """What there is to say of a trouble."""

    BEGINS = "begins"
    GOES_ON = "goes_on"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Told:
    """A trouble that those on duty know of: since when, and when they were last told."""

    trouble: Trouble
    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """One short message to those on duty."""

    say: Say
    trouble: Trouble
    since: datetime


@dataclass(frozen=True, slots=True)
class Notebook:
    """What the rounds keep in mind: for how many rounds each trouble is there, and when each was last told to begin."""

    rounds: Mapping[str, int] = field(default_factory=dict)
    begun: Mapping[str, datetime] = field(default_factory=dict)

    def note(self, seen: Seen) -> Notebook:
        """After one more round."""
        keys = {trouble.key for trouble in seen.troubles}
        return Notebook({key: self.rounds.get(key, 0) + 1 for key in keys}, self.begun)

    def note_also(self, troubles: Iterable[Trouble]) -> Notebook:
        """With troubles that this round found beside what it looked at; they are told at once."""
        return Notebook({**self.rounds, **{trouble.key: 1 for trouble in troubles}}, self.begun)

    def tell(self, news: Iterable[News], now: datetime) -> Notebook:
        """After these were told."""
        begun = {each.trouble.key: now for each in news if each.say is Say.BEGINS}
        return Notebook(self.rounds, {**self.begun, **begun})


def news_of(seen: Seen, told: Mapping[str, Told], notebook: Notebook, now: datetime) -> list[News]:
    """What is to be said after a round: each trouble once when it begins, again while it lasts, once when it is over.

    `told` is what those on duty know of, by key; `notebook` has this round in it already.
    """
    there = {trouble.key: trouble for trouble in seen.troubles}
    news = []
    for key, trouble in there.items():
        known = told.get(key)
        if known is not None:
            if not timedelta() <= now - known.at < AGAIN_AFTER and not _hidden(trouble, there):
                news.append(News(Say.GOES_ON, trouble, known.since))
        elif _is_ripe(trouble, notebook, now) and not _hidden(trouble, there):
            news.append(News(Say.BEGINS, trouble, trouble.since or now))
    over = [each for key, each in told.items() if key in seen.judged and key not in there]
    return news + [News(Say.OVER, each.trouble, each.since) for each in over]


def told_after(told: Mapping[str, Told], news: Iterable[News], now: datetime) -> dict[str, Told]:
    """What those on duty know of once they have read the news."""
    known = dict(told)
    for each in news:
        known[each.trouble.key] = Told(each.trouble, each.since, now)
        if each.say is Say.OVER:
            del known[each.trouble.key]
    return known


def _is_ripe(trouble: Trouble, notebook: Notebook, now: datetime) -> bool:
    """It lasted long enough, and it isn't the same one flapping."""
    begun = notebook.begun.get(trouble.key)
    rested = begun is None or not timedelta() <= now - begun < RESTS
    return rested and notebook.rounds.get(trouble.key, 0) >= _ROUNDS.get(trouble.what, 1)


def _hidden(trouble: Trouble, there: Mapping[str, Trouble]) -> bool:
    return any(trouble.what in hidden and f"{what} {trouble.name}" in there for what, hidden in _HIDES.items())

"""A poll: one question to the town, asked on several channels, closed on all of them together, counted by channel.

A poll is opened by an officer and validated as a post is. At its hour a message goes to each of its channels through
the outbox. A channel with polls of its own (Telegram; X if it may be read) asks there; on the others the message links
to the poll's page. At its end each of those polls is closed by a post of the kind `count`, whose answer holds the
platform's numbers; the votes of the page and the bot are counted at the same moment. Until then nothing adds them up: a
stored vote is a mark that only a count, which knows the poll's secret, can read.

It is a consultation, not a vote of the inhabitants: anybody who reads a channel may answer. Its numbers are therefore
shown by channel, and never as one percentage without its parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model.bounds import same, seal_of
from alerts.model.post import PollForm
from alerts.model.reason import Reason

POLLS = "tocsin-polls"
"""The source under which a poll's posts are stored: counted and listed among no alerts."""
WEB, BOT = "web", "bot"
"""The names of the page and the bots among the channels' names."""
# Below Telegram's 300, with room for the mark of an exercise.
LONGEST_QUESTION = 200
LONGEST_OPTION = 25
"""As X counts: what fits there fits everywhere."""
# X's limits, the strictest of the platforms'.
FEWEST_OPTIONS, MOST_OPTIONS = 2, 4
# X's limits of a poll's duration.
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=7)
# Far enough for an announced consultation; a typing error in the year is caught.
LATEST_START = timedelta(days=90)
ONE_A_NETWORK = timedelta(minutes=10)
"""How long a network waits between two votes on the page."""
# A minute with a half of all votes, but at least ten of them.
_SPIKE_SHARE, _SPIKE_LEAST = 2, 10


class PollState(StrEnum):
    """Where a poll is: it waits for a validation or its hour, is open, or was closed; or was rejected."""

    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"
    REJECTED = "rejected"


class Way(StrEnum):
    """How a place asks: by a poll of the platform, by a post that leads to the page, or by itself."""

    POLL = "poll"
    LINK = "link"
    OWN = "own"


class Counting(StrEnum):
    """How sure a place's numbers are."""

    FINAL = "final"
    EARLY = "early"
    """The numbers when the poll was closed before its time; the platform's own poll runs until its end."""
    MISSED = "missed"
    """The platform has given no numbers, and won't."""


@dataclass(frozen=True, slots=True)
class Spike:
    """Many votes within one minute at one place: shown with the result, never deducted."""

    at: datetime
    votes: int


@dataclass(frozen=True, slots=True)
class PollCount:
    """The votes counted at one place, in the order of the options."""

    votes: tuple[int, ...]
    how: Counting = Counting.FINAL


@dataclass(frozen=True, slots=True)
class PollPlace:
    """Where a poll is asked: a channel by its name, `web` or `bot`; `count` is None until it is counted."""

    name: str
    way: Way
    count: PollCount | None = None
    counted_at: datetime | None = None
    spikes: tuple[Spike, ...] = ()
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """A poll as it is kept. `secret` is what votes are marked with; it is thrown away when it is closed.

    `opened_at` and `closed_at` are when that was really done; `closes_at` becomes the time of an earlier closing.
    `outcome` is what the town did with it, in an officer's words.
    """

    id: str
    question: str
    options: tuple[str, ...]
    opens_at: datetime
    closes_at: datetime
    channels: tuple[str, ...]
    author: str
    state: PollState
    created_at: datetime
    secret: str = field(repr=False, default="")
    exercise: bool = False
    approved_by: str | None = None
    approved_at: datetime | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    published_at: datetime | None = None
    reason: Reason | None = None
    outcome: str | None = None
    outcome_at: datetime | None = None

    @property
    def form(self) -> PollForm:
        """The form for a platform with polls of its own."""
        return PollForm(self.question, self.options, self.closes_at)

    @property
    def is_public(self) -> bool:
        """True if its page is public."""
        return self.state in (PollState.OPEN, PollState.CLOSED)

    def voter(self, kind: str, who: str) -> str:
        """Return a voter's pseudonym in the stored votes; without the poll's secret it identifies nobody."""
        return seal_of(self.secret, f"{kind} {who}")[:32]

    def mark(self, voter: str, nonce: str, option: int) -> str:
        """Return the stored form of a vote for that option; by itself it reveals nothing."""
        return seal_of(self.secret, f"vote {voter} {nonce} {option}")[:32]

    def read_mark(self, voter: str, nonce: str, mark: str) -> int | None:
        """Return the option of a mark. Returns None if it is no mark of this poll."""
        found = (at for at in range(len(self.options)) if same(mark, self.mark(voter, nonce, at)))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote before it is sealed: at which place, by whom and for which option; `network` is where it came from.

    `voter` and `network` are digests under the poll's secret (`Poll.voter`).
    """

    place: str
    voter: str
    option: int
    network: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """A poll's result: each place's numbers and their sum by option, for those that are counted."""

    poll: Poll
    places: Sequence[PollPlace]
    turnout: int

    @property
    def counted(self) -> Sequence[PollPlace]:
        """The places that have numbers."""
        return [place for place in self.places if place.count is not None and place.count.how is not Counting.MISSED]

    @property
    def uncounted(self) -> Sequence[PollPlace]:
        """The places with a poll of their own whose numbers are still to come."""
        return [place for place in self.places if place.way is not Way.LINK and place.count is None]

    @property
    def channels(self) -> Mapping[str, Mapping[str, int]]:
        """The numbers by place and option."""
        options = self.poll.options
        return {
            place.name: dict(zip(options, place.count.votes, strict=False)) for place in self.counted if place.count
        }

    @property
    def sums(self) -> Sequence[int]:
        """The votes of all places together, by option."""
        return [sum(votes.get(option, 0) for votes in self.channels.values()) for option in self.poll.options]


def spikes_of(votes: Mapping[datetime, int]) -> tuple[Spike, ...]:
    """Return the minutes with ten votes or more that are at least half of all votes of the place: suspicious."""
    total = sum(votes.values())
    return tuple(
        Spike(at, count)
        for at, count in sorted(votes.items())
        if count >= _SPIKE_LEAST and count * _SPIKE_SHARE >= total
    )

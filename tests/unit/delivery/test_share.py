"""Who takes, asks for and gives up what: decisions, played for several daemons in turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.delivery.share import LeaseGroup, choose
from alerts.model.lease import Lease, Ownership, RunningDaemon
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PATIENCE = timedelta(seconds=1.5)


def lanes(count: int) -> list[LeaseGroup]:
    return [LeaseGroup("channel", (f"lane{number}",)) for number in range(count)]


def sources(count: int) -> list[LeaseGroup]:
    return [LeaseGroup("source", (f"source {number}",)) for number in range(count)]


class Play:
    """Daemons that come, each told what it knows; `step` lets each of them act once, in turn."""

    def __init__(self) -> None:
        self.now = NOW
        self.knows: dict[str, list[LeaseGroup]] = {}
        self.since: dict[str, datetime] = {}
        self.wants: dict[str, frozenset[str]] = {}
        self.held: dict[str, str] = {}
        self.freed: dict[str, datetime] = {}

    def come(self, name: str, holdings: list[LeaseGroup]) -> None:
        self.knows[name], self.since[name], self.wants[name] = holdings, self.now, frozenset()

    def go(self, name: str) -> None:
        del self.knows[name]
        for lease in [lease for lease, owner in self.held.items() if owner == name]:
            del self.held[lease]
            self.freed[lease] = self.now

    def found(self) -> Ownership:
        until = self.now + timedelta(seconds=5)
        return Ownership(
            {lease: Lease(lease, owner, until) for lease, owner in self.held.items()},
            {lease: Lease(lease, "", at) for lease, at in self.freed.items() if lease not in self.held},
            {
                name: RunningDaemon(name, name, self.since[name], until, wants=self.wants[name])
                for name in sorted(self.knows, key=lambda name: (self.since[name], name))
            },
        )

    def step(self, count: int = 1, seconds: float = 0.5) -> None:
        for _ in range(count):
            self.now += timedelta(seconds=seconds)
            for name, holdings in self.knows.items():
                choice = choose(holdings, self.found(), name, self.now, PATIENCE)
                self.held |= {lease: name for each in choice.take for lease in each.leases}
                for lease in [lease for each in choice.leave for lease in each.leases]:
                    del self.held[lease]
                    self.freed[lease] = self.now
                self.wants[name] = frozenset(lease for each in choice.wants for lease in each.leases)

    def counts(self, kind: str = "") -> list[int]:
        owners = [owner for lease, owner in self.held.items() if lease.startswith(kind)]
        return sorted(owners.count(name) for name in self.knows)


def test_a_lone_daemon_takes_all_at_once():
    play = Play()
    play.come("a", [*lanes(3), *sources(5)])
    play.step()
    assert play.counts() == [8]


@in_one_test
@pytest.mark.parametrize("count", range(1, 13))
@pytest.mark.parametrize("daemons", [2, 3, 5])
def test_shares_are_even_by_kind_and_in_all_soon_after_one_more_came(count, daemons):
    play = Play()
    for number in range(daemons):
        play.come(f"d{number}", [*lanes(count), *sources(4), LeaseGroup("duties", ("shared duties",))])
        play.step(8)
    for kind in ("lane", "source"):
        assert play.counts(kind)[-1] - play.counts(kind)[0] <= 1
    assert play.counts()[-1] - play.counts()[0] <= 1
    assert len(play.held) == count + 5, "and nobody's is none"
    before = dict(play.held)
    play.step(20)
    assert play.held == before, "then nothing moves"


def test_what_one_had_that_went_is_divided_at_once():
    play = Play()
    for number in range(3):
        play.come(f"d{number}", lanes(6))
        play.step(8)
    play.go("d1")
    play.step()
    assert play.counts() == [3, 3]


def test_what_only_one_of_two_knows_stays_with_it_and_nothing_swings():
    play = Play()
    play.come("a", lanes(4))
    play.come("b", lanes(3))
    play.step(20)
    assert play.held["lane3"] == "a"
    before = dict(play.held)
    play.step(20)
    assert play.held == before


def test_what_others_leave_lying_is_taken_whatever_the_shares():
    play = Play()
    play.come("a", lanes(2))
    play.come("b", lanes(1))
    play.held = {"lane0": "b"}
    play.freed = {"lane1": NOW}
    play.wants["b"] = frozenset({"lane1"})
    play.knows["b"] = []
    play.step()
    assert "lane1" not in play.held, "it was given back for b"
    play.step(3)
    assert play.held["lane1"] == "a"


def test_who_has_no_more_than_its_share_gives_nothing_up():
    play = Play()
    play.come("a", lanes(2))
    play.come("b", lanes(2))
    play.held = {"lane0": "a", "lane1": "b"}
    play.wants["b"] = frozenset({"lane0"})
    assert choose(lanes(2), play.found(), "a", NOW, PATIENCE).leave == ()


def test_what_moves_together_is_one_and_is_not_taken_in_part_from_others():
    bot = LeaseGroup("channel", ("bot t", "bulk t", "t"))
    play = Play()
    play.come("a", [bot, *lanes(1)])
    play.held = {"bulk t": "former"}  # a daemon of the version before, which isn't registered
    play.step(10)
    assert play.held == {"bulk t": "former", "lane0": "a"}
    del play.held["bulk t"]
    play.step()
    assert {play.held[name] for name in bot.leases} == {"a"}

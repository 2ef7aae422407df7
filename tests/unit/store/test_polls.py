"""Polls in the store, in a file and on a server: what is due, what waits, what is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.model.poll import WEB, Ballot, Counting, Poll, PollCount, PollPlace, PollState, Spike, Way
from alerts.model.reason import because
from tests.unit.store.conftest import NOW

HOUR = timedelta(hours=1)
POLL = Poll(
    id="p1",
    question="Ouvrir la halle le dimanche ?",
    options=("Oui", "Non", "« Peut-être »"),
    opens_at=NOW,
    closes_at=NOW + HOUR,
    channels=("telegram", "page"),
    author="Anne",
    state=PollState.OPEN,
    created_at=NOW,
    secret="a" * 64,
    opened_at=NOW,
)


async def test_a_poll_is_kept_as_it_is(database):
    full = replace(
        POLL, approved_by="Paul", approved_at=NOW, reason=because("poll_closed"), outcome="Oui", exercise=True
    )
    await database.write(lambda unit: unit.polls.put(full))
    assert await database.read(lambda unit: unit.polls.poll("p1")) == full
    assert await database.read(lambda unit: list(unit.polls.beginning("p"))) == [full]
    assert await database.read(lambda unit: list(unit.polls.beginning("q"))) == []
    assert await database.read(lambda unit: list(unit.polls.newest())) == [full]
    assert await database.read(lambda unit: list(unit.polls.open())) == [full]


async def test_what_is_due_and_when_the_next_one_is(database):
    waits = replace(POLL, id="p2", state=PollState.WAITING)
    comes = replace(POLL, id="p3", state=PollState.WAITING, approved_at=NOW, opens_at=NOW + HOUR / 2)
    over = replace(POLL, id="p4", state=PollState.CLOSED)

    async def due(at):
        return [each.id for each in await database.read(lambda unit: unit.polls.due(at))]

    async def next_poll():
        return (await database.read(lambda unit: unit.views.watermark())).next_poll

    assert await next_poll() is None
    await database.write(lambda unit: [unit.polls.put(each) for each in (POLL, waits, comes, over)])
    assert await next_poll() == NOW + HOUR / 2
    assert await due(NOW + HOUR / 2 - timedelta(microseconds=1)) == []
    assert await due(NOW + HOUR / 2) == ["p3"]
    assert sorted(await due(NOW + HOUR)) == ["p1", "p2", "p3"]


async def test_places_are_kept_with_what_is_known_of_them(database):
    place = PollPlace(WEB, Way.OWN, PollCount((3, 0, 1)), NOW, (Spike(NOW, 3),))
    await database.write(lambda unit: unit.polls.put(replace(POLL, state=PollState.CLOSED)))
    await database.write(lambda unit: unit.polls.put_place("p1", place))
    await database.write(lambda unit: unit.polls.put_place("p1", PollPlace("telegram", Way.POLL)))
    why = because("poll_gone")
    missed = PollCount((), Counting.MISSED)
    await database.write(lambda unit: unit.polls.counted("p1", "telegram", missed, NOW, why))

    def tally(unit):
        return unit.polls.tally(unit.polls.poll("p1"))

    found = await database.read(tally)
    assert found.places == [PollPlace("telegram", Way.POLL, missed, NOW, (), why), place]
    assert (found.channels, found.sums, found.turnout) == (
        {WEB: {"Oui": 3, "Non": 0, "« Peut-être »": 1}},
        [3, 0, 1],
        4,
    )


async def test_votes_are_counted_once_and_their_networks_forgotten(database):
    def vote(unit):
        unit.polls.put(POLL)
        unit.polls.put_place("p1", PollPlace(WEB, Way.OWN))
        for number, option in enumerate((0, 2, 2)):
            unit.polls.vote(POLL, Ballot(WEB, POLL.voter(WEB, str(number)), option, f"n{number}"), NOW)
        return unit.polls.free_at(POLL, "n0", NOW), unit.polls.has_voted("p1", POLL.voter(WEB, "1"))

    free_at, has_voted = await database.write(vote)
    assert free_at == NOW + timedelta(minutes=10)
    assert has_voted
    later = NOW + timedelta(minutes=10)
    assert await database.write(lambda unit: unit.polls.free_at(POLL, "n0", later)) == later
    networks = "SELECT count(*) AS n FROM ballot WHERE network IS NOT NULL"
    assert await database.read(lambda unit: unit.execute(networks).fetchone()["n"]) == 3
    await database.write(lambda unit: unit.polls.free_at(POLL, "n0", later + timedelta(minutes=1)))
    assert await database.read(lambda unit: unit.execute(networks).fetchone()["n"]) == 0

    def close(unit):
        unit.polls.count(POLL, later)
        unit.polls.put(replace(POLL, state=PollState.CLOSED, secret=""))
        return unit.polls.tally(unit.polls.poll("p1"))

    assert (await database.write(close)).sums == [1, 0, 2]

"""Leases in the database: one owner each, a number that grows with each other owner, and daemons of two versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.delivery.lease import Leases
from alerts.model.lease import Lease, LeaseLost, RunningDaemon
from alerts.store.leases import FORGOTTEN_AFTER, Renewal, Take
from alerts.store.statement import Statement, stamp
from tests.unit.leases import take
from tests.unit.store.conftest import LATER, NOW

TERM = timedelta(seconds=5)
UNTIL = NOW + TERM
FORMER_TAKE = Statement(
    "INSERT INTO lease (lane, owner, until) VALUES (:lane, :owner, :until) ON CONFLICT (lane) DO UPDATE"
    " SET owner = excluded.owner, until = excluded.until"
    " WHERE lease.owner = :owner OR lease.until <= :now OR lease.until > :far"
)
"""As the version before takes and renews one."""


async def before(database, owner, now, lane="x") -> bool:
    values = {"lane": lane, "owner": owner, "until": stamp(now + TERM), "now": stamp(now)}
    values["far"] = stamp(now + TERM + timedelta(minutes=1))
    return await database.write(lambda unit: FORMER_TAKE.run(unit.db, **values).rowcount) == 1


async def holds(database, lease, now=NOW) -> bool:
    return await database.read(lambda unit: unit.leases.holds(lease, now))


async def test_a_lease_is_one_owner_s_until_it_ends_or_is_given_back(database):
    assert [each.lane for each in await take(database, ["x", "page"], "us", NOW, UNTIL)] == ["x", "page"]
    assert await take(database, ["x"], "them", NOW, UNTIL) == []
    [renewed, _] = await take(database, ["x", "page"], "us", NOW + timedelta(seconds=1), UNTIL + timedelta(seconds=1))
    assert renewed.until == UNTIL + timedelta(seconds=1)
    assert await take(database, ["page"], "them", renewed.until, LATER) != [], "it ran out"
    await Leases(database).give_back("us", renewed.until)
    assert await take(database, ["x"], "them", renewed.until, LATER) != []
    assert await take(database, ["page"], "us", renewed.until, LATER) == [], "theirs was not given back"


async def test_the_number_grows_with_each_other_owner_and_not_with_a_renewal(database):
    [first] = await take(database, ["x"], "us", NOW, UNTIL)
    [renewed] = await take(database, ["x"], "us", NOW + TERM * 2, LATER)
    assert renewed.number == first.number, "it ran out, and nobody took it"
    await Leases(database).give_back("us", NOW)
    # By a clock that is behind: the number goes on from what stands there.
    [theirs] = await take(database, ["x"], "them", NOW - timedelta(hours=1), UNTIL)
    await Leases(database).give_back("them", NOW)
    [again] = await take(database, ["x"], "us", NOW, LATER)
    assert first.number < theirs.number < again.number
    assert not await holds(database, first), "our own lease of before"
    assert await holds(database, again)
    assert not await holds(database, again, LATER)


async def test_what_is_written_under_a_lost_lease_is_undone(database):
    [ours] = await take(database, ["x"], "us", NOW, UNTIL)

    def work(unit):
        unit.execute("INSERT INTO fact VALUES ('x', 'told', 'twice')")
        unit.leases.check(replace(ours, number=ours.number - 1), NOW)

    with pytest.raises(LeaseLost):
        await database.write(work)
    assert await database.read(lambda unit: unit.execute("SELECT * FROM fact").fetchall()) == []


async def test_the_version_before_takes_and_gives_back_beside_this_one(database):
    [first] = await take(database, ["x"], "us", NOW, UNTIL)
    assert not await before(database, "former", NOW)
    assert await before(database, "former", UNTIL)
    assert await take(database, ["x"], "us", UNTIL, UNTIL + TERM) == []
    found = await Leases(database).look(UNTIL, TERM)
    assert found.owned["x"].owner == "former"
    assert "former" not in found.daemons

    [again] = await take(database, ["x"], "us", UNTIL + TERM, LATER)
    assert again.number > first.number
    await Leases(database).give_back("us", UNTIL + TERM)
    assert await before(database, "former", UNTIL + TERM), "what is given back is free for it at once"

    await database.write(lambda unit: unit.execute("DELETE FROM lease WHERE owner = 'former'").rowcount)
    [last] = await take(database, ["x"], "us", UNTIL + TERM * 1.1, LATER)
    assert last.number > again.number, "though the row was deleted, as that version does"


async def test_daemons_are_registered_while_they_renew(database):
    us = RunningDaemon("mairie-7-a", "mairie", NOW, NOW, "http://127.0.0.1:8080", "1.2", stalled=("pages",))
    leases = Leases(database)
    found = await leases.renew(Renewal(us, TERM), NOW, lambda _: Take(("x",), frozenset({"page"})))
    assert found.daemons == {us.owner: replace(us, until=UNTIL, wants=frozenset({"page"}))}
    assert found.daemons[us.owner].name == "mairie-7"
    assert found.owned == {"x": Lease("x", us.owner, UNTIL, stamp(NOW))}

    assert (await leases.look(UNTIL, TERM)).daemons == {}, "it died"
    later = NOW + FORGOTTEN_AFTER + TERM * 2
    await take(database, ["x"], "them", later, LATER)
    rows = await database.read(lambda unit: unit.execute("SELECT owner FROM daemon").fetchall())
    assert [row["owner"] for row in rows] == ["them"]


async def test_a_daemon_that_renews_its_leases_is_not_forgotten_though_its_row_is_old(database):
    leases, us = Leases(database), RunningDaemon("us", "us", NOW, NOW)
    later = NOW + FORGOTTEN_AFTER + TERM * 2
    await leases.renew(Renewal(us, TERM), NOW, lambda _: Take(("x",)))
    await leases.renew(Renewal(us, TERM), later, lambda _: Take())
    await take(database, ["page"], "them", later, later + TERM)
    found = await Leases(database).look(later, TERM)
    assert set(found.daemons) == {"us", "them"}
    assert found.daemons["us"].until == later + TERM
    [row] = await database.read(lambda unit: unit.execute("SELECT until FROM daemon WHERE owner = 'us'").fetchall())
    assert row["until"] == stamp(UNTIL), "a renewal writes to one table"


async def test_one_that_retires_is_reckoned_with_no_more_and_keeps_the_rest(database):
    await take(database, ["x", "source meteo"], "us", NOW, UNTIL)
    leases, us = Leases(database), RunningDaemon("us", "us", NOW, NOW)
    await leases.retire("us", ["source meteo"], NOW)
    found = await leases.renew(Renewal(us, TERM, registers=False), NOW, lambda _: Take(("page",)))
    assert (set(found.owned), found.daemons) == ({"x"}, {})

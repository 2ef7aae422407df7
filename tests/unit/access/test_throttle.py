"""A thousand wrong sign-ins: slowed, told, and the right owner still gets in."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from alerts.access.sessions import Entered, Refusal, SignInRefused, Visit
from alerts.access.throttle import (
    ADDRESS_PACE,
    CODE,
    NEWCOMER_TRIES,
    NEWCOMERS,
    PASSWORD,
    Backoff,
    bursts,
    last_burst,
    neighbourhood,
    network,
    next_try_at,
    own_clock,
)
from alerts.model.person import Stage
from tests.release import at_release
from tests.unit.access.town import AWAY, FIRST, FOE, HOME, OWN

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WRONG_TRIES = 1000


async def attack(town, name="Anne", tries=WRONG_TRIES, visits=(FOE,)):
    """Try as fast as the gate lets: wait as long as it says, then again. Returns how long it took."""
    begun = town.clock.now()
    for number in range(tries):
        visit = visits[number % len(visits)]
        held = await town.fails(name, visit, f"guess {number}")
        while held.reason is Refusal.WAIT:
            await town.clock.advance((held.retry_at - town.clock.now()).total_seconds())
            held = await town.fails(name, visit, f"guess {number}")
        assert held.reason is Refusal.WRONG
    return town.clock.now() - begun


async def waits_and_enters(town, visit, password=OWN, patience=timedelta(seconds=30)):
    """What an owner does: type the right password, wait as told, type it again."""
    begun, entered = town.clock.now(), await town.gate.sign_in("Anne", password, visit)
    while isinstance(entered, SignInRefused):
        assert entered.reason is Refusal.WAIT
        await town.clock.advance((entered.retry_at - town.clock.now()).total_seconds())
        entered = await town.gate.sign_in("Anne", password, visit)
    assert town.clock.now() - begun <= patience
    return entered


@pytest.mark.parametrize("tries", [300, *at_release([WRONG_TRIES])])
async def test_hundreds_of_wrong_tries_from_one_address_take_days_and_the_owner_gets_in(town, tries):
    codes = await town.settled()
    with capture_logs() as logs:
        took = await attack(town, tries=tries)
    assert took > timedelta(days=tries / 110)

    entered = await waits_and_enters(town, HOME)
    full = await town.gate.prove_by_code(entered.cookie, town.code(codes), HOME)
    assert full.visitor.session.stage is Stage.FULL

    assert full.failures.count >= 90  # those of a day: what is older doesn't count
    failing = await town.lines("sign-in failing")
    assert 2 <= len(failing) <= 2 * (took.days + 2)  # a line a day for the name, one for the address; not a thousand
    assert len([line for line in logs if line["event"] == "sign_in.failing"]) == len(failing)
    assert (await town.lines())[-1][2].startswith(f"by code, after {full.failures.count} failed attempts since 20")


async def test_a_thousand_at_once_are_a_handful_of_tries_and_one_line(town):
    codes = await town.settled()
    looked_at = len(town.raw("SELECT * FROM sign_in"))

    answers = await asyncio.gather(*(town.gate.sign_in("Anne", f"guess {n}", FOE) for n in range(WRONG_TRIES)))

    tried = len(town.raw("SELECT * FROM sign_in")) - looked_at
    assert tried == 5  # four are free
    assert [answer.reason for answer in answers].count(Refusal.WRONG) == tried
    assert [subject for _, subject, _ in await town.lines("sign-in failing")] == ["Anne"]
    entered = await town.gate.sign_in("Anne", OWN, HOME)
    full = await town.gate.prove_by_code(entered.cookie, town.code(codes), HOME)
    assert (full.failures.count, full.failures.since) == (tried, town.clock.now())


async def test_many_addresses_slow_a_stranger_to_half_a_minute_and_the_owner_not_at_all(town):
    codes = await town.settled()
    everywhere = [Visit(f"10.{n // 250}.{n % 250}.1") for n in range(300)]
    assert await attack(town, tries=300, visits=everywhere) > 250 * timedelta(seconds=29)

    at_home = await town.gate.sign_in("Anne", OWN, HOME)
    assert isinstance(at_home, Entered)  # an address from where she came before
    on_the_road = await waits_and_enters(town, AWAY)
    full = await town.gate.prove_by_code(on_the_road.cookie, town.code(codes), AWAY)
    assert full.visitor.session.stage is Stage.FULL


async def polling(town, visits, seconds):
    """Guess at every chance, and be back within a tenth of a second when told to wait."""
    for number in range(seconds * 10):
        await town.clock.advance(0.1)
        await town.fails(visit=visits[number % len(visits)])


async def test_two_who_never_pause_keep_no_owner_out_who_comes_from_a_new_place(town):
    await town.settled()
    pollers = [FOE, Visit("203.0.114.7"), Visit("203.0.114.8"), Visit("2001:db8:1:1::1"), Visit("2001:db8:1:2::1")]
    await polling(town, pollers, 90)
    begun = town.clock.now()
    for mistyped in range(3):
        assert (await town.fails(visit=AWAY, password="mistyped")).reason is Refusal.WRONG
        await polling(town, pollers, 2**mistyped)
    assert isinstance(await town.gate.sign_in("Anne", OWN, AWAY), Entered)
    assert town.clock.now() - begun < timedelta(seconds=30)


async def test_a_crowd_shares_one_clock(town):
    await town.settled()
    await polling(town, [Visit(f"10.0.{n}.1") for n in range(NEWCOMERS + 1)], 60)
    assert (await town.gate.sign_in("Anne", OWN, AWAY)).reason is Refusal.WAIT


async def test_who_knows_the_password_has_no_clock_of_their_own_for_codes(town):
    await town.settled()
    for number in range(5):
        visit = Visit(f"10.0.{number}.1")
        halfway = await town.enter(visit=visit)
        assert (await town.gate.prove_by_code(halfway.cookie, "000000", visit)).reason is Refusal.CODE
    halfway = await town.enter(visit=AWAY)
    assert (await town.gate.prove_by_code(halfway.cookie, "000000", AWAY)).reason is Refusal.WAIT


async def test_a_browser_that_was_in_before_is_known_wherever_it_comes_from(town):
    codes = await town.settled()
    known = (await town.full(codes)).device
    await attack(town, tries=50, visits=[Visit(f"10.0.{n}.1") for n in range(50)])

    assert (await town.gate.sign_in("Anne", OWN, Visit("10.0.3.1"))).reason is Refusal.WAIT
    again = Visit("10.0.3.1", device=known)
    halfway = await town.gate.sign_in("Anne", OWN, again)
    await town.clock.advance(60)
    full = await town.gate.prove_by_code(halfway.cookie, town.code(codes), again)
    assert full.device == known


async def test_a_made_up_browser_is_not_known_and_gets_a_value_of_its_own(town):
    codes = await town.settled()
    planted = Visit("10.9.9.9", device="planted")
    await attack(town, tries=20, visits=[FOE, *(Visit(f"10.0.{n}.1") for n in range(NEWCOMERS + 1))])
    assert (await town.gate.sign_in("Anne", OWN, planted)).reason is Refusal.WAIT
    await town.clock.advance(60)
    halfway = await town.gate.sign_in("Anne", OWN, planted)
    full = await town.gate.prove_by_code(halfway.cookie, town.code(codes), planted)
    assert full.device not in (None, "planted")


async def test_a_known_browser_is_slowed_too(town):
    codes = await town.settled()
    thief = Visit("10.9.9.9", device=(await town.full(codes)).device)
    for _ in range(10):
        assert (await town.fails(visit=thief)).reason is Refusal.WRONG
    assert (await town.fails(visit=thief)).reason is Refusal.WAIT


async def test_who_knows_the_password_guesses_few_codes(town):
    codes = await town.settled()
    begun, guesses = town.clock.now(), 0
    while guesses < 20:
        halfway = await waits_and_enters(town, FOE, patience=timedelta(minutes=15))
        held = await town.gate.prove_by_code(halfway.cookie, "000000", FOE)
        guesses += held.reason is Refusal.CODE
        if held.retry_at:
            await town.clock.advance((held.retry_at - town.clock.now()).total_seconds())
    assert town.clock.now() - begun > timedelta(hours=1)
    assert "Anne" in [subject for _, subject, _ in await town.lines("sign-in failing")]

    halfway = await town.enter()
    assert isinstance(await town.gate.prove_by_code(halfway.cookie, town.code(codes), HOME), Entered)


async def test_a_wrong_code_at_a_time_of_its_own_still_counts_after_the_password_was_right(town):
    """Giving the password again doesn't forgive the codes that were guessed."""
    await town.settled()
    for _ in range(5):
        halfway = await town.enter(visit=FOE)
        assert (await town.gate.prove_by_code(halfway.cookie, "000000", FOE)).reason is Refusal.CODE
    halfway = await town.enter(visit=FOE)
    assert (await town.gate.prove_by_code(halfway.cookie, "000000", FOE)).reason is Refusal.WAIT


async def test_many_names_from_one_address_are_slowed_and_told(town):
    await town.add()
    for number in range(30):
        held = await town.fails(f"name{number}")
        if held.retry_at:
            await town.clock.advance((held.retry_at - town.clock.now()).total_seconds())
    assert (await town.gate.sign_in("another", "x", FOE)).retry_at or held.retry_at
    assert [subject for _, subject, _ in await town.lines("sign-in failing")] == [FOE.address]
    assert isinstance(await town.gate.sign_in("Anne", FIRST, HOME), Entered)


async def test_a_right_password_counts_as_no_failure(town):
    await town.settled()
    for _ in range(20):
        await town.enter(visit=FOE)
    assert isinstance(await town.gate.sign_in("Anne", OWN, FOE), Entered)
    assert town.raw("SELECT * FROM sign_in WHERE NOT good") == []


async def test_those_on_duty_can_be_warned(town):
    codes = await town.settled()
    await attack(town, tries=8)
    since = town.clock.now() - timedelta(hours=1)

    [burst] = await town.service.ask(lambda unit: bursts(unit, since))
    assert (burst.subject, burst.count, burst.last) == ("Anne", 8, town.clock.now())

    await town.full(codes)
    assert await town.service.ask(lambda unit: bursts(unit, since)) == []
    await attack(town, "Nobody", 20)
    [burst] = await town.service.ask(lambda unit: bursts(unit, since))
    assert (burst.subject, burst.count) == (FOE.address, 28)


async def test_a_known_browser_that_fails_is_told_under_its_account_alone(town):
    codes = await town.settled()
    thief = Visit("10.9.9.9", device=(await town.full(codes)).device)
    for _ in range(25):
        await town.clock.advance(60)
        await town.fails(visit=thief)
    since = town.clock.now() - timedelta(hours=1)
    assert [burst.subject for burst in await town.service.ask(lambda unit: bursts(unit, since))] == ["Anne"]
    assert [subject for _, subject, _ in await town.lines("sign-in failing")] == ["Anne"]


async def test_attempts_are_forgotten_after_a_day_and_known_places_after_three_months(town):
    codes = await town.settled()
    await town.fails()
    await town.clock.advance(86400 + 60)
    await town.full(codes, visit=AWAY)
    assert town.raw("SELECT * FROM sign_in WHERE NOT good") == []

    await town.clock.advance(89 * 86400)
    await town.full(codes, visit=FOE)
    assert len(town.raw("SELECT * FROM sign_in WHERE address = ?", AWAY.address)) == 3
    await town.clock.advance(2 * 86400)
    await town.full(codes, visit=FOE)
    assert town.raw("SELECT * FROM sign_in WHERE address = ?", AWAY.address) == []


moments = st.lists(st.integers(0, 86400).map(lambda s: NOW - timedelta(seconds=s)), max_size=60).map(sorted)


@given(moments, moments, st.booleans(), st.sampled_from([PASSWORD, CODE]))
def test_nobody_waits_longer_than_the_cap(for_name, from_place, known, paces):
    until = next_try_at(NOW, paces, for_name, from_place, known=known)
    assert until is None or NOW < until <= NOW + max(paces.anywhere.cap, ADDRESS_PACE.cap)


@given(moments, moments)
def test_what_others_did_elsewhere_holds_up_no_known_place(for_name, from_place):
    assert next_try_at(NOW, PASSWORD, for_name, from_place, known=True) == next_try_at(
        NOW, PASSWORD, [], from_place, known=True
    )


@given(st.integers(0, 5000))
def test_delays_only_grow(failures):
    pace = Backoff(4, timedelta(seconds=30))
    assert timedelta() <= pace.delay(failures) <= pace.delay(failures + 1) <= pace.cap


@pytest.mark.parametrize("known", [True, False])
def test_a_clock_that_was_set_back_holds_nobody_up(known):
    future = [NOW + timedelta(days=300)] * 50
    assert next_try_at(NOW, PASSWORD, future, future, known=known) is None
    past = [NOW - timedelta(seconds=1)] * 10
    assert next_try_at(NOW, PASSWORD, past + future, past + future, known=known) == next_try_at(
        NOW, PASSWORD, past, past, known=known
    )


@given(moments)
def test_a_burst_is_the_newest_failures_without_a_long_pause(times):
    burst = list(last_burst(times))
    assert burst == times[len(times) - len(burst) :]
    assert bool(burst) == bool(times)
    gaps = [after - before for before, after in itertools.pairwise(burst)]
    assert all(gap <= timedelta(minutes=30) for gap in gaps)
    if len(burst) < len(times):
        assert burst[0] - times[-len(burst) - 1] > timedelta(minutes=30)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unknown", "unknown", True),
    ],
)
def test_what_counts_as_one_address(one, other, same):
    assert (neighbourhood(one) == neighbourhood(other)) is same


def test_a_network_has_few_tries_by_its_own_clock_and_none_in_a_crowd():
    own = [(NOW, "192.0.2.1"), (NOW, "192.0.2.200")]
    assert own_clock("192.0.2.77", own) == [NOW, NOW]
    assert own_clock("192.0.2.77", own * (NEWCOMER_TRIES // 2)) is None
    others = [(NOW, f"10.0.{n}.1") for n in range(NEWCOMERS + 1)]
    assert own_clock("192.0.2.77", own + others[1:] * 9) == [NOW, NOW]
    assert own_clock("192.0.2.77", own + others) is None


@pytest.mark.parametrize(
    ("address", "of"),
    [
        ("192.0.2.1", "192.0.2.0/24"),
        (neighbourhood("2001:db8:1:2::3"), "2001:db8:1::/48"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("device 12", "device 12"),
    ],
)
def test_what_one_attacker_easily_has(address, of):
    assert network(address) == of

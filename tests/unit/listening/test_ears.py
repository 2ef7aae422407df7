"""An ear listens again from where it was, says what is wrong, and is no quicker than its interval allows."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.share import LeaseGroup
from alerts.listening.ears import Ear, Intake
from alerts.listening.grouping import Group
from alerts.listening.hearing import take, understand_nothing
from alerts.model.errors import BadCredential, Busy, Retry
from alerts.model.events import RemarkHeard
from alerts.model.lease import LeaseLost, ear_lease
from alerts.model.listening import EarReading, Kind, Understood
from alerts.model.ports import SystemClock
from alerts.model.reason import because
from tests.unit.leases import take as take_leases


class Asked:
    """What answers as a test says: readings, or errors to raise."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.asked = []
        self.opened = 0

    async def open(self):
        self.opened += 1

    async def close(self):
        self.opened -= 1

    async def hear(self, posts, memory, now):
        self.asked.append(([each.remote_id for each in posts], dict(memory), now))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def an_ear(listening, asked, understand=understand_nothing):
    name = ear_lease("page")
    now = listening.clock.now()
    keeper = LeaseKeeper(Leases(listening.database), listening.clock, "us", [LeaseGroup("ear", (name,))])
    intake = Intake(listening.service, listening.events, listening.clock, understand)
    ear = Ear("page", asked, timedelta(minutes=1), intake=intake, keeper=keeper, chance=lambda: 0.5)
    [lease] = await take_leases(listening.database, [name], "us", now, now + timedelta(hours=1))
    yield ear, lease


async def status(listening):
    return await listening.service.ask(lambda unit: unit.listening.ear("page"))


async def test_it_listens_under_our_posts_and_from_where_it_was(listening):
    remark = listening.remark("Merci")
    asked = Asked(EarReading([remark], {"since": 1}, cost=0.25), EarReading([], {"since": 2}, cost=0.25))
    async with an_ear(listening, asked) as (ear, lease):
        waits = [await ear.listen(lease) for _ in range(2)]

    now = listening.clock.now()
    assert asked.asked == [(["page-1"], {}, now), (["page-1"], {"since": 1}, now)]
    assert waits == [60.0, 60.0]
    kept = await status(listening)
    assert (kept.memory, kept.last_ok, kept.cost, kept.failures) == ({"since": 2}, now, 0.5, 0)
    assert await listening.rows("SELECT text FROM utterance") == [("Merci",)]


async def test_what_it_could_not_keep_is_heard_again(listening):
    remark = listening.remark("Merci")
    asked = Asked(EarReading([remark], {"since": 1}), EarReading([remark], {"since": 1}))
    failed = []

    async def fails_once(texts):
        if not failed:
            failed.append(texts)
            raise OSError("disk")
        return [Understood() for _ in texts]

    async with an_ear(listening, asked, fails_once) as (ear, lease):
        for _ in range(2):
            await ear.listen(lease)

    assert [memory for _, memory, _ in asked.asked] == [{}, {}]
    assert await listening.rows("SELECT text FROM utterance") == [("Merci",)]


async def test_a_remark_that_can_not_be_kept_keeps_none_of_the_others_and_is_heard_again(listening):
    remarks = [listening.remark(text) for text in ("Merci", "Hors d’usage", "Bravo")]
    asked = Asked(EarReading(remarks, {"since": 1}))

    async def stumbles(texts):
        if "Hors d’usage" in texts:
            raise ValueError(texts)
        return [Understood() for _ in texts]

    async with an_ear(listening, asked, stumbles) as (ear, lease):
        await ear.listen(lease)

    assert await listening.rows("SELECT text FROM utterance ORDER BY seq") == [("Merci",), ("Bravo",)]
    told = await status(listening)
    assert (told.memory, told.reason) == ({}, because("reader_stumbled", error="ValueError"))


async def test_a_failure_is_told_and_waits_longer_each_time_and_as_long_as_was_asked_for(listening):
    why = because("no_answer_within", platform="Facebook", seconds="10")
    later = listening.clock.now() + timedelta(hours=2)
    asked = Asked(Retry(why), Retry(why), Retry(why, later), EarReading([], {}))
    async with an_ear(listening, asked) as (ear, lease):
        waits = [await ear.listen(lease) for _ in range(3)]
        told = await status(listening)
        await ear.listen(lease)

    assert waits == [60.0, 120.0, 7200.0]
    assert (told.failures, told.reason) == (3, why)
    assert (ear.reason, (await status(listening)).failures) == (None, 0)


async def test_with_a_credential_that_was_refused_it_is_opened_anew(listening):
    asked = Asked(EarReading([], {}), BadCredential(because("no_answer", platform="X")), EarReading([], {}))
    async with an_ear(listening, asked) as (ear, lease):
        for _ in range(3):
            await ear.listen(lease)

    assert asked.opened == 2


async def test_those_who_listen_on_the_bus_hear_of_a_call_for_help(listening):
    told = []
    listening.events.subscribe(RemarkHeard, told.append)

    async def understand(texts):
        return [Understood(Kind.HELP if "secours" in text else Kind.OTHER) for text in texts]

    said = [listening.remark(f"Merci {number}") for number in range(30)] + [listening.remark("Au secours")]
    async with an_ear(listening, Asked(EarReading(said, {})), understand) as (ear, lease):
        done = asyncio.ensure_future(ear.listen(lease))
        while not done.done():
            await listening.clock.advance(0.1)

    assert [each.raised for each in told] == [False, True]


@pytest.mark.parametrize("is_ours", [True, False])
async def test_whoever_lost_the_lease_keeps_nothing(listening, is_ours):
    asked = Asked(EarReading([listening.remark("Merci")], {}))
    async with an_ear(listening, asked) as (ear, lease):
        if not is_ours:
            await listening.service.act(
                lambda unit: unit.execute("UPDATE lease SET owner = 'them', number = number + 1").rowcount
            )
        with nullcontext() if is_ours else pytest.raises(LeaseLost):
            await ear.listen(lease)

    assert len(await listening.rows("SELECT id FROM utterance")) == is_ours


async def test_it_listens_again_no_later_than_usual_and_sooner_where_that_is_wanted(listening):
    now = listening.clock.now()
    asked = Asked(*(EarReading([], {}, look_again=now + timedelta(seconds=each)) for each in (7200, 20, -5)))
    async with an_ear(listening, asked) as (ear, lease):
        waits = [await ear.listen(lease) for _ in range(3)]

    assert waits == [60.0, 20.0, 0.0]


async def test_a_look_that_brings_nothing_is_written_down_now_and_then_alone(listening):
    asked = Asked(*[EarReading([], {"since": 1})] * 4, EarReading([], {"since": 2}))
    written = []
    async with an_ear(listening, asked) as (ear, lease):
        for _ in range(5):
            await ear.listen(lease)
            written.append((await status(listening)).last_ok == listening.clock.now())
            await listening.clock.advance(120)

    assert written == [True, False, False, True, True]


async def test_what_the_database_refuses_is_heard_again(listening):
    remark = listening.remark("Merci")
    asked = Asked(EarReading([remark], {"since": 1}), EarReading([remark], {"since": 1}))
    keeping = listening.service.act
    refusals = [Busy("locked")]

    async def act(action, **more):
        if refusals:
            raise refusals.pop()
        return await keeping(action, **more)

    listening.service.act = act
    async with an_ear(listening, asked) as (ear, lease):
        wait = await ear.listen(lease)
        assert (wait, ear.reason) == (60.0, because("database_refuses"))
        await ear.listen(lease)

    assert ear.reason is None
    assert [memory for _, memory, _ in asked.asked] == [{}, {}]
    assert await listening.rows("SELECT text FROM utterance") == [("Merci",)]


CALL = "Au secours, ma mère est tombée"
SAID = ["L’eau est-elle potable ?"] * 30 + [CALL]


async def understand_all(texts):
    """Everything asks something but calls, and is alike."""
    return [Understood(Kind.HELP if text == CALL else Kind.QUESTION, asks=text != CALL, vector=b"v") for text in texts]


async def kept(listening):
    return await listening.service.ask(lambda unit: unit.listening.heard(99))


def hurried(listening, understand=understand_all):
    group = Group(lambda _, known: (next(iter(known)), 0.9) if known else None, b"".join)
    return Intake(listening.service, listening.events, SystemClock(), understand, group)


async def test_many_at_once_are_kept_before_they_are_understood_and_a_call_is_raised_at_once(listening):
    told, intake = [], hurried(listening)
    listening.events.subscribe(RemarkHeard, told.append)
    await intake.keep_in_a_hurry("page", [listening.remark(text) for text in SAID])

    assert [each.raised for each in told] == [True]
    assert {each.question for each in await kept(listening)} == {None}

    assert await intake.understand_the_rest() == len(SAID)
    [question] = await listening.service.ask(lambda unit: unit.listening.questions(9))
    assert question.asked == 30
    assert len({each.question for each in await kept(listening)}) == 2
    assert await intake.understand_the_rest() == 0


async def test_what_changed_before_it_was_understood_is_as_it_is_by_then(listening):
    said = [listening.remark(text) for text in ("Eau ?", "Gaz ?", "Feu ?")]
    intake = hurried(listening)
    await intake.keep_in_a_hurry("page", said)

    async def meanwhile(texts):
        later = [
            replace(said[0], text="Merci", edited_at=said[0].at + timedelta(seconds=9)),
            replace(said[1], gone=True),
        ]
        await listening.service.act(lambda unit: take(unit, "page", [(each, Understood()) for each in later]))
        return await understand_all(texts)

    await hurried(listening, meanwhile).understand_the_rest()
    assert [(each.text, each.question is None) for each in reversed(await kept(listening))] == [
        ("Merci", True),
        (None, True),
        ("Feu ?", False),
    ]
    # What was edited is understood in the next turn, in its new words.
    assert await intake.understand_the_rest() == 1

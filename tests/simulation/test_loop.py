"""The virtual loop and a life in it: time leaps, threads are none, and after a power cut nothing goes on."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from simulation.agenda import Agenda, Trace
from simulation.life import Life
from simulation.loop import PowerCut, Stuck


@pytest.fixture
def agenda():
    return Agenda()


@pytest.fixture
def life(agenda):
    life = Life(agenda, Trace(agenda), Random(1))
    yield life
    life.bury()


def test_a_month_passes_at_once_and_the_world_acts_in_it(agenda, life):
    seen = []
    agenda.at(1000.5, lambda: seen.append(agenda.seconds))
    life.loop.run_until_complete(asyncio.sleep(30 * 86_400))
    assert agenda.seconds == 30 * 86_400
    assert seen == [1000.5]


def test_what_asks_for_a_thread_runs_in_the_loop(life):
    async def both() -> int:
        return await asyncio.to_thread(lambda: 5)

    assert life.loop.run_until_complete(both()) == 5


def test_waiting_for_nothing_is_told(life):
    with pytest.raises(Stuck):
        life.loop.run_until_complete(life.loop.create_future())


def test_nothing_goes_on_after_a_power_cut(agenda, life):
    done = []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
            await life.passes("here")
            done.append("after the cut")
        finally:
            done.append("tidied up")

    agenda.at(5, lambda: life.cut("a test"))
    with pytest.raises(PowerCut):
        life.loop.run_until_complete(work())
    assert done == []
    assert agenda.seconds == 5


def test_an_answer_to_the_dead_is_heard_by_nobody(agenda, life):
    answers = []

    async def ask() -> None:
        answers.append(await life.asks(3, lambda: answers.append("given")))

    agenda.at(1, lambda: life.cut("a test"))
    with pytest.raises(PowerCut):
        life.loop.run_until_complete(ask())
    agenda.pass_until(10)
    assert answers == ["given"]

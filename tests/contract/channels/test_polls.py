"""Polls of a platform's own: asked, closed by us or by the platform, counted once more after a lost answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.model.errors import Gone, InDoubt, Retry
from alerts.model.poll import Counting, PollCount
from alerts.model.ports import Asks
from alerts.model.post import PollForm
from tests.contract.channels.conftest import message
from tests.townsfolk import Townsfolk

QUESTION = "Faut-il fermer la place aux voitures le samedi ?"


@pytest.fixture
def people(stage):
    return Townsfolk(stage.session, stage.sandbox.url)


def a_poll(stage, minutes=10):
    return PollForm(QUESTION, ("Oui", "Non"), stage.clock.now() + timedelta(minutes=minutes))


async def asked(stage, kind, poll, **settings):
    channel = await stage.open(kind, **settings)
    assert isinstance(channel, Asks)
    return channel, await channel.publish(message(QUESTION, poll=poll))


async def vote(people, stage, platform, option, count):
    [post] = [each for each in await stage.timeline(platform) if each["text"] == QUESTION]
    await people.vote(
        platform, post["id"], option, count, **({"chat": "-1001234567890"} if platform == "telegram" else {})
    )


async def test_telegram_asks_without_an_end_and_is_closed_by_us(stage, people):
    channel, receipt = await asked(stage, "telegram", poll := a_poll(stage))
    await vote(people, stage, "telegram", "Oui", 3)
    await vote(people, stage, "telegram", "Non", 1)
    await stage.clock.advance(11 * 60)
    await vote(people, stage, "telegram", "Oui", 1)  # it goes on until we close it
    assert await channel.close_poll(receipt.remote_id, poll) == PollCount((4, 1))
    with pytest.raises(AssertionError, match="409"):
        await vote(people, stage, "telegram", "Oui", 1)


async def test_telegram_tells_the_numbers_again_of_a_poll_that_is_closed(stage, people):
    channel, receipt = await asked(stage, "telegram", poll := a_poll(stage))
    await vote(people, stage, "telegram", "Non", 2)
    await stage.fault("telegram", "error_after", route="POST .*/stopPoll")
    with pytest.raises((InDoubt, Retry)):
        await channel.close_poll(receipt.remote_id, poll)
    await stage.heal()
    assert await channel.close_poll(receipt.remote_id, poll) == PollCount((0, 2))


async def test_a_telegram_poll_that_is_gone_has_no_numbers(stage):
    channel, receipt = await asked(stage, "telegram", poll := a_poll(stage))
    await channel.delete(receipt.remote_id)
    with pytest.raises(Gone):
        await channel.close_poll(receipt.remote_id, poll)


async def test_a_telegram_poll_in_doubt_is_found_by_its_question(stage):
    channel = await stage.open("telegram")
    first = await channel.publish(message("Avant"))
    poll = a_poll(stage)
    receipt = await channel.publish(message(QUESTION, poll=poll))
    other = await stage.open("telegram")  # as after a restart: it remembers nothing
    found = await other.find(message(QUESTION, poll=poll), stage.clock.now(), first.remote_id, frozenset())
    assert found is not None
    assert found.remote_id == receipt.remote_id


async def test_x_closes_by_itself_and_is_read_then(stage, people):
    channel, receipt = await asked(stage, "twitter", poll := a_poll(stage))
    await vote(people, stage, "twitter", 1, 5)
    await stage.clock.advance(10 * 60 - 1)
    with pytest.raises(Retry) as told:
        await channel.close_poll(receipt.remote_id, poll)
    assert told.value.after is not None
    assert told.value.after - stage.clock.now() < timedelta(minutes=1)
    await stage.clock.advance(60)
    assert await channel.close_poll(receipt.remote_id, poll) == PollCount((5, 0))


async def test_x_goes_on_where_it_was_closed_before_its_time(stage, people):
    channel, receipt = await asked(stage, "twitter", a_poll(stage, minutes=60))
    await vote(people, stage, "twitter", 2, 2)
    await stage.clock.advance(60)
    early = PollForm(QUESTION, ("Oui", "Non"), stage.clock.now())
    assert await channel.close_poll(receipt.remote_id, early) == PollCount((0, 2), Counting.EARLY)


async def test_an_x_poll_that_is_gone_has_no_numbers(stage):
    channel, receipt = await asked(stage, "twitter", poll := a_poll(stage))
    await channel.delete(receipt.remote_id)
    with pytest.raises(Gone):
        await channel.close_poll(receipt.remote_id, poll)

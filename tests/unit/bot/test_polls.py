"""`/poll`: each open poll with its answers as buttons, one answer a chat, and nobody answers for a group."""

from __future__ import annotations

import pytest

from alerts.bot import polls
from alerts.bot.chat import ChatEvent, Command, Press, TownNow
from alerts.listening.poll_acts import ClosePoll
from alerts.model.poll import PollState
from tests.unit.french import english
from tests.unit.listening.poll_town import QUESTION, PollTown
from tests.walls import in_one_test


@pytest.fixture
async def town(tmp_path):
    town = PollTown(tmp_path, bot=True)
    await town.start()
    yield town
    await town.kill()


NOW = TownNow("Saint-Martin")


async def does(town, what, chat=1, *, private=True, exercise=False, language="fr"):
    event = ChatEvent(chat, private, what, language)
    assert polls.is_about(event)
    return await polls.answer(town.daemon.service, "telegram", event, NOW, exercise=exercise)


def pressed(poll, option):
    return Press(f"vote:{poll.id}:{option}", "press", 7)


async def counted(town, poll):
    await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))
    tally = await town.ask(lambda unit: unit.polls.tally(unit.polls.poll(poll.id)))
    assert tally.poll.state is PollState.CLOSED
    return tally.channels["bot"]


async def test_each_answer_is_a_button_and_a_chat_answers_once(town):
    poll = await town.open()
    [say] = (await does(town, Command("poll"))).says
    assert QUESTION in say.text
    assert english(say.text) == []
    data = [[button["callback_data"] for button in row] for row in say.keyboard["inline_keyboard"]]
    assert data == [[f"vote:{poll.id}:0"], [f"vote:{poll.id}:1"]]
    for chat, option in ((1, 0), (1, 1), (1, 0), (2, 1)):
        answer = await does(town, pressed(poll, option), chat)
        assert answer.toast == "Vous avez répondu. Merci."
        assert answer.says[0].edit == 7
    [say] = (await does(town, Command("poll"))).says
    assert say.keyboard is None
    assert await counted(town, poll) == {"Oui": 1, "Non": 1}


async def test_nobody_answers_for_a_group(town):
    poll = await town.open()
    [say] = (await does(town, Command("poll"), -5, private=False)).says
    assert "privée" in say.text
    await does(town, pressed(poll, 0), -5, private=False)
    assert await counted(town, poll) == {"Oui": 0, "Non": 0}


@in_one_test
@pytest.mark.parametrize("data", ["vote:nothing:0", "vote:ID:2", "vote:ID:", "vote:ID:-1", "vote:", "vote:ID:²"])
async def test_a_button_that_says_nothing_counts_nothing(town, data):
    poll = await town.open()
    answer = await does(town, Press(data.replace("ID", poll.id), "press", 7))
    assert "n’est plus valable" in answer.toast
    assert await counted(town, poll) == {"Oui": 0, "Non": 0}


async def test_after_the_end_nothing_is_counted(town):
    poll = await town.open()
    await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))
    assert (await does(town, pressed(poll, 0))).toast == "Elle est close."
    [say] = (await does(town, Command("poll"), language="en")).says
    assert say.text == "The town isn’t asking anything at the moment."


async def test_an_exercise_is_asked_by_no_live_bot(town):
    poll = await town.open(exercise=True)
    [say] = (await does(town, Command("poll"))).says
    assert say.text == "La commune ne pose aucune question en ce moment."
    assert (await does(town, pressed(poll, 0))).toast == "Elle est close."

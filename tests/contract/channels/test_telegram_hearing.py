"""The discussion group over real sockets: what people say, the answer there, what is taken away, who is blocked."""

from __future__ import annotations

import pytest

from alerts.bot.discussion import concerns, read_group
from alerts.channels.settings import TelegramSettings
from alerts.channels.telegram.client import TelegramClient
from alerts.model.errors import ReaderGone, Rejected
from alerts.model.ports import Deletes, Hides
from tests.contract.channels.conftest import SETTINGS, message
from tests.fakes import FakePace
from tests.townsfolk import Townsfolk

CHANNEL = "@saintmartin"


@pytest.fixture
def people(stage):
    return Townsfolk(stage.session, stage.sandbox.url)


class Town:
    """A channel whose group is heard, and the bot that hears it."""

    def __init__(self, stage, channel, line) -> None:
        self.stage, self.channel, self.line = stage, channel, line
        self.threads: dict[str, str] = {}
        self.offset = 0

    async def hears(self):
        """All that came since, as remarks; `place` and `threads` are known from before."""
        place = await self.line.discussion(CHANNEL)
        updates = await self.line.updates(self.offset, 0)
        self.offset = max([self.offset, *(each["update_id"] + 1 for each in updates)])
        ours = [each for each in updates if concerns(each, place)]
        spoken = read_group(ours, place, self.threads, self.stage.clock.now())
        self.threads.update(spoken.threads)
        return spoken


@pytest.fixture
async def town(stage, people):
    settings = {"chat": CHANNEL, "hears": True}
    told = {"kind": "telegram", "api_url": stage.sandbox.url, "timeout": "60s", **SETTINGS["telegram"], **settings}
    line = TelegramClient(TelegramSettings.model_validate(told), stage.resources(), FakePace())
    await people.link(CHANNEL)
    await line.updates(0, 0)  # what is asked for decides what arises
    return Town(stage, await stage.open("telegram", **settings), line)


async def test_a_comment_is_heard_under_our_post_and_answered_there(town, people, stage):
    posted = await town.channel.publish(message("Coupure d’eau"))
    said = await people.say("telegram", "Jusqu’à quand ?", under=f"{CHANNEL}/{posted.remote_id}", name="Nadia")
    deeper = await people.say("telegram", "Moi aussi", under=f"{said['chat']}/{said['ids'][0]}")
    first, second = (await town.hears()).remarks
    assert (first.text, first.root, first.author, first.name) == (
        "Jusqu’à quand ?",
        posted.remote_id,
        said["authors"][0],
        "Nadia",
    )
    assert (second.root, second.parent) == (posted.remote_id, first.remote_id)
    assert second.remote_id == f"{deeper['chat']}:{deeper['ids'][0]}"

    answer = await town.channel.publish(message("18 h."), first.remote_id)
    await town.channel.edit(answer.remote_id, message("19 h."))
    stands = (await stage.timeline("telegram"))[-1]
    assert (stands["channel"], stands["text"], stands["reply_to"]) == (str(said["chat"]), "19 h.", said["ids"][0])
    assert (await town.hears()).remarks == (), "our own words are nobody's remark"
    await people.say("telegram", "Merci", under=f"{said['chat']}/{answer.remote_id.rpartition(':')[2]}")
    [thanks] = (await town.hears()).remarks
    assert (thanks.root, thanks.parent) == (posted.remote_id, answer.remote_id)


async def test_an_edit_is_heard_and_a_deletion_is_not_told(town, people):
    posted = await town.channel.publish(message("Coupure d’eau"))
    said = await people.say("telegram", "Où", under=f"{CHANNEL}/{posted.remote_id}")
    await people.edit("telegram", said["ids"][0], "Où donc ?", chat=str(said["chat"]))
    before, after = (await town.hears()).remarks
    assert (before.remote_id, before.edited_at, after.text) == (after.remote_id, None, "Où donc ?")
    assert after.edited_at is not None
    await people.delete("telegram", f"{said['chat']}/{said['ids'][0]}")
    assert (await town.hears()).remarks == ()


@pytest.mark.parametrize(("speaks", "named"), [("person", True), ("admin", False), ("channel", False)])
async def test_who_is_no_person_has_no_id(town, people, speaks, named):
    posted = await town.channel.publish(message("Coupure d’eau"))
    await people.say("telegram", "Bonjour", under=f"{CHANNEL}/{posted.remote_id}", speaks=speaks)
    [remark] = (await town.hears()).remarks
    assert (remark.root, remark.author is not None) == (posted.remote_id, named)


async def test_reactions_are_counted_where_it_is_heard_and_asked_for_nowhere_else(town, people, stage):
    posted = await town.channel.publish(message("Coupure d’eau"))
    await people.react("telegram", f"{CHANNEL}/{posted.remote_id}", count=3)
    assert (await town.hears()).reactions == {posted.remote_id: {"👍": 3}}
    deaf = {"kind": "telegram", "api_url": stage.sandbox.url, **SETTINGS["telegram"]}
    await TelegramClient(TelegramSettings.model_validate(deaf), stage.resources(), None).updates(0, 0)
    assert (await people.standing())["telegram"]["allowed_updates"] == ["message", "callback_query", "my_chat_member"]


async def test_what_others_say_is_taken_away_and_who_says_it_kept_away(town, people, stage):
    posted = await town.channel.publish(message("Coupure d’eau"))
    said = await people.say("telegram", ["Insulte", "Encore"], under=f"{CHANNEL}/{posted.remote_id}", name="Zoé")
    assert isinstance(town.channel, Deletes)
    assert isinstance(town.channel, Hides)
    await town.channel.delete(f"{said['chat']}:{said['ids'][0]}")
    await town.channel.hide(f"{said['chat']}:{said['ids'][1]}")
    await town.channel.hide(f"{said['chat']}:{said['ids'][1]}")
    gone = [post["deleted"] for post in await stage.timeline("telegram") if post["text"] in ("Insulte", "Encore")]
    assert gone == [True, True]
    await town.channel.block(said["authors"][0])
    assert (await people.standing())["telegram"]["banned"] == {str(said["chat"]): [said["authors"][0]]}

    await people.rules(telegram_administrator=False)
    with pytest.raises(Rejected):
        await town.channel.block("5")
    later = await people.say("telegram", "Bonjour", chat=str(said["chat"]))
    with pytest.raises((Rejected, ReaderGone)):
        await town.channel.delete(f"{said['chat']}:{later['ids'][0]}")


async def test_a_probe_tells_what_the_bot_lacks_to_hear(town, people, stage):
    assert (await town.channel.probe()).warnings == ()
    await people.rules(telegram_administrator=False)
    assert [each.code for each in (await town.channel.probe()).warnings] == ["telegram_privacy_mode"]
    await people.link(CHANNEL, linked=False)
    assert [each.code for each in (await town.channel.probe()).warnings] == ["telegram_no_discussion"]
    deaf = await stage.open("telegram", chat=CHANNEL)
    assert (await deaf.probe()).warnings == ()


async def test_a_question_to_the_bot_is_asked_in_answer_to_it_and_comes_back_with_the_press(town, people, stage):
    await people.ask("telegram/talk", chat=4711, text="On peut boire ?")
    [asked] = await town.line.updates(0, 0)
    keys = {"inline_keyboard": [[{"text": "Oui", "callback_data": "q:abc"}]]}
    await town.line.say(4711, "Est-ce une question ?", keys, reply=asked["message"]["message_id"])
    await people.ask("telegram/talk", chat=4711, press="Oui")
    [pressed] = await town.line.updates(asked["update_id"] + 1, 0)
    assert pressed["callback_query"]["message"]["reply_to_message"]["text"] == "On peut boire ?"

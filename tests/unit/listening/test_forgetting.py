"""No word of what people said is left after its time, or at once where somebody asks for it; counts stay right."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.bot.officers import forget as forget_chat
from alerts.desk.officer import Officer
from alerts.listening.forgetting import forget_author, forget_post, forget_what_is_past, remarks_at
from alerts.listening.hearing import take
from alerts.listening.question_acts import AnswerQuestion, AttributeQuestion
from alerts.model.listening import EarStatus, Kind, Understood, UtteranceState
from alerts.model.person import Actor, KeptReply, Origin, Role
from alerts.model.post import TextFormat
from alerts.model.town import ChannelConfig
from alerts.store.connection import scrub
from alerts.store.unit import asking
from tests.unit.listening.conftest import send_all

ASKS = Understood(Kind.QUESTION, asks=True, vector=b"\x07vector-of-his")
ANNE = Actor("Anne", Role.AUTHOR, Origin.COMMAND)
SAID = ("Ma grand-mère habite rue Haute", "Paul Dupont", "777000777", "vector-of-his", "facebook.example/her")


async def say(listening, text=SAID[0], **more):
    remark = listening.remark(text, name=SAID[1], author=SAID[2], url=f"https://{SAID[4]}", **more)
    done = await listening.service.act(lambda unit: take(unit, "page", [(remark, ASKS)]))
    return done.utterances[0]


def left_of(listening):
    """Of what was said, what stands anywhere in the database's files."""
    path = listening.town.database
    files = [path.with_name(f"{path.name}{ending}") for ending in ("", "-wal")]
    whole = b"".join(file.read_bytes() for file in files if file.exists())
    return [each for each in SAID if each.encode() in whole]


async def test_what_was_said_stands_in_the_file_until_it_is_forgotten(listening):
    await say(listening)
    assert left_of(listening) == list(SAID)


async def test_a_month_after_the_end_of_its_incident_nothing_of_it_is_left(listening):
    kept = await say(listening)
    listening.clock.set(listening.ends)
    for days, count in ((29, 0), (2, 1)):
        listening.clock.set(listening.clock.now() + timedelta(days=days))
        past = await listening.service.ask(lambda unit: unit.listening.past(unit.now - timedelta(days=30), 9))
        assert len(past) == count
        while await listening.service.act(forget_what_is_past):
            pass
    assert scrub(listening.town.database)

    assert left_of(listening) == []
    [row] = await listening.service.ask(lambda unit: unit.listening.heard(9))
    assert (row.id, row.channel, row.kind, row.incident) == (kept.id, "page", Kind.QUESTION, listening.incident)
    assert row.state is UtteranceState.FORGOTTEN
    assert await listening.rows("SELECT month FROM listening_secret") == []


async def test_what_belongs_to_no_incident_is_kept_as_long_from_when_it_was_heard(listening):
    await say(listening, root=None)
    listening.clock.set(listening.clock.now() + timedelta(days=31))

    assert await listening.service.act(forget_what_is_past) == 1


async def test_while_its_incident_is_on_nothing_is_forgotten(listening):
    await say(listening)
    await listening.write("UPDATE alert SET expires = expires + 100 * 86400 * 1000000")
    listening.clock.set(listening.clock.now() + timedelta(days=60))

    assert await listening.service.act(forget_what_is_past) == 0


async def test_what_is_forgotten_by_its_address_is_gone_at_once_and_is_not_heard_again(listening):
    await say(listening, remote_id="122_456")
    address = "https://www.facebook.com/saintmartin/posts/122?comment_id=456"
    assert await listening.service.act(lambda unit: forget_post(unit, listening.town, address)) == 1
    assert scrub(listening.town.database)

    assert left_of(listening) == []
    remark = listening.remark(SAID[0], remote_id="122_456")
    again = await listening.service.act(lambda unit: take(unit, "page", [(remark, ASKS)]))
    assert again.utterances == ()


async def test_what_was_not_heard_yet_is_not_heard_later(listening):
    address = "https://www.facebook.com/saintmartin/posts/122?comment_id=456"
    assert await listening.service.act(lambda unit: forget_post(unit, listening.town, address)) == 0

    remark = listening.remark(SAID[0], remote_id="122_456")
    done = await listening.service.act(lambda unit: take(unit, "page", [(remark, ASKS)]))
    assert done.utterances == ()


async def test_all_of_an_author_is_forgotten_and_nothing_of_others(listening):
    for _ in range(3):
        await say(listening)
    other = listening.remark("Merci", author="888")
    await listening.service.act(lambda unit: take(unit, "page", [(other, ASKS)]))

    assert await listening.service.act(lambda unit: forget_author(unit, "page", SAID[2])) == 3
    assert scrub(listening.town.database)

    assert left_of(listening) == [SAID[3]]  # the other's
    assert await listening.rows("SELECT text FROM utterance WHERE text IS NOT NULL") == [("Merci",)]


async def test_a_question_in_an_officers_words_stays_in_them(listening):
    kept = await say(listening)
    question = await listening.service.ask(lambda unit: unit.listening.question(kept.question))
    await listening.service.act(
        lambda unit: unit.listening.put_question(replace(question, words="Qui est évacué ?", worded_by="Anne"))
    )

    await listening.service.act(lambda unit: forget_author(unit, "page", SAID[2]))

    assert await listening.rows("SELECT words, asked FROM question") == [("Qui est évacué ?", 1)]


async def test_words_that_were_replaced_leave_nothing_either(listening):
    first = listening.remark(SAID[0], name=SAID[1], author=SAID[2])
    later = replace(first, text="Merci", edited_at=first.at + timedelta(seconds=1))
    for each in (first, later):
        await listening.service.act(lambda unit, each=each: take(unit, "page", [(each, Understood())]))
    assert scrub(listening.town.database)

    assert SAID[0] not in left_of(listening)


async def test_an_export_tells_what_people_said_to_who_asks_for_it_alone(listening):
    await say(listening)

    def exported(**how):
        with asking(listening.town.database) as unit:
            return json.dumps(list(unit.views.export(**how)), ensure_ascii=False)

    assert [each for each in SAID if each in exported()] == []
    told = exported(with_heard=True)
    assert [each for each in SAID if each not in told and each != SAID[3]] == []
    assert base64.b64encode(ASKS.vector).decode() in told, "bytes are spelled"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://www.facebook.com/v/posts/pfbid02?comment_id=9", {("page", "9")}),
        ("https://www.facebook.com/v/posts/12?comment_id=9&reply_comment_id=10", {("page", "10"), ("page", "12_10")}),
        ("https://t.me/c/1234/77", {("telegram", "-1001234:77")}),
        ("https://t.me/c/1234/5/77", {("telegram", "-1001234:77")}),
        ("https://t.me/c/1234/5?comment=77", {("telegram", "group:77")}),
        ("https://t.me/saintmartin/5?comment=77", {("telegram", "group:77")}),
        ("https://t.me/StMartin_discute/77", {("telegram", "stmartin_discute:77")}),
        ("https://example.org/", set()),
        ("https://example.org/saintmartin/77", set()),
    ],
)
def test_the_address_of_what_was_said_names_it(listening_town, url, found):
    assert set(remarks_at(listening_town, url)) == found


async def test_the_log_is_not_emptied_while_somebody_reads(listening):
    await say(listening)
    from alerts.store.files import connect

    with closing(connect(listening.town.database, readonly=True)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM utterance").fetchall()
        await listening.service.act(lambda unit: forget_author(unit, "page", SAID[2]))
        reader_in_the_way = scrub(listening.town.database)
        reader.execute("ROLLBACK")

    assert (reader_in_the_way, scrub(listening.town.database)) == (False, True)


async def test_a_comment_under_a_channel_s_post_is_found_in_its_group(listening):
    ear = EarStatus("telegram", {"group": {"id": -1009, "name": "StMartin"}})
    await listening.service.act(lambda unit: unit.listening.put_ear(ear))
    said = [listening.remark("Où ?", "telegram-1", remote_id=f"-1009:{number}") for number in (77, 78)]
    await listening.service.act(lambda unit: take(unit, "telegram", [(each, Understood()) for each in said]))
    addresses = ("https://t.me/saintmartin/5?comment=77", "https://t.me/stmartin/78", "https://t.me/another_one/78")
    found = [
        await listening.service.act(lambda unit, url=url: forget_post(unit, listening.town, url)) for url in addresses
    ]
    assert found == [1, 1, 0]


async def test_who_was_answered_in_private_leaves_no_number_of_their_chat_anywhere(listening):
    chat = SAID[2]
    asked = listening.remark(SAID[0], root=None, remote_id=f"{chat}:5", author=chat, name=SAID[1], private=True)
    done = await listening.service.act(lambda unit: take(unit, "telegram", [(asked, ASKS)]))
    question = done.utterances[0].question

    def answer(unit):
        officer = Officer(unit, ANNE)
        AttributeQuestion(question, listening.alert).done_by(officer)
        return AnswerQuestion(question, "Oui, elle est potable.", words="L’eau est-elle potable ?").done_by(officer)

    await listening.service.act(answer)
    sent = await send_all(listening, receipts={"telegram": f"{chat}:6"})
    assert any(post.in_reply_to == f"{chat}:5" for post in sent)

    assert await listening.service.act(lambda unit: forget_author(unit, "telegram", chat)) == 1
    assert scrub(listening.town.database)

    assert left_of(listening) == []
    assert await listening.rows("SELECT words, asked FROM question") == [("L’eau est-elle potable ?", 1)]


async def test_what_a_program_was_answered_goes_too(listening):
    reply = KeptReply("token", "key", "request", 200, '{"text": "Et l’école ?"}', listening.clock.now())
    await listening.service.act(lambda unit: unit.replies.keep(reply))
    await listening.service.act(forget_what_is_past)
    assert await listening.service.ask(lambda unit: unit.replies.reply("token", "key")) == reply

    listening.clock.set(listening.clock.now() + timedelta(hours=25))
    await listening.service.act(forget_what_is_past)
    assert await listening.service.ask(lambda unit: unit.replies.reply("token", "key")) is None


@pytest.mark.parametrize(("forget", "who"), [(forget_author, "777"), (forget_chat, 777)])
async def test_what_a_program_was_answered_about_someone_goes_with_what_they_said(listening, forget, who):
    asked = listening.remark(SAID[0], root=None, remote_id="777:5", author="777", private=True)
    said = (await listening.service.act(lambda unit: take(unit, "telegram", [(asked, ASKS)]))).utterances[0]
    reply = KeptReply("t", "k", "r", 200, f'{{"utterance": "{said.id}", "text": "{SAID[0]}"}}', listening.clock.now())
    await listening.service.act(lambda unit: unit.replies.keep(reply))

    await listening.service.act(lambda unit: forget(unit, "telegram", who))

    assert await listening.service.ask(lambda unit: unit.replies.reply("t", "k")) is None


@pytest.mark.parametrize("page", ["/@saint_martin/117020586180926938", "/@nadia@ailleurs.example/117020586180926938"])
def test_an_address_on_the_town_s_mastodon_server_names_a_reply(listening_town, page):
    account = ChannelConfig("mastodon", "mastodon", TextFormat(500), hears=True)
    town = replace(listening_town, channels={"mastodon": account})
    assert list(remarks_at(town, f"https://social.example{page}")) == [("mastodon", "117020586180926938")]


def test_an_address_of_bluesky_s_apps_names_a_reply(listening_town):
    account = ChannelConfig("bluesky", "bluesky", TextFormat(300), hears=True)
    town = replace(listening_town, channels={"bluesky": account})
    url = "https://bsky.app/profile/did:plc:abc234/post/3jzfcijpj2z2a"
    assert list(remarks_at(town, url)) == [("bluesky", "at://did:plc:abc234/app.bsky.feed.post/3jzfcijpj2z2a")]

"""What updates of a discussion group tell: who said what under which post, and what is nobody's remark."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.bot.discussion import KEPT, Spoken, concerns, read_group, remembered
from alerts.model.ports import Discussion
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
CHANNEL, GROUP = -1001111111111, -1002222222222
PLACE = Discussion(CHANNEL, GROUP)
FORWARD = {
    "message_id": 7,
    "is_automatic_forward": True,
    "sender_chat": {"id": CHANNEL, "type": "channel"},
    "from": {"id": 777000, "is_bot": False},
    "forward_origin": {"type": "channel", "chat": {"id": CHANNEL}, "message_id": 12, "date": AT},
}
NADIA = {"id": 4711, "is_bot": False, "first_name": "Nadia", "last_name": "B.", "language_code": "fr-FR"}


def says(number: int = 8, text: object = "L’eau est potable ?", kind: str = "message", **more: object) -> dict:
    chat = {"id": GROUP, "type": "supergroup"}
    message = {"message_id": number, "date": AT, "chat": chat, "from": NADIA, "text": text, **more}
    return {"update_id": number, kind: {key: each for key, each in message.items() if each is not None}}


def forwarded() -> dict:
    return {"update_id": 1, "message": {**FORWARD, "date": AT, "chat": {"id": GROUP, "type": "supergroup"}}}


def heard(*updates: dict, threads=None, place: Discussion = PLACE) -> Spoken:
    return read_group([each for each in updates if concerns(each, place)], place, threads or {}, NOW)


def test_a_comment_leads_to_our_post_by_its_thread_or_by_the_forward_that_it_answers():
    by_thread = says(8, message_thread_id=7, reply_to_message={"message_id": 6})
    by_forward = says(9, message_thread_id=7, reply_to_message=FORWARD)
    spoken = heard(forwarded(), by_thread, by_forward)
    assert spoken.threads == {"7": "12"}
    assert [(each.remote_id, each.root, each.parent) for each in spoken.remarks] == [
        (f"{GROUP}:8", "12", f"{GROUP}:6"),
        (f"{GROUP}:9", "12", None),
    ]
    [again] = heard(by_thread, threads={"7": "12"}).remarks
    assert again.root == "12"
    [late] = heard(by_forward).remarks
    assert late.root == "12", "the forward itself was never seen"
    [unknown] = heard(by_thread).remarks
    assert unknown.root is None
    [alone] = heard(says(10)).remarks
    assert (alone.root, alone.parent) == (None, None)


def test_a_remark_says_who_when_and_where():
    [remark] = heard(says(8)).remarks
    assert (remark.author, remark.name, remark.language, remark.at) == ("4711", "Nadia B.", "fr", NOW)
    assert remark.url == "https://t.me/c/2222222222/8"
    chat = {"id": GROUP, "type": "supergroup", "username": "saintmartin_discute"}
    [remark] = heard(says(8, chat=chat, **{"from": {**NADIA, "username": "nadia"}})).remarks
    assert (remark.name, remark.url) == ("@nadia", "https://t.me/saintmartin_discute/8")


def test_an_edit_says_when_it_was_made():
    [remark] = heard(says(8, "Et maintenant ?", kind="edited_message", edit_date=AT + 60)).remarks
    assert (remark.text, remark.edited_at.timestamp()) == ("Et maintenant ?", AT + 60)


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        (
            {"sender_chat": {"id": GROUP, "title": "Discussion"}, "from": {"id": 1087968824, "is_bot": True}},
            "Discussion",
        ),
        ({"sender_chat": {"id": -100333, "title": "La voix"}, "from": {"id": 136817688, "is_bot": True}}, "La voix"),
    ],
)
def test_who_is_no_person_has_words_and_no_id(sender, name):
    [remark] = heard(says(8, **sender)).remarks
    assert (remark.text, remark.author, remark.name) == ("L’eau est potable ?", None, name)


@in_one_test
@pytest.mark.parametrize(
    "update",
    [
        says(8, text=None),
        says(8, text="  "),
        says(8, text=None, new_chat_members=[NADIA]),
        says(8, **{"from": {"id": 5, "is_bot": True}}),
        says(8, **{"from": None}),
        says(8, sender_chat={"id": CHANNEL}),
        says(8, chat={"id": -100777, "type": "supergroup"}),
        says(8, text="/start@tocsin_bot"),
        says(8, migrate_to_chat_id=-100888),
        forwarded(),
        {"update_id": 1, "callback_query": {"id": "1"}},
        {"update_id": 1, "message_reaction": {"chat": {"id": GROUP}, "message_id": 1}},
    ],
)
def test_what_is_no_remark(update):
    assert heard(update).remarks == ()


def test_words_under_a_picture_are_words():
    [remark] = heard(says(8, text=None, caption="Regardez", photo=[{}])).remarks
    assert remark.text == "Regardez"


def test_no_stranger_s_text_is_longer_than_telegram_s():
    [remark] = heard(says(8, "é" * 10_000, **{"from": {**NADIA, "first_name": "x" * 9000}})).remarks
    assert len(remark.text) == 4096
    assert len(remark.name) <= 100


def test_what_merely_begins_as_a_command_is_a_remark():
    assert [
        each.text for each in heard(says(8, "/!\\ arbre tombé"), says(9, "/now"), says(10, "/now tout")).remarks
    ] == ["/!\\ arbre tombé"]


def test_what_no_database_takes_is_left_out():
    [remark] = heard(says(8, "O\ud800ù\x00 ?", **{"from": {**NADIA, "first_name": "\ud800N"}})).remarks
    assert (remark.text, remark.name) == ("Où ?", "N B.")


def test_where_a_group_is_posted_to_an_answer_to_our_post_stands_under_it():
    place = Discussion(GROUP, GROUP)
    ours = {"message_id": 3, "from": {"id": 1, "is_bot": True}}
    theirs = {"message_id": 4, "from": NADIA}
    [under, beside, alone] = heard(
        says(8, reply_to_message=ours), says(9, reply_to_message=theirs), says(10), place=place
    ).remarks
    assert [(each.root, each.parent) for each in (under, beside, alone)] == [
        ("3", None),
        (None, f"{GROUP}:4"),
        (None, None),
    ]


def counted(**counts: int) -> dict:
    reactions = [{"type": {"type": "emoji", "emoji": sign}, "total_count": count} for sign, count in counts.items()]
    paid = {"type": {"type": "paid"}, "total_count": 2}
    body = {"chat": {"id": CHANNEL}, "message_id": 12, "date": AT, "reactions": [*reactions, paid, {"type": "?"}, 7]}
    return {"update_id": 1, "message_reaction_count": body}


def test_reactions_are_totals_beside_the_post_and_say_nothing_of_who():
    spoken = heard(counted(A=3, B=1), counted(A=4))
    assert spoken.reactions == {"12": {"A": 4, "★": 2}}
    memory = remembered({"threads": {"7": "12"}}, spoken, GROUP)
    assert memory["reactions"] == {"12": {"A": 4, "★": 2}}
    elsewhere = counted(A=1)
    elsewhere["message_reaction_count"]["chat"]["id"] = GROUP
    assert not concerns(elsewhere, PLACE)


def test_the_group_is_remembered_by_number_and_name():
    named = says(8, chat={"id": GROUP, "type": "supergroup", "username": "stmartin"})
    memory = remembered({}, heard(named), GROUP)
    assert memory["group"] == {"id": GROUP, "name": "stmartin"}
    assert remembered(memory, heard(counted(A=1)), GROUP)["group"] == memory["group"]
    assert remembered(memory, heard(counted(A=1)), -100_5)["group"] == {"id": -100_5, "name": None}


def test_the_newest_posts_are_remembered_and_no_more():
    memory: dict = {}
    for number in range(KEPT + 50):
        memory = remembered(memory, Spoken(threads={str(number): str(number)}), None)
    assert len(memory["threads"]) == KEPT
    assert "49" not in memory["threads"]
    assert str(KEPT + 49) in memory["threads"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("message_id", "date", "from", "sender_chat", "reply_to_message", "forward_origin", "text", "edit_date")


@given(st.dictionaries(st.sampled_from(FIELDS), JUNK), JUNK)
def test_nothing_that_is_sent_makes_it_stumble(fields, reactions):
    message = {"chat": {"id": GROUP}, **fields}
    counts = {"chat": {"id": CHANNEL}, "message_id": 1, "reactions": reactions}
    heard({"message": message}, {"edited_message": message}, {"message_reaction_count": counts})

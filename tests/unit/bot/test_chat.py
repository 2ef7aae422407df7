"""Updates are read as the Bot API sends them, and nothing of who somebody is comes along."""

from __future__ import annotations

import pytest

from alerts.bot.chat import ChatEvent, Command, FreeText, Left, Moved, Press, SentLocation, SentPhoto, read_update
from tests.walls import in_one_test

ANNE = {
    "id": 77,
    "is_bot": False,
    "first_name": "Anne",
    "last_name": "Secret",
    "username": "anne",
    "language_code": "fr",
}
PRIVATE = {"id": 77, "type": "private", "first_name": "Anne", "username": "anne"}
GROUP = {"id": -55, "type": "supergroup", "title": "Les voisins"}


def message(chat=PRIVATE, sender=ANNE, **content):
    return {"update_id": 1, "message": {"message_id": 3, "date": 1, "chat": chat, "from": sender, **content}}


def member(status, chat=PRIVATE):
    return {"my_chat_member": {"chat": chat, "from": ANNE, "date": 1, "new_chat_member": {"status": status}}}


PRESS = {"id": "9", "from": ANNE, "data": "town", "message": {"message_id": 5, "chat": PRIVATE, "date": 1}}
UNNAMED = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


@in_one_test
@pytest.mark.parametrize(
    ("update", "what"),
    [
        (message(text="/start"), Command("start")),
        (message(text="/START@Tocsin_Bot now please"), Command("start", "now please")),
        (message(text="/start@other_bot"), None),
        (message(text="/link AB CD"), Command("link", "AB CD")),
        (message(text="Bonjour, je suis Anne"), FreeText("Bonjour, je suis Anne")),
        (message(chat=GROUP, text="Bonjour, je suis Anne"), FreeText()),
        (message(photo=[{"file_id": "s", "file_size": 9}, {"file_id": "x"}]), SentPhoto("s", 9)),
        (
            message(photo=[{"file_id": "s"}], caption=" Un arbre ", media_group_id="7"),
            SentPhoto("s", None, "Un arbre", "7"),
        ),
        (message(photo=[{"file_id": 5}, "x"], caption="x"), FreeText()),
        (message(photo=[{"file_id": "x"}], chat=GROUP), FreeText()),
        (message(document={"file_id": "d", "file_size": 7, "mime_type": "image/heic"}), SentPhoto("d", 7)),
        (message(document={"file_id": "d", "mime_type": "application/pdf"}), FreeText()),
        (message(location={"latitude": 45.1, "longitude": 5.7}), SentLocation(45.1, 5.7)),
        (message(location={"latitude": "x"}), FreeText()),
        (message(location={"latitude": 10**400, "longitude": 1}), FreeText()),
        (message(chat=GROUP, text="/start"), None),
        (message(chat=GROUP, text="/start@tocsin_bot"), Command("start")),
        (message(chat=GROUP, new_chat_members=[ANNE]), None),
        (message(chat=GROUP, migrate_to_chat_id=-100_55), Moved(-100_55)),
        (message(chat={"id": -1, "type": "channel"}, text="/start"), None),
        ({"callback_query": PRESS}, Press("town", "9", 5)),
        ({"callback_query": {**PRESS, "message": None}}, None),
        ({"callback_query": {**PRESS, "data": None}}, None),
        (member("kicked"), Left()),
        (member("left", GROUP), Left()),
        (member("member"), None),
        ({"update_id": 1, "poll": {}}, None),
        ({"message": "nonsense"}, None),
        ({}, None),
    ],
)
def test_an_update_is_read(update, what):
    event = read_update(update, "tocsin_bot")
    assert (event.what if event else None) == what


def test_nothing_personal_comes_along_and_no_repr_names_a_chat():
    event = read_update(message(text="Bonjour, je suis Anne Secret"), "tocsin_bot")
    assert event == ChatEvent(
        77, private=True, what=FreeText("Bonjour, je suis Anne Secret"), language="fr", asker=77, message=3
    )
    assert "77" not in repr(event)
    assert not any(word in repr(event) for word in ("Anne", "Secret", "Bonjour"))


def test_an_administrator_may_stay_unnamed_and_nobody_else():
    unnamed = message(chat=GROUP, sender=UNNAMED, sender_chat=GROUP, text="/start@tocsin_bot")
    assert read_update(unnamed, "tocsin_bot").asker is None
    channel = message(chat=GROUP, sender=UNNAMED, sender_chat={"id": -9, "type": "channel"}, text="/start@tocsin_bot")
    assert read_update(channel, "tocsin_bot").asker == UNNAMED["id"]
    nobody = message(chat=GROUP, sender=None, text="/start@tocsin_bot")
    assert read_update(nobody, "tocsin_bot") is None

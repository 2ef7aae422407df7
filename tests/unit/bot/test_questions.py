"""What somebody writes to the bot in private: asked what it is about, and passed on only by who says so."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.bot.chat import Command, FreeText, On, Press, Said, SentLocation, commands, read_update
from alerts.bot.questions import MOST
from alerts.model.listening import Kind, Utterance
from tests.unit.bot.talking import CHAT, NOW, TOWN, Chat, data_of, text_of
from tests.walls import in_one_test

WATER, WIND = (
    On("Eau <non> potable", "Ne la buvez pas", incident="abc123"),
    On("Vent fort", "Rentrez", incident="def456"),
)
ONE = replace(TOWN, hears=True, on={"fr": (WATER,), "en": (WATER,)})
TWO = replace(ONE, on={"fr": (WATER, WIND)})
ASKED = datetime(2026, 11, 25, 11, 58, tzinfo=UTC)


def press(data: str, text: str | None = "On peut boire ?") -> Press:
    return Press(data, "id", 9, None if text is None else Said(8, text, ASKED))


def asks(town, language: str = "fr") -> Chat:
    chat = Chat(town, language)
    chat.does(FreeText("On peut boire ?"))
    return chat


def test_where_nothing_is_heard_all_is_as_it_was():
    deaf = replace(ONE, hears=False)
    assert text_of(asks(deaf).replies[-1]) == text_of(Chat(deaf).commands("help"))
    assert "question" not in text_of(Chat(deaf).commands("help"))
    assert Chat(deaf).does(press("about:abc123")).remark is None
    assert "question" not in commands("fr")


def test_the_only_one_that_is_on_is_offered_with_yes_and_nothing():
    asked = asks(ONE).replies[-1]
    assert data_of(asked) == ["about:abc123", "about:no"]
    assert "question sur <b>Eau &lt;non&gt; potable</b>" in text_of(asked)
    assert asked.keeps is None
    assert asked.remark is None


def test_of_several_the_worst_are_listed():
    assert data_of(asks(TWO).replies[-1]) == ["about:abc123", "about:def456", "about:no"]
    many = replace(TWO, on={"fr": tuple(replace(WIND, incident=f"i{number}") for number in range(9))})
    assert len(data_of(asks(many).replies[-1])) == MOST + 1


def test_yes_passes_the_message_on_with_no_name():
    said = asks(ONE).does(press("about:abc123"))
    remark = said.remark
    assert remark is not None
    assert (remark.remote_id, remark.text, remark.at, remark.incident) == (
        f"{CHAT}:8",
        "On peut boire ?",
        ASKED,
        "abc123",
    )
    assert (remark.private, remark.name, remark.author, remark.language) == (True, None, str(CHAT), "fr")
    assert said.says[0].edit == 9
    assert data_of(said) == []


def test_nothing_passes_nothing_on():
    said = asks(ONE).does(press("about:no"))
    assert (said.remark, said.says[0].edit, data_of(said)) == (None, 9, [])


@in_one_test
@pytest.mark.parametrize("data", ["about:def456", "about:", "about:'; DROP TABLE utterance", "about:abc123x"])
def test_a_button_of_what_is_over_or_that_nobody_made_passes_nothing_on(data):
    said = asks(ONE).does(press(data))
    assert said.remark is None
    assert said.toast


@pytest.mark.parametrize("text", [None, "/question", "/question   "])
def test_a_message_that_is_gone_passes_nothing_on(text):
    said = asks(ONE).does(press("about:abc123", text))
    assert said.remark is None
    assert said.toast


def test_the_command_asks_the_same_and_is_left_out_of_the_words():
    chat = Chat(ONE)
    assert data_of(chat.does(Command("question", "On peut boire ?"))) == ["about:abc123", "about:no"]
    assert chat.does(press("about:abc123", "/question On peut boire ?")).remark.text == "On peut boire ?"
    assert data_of(chat.commands("question")) == []


@pytest.mark.parametrize(
    ("language", "nobody", "emergency"),
    [
        ("fr", "personne", "<b>En danger\u00a0? Appelez le 112</b>, ou le 114 par SMS"),
        ("en", "nobody", "<b>In danger? Call 112</b>, or text 114"),
    ],
)
def test_each_word_says_that_nobody_may_be_reading_and_how_to_call_for_help(language, nobody, emergency):
    for town in (ONE, TWO, replace(ONE, on={}), replace(ONE, hours="08:00-19:00"), replace(ONE, subscribes=False)):
        chat = Chat(town, language)
        said = [chat.does(what) for what in (Command("question", "Où ?"), Command("question"), press("about:abc123"))]
        said += [chat.does(press("about:no")), chat.does(FreeText("Où ?")) if town.on else said[0]]
        for each in filter(lambda answer: answer.says, said):
            text = text_of(each)
            assert nobody in text.lower(), text
            assert text.startswith(emergency)
    hours = text_of(Chat(replace(ONE, hours="08:00-19:00"), language).commands("question"))
    assert {"fr": "8\u00a0h et 19\u00a0h", "en": "8am and 7pm"}[language] in hours


def test_amidst_subscribing_and_where_nothing_is_on_what_is_typed_is_no_question():
    chat = Chat(ONE)
    chat.commands("start")
    assert chat.does(FreeText("On peut boire ?")).says[0].keyboard is None
    quiet = Chat(replace(ONE, on={"fr": ()}))
    assert data_of(quiet.does(FreeText("Bonjour"))) == []
    assert "/question" in text_of(quiet.does(FreeText("Bonjour")))
    assert data_of(Chat(ONE).does(FreeText(""))) == [], "a picture, a sticker"


def test_in_a_group_it_asks_nobody():
    chat = Chat(ONE, private=False)
    assert chat.does(FreeText("On peut boire ?")).says == ()
    assert data_of(chat.does(Command("question", "On peut boire ?"))) == []


def test_a_bot_that_only_hears_subscribes_nobody():
    chat = Chat(replace(ONE, subscribes=False))
    for what in (
        Command("start"),
        Command("settings"),
        Command("stop"),
        SentLocation(0.5, 0.5),
        Press("town", "id", 7),
    ):
        chat.does(what)
        assert chat.subscriber is None
    assert "/start" not in text_of(chat.commands("help"))
    assert "Eau" in text_of(chat.commands("now"))
    assert list(commands("fr", subscribes=False, hears=True)) == ["maintenant", "question", "mesdonnees", "effacer"]


def test_what_was_asked_is_shown_and_forgotten_with_the_rest():
    chat = Chat(ONE)
    utterance = Utterance("u1", "telegram", f"{CHAT}:8", ASKED, NOW, "On peut boire ?", Kind.QUESTION)
    kept = chat.kept(asked_town=(utterance,))
    told = chat.reply(Command("mydata"), kept)
    shown = told.says[0].text.partition("<pre>")[2].removesuffix("</pre>")
    assert json.loads(shown)["questions"] == [{"text": "On peut boire ?", "at": "2026-11-25T11:58:00+00:00"}]
    assert data_of(chat.reply(Command("forget"), kept)) == ["f:yes", "f:no"]


def test_what_is_read_of_a_press_is_the_message_that_ours_answers():
    chat, who = {"id": CHAT, "type": "private"}, {"id": CHAT, "is_bot": False, "language_code": "fr"}
    question = {"message_id": 8, "date": int(ASKED.timestamp()), "chat": chat, "text": "On peut boire ?"}
    ours = {"message_id": 9, "date": 1, "chat": chat, "text": "…", "reply_to_message": question}
    event = read_update({"callback_query": {"id": "1", "from": who, "data": "about:abc123", "message": ours}}, "bot")
    assert event is not None
    assert isinstance(event.what, Press)
    assert event.what.about == Said(8, "On peut boire ?", ASKED)
    assert "boire" not in repr(event)
    typed = read_update({"message": {**question, "from": who}}, "bot")
    assert typed is not None
    assert typed.message == 8

"""Whatever somebody writes to the bot, in whatever state the chat and the town are, says first whom to call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from alerts.bot.chat import OWN, ChatEvent, On, TownNow, commands, is_written_freely, read_update
from alerts.bot.report_words import KIND
from alerts.model.person import Account, Role
from alerts.model.subscriber import Asked, Linked
from tests.unit.bot.talking import TOWN
from tests.unit.bot.test_reporting import Chats, chats
from tests.walls import in_one_test

__all__ = ["chats"]

WRITTEN: Mapping[str, dict[str, Any]] = {
    "words": {"text": "Au secours, l’eau monte"},
    "a voice message": {"voice": {"file_id": "v"}},
    "a photo": {"photo": [{"file_id": "p", "file_size": 9}], "caption": "Au secours"},
    "a place": {"location": {"latitude": 45.19, "longitude": 5.71}},
    "no command": {"text": "/secours"},
    "words behind a command": {"text": "/question Que faire ?"},
    "words behind another": {"text": "/aide l’eau monte"},
}
ON = {language: (On(title, "", None, "abc123"),) for language, title in (("fr", "Vent fort"), ("en", "Wind"))}
TOWNS: Mapping[str, TownNow] = {
    f"{', '.join(name for name, is_so in flags.items() if is_so) or 'nothing'}": replace(
        TOWN, subscribes=subscribes, hears=hears, reports=True, on=ON if on else {}
    )
    for subscribes in (True, False)
    for hears in (True, False)
    for on in (True, False)
    if (flags := {"subscribes": subscribes, "hears": hears, "something is on": on})
}
FIRST = {
    "fr": "<b>En danger\u00a0? Appelez le 112</b>, ou le 114 par SMS",
    "en": "<b>In danger? Call 112</b>, or text 114",
}


async def states(chats: Chats, chat: int, language: str = "fr") -> AsyncIterator[str]:
    """Each state of one chat, one after the other."""
    yield "a stranger"
    for n, press in enumerate(("town", "topics:all", "s:Minor")):
        await chats.command("/start", chat, language=language)
        yield f"question {n} of subscribing"
        await chats.presses(press, chat, language=language)
    yield "subscribed"
    await chats.command("/stop", chat, language=language)
    yield "paused"
    await chats.command("/signaler", chat, language=language)
    yield "asked what to report"
    await chats.presses(f"{KIND}tree", chat, language=language)
    yield "asked where it is"
    await chats.command("/signaler", chat, language=language)
    await chats.presses(f"{KIND}tree", chat, language=language)
    await chats.is_at(chat=chat)
    yield "asked for more words"
    await chats.command("/effacer", chat, language=language)
    await chats.presses("f:yes", chat, language=language)
    yield "forgotten"
    anne = Account("anne", Role.APPROVER, "x", must_change=False, created_at=chats.house.clock.now())
    await chats.house.service.act(lambda unit: unit.accounts.put_account(anne))
    await chats.house.service.act(lambda unit: unit.officer_chats.link(Linked("telegram", chat, "anne")))
    yield "an officer"
    ask = Asked("a1", 5, chats.house.clock.now())
    await chats.house.service.act(lambda unit: unit.officer_chats.ask("telegram", chat, ask))
    yield "an officer who is asked why"


@in_one_test
@pytest.mark.parametrize("written", WRITTEN.values())
async def test_whoever_writes_reads_first_whom_to_call(chats, written):
    told = {}
    for chat, (name, town) in enumerate(TOWNS.items(), 4711):
        chats.town = town
        async for state in states(chats, chat):
            told[name, state] = await chats.says(chat, **written)
    assert [state for state, said in told.items() if not said.startswith(FIRST["fr"])] == []
    assert len(told) == 12 * len(TOWNS)
    # What is said first isn't said again.
    assert [state for state, said in told.items() if said.count(FIRST["fr"]) > 1] == []


async def test_it_is_said_in_the_language_of_the_chat_and_nobody_is_said_to_read_where_nobody_does(chats):
    chats.town = replace(TOWN, reports=False, hears=False)
    assert (await chats.says(1, text="help", language="en")).startswith(f"{FIRST['en']}: nobody reads this chat.")
    chats.town = replace(TOWN, hears=True)
    assert (await chats.says(2, text="help", language="en")).startswith(f"{FIRST['en']}.")


async def test_a_bare_command_and_a_button_are_answered_alone_but_the_list_of_commands(chats):
    assert not (await chats.command("/maintenant")).startswith("<b>En danger")
    assert not (await chats.command("/start")).startswith("<b>En danger")
    assert (await chats.command("/aide")).startswith(FIRST["fr"])


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_command_of_the_menu_is_known_by_its_names_in_both_languages(language):
    for name in commands(language, hears=True, reports=True):
        for typed in (name, name.upper()):
            said = typed_as(f"/{typed}")
            assert said.what.name in OWN
            assert not is_written_freely(said)


@pytest.mark.parametrize(
    ("typed", "name"),
    [("/arrêt", "stop"), ("/mesdonnées", "mydata"), ("/Choix", "settings"), ("/consultation", "poll")],
)
def test_a_french_command_is_understood_with_its_accents(typed, name):
    assert typed_as(typed).what.name == name


def typed_as(text: str) -> ChatEvent:
    chat = {"id": 1, "type": "private"}
    event = read_update({"message": {"message_id": 1, "chat": chat, "from": {"id": 1}, "text": text}}, "tocsin_bot")
    assert event is not None
    return event

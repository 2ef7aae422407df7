"""The conversation as tables, and whatever anybody may do in whatever order."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.bot.chat import (
    LONGEST_DATA,
    SPOKEN,
    ChatEvent,
    Command,
    FreeText,
    Fresh,
    Kept,
    On,
    Press,
    SentLocation,
    TownNow,
    key_of,
)
from alerts.bot.conversation import data_of as kept_as
from alerts.bot.conversation import reply
from alerts.desk.territory import ground_of
from alerts.model.alert import Severity
from alerts.model.subscriber import Quiet, Subscriber, Topic
from tests.unit.bot.talking import CHAT, NOW, TOWN, Chat, data_of, district, text_of
from tests.walls import in_one_test
from tocsin_sandbox.telegram.html import parse_html, units

COMMANDS = ["start", "now", "settings", "language", "stop", "mydata", "forget", "test", "help", "nonsense"]


def test_three_taps_subscribe():
    chat = Chat()
    assert data_of(chat.commands("start")) == ["town", "dp:0", "place"]
    assert (chat.subscriber.on, chat.subscriber.step) == (False, "where")

    chat.presses("town")
    chat.presses("topics:all")
    done = chat.presses("s:Severe")

    assert "abonnement enregistré" in text_of(done)
    wanted = Subscriber(CHAT, "fr", severity=Severity.SEVERE, quiet=Quiet(time(22), time(7)))
    assert chat.subscriber == wanted
    assert [say.edit for say in done.says] == [7]


def test_a_town_without_districts_asks_for_none():
    chat = Chat(town=replace(TOWN, districts=()))
    assert "t+:weather" in data_of(chat.commands("start"))
    chat.presses("topics:all")
    chat.presses("s:Minor")
    assert chat.subscriber.on


def test_districts_are_tapped_page_by_page():
    chat = Chat()
    chat.commands("start")
    first = data_of(chat.presses("dp:0"))
    assert len([each for each in first if each.startswith("d+")]) == 8
    assert "dp:1" in first
    chat.presses(f"d+:{key_of('SM-00')}:0")
    last = chat.presses("dp:2")
    assert "dp:1" in data_of(last)
    assert "dp:3" not in data_of(last)
    chat.presses(f"d+:{key_of('SM-19')}:2")
    assert chat.subscriber.districts == {"SM-00", "SM-19"}
    assert "✅ Quartier 19" in str(chat.replies[-1].says[0].keyboard)
    chat.presses(f"d-:{key_of('SM-00')}:0")
    chat.presses("where:done")
    assert (chat.subscriber.districts, chat.subscriber.step) == ({"SM-19"}, "topics")


@in_one_test
@pytest.mark.parametrize("data", ["d+:{key}:0", "t+:water", "s:Severe", "q:off", "l:en", "town", "topics:all"])
def test_pressed_twice_is_pressed_once(data):
    chat = Chat()
    chat.subscribes()
    data = data.format(key=key_of("SM-03"))
    chat.presses(data)
    once = chat.subscriber
    chat.presses(data)
    assert chat.subscriber == once


def test_all_districts_or_all_topics_are_the_whole():
    chat = Chat(town=replace(TOWN, districts=TOWN.districts[:2]))
    chat.subscribes()
    for code in ("SM-00", "SM-01"):
        chat.presses(f"d+:{key_of(code)}:0")
    for topic in Topic:
        chat.presses(f"t+:{topic}")
    assert (chat.subscriber.districts, chat.subscriber.topics) == (frozenset(), frozenset())


def test_a_button_of_an_answered_question_asks_the_open_one_again():
    chat = Chat()
    chat.commands("start")
    chat.presses("town")
    assert "topics:all" in data_of(chat.presses("town"))
    assert chat.subscriber.step == "topics"


@in_one_test
@pytest.mark.parametrize(
    "data", ["", "x", "d+", "d+:zz:-1", "t+:gossip", "s:Terrible", "q:now", "l:de", "s:", ":" * 60]
)
def test_a_button_there_is_none_of_changes_nothing(data):
    chat = Chat()
    before = chat.subscribes()
    chat.presses(data)
    assert chat.subscriber == before


@in_one_test
@pytest.mark.parametrize("data", ["town", "d+:0:0", "s:Severe", "go:where", "place"])
def test_a_button_of_somebody_forgotten_begins_nothing(data):
    chat = Chat()
    answer = chat.presses(data)
    assert (chat.subscriber, answer.says) == (None, ())
    assert "/start" in answer.toast


def test_a_place_chooses_its_district_and_is_in_nothing_that_is_kept_or_said():
    chat = Chat()
    chat.commands("start")
    answer = chat.is_at(0.123456, 3.654321)
    assert chat.subscriber.districts == {"SM-03"}
    assert "Quartier 3" in text_of(answer)
    assert not any(part in f"{chat.subscriber}{text_of(answer)}" for part in ("123456", "654321"))
    assert "123456" not in repr(SentLocation(0.123456, 3.654321))


def test_an_outline_is_made_ready_once_for_everybody_s_places():
    one = district(1)
    town = [replace(TOWN, districts=(one,)) for _ in range(2)]
    before = ground_of.cache_info().hits
    assert [each.around(0.5, 1.5) for each in town] == [one, one]
    assert ground_of.cache_info().hits > before


def test_a_place_elsewhere_asks_anew():
    chat = Chat()
    chat.commands("start")
    assert "town" in data_of(chat.is_at(48.85, 2.35))
    assert chat.subscriber.districts == frozenset()


def test_stop_keeps_the_choices_and_start_takes_them_up():
    chat = Chat()
    before = chat.subscribes()
    chat.commands("stop")
    assert chat.subscriber == replace(before, on=False)
    chat.commands("start")
    assert chat.subscriber == before


def test_forget_asks_once():
    chat = Chat()
    chat.subscribes()
    assert data_of(chat.commands("forget")) == ["f:yes", "f:no"]
    assert not chat.presses("f:no").forgets
    assert chat.presses("f:yes").forgets
    assert "Rien n’est conservé" in text_of(chat.commands("forget"))


def test_mydata_is_all_that_is_kept():
    chat = Chat()
    known = chat.subscribes()
    told = kept_as(Kept(known, [("incident-1", 77, NOW)], "anne", [("post-1", NOW)], {"alert-1": NOW}))
    of_a_browser = {"endpoint", "token"}
    assert set(told) == {
        *Subscriber.__dataclass_fields__.keys() - of_a_browser,
        "received",
        "held_back",
        "account",
        "told",
    }
    assert json.loads(json.dumps(told))["received"][0]["incident"] == "incident-1"
    assert all(each in str(told) for each in ("77", "post-1", "alert-1"))
    assert str(CHAT) in text_of(chat.commands("mydata"))


def test_mydata_is_all_of_it_however_much_that_is():
    kept = Kept(Subscriber(CHAT), [(f"incident-{number}<🌊>", number, NOW) for number in range(300)])
    answer = reply(kept, ChatEvent(CHAT, private=True, what=Command("mydata")), TOWN, NOW)
    shown = [parse_html(say.text).text for say in answer.says]
    assert all(units(text) <= 4096 for text in shown)
    whole = "".join(shown)
    assert json.loads(whole[whole.index("{") :]) == kept_as(kept)


def test_now_tells_what_is_on_and_how_old_that_knowledge_is():
    text = text_of(Chat().commands("now"))
    assert "Vent &lt;fort&gt;" in text
    assert 'href="https://example.org/a?b=1&amp;c=2"' in text
    assert "Météo" in text
    assert "pas encore lu" in text
    empty = text_of(Chat(town=replace(TOWN, on={"fr": (), "en": ()})).commands("now"))
    assert "aucune alerte en cours" in empty
    assert "pas lu depuis" in empty


def test_now_fits_a_message_whatever_is_on():
    many = replace(
        TOWN, on={"fr": tuple(replace(TOWN.on["fr"][0], title="<" * 500, summary="é" * 500) for _ in range(60))}
    )
    assert units(parse_html(text_of(Chat(town=many).commands("now"))).text) <= 4096
    named = tuple(Fresh("Vigilance 🌊 " * 30, NOW) for _ in range(10))
    floods = tuple(On("🌊" * 200, "Montez à l’étage. " * 30) for _ in range(14))
    text = text_of(Chat(town=replace(many, on={"fr": floods}, sources=named)).commands("now"))
    assert 3000 < units(parse_html(text).text) <= 4096
    assert "et 9 autres" in text


def test_however_many_districts_are_chosen_every_screen_can_be_sent():
    town = TownNow(
        "T", districts=tuple(district(number, f"Quartier de la Vieille-Église {number}") for number in range(200))
    )
    chat = Chat(town=town, subscriber=Subscriber(CHAT, districts=frozenset(each.code for each in town.districts[1:])))
    for answer in (chat.commands("settings"), chat.presses("go:districts")):
        assert units(parse_html(text_of(answer)).text) <= 4096
        assert "et 174 autres" in text_of(answer)


@pytest.mark.parametrize(
    ("asked", "station", "spoken"),
    [
        ("fr", "en-GB", "fr"),
        ("en-US", "fr-FR", "en"),
        ("de", "fr-FR", "fr"),
        (None, "fr-FR", "fr"),
        ("de", "de-DE", "en"),
    ],
)
def test_it_speaks_the_language_of_the_person_else_the_station_s(asked, station, spoken):
    chat = Chat(language=asked, town=replace(TOWN, language=station))
    chat.commands("start")
    assert chat.subscriber.language == spoken


def test_in_a_group_talk_and_places_are_none_of_its_business():
    chat = Chat(private=False)
    assert chat.says_something().says == ()
    assert chat.is_at(0.5, 0.5).says == ()
    assert chat.subscriber is None


def test_who_leaves_is_forgotten():
    chat = Chat()
    chat.subscribes()
    assert chat.leaves().forgets


LONG = TownNow("T", districts=tuple(district(number, "🏘" * 80 + str(number)) for number in range(9)))
DATA = st.one_of(
    st.sampled_from(["town", "dp:0", "dp:1", "where:done", "place", "topics:all", "topics:done", "f:yes", "f:no"]),
    st.sampled_from([f"{sign}:{key_of(each.code)}:0" for sign in ("d+", "d-") for each in LONG.districts]),
    st.sampled_from([f"{sign}:{topic}" for sign in ("t+", "t-") for topic in Topic]),
    st.sampled_from([f"s:{each}" for each in Severity] + ["q:off", "q:21-07", "l:en", "l:fr"]),
    st.sampled_from([f"go:{name}" for name in ("where", "topics", "severity", "quiet", "language", "menu", "?")]),
    st.text(max_size=64),
)
DEEDS = st.one_of(
    st.builds(Command, st.sampled_from(COMMANDS)),
    st.builds(Press, DATA, st.just("id"), st.just(7)),
    st.builds(SentLocation, st.floats(-90, 90), st.floats(-180, 180)),
    st.just(FreeText()),
)


@given(st.lists(DEEDS, max_size=12), st.sampled_from([None, "fr", "en"]), st.sampled_from([TOWN, LONG, TownNow("T")]))
def test_whatever_is_done_every_answer_can_be_sent_and_every_choice_kept(deeds, language, town):
    chat = Chat(town=town, language=language)
    for deed in deeds:
        answer = chat.does(deed)
        assert all(len(data.encode()) <= LONGEST_DATA and data for data in data_of(answer))
        assert len(answer.toast) <= 200
        for say in answer.says:
            assert 0 < units(parse_html(say.text).text) <= 4096
        known = chat.subscriber
        assert known is None or (known.chat == CHAT and known.language in SPOKEN)
        assert known is None or known.step is None or not known.on


def test_who_stopped_in_the_middle_reads_that_nothing_comes_yet_and_goes_on():
    chat = Chat()
    chat.commands("start")
    chat.presses("dp:0")
    chat.presses(f"d+:{key_of('SM-03')}:0")
    chat.presses("where:done")
    for command in ("mydata", "settings", "now", "test"):
        assert "n’arrivent pas encore ici</b>\u00a0: il reste 2 questions" in text_of(chat.commands(command))
    assert "topics:all" in data_of(chat.commands("settings"))
    assert chat.subscriber.districts == {"SM-03"}, "nothing that was chosen is lost"
    chat.presses("topics:all")
    assert "il reste 1 question" in text_of(chat.commands("now"))
    chat.presses("s:Minor")
    for command in ("mydata", "settings", "now", "test"):
        assert "n’arrivent pas encore" not in text_of(chat.commands(command))


def test_who_paused_reads_so_with_what_is_on():
    chat = Chat()
    chat.subscribes()
    chat.commands("stop")
    for command in ("mydata", "settings", "now", "test"):
        assert "/start pour reprendre" in text_of(chat.commands(command))


def test_what_is_on_fits_a_message_whatever_is_said_below():
    many = tuple(On("T" * 150, "S" * 200) for _ in range(10))
    chat = Chat(town=replace(TOWN, on={"fr": many}))
    chat.commands("start")
    told = chat.commands("now").says[0].text
    assert "n’arrivent pas encore" in told
    assert units(parse_html(told).text) <= 4096


def test_it_says_what_no_choice_of_topics_keeps_back():
    chat = Chat()
    chat.commands("start")
    vital = "les alertes extrêmes arrivent aussi"
    assert f"{vital}, et les alertes graves de sécurité" in text_of(chat.presses("town"))
    for data in ("t+:works", "topics:done", "s:Minor"):
        chat.presses(data)
    assert f"{vital}, et les alertes graves de sécurité" in text_of(chat.commands("settings"))
    chat.presses("s:Extreme")
    assert f"{vital}." in text_of(chat.commands("settings"))
    chat.presses("topics:all")
    assert vital not in text_of(chat.commands("settings"))


def test_forgetting_says_that_the_link_to_an_account_goes_too():
    said = reply(Kept(Subscriber(CHAT), account="<anne>"), ChatEvent(CHAT, True, Command("forget"), "fr"), TOWN, NOW)
    assert "Le lien avec le compte <b>&lt;anne&gt;</b> disparaît aussi" in text_of(said)
    assert "Le lien" not in text_of(reply(Kept(Subscriber(CHAT)), ChatEvent(CHAT, True, Command("forget")), TOWN, NOW))


@pytest.mark.parametrize(("language", "hours"), [("fr", "22\u00a0h – 7\u00a0h"), ("en", "10pm – 7am")])
def test_hours_are_said_as_the_readers_language_writes_them(language: str, hours: str):
    chat = Chat(language=language)
    chat.commands("start")
    assert hours in text_of(chat.commands("settings"))
    assert ":00" not in text_of(chat.commands("now"))

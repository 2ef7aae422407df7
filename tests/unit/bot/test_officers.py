"""What an officer is shown is all of it, word for word, and what is bound to it."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from alerts.access.sessions import digest_of
from alerts.bot.events import ChatEvent, Command, Press
from alerts.bot.officers import Waiting, is_theirs, sheets
from alerts.model.post import Message, PostImage, PostState
from tests.unit.store.conftest import a_post, a_record
from tocsin_sandbox.telegram.html import parse_html, units

RECORD = a_record("a" * 26)


def waiting(*texts: str, image: PostImage | None = None, may_approve: bool = True) -> Waiting:
    posts = [
        a_post(f"p{number}", RECORD, state=PostState.WAITING, message=Message(text, text, image=image))
        for number, text in enumerate(texts)
    ]
    return Waiting(RECORD, posts, "À valider : <x>", "Centre & bourg", may_approve)


@pytest.mark.parametrize("texts", [("Vent <fort> & pluie",), ("🌊" * 2000, "fin"), ("x" * 3000,) * 4, ("",)])
def test_every_word_is_there_and_every_message_can_be_sent(texts):
    says = sheets(waiting(*texts), "fr")
    assert all(units(parse_html(say.text).text) <= 4096 for say in says)
    assert quoted(says).startswith("".join(texts))
    assert [say.keyboard is not None for say in says] == [False] * (len(says) - 1) + [True]


def quoted(says) -> str:
    """All that is shown word for word."""
    found = re.findall(r"<blockquote>(.*?)</blockquote>", "".join(say.text for say in says), re.DOTALL)
    return html.unescape("".join(found))


def test_what_subscribers_get_and_the_town_s_page_says_is_shown_in_every_language():
    info = replace(RECORD.alert.infos[0], headline="Crue", contact="05 00 00 00 00", language="fr-FR")
    other = replace(info, language="de-DE", headline="Hochwasser", description="Böse Worte")
    record = replace(RECORD, alert=replace(RECORD.alert, note="Attention", infos=(info, other)))
    shown = waiting("Crue")
    subscribers = {"en": Message("<b>Flood</b>", "Flood", "https://en.example"), "fr": Message("Crue !", "Crue !")}
    posts = [replace(post, subscribers=subscribers) for post in shown.posts]
    text = quoted(says := sheets(replace(shown, record=record, posts=posts), "fr"))

    for words in ("Flood", "https://en.example", "Crue !", "Hochwasser", "Böse Worte", "05 00 00 00 00", "Attention"):
        assert words in text
    assert says[-1].keyboard is not None


@pytest.mark.parametrize("where", ["posts", "subscribers", "page"])
def test_what_does_not_fit_is_validated_at_the_desk_alone(where):
    long = "🌊" * 40_000
    shown = replace(waiting(long if where == "posts" else "Crue"), desk_url="https://garde.example/desk")
    if where == "subscribers":
        posts = [replace(post, subscribers={"en": Message(long, long)}) for post in shown.posts]
        shown = replace(shown, posts=posts)
    if where == "page":
        infos = (replace(RECORD.alert.infos[0], description=long),)
        shown = replace(shown, record=replace(RECORD, alert=replace(RECORD.alert, infos=infos)))
    says = sheets(shown, "fr")

    assert len(says) == 1
    assert f"https://garde.example/desk/waiting/{RECORD.id}" in says[0].text
    assert [data[:3] for data in keys(shown)] == ["no:"]


def test_an_event_that_is_out_is_not_published_a_second_time_from_a_chat():
    shown = replace(waiting("Vent"), twins=(replace(RECORD, id="b" * 26, source="vigilance"),))

    assert "Le même événement est déjà publié" in sheets(shown, "fr")[-1].text
    assert [data[:3] for data in keys(shown)] == ["no:"]


def keys(shown: Waiting) -> list[str]:
    board = sheets(shown, "fr")[-1].keyboard or {}
    return [key["callback_data"] for row in board["inline_keyboard"] for key in row]


def test_the_buttons_are_bound_to_what_is_shown():
    one, other = keys(waiting("Vent")), keys(waiting("Vent fort"))
    assert [data[:3] for data in one] == ["ok:", "no:"]
    assert one[0] != other[0]
    assert all(len(data.encode()) <= 64 for data in one)


def test_what_can_not_be_seen_here_or_is_one_s_own_is_not_validated_here():
    assert [data[:3] for data in keys(waiting("Vent", may_approve=False))] == ["no:"]
    assert [data[:3] for data in keys(waiting("Vent", image=PostImage("/no/such.png", "Carte")))] == ["no:"]


def test_a_picture_is_shown_once_above_the_posts(tmp_path):
    file = tmp_path / "card.png"
    file.write_bytes(b"a picture")
    shown = waiting("Vent", "Vent fort", image=PostImage(str(file), "Carte du quartier"))
    says = sheets(shown, "fr")
    assert [(say.picture, say.text) for say in says[:-1]] == [(str(file), "Carte du quartier")]
    assert [data[:3] for data in keys(shown)] == ["ok:", "no:"]


@pytest.mark.parametrize(
    ("what", "private", "theirs"),
    [
        (Command("link", "X"), True, True),
        (Command("link", "X"), False, True),
        (Command("unlink"), False, False),
        (Command("start"), True, False),
        (Press("ok:a:b", "1", 1), True, True),
        (Press("ok:a:b", "1", 1), False, False),
        (Press("town", "1", 1), True, False),
    ],
)
def test_nobody_decides_in_a_group(what, private, theirs):
    assert is_theirs(ChatEvent(1, private, what)) is theirs


def test_a_code_is_known_however_it_is_typed():
    assert digest_of("abcd efgh23") == digest_of("ABCD-EFGH23") != digest_of("ABCDEFGH24")

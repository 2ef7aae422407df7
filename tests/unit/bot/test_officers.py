"""An officer is shown every word of what waits, and decides in a chat under the rules of the desk, in French."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from alerts.access.sessions import digest_of
from alerts.bot.acts import SEEN, poll_review
from alerts.bot.chat import ChatEvent, Command, FreeText, Press, What
from alerts.bot.officers import ANSWERED_WITHIN, LONGEST_REASON, answer, is_reason, is_theirs, language_of_chat
from alerts.bot.review_messages import Waiting, sheets
from alerts.desk.officer import Officer
from alerts.listening.polls import PollDraft, open_poll
from alerts.model.errors import Conflict
from alerts.model.person import Role
from alerts.model.poll import PollState
from alerts.model.post import Message, PostImage, PostState
from alerts.model.subscriber import Linked
from alerts.model.town import SourceRules
from alerts.store.unit import transaction
from tests.unit.bot.talking import TOWN, data_of, text_of
from tests.unit.desk.conftest import make_town  # noqa: F401 a fixture
from tests.unit.desk.test_officer import ANNE, PAUL, DutyDesk
from tests.unit.french import wrong_in
from tests.unit.store.conftest import a_post, a_record
from tests.walls import in_one_test
from tocsin_sandbox.telegram.html import parse_html, units

RECORD = a_record("a" * 26)


def waiting(*texts: str, image: PostImage | None = None, may_approve: bool = True) -> Waiting:
    posts = [
        a_post(f"p{number}", RECORD, state=PostState.WAITING, message=Message(text, text, image=image))
        for number, text in enumerate(texts)
    ]
    return Waiting(RECORD, posts, "À valider : <x>", "Centre & bourg", may_approve)


@in_one_test
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
    stored = replace(RECORD, alert=replace(RECORD.alert, note="Attention", infos=(info, other)))
    shown = waiting("Crue")
    subscribers = {"en": Message("<b>Flood</b>", "Flood", "https://en.example"), "fr": Message("Crue !", "Crue !")}
    posts = [replace(post, subscribers=subscribers) for post in shown.posts]
    text = quoted(says := sheets(replace(shown, stored=stored, posts=posts), "fr"))

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
        shown = replace(shown, stored=replace(RECORD, alert=replace(RECORD.alert, infos=infos)))
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


@in_one_test
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


CHAT = 702
SAYING = FreeText("Pas demain")


class Asked:
    """The service, as far as it is asked; what can't be a reason needs no look."""

    def __init__(self, desk: DutyDesk) -> None:
        self._desk = desk

    async def ask(self, question):
        return question(self._desk.unit())


class Phone:
    """Paul's chat with the bot, before the desk's own database; Anne wrote what waits."""

    def __init__(self, town) -> None:
        self.desk = DutyDesk(town)
        for each in (ANNE, PAUL):
            self.desk.account(each.name)
        self.link(PAUL.name)
        self.filed = self.desk.post(ANNE)

    def link(self, name: str) -> None:
        with transaction(self.desk.town.db):
            self.desk.unit().officer_chats.link(Linked("telegram", CHAT, name))

    def does(self, what, language: str = "fr"):
        event = ChatEvent(CHAT, private=True, what=what, language=language, asker=1)
        with transaction(self.desk.town.db):
            reply = answer(self.desk.unit(), "telegram", event, TOWN)
        assert language != "fr" or not [line for say in reply.says for line in wrong_in(unescape(say.text))]
        return reply

    def presses(self, act: str, more: str = "-"):
        return self.does(Press(f"{act}:{self.filed.stored.id}:{more}", "p", 7))

    def types(self, text: str):
        return self.does(FreeText(text))

    def listens(self, what: What = SAYING, *, private: bool = True) -> bool:
        return asyncio.run(is_reason(Asked(self.desk), "telegram", ChatEvent(CHAT, private, what)))

    @property
    def states(self) -> set[str]:
        return set(self.desk.town.states(self.filed).values())


@pytest.fixture
def phone(make_town):  # noqa: F811 the fixture
    return Phone(make_town(sources={"manual": SourceRules(publish="approve")}))


def test_what_is_typed_is_the_reason(phone):
    assert not phone.listens()
    asked = phone.presses("no")
    assert "écrivez la vôtre dans les 10 minutes" in text_of(asked)
    assert phone.listens()
    assert not phone.listens(private=False)
    assert not phone.listens(Command("now"))

    done = phone.types("  Ce n’est pas <demain>,\n c’est samedi\u202e ! ")
    assert "Rejetée par vous (Ce n’est pas &lt;demain&gt;, c’est samedi !)" in text_of(done)
    assert [say.edit for say in done.says] == [None, 7], "the buttons go from the question"
    assert phone.states == {"rejected"}
    assert phone.desk.lines(phone.filed)[-1] == ("Paul", "reject", "Ce n’est pas <demain>, c’est samedi !")
    assert not phone.listens()


@pytest.mark.parametrize("text", ["", " \n ", "x" * (LONGEST_REASON + 1)])
def test_what_is_no_reason_is_asked_for_again(phone, text):
    phone.presses("no")
    assert "en 300 caractères au plus" in text_of(phone.types(text))
    assert (phone.states, phone.listens()) == ({"waiting"}, True)
    phone.types("x" * LONGEST_REASON)
    assert phone.states == {"rejected"}


def test_what_comes_too_late_rejects_nothing_and_says_so(phone):
    phone.presses("no")
    phone.desk.town.clock.set(phone.desk.town.clock.now() + ANSWERED_WITHIN + timedelta(seconds=1))
    assert "attend toujours" in text_of(phone.types("Pas demain"))
    assert (phone.states, phone.listens()) == ({"waiting"}, False)


def test_what_was_decided_meanwhile_stays_so(phone):
    phone.presses("no")
    phone.desk.reject(phone.desk.act(PAUL, lambda officer: officer.actor), phone.filed, "trop tard")
    assert "n’attend plus" in text_of(phone.types("Pas demain"))
    assert phone.desk.lines(phone.filed)[-1][2] == "trop tard"
    assert not phone.listens()


def test_a_button_ends_the_asking_too(phone):
    phone.presses("no")
    assert "le lieu est faux" in text_of(phone.presses("why", "1"))
    assert (phone.states, phone.listens()) == ({"rejected"}, False)


def test_validating_is_bound_to_what_was_shown_and_is_another_s(phone):
    seal = phone.desk.seal(phone.filed)[:SEEN]
    assert "a changé depuis" in text_of(phone.presses("ok", "0" * SEEN))
    phone.link(ANNE.name)
    assert "Vous l’avez rédigée" in text_of(phone.presses("ok", seal))
    assert phone.states == {"waiting"}
    phone.link(PAUL.name)
    assert "Validée par vous" in text_of(phone.presses("ok", seal))
    assert phone.states == {"queued"}


def test_a_chat_of_nobody_is_told_so_in_its_language(phone):
    with transaction(phone.desk.town.db):
        phone.desk.unit().officer_chats.unlink("telegram", CHAT)
    press = Press(f"ok:{phone.filed.stored.id}:-", "p", 7)
    assert "reliée à aucun compte" in text_of(phone.does(press))
    assert "isn’t linked to an account" in text_of(phone.does(press, "en"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"role": Role.AUTHOR}, "rôle"), ({"disabled": True}, "fermé")],
)
def test_an_account_that_may_not_decide_is_told_so(phone, changes, told):
    phone.presses("no")
    account = phone.desk.unit().accounts.account(PAUL.name)
    now = phone.desk.town.clock.now()
    changed = replace(account, disabled_at=now) if "disabled" in changes else replace(account, **changes)
    phone.desk.act(ANNE, lambda officer: officer.unit.accounts.put_account(changed))
    for refused in (phone.presses("ok"), phone.presses("no"), phone.presses("why", "0"), phone.types("Pas demain")):
        assert told in text_of(refused)
        assert data_of(refused) == []
    assert phone.states == {"waiting"}


def test_what_goes_wrong_is_told_in_the_officer_s_language_not_in_the_town_s(phone):
    unit, event = phone.desk.unit(), ChatEvent(CHAT, private=True, what=FreeText("Non"), language="de")
    abroad = replace(TOWN, language="en")
    phone.desk.act(ANNE, lambda officer: officer.unit.accounts.put_account(speaking(officer, "fr")))

    assert language_of_chat(unit, "telegram", event, abroad) == "fr"
    with transaction(phone.desk.town.db):
        phone.desk.unit().officer_chats.unlink("telegram", CHAT)
    assert language_of_chat(phone.desk.unit(), "telegram", event, abroad) == "en"


def speaking(officer, language):
    return replace(officer.unit.accounts.account(PAUL.name), language=language)


# --- what else waits: polls, answers


@pytest.fixture
def asked(phone):
    """A poll of Anne's that waits, and what Paul's chat shows of it."""
    with transaction(phone.desk.town.db):
        unit = phone.desk.unit()
        draft = PollDraft("Fermer la place ?", ("Oui", "Non"), unit.now + timedelta(hours=2))
        poll = open_poll(Officer(unit, ANNE), draft)
    return poll, poll_review("À valider", poll, "fr", TOWN.zone)


def poll_now(phone, poll):
    return phone.desk.unit().polls.poll(poll.id)


def data_in(say) -> list[str]:
    return [key["callback_data"] for row in say.keyboard["inline_keyboard"] for key in row]


def test_a_poll_is_shown_in_full_and_validated_as_it_was_shown(phone, asked):
    poll, say = asked
    for words in ("• Oui", "• Non", *poll.channels):
        assert words in say.text
    validate, _ = data_in(say)
    assert all(len(data.encode()) <= 64 for data in data_in(say))
    name, identity, seen = validate.split(":")

    with pytest.raises(Conflict):
        phone.does(Press(f"{name}:{identity}:{'0' * len(seen)}", "p", 7))
    assert poll_now(phone, poll).approved_at is None
    assert "Validée par vous" in text_of(phone.does(Press(validate, "p", 7)))
    assert poll_now(phone, poll).approved_by == "Paul"


def test_a_poll_is_rejected_for_a_reason_that_is_tapped_or_typed(phone, asked):
    poll, say = asked
    _, reject = data_in(say)
    why = phone.does(Press(reject, "p", 7))
    assert "Pourquoi ne pas publier" in text_of(why)
    assert phone.listens()
    assert "trop tôt" in text_of(phone.types("trop tôt"))
    assert (poll_now(phone, poll).state, poll_now(phone, poll).reason["why"]) == (PollState.REJECTED, "trop tôt")
    assert not phone.listens()


def test_the_button_that_validates_an_alert_validates_no_poll(phone, asked):
    poll, _ = asked
    assert "plus là" in text_of(phone.does(Press(f"ok:{poll.id}:{'0' * SEEN}", "p", 7)))
    assert poll_now(phone, poll).approved_at is None

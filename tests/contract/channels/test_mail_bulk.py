"""Letters to subscribers against a real relay: threads, one click, what is refused, confirmed, lost or in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.channels.mail.bulk import AGAIN, TRIED_FOR, MailBulk
from alerts.channels.settings import MailSettings
from alerts.model.alert import Severity
from alerts.model.delivery import SendOutcome, Target
from alerts.model.errors import BadCredential, Retry
from alerts.model.post import Message, PostKind
from alerts.model.subscriber import Mailbox, Notice, Topic
from alerts.rendering.i18n import sentence
from tests.contract.channels.conftest import SETTINGS
from tests.mail_relay import USER
from tests.unit.store.bulk_turns import a_told

SENT, FAILED, LATER = SendOutcome.SENT, SendOutcome.FAILED, SendOutcome.LATER
DOUBT = SendOutcome.DOUBT
BOX = Mailbox("Jeanne@Quais.example", "t" * 43)
NOBODY = {"RCPT": "550 5.1.1 <Jeanne@Quais.example> no such user"}
PAGES = "https://alertes.example"


class Letters:
    """A town that sends letters to its own subscribers."""

    def __init__(self, stage) -> None:
        self.stage = stage
        told = {"kind": "mail", **stage.place("mail"), **SETTINGS["mail"], "subscriptions": True, "timeout": "60s"}
        self.settings = MailSettings.model_validate({**told, "to": None})
        self.bulk = MailBulk("mail", self.settings, replace(stage.resources(), pages=PAGES), sentence)

    def target(self, name="b1", *, box=BOX, message=None, language="fr", **changes) -> Target:
        links = {"fr": f"{PAGES}/alerts/i1", "en": f"{PAGES}/en/alerts/i1"}
        texts = {"fr": "<b>Crue</b>\nMontez à l’étage.", "en": "<b>Flood</b>\nGo upstairs."}
        now = self.stage.clock.now()
        plain = a_told(name, texts=texts, links=links, stored_at=now, expires=now + timedelta(hours=9))
        return Target(box.number, language, (replace(plain, **changes),), message, endpoint=box)

    async def tell(self, *told, **changes):
        return await self.bulk.tell(self.target(*told, **changes))


@pytest.fixture
async def letters(stage):
    letters = Letters(stage)
    yield letters
    await letters.bulk.close()


async def test_each_gets_a_letter_of_their_own_in_their_language(letters):
    other = Mailbox("john@quais.example", "u" * 43)
    results = [await letters.tell(), await letters.tell(box=other, language="en")]
    assert [each.outcome for each in results] == [SENT, SENT]
    one, two = letters.stage.relay.taken
    assert (one.sender, one.to, one.letter["To"], one.letter["Subject"]) == (USER, [BOX.address], BOX.address, "Crue")
    assert (two.to, two.letter["Subject"], two.letter["Content-Language"]) == (["john@quais.example"], "Flood", "en")
    assert "john" not in one.content.decode()
    assert one.letter["Auto-Submitted"] == "auto-generated"
    assert one.id != two.id
    assert "<b>Crue</b>" in one.text("html")


async def test_one_click_unsubscribes_and_the_foot_leads_to_the_choices(letters):
    await letters.tell()
    [taken] = letters.stage.relay.taken
    leave = f"{PAGES}/mail/{BOX.token}"
    assert taken.letter["List-Unsubscribe"].strip() == f"<{leave}>"
    assert taken.letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert taken.text().rstrip().endswith(f"our changer vos choix ou ne plus recevoir ces courriels\u00a0:\n{leave}")
    assert f'<a href="{leave}">' in taken.text("html")


async def test_what_goes_on_stands_under_the_first_and_a_repeat_is_the_same_letter(letters):
    first = await letters.tell("b1")
    await letters.stage.clock.advance(60)
    update = await letters.tell("b2", message=first.message, kind=PostKind.UPDATE)
    end = await letters.tell("b3", message=update.message, kind=PostKind.END)
    again = await letters.tell("b3", message=update.message, kind=PostKind.END, stored_at=end.target.bulks[0].stored_at)
    one, two, three, four = letters.stage.relay.taken
    assert [each.reply_to for each in (one, two, three)] == [None, one.id, one.id]
    assert two.letter["References"] == f"<{one.id}>"
    assert len({one.id, two.id, three.id}) == 3
    assert (again.outcome, four.content) == (SENT, three.content)


async def test_refused_for_now_it_is_for_later_and_others_go_on(letters):
    letters.stage.relay.set(says={"RCPT": "451 4.7.1 greylisted"}, times=1)
    result = await letters.tell()
    assert (result.outcome, result.until) == (LATER, letters.stage.clock.now() + AGAIN)
    assert (await letters.tell(box=Mailbox("b@c.example", "x"))).outcome is SENT
    assert (await letters.tell()).outcome is SENT


async def test_without_an_end_it_is_tried_for_a_day(letters):
    letters.stage.relay.set(says={"RCPT": "450 4.2.2 full"})
    now = letters.stage.clock.now()
    assert (await letters.tell(expires=None)).outcome is LATER
    assert (await letters.tell(expires=None, stored_at=now - TRIED_FOR)).outcome is FAILED


@pytest.mark.parametrize("says", [{"RCPT": "421 4.3.2 closing"}, {"DATA": "451 4.3.0 later"}, {"GREETING": "421 busy"}])
async def test_what_is_about_the_relay_holds_up_all_and_names_nobody(letters, says):
    letters.stage.relay.set(says={name: f"{words} {BOX.address.lower()}" for name, words in says.items()})
    with pytest.raises(Retry) as caught:
        await letters.tell()
    assert "quais" not in str(caught.value.reason).lower()


async def test_a_password_that_is_refused_stops_all(letters):
    letters.stage.relay.set(says={"AUTH": "535"})
    with pytest.raises(BadCredential):
        await letters.tell()


async def test_that_a_mailbox_isn_t_there_is_told_as_that(letters):
    letters.stage.relay.set(says=NOBODY, times=1)
    assert [(await letters.tell()).outcome, (await letters.tell("b2")).outcome] == [SendOutcome.NOBODY, SENT]


@pytest.mark.parametrize("says", [{"RCPT": "550 5.7.1 no"}, {"RCPT": "552 5.2.2 full"}, {".": "554 5.6.0 spam"}])
async def test_another_refusal_is_one_and_nobody_leaves_by_it(letters, says):
    letters.stage.relay.set(says=says)
    assert (await letters.tell()).outcome is FAILED


@pytest.mark.parametrize(
    ("severity", "outcome"),
    [(Severity.EXTREME, DOUBT), (Severity.SEVERE, DOUBT), (Severity.UNKNOWN, DOUBT), (Severity.MODERATE, FAILED)],
)
async def test_lost_after_the_final_dot_it_is_in_doubt_where_it_is_grave(letters, severity, outcome):
    letters.stage.relay.set(does="cut_after", times=1)
    notice = Notice(Topic.FLOOD, severity)
    result = await letters.tell(notice=notice)
    assert (result.outcome, len(letters.stage.relay.taken)) == (outcome, 1)
    await letters.tell(notice=notice)
    one, again = letters.stage.relay.taken
    assert one.content == again.content


async def test_a_letter_that_is_no_alert_s_tells_nobody_whether_there_is_such_a_mailbox(letters):
    message = Message("Lien", "Lien")
    await letters.bulk.write_to(BOX.address, message, "seal")
    letters.stage.relay.set(says=NOBODY)
    await letters.bulk.write_to(BOX.address, message, "seal")
    letters.stage.relay.set(says={"RCPT": "451 4.7.1 greylisted"})
    with pytest.raises(Retry):
        await letters.bulk.write_to(BOX.address, message, "seal")
    [taken] = letters.stage.relay.taken
    assert (taken.to, taken.letter["List-Unsubscribe"]) == ([BOX.address], None)
    assert "jeanne" not in taken.id


async def test_nothing_of_whom_it_is_for_is_shown_or_logged(letters, caplog):
    letters.stage.relay.set(says=NOBODY)
    result = await letters.tell()
    shown = repr(result) + caplog.text
    assert "quais.example" not in shown.lower()
    assert BOX.token not in shown


async def test_without_a_list_a_post_is_out_once_its_subscribers_may_be_told(stage):
    channel = await stage.open("mail", to=None, subscriptions=True)
    receipt = await channel.publish(Message("Crue", "Crue"))
    assert receipt.remote_id
    assert stage.relay.taken == []
    assert channel.proves_nothing
    assert channel.drops_repeats
    assert (await channel.probe()).warnings == ()
    stage.relay.set(says={"MAIL": "550 5.7.1 not your address"})
    with pytest.raises(BadCredential):
        await channel.probe()


def fields_of(content: bytes) -> dict[str, list[str]]:
    """The headers of the bytes that the relay got, each line of a header by itself: no parser that forgives."""
    head, _, _ = content.partition(b"\r\n\r\n")
    fields: dict[str, list[str]] = {}
    name = ""
    for line in head.decode("ascii").split("\r\n"):
        if line[0] in " \t":
            fields[name].append(line)
        else:
            name, _, value = line.partition(":")
            assert name not in fields
            fields[name] = [value]
    return fields


@pytest.mark.parametrize("length", [20, 30, 80, 300, 700])
async def test_the_headers_that_unsubscribe_are_whole_on_the_wire(letters, length):
    pages = f"https://alertes.example/{'cours-de-la-libération'.encode().hex()}/{'x' * length}"
    letters.bulk = MailBulk("mail", letters.settings, replace(letters.stage.resources(), pages=pages), sentence)
    await letters.tell()
    await letters.bulk.close()
    [taken] = letters.stage.relay.taken
    fields = fields_of(taken.content)
    assert fields["List-Unsubscribe"] == [f" <{pages}/mail/{BOX.token}>"], "neither folded nor encoded"
    assert fields["List-Unsubscribe-Post"] == [" List-Unsubscribe=One-Click"]
    # A relay's signature holds over bytes that nobody on the way has a reason to write anew.
    assert all(len(line) <= 998 and b"\n" not in line and line.isascii() for line in taken.content.split(b"\r\n"))

"""What mail promises beyond the contract, against a real relay: TLS, threads, what is refused, lost or in doubt."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.channels.mail.channel import Mail
from alerts.channels.settings import MailSettings
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry
from alerts.model.post import About, Message, PostImage, PostKind, PostState
from alerts.store.files import migrate
from tests.contract.channels.conftest import SECRETS, SETTINGS, message, told_by
from tests.mail_relay import LIST, USER, Relay, certified
from tests.unit.delivery.lane_house import LaneHouse

READY = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)
PASSWORD = SECRETS["MAIL_PASSWORD"]


def about(post: str = "p1", severity: Severity = Severity.SEVERE, **more: Any) -> About:
    return About(post, "a1", "i1", "mail", PostKind.PUBLISH, severity, ready_at=READY, **more)


@pytest.fixture
async def channel(stage):
    channel = await stage.open("mail")
    yield channel
    await channel.close()


async def refused(channel: Mail, words: Message | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await channel.publish(words or message())
    assert PASSWORD not in told_by(caught.value)
    return caught.value


async def test_a_post_is_one_letter_to_the_list(stage, channel, picture):
    image = PostImage(picture, "La carte")
    await channel.publish(message("Crue\n\nRestez chez vous", image=image, about=about()))
    [taken] = stage.relay.taken
    letter = taken.letter
    assert (taken.sender, taken.to) == (USER, [LIST])
    assert (letter["Subject"], letter["To"], letter["Date"]) == ("Crue", LIST, "Wed, 25 Nov 2026 17:30:00 +0000")
    assert (letter["Auto-Submitted"], letter["Precedence"]) == ("auto-generated", "list")
    assert (letter["Importance"], letter["X-Priority"]) == ("high", "1")
    assert [part.get_content_type() for part in letter.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    assert 'alt="La carte"' in taken.text("html")


async def test_it_is_the_same_letter_at_every_attempt(stage, channel):
    words = message("Crue", about=about())
    first = await channel.publish(words)
    await stage.clock.advance(3600)
    again = await channel.publish(words)
    assert first == again
    one, other = stage.relay.taken
    assert one.content == other.content
    assert one.id == first.remote_id == f"p1@{USER.partition('@')[2]}"


async def test_what_is_no_post_is_dated_now_and_another_letter_each_time(stage, channel):
    first = await channel.publish(message("La base de données refuse"))
    await stage.clock.advance(3600)
    again = await channel.publish(message("La base de données refuse"))
    assert first.remote_id != again.remote_id
    assert stage.relay.taken[1].letter["Date"].datetime == stage.clock.now().replace(microsecond=0)


async def test_an_update_stands_in_the_thread_of_the_first_letter(stage, channel):
    first = await channel.publish(message("Crue", about=about()))
    await channel.publish(message("Crue : évacuez", about=about("p2", Severity.MODERATE)), first.remote_id)
    letter = stage.relay.taken[1].letter
    assert letter["In-Reply-To"] == letter["References"] == f"<{first.remote_id}>"
    assert letter["Importance"] is None


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        ({"GREETING": "554 5.7.1 not from there"}, BadCredential),
        ({"GREETING": "421 4.3.2 closing"}, Retry),
        ({"AUTH": "535"}, BadCredential),
        ({"MAIL": "550 5.7.1 not your address"}, BadCredential),
        ({"MAIL": "550 5.4.5 daily limit"}, Retry),
        ({"MAIL": "552 5.3.4 too large"}, Rejected),
        ({"RCPT": "450 4.2.0 greylisted"}, Retry),
        ({"RCPT": "550 5.1.1 no such list"}, Rejected),
        ({"DATA": "451 4.3.0 later"}, Retry),
        ({".": "451 4.3.0 later"}, Retry),
        ({".": "554 5.6.0 spam"}, Rejected),
    ],
)
async def test_each_refusal_says_what_to_do_next(stage, channel, says, kind):
    stage.relay.set(says=says)
    error = await refused(channel)
    assert type(error) is kind
    assert stage.relay.taken == []
    [words] = says.values()
    assert words.partition(" ")[0] in str(error.reason)


@pytest.mark.parametrize("says", [{"AUTH": "535"}, {"MAIL": "550 5.7.1 not your address"}])
async def test_what_would_meet_every_letter_stops_the_channel(stage, channel, says):
    stage.relay.set(says=says)
    assert type(await refused(channel)) is BadCredential
    with pytest.raises(BadCredential):
        await channel.probe()
    stage.relay.set()
    assert (await channel.probe()).warnings == ()


async def test_a_list_that_is_refused_is_told_before_there_is_a_letter(stage, channel):
    stage.relay.set(says={"RCPT": "550 5.1.1 no such list"})
    probe = await channel.probe()
    assert (probe.account, [warning.code for warning in probe.warnings]) == (USER, ["mail_list_refused"])
    assert "DATA" not in stage.relay.verbs


async def test_what_is_lost_before_the_final_dot_is_tried_again(stage, make_relay):
    relay = await make_relay(data_size_limit=None)
    channel = await stage.open("mail", port=relay.port)
    # More than all buffers on the way hold, so that its end is still here when the relay goes.
    relay.set(does="cut_before")
    error = await refused(channel, message("x" * 3_000_000))
    assert (type(error), error.sent) == (Retry, True)
    relay.set(says={"DATA": "421 4.3.2 closing"})
    assert type(await refused(channel)) is Retry


@pytest.fixture
async def make_relay():
    relays: list[Relay] = []

    async def make(*tls: Any, **how: Any) -> Relay:
        relays.append(await Relay(PASSWORD, *tls, **how).start())
        return relays[-1]

    yield make
    for relay in relays:
        await relay.stop()


@pytest.mark.parametrize("implicit", [False, True])
async def test_it_goes_over_tls_whose_certificate_is_verified(stage, make_relay, tmp_path, monkeypatch, implicit):
    context, trusted = certified(tmp_path)
    relay = await make_relay(context, implicit=implicit)
    place = {"port": relay.port, "tls": "implicit" if implicit else "starttls"}
    channel = await stage.open("mail", **place)
    error = await refused(channel)
    assert (type(error), error.sent, relay.verbs.count("MAIL")) == (Retry, False, 0)
    assert "AUTH PLAIN" not in relay.verbs

    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    await channel.publish(message())
    assert [taken.safe for taken in relay.taken] == [True]


async def test_a_certificate_of_another_name_is_none(stage, make_relay, tmp_path, monkeypatch):
    context, trusted = certified(tmp_path, "127.0.0.2")
    relay = await make_relay(context)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    channel = await stage.open("mail", port=relay.port, tls="starttls")
    assert (await refused(channel)).reason["why"].code == "no_tls"
    assert "AUTH PLAIN" not in relay.verbs


async def test_where_no_tls_is_offered_nothing_is_said(stage):
    channel = await stage.open("mail", tls="starttls")
    error = await refused(channel)
    assert (type(error), error.sent, error.reason["why"].code) == (Retry, False, "mail_no_starttls")
    assert stage.relay.verbs == ["EHLO"]


async def test_nobody_signs_in_where_no_user_is_named(make_relay, stage):
    relay = await Relay().start()
    channel = await stage.open("mail", port=relay.port, user=None, password=None)
    await channel.publish(message())
    assert (len(relay.taken), "AUTH PLAIN" in relay.verbs) == (1, False)
    await relay.stop()


class Watched(Mail):
    """Tells the town's clock that it is at work, so that no time passes meanwhile."""

    def __init__(self, house: LaneHouse, settings: MailSettings, stage: Any) -> None:
        super().__init__("x", settings, stage.resources())
        self._house = house

    async def publish(self, words: Message, reply_to: str | None = None) -> Any:
        with self._house.database.at_work.piece():
            return await super().publish(words, reply_to)


@pytest.fixture
async def house(tmp_path):
    template = tmp_path / "template.db"
    migrate(template)
    (tmp_path / "town").mkdir()
    house = await LaneHouse.open(template, tmp_path / "town")
    yield house
    await house.close()


@pytest.mark.parametrize(
    ("severity", "state", "letters"),
    [(Severity.SEVERE, PostState.SENT, 2), (Severity.MODERATE, PostState.IN_DOUBT, 1)],
)
async def test_what_is_lost_after_the_final_dot_is_sent_once_more_or_waits(stage, house, severity, state, letters):
    told = {"kind": "mail", **stage.place("mail"), **SETTINGS["mail"]}
    await house.start(Watched(house, MailSettings.model_validate(told), stage))
    stage.relay.set(does="cut_after", times=1)
    post = await house.post("Crue", severity)
    await house.clock.advance(30)

    assert await house.state(post) is state
    assert [taken.id for taken in stage.relay.taken] == [f"{post}@{USER.partition('@')[2]}"] * letters
    assert len({taken.content for taken in stage.relay.taken}) == 1


async def test_a_refusal_after_the_whole_letter_is_no_doubt(stage, channel):
    stage.relay.set(does="cut_after", times=1)
    assert type(await refused(channel)) is InDoubt
    stage.relay.set(says={".": "421 4.3.2 closing"})
    error = await refused(channel)
    assert (type(error), error.whole_channel) == (Retry, True)


async def test_nobody_writes_a_header_or_a_line_of_the_dialogue(stage, channel):
    words = "Crue\r\nBcc: x@evil.example\u2028Bcc: y@evil.example\n.\r\nRCPT TO:<z@evil.example>\n..\n"
    await channel.publish(message(words, about=about()), "p0@a.example>\r\nBcc: w@evil.example")
    [taken] = stage.relay.taken
    assert taken.to == [LIST]
    assert taken.letter["Bcc"] is None
    assert taken.letter["Subject"] == "Crue"
    head = taken.content.partition(b"\r\n\r\n")[0]
    assert not re.search(rb"^Bcc", head, re.MULTILINE | re.IGNORECASE)
    assert "RCPT TO:<z@evil.example>" in taken.text()

"""A mailbox as a source: listed and proven senders alone are heard, each mail once; their words wait for an officer."""

from __future__ import annotations

import asyncio
import base64
import json
import quopri
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.config import read_config
from alerts.desk.approve import why_not_theirs
from alerts.model.errors import ConfigurationError, SourceFailed, Unreadable
from alerts.model.incident import AlertState
from alerts.model.person import Actor, Origin, Role
from alerts.model.ports import Heard, Memory, Surroundings
from alerts.model.town import SourceRules
from alerts.sources import KINDS, mailbox
from alerts.sources.mail import MAIL_BYTES, read_heads, read_mail
from alerts.sources.mailbox import MailboxSource
from alerts.sources.settings import MailboxSettings
from tests.fakes import FakeClock
from tests.mail_relay import certified
from tests.unit.desk.conftest import TownDesk, a_town
from tests.walls import in_one_test
from tocsin_sandbox.imap import AUTHORITY, PASSWORD, USER, Mailbox, serving

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PASS = f"Authentication-Results: {AUTHORITY}; dkim=pass (2048-bit key) header.d=eaux.example header.i=@eaux.example\n"
SIGNED = "DKIM-Signature: v=1; d=eaux.example; s=a; h=from:subject:date; bh=x; b=y\n"
SENDER = "astreinte@eaux.example"


def a_mail(text: str = "Rue Haute, jusqu’à 16 h.", *, trace: str = PASS, signed: str = SIGNED, **fields: str) -> bytes:
    """A mail as it lies in the folder: what the town's server wrote, what it is signed with, and its own fields."""
    told = {
        "From": f"Eaux du Val <{SENDER}>",
        "Subject": "Coupure d’eau",
        "Date": "Wed, 25 Nov 2026 12:50:00 +0100",
        "Message-ID": "<1@eaux.example>",
        "Content-Type": "text/plain; charset=utf-8",
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    return (
        trace + signed + "".join(f"{name}: {said}\n" for name, said in told.items() if said) + f"\n{text}\n"
    ).encode()


class Stage:
    """A folder at its server, a source that reads it, and what it remembers of it, as the daemon stores it."""

    def __init__(self, box: Mailbox, **settings: Any) -> None:
        self.box, self.clock, self.memory, self.stored = box, FakeClock(NOW), Memory(), set[str]()
        given = {
            "kind": "mailbox", "host": "127.0.0.1", "port": box.port, "tls": "none", "user": USER,
            "password": {"env": "MAILBOX_PASSWORD"}, "senders": [SENDER], "verified_by": AUTHORITY, "timeout": "2s",
        }  # fmt: skip
        self.settings = MailboxSettings.model_validate(given | settings)
        self.source = MailboxSource("boite", self.settings, Surroundings(None, self.clock, a_town()))

    async def takes(self, *mails: bytes) -> list[Heard]:
        for each in mails:
            self.box.take(each, self.clock.now())
        return await self.look()

    async def look(self) -> list[Heard]:
        await self.clock.advance(60)
        reading = await self.source.read(self.memory, self.known, self.clock.now())
        self.memory, self.again = reading.memory, reading.look_again
        self.stored |= {each.key for each in reading.heard}
        return list(reading.heard)

    async def known(self, keys):
        return self.stored & set(keys)


@pytest.fixture
async def stage(monkeypatch):
    monkeypatch.setenv("MAILBOX_PASSWORD", PASSWORD)
    async with serving(Mailbox()) as box:
        made = Stage(box)
        box.take(a_mail(Message_ID="<0@eaux.example>"), NOW - timedelta(hours=3))
        assert await made.look() == [], "a mail that was there before is known"
        yield made


async def test_a_mail_is_an_alert_in_its_words_and_is_read_without_a_mark(stage):
    [heard] = await stage.takes(a_mail())
    info = heard.alert.infos[0]

    assert (info.headline, info.description) == ("Coupure d’eau", "Rue Haute, jusqu’à 16 h.")
    assert (info.web, heard.alert.sender, heard.problem, heard.leave_out) == (None, "eaux.example", None, None)
    assert heard.alert.areas[0].geocodes == a_town().codes
    assert await stage.look() == []
    assert {'EXAMINE "INBOX"', "LOGOUT"} < set(stage.box.commands)
    assert not [each for each in stage.box.commands if each.startswith(("SELECT", "UID STORE"))]


async def test_its_message_id_is_the_mail_whatever_its_number(stage):
    [first] = await stage.takes(a_mail())
    assert await stage.takes(a_mail("Another text.")) == []

    stage.box.renumber()
    assert await stage.takes(a_mail(Message_ID="<2@eaux.example>")) != [], "of all it has, only this one is new"
    assert first.key in stage.stored
    assert len(stage.stored) == 2, "and not the one from before the first look"


async def test_a_draft_waits_for_somebody_else_and_braces_are_words(stage, tmp_path):
    [heard] = await stage.takes(
        a_mail("{{ 7 * 7 }} {% for a in b %} [x](http://a.example)", From=f"Anne Roy <{SENDER}>")
    )
    rules = SourceRules(publish="auto", kind="mailbox")
    town = TownDesk(tmp_path / "town.db", a_town(sources={"boite": rules}))
    filed = town.act(lambda alerts: town.desk.hear(alerts, heard, "boite"))
    stored = town.stored(filed)

    assert stored.state is AlertState.WAITING, "whatever the rules say"
    assert stored.reason["why"]["address"] == SENDER
    assert all("{{ 7 * 7 }}" in post.message.text for name, post in town.posts(filed).items() if name != "x")
    for name, may in (("anne roy", False), ("Astreinte", False), (SENDER, False), ("Marc", True)):
        why = why_not_theirs(Actor(name, Role.APPROVER, Origin.CONSOLE), stored, town.station)
        assert (why is None) is may, name


VERDICTS = {
    "a person of a listed domain": (
        PASS.replace("eaux", "gaz"),
        {"From": "x@gaz.example", "signed": SIGNED.replace("eaux", "gaz")},
        "proven",
    ),
    "the domain above signs": (PASS, {"From": "x@sms.eaux.example"}, "proven"),
    "capitals": (PASS.upper(), {"From": "ASTREINTE@EAUX.EXAMPLE"}, "proven"),
    "no such header": ("", {}, "unproven"),
    "another server's": (PASS.replace(AUTHORITY, "mx.evil.example"), {}, "unproven"),
    "another server's above": (PASS.replace(AUTHORITY, "relay.example").replace("pass", "fail") + PASS, {}, "proven"),
    "failed, and a forged one below": (PASS.replace("pass", "fail") + PASS, {}, "unproven"),
    "nothing of DKIM, and a forged one below the next hop": (
        f"Authentication-Results: {AUTHORITY}; spf=pass\nReceived: from a by b\n" + PASS,
        {},
        "unproven",
    ),
    "two programs of one server": (f"Authentication-Results: {AUTHORITY}; dmarc=pass\n" + PASS, {}, "proven"),
    "another domain signed": (PASS.replace("eaux.example", "evil.example"), {}, "unproven"),
    "a domain that ends alike": (PASS.replace("eaux.example", "aux.example"), {}, "unproven"),
    "a domain below signed": (PASS.replace("eaux.example", "x.eaux.example"), {}, "unproven"),
    "one of several signatures": (PASS.replace("dkim=pass", "dkim=fail header.d=a.example; dkim=pass"), {}, "proven"),
    "in a comment": (
        f"Authentication-Results: {AUTHORITY}; spf=pass (x; dkim=pass header.d=eaux.example)\n",
        {},
        "unproven",
    ),
    "in quotes": (
        f'Authentication-Results: {AUTHORITY}; spf=pass smtp.mailfrom="; dkim=pass header.d=eaux.example ;"\n',
        {},
        "unproven",
    ),
    "a comment without an end": (PASS.replace("(2048-bit key)", "(2048"), {}, "unproven"),
    "ARC's": (f"ARC-{PASS}", {}, "unproven"),
    "a domain that is named twice": (PASS.replace("header.i=@", "header.d="), {}, "unproven"),
    "a whole top-level domain": (PASS.replace("d=eaux.", "d="), {"signed": SIGNED.replace("eaux.", "")}, "unproven"),
    "header.i alone": (
        f"Authentication-Results: {AUTHORITY} 1;\n\tdkim = pass\n\theader.i = @eaux.example\n",
        {},
        "proven",
    ),
    "the name begins alike": (PASS.replace(AUTHORITY, f"{AUTHORITY}.evil.example"), {}, "unproven"),
    "two From": (PASS, {"From": f"{SENDER}\nFrom: x@evil.example"}, "unlisted"),
    "two addresses": (PASS, {"From": f"{SENDER}, x@evil.example"}, "unlisted"),
    "another address as a name": (PASS, {"From": f'"{SENDER}" <x@evil.example>'}, "unlisted"),
    "an address in a comment": (PASS, {"From": f"x@evil.example ({SENDER})"}, "unlisted"),
    "a group": (PASS, {"From": f"a: {SENDER};"}, "unlisted"),
    "no From": (PASS, {"From": ""}, "unlisted"),
    "another letter": (PASS, {"From": "astre\u0456nte@eaux.example"}, "unlisted"),
    "two subjects": (PASS, {"Subject": "a\nSubject: b"}, "unproven"),
    "a signature of a part": (PASS, {"signed": SIGNED.replace("s=a;", "s=a; l=10;")}, "unproven"),
    "a signature without the subject": (PASS, {"signed": SIGNED.replace(":subject", "")}, "unproven"),
    "32 KB before it": ("X-A: " + "a" * 40_000 + "\n" + PASS, {}, "unlisted"),
}


@in_one_test
@pytest.mark.parametrize("case", VERDICTS)
def test_who_is_listed_and_proven(case):
    trace, fields, wanted = VERDICTS[case]
    head = a_mail(trace=trace, **fields)
    [found] = read_heads((head.replace(b"\n", b"\r\n"),), (SENDER, "@gaz.example", "@sms.eaux.example"), AUTHORITY)

    assert found.verdict == wanted, found


def encoded(content: bytes, charset: str = "utf-8", how: str = "base64", kind: str = "text/plain") -> bytes:
    packed = base64.encodebytes(content) if how == "base64" else quopri.encodestring(content)
    named = f"; charset={charset}" if charset else ""
    return f"Content-Type: {kind}{named}\nContent-Transfer-Encoding: {how}\n\n".encode() + packed


def parts(*those: bytes, kind: str = "mixed") -> bytes:
    body = b"".join(b"--=_b\n" + each + b"\n" for each in those)
    return f'Content-Type: multipart/{kind}; boundary="=_b"\n\n'.encode() + body + b"--=_b--\n"


EAU = "Rue de l’Église fermée"
PLAIN = encoded(EAU.encode())
HTML = encoded(
    b"<html><head><style>p{color:red}</style></head><body><!-- x --><table><tr><td>Rue</td></tr><tr><td>Haute</td></tr>"
    b"</table><script>alert(1)</script><p>&lt;b&gt; <a href='http://a.example'>ici</a></p></body></html>",
    kind="text/html",
)
PDF = b"Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment\n\nx"
MAILS: dict[str, tuple[bytes, str]] = {
    "quoted-printable": (encoded(EAU.encode(), how="quoted-printable"), EAU),
    "declared as Latin-1, written on Windows": (encoded(EAU.encode("cp1252"), "iso-8859-1"), EAU),
    "declared as ASCII, and UTF-8": (encoded(EAU.encode(), "us-ascii"), EAU),
    "declared as Latin-1, and UTF-8": (encoded(EAU.encode(), "iso-8859-1"), EAU),
    "an unknown charset": (encoded(EAU.encode(), "x-mac-klingon"), EAU),
    "a charset that unpacks": (encoded(EAU.encode(), "zlib"), EAU),
    "a charset of bytes": (encoded(b"a\\x41", "unicode_escape"), "a\\x41"),
    "no charset": (encoded(EAU.encode("cp1252"), ""), EAU),
    "UTF-16": (encoded(EAU.encode("utf-16"), "utf-16"), EAU),
    "a mark at its head": (encoded(EAU.encode("utf-8-sig")), EAU),
    "a torn letter at its end": (encoded(EAU.encode()[:-1]), "Rue de l’Église fermé"),
    "HTML and plain": (parts(HTML, PLAIN, kind="alternative"), EAU),
    "HTML alone": (HTML, "Rue\nHaute\n\nici"),
    "attachments first": (parts(PDF, encoded(b"no", kind="text/plain; name=a.txt"), PLAIN, PDF), EAU),
    "a mail within a mail": (parts(parts(PLAIN, kind="alternative"), PDF), EAU),
    "an edge that never comes": (b"Content-Type: multipart/mixed; boundary=z\n\n--z\n" + PLAIN, EAU),
    "Gmail's reply": (
        encoded(f"{EAU}\n\nLe mer. 25 nov. 2026 à 9:00, Ville <v@a.example>\na écrit :\n\n> Fermée ?".encode()),
        EAU,
    ),
    "Outlook's reply": (encoded(f"{EAU}\n\nDe : Ville\nEnvoyé : mercredi\nObjet : x\n\nFermée ?".encode()), EAU),
    "an English reply": (encoded(f"{EAU}\n\nOn Wed, 25 Nov 2026, Ville wrote:\n> Fermée ?".encode()), EAU),
    "nothing but what is passed on": (
        encoded(b"-----Message d'origine-----\nRue Haute"),
        "-----Message d'origine-----\nRue Haute",
    ),
    "a signature": (encoded(f"{EAU}\n-- \nJean Dupont\n06 00 00 00 00".encode()), EAU),
    "an attached mail, and HTML": (
        parts(HTML, b"Content-Type: message/rfc822\n\n" + PLAIN),
        "Rue\nHaute\n\nici",
    ),
    "a reply in HTML": (
        encoded(b"<p>Rue Haute</p><blockquote>Ferm&eacute;e ?</blockquote>", kind="text/html"),
        "Rue Haute",
    ),
    "HTML that is passed on": (encoded(b"<blockquote>Rue Haute</blockquote>", kind="text/html"), "Rue Haute"),
    "a list that looks like a reply": (encoded(b"De : 8 h\nDate : lundi"), "De : 8 h\nDate : lundi"),
    "half a megabyte of parameters": (b"Content-Type: text/plain" + b";" * 500_000 + b"\n\nRue Haute", "Rue Haute"),
    "no end": (encoded(b"=" * 30, how="quoted-printable") + b"=", "=" * 30),
    "NUL and controls": (encoded(b"Rue\x00 \x1b[31mHaute\xe2\x80\xae"), "Rue [31mHaute"),
    "lines without an end": (encoded(b"a " * 60_000), ("a " * 10_000).strip()),
}


@in_one_test
@pytest.mark.parametrize("case", MAILS)
def test_awkward_mails_are_read(case):
    body, wanted = MAILS[case]

    assert read_mail(b"Subject: s\n" + body).text.replace("\u00a0", " ") == wanted


SUBJECTS = {
    "=?utf-8?B?UnVlIMOJbGlzw6ll?=": "Rue Élisée",
    "=?utf-8?Q?Rue_=C3?= =?utf-8?Q?=89lis=C3=A9e?=": "Rue Élisée",
    "=?iso-8859-1?Q?Rue_=C9lis=E9e?= (suite)": "Rue Élisée (suite)",
    "=?x-none?Q?Rue?=": "Rue",
    "=?utf-8?B?!!!?=": "",
    "RE: Tr : Rue Élisée": "Rue Élisée",
    "Rue\r\n Élisée": "Rue Élisée",
    "a" * 5000: "a" * 300,
}


@in_one_test
@pytest.mark.parametrize("subject", SUBJECTS)
def test_awkward_subjects_are_read(subject):
    assert read_mail(f"Subject: {subject}\r\n\r\nx".encode()).subject == SUBJECTS[subject]


async def test_an_automatic_answer_or_an_old_mail_is_no_draft(stage):
    bounce = parts(PLAIN, kind="report").partition(b"\n")[0].decode().removeprefix("Content-Type: ")
    heard = await stage.takes(
        a_mail(Auto_Submitted="auto-replied", Message_ID="<2@a>"),
        a_mail(Subject="Réponse automatique : absent", Message_ID="<3@a>"),
        a_mail(Content_Type=bounce, Message_ID="<4@a>"),
        a_mail(Date="Mon, 2 Nov 2026 12:00:00 +0100", Message_ID="<5@a>"),
        a_mail(Auto_Submitted="auto-generated", Message_ID="<6@a>"),
        a_mail("", Subject="", Message_ID="<7@a>"),
    )

    assert [each.leave_out.code for each in heard if each.leave_out] == ["mailbox_automatic"] * 3
    assert [each.problem["why"].code for each in heard if each.problem] == ["mailbox_wordless"]
    assert len(heard) == 5


async def test_a_forged_sender_is_told_once_a_day_and_a_stranger_never(stage):
    assert await stage.takes(a_mail(From="x@evil.example")) == []
    forged = [a_mail(trace="", Message_ID=f"<{each}@a>") for each in range(5)]
    [heard] = await stage.takes(*forged, *forged)
    assert (heard.problem.code, heard.problem["address"]) == ("mailbox_unproven", SENDER)
    assert await stage.takes(*forged) == []
    many = Stage(stage.box, senders=["@eaux.example"])
    many.memory = stage.memory
    assert len(await many.takes(*(a_mail(trace="", From=f"{each}@eaux.example") for each in range(9)))) == 1

    await stage.clock.advance(86_400)
    assert len(await stage.takes(*forged)) == 1


async def test_a_full_mailbox_is_read_in_steps_and_a_large_mail_in_part(stage, monkeypatch):
    monkeypatch.setattr(mailbox, "MOST_HEADS", 4)
    monkeypatch.setattr(mailbox, "MOST_MAILS", 2)
    large = a_mail() + b"x" * 8_000_000
    heard = await stage.takes(*(a_mail(Message_ID=f"<{each}@a>") for each in range(5)), large)
    assert (len(heard), stage.again) == (2, stage.clock.now())
    while stage.again:
        heard += await stage.look()

    assert len(heard) == 6
    assert all(len(each.alert.infos[0].description) < MAIL_BYTES for each in heard)


async def test_mails_that_are_told_in_another_order_are_all_read(stage, monkeypatch):
    monkeypatch.setattr(mailbox, "MOST_MAILS", 1)
    for each in range(3):
        stage.box.take(a_mail(Message_ID=f"<{each}@a>"), stage.clock.now())
    stage.box.backwards = True
    heard = await stage.look()
    while stage.again:
        heard += await stage.look()

    assert len(heard) == 3


async def test_a_server_that_names_an_absurd_next_number_is_asked_no_oftener(stage):
    stage.box.next = 4_294_967_295
    assert (await stage.look(), stage.again) == ([], None)
    stage.box.next = 10**12
    with pytest.raises(SourceFailed, match="UIDNEXT"):
        await stage.look()


async def test_a_clock_that_was_ahead_at_the_first_look_hides_no_mails(stage):
    ahead = (NOW + timedelta(days=400)).isoformat()
    stage.memory = Memory(state=stage.memory.state | {"since": ahead})

    assert len(await stage.takes(a_mail())) == 1
    assert stage.memory.state["since"] < ahead


async def test_a_server_that_hangs_holds_up_its_own_mailboxes_alone(stage):
    async with serving(Mailbox(fault="hangs")) as other:
        hung = [Stage(other, host="localhost", timeout="30s") for _ in range(40)]
        looks = [asyncio.create_task(each.look()) for each in hung]

        assert len(await stage.takes(a_mail())) == 1
        assert not any(each.done() for each in looks)
        for each in looks:
            each.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


FAULTS = {
    "refuses": "mailbox_sign_in",
    "no folder": "mailbox_no_folder",
    "no numbers": "mailbox_unnumbered",
    "hangs": "mailbox_silent",
    "drips": "mailbox_silent",
    "cuts": "mailbox_broke",
    "garbage": "mailbox_broke",
    "flood": "mailbox_broke",
    "hello": "mailbox_broke",
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_server_that_fails_is_told_and_loses_no_mail(stage, monkeypatch, fault):
    monkeypatch.setattr(mailbox, "SESSION", timedelta(seconds=0.5))
    stage.box.fault = fault
    with pytest.raises(SourceFailed) as caught:
        await stage.takes(a_mail())
    assert caught.value.reason.code == FAULTS[fault]
    assert PASSWORD not in str(caught.value.reason)

    monkeypatch.undo()
    monkeypatch.setenv("MAILBOX_PASSWORD", PASSWORD)
    stage.box.fault = ""
    assert len(await stage.look()) == 1


@pytest.mark.parametrize("how", ["implicit", "starttls"])
async def test_it_goes_over_tls_whose_certificate_is_verified(tmp_path, monkeypatch, how):
    monkeypatch.setenv("MAILBOX_PASSWORD", PASSWORD)
    context, trusted = certified(tmp_path)
    async with serving(Mailbox(), context, implicit=how == "implicit") as box:
        with pytest.raises(SourceFailed) as caught:
            await Stage(box, tls=how).look()
        assert caught.value.reason.code == "mailbox_unsafe"
        assert "LOGIN" not in box.commands

        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        stage = Stage(box, tls=how)
        await stage.look()
        assert len(await stage.takes(a_mail())) == 1

    with pytest.raises(SourceFailed) as caught:
        await stage.look()
    assert caught.value.reason.code == "mailbox_unreached"
    async with serving(Mailbox()) as box:
        with pytest.raises(SourceFailed) as caught:
            await Stage(box, tls="starttls").look()
        assert caught.value.reason.code == "mailbox_no_starttls"


async def test_another_folder_begins_anew_and_a_trial_shows_the_last_week(stage):
    await stage.takes(a_mail())
    memory = json.loads(json.dumps(dict(stage.memory.state)))
    trial = Stage(stage.box)
    trial.memory = Memory(state=KINDS["mailbox"].trial)
    assert len(await trial.look()) == 2

    other = Stage(stage.box, folder="Autre")
    other.memory = Memory(state=memory)
    assert await other.look() == []


LINES = """
[station]
name = "Saint-Martin"
sender = "a@b.example"
[channels.t]
kind = "telegram"
chat = "@saintmartin"
token = { env = "T" }
[sources.boite]
kind = "mailbox"
"""
RIGHT = {
    "host": '"imap.example"', "user": '"a@b.example"', "password": '{ file = "p" }', "senders": '["@eaux.example"]',
    "verified_by": '"mx.example"',
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("publish", '"auto"', "mail says neither"),
        ("urgent", '"veto"', "mail says neither"),
        ("tls", '"none"', "isn’t this machine"),
        ("every", '"500ms"', "once a second at the most"),
        ("senders", '["eaux.example"]', "is no sender"),
        ("senders", "[]", ""),
        ("password", '"secret"', ""),
        ("folder", '"a\\""', ""),
        ("verified_by", '"mx example"', ""),
    ],
)
def test_settings_that_would_be_unsafe_are_refused(tmp_path, key, value, code):
    def lines(**other: str) -> str:
        return LINES + "".join(f"{name} = {said}\n" for name, said in (RIGHT | other).items())

    assert read_config(tmp_path / "channels.toml", lines()).rules_for("boite").publish == "approve"
    with pytest.raises(ConfigurationError, match=rf"sources.boite.*{code}"):
        read_config(tmp_path / "channels.toml", lines(**{key: value}))


def test_parts_that_are_nested_too_deep_are_refused():
    nested = "".join(f"Content-Type: multipart/mixed; boundary=b{each}\n\n--b{each}\n" for each in range(5000))
    with pytest.raises(Unreadable):
        read_mail(b"Subject: s\n" + nested.encode())

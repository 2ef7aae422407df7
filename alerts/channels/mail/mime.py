"""A post as a letter: the bytes that the relay is handed, the same ones for every attempt.

The letter's `Message-ID` is made of the post's id and its `Date` is when the post was ready to go out. So the programs
of those who read it know a repeat, and drop it. Its boundaries are made of the id as well: nothing in it is by chance.

Everything is seven-bit: a subject is written as RFC 2047 has it, and not as UTF-8 (RFC 6532), which a relay, a list or
a mailbox on the way may refuse; the texts are quoted-printable, so no line is long and no signature of the relay
(DKIM) breaks on the way. The headers are laid out by Python's older `Header`: its newer ones (`email.policy.SMTP`) lose
words of a long subject, and encode a long reference so that no program finds its thread.

No words come into a header but as one line without anything that can't be seen, so nobody writes headers of their own.
"""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import dataclass
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message as Part
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr

from alerts.channels.picture import LoadedPicture
from alerts.channels.settings import MailSettings
from alerts.model.alert import Severity
from alerts.model.post import Message, subject_of

# Folded is a subject alone, by us: a folded address leaves a line of nothing but a blank before it, which some relays
# cut off (and with it a signature), and which not every program reads on from.
_ON_THE_WIRE = compat32.clone(linesep="\r\n", mangle_from_=False, max_line_length=None)
# Three headers for the same, because mail programs differ in the one they read.
_URGENT = {"Importance": "high", "Priority": "urgent", "X-Priority": "1"}
# Quoted-printable stays readable for a person who sees the source.
_UTF8 = Charset("utf-8")
_UTF8.header_encoding = _UTF8.body_encoding = QP
# What an id is made of, ours or one that an earlier version gave: `<left@right>` of RFC 5322 without its odd forms.
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]")
# The language comes from the configuration and must not break a header.
_NO_TAG = re.compile(r"[^A-Za-z0-9-]")
_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body style="margin:0;padding:16px;font:16px/1.5 Arial,sans-serif"><div style="max-width:40em">
{words}{picture}
</div></body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Email:
    """`id` is the Message-ID without its brackets, `content` the whole letter with CRLF at the end of each line."""

    id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Addressed:
    """The recipient of an individual e-mail: `id` is its Message-ID, `leave` unsubscribes by one request (RFC 8058)."""

    to: str
    id: str
    leave: str | None = None


def written(
    message: Message,
    settings: MailSettings,
    reply_to: str | None,
    picture: LoadedPicture | None,
    now: datetime,
    *,
    one: Addressed | None = None,
) -> Email:
    """Return the e-mail of a post. `reply_to` is the Message-ID of the one it follows, `one` an individual recipient.

    `now` dates words outside any post, which are never sent a second time; posts have their own time.
    """
    about = message.about
    identity = one.id if one else _identity(message, settings, now)
    email = _body(message, identity, picture)
    email["From"] = _sender(settings)
    email["To"] = one.to if one else settings.to or settings.address
    email["Subject"] = _in_header("Subject", subject(message))
    email["Date"] = format_datetime((about.ready_at if about else None) or now)
    email["Message-ID"] = f"<{identity}>"
    if reply_to is not None and (earlier := _NOT_IN_IDS.sub("", reply_to)):
        email["In-Reply-To"] = email["References"] = f"<{earlier}>"
    # Nobody answers it by an absence note (RFC 3834; the second one is what older programs look for).
    email["Auto-Submitted"] = "auto-generated"
    email["Precedence"] = "list"
    if one is not None and one.leave is not None:
        email["List-Unsubscribe"] = f"<{one.leave}>"
        email["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    email["Content-Language"] = _NO_TAG.sub("", message.language)
    if about is not None and about.severity.at_least(Severity.SEVERE):
        for name, value in _URGENT.items():
            email[name] = value
    return Email(identity, email.as_bytes(policy=_ON_THE_WIRE))


def subject(message: Message) -> str:
    """Return the e-mail's subject."""
    return subject_of(message.plain, exercise=message.about is not None and message.about.exercise)


def _identity(message: Message, settings: MailSettings, now: datetime) -> str:
    words = f"{now.isoformat()} {message.plain}"
    left = message.about.post if message.about else hashlib.sha256(words.encode(errors="replace")).hexdigest()[:32]
    return _NOT_IN_IDS.sub("", f"{left}@{settings.address.partition('@')[2]}")


def _sender(settings: MailSettings) -> str:
    name = settings.sender.removesuffix(f"<{settings.address}>").strip()
    if name == settings.address:
        return name
    if name.isascii():
        return formataddr((name, settings.address))
    return f"{_in_header('From', name)} <{settings.address}>"


def _in_header(name: str, text: str) -> str:
    # What looks like an encoded word would be read as one.
    plain = text.isascii() and "=?" not in text
    header = Header(text, "us-ascii" if plain else _UTF8, header_name=name, errors="replace")
    return header.encode(linesep=_ON_THE_WIRE.linesep)


def _body(message: Message, identity: str, picture: LoadedPicture | None) -> MIMEMultipart:
    """Return the body: plain words, and the same as HTML with the picture."""
    # A boundary with "=_" stands in no text: quoted-printable writes "=3D" for "=", base64 has no "_".
    boundary = f"=_{hashlib.sha256(identity.encode()).hexdigest()[:24]}"
    reference = f"picture.{identity}" if picture else None
    page: Part = _text(_page(message, picture, reference), "html")
    if picture is not None:
        whole = MIMEMultipart("related", boundary=f"{boundary}.page", type="text/html")
        whole.attach(page)
        image = MIMEImage(picture.content, picture.mime_type.removeprefix("image/"))
        image["Content-ID"] = f"<{reference}>"
        image.add_header("Content-Disposition", "inline", filename=picture.file_name)
        whole.attach(image)
        page = whole
    body = MIMEMultipart("alternative", boundary=boundary)
    body.attach(_text(message.plain + "\n", "plain"))
    body.attach(page)
    return body


def _text(text: str, subtype: str) -> MIMEText:
    part = MIMEText("", subtype)
    del part["Content-Transfer-Encoding"]
    # Half a character, which a feed's escapes may leave, can't be written in any charset.
    part.set_payload(text.encode(errors="replace").decode(), _UTF8)
    return part


def _page(message: Message, picture: LoadedPicture | None, reference: str | None) -> str:
    # Line breaks as such: not every program keeps those of a text, and a tag of a template may reach over two lines.
    words = _linked(message.text, message.link).replace("\n", "<br>\n")
    shown = ""
    if picture is not None:
        shown = f'\n<p><img src="cid:{reference}" alt="{html.escape(picture.alt)}" style="max-width:100%"></p>'
    return _PAGE.format(
        language=_NO_TAG.sub("", message.language), title=html.escape(subject(message)), words=words, picture=shown
    )


def _linked(text: str, link: str | None) -> str:
    """The words in HTML, in which the address can be followed."""
    if link is None:
        return text
    shown = html.escape(link, quote=False)
    bare = re.compile(rf"(?<![\"'>\w]){re.escape(shown)}(?=\s|<|$)")
    return bare.sub(lambda _: f'<a href="{html.escape(link)}">{shown}</a>', text)

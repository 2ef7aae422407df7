"""The mails of a mailbox: whose they are, by the verdict of the town's own server, and their words.

Both readers run in a process of their own. `read_heads` judges a mail by its head. It counts if its one `From` is
listed, and if the town's own server says that a DKIM signature of that domain is valid: in the topmost
`Authentication-Results` with that server's name (RFC 8601) that speaks of DKIM. Those of other names, and further down,
are anybody's words. That the server removes those with its own name from what comes in is its duty (section 5).

`read_mail` returns the words of one that counts: from the plain text, else the HTML, without what it quotes.
"""

from __future__ import annotations

import codecs
import email.message
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.utils import parsedate_to_datetime
from enum import StrEnum
from itertools import islice
from typing import Any, cast

from alerts.apart.parser import parser
from alerts.model.errors import Unreadable
from alerts.model.reason import because
from alerts.model.subscriber import MAILBOX
from alerts.rendering.text import LONGEST, clean, clean_line

HEAD_BYTES, MAIL_BYTES = 32_768, 524_288
"""Bytes that are read of a head, and of a mail: words come first, attachments after them."""
_MOST_PARTS, _LONGEST_SUBJECT, _LONGEST_FIELD = 200, 300, 2000


class MailVerdict(StrEnum):
    """The verdict on a mail. `UNPROVEN`: it is in the name of a listed sender, and nobody vouches for that."""

    UNLISTED = "unlisted"
    UNPROVEN = "unproven"
    PROVEN = "proven"


@dataclass(frozen=True, slots=True)
class MailHead:
    """A mail by its head: the sender's address in lower case, and its verdict."""

    address: str
    verdict: MailVerdict


@dataclass(frozen=True, slots=True)
class MailWords:
    """A mail in plain words. `identity` is the digest of its Message-ID, or of its words where it has none.

    `is_automatic`: a machine answered, or told that a mail of ours wasn't delivered.
    """

    identity: str
    writer: str
    subject: str
    text: str
    written: datetime | None
    attachments: int
    is_automatic: bool


Fields = Sequence[tuple[str, str]]
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_ONE_ADDRESS = re.compile(rf"[^<>,;:]*<({MAILBOX})>|({MAILBOX})")
# A second one is what a reader shows, while the signature is of the first.
_ONCE = ("from", "subject", "date", "message-id", "content-type", "content-transfer-encoding", "mime-version")


@parser("heads of mails", seconds=10)
def read_heads(heads: tuple[bytes, ...], senders: tuple[str, ...], authority: str) -> tuple[MailHead, ...]:
    """Return the sender and verdict of each mail. `authority` is the town's own server."""
    return tuple(_head(fields_of(each), frozenset(senders), authority.lower()) for each in heads)


def _head(fields: Fields, senders: frozenset[str], authority: str) -> MailHead:
    said = [value for name, value in fields if name == "from"]
    found = _ONE_ADDRESS.fullmatch(_bare(said[0][:1000]).strip()) if len(said) == 1 else None
    address = (found[1] or found[2]).lower() if found else ""
    domain = address.rpartition("@")[2]
    if not address or not senders & {address, f"@{domain}"}:
        return MailHead(address, MailVerdict.UNLISTED)
    names = [name for name, _ in fields]
    signers = [each for each in _valid_signers(fields, authority) if f".{domain}".endswith(f".{each}") and "." in each]
    is_proven = any(_covers(fields, each) for each in signers) and all(names.count(each) <= 1 for each in _ONCE)
    return MailHead(address, MailVerdict.PROVEN if is_proven else MailVerdict.UNPROVEN)


def fields_of(head: bytes) -> Fields:
    """Return the fields in their order, unfolded, with their names in lower case, up to the first line that is none."""
    found: list[tuple[bytes, list[bytes]]] = []
    for line in head[:HEAD_BYTES].split(b"\n"):
        if line[:1] in (b" ", b"\t") and found:
            found[-1][1].append(line.rstrip(b"\r"))
        elif field := _FIELD.fullmatch(line.rstrip(b"\r")):
            found.append((field[1].lower(), [field[2]]))
        else:
            break
    return [(name.decode("ascii"), _decoded(b"".join(lines)).strip()) for name, lines in found]


def _valid_signers(fields: Fields, authority: str) -> Sequence[str]:
    """Return the domains whose signature the town's server found valid."""
    is_met = False
    for name, value in fields:
        # Several programs of one server may each write a header. What follows the next hop isn't that server's.
        if is_met and name in ("received", "dkim-signature", "from"):
            break
        if name != "authentication-results":
            continue
        service, *results = _bare(value).lower().split(";")
        if service.split()[:1] != [authority]:
            continue
        is_met = True
        verdicts = [each for each in results if re.match(r"\s*dkim\s*(?:/\s*1\s*)?=", each)]
        if verdicts:
            return [signer for each in verdicts if (signer := _signer(each))]
    return ()


def _signer(result: str) -> str | None:
    method, *properties = re.sub(r" ?= ?", "=", " ".join(result.split())).split()
    # A domain that is named twice was written by whoever signed.
    if method.partition("=")[2] != "pass" or sum(each.startswith("header.d=") for each in properties) > 1:
        return None
    named = dict(each.partition("=")[::2] for each in properties)
    return named.get("header.d") or named.get("header.i", "").rpartition("@")[2] or None


def _bare(value: str) -> str:
    """Return the value without comments, and with a lone quote for each quoted text; "" where one never ends.

    Their content may be the sender's, such as `smtp.mailfrom="; dkim=pass header.d=…"@sender.example`.
    """
    said, depth, is_quoted = [], 0, False
    characters = iter(value)
    for each in characters:
        if each == "\\" and (is_quoted or depth):
            next(characters, None)
        elif is_quoted:
            is_quoted = each != '"'
        elif each == "(":
            depth += 1
        elif depth:
            depth -= each == ")"
        else:
            is_quoted = each == '"'
            said.append(each)
    return "" if depth or is_quoted else "".join(said)


def _covers(fields: Fields, signer: str) -> bool:
    """True if that domain's signatures are of the subject and of the whole text: with `l=` anybody may add words."""
    signatures = [
        {
            tag.strip(): "".join(said.split()).lower()
            for tag, _, said in (each.partition("=") for each in value.split(";"))
        }
        for name, value in fields
        if name == "dkim-signature"
    ]
    own = [each for each in signatures if each.get("d") == signer]
    return bool(own) and all("l" not in each and "subject" in each.get("h", "").split(":") for each in own)


@parser("mail", seconds=10)
def read_mail(body: bytes) -> MailWords:
    """Return what a mail says. Raises Unreadable for one without words."""
    fields = dict(reversed(fields_of(body)))
    try:
        message = email.message_from_bytes(body)
        parts = list(islice(_parts(message), _MOST_PARTS))
    except (RecursionError, MessageError, ValueError, LookupError):
        raise Unreadable(because("mailbox_unread")) from None
    subject = _RE.sub("", clean_line(_decoded_words(fields.get("subject", "")))[:_LONGEST_SUBJECT])
    text = _unquoted(_text_of(parts))
    if not subject and not text:
        raise Unreadable(because("mailbox_wordless"))
    name = fields.get("message-id") or repr((fields.get("from"), fields.get("date"), subject, text))
    return MailWords(
        identity=hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16],
        writer=clean_line(_decoded_words(fields.get("from", "").rpartition("<")[0]).strip('" '))[:100],
        subject=subject,
        text=text,
        written=_time(fields.get("date", "")),
        attachments=sum(_is_attached(each) for each in parts),
        is_automatic=_is_automatic(fields, subject, message),
    )


def _parts(message: email.message.Message) -> Iterator[email.message.Message]:
    """Yield the parts in their order, but not those of a mail that is attached."""
    left = [message]
    while left:
        part = left.pop()
        # The library takes the square of their length.
        for name in ("content-type", "content-disposition"):
            if len(str(part.get(name, ""))) > _LONGEST_FIELD:
                del part[name]
        yield part
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            left += reversed(cast("list[email.message.Message]", part.get_payload()))


_RE = re.compile(r"^(?:(?:re|fw|fwd|tr|réf|rép|aw|wg)\s?:\s*)+", re.IGNORECASE)
_AUTOMATIC = re.compile(r"réponse automatique|automatic reply|absence du bureau|out of office", re.IGNORECASE)
# What begins the mail that is answered: Thunderbird's and Gmail's line, Outlook's rule or its list of fields.
_QUOTES = re.compile(
    r"^[ \t]*(?:(?:Le|On) [^\n]{4,160}(?:\n[^\n]{0,80})?(?:a écrit|wrote)[ \u00a0\u202f]?:[ \t]*$"
    r"|-{2,}[ ]?(?:Message d[’']origine|Original Message)|_{20,}[ \t]*$"
    r"|(?:De|From)[ \u00a0]?:[^\n]{1,200}\n[ \t]*(?:Envoyé|Sent)[ \u00a0]?:)",
    re.IGNORECASE | re.MULTILINE,
)
_HIDDEN = ("head", "title", "style", "script", "template")
# Characters that no text has, for what an element begins and ends with.
_LINE, _EMPTY_LINE, _BR = "\ue000", "\ue001", "\ue002"
_BREAKS = {
    **dict.fromkeys(("div", "tr", "li"), _LINE),
    **dict.fromkeys(("p", "table", "ul", "h1", "h2", "h3", "h4"), _EMPTY_LINE),
    "br": _BR,
}
_SIGNATURE = re.compile(r"^--[ \t]?$", re.MULTILINE)


def _unquoted(text: str) -> str:
    """Return the text without what it answers and its signature, unless nothing else is in it."""
    own = text
    for mark in (_QUOTES, _SIGNATURE):
        found = mark.search(own)
        own = own[: found.start()] if found else own
    own = "\n".join(line for line in own.split("\n") if not line.startswith(">"))
    return clean(own if own.strip() else text)


def _text_of(parts: Sequence[email.message.Message]) -> str:
    """Return the plain text; of a mail in HTML alone, what a browser would show of it."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and not _is_attached(part):
                content = _content(part).replace("\r\n", "\n")
                if said := (content if kind == "text/plain" else _shown(content))[:LONGEST].strip():
                    return said
    return ""


def _shown(content: str) -> str:
    """Return what a browser would show; markup is most of a mail in HTML, so `clean` would not reach its words."""
    from lxml import etree, html  # noqa: PLC0415 only where a mail has HTML alone it is paid for

    try:
        document = html.document_fromstring(content.encode("utf-8", "replace"), html.HTMLParser(encoding="utf-8"))
        etree.strip_elements(document, etree.Comment, *_HIDDEN, with_tail=False)
    except (etree.LxmlError, ValueError):
        return ""
    # Without what it answers; one that only passes something on has nothing else.
    own = deepcopy(document)
    etree.strip_elements(own, "blockquote", with_tail=False)
    document = own if _said(own) else document
    for each in document.iter(*_BREAKS):
        mark = _BREAKS[str(each.tag)]
        each.text, each.tail = f"{mark * (each.tag != 'br')}{each.text or ''}", f"{mark}{each.tail or ''}"
    # The blanks and line ends of the markup itself are none.
    return re.sub(f"(?: ?[{_LINE}{_EMPTY_LINE}{_BR}] ?)+", _break, _said(document))


def _said(document: Any) -> str:
    return " ".join("".join(document.itertext()).split())


def _break(marks: re.Match[str]) -> str:
    return "\n\n" if _EMPTY_LINE in marks[0] or marks[0].count(_BR) > 1 else "\n"


def _content(part: email.message.Message) -> str:
    try:
        content = part.get_payload(decode=True)
        charset = part.get_content_charset("")
    except (ValueError, LookupError, MessageError):
        return ""
    return _decoded(content, charset) if isinstance(content, bytes) else ""


def _is_attached(part: email.message.Message) -> bool:
    kind = part.get_content_maintype()
    try:
        is_named = part.get_content_disposition() == "attachment" or bool(part.get_filename())
    except (ValueError, LookupError, TypeError, MessageError):
        is_named = True
    return kind == "message" or (kind != "multipart" and is_named)


# Others are as good as none: some of Python's codecs unpack, or take the square of the length.
_CHARSETS = re.compile(
    r"iso-?8859-\d{1,2}|latin-?\d|windows-?125\d|cp125\d|cp850|koi8-[ru]|utf-?16(?:le|be)?|macintosh"
)


def _decoded(content: bytes, charset: str = "") -> str:
    """Return the bytes as text: as UTF-8 where they are, whatever is declared, else as declared, else as Windows'."""
    # What is declared as Latin-1 was written on Windows.
    named = charset if _CHARSETS.fullmatch(charset) and charset not in ("iso-8859-1", "latin1", "latin-1") else "cp1252"
    for each in (named, "utf-8-sig") if named.startswith("utf") else ("utf-8-sig", named):
        with suppress(UnicodeDecodeError, LookupError):
            # Its last words may be cut.
            return codecs.getincrementaldecoder(each)().decode(content)
    return content.decode("cp1252", "replace")


def _decoded_words(value: str) -> str:
    """Return a field with its encoded words (RFC 2047) as text."""
    try:
        pieces = decode_header(value[:2000])
    except (MessageError, ValueError, LookupError):
        return value
    return "".join(
        each
        if isinstance(each, str)
        else _decoded(each, charset.lower())
        if charset
        else each.decode("raw-unicode-escape", "replace")
        for each, charset in pieces
    )


def _time(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _is_automatic(fields: Mapping[str, str], subject: str, message: email.message.Message) -> bool:
    # "auto-generated" is also an operator's own program (RFC 3834).
    answers = fields.get("auto-submitted", "").lower().startswith("auto-replied") or "x-autoreply" in fields
    return answers or bool(_AUTOMATIC.match(subject)) or message.get_content_type() == "multipart/report"

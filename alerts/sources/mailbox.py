r"""A mailbox: what an operator or a service of the town writes to it becomes a draft at the desk, never a post.

The folder is opened read-only (EXAMINE), and mails are fetched without a mark (`BODY.PEEK`): people may read it too,
and a daemon that is killed, or a database that is restored, loses no mail by a `\Seen` that is set already. What was
read is known by its UID, which counts only under the folder's UIDVALIDITY: under another one the mails of the last week
are read again, and those whose Message-ID was told are known. It is polled, each time over a new connection: a draft
waits for a person anyway, and a server that restarts or drops a connection needs no rule of its own.

A mail counts if its one `From` is listed, and if the town's own server says that a DKIM signature of that domain is
valid: in the topmost `Authentication-Results` with that server's name (RFC 8601) that speaks of DKIM. Those of other
names, and further down, are anybody's words. A mail in the name of a listed sender without this is told once a day.

The standard library's imaplib speaks to the server, in a thread, for it has hooks for bounds; the asyncio clients for
IMAP are under the GPL. It reads the protocol alone, in bounded lines, bytes and time. The mails' own bytes are read in
a process of their own: first their heads, then those few that count, of which so many bytes are fetched that a large
mail is cut within its attachments.
"""

from __future__ import annotations

import asyncio
import codecs
import email.message
import hashlib
import imaplib
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.header import decode_header
from email.utils import parsedate_to_datetime
from enum import StrEnum
from io import BufferedReader
from itertools import islice
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any, TypeVar

from alerts.apart.parser import parser
from alerts.model.alert import ENDS_BY, QUIET, Alert, Area, Category, Info, NamedValue
from alerts.model.errors import BadCredential, SourceFailed, Unreadable
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import because
from alerts.model.subscriber import MAILBOX
from alerts.rendering.text import LONGEST, clean, clean_line
from alerts.sources.settings import MailboxSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WEEK = timedelta(days=7)
"""The age beyond which a mail is ignored, by its own date or by the server's."""
MOST_HEADS, HEAD_BYTES = 200, 32_768
"""Mails whose heads are read at a time, and the bytes of each."""
MOST_MAILS, MAIL_BYTES = 10, 524_288
"""Mails that are read whole at a time, and the bytes of each: words come first, attachments after them."""
SESSION = timedelta(seconds=60)
"""The time that a connection may take, however slowly its bytes come."""
SESSION_BYTES = 32 * 1_048_576
_SPAN = 50_000
_LONGEST_LINE = 1_000_000
_MOST_PARTS = 200
_LONGEST_SUBJECT = 300
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A mailbox is read by few towns at once; its threads wait for a server and nothing else.
_THREADS = ThreadPoolExecutor(4, thread_name_prefix="mailboxes")
T = TypeVar("T")


# --- read apart -----------------------------------------------------------------------------------------------------


class MailVerdict(StrEnum):
    """Whether a mail counts: `UNPROVEN` is in the name of a listed sender, and nobody vouches for that."""

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
    signers = [each for each in _valid_signers(fields, authority) if domain == each or domain.endswith(f".{each}")]
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
    if method.partition("=")[2] != "pass":
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
        parts = list(islice(message.walk(), _MOST_PARTS))
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


_RE = re.compile(r"^(?:(?:re|fw|fwd|tr|réf|rép|aw|wg)\s?:\s*)+", re.IGNORECASE)
_AUTOMATIC = re.compile(r"réponse automatique|automatic reply|absence du bureau|out of office", re.IGNORECASE)
# What begins the mail that is answered: Thunderbird's and Gmail's line, Outlook's rule or its list of fields.
_QUOTES = re.compile(
    r"^[ \t]*(?:(?:Le|On) [^\n]{4,160}(?:\n[^\n]{0,80})?(?:a écrit|wrote)[ \u00a0\u202f]?:[ \t]*$"
    r"|-{2,}[ ]?(?:Message d[’']origine|Original Message)|_{20,}[ \t]*$"
    r"|(?:De|From)[ \u00a0]?:[^\n]{1,200}\n[ \t]*(?:Envoyé|Sent|Date)[ \u00a0]?:)",
    re.IGNORECASE | re.MULTILINE,
)
_HIDDEN = ("head", "title", "style", "script", "template", "blockquote")
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
    for each in document.iter(*_BREAKS):
        mark = _BREAKS[str(each.tag)]
        each.text, each.tail = f"{mark * (each.tag != 'br')}{each.text or ''}", f"{mark}{each.tail or ''}"
    # The blanks and line ends of the markup itself are none.
    text = " ".join("".join(str(each) for each in document.itertext()).split())
    return re.sub(f"(?: ?[{_LINE}{_EMPTY_LINE}{_BR}] ?)+", _break, text)


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
    try:
        return not part.is_multipart() and (part.get_content_disposition() == "attachment" or bool(part.get_filename()))
    except (ValueError, LookupError, TypeError, MessageError):
        return True


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


# --- the server -----------------------------------------------------------------------------------------------------


class _Bounded(imaplib.IMAP4):
    """A connection that ends after so many bytes, and so much time."""

    def __init__(self, settings: MailboxSettings, **more: Any) -> None:
        self._ends = time.monotonic() + SESSION.total_seconds()
        self._left = SESSION_BYTES
        self._each = settings.timeout.total_seconds()
        super().__init__(settings.host, settings.imap_port, timeout=self._each, **more)

    def read(self, size: int) -> bytes:
        """Read so many bytes, as imaplib asks for a mail."""
        content = bytearray()
        while len(content) < size:
            self._must_go_on(size - len(content))
            piece = self._bytes.read1(min(size - len(content), 65_536))
            if not piece:
                break
            content += piece
        self._left -= size
        return bytes(content)

    def readline(self) -> bytes:
        """Read a line."""
        line = bytearray()
        while not line.endswith(b"\n"):
            self._must_go_on(len(line))
            ahead = self._bytes.peek()
            if not ahead:
                break
            line += self._bytes.read(ahead.find(b"\n") + 1 or len(ahead))
            if len(line) > _LONGEST_LINE:
                raise self.abort("a line is too long")
        self._left -= len(line)
        return bytes(line)

    @property
    def _bytes(self) -> BufferedReader:
        assert isinstance(self.file, BufferedReader)  # noqa: S101 imaplib makes one, anew for TLS
        return self.file

    def _must_go_on(self, more: int) -> None:
        remaining = self._ends - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        if more > self._left:
            raise self.abort("too many bytes")
        self.sock.settimeout(min(self._each, remaining))


class _BoundedOverTls(_Bounded, imaplib.IMAP4_SSL):
    """The same, over TLS from the first byte."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A mail as the server has it: its number in the folder, when it came, and its first bytes."""

    uid: int
    arrived: datetime
    content: bytes


class MailFolder:
    """A folder that is open for reading; each method waits for the server, so it is called in a thread."""

    def __init__(self, settings: MailboxSettings, password: str) -> None:
        self._settings = settings
        self._password = password
        self._server: _Bounded | None = None
        self.validity = 0
        self.next = 0

    def open(self) -> None:
        """Sign in, and open the folder. Raises SourceFailed where that is refused."""
        settings = self._settings
        safe = ssl.create_default_context() if settings.tls != "none" else None
        if settings.tls == "implicit":
            server: _Bounded = _BoundedOverTls(settings, ssl_context=safe)
        else:
            server = _Bounded(settings)
        self._server = server
        if settings.tls == "starttls":
            if "STARTTLS" not in server.capabilities:
                raise SourceFailed(because("mailbox_no_starttls", host=settings.host))
            server.starttls(safe)
        try:
            server.login(settings.user, self._password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            # In the server's own words the password may stand.
            raise SourceFailed(because("mailbox_sign_in", user=settings.user, host=settings.host)) from None
        if server.select(f'"{settings.folder}"', readonly=True)[0] != "OK":
            raise SourceFailed(because("mailbox_no_folder", folder=settings.folder))
        self.validity, self.next = (self._number(name) for name in ("UIDVALIDITY", "UIDNEXT"))

    def _number(self, name: str) -> int:
        assert self._server is not None  # noqa: S101 it is open
        [said] = self._server.response(name)[1][-1:] or [None]
        if not isinstance(said, bytes) or not said.isdigit():
            raise SourceFailed(because("mailbox_unnumbered", name=name))
        return int(said)

    def search(self, criterion: str) -> Sequence[int]:
        """Return the numbers of the mails, in order."""
        answer = self._ask("SEARCH", criterion)
        return sorted(
            {int(each) for line in answer if isinstance(line, bytes) for each in line.split() if each.isdigit()}
        )

    def fetch(self, uids: Sequence[int], section: str) -> Sequence[Envelope]:
        """Return the mails that are still there, without marking them as seen."""
        if not uids:
            return ()
        answer = self._ask("FETCH", ",".join(map(str, uids)), f"(UID INTERNALDATE BODY.PEEK{section})")
        found = []
        for each, follows in zip(answer, [*answer[1:], b""], strict=True):
            if isinstance(each, tuple):
                said = each[0] + (follows if isinstance(follows, bytes) else b"")
                uid, moment = re.search(rb"\bUID (\d{1,10})", said), imaplib.Internaldate2tuple(said)
                if uid and moment:
                    arrived = datetime.fromtimestamp(time.mktime(moment), UTC)
                    found.append(Envelope(int(uid[1]), arrived, each[1]))
        return [each for each in found if each.uid in uids]

    def _ask(self, *command: str) -> Sequence[Any]:
        assert self._server is not None  # noqa: S101 it is open
        state, answer = self._server.uid(*command)
        if state != "OK":
            raise imaplib.IMAP4.abort(command[0])
        return answer

    def close(self) -> None:
        """Leave, if the server still listens."""
        with suppress(OSError, imaplib.IMAP4.error):
            if self._server is not None:
                self._server.logout()

    def cut(self) -> None:
        """Have a thread that waits for the server return at once."""
        with suppress(OSError, AttributeError):
            if self._server is not None:
                self._server.sock.shutdown(SHUT_RDWR)
        with suppress(OSError, AttributeError):
            if self._server is not None:
                self._server.shutdown()


# --- the source -----------------------------------------------------------------------------------------------------


class MailboxSource:
    """One `[sources.NAME]` with `kind = "mailbox"` (a `Source`)."""

    def __init__(self, name: str, settings: MailboxSettings, around: Surroundings) -> None:
        self._name = name
        self._settings = settings
        self._town = around.town

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Look once. The mails that were there before the first look count as known. Raises SourceFailed."""
        place = self._settings.place
        state = memory.state if memory.state.get("place", place) == place else {}
        async with self._opened() as folder:
            since = datetime.fromisoformat(state["since"]) if state else now
            after = {"place": place, "since": since.isoformat(), "validity": folder.validity}
            if not state:
                return SourceReading((), Memory(state=after | {"uid": folder.next - 1}))
            uid = state["uid"] if state["validity"] == folder.validity else await self._before(folder, since, now)
            if folder.next - 1 <= uid:
                return SourceReading((), Memory(state=after | {"uid": uid}), unchanged=True)
            heard, upto = await self._news(folder, uid, since, now)
        stored = await known([each.key for each in heard]) if heard else set()
        return SourceReading(
            [each for each in heard if each.key not in stored],
            Memory(state=after | {"uid": upto}),
            look_again=now if upto < folder.next - 1 else None,
        )

    async def _before(self, folder: MailFolder, since: datetime, now: datetime) -> int:
        """Return the number before that of the first mail that may still count."""
        day = max(since, now - WEEK) - timedelta(days=1)
        found = await _waited(lambda: folder.search(f"SINCE {day.day:02}-{_MONTHS[day.month - 1]}-{day.year}"))
        return (found[0] if found else folder.next) - 1

    async def _news(self, folder: MailFolder, uid: int, since: datetime, now: datetime) -> tuple[list[Heard], int]:
        """Return the entries after `uid`, and the number up to which the folder was read for them."""
        last = min(folder.next - 1, uid + _SPAN)
        uids = (await _waited(lambda: folder.search(f"UID {uid + 1}:{last}")))[:MOST_HEADS]
        last = uids[-1] if len(uids) == MOST_HEADS else last
        heads = await _waited(lambda: folder.fetch(uids, f"[HEADER]<0.{HEAD_BYTES}>"))
        heads = [each for each in heads if each.arrived >= max(since, now - WEEK)]
        own, owner = self._settings, self._settings.host
        judged = await read_heads.read(owner, tuple(each.content for each in heads), own.senders, own.verified_by)
        proven = [
            (each.uid, head) for each, head in zip(heads, judged, strict=True) if head.verdict is MailVerdict.PROVEN
        ]
        if len(proven) > MOST_MAILS:
            last = proven[MOST_MAILS][0] - 1
        heard = {}
        for each, head in zip(heads, judged, strict=True):
            if head.verdict is MailVerdict.UNPROVEN and each.uid <= last:
                key = f"{self._name}/unproven/{head.address}/{now:%Y-%m-%d}"
                why = because("mailbox_unproven", address=head.address, server=own.verified_by)
                heard[key] = Heard(key, problem=why)
        for number, head in proven[:MOST_MAILS]:
            found = await _waited(lambda number=number: folder.fetch([number], f"[]<0.{MAIL_BYTES}>"))  # type: ignore[misc]
            for envelope in found:
                if (entry := await self._heard(envelope, head, now)) is not None:
                    heard.setdefault(entry.key, entry)
        return list(heard.values()), last

    async def _heard(self, envelope: Envelope, head: MailHead, now: datetime) -> Heard | None:
        try:
            words = await read_mail.read(self._settings.host, envelope.content)
        except Unreadable as error:
            why = because("mailbox_mail", address=head.address, why=error.reason)
            return Heard(f"{self._name}/{envelope.arrived.isoformat()}/{envelope.uid}", problem=why)
        # A mail of long ago that somebody sends once more is signed as well.
        if words.written is not None and words.written < now - WEEK:
            return None
        key = f"{self._name}-{words.identity}"
        notes = [because("mailbox_from", address=head.address, writer=words.writer or head.address)]
        if words.attachments:
            notes.append(because("mailbox_attachments", count=words.attachments))
        why_not = because("mailbox_automatic", address=head.address) if words.is_automatic else None
        return Heard(key, alert=self._alert(key, words, head, now), leave_out=why_not, notes=tuple(notes))

    def _alert(self, identifier: str, words: MailWords, head: MailHead, now: datetime) -> Alert:
        town = self._town
        is_french = town.language.lower().startswith("fr")
        # Nobody says when it is over: it runs out after a day, and nothing is posted then.
        info = Info(
            event="Information",
            language=town.language,
            categories=(Category.OTHER,),
            severity=self._settings.severity,
            headline=words.subject or ("Information" if is_french else "News"),
            description=words.text or None,
            parameters=(NamedValue(ENDS_BY, QUIET),),
            areas=(Area(town.name, geocodes=town.codes),),
        )
        domain = head.address.rpartition("@")[2]
        return Alert(identifier=identifier, sender=domain, sent=now.replace(microsecond=0), infos=(info,))

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[MailFolder]:
        """The open folder. Raises SourceFailed for all that may go wrong."""
        settings = self._settings
        try:
            password = settings.credential(self._town.folder).reveal()
        except BadCredential as error:
            raise SourceFailed(error.reason) from None
        folder = MailFolder(settings, password)
        try:
            await _waited(folder.open)
            yield folder
            await _waited(folder.close)
        except (OSError, imaplib.IMAP4.error, ValueError) as error:
            raise SourceFailed(_why(error, settings)) from None
        finally:
            folder.cut()


async def _waited(work: Callable[[], T]) -> T:
    """Have a thread wait for the server."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def _why(error: Exception, settings: MailboxSettings) -> Any:
    host = f"{settings.host}:{settings.imap_port}"
    if isinstance(error, ssl.SSLError):
        return because("mailbox_unsafe", host=host, said=error.reason or type(error).__name__)
    if isinstance(error, TimeoutError):
        return because("mailbox_silent", host=host)
    if isinstance(error, imaplib.IMAP4.error):
        return because("mailbox_broke", host=host)
    return because("mailbox_unreached", host=host, said=getattr(error, "strerror", None) or type(error).__name__)

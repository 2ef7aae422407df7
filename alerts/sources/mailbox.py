r"""A mailbox: what an operator or a service of the town writes to it becomes a draft at the desk, never a post.

The folder is opened read-only (EXAMINE), and mails are fetched without a mark (`BODY.PEEK`): people may read it too,
and a daemon that is killed, or a database that is restored, loses no mail by a `\Seen` that is set already. What was
read is known by its UID, which counts only under the folder's UIDVALIDITY: under another one the mails of the last week
are read again, and those whose Message-ID was told are known. It is polled, each time over a new connection: a draft
waits for a person anyway, and a server that restarts or drops a connection needs no rule of its own.

`mail.py` reads the mails: first their heads, then those few that count. In the name of a listed sender one that isn't
proven is told once a day; strangers' are ignored.

The standard library's imaplib speaks to the server, in a thread, for it has hooks for bounds; the asyncio clients for
IMAP are under the GPL. It reads the protocol alone, in bounded lines, bytes and time. So many bytes of a mail are
fetched that a large one is cut within its attachments.
"""

from __future__ import annotations

import asyncio
import imaplib
import re
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from alerts.apart.pool import OF_THIS_MACHINE
from alerts.model.alert import ENDS_BY, QUIET, Alert, Area, Category, Info, NamedValue, Severity
from alerts.model.errors import SourceFailed, Unreadable
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.sources.mail import HEAD_BYTES, MAIL_BYTES, MailHead, MailVerdict, MailWords, read_heads, read_mail
from alerts.sources.run import unheard
from alerts.sources.settings import MailboxSettings, revealed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WEEK = timedelta(days=7)
"""The age beyond which a mail is ignored, by its own date or by the server's."""
MOST_HEADS, MOST_MAILS = 200, 10
"""Mails whose heads are read at a time, and those that are read whole."""
CLOCKS = timedelta(hours=1)
"""How far the server's clock may be behind ours."""
SESSION = timedelta(seconds=60)
"""The time that a connection may take, however slowly its bytes come."""
SESSION_BYTES = 32 * 1_048_576
_SPAN = 50_000
_LONGEST_LINE = 1_000_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PER_SERVER = 4
"""Sessions at one server at the same time: where it hangs, its mailboxes wait, and not those of other towns."""
_THREADS = ThreadPoolExecutor(8 * PER_SERVER, thread_name_prefix="mailboxes")
_TURNS: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
T = TypeVar("T")


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
        # They have 32 bits (RFC 9051, section 2.3.1.1).
        if not isinstance(said, bytes) or not said.isdigit() or len(said) > 10:
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
        # Servers answer in an order of theirs; what is left for the next look is told by the numbers.
        return sorted((each for each in found if each.uid in uids), key=lambda each: each.uid)

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
            # A clock that was ahead at the first look would hide all mails until that time.
            since = min(datetime.fromisoformat(state["since"]), now - CLOCKS) if state else now - CLOCKS
            after = {"place": place, "since": since.isoformat(), "validity": folder.validity}
            if not state:
                return SourceReading((), Memory(state=after | {"uid": folder.next - 1}))
            uid = state["uid"] if state["validity"] == folder.validity else await self._before(folder, since, now)
            if folder.next - 1 <= uid:
                return SourceReading((), Memory(state=after | {"uid": uid}), unchanged=True)
            heard, upto, hurries = await self._news(folder, uid, since, now)
        return SourceReading(
            await unheard(heard, known),
            Memory(state=after | {"uid": upto}),
            look_again=now if hurries else None,
        )

    async def _before(self, folder: MailFolder, since: datetime, now: datetime) -> int:
        """Return the number before that of the first mail that may still count."""
        day = max(since, now - WEEK) - timedelta(days=1)
        found = await _waited(lambda: folder.search(f"SINCE {day.day:02}-{_MONTHS[day.month - 1]}-{day.year}"))
        return (found[0] if found else folder.next) - 1

    async def _news(
        self, folder: MailFolder, uid: int, since: datetime, now: datetime
    ) -> tuple[list[Heard], int, bool]:
        """Return the entries after `uid`, the number up to which it was read for them, and whether more wait there.

        Where so many numbers stand for no mail, nothing waits: a server may name any number as its next.
        """
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
                # Once for whoever is listed: names before the @ are as many as somebody writes.
                listed = head.address if head.address in own.senders else head.address.partition("@")[2]
                key = f"{self._name}/unproven/{listed}/{now:%Y-%m-%d}"
                why = because("mailbox_unproven", address=head.address, server=own.verified_by)
                heard[key] = Heard(key, problem=why)
        for number, head in proven[:MOST_MAILS]:
            found = await _waited(lambda number=number: folder.fetch([number], f"[]<0.{MAIL_BYTES}>"))  # type: ignore[misc]
            for envelope in found:
                if (entry := await self._heard(envelope, head, now)) is not None:
                    heard.setdefault(entry.key, entry)
        return list(heard.values()), last, bool(uids) and last < folder.next - 1

    async def _heard(self, envelope: Envelope, head: MailHead, now: datetime) -> Heard | None:
        try:
            words = await read_mail.read(self._settings.host, envelope.content)
        except Unreadable as error:
            # Then this machine is in trouble, and the mail is read another time.
            if error.reason.code in OF_THIS_MACHINE:
                raise
            why = because("mailbox_mail", address=head.address, why=error.reason)
            return Heard(f"{self._name}/{envelope.arrived.isoformat()}/{envelope.uid}", problem=why)
        # A mail of long ago that somebody sends once more is signed as well.
        if words.written is not None and words.written < now - WEEK:
            return None
        severity, town = self._settings.severity, self._town
        return draft_of(self._name, words, head.address, severity=severity, town=town, now=now)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[MailFolder]:
        """The open folder. Raises SourceFailed for all that may go wrong."""
        settings = self._settings
        folder = MailFolder(settings, revealed(settings.password, self._town.folder))
        try:
            async with _TURNS.setdefault(settings.host.lower(), asyncio.Semaphore(PER_SERVER)):
                await _waited(folder.open)
                yield folder
                await _waited(folder.close)
        except (OSError, imaplib.IMAP4.error, ValueError) as error:
            raise SourceFailed(_why(error, settings)) from None
        except Unreadable as error:
            raise SourceFailed(error.reason) from None
        finally:
            folder.cut()


def draft_of(source: str, words: MailWords, address: str, *, severity: Severity, town: Town, now: datetime) -> Heard:
    """Return a mail as an alert; its writer is a note, by which it is kept from being validated by them."""
    is_french = town.language.lower().startswith("fr")
    # Nobody says when it is over: it runs out after a day, and nothing is posted then.
    info = Info(
        event="Information",
        language=town.language,
        categories=(Category.OTHER,),
        severity=severity,
        headline=words.subject or ("Information" if is_french else "News"),
        description=words.text or None,
        parameters=(NamedValue(ENDS_BY, QUIET),),
        areas=(Area(town.name, geocodes=town.codes),),
    )
    key = f"{source}-{words.identity}"
    domain = address.rpartition("@")[2] or town.sender
    written = because("mailbox_from", address=address, writer=words.writer or address)
    attached = (because("mailbox_attachments", count=words.attachments),) if words.attachments else ()
    return Heard(
        key,
        alert=Alert(identifier=key, sender=domain, sent=now.replace(microsecond=0), infos=(info,)),
        leave_out=because("mailbox_automatic", address=address) if words.is_automatic else None,
        # Whatever `publish` says, it waits; and whoever validates it reads whose it is.
        hold=written,
        notes=(written, *attached),
    )


def draft_in(content: bytes, severity: Severity, town: Town, now: datetime) -> Heard:
    """Return what a mail in a file would become if its sender were listed and proven. Raises SourceFailed."""
    try:
        [head] = read_heads.in_subprocess((content[:HEAD_BYTES],), (), "")
        words = read_mail.in_subprocess(content[:MAIL_BYTES])
        return draft_of("preview", words, head.address, severity=severity, town=town, now=now)
    except Unreadable as error:
        raise SourceFailed(error.reason) from None


async def _waited(work: Callable[[], T]) -> T:
    """Have a thread wait for the server."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def _why(error: Exception, settings: MailboxSettings) -> Reason:
    host = f"{settings.host}:{settings.imap_port}"
    if isinstance(error, ssl.SSLError):
        return because("mailbox_unsafe", host=host, said=error.reason or type(error).__name__)
    if isinstance(error, TimeoutError):
        return because("mailbox_silent", host=host)
    if isinstance(error, OSError):
        return because("mailbox_unreached", host=host, said=error.strerror or type(error).__name__)
    return because("mailbox_broke", host=host)

"""One message to many private chats: the common part is encoded once, the chat is inserted into it.

python-telegram-bot takes three times as long for a call (`make bench`), so the few bytes are written here. For the same
reason no attempt has a timer of its own: `Overdue` checks all that are under way twice a second.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType

import aiohttp
import structlog
from aiohttp.payload import BytesPayload
from yarl import URL

from alerts.channels.answer import Answer, RequestPurpose, ask, count_of, unreadable
from alerts.channels.settings import TelegramSettings, read_credential
from alerts.channels.telegram.answers import Complaint, complaint_of, outcome
from alerts.model.bounds import table, utf16_units, visible
from alerts.model.delivery import Bulk, SendOutcome, SendResult, Target
from alerts.model.errors import BadCredential, Gone, InDoubt, Retry
from alerts.model.ports import Resources

EVERY = 0.5
"""Seconds between two checks."""


class Overdue:
    """`with overdue:` around an await raises TimeoutError once that has lasted `timeout`, or one check longer."""

    def __init__(self, timeout: timedelta) -> None:
        self._seconds = timeout.total_seconds()
        self._since: dict[asyncio.Task[object], float] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._looks: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101 a coroutine runs in one
        self._since[task] = loop.time()
        if self._looks is None:
            self._looks = loop.call_later(EVERY, self._look, loop)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 as above
        del self._since[task]
        if self._ended and task in self._ended:
            self._ended.discard(task)
            if task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        before = loop.time() - self._seconds
        for task in [task for task, since in self._since.items() if since <= before and task not in self._ended]:
            self._ended.add(task)
            task.cancel()
        self._looks = loop.call_later(EVERY, self._look, loop) if self._since else None


# Telegram's limit of a message, in UTF-16 units.
LONGEST = 4096
BETWEEN = "\n\n———\n\n"
"""Separates several alerts in one message."""

# How the Bot API's answer to a message begins; whatever begins otherwise is read as a whole.
_NUMBER = re.compile(rb'^\{\s*"ok"\s*:\s*true\s*,\s*"result"\s*:\s*\{\s*"message_id"\s*:\s*(\d{1,16})\s*[,}]')
# Encoded bodies: the languages of a few bulks, each with and without its edit.
_KEPT = 64

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MessageBody:
    """A message without its address: the JSON up to it, with markup and without."""

    marked: bytes
    plain: bytes

    def to(self, target: Target, *, as_edit: bool, chat: int | None = None, marked: bool = True) -> bytes:
        """The body of the request."""
        start, number = self.marked if marked else self.plain, target.chat if chat is None else chat
        if as_edit:
            return b'%b"chat_id":%d,"message_id":%d}' % (start, number, target.message or 0)
        if target.message is not None:
            return b'%b"chat_id":%d,"reply_parameters":{"message_id":%d,"allow_sending_without_reply":true}}' % (
                start,
                number,
                target.message,
            )
        return b'%b"chat_id":%d}' % (start, number)


class TelegramBulk:
    """`alerts.model.ports.Tells` over the process's one session. The token appears in no log."""

    def __init__(self, name: str, settings: TelegramSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._bodies: dict[tuple[tuple[str, ...], str], MessageBody] = {}
        self._last: tuple[tuple[Bulk, ...], str, MessageBody | None] = ((), "", None)
        self._overdue = Overdue(settings.timeout)
        self._limits = aiohttp.ClientTimeout(total=None, connect=settings.timeout.total_seconds() / 2)
        self._send: URL | None = None
        self._edit: URL | None = None

    def open(self) -> None:
        """Read the bot's token; raises BadCredential."""
        token = read_credential(self._settings.token, self._resources.folder)
        base = f"{self._settings.api_url}/bot{token.reveal()}"
        self._send = URL(f"{base}/sendMessage", encoded=True)
        self._edit = URL(f"{base}/editMessageText", encoded=True)

    async def tell(self, target: Target) -> SendResult:
        """One attempt; a chat that moved is followed, markup that isn't taken is left out, at once.

        Raises Retry where it is certain that it isn't out, BadCredential where the token isn't taken.
        """
        if self._send is None:
            self.open()
        try:
            with self._overdue:
                return await self._tell_or_anew(target)
        except (InDoubt, TimeoutError):
            return SendResult(target, SendOutcome.DOUBT)
        except BadCredential:
            self._send = None  # read anew before the next attempt: it may be renewed by then
            raise

    async def _tell_or_anew(self, target: Target) -> SendResult:
        try:
            return await self._tell(target, as_edit=target.edits)
        except Gone:  # what was to be changed is there no more
            return await self._tell(target, as_edit=False)

    async def _tell(self, target: Target, *, as_edit: bool, chat: int | None = None, marked: bool = True) -> SendResult:
        body = self._body_of(target).to(target, as_edit=as_edit, chat=chat, marked=marked)
        url = self._edit if as_edit else self._send
        assert url is not None  # noqa: S101 it was opened
        answer = await ask(
            self._resources.session,
            "POST",
            url,
            platform="Telegram",
            act=RequestPurpose.PUBLISH,
            timeout=self._limits,
            data=BytesPayload(body, content_type="application/json"),
        )
        number = number_in(answer)
        if number is not None:
            return SendResult(target, SendOutcome.SENT, number, chat)
        complaint = complaint_of(answer)
        if complaint is None:
            raise unreadable("Telegram", answer, RequestPurpose.PUBLISH)
        # A group that became a supergroup: nothing went out, and the new chat knows no message of the old.
        if complaint.migrated_to is not None and chat is None:
            return await self._tell(target, as_edit=False, chat=complaint.migrated_to, marked=marked)
        if complaint.unparsable and marked:
            log.warning("bulk.without_markup", channel=self._name, bulk=target.bulks[0].id, reason=complaint.words)
            return await self._tell(target, as_edit=as_edit, chat=chat, marked=False)
        return self._result(target, complaint, chat, as_edit=as_edit)

    def _result(self, target: Target, complaint: Complaint, chat: int | None, *, as_edit: bool) -> SendResult:
        if as_edit and complaint.not_modified:
            return SendResult(target, SendOutcome.SENT, target.message, chat)
        if complaint.reader_left:
            return SendResult(target, SendOutcome.LEFT)
        meant = outcome(
            complaint, RequestPurpose.EDIT if as_edit else RequestPurpose.PUBLISH, self._resources.clock.now()
        )
        if isinstance(meant, Retry | InDoubt | Gone) or (
            isinstance(meant, BadCredential) and complaint.status in (401, 404)
        ):
            raise meant
        log.warning("bulk.refused", channel=self._name, bulk=target.bulks[0].id, reason=complaint.words)
        return SendResult(target, SendOutcome.FAILED)

    def _body_of(self, target: Target) -> MessageBody:
        bulks, language, body = self._last
        if target.bulks is bulks and target.language == language and body is not None:
            return body
        key = (tuple([bulk.id for bulk in target.bulks]), target.language)
        body = self._bodies.get(key)
        if body is None:
            body = body_for(target)
            self._bodies = {**dict(list(self._bodies.items())[-_KEPT:]), key: body}
        self._last = (target.bulks, target.language, body)
        return body


def number_in(answer: Answer) -> int | None:
    """The number of the message that an answer says is out; None where it says something else."""
    if not answer.ok:
        return None
    if (found := _NUMBER.match(answer.body)) is not None:
        return count_of(int(found[1]))
    body = answer.read() or {}
    return count_of(table(body.get("result")).get("message_id")) if body.get("ok") is True else None


def body_for(target: Target) -> MessageBody:
    """The words in the chat's language, as one message; what doesn't fit under the rest is left to its page."""
    text = _joined([bulk.text(target.language) for bulk in target.bulks])
    link = target.bulks[0].links.get(target.language) if len(target.bulks) == 1 else None
    preview: dict[str, object] = {"url": link, "prefer_small_media": True} if link else {"is_disabled": True}
    marked: dict[str, object] = {"text": text, "parse_mode": "HTML", "link_preview_options": preview}
    plain: dict[str, object] = {"text": visible(text), "link_preview_options": preview}
    return MessageBody(_opened(marked), _opened(plain))


def _joined(texts: list[str]) -> str:
    """All of them where they fit, by their length with markup; else the first lines of each."""
    whole = BETWEEN.join(texts)
    if len(texts) == 1 or utf16_units(whole) <= LONGEST:
        return whole
    # Each gets the same room: the last of them may be what somebody waits for.
    room = LONGEST // len(texts) - len(BETWEEN)
    return BETWEEN.join(_first_lines(text, room) for text in texts)


def _first_lines(text: str, room: int) -> str:
    """As many whole lines as there is room for; without markup, which a cut might leave open."""
    lines = html.escape(visible(text), quote=False).splitlines()
    kept, used = [], 0
    for line in lines:
        used += utf16_units(line) + 1
        if used > room:
            break
        kept.append(line)
    return "\n".join(kept) or lines[0][:room]


def _opened(message: dict[str, object]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()[:-1] + b","

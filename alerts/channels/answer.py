"""One request to a platform, and what came of it: an answer, or whether the request can have arrived.

"Nothing twice, nothing lost" is decided here: a connection that was never made is `Retry(sent=False)`; silence after
the request was written is `InDoubt` where sending again would make a second post, and `Retry` where it would not.
"""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from alerts.apart.parser import parser
from alerts.model.bounds import (
    READ_HERE,
    UNPACKED_HERE,
    VALUES_HERE,
    bounded,
    read_body,
    read_json,
    read_long_json,
    seen,
    sendable,
    tables,
)
from alerts.model.bounds import normal as composed
from alerts.model.errors import (
    BadCredential,
    DeliveryError,
    Gone,
    InDoubt,
    Rejected,
    Retry,
    SourceFailed,
    TocsinError,
    Unreadable,
)
from alerts.model.poll import Counting, PollCount
from alerts.model.post import Message, PollForm
from alerts.model.reason import Reason, because
from alerts.model.town import without_credentials

QUOTED = 200
"""Characters of a platform's own words that a reason quotes."""
LARGEST, LARGEST_LIST = 256 * 1024, 8 * 1024 * 1024
"""Bytes of an answer that are read, unpacked: of one about a single post, and of a list of posts or messages."""
LONGEST_ID, LONGEST_ADDRESS, LONGEST_NAME = 200, 2000, 200
"""Characters that are kept of an answer's ids, addresses and names."""
LONGEST_WAIT = timedelta(days=1)
"""A platform that names a later time is asked again by then."""
WAIT = timedelta(minutes=1)
"""How long to wait where a platform asks for it and names no time."""
READING_TAKES = 10.0
"""Seconds of computing within which the longest list is read."""
# Of a long list that is read apart: its values, and the characters of its texts that are kept. The longest of our own
# texts has 63,206 (Facebook).
_MOST_VALUES, _MOST_CHARACTERS = VALUES_HERE, 2_000_000
# A JSON number beyond this is exact in few programs (RFC 8259, section 6): nobody counts that far.
_HIGHEST = 2**53
_ACCEPT = {"Accept-Encoding": UNPACKED_HERE}

# None of these can come once a byte of the request was written.
_NEVER_MADE = (
    aiohttp.ClientConnectorError,  # DNS, refused, unreachable, TLS
    aiohttp.ConnectionTimeoutError,  # no connection in time, or none free in the pool
    aiohttp.ClientHttpProxyError,  # the proxy refused to open a tunnel
    aiohttp.InvalidURL,
)


T = TypeVar("T")
Page = TypeVar("Page")


class RequestPurpose(Enum):
    """The purpose of a request, as far as it changes the meaning of a failure."""

    PUBLISH = "publish"
    REPLY = "reply"
    REPLACE = "replace"
    EDIT = "edit"
    DELETE = "delete"
    READ = "read"

    @property
    def once(self) -> bool:
        """True if doing it twice makes two posts, so that an unclear end must be investigated."""
        return self in (RequestPurpose.PUBLISH, RequestPurpose.REPLY, RequestPurpose.REPLACE)

    @property
    def on_a_post(self) -> bool:
        """True if it needs a post that was there before."""
        return self in (RequestPurpose.REPLY, RequestPurpose.REPLACE, RequestPurpose.EDIT, RequestPurpose.DELETE)


@dataclass(frozen=True, slots=True)
class Answer:
    """A platform's answer. `headers` are case-insensitive; `is_condensed`: its values were counted, and are few."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_condensed: bool = False
    _said: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """True if the status reports success."""
        return 200 <= self.status < 300

    # Facebook calls its JSON "text/javascript" and X's gateway calls its pages what it likes: only the bytes tell.
    def read(self) -> dict[str, Any] | None:
        """The body as a JSON object whatever its Content-Type; None where it is none (a gateway's page)."""
        value = self._value()
        return value if isinstance(value, dict) else None

    def rows(self) -> list[Mapping[str, Any]] | None:
        """The objects of a body that is a JSON array; None where it is none."""
        body = self._value()
        return tables(body) if isinstance(body, list) else None

    def _value(self) -> Any:
        # Once: what it means is asked by several, one after the other.
        if not self._said:
            self._said.append(read_json(self.body, is_counted=self.is_condensed))
        return self._said[0]


async def ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str | URL,
    *,
    platform: str,
    act: RequestPurpose,
    timeout: timedelta | aiohttp.ClientTimeout,  # noqa: ASYNC109 aiohttp keeps it: only it knows what was written by then
    data: bytes | aiohttp.FormData | aiohttp.BytesPayload | None = None,
    headers: Mapping[str, str] | None = None,
    largest: int = LARGEST,
    server_hostname: str | None = None,
    whole: bool = False,
) -> Answer:
    """Return the platform's answer to one request to `url` (percent-encoded already), within `timeout`.

    Half of `timeout` is for the connection, so that its end proves that nothing was sent. A redirect is an answer, and
    is not followed. An answer with more than `largest` bytes, packed or unpacked, keeps its status alone: its content
    can't be read. One that is too long for the loop is condensed in a process of its own, but for who reads the `whole`
    there. If `url` is the address that a name resolved to, TLS must prove the name `server_hostname`. Raises Retry or
    InDoubt as `act` demands; neither they nor their context contain the address, which may hold a token.
    Raises BadCredential, and sends nothing, where a header can't be sent: all but credentials are our own words.
    """
    if headers and not all(map(sendable, headers.values())):
        raise BadCredential(because("credential_unsendable", platform=platform))
    limits = timeout if isinstance(timeout, aiohttp.ClientTimeout) else _limits(timeout.total_seconds())
    failure: DeliveryError
    try:
        # No `async with`: reading it to the end gives the connection back, and so does an error in between.
        response = await session.request(
            method,
            _ready(url),
            data=data,
            headers={**headers, **_ACCEPT} if headers else _ACCEPT,
            timeout=limits,
            # A redirect would carry the token, or the post, to whatever address it names.
            allow_redirects=False,
            # Unpacked below, within limits: a small answer may unpack to gigabytes.
            auto_decompress=False,
            server_hostname=server_hostname,
        )
        # Only what succeeds is a list: a refusal is read on the loop, whoever wrote it.
        most = largest if response.ok else min(largest, READ_HERE)
        answer = Answer(response.status, response.headers, await _body_of(response, most))
        return answer if whole or len(answer.body) <= READ_HERE else await _condensed(answer, platform, str(url), act)
    except _NEVER_MADE as error:
        why = _why_unmade(error, limits.connect or 0)
        failure = Retry(because("unreachable", platform=platform, why=why), sent=False)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        failure = unclear(_why_unanswered(platform, error, limits.total or 0), act)
    raise failure  # out here, so that the library's error, with the address in its text, is not its context


async def _body_of(response: aiohttp.ClientResponse, largest: int) -> bytes:
    packing, announced = response.headers.get("Content-Encoding", ""), response.content_length
    try:
        return await read_body(response.content.iter_any(), packing, largest, announced)
    except SourceFailed:
        # Too large, or packed so that it can't be unpacked: the status alone is taken, and the connection isn't reused.
        response.close()
        return b""
    # Half read, it can't be used for another request.
    except BaseException:
        response.close()
        raise


async def _condensed(answer: Answer, platform: str, server: str, act: RequestPurpose) -> Answer:
    """Return a long answer with few values, as `condensed` makes it. Raises Retry for a list that can't be read.

    What can't be read of a write is left as it is: that it was done is told by the status.
    """
    try:
        return replace(answer, body=await condensed.read(server, answer.body, platform), is_condensed=True)
    except Unreadable:
        if act is RequestPurpose.READ:
            raise unreadable(platform, answer, act) from None
        return answer


@parser("long list of a platform", seconds=READING_TAKES)
def condensed(body: bytes, platform: str) -> bytes:
    """Return a platform's JSON with its texts cut where all of them are too long. Raises Unreadable.

    The first texts of a list are kept whole, since its newest posts come first.
    """
    if (said := read_long_json(body)) is None:
        raise _no_list(platform)
    return json.dumps(_Condensing(platform).of(said), ensure_ascii=False).encode(errors="replace")


class _Condensing:
    """The remaining values and characters that one list may have."""

    def __init__(self, platform: str) -> None:
        self._platform = platform
        self._values, self._characters = _MOST_VALUES, _MOST_CHARACTERS

    def of(self, value: Any) -> Any:
        self._values -= 1
        if self._values < 0:
            raise _no_list(self._platform)
        match value:
            case str():
                kept = value[: max(self._characters, LONGEST_ADDRESS)]
                self._characters -= len(kept)
                return kept
            case list():
                return [self.of(each) for each in value]
            case dict():
                return {name: self.of(each) for name, each in value.items() if len(name) <= LONGEST_NAME}
            case int() if abs(value) >= 2**63:
                return None
            case _:
                return value


def _no_list(platform: str) -> TocsinError:
    return Unreadable(because("unreadable_answer", platform=platform, status=200))


def id_of(value: object) -> str | None:
    """Return a value from an answer as an id, if it can be one: a number or a short printable text."""
    # A number of more than 64 bits is no id of a platform, and no database would take it.
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and abs(value) >= 2**63):
        return None
    text = str(value)
    return text if 0 < len(text) <= LONGEST_ID and text.isprintable() else None


def address_of(value: object) -> str | None:
    """Return a value from an answer as a web address. Returns None if it can't be one."""
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS or not value.isprintable() or " " in value:
        return None
    return value if value.startswith(("https://", "http://")) else None


def name_of(value: object) -> str | None:
    """Return a value from an answer as a name: as much as fits on a line, without invisible characters."""
    line = " ".join(seen(bounded(value, LONGEST_NAME)).split()) if isinstance(value, str) else ""
    return line or None


def count_of(value: object) -> int | None:
    """Return a value from an answer as a count. Returns None if it can't be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _HIGHEST else None


def wait_of(seconds: object) -> timedelta | None:
    """How long an answer asks us to wait; a day at most, whatever it says. None where it says no number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        return None
    try:
        number = float(seconds)
    except (ValueError, OverflowError):
        return None
    longest = LONGEST_WAIT.total_seconds()
    return timedelta(seconds=min(max(number, 0.0), longest)) if number == number else None  # noqa: PLR0124 NaN is no time


@lru_cache(maxsize=64)
def _limits(seconds: float) -> aiohttp.ClientTimeout:
    # A connection that takes longer than half is given up while it is certain that nothing was sent.
    return aiohttp.ClientTimeout(total=seconds, connect=seconds / 2)


def _ready(url: str | URL) -> URL:
    return url if isinstance(url, URL) else URL(url, encoded=True)


def unclear(reason: Reason | str, act: RequestPurpose) -> DeliveryError:
    """Return the error for an end without a readable answer: in doubt if a second try would make a second post."""
    # Hardly any platform takes an idempotency key: a second try would be a second post.
    return InDoubt(because("may_be_out", why=reason)) if act.once else Retry(reason)


def unreadable(platform: str, answer: Answer, act: RequestPurpose) -> DeliveryError:
    """Return the error for an answer that isn't the platform's own: a gateway's page, half a body, an unknown shape."""
    return unclear(because("unreadable_answer", platform=platform, status=answer.status), act)


def part_of(answer: Answer, name: str, shape: type[T], platform: str, act: RequestPurpose) -> T:
    """Return the part of an answer that a platform's own always has, by its name.

    Raises as `unreadable` for an answer that lacks it: that says nothing, neither that a post isn't there nor that one
    is, nor that anything was done.
    """
    if not isinstance(part := (answer.read() or {}).get(name), shape):
        raise unreadable(platform, answer, act)
    return part


async def pages(
    read: Callable[[str], Awaitable[tuple[Page, str | None]]], most: int, platform: str
) -> AsyncIterator[Page]:
    """Yield the pages of a list of our own posts: `read` returns the one at a cursor ("": the first), and the next one.

    Raises InDoubt after `most` pages, and where a cursor leads back: what wasn't on them may be out all the same.
    """
    cursor, seen = "", {""}
    for _ in range(most):
        page, following = await read(cursor)
        yield page
        if following is None:
            return
        if following in seen:
            break
        seen.add(cursor := following)
    raise InDoubt(because("list_too_long", platform=platform, pages=min(len(seen), most)))


def refusal_of(
    platform: str, answer: Answer, act: RequestPurpose, *, said: object, until: datetime
) -> DeliveryError | None:
    """Return the error for an answer by its status alone, as HTTP means it; None if it succeeded.

    Success comes with JSON, or with nothing where a post was deleted. `said` are the platform's own words of a refusal:
    they may be in any language, and decide nothing. `until` is the time that it names for a limit.
    """
    if answer.ok:
        return _unless_done(platform, answer, act, said)
    is_json = _is_json(answer)
    if answer.status >= 500:
        return unclear(because("platform_trouble", platform=platform, status=answer.status), act)
    if answer.status == 429:
        return Retry(because("limit_until", platform=platform, until=until), until, whole_channel=True)
    if answer.status in (401, 403):
        return BadCredential(because("token_refused", platform=platform, said=quote(said or answer.status)))
    if answer.status in (404, 410) and act.on_a_post and is_json:
        return Gone(because("post_gone", platform=platform))
    # A redirect isn't followed: the token would be handed to whoever it names.
    if answer.status < 400 or answer.status in (404, 405, 410):
        return BadCredential(because("platform_not_there", platform=platform, status=answer.status))
    # A gateway's page says nothing of the post, unless it is for its size.
    if not is_json and answer.status != 413:
        return unreadable(platform, answer, act)
    return Rejected(because("content_refused", platform=platform, said=quote(said or answer.status)))


def _unless_done(platform: str, answer: Answer, act: RequestPurpose, said: object) -> DeliveryError | None:
    """Return the error for an answer whose status reports success; None if it is one."""
    # A gateway, or a server that caught its own trouble, answers 200 to what wasn't done.
    if (named := _error_named(answer)) is not None:
        words = quote(said or named)
        return unclear(because("platform_trouble_said", platform=platform, status=answer.status, said=words), act)
    # Most platforms answer a deletion with nothing at all (204): for a post, that would leave its id unknown.
    is_done = _is_json(answer) or (answer.status == 204 and act is RequestPurpose.DELETE)
    return None if is_done else unreadable(platform, answer, act)


def _is_json(answer: Answer) -> bool:
    return answer.read() is not None or answer.rows() is not None


def _error_named(answer: Answer) -> object:
    """Return the error that a body names; None: it names none."""
    body = answer.read() or {}
    return next((body[name] for name in ("error", "errcode", "errors") if body.get(name)), None)


def identity_of(message: Message, reply_to: str | None) -> str:
    """Return the permanent id of this post: its own; for words outside any post, a digest of them."""
    if message.about is not None:
        return message.about.post
    return hashlib.sha256(f"{reply_to or ''}\n{message.text}\n{message.link or ''}".encode()).hexdigest()[:32]


# A platform's own poll ends up to a minute after ours; one that outlives it longer was closed here before its time.
_ROUNDED, _READ_AFTER = timedelta(seconds=90), timedelta(seconds=2)


def counted(votes: Sequence[int], ends: datetime | None, poll: PollForm, now: datetime) -> PollCount:
    """Return the numbers of a poll that its platform closes by itself, at `ends` (None: it is closed).

    One that was closed here long before goes on there, and its numbers are those of now. Raises Retry until it ends.
    """
    if ends is None or ends <= now:
        return PollCount(tuple(votes))
    if ends - poll.closes_at <= _ROUNDED:
        raise Retry(because("poll_still_open", at=ends), ends + _READ_AFTER)
    return PollCount(tuple(votes), Counting.EARLY)


def quote(words: object) -> str:
    """The platform's own words as a reason's value: on one line, not too long, and without a credential of ours.

    The sentence puts them in quotes.
    """
    # Cut afterwards, so that no part of a credential is left.
    said = without_credentials(str(words)[: 16 * QUOTED])
    line = " ".join(seen(bounded(said, 4 * QUOTED)).split())
    return f"{line[:QUOTED]}…" if len(line) > QUOTED else line


def _why_unmade(error: aiohttp.ClientError, seconds: float) -> Reason:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return because("name_unresolved")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return because("no_connection_within", seconds=f"{seconds:g}")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return because("no_tls")
    # aiohttp hides the system's error in one of its own, at one depth or another.
    if isinstance(error, ConnectionRefusedError) or isinstance(error.__cause__, ConnectionRefusedError):
        return because("connection_refused")
    return because("no_connection")


def _why_unanswered(platform: str, error: Exception, seconds: float) -> Reason:
    if isinstance(error, TimeoutError):
        return because("no_answer_within", platform=platform, seconds=f"{seconds:g}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return because("answer_broke_off", platform=platform)
    return because("closed_unanswered", platform=platform)


# Telling our own post by its words, where a platform gives texts back a little changed.

SLACK = timedelta(seconds=60)
"""How much earlier than our attempt a platform's clock may date the post that came of it."""
# Characters that are compared: Facebook's longest post has 63,206.
_LONGEST = 70_000


def normal(text: str) -> str:
    """`text` in Unicode form C with every run of white space as one space: what platforms leave unchanged."""
    return " ".join(composed("NFC", text[:_LONGEST]).split())


def appeared(value: object, since: datetime) -> bool:
    """True if an ISO 8601 time from a platform is not before `since`, its clock's slack included."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return moment.tzinfo is not None and moment >= since - SLACK

"""Meta's Graph API: requests, errors and limits, for Facebook and Instagram.

Nearly every error is HTTP 400 and of type OAuthException, an outage too: the code decides, then the subcode. Sources:
Meta's "Handle Errors" and "Rate Limits" pages (https://developers.facebook.com/docs/graph-api), and others' experience
in production. Each channel says by `Refusal` what an answer means there, in its own words.

Plain aiohttp: the libraries there are block the loop, and put the token into addresses and into the text of errors.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp

from alerts.channels.answer import (
    LARGEST,
    LARGEST_LIST,
    Answer,
    RequestPurpose,
    ask,
    id_of,
    name_of,
    pages,
    unreadable,
    wait_of,
)
from alerts.channels.settings import SecretSource, read_credential
from alerts.model.bounds import read_json, table, tables
from alerts.model.errors import BadCredential, DeliveryError
from alerts.model.ports import Resources
from alerts.model.post import Quota
from alerts.model.reason import because
from alerts.model.town import Secret

WAIT = timedelta(minutes=15)
"""How long to wait without a header that gives a time."""

BLOCKED = timedelta(hours=1)
"""How long to wait when Meta holds the posting too fast: it says no time."""

MUCH = 75
"""Percent of a limit from where what can wait doesn't ask any more."""
_SLOW_FROM = 90  # percent of a limit, from where Meta slows calls down
# Codes and percentages are small; a number beyond this is nonsense that must not reach a timedelta.
_HIGHEST = 10**9
# Error codes, by Meta's "Handle Errors": API unknown and API service; too many calls; access token; API permission.
_TROUBLE = frozenset({1, 2})
# Meta's "Rate Limits": the app's, the user's and the Page's limits, and the business use cases' codes.
_LIMITED = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
# Meta's "Handle Errors": the session is invalid, or the access token has expired.
_EXPIRED = frozenset({102, 190})
# Meta's "Handle Errors": the app lacks a capability or a permission.
_PERMISSION = frozenset({3, 10, *range(200, 300)})
_PERMISSION_SUBCODES = frozenset({1404078, 4854002})
# "Some of the aliases you requested do not exist", and "Invalid parameter", which subcode 33 makes the same.
_GONE = 803
# An invalid parameter; with the subcode 33 the object doesn't exist, or isn't visible.
_INVALID = 100


class Meaning(Enum):
    """The meaning of a Graph API error, wherever it is asked. REFUSED: only this request isn't taken."""

    LIMIT = "limit"
    TOKEN = "token"  # noqa: S105 the name of a meaning
    PERMISSION = "permission"
    GONE = "gone"
    TROUBLE = "trouble"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class GraphError:
    """The `error` object of an answer of that HTTP status."""

    code: int
    subcode: int
    words: str
    transient: bool
    status: int

    @property
    def is_gone(self) -> bool:
        """True if what was asked for doesn't exist, or isn't visible to us."""
        return self.code == _GONE or (self.code, self.subcode) == (_INVALID, 33)

    @property
    def meaning(self) -> Meaning:
        """Return the meaning of the error, by its code, else by the status."""
        if self.code in _LIMITED:
            return Meaning.LIMIT
        if self.code in _EXPIRED:
            return Meaning.TOKEN
        if self.code in _PERMISSION or self.subcode in _PERMISSION_SUBCODES:
            return Meaning.PERMISSION
        if self.is_gone:
            return Meaning.GONE
        # Code 2 with HTTP 500 has been answered while the post was made; a blind repetition made seven of it.
        is_trouble = self.code in _TROUBLE or self.transient or self.status >= 500
        return Meaning.TROUBLE if is_trouble else Meaning.REFUSED


def error_of(answer: Answer) -> GraphError | None:
    """Return the error in an answer, whatever its status. Returns None if there is none."""
    error = (answer.read() or {}).get("error")
    if not isinstance(error, dict):
        return None
    return GraphError(
        code=_number(error.get("code")),
        subcode=_number(error.get("error_subcode")),
        words=str(error.get("error_user_msg") or error.get("message") or "no reason"),
        transient=error.get("is_transient") is True,
        status=answer.status,
    )


def is_gone(answer: Answer) -> bool:
    """True if the object of a request doesn't exist, or isn't visible to us."""
    error = error_of(answer)
    return error is not None and error.is_gone


def limits(headers: Mapping[str, str], subject: str, now: datetime) -> tuple[Quota, ...]:
    """Return the exhausted quotas in the usage headers: from 90 % of a limit on, until access is regained.

    Meta slows calls down from there; if it gives no time, one call a minute lets the usage fall. `subject` is the id of
    the Page or account whose use is read.
    """
    return tuple(
        Quota(0, now + (regained or timedelta(minutes=1)), None, name)
        for name, percent, regained in _usage(headers, subject)
        if percent >= _SLOW_FROM
    )


def used(headers: Mapping[str, str], subject: str) -> float:
    """Return the highest usage of any limit, in percent; 0 if there is none."""
    return max((percent for _, percent, _ in _usage(headers, subject)), default=0)


def regained_after(headers: Mapping[str, str], subject: str) -> timedelta:
    """Return how long a limit lasts, by the usage headers, else as long as one waits without them."""
    return max((regained for _, _, regained in _usage(headers, subject) if regained), default=WAIT)


def _usage(headers: Mapping[str, str], subject: str) -> Iterator[tuple[str, float, timedelta | None]]:
    """Yield each limit's name, percentage used, and the time until access is regained (given in minutes)."""
    for header, name in (("X-App-Usage", "app"), ("X-Page-Usage", "page")):
        if usage := _object(headers.get(header)):
            yield name, _percent(usage), None
    for usage in tables(_object(headers.get("X-Business-Use-Case-Usage")).get(subject)):
        seconds = 60 * _number(usage.get("estimated_time_to_regain_access"))
        yield name_of(usage.get("type")) or "business", _percent(usage), wait_of(seconds) or None


def _percent(usage: Mapping[str, Any]) -> float:
    return max(_number(usage.get(name)) for name in ("call_count", "total_time", "total_cputime"))


def _object(text: str | None) -> Mapping[str, Any]:
    return table(read_json(text or ""))


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) and abs(value) < _HIGHEST else 0


def rows_of(answer: Answer) -> Sequence[Mapping[str, Any]] | None:
    """The `data` of a list; None where there is none."""
    listed = (answer.read() or {}).get("data")
    return tables(listed) if isinstance(listed, list) else None


def next_page(answer: Answer) -> str | None:
    """The cursor of a list's next page; None: there is none. The address that is given for it holds the token."""
    paging = table((answer.read() or {}).get("paging"))
    return id_of(table(paging.get("cursors")).get("after")) if paging.get("next") else None


Refusal = Callable[[Answer, RequestPurpose, str, datetime], DeliveryError | None]
"""What an answer means on a platform, for the Page or account of that id, now; None if it succeeded."""


class GraphSettings(Protocol):
    """The settings of an account there, as in channels.toml."""

    @property
    def api_url(self) -> str:
        """Where the API is."""
        ...

    @property
    def version(self) -> str:
        """Which of its versions is asked, such as v25.0."""
        ...

    @property
    def timeout(self) -> timedelta:
        """How long a request may take."""
        ...

    @property
    def token(self) -> SecretSource:
        """The access token."""
        ...

    @property
    def app_secret(self) -> SecretSource | None:
        """The app's secret, with which each request is proved."""
        ...


class GraphApi:
    """The requests of one channel. `subject` is the id of its Page or account, `platform` how reasons name it."""

    def __init__(
        self,
        platform: str,
        channel: str,
        settings: GraphSettings,
        resources: Resources,
        *,
        subject: str,
        refusal: Refusal,
    ) -> None:
        self._platform = platform
        self._channel = channel
        self._settings = settings
        self._resources = resources
        self._subject = subject
        self._refusal = refusal
        self._token: Secret | None = None
        self._proof: str | None = None
        self._limits: tuple[Quota, ...] = ()

    def open(self) -> None:
        """Read the token and, where given, the app's secret anew; raises BadCredential. Sends nothing."""
        folder = self._resources.folder
        self._token = read_credential(self._settings.token, folder)
        if self._settings.app_secret is not None:
            secret = read_credential(self._settings.app_secret, folder)
            # Where the app asks for a proof, a token that was stolen alone opens nothing.
            self._proof = hmac.new(secret.reveal().encode(), self._token.reveal().encode(), hashlib.sha256).hexdigest()

    def close(self) -> None:
        """Forget the token; the session is the process's."""
        self._token, self._proof = None, None

    async def get(self, route: str, fields: Mapping[str, str] | None = None) -> Answer:
        """One answer, whatever it means."""
        return await self.ask("GET", route, RequestPurpose.READ, fields)

    async def read(self, route: str, fields: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """The JSON of an answer that succeeded; raises what it means else."""
        return self.check(await self.get(route, fields), RequestPurpose.READ)

    async def ask(
        self, method: str, route: str, act: RequestPurpose, fields: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to a request with these fields, whatever it means."""
        proved = self.proved(fields or {})
        if method == "POST":
            return await self.send(method, route, act, _form(proved))
        return await self.send(method, f"{route}?{urlencode(proved)}" if proved else route, act, None)

    async def send(
        self, method: str, route: str, act: RequestPurpose, data: aiohttp.FormData | aiohttp.BytesPayload | None
    ) -> Answer:
        """The same with a body that is made already, of `proved` fields."""
        if self._token is None:
            raise BadCredential(because("channel_unopened", channel=self._channel))
        answer = await ask(
            self._resources.session,
            method,
            f"{self._settings.api_url}/{self._settings.version}/{route}",
            platform=self._platform,
            act=act,
            timeout=self._settings.timeout,
            data=data,
            # In a header and never in the query: addresses stand in logs and in errors.
            headers={"Authorization": f"Bearer {self._token.reveal()}"},
            largest=LARGEST_LIST if act is RequestPurpose.READ else LARGEST,
        )
        # Told on any answer, and only where a limit is nearly used up.
        self._limits = limits(answer.headers, self._subject, self._resources.clock.now())
        return answer

    async def rows(self, route: str, asked: Mapping[str, str], most: int) -> Sequence[Mapping[str, Any]]:
        """All of a list, page by page: it may come in any order. Raises InDoubt where it has more than `most` pages."""

        async def read(cursor: str) -> tuple[Sequence[Mapping[str, Any]], str | None]:
            # By the cursor and not by `paging.next`, whose address holds the token.
            answer = await self.get(route, {**asked, "after": cursor} if cursor else asked)
            self.check(answer, RequestPurpose.READ)
            rows = rows_of(answer)
            if rows is None:
                raise unreadable(self._platform, answer, RequestPurpose.READ)
            return rows, next_page(answer)

        return [row async for page in pages(read, most, self._platform) for row in page]

    def check(self, answer: Answer, act: RequestPurpose) -> Mapping[str, Any]:
        """The answer's JSON; raises what the answer means."""
        now = self._resources.clock.now()
        if (error := self._refusal(answer, act, self._subject, now)) is not None:
            raise error
        return answer.read() or {}

    def id_in(self, answer: Answer, act: RequestPurpose) -> str:
        """The id of what was made; raises what the answer means where there is none."""
        made = id_of(self.check(answer, act).get("id"))
        if made is None:
            raise unreadable(self._platform, answer, act)
        return made

    def proved(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields, with the app's proof where it has one."""
        return {**fields, "appsecret_proof": self._proof} if self._proof else dict(fields)

    def quotas(self) -> Sequence[Quota]:
        """The quotas in the last usage headers that are nearly used up, without those that are over."""
        now = self._resources.clock.now()
        return [quota for quota in self._limits if quota.reset > now]


def _form(fields: Mapping[str, str]) -> aiohttp.BytesPayload:
    # Not by FormData, which makes a multipart body beside it, in case that a file comes.
    return aiohttp.BytesPayload(urlencode(fields).encode(), content_type="application/x-www-form-urlencoded")

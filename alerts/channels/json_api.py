"""A platform's JSON over HTTP with a token: the requests of every kind whose refusals mean what HTTP's statuses mean.

It keeps the token while the channel is open, writes it into a header and nowhere else, and remembers what the platform
says of its limits. Statuses decide (`answer.refusal_of`); a platform that answers otherwise looks at the answer itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import aiohttp

from alerts.channels.answer import (
    LARGEST,
    LARGEST_LIST,
    LONGEST_WAIT,
    WAIT,
    Answer,
    RequestPurpose,
    ask,
    count_of,
    id_of,
    part_of,
    refusal_of,
    unreadable,
    wait_of,
)
from alerts.channels.hearing import moment_of
from alerts.channels.settings import ChannelSettings, KeptPassword, SecretSource
from alerts.model.backoff import retry_after
from alerts.model.bounds import READ_HERE
from alerts.model.ports import Resources
from alerts.model.post import Quota

# Seconds since 1970, as limits are told.
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,9})?")
Body = Mapping[str, Any] | aiohttp.FormData | bytes | None
"""What a request carries: an object that goes as JSON, a form, or bytes of a type that the headers name."""


class PlatformApi(Protocol):
    """The requests of a channel, its credential while it is open, and the limits that the platform told."""

    def open(self) -> None:
        """Read the credential anew. Raises BadCredential if it is missing. Sends nothing."""
        ...

    def close(self) -> None:
        """Forget the credential; the session is the process's."""
        ...

    def quotas(self) -> Sequence[Quota]:
        """The limits as the platform last told them, unless they are over."""
        ...


T = TypeVar("T")
ApiT = TypeVar("ApiT", bound=PlatformApi)


class ApiChannel(Generic[ApiT]):
    """A channel that is open while its API is: what all of them have in common."""

    def __init__(self, api: ApiT) -> None:
        self._api = api

    async def open(self) -> None:
        """Read the credential anew. Raises BadCredential if it is missing. Sends nothing."""
        self._api.open()

    async def close(self) -> None:
        """Forget the credential; the session is the process's."""
        self._api.close()

    def quotas(self) -> Sequence[Quota]:
        """The limits as the platform last told them, unless they are over."""
        return self._api.quotas()


class JsonApi:
    """The API at `api_url` of a channel. `platform` is how reasons name it; `token` None: it takes who comes."""

    def __init__(
        self, platform: str, channel: str, settings: ChannelSettings, resources: Resources, token: SecretSource | None
    ) -> None:
        self._platform = platform
        self._settings = settings
        self._resources = resources
        self._token = KeptPassword(channel, token, resources.folder)
        self._limits: tuple[Quota, ...] = ()

    def open(self) -> None:
        """Read the token anew; raises BadCredential where it is missing. Sends nothing."""
        self._token.read()

    def close(self) -> None:
        """Forget the token; the session is the process's."""
        self._token.forget()

    @property
    def secret(self) -> str:
        """The token, "" where there is none. Raises BadCredential while the channel isn't open."""
        token = self._token.value()
        return token.reveal() if token is not None else ""

    async def read(self, route: str, *, on_a_post: bool = False, whole: bool = False) -> Answer:
        """`GET` a route; `whole` as of `request`."""
        return await self.ask("GET", route, RequestPurpose.READ, on_a_post=on_a_post, whole=whole)

    async def ask(
        self,
        method: str,
        route: str,
        act: RequestPurpose,
        body: Body = None,
        *,
        headers: Mapping[str, str] | None = None,
        on_a_post: bool = False,
        whole: bool = False,
    ) -> Answer:
        """Return the platform's answer, which is JSON, to one request.

        Raises DeliveryError for what it refuses; Gone where a post isn't there that the route names (`on_a_post`) or
        the act needs.
        """
        answer = await self.request(method, route, act, body, headers=headers, whole=whole)
        return self.check(answer, RequestPurpose.EDIT if on_a_post else act)

    def check(self, answer: Answer, act: RequestPurpose) -> Answer:
        """Return the answer where it is done; raises what its status means else.

        A long one isn't read here: whoever asked for it reads it, and knows what it is to be.
        """
        if answer.ok and len(answer.body) > READ_HERE and not answer.is_condensed:
            return answer
        said, until = _said(answer), self.limit_of(answer) or self._resources.clock.now() + WAIT
        if (error := refusal_of(self._platform, answer, act, said=said, until=until)) is not None:
            raise error
        return answer

    async def request(
        self,
        method: str,
        route: str,
        act: RequestPurpose,
        body: Body = None,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        whole: bool = False,
    ) -> Answer:
        """Return the answer to one request, whatever it means; `token` is another than the channel's, "" none.

        A long list is condensed (`ask`), but for who reads the `whole` apart.
        """
        token = self.secret if token is None else token
        sent = {"Accept-Language": "en", **({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        if isinstance(body, Mapping):
            sent["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        answer = await ask(
            self._resources.session,
            method,
            self._settings.api_url + route,
            platform=self._platform,
            act=act,
            timeout=self._settings.timeout,
            data=body,
            headers=sent,
            largest=LARGEST_LIST if act is RequestPurpose.READ else LARGEST,
            whole=whole,
        )
        left = _first(answer, "X-RateLimit-Remaining", "RateLimit-Remaining")
        if act is not RequestPurpose.READ and left.isdecimal() and (until := self.limit_of(answer)) is not None:
            self._limits = (Quota(int(left[:9]), until, None, "requests"),)
        return answer

    def id_in(self, answer: Answer, act: RequestPurpose, name: str = "id") -> str:
        """The id of what was made, under that name; raises what the answer means where there is none."""
        if (made := id_of((answer.read() or {}).get(name))) is None:
            raise unreadable(self._platform, answer, act)
        return made

    def part(self, answer: Answer, name: str, shape: type[T], act: RequestPurpose = RequestPurpose.READ) -> T:
        """The part of that name, which an answer always has; raises as `part_of`."""
        return part_of(answer, name, shape, self._platform, act)

    def limit_of(self, answer: Answer) -> datetime | None:
        """Return when a limit is over: told as a time (Mastodon), in seconds since 1970 (Bluesky), or from now on.

        A day ahead at the most: no server's clock silences a channel for longer.
        """
        now, reset = self._resources.clock.now(), _first(answer, "X-RateLimit-Reset", "RateLimit-Reset")
        if reset:
            named = moment_of(float(reset) if _NUMBER.fullmatch(reset) else reset)
            return min(named, now + LONGEST_WAIT) if named is not None else None
        milliseconds = count_of((answer.read() or {}).get("retry_after_ms"))
        if milliseconds is not None and (wait := wait_of(milliseconds / 1000)) is not None:
            return now + wait
        return retry_after(answer.headers.get("Retry-After"), now, LONGEST_WAIT)

    def quotas(self) -> Sequence[Quota]:
        """The limits as the platform last told them, unless they are over."""
        return [quota for quota in self._limits if quota.reset > self._resources.clock.now()]


def _first(answer: Answer, *names: str) -> str:
    return next((value for name in names if (value := answer.headers.get(name, ""))), "")


def _said(answer: Answer) -> object:
    body = answer.read() or {}
    return body.get("message") or body.get("error")

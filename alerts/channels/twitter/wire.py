"""Requests to X: tweepy's client over the one shared session, and the signatures that it sends.

tweepy alone would lose a post or reveal a credential: it waits when it is limited, logs the text it signs, and reports
a failure without saying if the post may be out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json as jsonlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp

from alerts.channels.answer import LARGEST, LARGEST_LIST, Answer, RequestPurpose, ask
from alerts.channels.picture import LoadedPicture
from alerts.channels.settings import TwitterSettings
from alerts.model.ports import Resources
from alerts.model.town import Secret


@dataclass(frozen=True, slots=True)
class Signer:
    """The four keys of an app and its user."""

    consumer_key: Secret
    consumer_secret: Secret
    token: Secret
    token_secret: Secret

    def sign(self, method: str, url: str, query: Mapping[str, str], now: datetime, nonce: str | None = None) -> str:
        """The `Authorization` header for `method` on `url` (without its query), RFC 5849 section 3.5.1.

        `now` must be right to within minutes, or the platform refuses it. Each call has its own nonce.
        """
        words = {
            "oauth_consumer_key": self.consumer_key.reveal(),
            "oauth_nonce": nonce or secrets.token_hex(16),
            # OAuth 1.0a and not 2.0: its keys don't run out, and no single-use refresh token can be lost in a crash.
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(int(now.timestamp())),
            "oauth_token": self.token.reveal(),
            "oauth_version": "1.0",
        }
        words["oauth_signature"] = self._signature(method, url, [*query.items(), *words.items()])
        return "OAuth " + ", ".join(f'{name}="{_escape(value)}"' for name, value in words.items())

    def _signature(self, method: str, url: str, parameters: Sequence[tuple[str, str]]) -> str:
        """RFC 5849 section 3.4: the base string of 3.4.1 under both secrets."""
        base = "&".join(_escape(part) for part in (method.upper(), url, encode(parameters)))
        key = f"{_escape(self.consumer_secret.reveal())}&{_escape(self.token_secret.reveal())}"
        digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()


def encode(parameters: Iterable[tuple[str, str]]) -> str:
    """A query in the order and escaping that is signed (RFC 5849 section 3.4.1.3.2): send it exactly so."""
    return "&".join(f"{name}={value}" for name, value in sorted((_escape(n), _escape(v)) for n, v in parameters))


def _escape(text: str) -> str:
    return quote(text, safe="")


if TYPE_CHECKING:

    class _TweepyClient:
        """The part of tweepy's AsyncClient that is used here: tweepy ships no types."""

        def __init__(self, *, return_type: type, wait_on_rate_limit: bool) -> None: ...
        async def create_tweet(self, **parameters: object) -> Answer: ...
        async def delete_tweet(self, id: str) -> Answer: ...  # noqa: A002
        async def get_me(self, **parameters: object) -> Answer: ...
        async def get_users_tweets(self, id: str, **parameters: object) -> Answer: ...  # noqa: A002

else:
    from tweepy.asynchronous import AsyncClient as _TweepyClient

# X refuses longer alternatives.
_ALT_LIMIT = 1000


class TwitterClient(_TweepyClient):
    """tweepy's client over the one shared session, mended where it would lose a post or give a credential away.

    Every method returns the `Answer` whatever its status, headers included, and raises Retry or InDoubt where there is
    none. Nothing is waited for, nothing is logged, and the host is the configured one.
    """

    def __init__(self, settings: TwitterSettings, resources: Resources, signer: Signer) -> None:
        # With this return type tweepy hands on what `request` returns, untouched.
        super().__init__(return_type=aiohttp.ClientResponse, wait_on_rate_limit=False)
        self._settings = settings
        self._resources = resources
        self._signer = signer

    async def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, object] | None = None,
        json: Mapping[str, object] | None = None,
        user_auth: bool = True,  # noqa: ARG002 tweepy's signature; OAuth 1.0a signs everything here
    ) -> Answer:
        """Answer one of tweepy's own calls."""
        body = None if json is None else jsonlib.dumps(json).encode()
        # tweepy says nothing of what a call is for: the route and the body do.
        act = _act_of(method, route, json or {})
        return await self.send(method, route, act, params=params, data=body, content_type="application/json")

    async def upload(self, picture: LoadedPicture) -> Answer:
        """Send a picture (`POST /2/media/upload`), which tweepy has no call for: its id is at `data.id`."""
        form = aiohttp.FormData({"media_category": "tweet_image"})
        form.add_field("media", picture.content, filename=picture.file_name, content_type=picture.mime_type)
        return await self.send("POST", "/2/media/upload", RequestPurpose.READ, data=form)

    async def describe(self, media_id: str, alt: str) -> Answer:
        """Give a picture its text alternative (`POST /2/media/metadata`)."""
        wanted = {"id": media_id, "metadata": {"alt_text": {"text": alt[:_ALT_LIMIT]}}}
        return await self.request("POST", "/2/media/metadata", json=wanted)

    async def read(self, route: str, query: Mapping[str, str]) -> Answer:
        """One GET that tweepy has no call for, or has one that hides the answer's headers."""
        return await self.send("GET", route, RequestPurpose.READ, params=query)

    async def hide(self, post: str) -> Answer:
        """Hide a reply to one of our posts (`PUT /2/tweets/{id}/hidden`)."""
        route, body = f"/2/tweets/{quote(post, safe='')}/hidden", jsonlib.dumps({"hidden": True}).encode()
        return await self.send("PUT", route, RequestPurpose.EDIT, data=body, content_type="application/json")

    async def send(
        self,
        method: str,
        route: str,
        act: RequestPurpose,
        *,
        params: Mapping[str, object] | None = None,
        data: bytes | aiohttp.FormData | None = None,
        content_type: str | None = None,
    ) -> Answer:
        """Sign and send one request; JSON and multipart bodies are not signed (RFC 5849 section 3.4.1.3.1)."""
        url = self._settings.api_url + route
        query = {name: str(value) for name, value in (params or {}).items()}
        headers = {"Authorization": self._signer.sign(method, url, query, self._resources.clock.now())}
        if data is not None and content_type:
            headers["Content-Type"] = content_type
        return await ask(
            self._resources.session,
            method,
            f"{url}?{encode(query.items())}" if query else url,
            platform="X",
            act=act,
            timeout=self._settings.timeout,
            data=data,
            headers=headers,
            largest=LARGEST_LIST if act is RequestPurpose.READ else LARGEST,
        )


def _act_of(method: str, route: str, wanted: Mapping[str, object]) -> RequestPurpose:
    if method == "DELETE":
        return RequestPurpose.DELETE
    if method != "POST" or route != "/2/tweets":
        return RequestPurpose.READ
    if "edit_options" in wanted:
        return RequestPurpose.REPLACE
    return RequestPurpose.REPLY if "reply" in wanted else RequestPurpose.PUBLISH

"""An account on a Mastodon server, through its REST API (https://docs.joinmastodon.org/client/intro).

A post bears its own id as `Idempotency-Key`: for an hour the server answers a repeat with the status it made
first. So a post in doubt is looked for as on any platform, by its words as they were written (`/source`; `content` is
HTML), and one that isn't found is sent again under the same key, which makes no second one even where the list lagged.
Older servers look at the key before they post and not while they do: a repeat follows the attempt by half a minute.

A refusal's words are in the language of the server, so its status alone decides. How many characters a status has is
the server's choice: `characters` says it here, and the probe compares it with `/api/v2/instance`. A reply stands in its
thread, and what people answer is listed with it (`/context`), from all servers. Others' replies can't be hidden.

Plain aiohttp: the library that there is blocks the loop.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any, Literal
from urllib.parse import quote as escape

import aiohttp
import structlog
from pydantic import Field

from alerts.apart.parser import parser
from alerts.channels import ChannelKind
from alerts.channels.answer import (
    READING_TAKES,
    Answer,
    RequestPurpose,
    address_of,
    appeared,
    count_of,
    counted,
    id_of,
    identity_of,
    name_of,
    normal,
    pages,
    unreadable,
)
from alerts.channels.hearing import PostsEar, Thread, moment_of, read_thread, words_of
from alerts.channels.json_api import ApiChannel, JsonApi
from alerts.channels.picture import picture_along
from alerts.channels.settings import HearingSettings, Limit, SecretSource
from alerts.model.bounds import bounded, read_long_json, table, visible
from alerts.model.errors import DeliveryError, Gone, InDoubt, Rejected, Retry, Unreadable
from alerts.model.listening import EarReading, HeardPost, Remark
from alerts.model.poll import SHORTEST, PollCount
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, PollForm, PostImage, Receipt, TextFormat
from alerts.model.reason import Reason, because
from alerts.model.town import RateLimit

# The defaults of Mastodon 4; a server may take more or less, and says so.
_PICTURE_BYTES, _ALT_CHARACTERS = 16_777_216, 1500
_PICTURE_KINDS = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
# The most requests, a second apart, for a picture that the server is still converting.
_PICTURE_WAITS = 5
# Pages of forty of our own statuses that one search reads.
_PAGES = 10
_AGAIN_AFTER = timedelta(seconds=30)
"""When a post in doubt may be sent again at the earliest: by then the server has ended what it began."""
# Requests of one poll of the ear: a tenth of what an account may make in five minutes.
_ASKED_AT_ONCE = 30
# Replies to a status that a server lists to signed-in accounts.
_MOST_BELOW = 4096
# Characters of HTML that are read of one status.
_MOST_HTML = 20_000
_LINE_ENDS = re.compile(r"<br ?/?>|</p>\s*(?=<p)")
# A reply begins with the mention of the person it answers.
_ADDRESSED = re.compile(r"\A(?:@[\w.-]+(?:@[\w.-]+)?\s+)+")

log = structlog.get_logger(__name__)


class MastodonSettings(HearingSettings):
    """`kind = "mastodon"`: an account on the server at `api_url`, with an access token of an application there.

    `characters` is how long the server lets a status be.
    """

    kind: Literal["mastodon"]
    api_url: str = Field(examples=["https://mastodon.example"])
    token: SecretSource
    characters: int = Field(default=500, ge=100, le=20_000)
    limits: tuple[Limit, ...] = (RateLimit(60, timedelta(minutes=5)),)

    @property
    def asks(self) -> bool:
        """Every server has polls."""
        return True

    def written(self, text: TextFormat) -> TextFormat:
        """The longest that the server accepts."""
        return replace(text, limit=self.characters)


class Mastodon(ApiChannel[JsonApi]):
    """An account. Publishes, replies, edits, deletes, finds, asks polls; reads what people reply, and blocks them."""

    def __init__(self, name: str, settings: MastodonSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        super().__init__(JsonApi("Mastodon", name, settings, resources, settings.token))
        self._account = ""
        # The posts in doubt, and when each may be sent again by the steady clock.
        self._doubtful: dict[str, float] = {}

    async def open(self) -> None:
        """Read the token; raises BadCredential where it is missing. Sends nothing."""
        await super().open()
        self._account = ""

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """`POST /api/v1/statuses`. Raises Retry for a post in doubt that it is too early to repeat."""
        key, clock = identity_of(message, reply_to), self._resources.clock
        if (left := self._doubtful.get(key, 0.0) - clock.monotonic()) > 0:
            after = clock.now() + timedelta(seconds=left)
            raise Retry(because("may_be_at_work", platform="Mastodon", until=after), after, sent=False)
        body = await self._body(message) | ({"in_reply_to_id": reply_to} if reply_to else {})
        if message.poll:
            seconds = ceil((message.poll.closes_at - clock.now()).total_seconds())
            body["poll"] = {"options": list(message.poll.options), "expires_in": max(seconds, SHORTEST.seconds)}
        return await self._post(key, body, reply_to)

    async def rehearse(self, message: Message) -> Receipt:
        """Publish it for the account alone: a direct status that mentions no one."""
        return await self._post("", await self._body(message) | {"visibility": "direct"}, None)

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """`PUT /api/v1/statuses/{id}`: replaces text and picture; the server notifies those who boosted it."""
        answer = await self._api.ask(
            "PUT", f"/api/v1/statuses/{_path(remote_id)}", RequestPurpose.EDIT, await self._body(message)
        )
        return self._receipt(answer, RequestPurpose.EDIT)

    async def delete(self, remote_id: str) -> None:
        """`DELETE /api/v1/statuses/{id}`; a status that is gone is done."""
        try:
            answer = await self._api.ask("DELETE", f"/api/v1/statuses/{_path(remote_id)}", RequestPurpose.DELETE)
            self._api.id_in(answer, RequestPurpose.DELETE)
        except Gone:
            return

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,  # noqa: ARG002 the account's statuses tell by words and times
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """Search for this exact text among our own statuses with the same parent."""
        for status in await self._ours(since):
            remote_id = id_of(status.get("id"))
            if not remote_id or remote_id in known or id_of(status.get("in_reply_to_id")) != reply_to:
                continue
            try:
                route = f"/api/v1/statuses/{_path(remote_id)}/source"
                words = self._api.part(await self._api.read(route, on_a_post=True), "text", str)
            except Gone:
                continue
            if normal(words) == normal(message.text):
                return Receipt(remote_id, address_of(status.get("url")))
        return None

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt]:  # noqa: ARG002 times tell
        """Return our own statuses from `since` on."""
        found = [(id_of(each.get("id")), address_of(each.get("url"))) for each in await self._ours(since)]
        return [Receipt(remote_id, url) for remote_id, url in found if remote_id]

    async def close_poll(self, remote_id: str, poll: PollForm) -> PollCount:
        """Read the numbers of a poll, which the server closes by itself."""
        route = f"/api/v1/statuses/{_path(remote_id)}"
        body = table((await self._api.read(route, on_a_post=True)).read())
        asked, options = table(body.get("poll")), table(body.get("poll")).get("options")
        if not isinstance(options, list):
            raise Gone(because("poll_gone"))
        votes = {str(table(each).get("title")): count_of(table(each).get("votes_count")) or 0 for each in options}
        ends = None if asked.get("expired") is True else moment_of(asked.get("expires_at"))
        now = self._resources.clock.now()
        return counted([votes.get(option, 0) for option in poll.options], ends, poll, now)

    async def hear(self, posts: Sequence[HeardPost], memory: Mapping[str, Any], now: datetime) -> EarReading:
        """Read the replies to the posts that are due."""
        every, server = self._resources.listens_every, self._settings.api_url
        ear = _RepliesEar(await self._me(), every, now, server, partial(self._api.read, on_a_post=True, whole=True))
        return await ear.hear(posts, memory)

    async def hide(self, remote_id: str) -> None:  # noqa: ARG002 nothing is hidden there
        """Raise Rejected: nobody hides a reply there but its author and the servers' moderators."""
        raise Rejected(because("replies_not_hidden", platform="Mastodon"))

    async def block(self, author: str) -> None:
        """`POST /api/v1/accounts/{id}/block`; an account that is gone is done."""
        try:
            route = f"/api/v1/accounts/{_path(author)}/block"
            await self._api.ask("POST", route, RequestPurpose.READ, {}, on_a_post=True)
        except Gone:
            return

    async def probe(self) -> Probe:
        """`GET /api/v1/accounts/verify_credentials`, and the server's limits. The token is read anew before."""
        await self.open()
        body = (await self._api.read("/api/v1/accounts/verify_credentials")).read() or {}
        self._account = id_of(body.get("id")) or ""
        characters = count_of(table((await self._configuration()).get("statuses")).get("max_characters"))
        warnings: tuple[Reason, ...] = ()
        if characters is not None and characters < self._settings.characters:
            warnings = (because("fewer_characters", platform="Mastodon", most=characters),)
        name = name_of(body.get("acct")) or self._name
        return Probe(f"@{name}", warnings, count_of(body.get("followers_count")))

    async def _post(self, key: str, body: Mapping[str, Any], reply_to: str | None) -> Receipt:
        act = RequestPurpose.REPLY if reply_to else RequestPurpose.PUBLISH
        try:
            answer = await self._api.ask(
                "POST", "/api/v1/statuses", act, body, headers={"Idempotency-Key": key} if key else None
            )
        except InDoubt:
            self._doubtful[key] = self._resources.clock.monotonic() + _AGAIN_AFTER.total_seconds()
            raise
        except Rejected:
            # Servers also answer 422 if the parent status is missing.
            if reply_to:
                await self._api.read(f"/api/v1/statuses/{_path(reply_to)}", on_a_post=True)
            raise
        self._doubtful.pop(key, None)
        return self._receipt(answer, act)

    def _receipt(self, answer: Answer, act: RequestPurpose) -> Receipt:
        return Receipt(self._api.id_in(answer, act), address_of((answer.read() or {}).get("url")))

    async def _body(self, message: Message) -> dict[str, Any]:
        media = await self._upload(message.image) if message.image else None
        # Two letters: Mastodon knows no regions.
        fields = {"status": message.text, "language": message.language.partition("-")[0]}
        return {**fields, **({"media_ids": [media]} if media else {})}

    async def _upload(self, image: PostImage) -> str | None:
        """Upload the picture with its alternative text; returns its id. If it is refused, logs why and returns None."""
        try:
            limits = table((await self._configuration()).get("media_attachments"))
            largest = count_of(limits.get("image_size_limit")) or _PICTURE_BYTES
            picture = await picture_along(
                image, self._resources.folder, largest=largest, kinds=_PICTURE_KINDS, channel=self._name
            )
            if picture is None:
                return None
            form = aiohttp.FormData()
            form.add_field("file", picture.content, filename=picture.file_name, content_type=picture.mime_type)
            form.add_field(
                "description", bounded(picture.alt, count_of(limits.get("description_limit")) or _ALT_CHARACTERS)
            )
            answer = await self._api.ask("POST", "/api/v2/media", RequestPurpose.READ, form)
            media = id_of((answer.read() or {}).get("id"))
            # 202: it is being converted; no status may have it until a request answers 200.
            for _ in range(_PICTURE_WAITS):
                if answer.status == 200 or media is None:
                    return media
                await self._resources.clock.sleep(1.0)
                answer = await self._api.read(f"/api/v1/media/{_path(media)}")
            log.warning("post.without_picture", channel=self._name, reason="the server is still converting it")
        except DeliveryError as error:
            log.warning("post.without_picture", channel=self._name, reason=str(error))
        return None

    async def _configuration(self) -> Mapping[str, Any]:
        return table(table((await self._api.read("/api/v2/instance")).read()).get("configuration"))

    async def _me(self) -> str:
        if not self._account:
            answer = await self._api.read("/api/v1/accounts/verify_credentials")
            self._account = self._api.id_in(answer, RequestPurpose.READ)
        return self._account

    async def _ours(self, since: datetime) -> list[Mapping[str, Any]]:
        """Return our own statuses from `since` on, the newest first."""
        route = f"/api/v1/accounts/{_path(await self._me())}/statuses?limit=40&exclude_reblogs=true"
        found: list[Mapping[str, Any]] = []

        async def read(cursor: str) -> tuple[list[Mapping[str, Any]], str | None]:
            answer = await self._api.read(route + (f"&max_id={_path(cursor)}" if cursor else ""))
            page = answer.rows()
            if page is None:
                raise unreadable("Mastodon", answer, RequestPurpose.READ)
            return page, id_of(page[-1].get("id")) if page else None

        async for page in pages(read, _PAGES, "Mastodon"):
            recent = [each for each in page if appeared(each.get("created_at"), since)]
            found += recent
            if len(recent) < len(page):
                break
        return found


class _RepliesEar(PostsEar):
    """Hears the replies in the threads of our posts; each counts under the nearest of our posts above it."""

    lists_by_time = False

    def __init__(
        self, account: str, every: timedelta, now: datetime, server: str, read: Callable[[str], Awaitable[Answer]]
    ) -> None:
        super().__init__(account, every, now, _ASKED_AT_ONCE)
        self._server = server
        self._read = read

    async def under(self, post: HeardPost, since: datetime | None) -> tuple[Sequence[Remark], bool]:  # noqa: ARG002
        """Return the thread below a post, without the replies below a later post of ours."""
        try:
            answer = await self._asked(f"/api/v1/statuses/{_path(post.remote_id)}/context")
        except Gone:
            return (), True
        ours = tuple(sorted(self.ours))
        given = post.remote_id, ours, self._server
        thread = await read_thread(replies_below, "Mastodon", self._server, answer, *given)
        return thread.remarks, thread.is_whole

    async def is_gone(self, remote_id: str) -> bool:
        """Ask for one reply by its id."""
        try:
            await self._asked(f"/api/v1/statuses/{_path(remote_id)}")
        except Gone:
            return True
        return False

    async def _asked(self, route: str) -> Answer:
        self.left -= 1
        answer = await self._read(route)
        limit, remaining = (answer.headers.get(f"X-RateLimit-{name}", "") for name in ("Limit", "Remaining"))
        if limit.isdecimal() and remaining.isdecimal():
            # Half of the account's requests are reserved for its posts.
            self.left = min(self.left, int(remaining[:9]) - int(limit[:9]) // 2)
        return answer


@parser("thread on Mastodon", seconds=READING_TAKES)
def replies_below(body: bytes, root: str, ours: tuple[str, ...], server: str) -> Thread:
    """Return the remarks in a context whose nearest of `ours` above is `root`. Raises Unreadable."""
    replies = table(read_long_json(body)).get("descendants")
    if not isinstance(replies, list):
        raise Unreadable(because("unreadable_answer", platform="Mastodon", status=200))
    below = {id_: each for each in map(table, replies) if (id_ := id_of(each.get("id")))}
    roots = _roots(below, frozenset(ours))
    remarks = (_remark(id_, each, root, server) for id_, each in below.items() if roots[id_] == root)
    return Thread(tuple(each for each in remarks if each is not None), len(replies) < _MOST_BELOW)


def _roots(below: Mapping[str, Mapping[str, Any]], ours: frozenset[str]) -> Mapping[str, str | None]:
    """Return the nearest of our posts above each status, with one step for each: a thread may be one long chain."""
    roots: dict[str, str | None] = {}
    for status in below:
        way, above = list[str](), id_of(status)
        while above is not None and above in below and above not in roots:
            # Until its root is known it has none, so that a circle of replies ends.
            roots[above] = None
            way.append(above)
            above = id_of(below[above].get("in_reply_to_id"))
            if above in ours:
                break
        found = above if above in ours else roots.get(above) if above is not None else None
        roots |= dict.fromkeys(way, found)
    return roots


def _remark(remote_id: str, reply: Mapping[str, Any], root: str, server: str) -> Remark | None:
    """Return a status as a remark. Returns None if it was sent to the account alone, or has no time."""
    at, who = moment_of(reply.get("created_at")), table(reply.get("account"))
    if at is None or reply.get("visibility") == "direct":
        return None
    parent, account = id_of(reply.get("in_reply_to_id")), name_of(who.get("acct"))
    content = bounded(str(reply.get("content") or ""), _MOST_HTML)
    return Remark(
        remote_id,
        words_of(_ADDRESSED.sub("", visible(_LINE_ENDS.sub("\n", content)), count=1)),
        at,
        root=root,
        parent=parent if parent != root else None,
        author=id_of(who.get("id")),
        name=name_of(who.get("display_name")) or account,
        # Its id on the town's own server; other servers have other ids for it.
        url=address_of(f"{server}/@{account}/{remote_id}"),
        edited_at=moment_of(reply.get("edited_at")),
        language=name_of(reply.get("language")),
    )


def _path(remote_id: str) -> str:
    return escape(remote_id, safe="")


KIND = ChannelKind(
    MastodonSettings,
    TextFormat(limit=500, count="mastodon"),
    "alerts.channels.mastodon:Mastodon",
    counts_every_write=False,
    ear="alerts.channels.mastodon:Mastodon",
)

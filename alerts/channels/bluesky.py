"""An account on Bluesky, through the AT protocol (https://docs.bsky.app/docs/api, lexicons app.bsky and com.atproto).

A post is a record under a key of our own, so that `putRecord` of the same post again changes nothing: the key is a TID
made of the moment when the post was free to go and of its id, and all that the record holds is the same each time. So a
post in doubt is looked for by its key, which tells exactly, and put once more where it isn't there. The moment is
rounded to a second, and the id chooses the microsecond: posts of one moment have different keys. (`createRecord` under
a key that is taken fails with 500, which would say nothing.)

There are no edits: apps show the first words for ever, so an update is a reply. A reply names its parent and the first
post of its thread by their digests; whether the parent is there is known exactly, by its key, before anything is
written. Nothing is a link by itself: what stands in the text as one is marked by its bytes of UTF-8 (facets), and the
alert's own page is a card. With a picture there is no card, so then the first line of the words leads there.

An app password opens a session, whose token is renewed by another one: of the 300 sessions that a day allows, one is
opened for a process, and one in ten minutes at most where the password is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import structlog
from pydantic import Field

from alerts.apart.parser import parser
from alerts.channels import ChannelKind
from alerts.channels.answer import (
    READING_TAKES,
    Answer,
    RequestPurpose,
    appeared,
    count_of,
    id_of,
    identity_of,
    name_of,
    pages,
    unreadable,
)
from alerts.channels.hearing import PostsEar, Thread, moment_of, read_thread, words_of
from alerts.channels.json_api import ApiChannel, Body, JsonApi
from alerts.channels.picture import picture_along
from alerts.channels.settings import HearingSettings, Limit, SecretSource
from alerts.model.bounds import read_long_json, rows, sendable, table, tables
from alerts.model.domains import is_tld
from alerts.model.errors import BadCredential, DeliveryError, Gone, Unreadable
from alerts.model.listening import EarReading, HeardPost, Remark
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, PostImage, Receipt, TextFormat, subject_of
from alerts.model.reason import because
from alerts.model.town import RateLimit

_POSTS = "app.bsky.feed.post"
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
# A picture's bytes (lexicon app.bsky.embed.images, 2026-08).
_LARGEST_PICTURE = 2_000_000
_PICTURE_KINDS = frozenset({"image/jpeg", "image/png", "image/webp"})
_REFUSED_FOR = 600.0
"""Seconds for which a password that was refused isn't tried again."""
_EXPIRED, _INVALID = "ExpiredToken", "InvalidToken"
_SIGNED_OUT = frozenset({
    "AuthenticationRequired", "AuthMissing", _INVALID, "AuthFactorTokenRequired", "AccountTakedown",
    "AccountDeactivated", "AccountNotFound", "RepoNotFound",
})  # fmt: skip
_GONE = frozenset({"RecordNotFound", "NotFound"})
# Pages of a hundred records that are listed, and replies to replies that one look follows.
_PAGES, _DEEPEST = 10, 50
# The official detection (packages/api/src/rich-text): an address with its protocol, or a host of a known domain.
_LINK = re.compile(r"(?:^|(?<=[\s(]))(?:https?://\S+|(?P<host>[a-z][a-z0-9]*(?:\.[a-z0-9]+)+)\S*)", re.IGNORECASE)


log = structlog.get_logger(__name__)


class BlueskySettings(HearingSettings):
    """`kind = "bluesky"`: an account by its handle, with an app password."""

    kind: Literal["bluesky"]
    api_url: str = "https://bsky.social"
    handle: str = Field(
        pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=253, examples=["saint-martin.bsky.social"]
    )
    password: SecretSource
    limits: tuple[Limit, ...] = (RateLimit(60, timedelta(minutes=5)),)


@dataclass(frozen=True, slots=True)
class _Session:
    """The session that one password opened."""

    password: str = field(repr=False)
    did: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)


def tid(at: datetime, identity: str) -> str:
    """The key of the post with that id, which was free to go at that time: 13 digits, in the order of seconds."""
    digest = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big")
    # 53 bits of microseconds, and ten that tell clocks apart.
    number = ((int(at.timestamp()) * 1_000_000 + digest % 1_000_000) << 10) | (digest >> 54)
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def facets(text: str) -> list[dict[str, Any]]:
    """Each link in a text, by its bytes of UTF-8."""
    return [_facet(text, start, end, address) for start, end, address in _links(text)]


def _links(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _LINK.finditer(text):
        if match["host"] and not is_tld(match["host"].rpartition(".")[2].lower()):
            continue
        found = match[0].rstrip(".,;:!?")
        while found.endswith(")") and found.count(")") > found.count("("):
            found = found[:-1]
        yield match.start(), match.start() + len(found), f"https://{found}" if match["host"] else found


def _facet(text: str, start: int, end: int, address: str) -> dict[str, Any]:
    index = {"byteStart": len(text[:start].encode()), "byteEnd": len(text[:end].encode())}
    return {"index": index, "features": [{"$type": "app.bsky.richtext.facet#link", "uri": address}]}


class Bluesky(ApiChannel[JsonApi]):
    """An account. Publishes, replies, deletes and finds; reads what people reply."""

    exact = True

    def __init__(self, name: str, settings: BlueskySettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        super().__init__(JsonApi("Bluesky", name, settings, resources, settings.password))
        self._session: _Session | None = None
        # The password that was refused last, and until when by the steady clock.
        self._refused: tuple[str, float, DeliveryError] | None = None

    async def close(self) -> None:
        """Forget password and session; the HTTP session is the process's."""
        await super().close()
        self._session = None

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Put the post's record. Raises Gone where `reply_to` isn't there any more."""
        at, key = self._key(message, reply_to)
        record: dict[str, Any] = {
            "$type": _POSTS,
            "text": message.text,
            "createdAt": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "langs": [message.language],
            **(await self._shown(message)),
        }
        if reply_to:
            record["reply"] = await self._above(reply_to)
        act = RequestPurpose.REPLY if reply_to else RequestPurpose.PUBLISH
        answer = await self._call(
            "com.atproto.repo.putRecord", act, {"collection": _POSTS, "rkey": key, "record": record}
        )
        remote_id = id_of((answer.read() or {}).get("uri"))
        if remote_id is None:
            raise unreadable("Bluesky", answer, act)
        return self._at(remote_id)

    async def find(
        self,
        message: Message,
        since: datetime,  # noqa: ARG002 its key alone tells
        after: str | None,  # noqa: ARG002
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """Look for the post's record under its key."""
        uri = f"at://{(await self._opened()).did}/{_POSTS}/{self._key(message, reply_to)[1]}"
        try:
            await self._record(uri)
        except Gone:
            return None
        return self._at(uri) if uri not in known else None

    async def delete(self, remote_id: str) -> None:
        """Delete the record; one that is gone is done."""
        where = {"collection": _POSTS, "rkey": remote_id.rpartition("/")[2]}
        answer = await self._call("com.atproto.repo.deleteRecord", RequestPurpose.DELETE, where)
        # Without a commit nothing was changed: there was no record, or nobody deleted it.
        if table((answer.read() or {}).get("commit")):
            return
        try:
            await self._record(remote_id)
        except Gone:
            return
        raise unreadable("Bluesky", answer, RequestPurpose.DELETE)

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt]:  # noqa: ARG002 times tell
        """Return our own posts from `since` on."""
        found: list[Receipt] = []

        async def read(cursor: str) -> tuple[list[Mapping[str, Any]], str | None]:
            asked = {"collection": _POSTS, "limit": "100", **({"cursor": cursor} if cursor else {})}
            answer = await self._call("com.atproto.repo.listRecords", RequestPurpose.READ, query=asked)
            return tables(self._api.part(answer, "records", list)), id_of((answer.read() or {}).get("cursor"))

        async for records in pages(read, _PAGES, "Bluesky"):
            recent = [each for each in records if appeared(table(each.get("value")).get("createdAt"), since)]
            found += [self._at(uri) for each in recent if (uri := id_of(each.get("uri")))]
            if len(recent) < len(records):
                break
        return found

    @property
    def server(self) -> str:
        """The address of the account's server."""
        return self._settings.api_url

    async def hear(self, posts: Sequence[HeardPost], memory: Mapping[str, Any], now: datetime) -> EarReading:
        """Read the replies to the posts that are due."""
        did = (await self._opened()).did
        return await _ThreadsEar(did, self._resources.listens_every, now, self).hear(posts, memory)

    async def probe(self) -> Probe:
        """`getProfile` of the account. The password is read anew before; an open session goes on with the same one."""
        self._api.open()
        if self._session is not None and self._session.password != self._api.secret:
            self._session = None
        did = (await self._opened()).did
        body = (await self.look("app.bsky.actor.getProfile", {"actor": did})).read() or {}
        return Probe(
            f"@{name_of(body.get('handle')) or self._settings.handle}", (), count_of(body.get("followersCount"))
        )

    async def look(self, name: str, query: Mapping[str, str], *, whole: bool = False) -> Answer:
        """One answer of a method that reads. Raises DeliveryError; Gone where there is no such post."""
        return await self._call(name, RequestPurpose.READ, query=query, whole=whole)

    async def _shown(self, message: Message) -> dict[str, Any]:
        """The links, and the picture or the card."""
        marked, first = facets(message.text), message.text.partition("\n")[0]
        image = await self._uploaded(message.image) if message.image else None
        embed: dict[str, Any] | None = None
        if image is not None:
            embed = {"$type": "app.bsky.embed.images", "images": [image]}
            if message.link:
                rest = [each for each in marked if each["index"]["byteStart"] >= len(first.encode())]
                marked = [_facet(message.text, 0, len(first), message.link), *rest]
        elif message.link:
            card = {"uri": message.link, "title": subject_of(message.plain), "description": ""}
            embed = {"$type": "app.bsky.embed.external", "external": card}
        return ({"facets": marked} if marked else {}) | ({"embed": embed} if embed else {})

    async def _uploaded(self, image: PostImage) -> dict[str, Any] | None:
        """The picture with its alternative; None where it can't go along, with the reason logged."""
        picture = await picture_along(
            image, self._resources.folder, largest=_LARGEST_PICTURE, kinds=_PICTURE_KINDS, channel=self._name
        )
        if picture is None:
            return None
        try:
            name = "com.atproto.repo.uploadBlob"
            answer = await self._call(name, RequestPurpose.READ, picture.content, mime=picture.mime_type)
        except DeliveryError as error:
            log.warning("post.without_picture", channel=self._name, reason=str(error))
            return None
        return {"alt": picture.alt, "image": (answer.read() or {}).get("blob")}

    async def _above(self, uri: str) -> dict[str, Any]:
        """The reply's parent and root, each with its digest."""
        record = await self._record(uri)
        parent = {"uri": uri, "cid": record.get("cid")}
        return {"root": table(table(record.get("value")).get("reply")).get("root") or parent, "parent": parent}

    async def _record(self, uri: str) -> Mapping[str, Any]:
        repo, _, rest = uri.removeprefix("at://").partition("/")
        query = {"repo": repo, "collection": _POSTS, "rkey": rest.rpartition("/")[2]}
        answer = await self.look("com.atproto.repo.getRecord", query)
        self._api.part(answer, "value", dict)
        return answer.read() or {}

    def _key(self, message: Message, reply_to: str | None) -> tuple[datetime, str]:
        about = message.about
        at = about.ready_at if about and about.ready_at else self._resources.clock.now()
        return at, tid(at, identity_of(message, reply_to))

    def _at(self, remote_id: str) -> Receipt:
        key = remote_id.rpartition("/")[2]
        return Receipt(remote_id, f"https://bsky.app/profile/{self._settings.handle}/post/{key}")

    async def _call(
        self,
        name: str,
        act: RequestPurpose,
        body: Body = None,
        query: Mapping[str, str] | None = None,
        mime: str = "",
        *,
        whole: bool = False,
    ) -> Answer:
        """Return the answer of one method of the API, in an open session."""
        for is_last in (False, True):
            session, headers = await self._opened(), {"Content-Type": mime} if mime else {}
            method = "GET" if body is None else "POST"
            # Where a collection is named without whose, it is ours.
            sent = {"repo": session.did, **body} if isinstance(body, Mapping) else body
            asked = {"repo": session.did, **query} if query and "collection" in query else query
            route = f"/xrpc/{name}?{urlencode(asked)}" if asked else f"/xrpc/{name}"
            answer = await self._api.request(
                method, route, act, sent, headers=headers, token=session.access, whole=whole
            )
            # What was asked with an old token wasn't done: it is asked once more with a new one.
            if is_last or _error_of(answer) not in (_EXPIRED, _INVALID):
                break
            if _error_of(answer) == _EXPIRED:
                await self._renew(session)
            elif self._session is session:  # whatever spoiled it, it is of no more use
                self._session = None
        return self._checked(answer, act)

    async def _opened(self) -> _Session:
        password, clock = self._api.secret, self._resources.clock
        if self._session is None:
            if self._refused and self._refused[0] == password and clock.monotonic() < self._refused[1]:
                raise self._refused[2]
            login = {"identifier": self._settings.handle, "password": password}
            route = "/xrpc/com.atproto.server.createSession"
            answer = await self._api.request("POST", route, RequestPurpose.READ, login, token="")
            try:
                self._session = _session_of(self._checked(answer, RequestPurpose.READ), password)
            except BadCredential as error:
                # A gateway's 404 says nothing of the password.
                if error.reason.code == "token_refused":
                    self._refused = password, clock.monotonic() + _REFUSED_FOR, error
                raise
        return self._session

    async def _renew(self, before: _Session) -> None:
        """Put a new session in place of an old one, unless another request did so meanwhile."""
        if self._session is not before:
            return
        route = "/xrpc/com.atproto.server.refreshSession"
        answer = await self._api.request("POST", route, RequestPurpose.READ, token=before.refresh)
        self._session = None
        # One that can't be renewed any more, after weeks, is opened anew.
        if _error_of(answer) not in {_EXPIRED, *_SIGNED_OUT}:
            self._session = _session_of(self._checked(answer, RequestPurpose.READ), before.password)

    def _checked(self, answer: Answer, act: RequestPurpose) -> Answer:
        """The answer; raises what it means: by the error's name where it has one, else by its status."""
        name = _error_of(answer)
        if name in {_EXPIRED, *_SIGNED_OUT}:
            raise BadCredential(because("token_refused", platform="Bluesky", said=name))
        if name in _GONE:
            raise Gone(because("post_gone", platform="Bluesky"))
        return self._api.check(answer, act)


class _ThreadsEar(PostsEar):
    """Hears the replies in the threads of our posts; each counts under the nearest of our posts above it."""

    lists_by_time = False

    def __init__(self, did: str, every: timedelta, now: datetime, channel: Bluesky) -> None:
        super().__init__(did, every, now)
        self._channel = channel

    async def under(self, post: HeardPost, since: datetime | None) -> tuple[Sequence[Remark], bool]:  # noqa: ARG002
        """The whole thread below a post, without what is below a later one of ours."""
        self.left -= 1
        try:
            query = {"uri": post.remote_id, "depth": str(_DEEPEST), "parentHeight": "0"}
            answer = await self._channel.look("app.bsky.feed.getPostThread", query, whole=True)
        except Gone:
            return (), True
        given = post.remote_id, tuple(sorted(self.ours))
        thread = await read_thread(replies_below, "Bluesky", self._channel.server, answer, *given)
        return thread.remarks, thread.is_whole

    async def is_gone(self, remote_id: str) -> bool:
        """Ask for one reply by its address."""
        self.left -= 1
        answer = await self._channel.look("app.bsky.feed.getPosts", {"uris": remote_id})
        return (answer.read() or {}).get("posts") == []


@parser("thread on Bluesky", seconds=READING_TAKES)
def replies_below(body: bytes, root: str, ours: tuple[str, ...]) -> Thread:
    """Return the remarks in a thread, without what is below any of `ours` but `root`. Raises Unreadable."""
    thread = table(table(read_long_json(body)).get("thread"))
    if not thread or not isinstance(thread.get("replies", []), list):
        raise Unreadable(because("unreadable_answer", platform="Bluesky", status=200))
    return Thread(tuple(_below(thread, root, frozenset(ours))))


def _below(thread: Mapping[str, Any], root: str, ours: frozenset[str]) -> Iterator[Remark]:
    waiting: list[tuple[str | None, Any]] = [(None, each) for each in rows(thread.get("replies"))]
    while waiting:
        parent, each = waiting.pop()
        post = table(table(each).get("post"))
        uri, at = id_of(post.get("uri")), moment_of(post.get("indexedAt"))
        if uri is None or uri in ours:
            continue
        waiting += [(uri, reply) for reply in rows(table(each).get("replies"))]
        who, record = table(post.get("author")), table(post.get("record"))
        did, key = id_of(who.get("did")), uri.rpartition("/")[2]
        if at is not None:
            yield Remark(
                uri,
                words_of(record.get("text")),
                at,
                root=root,
                parent=parent,
                author=did,
                name=name_of(who.get("displayName")) or name_of(who.get("handle")),
                url=f"https://bsky.app/profile/{did}/post/{key}",
                language=next(iter(map(name_of, rows(record.get("langs")))), None),
            )


def _error_of(answer: Answer) -> str:
    return "" if answer.ok else str((answer.read() or {}).get("error") or "")


def _session_of(answer: Answer, password: str) -> _Session:
    body = answer.read() or {}
    did, access, refresh = id_of(body.get("did")), body.get("accessJwt"), body.get("refreshJwt")
    if did is None or not isinstance(access, str) or not isinstance(refresh, str):
        raise unreadable("Bluesky", answer, RequestPurpose.READ)
    if not (sendable(access) and sendable(refresh)):
        raise unreadable("Bluesky", answer, RequestPurpose.READ)
    return _Session(password, did, access, refresh)


KIND = ChannelKind(
    BlueskySettings,
    TextFormat(limit=300, count="graphemes", link="field"),
    "alerts.channels.bluesky:Bluesky",
    counts_every_write=False,
    ear="alerts.channels.bluesky:Bluesky",
)

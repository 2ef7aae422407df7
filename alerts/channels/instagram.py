"""A professional account on Instagram, through the Graph API (`channels/graph.py`).

A post there is a picture with a caption, in two steps: `media` makes a container, for which Instagram fetches the
picture at the town's public address, and `media_publish` publishes it. A container that wasn't published is seen by
nobody and goes after a day, so that only the second step can be in doubt. Then the account's posts are looked through
for the caption; the container, which is remembered over restarts, tells as well whether it was published, and it is the
same one that is published on another attempt.

The picture is always the alert's card, as JPEG, under a name made of its content: what Instagram fetches is what was
validated. No program changes or deletes what is out there, or writes below it where people see it: an update and an end
are posts of their own. Links in captions can be read and not followed. Source: Meta's "Publish content" page
(https://developers.facebook.com/docs/instagram-platform/content-publishing).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote as escape

from pydantic import Field, ValidationInfo, field_validator

from alerts.channels import ChannelKind
from alerts.channels.answer import (
    SLACK,
    Answer,
    RequestPurpose,
    address_of,
    appeared,
    count_of,
    id_of,
    identity_of,
    name_of,
    normal,
    part_of,
    quote,
    unclear,
    unreadable,
)
from alerts.channels.graph import BLOCKED, GraphApi, GraphError, Meaning, error_of, is_gone, regained_after, rows_of
from alerts.channels.json_api import ApiChannel
from alerts.channels.settings import ChannelSettings, Limit, SecretSource
from alerts.model.alert import Severity
from alerts.model.bounds import bounded, table
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry
from alerts.model.ports import Probe, Resources
from alerts.model.post import Means, Message, Receipt, TextFormat
from alerts.model.reason import Reason, because
from alerts.model.town import RateLimit

_FIELDS = "id,caption,permalink,timestamp"
_ALT_CHARACTERS = 1000
# How often a container is asked after that Instagram still fetches the picture for, a second apart.
_LOOKS = 5
_NOT_READY_FOR = timedelta(seconds=10)
# How long a post may take to be listed, from when it was stored.
_LISTED_AFTER = timedelta(minutes=2)
# Pages of a hundred posts that one look reads: an account may publish a hundred a day.
_PAGES = 10
# The fact that keeps the containers of posts that aren't known to be out, and how many.
_CONTAINERS, _REMEMBERED = "containers", 64
# Codes of Instagram's own trouble.
_TROUBLE = frozenset({-1, -2})


class _Subcode(IntEnum):
    """Refusals by Meta's "Error Codes" of the Instagram platform."""

    UNFETCHED_IN_TIME = 2207003
    NO_MEDIA = 2207006
    NO_CONTAINER = 2207008
    EXPIRED = 2207020
    NOT_READY = 2207027
    USED_UP = 2207042
    RESTRICTED = 2207050
    SUSPECTED = 2207051
    UNFETCHED = 2207052


_CONTAINER_GONE = frozenset({_Subcode.NO_MEDIA, _Subcode.NO_CONTAINER, _Subcode.EXPIRED})


class InstagramSettings(ChannelSettings):
    """`kind = "instagram"`: a professional account, by its number and a token that may publish there."""

    kind: Literal["instagram"]
    api_url: str = "https://graph.facebook.com"
    version: str = Field(default="v25.0", pattern=r"^v\d+\.\d+$", examples=["v25.0"])
    account_id: str = Field(pattern=r"^\d+$", examples=["17841400000000000"])
    token: SecretSource
    app_secret: SecretSource | None = None
    limits: tuple[Limit, ...] = (RateLimit(50, timedelta(hours=24)),)
    severity: Severity = Severity.SEVERE
    on_update: Means = Means.NEW
    on_end: Means = Means.NEW
    card: bool = True

    @property
    def card_alone(self) -> bool:
        """A post there is a picture, and its words stand below it."""
        return True

    @field_validator("on_update", "on_end", mode="before")
    @classmethod
    def _stays(cls, value: object, info: ValidationInfo) -> object:
        allowed = ["new"] if info.field_name == "on_update" else ["new", "none"]
        if value not in allowed:
            raise ValueError(because("instagram_stays", allowed=[f'"{each}"' for each in allowed]))
        return value

    @field_validator("card")
    @classmethod
    def _has_a_card(cls, value: bool) -> bool:
        if not value:
            raise ValueError(because("instagram_needs_card"))
        return value


class Instagram(ApiChannel[GraphApi]):
    """An account. Publishes and finds."""

    def __init__(self, name: str, settings: InstagramSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._me = settings.account_id
        super().__init__(GraphApi("Instagram", name, settings, resources, subject=self._me, refusal=refusal))

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:  # noqa: ARG002 all are posts
        """`POST /{account}/media`, and once it is ready `POST /{account}/media_publish`."""
        key = identity_of(message, None)
        container = await self._ready(key, message)
        act = RequestPurpose.PUBLISH
        answer = await self._api.ask("POST", f"{self._me}/media_publish", act, {"creation_id": container})
        error = error_of(answer)
        if error is not None and (error.subcode in _CONTAINER_GONE or error.is_gone):
            # It may have been published by an attempt of before: nothing else makes a container unknown so soon.
            await self._remember(key, None)
            raise InDoubt(because("may_be_out", why=because("instagram_container_gone")))
        remote_id = self._api.id_in(answer, act)
        await self._remember(key, None)
        return Receipt(remote_id, await self._address_of(remote_id))

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,  # noqa: ARG002 the account's posts tell by words and times
        known: frozenset[str],
        reply_to: str | None = None,  # noqa: ARG002 a post there answers none
    ) -> Receipt | None:
        """Search for these words among the account's posts.

        A container that was published is out for certain: if the post isn't listed after minutes, it goes without an
        address. Raises Retry until then.
        """
        for post in await self._posts(since):
            remote_id = id_of(post.get("id"))
            if remote_id and remote_id not in known and normal(str(post.get("caption", ""))) == normal(message.text):
                return Receipt(remote_id, address_of(post.get("permalink")))
        container = self._containers().get(identity_of(message, None))
        if container is None or await self._state_of(container) != "PUBLISHED":
            return None
        now = self._resources.clock.now()
        if now - since < _LISTED_AFTER:
            raise Retry(because("instagram_unlisted"), now + _NOT_READY_FOR)
        return Receipt(container, None)

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt]:  # noqa: ARG002 times tell
        """Return the account's posts from `since` on."""
        found = [(id_of(post.get("id")), address_of(post.get("permalink"))) for post in await self._posts(since)]
        return [Receipt(remote_id, url) for remote_id, url in found if remote_id]

    async def probe(self) -> Probe:
        """`GET /{account}`, and how many posts a day it may publish. The token is read anew before."""
        await self.open()
        body = await self._api.read(self._me, {"fields": "id,username,followers_count"})
        account = name_of(body.get("username")) or self._me
        asked = {"fields": "config,quota_usage"}
        answer = await self._api.get(f"{self._me}/content_publishing_limit", asked)
        self._api.check(answer, RequestPurpose.READ)
        most = count_of(table(next(iter(rows_of(answer) or ()), {}).get("config")).get("quota_total"))
        day = max((each.count for each in self._settings.limits if each.span >= timedelta(days=1)), default=0)
        warnings: tuple[Reason, ...] = ()
        if most is not None and most < day:
            warnings = (because("instagram_fewer_posts", most=most),)
        return Probe(f"@{account}", warnings, count_of(body.get("followers_count")))

    def _containers(self) -> dict[str, str]:
        """The containers of posts that aren't known to be out, by the post."""
        return dict(json.loads(self._resources.recall(_CONTAINERS) or "{}"))

    async def _remember(self, key: str, container: str | None) -> None:
        """Keep the post's container, of which only the platform knows whether it is out; None: it is of no more use."""
        known = {each: kept for each, kept in self._containers().items() if each != key}
        if container is not None:
            known[key] = container
        await self._resources.remember(_CONTAINERS, json.dumps(dict([*known.items()][-_REMEMBERED:])))

    async def _ready(self, key: str, message: Message) -> str:
        """The post's container, which may be published. A Retry doesn't count: on Instagram only posts do."""
        try:
            known = self._containers().get(key)
            container = known or await self._contain(key, message)
            await self._must_be_ready(key, container, message, is_new=known is None)
        except Retry as error:
            raise Retry(error.reason, error.after, whole_channel=error.whole_channel, sent=False) from None
        return container

    async def _contain(self, key: str, message: Message) -> str:
        """Have a container made; nobody sees it, so that one more does no harm."""
        fields = {"image_url": self._picture(message), "caption": message.text}
        if message.image is not None and message.image.alt:
            fields["alt_text"] = bounded(message.image.alt, _ALT_CHARACTERS)
        answer = await self._api.ask("POST", f"{self._me}/media", RequestPurpose.READ, fields)
        container = self._api.id_in(answer, RequestPurpose.READ)
        await self._remember(key, container)
        return container

    def _picture(self, message: Message) -> str:
        """Where Instagram fetches the picture. Raises Rejected where there is none."""
        if message.image is None or self._resources.pages is None:
            raise Rejected(because("instagram_no_picture"))
        return f"{self._resources.pages}/pictures/{escape(Path(message.image.path).name)}"

    async def _must_be_ready(self, key: str, container: str, message: Message, *, is_new: bool) -> None:
        """Wait a few seconds until it can be published. Raises Retry where it takes longer, or will never be."""
        for look in range(_LOOKS):
            if look:
                await self._resources.clock.sleep(1.0)
            match await self._state_of(container):
                case "FINISHED":
                    return
                case "PUBLISHED" if is_new:
                    # It is another post's: a platform that gives its number twice has none for this one yet.
                    await self._remember(key, None)
                    raise Retry(because("instagram_container_gone"))
                case "PUBLISHED":
                    raise InDoubt(because("may_be_out", why=because("instagram_unlisted")))
                case "IN_PROGRESS":
                    continue
                case "EXPIRED":
                    await self._remember(key, None)
                    raise Retry(because("instagram_container_gone"))
                case said:
                    await self._remember(key, None)
                    address = self._picture(message)
                    raise Retry(because("instagram_picture_unfetched", address=address, said=quote(said)))
        after = self._resources.clock.now() + _NOT_READY_FOR
        raise Retry(because("instagram_not_ready"), after)

    async def _state_of(self, container: str) -> str:
        """Return the state of a container; of one that failed, why."""
        answer = await self._api.get(escape(container, safe=""), {"fields": "status_code,status"})
        if is_gone(answer):
            return "EXPIRED"
        body = self._api.check(answer, RequestPurpose.READ)
        state = part_of(answer, "status_code", str, "Instagram", RequestPurpose.READ)
        return str(body.get("status") or state) if state == "ERROR" else state

    async def _address_of(self, remote_id: str) -> str | None:
        """Return the post's address; None where it can't be had now: the post is out all the same."""
        try:
            body = await self._api.read(escape(remote_id, safe=""), {"fields": "permalink"})
        except DeliveryError:
            return None
        return address_of(body.get("permalink"))

    async def _posts(self, since: datetime) -> Sequence[Mapping[str, Any]]:
        """The account's posts since then."""
        asked = {"fields": _FIELDS, "since": str(int((since - SLACK).timestamp())), "limit": "100"}
        posts = await self._api.rows(f"{self._me}/media", asked, _PAGES)
        return [post for post in posts if appeared(post.get("timestamp"), since)]


def refusal(answer: Answer, act: RequestPurpose, account: str, now: datetime) -> DeliveryError | None:
    """Return the error for an answer; None if it succeeded. `account` is the one whose usage headers are read."""
    error = error_of(answer)
    if error is None:
        return None if answer.ok and answer.read() is not None else unreadable("Instagram", answer, act)
    return _by_subcode(error, act, now) or _by_meaning(error, answer, act, account, now)


def _by_subcode(error: GraphError, act: RequestPurpose, now: datetime) -> DeliveryError | None:
    """Return the refusal that only Instagram has. None: the code decides."""
    said = quote(error.words)
    match error.subcode:
        case _Subcode.USED_UP:
            until = now + BLOCKED
            return Retry(because("limit_until", platform="Instagram", until=until), until, whole_channel=True)
        case _Subcode.SUSPECTED:
            return Retry(because("instagram_holds_back", said=said), now + BLOCKED, whole_channel=True)
        case _Subcode.RESTRICTED:
            return BadCredential(because("instagram_permission", said=said))
        case _Subcode.NOT_READY:
            return Retry(because("instagram_not_ready"), now + _NOT_READY_FOR)
        case _Subcode.UNFETCHED | _Subcode.UNFETCHED_IN_TIME if not act.once:
            return Retry(because("instagram_picture_unfetched", address="image_url", said=said))
    return None


def _by_meaning(error: GraphError, answer: Answer, act: RequestPurpose, account: str, now: datetime) -> DeliveryError:
    """Return the meaning that the code has everywhere, in Instagram's words."""
    said = quote(error.words)
    if error.code in _TROUBLE or error.meaning is Meaning.TROUBLE:
        return unclear(because("platform_trouble_said", platform="Instagram", status=answer.status, said=said), act)
    match error.meaning:
        case Meaning.LIMIT:
            until = now + regained_after(answer.headers, account)
            return Retry(because("limit_until", platform="Instagram", until=until), until, whole_channel=True)
        case Meaning.TOKEN:
            return BadCredential(because("token_refused", platform="Instagram", said=said))
        case Meaning.PERMISSION:
            return BadCredential(because("instagram_permission", said=said))
        case Meaning.GONE:
            return BadCredential(because("instagram_account_unknown"))
        case _:
            return Rejected(because("content_refused", platform="Instagram", said=said))


KIND = ChannelKind(InstagramSettings, TextFormat(limit=2200), "alerts.channels.instagram:Instagram")

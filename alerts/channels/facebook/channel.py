"""A Facebook Page, through the Graph API (https://developers.facebook.com/docs/pages-api; `channels/graph.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote as escape

import aiohttp
import structlog

from alerts.channels.answer import (
    SLACK,
    Answer,
    RequestPurpose,
    address_of,
    appeared,
    count_of,
    id_of,
    name_of,
    normal,
    part_of,
)
from alerts.channels.facebook import answers
from alerts.channels.facebook.hearing import PageEar
from alerts.channels.graph import GraphApi, is_gone
from alerts.channels.json_api import ApiChannel
from alerts.channels.picture import NoPicture, load_picture
from alerts.channels.settings import FacebookSettings, read_credential
from alerts.model.bounds import table
from alerts.model.errors import BadCredential, DeliveryError, Gone, InDoubt, Rejected
from alerts.model.listening import EarReading, HeardPost
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, PostImage, Receipt
from alerts.model.reason import Reason, because

# The Graph API documents 4 MB for a photo.
_LARGEST_PICTURE = 4_000_000
_PICTURE_KINDS = frozenset({"image/jpeg", "image/png"})
_FIELDS = "id,message,created_time,permalink_url"
_FIELDS_OF_A_COMMENT = f"{_FIELDS},from,parent{{id}}"
# Pages of a hundred that one look reads: nobody writes five thousand comments in the minutes that a look covers.
_MOST_PAGES = 50

log = structlog.get_logger(__name__)


class Facebook(ApiChannel[GraphApi]):
    """A Page. Publishes, comments as replies, edits, deletes, finds; reads people's comments there, and hides them.

    Facebook keeps two levels: the reply to a reply is placed after it, under the same comment. So an update is a
    comment on the post itself.
    """

    two_levels = True

    def __init__(self, name: str, settings: FacebookSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        super().__init__(
            GraphApi("Facebook", name, settings, resources, subject=settings.page_id, refusal=answers.refusal)
        )

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """`POST /{page}/feed`, or a comment under `reply_to`.

        A link or picture that Facebook refuses doesn't hold up the words: the link goes into the text, the picture is
        left out, once each, and it is logged. A picture and a `link` don't go together, so then the link is text too.
        """
        if reply_to:
            return await self._comment(message, reply_to)
        picture = await self._stage(message.image) if message.image else None
        fields = self._fields(message, picture)
        answer = await self._api.ask("POST", f"{self._settings.page_id}/feed", RequestPurpose.PUBLISH, fields)
        # One try more and no third: a refused post isn't out, so the words can follow at once.
        if len(fields) > 1 and answers.maybe_not_the_words(answer):
            log.warning("post.without_link_or_picture", channel=self._name, status=answer.status)
            fields = {"message": _whole(message)}
            answer = await self._api.ask("POST", f"{self._settings.page_id}/feed", RequestPurpose.PUBLISH, fields)
        return self._receipt(answer, RequestPurpose.PUBLISH)

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """`POST /{post}` with a new text; its link or picture stays. Only for posts of this app."""
        words = _whole(message) if message.image else message.text
        answer = await self._api.ask("POST", _path(remote_id), RequestPurpose.EDIT, {"message": words})
        self._check_done(answer, RequestPurpose.EDIT, "change")
        return self._at(remote_id)

    async def delete(self, remote_id: str) -> None:
        """`DELETE /{post}`; a post that is gone is done."""
        answer = await self._api.ask("DELETE", _path(remote_id), RequestPurpose.DELETE)
        try:
            self._check_done(answer, RequestPurpose.DELETE, "delete")
        except Gone:
            return

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,  # noqa: ARG002 the Page tells by words and times
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """Search for these words among the Page's posts since a minute before `since`.

        A comment is searched under the post that it answers, too. Raises InDoubt if the comments can't be read: that
        takes a permission of its own, which publishing does not; Gone if the post that it answers doesn't exist any
        more.
        """
        wanted = {normal(message.text), normal(_whole(message))}

        def ours(posts: Sequence[Mapping[str, Any]]) -> Receipt | None:
            for post in posts:
                remote_id = id_of(post.get("id"))
                same = normal(str(post.get("message", ""))) in wanted and remote_id not in known
                if remote_id and same and appeared(post.get("created_time"), since):
                    return self._at(remote_id, post.get("permalink_url"))
            return None

        found = ours(await self._posts(f"{self._settings.page_id}/published_posts", since))
        if found is None and reply_to:
            found = ours(await self._comments(reply_to, since))
            if found is None and (above := await self._above(reply_to)) is not None:
                found = ours(await self._comments(above, since))
        return found

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt]:  # noqa: ARG002 times tell
        """Return the Page's posts from `since` on, without its comments."""
        posts = await self._posts(f"{self._settings.page_id}/published_posts", since)
        recent = [post for post in posts if appeared(post.get("created_time"), since)]
        return [
            self._at(remote_id, post.get("permalink_url")) for post in recent if (remote_id := id_of(post.get("id")))
        ]

    async def hear(self, posts: Sequence[HeardPost], memory: Mapping[str, Any], now: datetime) -> EarReading:
        """Read the comments of the posts that are due. The webhook's deliveries come by another way."""
        page, every = self._settings.page_id, self._resources.listens_every
        return await PageEar(page, self._api.get, every, now).hear(posts, memory)

    async def hide(self, remote_id: str) -> None:
        """`POST /{comment}` with `is_hidden`: its author and their friends go on seeing it. One that is gone is done.

        Raises Rejected where Facebook lets this one not be hidden (it is the Page's own, or hidden by its author).
        """
        answer = await self._api.get(_path(remote_id), {"fields": "can_hide,is_hidden"})
        if is_gone(answer):
            return
        body = self._api.check(answer, RequestPurpose.READ)
        if body.get("is_hidden") is True:
            return
        if body.get("can_hide") is False:
            raise Rejected(because("facebook_cannot_hide"))
        answer = await self._api.ask("POST", _path(remote_id), RequestPurpose.EDIT, {"is_hidden": "true"})
        try:
            self._check_done(answer, RequestPurpose.EDIT, "change")
        except Gone:
            return

    async def block(self, author: str) -> None:
        """`POST /{page}/blocked`: that account says nothing more on the Page, until somebody lifts it there."""
        route = f"{self._settings.page_id}/blocked"
        answer = await self._api.ask("POST", route, RequestPurpose.READ, {"user": author})
        body = self._api.check(answer, RequestPurpose.READ)
        # Facebook answers with what it did for each account that was named.
        if body.get("success") is not True and body.get(author) is not True:
            raise Rejected(because("facebook_not_blocked"))

    async def probe(self) -> Probe:
        """`GET /me`: with a Page's token it is the Page itself; anything else can't publish there.

        The token is read anew before, so that one that was renewed is taken without a restart.
        """
        await self.open()
        body = await self._api.read("me", {"fields": "id,name"})
        if str(body.get("id")) != self._settings.page_id:
            named, number = name_of(body.get("name")), id_of(body.get("id")) or "?"
            raise BadCredential(because("facebook_other_page", name=named, id=number, page=self._settings.page_id))
        account, followers = name_of(body.get("name")) or self._settings.page_id, await self._followers()
        return Probe(account, self._lacks(), followers)

    def _lacks(self) -> tuple[Reason, ...]:
        """Return the missing prerequisites of Facebook's webhook for comments."""
        try:
            if self._settings.is_brought and self._settings.verify_token is not None:
                read_credential(self._settings.verify_token, self._resources.folder)
        except BadCredential as error:
            return (error.reason,)
        return ()

    async def rehearse(self, message: Message) -> Receipt:
        """`POST /{page}/feed` with `published=false`: only those see it who manage the Page, among its posts there."""
        fields = {"message": _whole(message), "published": "false"}
        answer = await self._api.ask("POST", f"{self._settings.page_id}/feed", RequestPurpose.PUBLISH, fields)
        return self._receipt(answer, RequestPurpose.PUBLISH)

    async def _followers(self) -> int | None:
        """Asked apart, since it takes a permission that publishing does not: without it the number is unknown."""
        try:
            body = await self._api.read(self._settings.page_id, {"fields": "followers_count"})
        except DeliveryError as error:
            log.info("followers.unknown", channel=self._name, reason=str(error.reason))
            return None
        return count_of(body.get("followers_count"))

    async def _comment(self, message: Message, reply_to: str) -> Receipt:
        fields = {"message": _whole(message)}
        answer = await self._api.ask("POST", f"{_path(reply_to)}/comments", RequestPurpose.REPLY, fields)
        return self._receipt(answer, RequestPurpose.REPLY)

    def _fields(self, message: Message, picture: str | None) -> dict[str, str]:
        if picture:
            return {"message": _whole(message), "attached_media[0]": json.dumps({"media_fbid": picture})}
        return {"message": message.text} | ({"link": message.link} if message.link else {})

    async def _stage(self, image: PostImage) -> str | None:
        """Upload a picture, unseen until it is attached; None where it can't go along, with the reason logged."""
        try:
            picture = await load_picture(image, self._resources.folder, largest=_LARGEST_PICTURE, kinds=_PICTURE_KINDS)
            # Unpublished: a photo that is published by itself is no post of the Page and has no thread.
            form = aiohttp.FormData(self._api.proved({"published": "false", "alt_text_custom": picture.alt}))
            form.add_field("source", picture.content, filename=picture.file_name, content_type=picture.mime_type)
            answer = await self._api.send("POST", f"{self._settings.page_id}/photos", RequestPurpose.READ, form)
            staged = self._api.check(answer, RequestPurpose.READ).get("id")
        except (NoPicture, DeliveryError) as error:
            log.warning("post.without_picture", channel=self._name, reason=str(error))
            return None
        return id_of(staged)

    async def _posts(
        self, place: str, since: datetime, more: Mapping[str, str] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """All of a list, page by page: it may come in any order (comments are ranked), so its end is the last page."""
        start = str(int((since - SLACK).timestamp()))
        asked = {"fields": _FIELDS, "since": start, "limit": "100", **(more or {})}
        return await self._api.rows(place, asked, _MOST_PAGES)

    async def _comments(self, parent: str, since: datetime) -> Sequence[Mapping[str, Any]]:
        """Return our comments directly under a post or a comment.

        Facebook lists all only if those below are requested too.
        """
        asked = {"filter": "stream", "fields": _FIELDS_OF_A_COMMENT}
        try:
            comments = await self._posts(f"{_path(parent)}/comments", since, asked)
        except (BadCredential, Gone, Rejected) as error:
            if error.reason.code == "facebook_page_unknown":
                raise Gone(because("post_gone", platform="Facebook")) from None
            raise InDoubt(because("comments_not_searched", why=error.reason)) from None
        return [each for each in comments if self._may_be_ours(each) and self._stands_under(parent, each)]

    def _stands_under(self, parent: str, comment: Mapping[str, Any]) -> bool:
        """True if it is directly below this post or comment: the same answer may be under a neighbouring comment."""
        return id_of(table(comment.get("parent")).get("id")) in (None, parent)

    async def _above(self, comment: str) -> str | None:
        """Return the comment that this one answers: Facebook places a reply to a reply next to it. None for a post."""
        if comment.startswith(f"{self._settings.page_id}_"):
            return None
        answer = await self._api.get(_path(comment), {"fields": "parent{id}"})
        parent = None if is_gone(answer) else self._api.check(answer, RequestPurpose.READ).get("parent")
        return id_of(table(parent).get("id"))

    def _may_be_ours(self, comment: Mapping[str, Any]) -> bool:
        """True if nobody else is named as its author: a stranger may repeat our words."""
        who = comment.get("from")
        return not isinstance(who, dict) or str(who.get("id")) == self._settings.page_id

    def _check_done(self, answer: Answer, act: RequestPurpose, what: str) -> None:
        self._api.check(answer, act)
        if not part_of(answer, "success", bool, "Facebook", act):
            raise Rejected(because("facebook_not_deleted" if what == "delete" else "facebook_not_changed"))

    def _receipt(self, answer: Answer, act: RequestPurpose) -> Receipt:
        return self._at(self._api.id_in(answer, act))

    def _at(self, remote_id: str, permalink: object = None) -> Receipt:
        return Receipt(remote_id, address_of(permalink) or f"https://www.facebook.com/{remote_id}")


def _path(remote_id: str) -> str:
    return escape(remote_id, safe="")


def _whole(message: Message) -> str:
    """Return the words with the link at their end, for a form without a link field."""
    return f"{message.text}\n\n{message.link}" if message.link else message.text

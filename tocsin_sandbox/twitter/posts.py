"""What an account does on X: uploads pictures, posts, replies, edits, deletes; and which of that X refuses."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Any

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.settings import TWITTER_USERNAME, SandboxSettings
from tocsin_sandbox.state import Medium, Post, State, look_at
from tocsin_sandbox.twitter.answers import (
    DUPLICATE,
    NOT_MENTIONED,
    NOT_PERMITTED,
    PARENT_GONE,
    depleted,
    invalid,
    no_such_post,
    problem,
    show,
)
from tocsin_sandbox.twitter.hearing import Threads
from tocsin_sandbox.twitter.text import INVALID, LIMIT, find_links, weigh

LIFETIME = 86_400
ALT_LIMIT = 1000
_MAX_BYTES = {"image/gif": 15 * 1024 * 1024}
_MAX_OTHER = 5 * 1024 * 1024


class TwitterMedia:
    """The pictures of the account."""

    def __init__(self, state: State) -> None:
        self._state = state

    def upload(self, asked: Asked) -> Answer:
        """`POST /2/media/upload`: multipart `media`, or JSON with base64."""
        content = _content(asked)
        picture = look_at(content)
        if picture is None:
            return invalid("media", "", "The media is missing or of a type that is not supported.")
        if len(content) > _MAX_BYTES.get(picture.kind, _MAX_OTHER):
            return invalid("media", "", "The media is too large.")
        id_ = f"17{len(self._state.media()) + 1:017d}"
        medium = Medium("twitter", id_, picture.kind, len(content), picture.width, picture.height, asked.at)
        self._state.keep_medium(medium, content)
        data = {"id": id_, "media_key": f"3_{id_}", "size": len(content), "expires_after_secs": LIFETIME}
        return answer_json({"data": data})

    def describe(self, asked: Asked) -> Answer:
        """`POST /2/media/metadata`: the text alternative."""
        body = asked.json if isinstance(asked.json, dict) else {}
        medium = self._state.medium("twitter", str(body.get("id")))
        metadata = body.get("metadata")
        described = metadata.get("alt_text") if isinstance(metadata, dict) else None
        alt = described.get("text") if isinstance(described, dict) else None
        if medium is None:
            return invalid("id", body.get("id"), "The media ID is unknown.")
        if not isinstance(alt, str) or not 0 < len(alt) <= ALT_LIMIT:
            return invalid("metadata.alt_text.text", alt, f"The text must have 1 to {ALT_LIMIT} characters.")
        self._state.keep_medium(replace(medium, alt=alt))
        return answer_json({"data": {"id": medium.id, "associated_metadata": {"alt_text": {"text": alt}}}})

    def is_usable(self, id_: str, now: float) -> bool:
        """Whether a post may carry this picture now."""
        medium = self._state.medium("twitter", id_)
        return medium is not None and now < medium.created_at + LIFETIME


def _content(asked: Asked) -> bytes:
    if "media" in asked.files:
        return asked.files["media"].content
    encoded = asked.json.get("media", "") if isinstance(asked.json, dict) else ""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError):
        return b""


DUPLICATE_POSTS = 50
DUPLICATE_SPAN = 86_400.0
EDIT_SPAN = 3600.0
MOST_MEDIA = 4
MOST_OPTIONS, OPTION_LIMIT = 4, 25
SHORTEST_POLL, LONGEST_POLL = 5, 10_080
"""Minutes."""
PRICE, PRICE_WITH_LINK = 0.015, 0.200
"""Dollars a post costs (X's price list)."""

_EPOCH_MS = 1_288_834_974_657  # where X's ids begin to count milliseconds


@dataclass(frozen=True, slots=True)
class Draft:
    """What a `POST /2/tweets` asks for; `poll` is its options, and for how many minutes it is open."""

    text: str
    media: tuple[str, ...] = ()
    parent: str | None = None
    previous: str | None = None
    poll: tuple[tuple[str, ...], int] | None = None


class TwitterPosts:
    """The account's posts."""

    def __init__(self, settings: SandboxSettings, state: State, media: TwitterMedia, threads: Threads) -> None:
        self._settings = settings
        self._threads = threads
        self._state = state
        self._media = media
        self._credits = settings.twitter_credits
        self._last_id = max((int(post.id) for post in state.posts("twitter").values()), default=0)

    def publish(self, asked: Asked) -> Answer:
        """`POST /2/tweets`: 201 with the post as X gives it back."""
        draft = _read_draft(asked)
        if isinstance(draft, Answer):
            return draft
        refusal = (
            self._refuse_media(draft, asked.at)
            or self._refuse_parent(draft)
            or self._refuse_edit(draft, asked.at)
            or self._refuse_duplicate(draft, asked.at)
            or self._charge(draft)
        )
        return refusal or self._keep(draft, asked.at)

    def delete(self, id_: str) -> Answer:
        """`DELETE /2/tweets/{id}`."""
        post = self._state.find("twitter", id_)
        if post is None:
            return no_such_post(id_)
        if post.foreign:
            return problem(403, NOT_PERMITTED)
        self._state.keep(replace(post, deleted=True))
        return answer_json({"data": {"deleted": True}})

    def put_foreign(self, handle: str, text: str, now: float, **more: Any) -> Post:
        """A post of somebody else, to be kept; ids run on over everybody's."""
        id_ = self._next_id(now)
        return Post("twitter", id_, handle, text, now, f"https://x.com/{handle}/status/{id_}", foreign=True, **more)

    def renumber(self, post: Post, now: float) -> Post:
        """The post under the id that an edit gives it."""
        id_ = self._next_id(now)
        url = f"{post.url.rpartition('/')[0]}/{id_}"
        return replace(post, id=id_, url=url, earlier_ids=(*post.earlier_ids, post.id))

    def _keep(self, draft: Draft, now: float) -> Answer:
        earlier = self._state.find("twitter", draft.previous) if draft.previous else None
        post = self._edited(earlier, draft, now) if earlier else self._new(draft, now)
        self._state.keep(post)
        return answer_json({"data": show(post, ())}, 201)

    def _new(self, draft: Draft, now: float) -> Post:
        id_ = self._next_id(now)
        author, url = TWITTER_USERNAME, _address(id_)
        poll = _poll(id_, draft, now)
        return Post("twitter", id_, author, draft.text, now, url, reply_to=draft.parent, media=draft.media, poll=poll)

    def _edited(self, earlier: Post, draft: Draft, now: float) -> Post:
        """A new post under a new id, which remembers the ones before."""
        return replace(
            self.renumber(earlier, now),
            text=draft.text,
            media=draft.media or earlier.media,
            edits=(*earlier.edits, earlier.text),
            edited_at=now,
        )

    def _next_id(self, now: float) -> str:
        self._last_id = max(self._last_id + 1, max(0, int(now * 1000) - _EPOCH_MS) << 22)
        return str(self._last_id)

    def _refuse_media(self, draft: Draft, now: float) -> Answer | None:
        unknown = next((id_ for id_ in draft.media if not self._media.is_usable(id_, now)), None)
        return None if unknown is None else invalid("media.media_ids", unknown, "Your media IDs are invalid.")

    def _refuse_parent(self, draft: Draft) -> Answer | None:
        if draft.parent is None:
            return None
        parent = self._state.find("twitter", draft.parent)
        if parent is None:
            return problem(403, PARENT_GONE)
        if parent.foreign:
            return None if self._threads.is_summons(parent) else problem(403, NOT_MENTIONED)
        return None if self._settings.twitter_own_replies else problem(403, NOT_MENTIONED)

    def _refuse_edit(self, draft: Draft, now: float) -> Answer | None:
        if draft.previous is None:
            return None
        earlier = self._state.find("twitter", draft.previous)
        own = self._settings.twitter_edits and earlier is not None and not earlier.foreign and not earlier.poll
        allowed = own and earlier is not None and now - earlier.created_at < EDIT_SPAN
        return None if allowed else problem(403, NOT_PERMITTED)

    def _refuse_duplicate(self, draft: Draft, now: float) -> Answer | None:
        """The same words among the account's last posts of a day; which picture is beside them makes no difference."""
        words, looked_at = draft.text.split(), 0
        for post in self._state.newest_first("twitter"):
            if post.deleted or post.foreign:
                continue
            looked_at += 1
            if looked_at > DUPLICATE_POSTS or now - post.created_at > DUPLICATE_SPAN:
                return None
            if words and post.text.split() == words:
                return problem(403, DUPLICATE)
        return None

    def _charge(self, draft: Draft) -> Answer | None:
        if self._credits is None:
            return None
        price = PRICE_WITH_LINK if find_links(draft.text) else PRICE
        if self._credits < price:
            return depleted()
        self._credits -= price
        return None


def _address(id_: str) -> str:
    return f"https://x.com/{TWITTER_USERNAME}/status/{id_}"


def _read_draft(asked: Asked) -> Draft | Answer:
    body = asked.json
    if not isinstance(body, dict):
        return invalid("body", "", "The request body is not valid JSON.")
    text, media = body.get("text", ""), _inside(body, "media", "media_ids") or []
    if not isinstance(text, str) or not isinstance(media, list) or not (text.strip() or media):
        return invalid("text", text, "The text of the post is missing.")
    if weigh(text) > LIMIT or INVALID.search(text) or len(media) > MOST_MEDIA:
        return problem(403, NOT_PERMITTED)
    parent, previous = _inside(body, "reply", "in_reply_to_tweet_id"), _inside(body, "edit_options", "previous_post_id")
    poll = _read_poll(body.get("poll"))
    if isinstance(poll, Answer):
        return poll
    if poll and media:
        return invalid("media", media, "A post with a poll can't have media.")
    return Draft(text, tuple(map(str, media)), _id(parent), _id(previous), poll)


def _read_poll(given: Any) -> tuple[tuple[str, ...], int] | Answer | None:
    if given is None:
        return None
    options = given.get("options") if isinstance(given, dict) else None
    minutes = given.get("duration_minutes") if isinstance(given, dict) else None
    if not isinstance(options, list) or not 2 <= len(options) <= MOST_OPTIONS:
        return invalid("poll.options", options, f"A poll has 2 to {MOST_OPTIONS} options.")
    if any(not isinstance(option, str) or not 0 < len(option) <= OPTION_LIMIT for option in options):
        return invalid("poll.options", options, f"An option has 1 to {OPTION_LIMIT} characters.")
    if not isinstance(minutes, int) or not SHORTEST_POLL <= minutes <= LONGEST_POLL:
        return invalid("poll.duration_minutes", minutes, f"must be {SHORTEST_POLL} to {LONGEST_POLL}")
    return tuple(options), minutes


def _poll(id_: str, draft: Draft, now: float) -> dict[str, Any] | None:
    """The poll as it is kept."""
    if draft.poll is None:
        return None
    options, minutes = draft.poll
    known = {"id": str(int(id_) + 1), "question": draft.text, "closed": False, "minutes": minutes}
    choices = [{"text": option, "votes": 0} for option in options]
    return {**known, "options": choices, "closes_at": now + minutes * 60}


def _inside(body: dict[str, Any], section: str, name: str) -> Any:
    within = body.get(section)
    return within.get(name) if isinstance(within, dict) else None


def _id(value: Any) -> str | None:
    return None if value is None else str(value)

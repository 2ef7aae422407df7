"""What is said under a page's posts: served ranked and late as Facebook does, answered, hidden, removed, and told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tocsin_sandbox.facebook.answers import page_name, post_fields, stamp
from tocsin_sandbox.facebook.webhooks import Webhooks
from tocsin_sandbox.people import (
    Crowd,
    Delete,
    Edit,
    Impossible,
    Person,
    React,
    Say,
    Vote,
    is_theirs,
    reacted,
    said,
    wrote,
)
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import FACEBOOK_PAGE_ID
from tocsin_sandbox.state import Post, State

_FIRST_POST = 122_100_000_000_000_000


class Comments(Crowd):
    """The comments of every page, and the people who write them. `blocked` are who may not, by page."""

    platform = "facebook"

    def __init__(self, state: State, webhooks: Webhooks, rules: Rules) -> None:
        super().__init__(state)
        self._webhooks = webhooks
        self._rules = rules
        self.blocked: dict[str, set[str]] = {}

    def next_number(self) -> int:
        """The last part of the next post's or comment's id."""
        return _FIRST_POST + len(self._state.posts("facebook")) + 1

    def keep(self, parent: Post, text: str, now: float, **more: Any) -> Post:
        """Two levels: what answers an answer stands beside it, under the same comment."""
        above = self.above(parent)
        if above is not None and above.kind == "comment":
            parent = above
        root = self.root(parent)
        number = self.next_number()
        id_, url = f"{root.id.partition('_')[2]}_{number}", f"{root.url}?comment_id={number}"
        comment = Post("facebook", id_, parent.channel, text, now, url, kind="comment", reply_to=parent.id, **more)
        self._state.keep(comment)
        self.tell(comment, "add", now)
        if comment.concealed:
            self.tell(comment, "hide", now)
        return comment

    def change(self, comment: Post, verb: str, now: float, **fields: Any) -> None:
        """Let a comment be otherwise: edited, removed, hidden or shown again."""
        changed = replace(comment, **fields)
        self._state.keep(changed)
        self.tell(changed, verb, now)

    def under(self, parent: Post, *, deep: bool) -> list[Post]:
        """What answers a post or comment and still stands, oldest first; `deep`: also what answers that."""
        direct = [post for post in self._state.answers(parent) if not post.deleted]
        if not deep:
            return direct
        return [each for post in direct for each in (post, *self.under(post, deep=True))]

    def ordered(self, parent: Post, arguments: Mapping[str, Any], now: float) -> Iterator[Post]:
        """What is served of a post's comments, in the order in which it is."""
        comments = self.under(parent, deep=arguments.get("filter") == "stream")
        comments = [post for post in comments if post.created_at <= now - self._rules.facebook_lag]
        if self._rules.facebook_ranked:
            comments.sort(key=lambda comment: hashlib.sha256(comment.id.encode()).digest())
        else:
            newest = arguments.get("order") == "reverse_chronological"
            comments.sort(key=lambda comment: (comment.created_at, comment.id), reverse=newest)
        after = str(arguments.get("after", ""))
        place = next((place for place, comment in enumerate(comments, 1) if comment.id == after), 0)
        return iter(comments[place:])

    def fields_of(self, post: Post) -> dict[str, Any]:
        """Every field that a post or comment has, whether it is asked for or not."""
        if post.kind != "comment":
            summary = {"order": "ranked", "total_count": len(self.under(post, deep=True)), "can_comment": True}
            comments = {"data": [], "summary": summary}
            return {**post_fields(post), "from": self.author(post), "comments": comments}
        parent = self.above(post)
        is_answer = parent is not None and parent.kind == "comment"
        return {
            **post_fields(post),
            "from": self.author(post),
            "parent": {"id": parent.id, "created_time": stamp(parent.created_at)} if parent and is_answer else None,
            "is_hidden": post.concealed,
            "is_private": False,
            "can_hide": post.foreign,
            "can_remove": True,
            "can_comment": True,
            "can_reply_privately": post.foreign,
            "like_count": post.likes,
            "comment_count": len(self.under(post, deep=False)),
        }

    def author(self, post: Post) -> dict[str, str] | None:
        """Who wrote it, where Facebook tells."""
        if not post.foreign:
            return {"name": page_name(post.channel), "id": post.channel}
        if post.author is None or not self._rules.facebook_names:
            return None
        return {"name": post.author, "id": post.author_id}

    def above(self, post: Post) -> Post | None:
        """What it answers."""
        return self.find(post.reply_to) if post.reply_to else None

    def root(self, post: Post) -> Post:
        """The post at whose foot it stands."""
        above = self.above(post)
        return self.root(above) if above else post

    def tell(self, post: Post, verb: str, now: float) -> None:
        """Have the webhook tell what happened to a comment, or that a post was made."""
        root = self.root(post)
        about: dict[str, Any] = {"item": "comment", "comment_id": post.id, "parent_id": post.reply_to or root.id}
        if post.kind != "comment":
            about = {"item": "post" if post.foreign else "status"}
        author = self.author(post)
        value = {"verb": verb, "post_id": root.id, **about, **({"from": author} if author else {})}
        words = {"message": post.text} if verb in {"add", "edited"} else {}
        self._webhooks.tell(post.channel, now, **value, **words)

    def say(self, say: Say, now: float) -> dict[str, Any]:
        """People write. Raises Impossible."""
        parent = self.there(say.under) if say.under else None
        page = parent.channel if parent else say.page or FACEBOOK_PAGE_ID
        speakers = list(self._inhabitants.who(say))
        banned = next((who.id for who, _ in speakers if who.id in self.blocked.get(page, ())), None)
        if banned:
            raise Impossible(f"{banned} was blocked from page {page}", 403)
        posts = [self._say(parent, page, who, text, now, hidden=say.hidden) for who, text in speakers]
        return said(posts)

    def _say(self, parent: Post | None, page: str, who: Person, text: str, now: float, *, hidden: bool) -> Post:
        fields: dict[str, Any] = {"foreign": True, "author": who.name, "author_id": who.id, "concealed": hidden}
        if parent:
            return self.keep(parent, text, now, **fields)
        number = self.next_number()
        url = f"https://www.facebook.com/{page}/posts/{number}"
        post = Post("facebook", f"{page}_{number}", page, text, now, url, kind="visitor", **fields)
        self._state.keep(post)
        self.tell(post, "add", now)
        return post

    def edit(self, edit: Edit, now: float) -> dict[str, Any]:
        """One edits. Raises Impossible."""
        post = is_theirs(self.find(edit.post), edit.post)
        self.change(post, "edited", now, **wrote(post, edit.text, now))
        return {"id": post.id}

    def delete(self, delete: Delete, now: float) -> dict[str, Any]:
        """They delete. Raises Impossible."""
        posts = [is_theirs(self.find(id_), id_) for id_ in delete.keys]
        for post in posts:
            self.change(post, "remove", now, deleted=True)
        return {"deleted": len(posts)}

    def react(self, react: React, now: float) -> dict[str, Any]:
        """They like. Raises Impossible."""
        post = self.there(react.post)
        self._state.keep(reacted(post, react))
        root = self.root(post)
        about = {"comment_id": post.id} if post.kind == "comment" else {}
        value = {"item": "reaction", "verb": "add", "reaction_type": "like", "post_id": root.id, "parent_id": post.id}
        for _ in range(react.count):
            self._webhooks.tell(post.channel, now, **value, **about)
        return {}

    def vote(self, vote: Vote, now: float) -> dict[str, Any]:  # noqa: ARG002 - of a crowd's acts the one nobody does here
        """Nobody votes on a page: there are no polls. Raises Impossible."""
        raise Impossible("Facebook's API has no polls on pages")

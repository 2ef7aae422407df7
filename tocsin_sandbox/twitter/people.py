"""Other people on X: what they write, edit, delete, like and vote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tocsin_sandbox.people import (
    Delete,
    Edit,
    Impossible,
    Inhabitants,
    React,
    Say,
    Vote,
    choose,
    is_theirs,
    wrote,
)
from tocsin_sandbox.state import Post, State
from tocsin_sandbox.twitter.posts import TwitterPosts


class TwitterPeople:
    """Everybody but the account (`people.Crowd`)."""

    def __init__(self, state: State, posts: TwitterPosts) -> None:
        self._state = state
        self._posts = posts
        self._inhabitants = Inhabitants()

    def say(self, say: Say, now: float) -> dict[str, Any]:
        """They write. Raises Impossible."""
        parent = self._find(say.under).id if say.under else None
        posts = []
        for who, text in self._inhabitants.who(say):
            fields = {"author": who.name, "author_id": who.id, "named": say.named, "language": say.language}
            posts.append(self._posts.put_foreign(who.handle, text, now, reply_to=parent, **fields))
        self._state.keep(*posts)
        return {"ids": [post.id for post in posts], "authors": [post.author_id for post in posts]}

    def edit(self, edit: Edit, now: float) -> dict[str, Any]:
        """One edits: X gives it a new id. Raises Impossible."""
        post = is_theirs(self._state.find("twitter", edit.post), edit.post)
        edited = replace(self._posts.renumber(post, now), **wrote(post, edit.text, now))
        self._state.keep(edited)
        return {"id": edited.id}

    def delete(self, delete: Delete, now: float) -> dict[str, Any]:  # noqa: ARG002 - it is gone at once
        """They delete. Raises Impossible."""
        posts = [is_theirs(self._state.find("twitter", id_), id_) for id_ in delete.keys]
        self._state.keep(*(replace(post, deleted=True) for post in posts))
        return {"deleted": len(posts)}

    def react(self, react: React, now: float) -> dict[str, Any]:  # noqa: ARG002 - X tells no time of it
        """They like. Raises Impossible."""
        post = self._find(react.post)
        counts = {**post.reactions, react.emoji: post.reactions.get(react.emoji, 0) + react.count}
        self._state.keep(replace(post, reactions=counts))
        return {}

    def vote(self, vote: Vote, now: float) -> dict[str, Any]:
        """They vote. Raises Impossible."""
        post = self._find(vote.post)
        poll = choose(post, vote, now)
        self._state.keep(replace(post, poll=poll))
        return {"votes": [option["votes"] for option in poll["options"]]}

    def _find(self, id_: str) -> Post:
        post = self._state.find("twitter", id_)
        if post is None:
            raise Impossible(f"there is no {id_}", 404)
        return post

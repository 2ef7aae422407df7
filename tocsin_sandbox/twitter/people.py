"""Other people on X: what they write, edit, delete, like and vote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tocsin_sandbox.people import (
    Crowd,
    Edit,
    Say,
    is_theirs,
    said,
    wrote,
)
from tocsin_sandbox.state import State
from tocsin_sandbox.twitter.posts import TwitterPosts


class TwitterPeople(Crowd):
    """Everybody but the account."""

    platform = "twitter"

    def __init__(self, state: State, posts: TwitterPosts) -> None:
        super().__init__(state)
        self._posts = posts

    def say(self, say: Say, now: float) -> dict[str, Any]:
        """They write. Raises Impossible."""
        parent = self.there(say.under).id if say.under else None
        posts = []
        for who, text in self._inhabitants.who(say):
            fields = {"author": who.name, "author_id": who.id, "named": say.named, "language": say.language}
            posts.append(self._posts.put_foreign(who.handle, text, now, reply_to=parent, **fields))
        self._state.keep(*posts)
        return said(posts)

    def edit(self, edit: Edit, now: float) -> dict[str, Any]:
        """One edits: X gives it a new id. Raises Impossible."""
        post = is_theirs(self.find(edit.post), edit.post)
        edited = replace(self._posts.renumber(post, now), **wrote(post, edit.text, now))
        self._state.keep(edited)
        return {"id": edited.id}

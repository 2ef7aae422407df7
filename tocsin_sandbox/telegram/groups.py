"""The groups in which channels are talked about: who says what there, who may not any more, and what the bot hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tocsin_sandbox.exchange import Answer
from tocsin_sandbox.people import (
    Delete,
    Edit,
    Impossible,
    Inhabitants,
    Person,
    React,
    Say,
    account_of,
    is_theirs,
    reacted,
    wrote,
)
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.state import Post, State
from tocsin_sandbox.telegram.calls import Call, Chat, Chats, Refusal, group_for, ok
from tocsin_sandbox.telegram.inbox import Inbox
from tocsin_sandbox.telegram.messages import Messages, thread_of


class Groups:
    """Channels with their groups. What people do there is an update, but for a deletion: of that Telegram is silent."""

    def __init__(self, state: State, chats: Chats, messages: Messages, inbox: Inbox, rules: Rules) -> None:
        self._state = state
        self._chats = chats
        self._messages = messages
        self._inbox = inbox
        self._rules = rules
        self._inhabitants = Inhabitants()
        self.banned: dict[str, dict[str, float]] = {}

    def link(self, channel: str, group: int | None, *, linked: bool) -> int:
        """Have a channel talked about in a group, or no more; returns the group's id. Raises Refusal, Impossible."""
        chat = self._chats.find(channel)
        if chat.kind != "channel":
            raise Impossible(f"{channel} is no channel")
        known = self._chats.group_of(chat)
        id_ = group or (known.id if known else group_for(chat))
        if not str(id_).startswith("-100"):
            raise Impossible("the group of a channel has an id that starts with -100")
        self._state.link(chat.name, str(id_) if linked else "")
        return id_

    def open(self, key: str, now: float) -> None:
        """Let a channel's post be talked about, also one that is older than the group. Raises Impossible."""
        post = self.find(key)
        if post is None or self._chats.find(post.channel).kind != "channel":
            return
        if self._chats.group_of(self._chats.find(post.channel)) is None:
            self.link(post.channel, None, linked=True)
        if self._messages.forward_of(post.key) is None:
            self._messages.forward(post, now)

    def say(self, say: Say, now: float) -> tuple[Chat, list[Post]]:
        """Somebody, or many, write: a comment, a message of the group, a post of the channel. Raises Impossible."""
        chat, parent = self._where(say)
        speakers = list(self._inhabitants.who(say))
        for who, _ in speakers:
            self._admit(chat, _account(say, who), now)
        place = {"reply_to": parent.id if parent else None, "thread": thread_of(parent) if parent else None}
        fields = {"speaks": say.speaks, "language": say.language, **place}
        posts = []
        for who, text in speakers:
            post = self._messages.put_foreign(
                str(chat.id), text, now, author=who.name, author_id=_account(say, who), **fields
            )
            self._tell("channel_post" if chat.kind == "channel" else "message", post, now)
            posts.append(post)
        return chat, posts

    def edit(self, edit: Edit, now: float) -> Post:
        """Its author writes a message anew. Raises Impossible."""
        post = is_theirs(self.find(edit.on(edit.post)), edit.post)
        edited = replace(post, **wrote(post, edit.text, now))
        self._state.keep(edited)
        is_channel = self._chats.find(post.channel).kind == "channel"
        self._tell("edited_channel_post" if is_channel else "edited_message", edited, now)
        self._messages.follow(edited)
        return edited

    def delete(self, delete: Delete) -> int:
        """Their authors delete messages, and nobody is told. Raises Impossible."""
        posts = [is_theirs(self.find(key), key) for key in delete.keys]
        self._state.keep(*(replace(post, deleted=True) for post in posts))
        return len(posts)

    def react(self, react: React, now: float) -> None:
        """People put an emoji under a message: counted in a channel, told one by one in a group. Raises Impossible."""
        post = reacted(self.there(react.on(react.post), react.post), react)
        self._state.keep(post)
        chat = self._chats.find(post.channel)
        about = {"chat": chat.as_json(), "message_id": int(post.id), "date": int(now)}
        if chat.kind == "channel":
            totals = [{"type": _emoji(emoji), "total_count": count} for emoji, count in post.reactions.items()]
            self._inbox.put({"message_reaction_count": {**about, "reactions": totals}}, now)
            return
        for number in range(react.count):
            user = {"id": int(account_of(f"reacts {number}")), "is_bot": False, "first_name": f"Habitant {number}"}
            change = {"user": user, "old_reaction": [], "new_reaction": [_emoji(react.emoji)]}
            self._inbox.put({"message_reaction": {**about, **change}}, now)

    def find(self, key: str) -> Post | None:
        """The message that a key names, its chat by name or by id."""
        chat, _, id_ = key.rpartition("/")
        try:
            return self._state.find("telegram", f"{self._chats.find(chat).name}/{id_}")
        except Refusal:
            return None

    def there(self, key: str, named: str) -> Post:
        """The same. Raises Impossible if there is none, in the words by which it was `named`."""
        if (post := self.find(key)) is None:
            raise Impossible(f"there is no {named}", 404)
        return post

    def ban(self, call: Call) -> Answer:
        """`banChatMember`, `banChatSenderChat`; until `until_date`, 0 for ever."""
        return self._exclude(call, call.text("user_id") or call.text("sender_chat_id"), excluded=True)

    def unban(self, call: Call) -> Answer:
        """`unbanChatMember`, `unbanChatSenderChat`."""
        return self._exclude(call, call.text("user_id") or call.text("sender_chat_id"), excluded=False)

    def restrict(self, call: Call) -> Answer:
        """`restrictChatMember`: who may not send messages is excluded here, who may is not."""
        permissions: Any = call.structure("permissions")
        silent = isinstance(permissions, Mapping) and permissions.get("can_send_messages") is not True
        return self._exclude(call, call.text("user_id"), excluded=silent)

    def _exclude(self, call: Call, account: str, *, excluded: bool) -> Answer:
        chat = self._chats.find(call.text("chat_id"))
        if not chat.linked or not self._rules.telegram_administrator:
            raise Refusal("Bad Request: not enough rights to restrict/unrestrict chat member")
        if not account.removeprefix("-").isdecimal():
            raise Refusal("Bad Request: invalid user_id specified")
        known = self.banned.setdefault(chat.name, {})
        known.pop(account, None)
        if excluded:
            known[account] = float(call.number("until_date"))
        return ok(True)

    def _admit(self, chat: Chat, account: str, now: float) -> None:
        until = self.banned.get(chat.name, {}).get(account)
        if until is not None and (until == 0 or now < until):
            raise Impossible(f"{account} was banned from {chat.name}", 403)

    def _where(self, say: Say) -> tuple[Chat, Post | None]:
        """The chat in which it is said, and the message that it answers there."""
        if say.under is None:
            if say.chat is None:
                raise Impossible("say in which chat, or under which message")
            return self._chats.find(say.chat), None
        post = self.there(say.on(say.under), say.under)
        chat = self._chats.find(post.channel)
        if chat.kind != "channel":
            return chat, post
        forward = self._messages.forward_of(post.key)
        if forward is None:
            words = "nobody can comment: the channel had no group when it was posted; POST /sandbox/telegram/link"
            raise Impossible(words, 409)
        return self._chats.find(forward.channel), forward

    def _tell(self, kind: str, post: Post, now: float) -> None:
        if self._is_heard(post):
            self._inbox.put({kind: self._messages.shown.message(post)}, now)

    def _is_heard(self, post: Post) -> bool:
        """A mere member of a group hears commands, and what answers its own words."""
        chat = self._chats.find(post.channel)
        if self._rules.telegram_administrator or not chat.linked or post.text.startswith("/"):
            return True
        parent = self._state.find("telegram", post.parent) if post.parent else None
        return parent is not None and not parent.foreign


def _account(say: Say, who: Person) -> str:
    """A channel that speaks has a chat's id."""
    return f"-100{who.id}" if say.speaks == "channel" else who.id


def _emoji(emoji: str) -> dict[str, str]:
    return {"type": "emoji", "emoji": emoji}

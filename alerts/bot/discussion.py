"""Remarks in a channel's discussion group, from updates of the Bot API.

Telegram forwards each post of a channel into its group by itself, and the comments on the post are a thread behind that
forward. So the forward's number leads to our post (`threads`), and a remark to its forward: by the thread that it
names, or by the forward that it answers, which contains its origin. If neither is known, it belongs to no post.

A sender who isn't a person has no id here: an anonymous administrator speaks as the group, others speak as a channel of
theirs. Messages of the town itself and of bots are no remarks; neither are those without words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts.bot.chat import number_in, part_of, said_in
from alerts.model.bounds import bounded, seen, tables
from alerts.model.listening import Remark
from alerts.model.ports import Discussion

KEPT = 200
"""Posts whose threads and reactions are remembered: those of the last weeks, and more than are spoken of."""
# Different signs under one post that are counted, and the characters of one: strangers choose them.
MOST_EMOJI = 20
LONGEST_NAME = 100
_LONGEST_EMOJI = 20
# "/!\ Attention" is none.
_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,32}(@\w+)?(\s|$)")


@dataclass(frozen=True, slots=True)
class Spoken:
    """The content of some updates of a group: remarks, and facts about our posts to remember.

    `threads` are the numbers of forwards, each with the number of the post; `reactions` counts each sign under a post,
    by its number. `name` is the group's, if it is public.
    """

    remarks: tuple[Remark, ...] = ()
    threads: Mapping[str, str] = field(default_factory=dict)
    reactions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    name: str | None = None


def concerns(update: Mapping[str, Any], place: Discussion) -> bool:
    """True if an update is of the group, or of the channel's reactions; a command in the group is the bot's affair."""
    if reactions := part_of(update, "message_reaction_count"):
        return number_in(part_of(reactions, "chat").get("id")) == place.channel
    message = part_of(update, "message") or part_of(update, "edited_message")
    if place.group is None or number_in(part_of(message, "chat").get("id")) != place.group:
        return False
    text = message.get("text")
    is_command = isinstance(text, str) and _COMMAND.match(text) is not None
    return not is_command and message.get("migrate_to_chat_id") is None


def read_group(
    updates: Sequence[Mapping[str, Any]], place: Discussion, threads: Mapping[str, str], now: datetime
) -> Spoken:
    """Return the content of the group's updates, in their order; `threads` are those remembered so far."""
    remarks: list[Remark] = []
    found: dict[str, str] = {}
    reactions: dict[str, Mapping[str, int]] = {}
    name: str | None = None
    for update in updates:
        if counted := part_of(update, "message_reaction_count"):
            if (number := number_in(counted.get("message_id"))) is not None:
                reactions[str(number)] = _counts(counted)
            continue
        message = part_of(update, "message") or part_of(update, "edited_message")
        name = _name_of_group(part_of(message, "chat"))
        if message.get("is_automatic_forward") is True:
            if (number := number_in(message.get("message_id"))) and (post := _forwarded_from(message, place)):
                found[str(number)] = post
        elif remark := read_remark(message, place, {**threads, **found}, now):
            remarks.append(remark)
    return Spoken(tuple(remarks), found, reactions, name)


def read_remark(
    message: Mapping[str, Any], place: Discussion, threads: Mapping[str, str], now: datetime
) -> Remark | None:
    """Return the remark in a message of the group. Returns None if it is nobody's."""
    said = said_in(message)
    sender, speaks_as = part_of(message, "from"), part_of(message, "sender_chat")
    # The channel's own messages are our posts.
    if said is None or number_in(speaks_as.get("id")) == place.channel != place.group:
        return None
    # A bot is nobody; channels and anonymous administrators speak as a chat.
    if not speaks_as and sender.get("is_bot") is not False:
        return None
    answered = part_of(message, "reply_to_message")
    parent = number_in(answered.get("message_id"))
    root = _root(message, answered, place, threads)
    is_under_post = root is not None and (parent is None or _is_post(answered, place))
    return Remark(
        remote_id=f"{place.group}:{said.message}",
        text=said.text,
        at=said.at or now,
        root=root,
        parent=None if is_under_post or parent is None else f"{place.group}:{parent}",
        author=None if speaks_as else _text(number_in(sender.get("id"))),
        name=_name(speaks_as or sender),
        url=_address(part_of(message, "chat"), said.message),
        edited_at=said.changed_at,
        language=_language(sender),
    )


def _root(
    message: Mapping[str, Any], answered: Mapping[str, Any], place: Discussion, threads: Mapping[str, str]
) -> str | None:
    thread = number_in(message.get("message_thread_id"))
    if place.group == place.channel:  # what is posted here stands here itself
        number = number_in(answered.get("message_id"))
        return str(number) if number is not None and _is_post(answered, place) else None
    return threads.get(str(thread)) or _forwarded_from(answered, place)


def _is_post(message: Mapping[str, Any], place: Discussion) -> bool:
    """True if a message of the group is a post of ours: its forward, or, if we post to the group, our own."""
    if place.group == place.channel:
        return part_of(message, "from").get("is_bot") is True and not part_of(message, "sender_chat")
    return message.get("is_automatic_forward") is True


def _forwarded_from(message: Mapping[str, Any], place: Discussion) -> str | None:
    """The number, in the channel, of the post that a message of the group was made of."""
    origin = part_of(message, "forward_origin")
    # Telegram copies each post of the channel into its group, and remarks answer the copy.
    if message.get("is_automatic_forward") is not True or origin.get("type") != "channel":
        return None
    if number_in(part_of(origin, "chat").get("id")) != place.channel:
        return None
    return _text(number_in(origin.get("message_id")))


def _counts(counted: Mapping[str, Any]) -> Mapping[str, int]:
    """How often each sign was given; those that aren't an emoji are counted together, as a star."""
    found: dict[str, int] = {}
    for each in tables(counted.get("reactions"))[:MOST_EMOJI]:
        kind, count = part_of(each, "type"), number_in(each.get("total_count"))
        sign = kind.get("emoji")
        name = seen(sign[:_LONGEST_EMOJI]) if isinstance(sign, str) and kind.get("type") == "emoji" else "★"
        if count is not None and count > 0:
            found[name] = found.get(name, 0) + count
    return found


def remembered(memory: Mapping[str, Any], spoken: Spoken, group: int | None) -> dict[str, Any]:
    """The ear's memory with what is news, of each kind the newest `KEPT`; by the group addresses lead to remarks."""
    kept = dict(memory)
    if group is not None:
        before = part_of(memory, "group")
        name = spoken.name or (before.get("name") if before.get("id") == group else None)
        kept["group"] = {"id": group, "name": name}
    for kind, news in (("threads", spoken.threads), ("reactions", spoken.reactions)):
        known = {key: value for key, value in part_of(memory, kind).items() if key not in news}
        kept[kind] = dict([*known.items(), *news.items()][-KEPT:])
    return kept


def _name(who: Mapping[str, Any]) -> str | None:
    """How the group sees who it was."""
    if isinstance(username := who.get("username"), str):
        return seen(bounded(f"@{username}", LONGEST_NAME))
    parts = [who.get(key) for key in ("title", "first_name", "last_name")]
    return seen(bounded(" ".join(each for each in parts if isinstance(each, str)), LONGEST_NAME)) or None


def _language(sender: Mapping[str, Any]) -> str | None:
    """Return the language of the author's app: a hint if the words aren't enough."""
    tag = sender.get("language_code")
    return tag.partition("-")[0].lower()[:3] if isinstance(tag, str) and tag else None


def _name_of_group(chat: Mapping[str, Any]) -> str | None:
    name = chat.get("username")
    return name[:LONGEST_NAME] if isinstance(name, str) and name.isascii() and name.isidentifier() else None


def _address(chat: Mapping[str, Any], number: int) -> str | None:
    """Where it is read: by anybody in a public group, by its members in another."""
    if name := _name_of_group(chat):
        return f"https://t.me/{name}/{number}"
    identity = str(chat.get("id"))
    return f"https://t.me/c/{identity[4:]}/{number}" if identity.startswith("-100") else None


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)

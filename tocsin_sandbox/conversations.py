"""The private chats with the bot, ready for the page's template: few of them, each with its newest messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tocsin_sandbox.cards import Card, card_of
from tocsin_sandbox.state import State
from tocsin_sandbox.telegram.messages import Messages
from tocsin_sandbox.telegram.talk import rows_of

MOST = 9
"""Conversations on the page, however many subscribers the town has."""
MOST_MESSAGES = 12


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message: `mine` is what the person said, `rows` the buttons that the bot put under its own."""

    card: Card
    mine: bool
    rows: Sequence[Sequence[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One chat, oldest message first; `earlier` is how many more there are."""

    chat: str
    spoken: Sequence[Spoken]
    earlier: int


@dataclass(frozen=True, slots=True)
class Conversations:
    """Those that are shown, and how many others there are."""

    shown: Sequence[Conversation]
    others: int


def lay_out_conversations(state: State, messages: Messages) -> Conversations:
    """First those in which a person spoke, the latest first; then those that the bot wrote to last."""
    names, total = messages.conversations(MOST)
    return Conversations([_conversation(state, messages, name) for name in names], total - len(names))


def _conversation(state: State, messages: Messages, name: str) -> Conversation:
    newest = messages.newest(name, MOST_MESSAGES)
    spoken = [Spoken(card_of(state, post), post.foreign, rows_of(post)) for post in reversed(newest)]
    return Conversation(name, spoken, messages.count(name) - len(newest))

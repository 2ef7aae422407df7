"""Somebody who talks with the conversation alone: no network, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from alerts.bot.chat import (
    BotReply,
    ChatEvent,
    Command,
    FreeText,
    Fresh,
    Kept,
    Left,
    On,
    Press,
    SentLocation,
    TownNow,
    What,
)
from alerts.bot.conversation import reply
from alerts.model.subscriber import Subscriber
from alerts.model.town import District

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CHAT = 4242


def district(number: int, code: str | None = None) -> District:
    """Squares beside one another, a degree wide."""
    ring = [[number, 0], [number + 1, 0], [number + 1, 1], [number, 1], [number, 0]]
    name = f"Quartier {number}"
    return District(code or f"SM-{number:02}", name, {"type": "Polygon", "coordinates": [ring]})


TOWN = TownNow(
    name="Ville de <Saint-Martin> & C°",
    districts=tuple(district(number) for number in range(20)),
    on={
        "fr": (On("Vent <fort>", "Rentrez & attendez", "https://example.org/a?b=1&c=2"),),
        "en": (On("Wind", "Stay in"),),
    },
    sources=(Fresh("Météo", NOW), Fresh("Travaux", NOW, stale=True), Fresh("Eau", None)),
    page="https://example.org/",
)


@dataclass
class Chat:
    """One chat, with what is kept of it from one event to the next."""

    town: TownNow = TOWN
    language: str | None = "fr"
    private: bool = True
    subscriber: Subscriber | None = None
    replies: list[BotReply] = field(default_factory=list)

    def kept(self, **more: object) -> Kept:
        return Kept(self.subscriber, **more)

    def reply(self, what: What, kept: Kept) -> BotReply:
        return reply(kept, ChatEvent(CHAT, self.private, what, self.language), self.town, NOW)

    def does(self, what: What) -> BotReply:
        answer = self.reply(what, self.kept())
        if answer.forgets:
            self.subscriber = None
        elif answer.keeps is not None:
            self.subscriber = answer.keeps
        self.replies.append(answer)
        return answer

    def commands(self, name: str) -> BotReply:
        return self.does(Command(name))

    def presses(self, data: str) -> BotReply:
        return self.does(Press(data, "id", 7))

    def is_at(self, latitude: float, longitude: float) -> BotReply:
        return self.does(SentLocation(latitude, longitude))

    def says_something(self) -> BotReply:
        return self.does(FreeText())

    def leaves(self) -> BotReply:
        return self.does(Left())

    def subscribes(self) -> Subscriber:
        self.commands("start")
        for data in ("town", "topics:all", "s:Minor"):
            self.presses(data)
        assert self.subscriber is not None
        return self.subscriber


def data_of(answer: BotReply) -> list[str]:
    """What the buttons of an answer send."""
    boards = [say.keyboard or {} for say in answer.says]
    return [key["callback_data"] for board in boards for row in board.get("inline_keyboard", []) for key in row]


def text_of(answer: BotReply) -> str:
    return "\n".join(say.text for say in answer.says)

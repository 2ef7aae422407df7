"""Somebody who talks with the town's bot, through the sandbox of Telegram."""

from __future__ import annotations

import json
from typing import Any

from campaign.town import Town


class Person:
    """One private chat, or a member who speaks in a `group`. What is said is as full of names as Telegram's."""

    def __init__(self, town: Town, chat: int, *, language: str = "fr", group: int | None = None) -> None:
        self.town = town
        self.chat = group or chat
        self._user = {
            "id": chat,
            "is_bot": False,
            "first_name": "Géraldine",
            "last_name": "Secrète",
            "username": "gege_secrete",
            "language_code": language,
        }
        kind = {"type": "private", **{k: self._user[k] for k in ("first_name", "last_name", "username")}}
        self.who = {"id": self.chat, **({"type": "supergroup", "title": "Les voisins"} if group else kind)}
        self._said = 1000

    def say(self, text: str) -> None:
        """Send a text, be it a command or not."""
        self._message(text=text)

    def be_at(self, latitude: float, longitude: float) -> None:
        """Send a location."""
        self._message(location={"latitude": latitude, "longitude": longitude})

    def press(self, words: str) -> None:
        """Press the button that says just this, under the newest message that has it, as soon as it is there."""

        def found() -> tuple[str, int] | None:
            for message in reversed(self.messages()):
                for button in self._buttons(message):
                    if button["text"].lstrip("✅❌ ") == words:
                        return button["callback_data"], int(message["id"])
            return None

        data, message = self.town.until(found) or ("", 0)
        self.press_data(data, message)

    def press_data(self, data: str, message: int) -> None:
        """Press a button that may be there no more."""
        self._said += 1
        shown = {"message_id": message, "chat": self.who, "date": 1, "text": "…"}
        press = {"id": f"press-{self.chat}-{self._said}", "from": self._user, "chat_instance": "1", "data": data}
        self.update({"callback_query": {**press, "message": shown}})

    def block(self) -> None:
        """Block the bot."""
        self.town.ask("/sandbox/telegram/readers", {"chat": str(self.chat), "blocked": True})
        member = {"user": {"id": 1234567, "is_bot": True, "first_name": "Tocsin"}, "status": "kicked", "until_date": 0}
        self.update({"my_chat_member": {"chat": self.who, "from": self._user, "date": 1, "new_chat_member": member}})

    def update(self, update: dict[str, Any]) -> dict[str, Any]:
        """Hand an update to the sandbox."""
        told: dict[str, Any] = self.town.ask("/sandbox/telegram/updates", {"update": update})
        return told

    def messages(self) -> list[dict[str, Any]]:
        """What the bot said here, oldest first, as it stands now."""
        return [each for each in self.town.timelines()["telegram"] if each["channel"] == str(self.chat)]

    def alerts(self) -> list[dict[str, Any]]:
        """What came here of alerts, and nobody had asked for."""
        return [each for each in self.messages() if "Plus d’informations" in each["text"]]

    def reads(self, *parts: str) -> dict[str, Any]:
        """Wait for a message with all these words."""

        def found() -> dict[str, Any] | None:
            there = [each for each in self.messages() if all(part in each["text"] for part in parts)]
            return there[-1] if there else None

        try:
            message = self.town.until(found)
        except AssertionError:
            raise AssertionError(f"nothing says {parts}: {[each['text'] for each in self.messages()]}") from None
        assert message is not None
        return message

    def _message(self, **content: Any) -> None:
        self._said += 1
        message = {"message_id": self._said, "from": self._user, "chat": self.who, "date": 1, **content}
        self.update({"message": message})

    @staticmethod
    def _buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
        markup = json.loads(message["buttons"] or "{}")
        return [button for row in markup.get("inline_keyboard", []) for button in row]

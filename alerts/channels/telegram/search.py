"""How a message of ours is looked for in a chat: by its number, since Telegram gives no history.

Ids run on within a chat, and a change of what stands under a message tells whether it is there and ours; one that does
change something also tells its words. So a button is set under what may be the one, and taken away at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram import Message as Shown

from alerts.channels.answer import RequestPurpose, normal
from alerts.channels.telegram.answers import Complaint
from alerts.channels.telegram.wire import Complained, heard
from alerts.model.errors import DeliveryError
from alerts.model.post import Message

LOOKS = 20
"""How many messages after the last known one are looked at; those that are known are passed over."""
ABSENT_IN_A_ROW = 5
"""Ids run on: that many missing ones are the end of the chat, not deleted posts."""

_REMEMBERED = 500
_BUTTON = InlineKeyboardMarkup([[InlineKeyboardButton("…", callback_data="look")]])


class Search:
    """Looks at messages through the bot; what a look found is remembered, so that the next one goes on behind it."""

    def __init__(
        self, bot: Callable[[], Bot], outcome: Callable[[Complaint, RequestPurpose, str], DeliveryError]
    ) -> None:
        self._bot = bot
        self._outcome = outcome
        self._words: dict[tuple[str, int], str] = {}

    async def find(
        self, chat: str, start: int, message: Message, passes: Callable[[int], bool], ending: int = ABSENT_IN_A_ROW
    ) -> tuple[int | None, int | None]:
        """The number, behind `start`, of what has these words, or None and how far this look came.

        `passes` says which are known to be others. How far is None too where the end was seen: `ending` ids in a row
        are missing.
        """
        absent = looks = 0
        for number in itertools.count(start + 1):
            if passes(number):
                absent = 0
                continue
            there: str | bool | None = self._words.get((chat, number))
            if there is None:
                looks += 1
                there = self._kept((chat, number), await self.look_at(chat, number))
            if there and _says(there, message):
                return number, None
            absent = absent + 1 if there is None else 0
            if absent >= ending:
                break
            if looks >= LOOKS:
                return None, number
        return None, None

    async def look_at(self, chat: str, number: int) -> Shown | bool | None:
        """The message, or True where Telegram doesn't show it; None where there is none, False where it isn't ours.

        A button that a look left behind, because it was cut short, is taken away by the next one.
        """
        there = await self._touch(chat, number)
        if there is True:
            there = await self._touch(chat, number, _BUTTON)
            await self._touch(chat, number)
        return there

    def _kept(self, place: tuple[str, int], there: Shown | bool | None) -> str | bool | None:
        """What a look found, remembered by its words; one that isn't ours has none."""
        if there is None or there is True:
            return there
        if len(self._words) >= _REMEMBERED:
            self._words.pop(next(iter(self._words)))
        words = self._words[place] = normal(words_of(there)) if there else ""
        return words

    async def _touch(self, chat: str, number: int, button: InlineKeyboardMarkup | None = None) -> Shown | bool | None:
        """Set what stands under it: the message if that changed it, True if not; None and False as in `look_at`."""
        try:
            return await heard(
                self._bot().edit_message_reply_markup(chat, number, reply_markup=button), RequestPurpose.READ
            )
        except Complained as error:
            complaint = error.complaint
            if complaint.not_modified:
                return True
            if complaint.says("message to edit not found", "message_id_invalid"):
                return None
            if complaint.says("message can't be edited"):
                return False
            raise self._outcome(complaint, RequestPurpose.READ, chat) from None


def words_of(there: Shown) -> str:
    """What a message says: its text, a picture's caption, or a poll's question."""
    return there.text or there.caption or (there.poll.question if there.poll else "")


def _says(words: str | bool, message: Message) -> bool:
    """Whether a post has these words. One that isn't shown is taken for it: its place among the ids is all we know."""
    return words if isinstance(words, bool) else words == normal(message.plain)

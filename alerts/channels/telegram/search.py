"""Finding a message of ours in a chat: by its number, since Telegram gives no history.

Ids are consecutive within a chat, and a change of the keyboard under a message shows if it is there and ours; a change
that takes effect also returns its words. So a button is set under each candidate, and removed at once.
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
from alerts.model.remembered import Newest

LOOKS = 20
"""Number of messages after the last known one that are read; known ones are skipped."""
ABSENT_IN_A_ROW = 5
"""Ids run on: that many missing ones are the end of the chat, not deleted posts."""

# Messages whose words are remembered, so that a search doesn't read them again.
_REMEMBERED = 500
# Visible for a moment only, and harmless to press.
_BUTTON = InlineKeyboardMarkup([[InlineKeyboardButton("…", callback_data="look")]])


class Search:
    """Reads messages through the bot; the results are remembered, so that the next search continues behind them."""

    def __init__(
        self, bot: Callable[[], Bot], outcome: Callable[[Complaint, RequestPurpose, str], DeliveryError]
    ) -> None:
        self._bot = bot
        self._outcome = outcome
        self._words: Newest[tuple[str, int], str] = Newest(_REMEMBERED)

    async def find(
        self, chat: str, start: int, message: Message, passes: Callable[[int], bool], ending: int = ABSENT_IN_A_ROW
    ) -> tuple[int | None, int | None]:
        """Return the number, behind `start`, of the message with these words, or None and the last number read.

        `passes` is true for messages known to be others. The last number is None too if the end was reached: `ending`
        consecutive ids are missing.
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
            # Deleted and service messages leave gaps too, so only several in a row are the end.
            absent = absent + 1 if there is None else 0
            if absent >= ending:
                break
            if looks >= LOOKS:
                return None, number
        return None, None

    async def look_at(self, chat: str, number: int) -> Shown | bool | None:
        """Return the message, or True if Telegram doesn't show it; None if there is none, False if it isn't ours.

        A button left behind by an interrupted search is removed by the next one.
        """
        there = await self._touch(chat, number)
        if there is True:
            there = await self._touch(chat, number, _BUTTON)
            await self._touch(chat, number)
        return there

    def _kept(self, place: tuple[str, int], there: Shown | bool | None) -> str | bool | None:
        """Remember the words of a message that was read; one that isn't ours has none."""
        if there is None or there is True:
            return there
        words = normal(words_of(there)) if there else ""
        self._words.keep(place, words)
        return words

    async def _touch(self, chat: str, number: int, button: InlineKeyboardMarkup | None = None) -> Shown | bool | None:
        """Set the keyboard under it: the message if that changed it, True if not; None and False as in `look_at`."""
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
    """Return a message's words: its text, a picture's caption, or a poll's question."""
    return there.text or there.caption or (there.poll.question if there.poll else "")


def _says(words: str | bool, message: Message) -> bool:
    """True if a post has these words. A hidden one counts as a match: only its place among the ids is known."""
    return words if isinstance(words, bool) else words == normal(message.plain)

"""Connections to the relay that carry one letter after the other, so that a run of letters signs in a few times only.

A connection has one letter at a time. Used before, it is taken again while it is open, for a number of letters and
unless it stood idle for long. A relay may close one between two letters whenever it likes, and many say after a number
of letters that they do (421). So what a used one fails at before the final dot says nothing about the relay: the letter
is certainly not out, and is tried once more over a fresh one at once. What is lost after the dot is in doubt
(docs/adr/0032), and a relay that refuses one mailbox is asked to forget that letter (RSET) and goes on.
"""

from __future__ import annotations

import asyncio

from aiosmtplib import SMTPException, SMTPResponseException

from alerts.channels.mail import answers
from alerts.channels.mail.answers import OneAnswer
from alerts.channels.mail.channel import Dialogue
from alerts.channels.mail.letter import Letter
from alerts.channels.settings import MailSettings
from alerts.model.errors import DeliveryError, Retry
from alerts.model.town import Secret

LETTERS = 100
"""So many go over one connection; where a relay takes fewer, it says so."""
IDLE = 5.0
"""Seconds after which a connection that nobody needs is closed: a relay has few places, and others want them too."""


class RelayConnections:
    """As many connections as letters may be under way. `close` ends those that stand idle."""

    def __init__(self, settings: MailSettings, *, letters: int = LETTERS, idle: float = IDLE) -> None:
        self._settings = settings
        self._letters = letters
        self._idle = idle
        self._places = asyncio.Semaphore(settings.in_flight)
        self._free: list[tuple[Dialogue, asyncio.TimerHandle]] = []
        self._password: Secret | None = None

    async def hand_over(self, letter: Letter, address: str, password: Secret | None) -> OneAnswer:
        """What the relay says, as far as it is about this mailbox; raises a DeliveryError for what is about more."""
        async with self._places:
            # By what it says: read anew, it is another object each time.
            if _told(password) != _told(self._password):
                self._password = password
                self.close()
            while (used := self._take()) is not None:
                try:
                    return await self._carry(used, letter, address)
                except Retry:
                    continue  # it isn't out
            return await self._carry(Dialogue(self._settings, password), letter, address)

    def close(self) -> None:
        """End those that carry nothing."""
        while self._free:
            dialogue, timer = self._free.pop()
            timer.cancel()
            dialogue.end()

    def _take(self) -> Dialogue | None:
        """The one that was used last: the others come to their end of idleness."""
        while self._free:
            dialogue, timer = self._free.pop()
            timer.cancel()
            if dialogue.is_open:
                return dialogue
            dialogue.end()
        return None

    def _give_back(self, dialogue: Dialogue) -> None:
        if dialogue.letters >= self._letters:
            dialogue.end()
            return
        timer = asyncio.get_running_loop().call_later(self._idle, self._tire, dialogue)
        self._free.append((dialogue, timer))

    def _tire(self, dialogue: Dialogue) -> None:
        self._free = [each for each in self._free if each[0] is not dialogue]
        dialogue.end()

    async def _carry(self, dialogue: Dialogue, letter: Letter, address: str) -> OneAnswer:
        failure: DeliveryError
        answer: OneAnswer | None = None
        try:
            await dialogue.begin()
            await dialogue.hand_over(letter, address)
            answer = OneAnswer.TAKEN
        except SMTPResponseException as error:
            answer = answers.about_one(dialogue.step, error.code, error.message)
            failure = answers.refusal(dialogue.step, error.code, answers.without(error.message, address))
        except (SMTPException, OSError) as error:
            failure = answers.broken_off(dialogue.step, answers.why_broken(dialogue.step, error, dialogue.patience))
        finally:
            if answer is None:
                dialogue.end()
            else:
                self._give_back(dialogue)
        if answer is not None:
            return answer
        raise failure  # out here, so that the library's error is not its context


def _told(password: Secret | None) -> str | None:
    return password.reveal() if password is not None else None

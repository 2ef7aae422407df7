"""One alert to a channel's own subscribers: an e-mail for each, handed to the relay over a few connections.

An e-mail's `Message-ID` is made of the bulk and the recipient, so that a repeated one is recognised; later ones of an
incident refer to the first that somebody had. A mailbox that the relay calls unknown is unsubscribed once the relay
says so again later: a relay that lost its list of mailboxes for an hour must not cost a town its subscribers.

The connections (`RelayConnections`) carry one e-mail after the other, so that a run of them signs in only a few times.
An open one is reused for a number of e-mails, unless it was idle for long. A relay may close one between two e-mails
whenever it likes, and many announce that they do after a number of them (421). A failure of a reused one before the
final dot therefore proves nothing about the relay: the e-mail is certainly not out, and is tried once more over a fresh
one at once. One lost after the dot is in doubt (docs/adr/0032), and a relay that refuses one mailbox is asked to forget
that e-mail (RSET) and continues.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape

import structlog
from aiosmtplib import SMTPException, SMTPResponseException

from alerts.channels.mail import answers
from alerts.channels.mail.answers import OneAnswer
from alerts.channels.mail.channel import Dialogue
from alerts.channels.mail.mime import Addressed, Email, written
from alerts.channels.settings import MailSettings, read_password
from alerts.model.alert import Severity
from alerts.model.bounds import visible
from alerts.model.delivery import Bulk, SendOutcome, SendResult, Target
from alerts.model.errors import DeliveryError, InDoubt, Rejected, Retry
from alerts.model.ports import Resources
from alerts.model.post import About, Message
from alerts.model.reason import Reason, because
from alerts.model.subscriber import Mailbox
from alerts.model.town import Secret

AGAIN = timedelta(minutes=5)
"""After this, what a relay doesn't take for somebody now is tried again."""
TRIED_FOR = timedelta(days=1)
"""How long it is tried where the alert has no end."""

Word = Callable[[Reason, str], str]
"""A reason as a sentence of that language."""
log = structlog.get_logger(__name__)


class MailBulk:
    """`alerts.model.ports.Tells` for mailboxes.

    Neither addresses nor a relay's answers about them appear in any log.
    """

    def __init__(self, name: str, settings: MailSettings, resources: Resources, word: Word) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._word = word
        self._connections = RelayConnections(settings)

    async def close(self) -> None:
        """End the connections that carry nothing."""
        self._connections.close()

    async def tell(self, target: Target) -> SendResult:
        """One attempt. Raises Retry where the relay takes nothing at all now, BadCredential where it won't."""
        box, bulk = target.endpoint, target.bulks[0]
        if not isinstance(box, Mailbox):
            return SendResult(target, SendOutcome.FAILED)
        try:
            answer = await self._hand_over(self.email_to(target, box), box.address)
        except InDoubt:
            # Twice is better than never where it is grave; the programs of most readers drop the second one.
            grave = bulk.notice.severity is Severity.UNKNOWN or bulk.notice.urgent
            return SendResult(target, SendOutcome.DOUBT if grave else SendOutcome.FAILED, unsure=True)
        except Rejected:
            return SendResult(target, SendOutcome.FAILED)
        return self._result(target, answer)

    async def write_to(self, address: str, message: Message, name: str) -> None:
        """One letter that is no alert's, of this name. Raises DeliveryError where it certainly isn't out now."""
        one = Addressed(address, self._id(name))
        try:
            answer = await self._hand_over(written(message, self._settings, None, None, self._now, one=one), address)
        except (InDoubt, Rejected):
            return  # who asked learns nothing about the mailbox
        if answer is OneAnswer.LATER:
            raise Retry(because("mail_later"))

    @property
    def _now(self) -> datetime:
        return self._resources.clock.now()

    def _result(self, target: Target, answer: OneAnswer) -> SendResult:
        now, bulk = self._now, target.bulks[0]
        match answer:
            case OneAnswer.TAKEN:
                # What they had first stays what is referred to.
                return SendResult(target, SendOutcome.SENT, target.message or number_of(bulk))
            case OneAnswer.LATER if bulk.expires is not None or now - bulk.stored_at < TRIED_FOR:
                return SendResult(target, SendOutcome.LATER, until=now + AGAIN)
            case _:
                log.info("mail.refused", channel=self._name, bulk=bulk.id, answer=answer)
                is_nobody = answer is OneAnswer.NOBODY
                return SendResult(target, SendOutcome.NOBODY if is_nobody else SendOutcome.FAILED)

    async def _hand_over(self, email: Email, address: str) -> OneAnswer:
        """Return the relay's answer about this mailbox; raises the errors that concern more than that."""
        # Read each time: one that was changed in its file is taken without a restart.
        password = read_password(self._settings.password, self._resources.folder)
        return await self._connections.hand_over(email, address, password)

    def email_to(self, target: Target, box: Mailbox) -> Email:
        """Return the e-mail for that mailbox about the target's first bulk."""
        bulk, now = target.bulks[0], self._now
        leave = leave_address(self._resources.pages or "", box.token)
        text = bulk.text(target.language)
        foot = f"—\n{self._word(because('mail_leave'), target.language)}\n"
        about = About(
            bulk.id,
            bulk.alert_id,
            bulk.incident,
            bulk.channel,
            bulk.kind,
            bulk.notice.severity,
            bulk.expires,
            bulk.exercise,
            bulk.stored_at,
        )
        link = f'<a href="{escape(leave)}">{escape(leave)}</a>'
        message = Message(
            f"{text}\n\n{escape(foot)}{link}",
            f"{visible(text)}\n\n{foot}{leave}",
            bulk.links.get(target.language),
            language=target.language,
            about=about,
        )
        earlier = self._id_of(target.message, target.chat) if target.message is not None else None
        one = Addressed(box.address, self._id_of(number_of(bulk), target.chat), leave)
        return written(message, self._settings, earlier, None, now, one=one)

    def _id_of(self, number: int, chat: int) -> str:
        return self._id(f"{number} {chat}")

    def _id(self, name: str) -> str:
        """Nothing of whom it is for can be read in it."""
        domain = self._settings.address.partition("@")[2]
        return f"{hashlib.sha256(name.encode()).hexdigest()[:32]}@{domain}"


def number_of(bulk: Bulk) -> int:
    """Return the number stored for a recipient and incident, from which an e-mail's Message-ID is made again."""
    return int.from_bytes(hashlib.sha256(bulk.id.encode()).digest()[:8]) >> 2 or 1


def leave_address(pages: str, token: str) -> str:
    """Where the choices are, and where one request unsubscribes."""
    return f"{pages}/mail/{token}"


LETTERS = 100
"""So many go over one connection; where a relay takes fewer, it says so."""
IDLE = 5.0
"""Seconds after which a connection that nobody needs is closed: a relay has few places, and others want them too."""


class RelayConnections:
    """As many connections as e-mails may be under way. `close` ends the idle ones."""

    def __init__(self, settings: MailSettings, *, emails: int = LETTERS, idle: float = IDLE) -> None:
        self._settings = settings
        self._emails = emails
        self._idle = idle
        self._places = asyncio.Semaphore(settings.in_flight)
        self._free: list[tuple[Dialogue, asyncio.TimerHandle]] = []
        self._password: Secret | None = None

    async def hand_over(self, email: Email, address: str, password: Secret | None) -> OneAnswer:
        """Return the relay's answer about this mailbox.

        Raises a DeliveryError for errors that concern more than that.
        """
        async with self._places:
            # By what it says: read anew, it is another object each time.
            if _revealed(password) != _revealed(self._password):
                self._password = password
                self.close()
            while (used := self._take()) is not None:
                try:
                    return await self._carry(used, email, address)
                except Retry:
                    continue  # it isn't out
            return await self._carry(Dialogue(self._settings, password), email, address)

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
        if dialogue.emails >= self._emails:
            dialogue.end()
            return
        timer = asyncio.get_running_loop().call_later(self._idle, self._tire, dialogue)
        self._free.append((dialogue, timer))

    def _tire(self, dialogue: Dialogue) -> None:
        self._free = [each for each in self._free if each[0] is not dialogue]
        dialogue.end()

    async def _carry(self, dialogue: Dialogue, email: Email, address: str) -> OneAnswer:
        failure: DeliveryError
        answer: OneAnswer | None = None
        try:
            await dialogue.begin()
            await dialogue.hand_over(email, address)
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


def _revealed(password: Secret | None) -> str | None:
    return password.reveal() if password is not None else None

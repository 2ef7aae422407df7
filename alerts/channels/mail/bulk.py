"""One alert to a channel's own subscribers: a letter for each, handed to the relay over a few connections.

A letter's `Message-ID` is made of the bulk and of who gets it, so one that comes twice is known as the same; what comes
later of an incident refers to the first that somebody had. A mailbox that the relay says isn't there leaves once it
says so again later: a relay that lost its list of mailboxes for an hour must not cost a town its subscribers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape

import structlog

from alerts.channels.mail.answers import OneAnswer
from alerts.channels.mail.connections import RelayConnections
from alerts.channels.mail.letter import Addressed, Letter, written
from alerts.channels.settings import MailSettings, read_password
from alerts.model.alert import Severity
from alerts.model.bounds import visible
from alerts.model.delivery import Bulk, SendOutcome, SendResult, Target
from alerts.model.errors import InDoubt, Rejected, Retry
from alerts.model.ports import Resources
from alerts.model.post import About, Message
from alerts.model.reason import Reason, because
from alerts.model.subscriber import Mailbox

AGAIN = timedelta(minutes=5)
"""After this, what a relay doesn't take for somebody now is tried again."""
TRIED_FOR = timedelta(days=1)
"""How long it is tried where the alert has no end."""

Word = Callable[[Reason, str], str]
"""A reason as a sentence of that language."""
log = structlog.get_logger(__name__)


class MailBulk:
    """`alerts.model.ports.Tells` for mailboxes. No address stands in any log, nor what a relay says about one."""

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
            answer = await self._hand_over(self.letter_to(target, box), box.address)
        except InDoubt:
            # Twice is better than never where it is grave; the programs of most readers drop the second one.
            grave = bulk.notice.severity is Severity.UNKNOWN or bulk.notice.urgent
            return SendResult(target, SendOutcome.DOUBT if grave else SendOutcome.FAILED)
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

    async def _hand_over(self, letter: Letter, address: str) -> OneAnswer:
        """What the relay says to it, as far as it is about this mailbox; raises what is about more than that."""
        # Read each time: one that was changed in its file is taken without a restart.
        password = read_password(self._settings.password, self._resources.folder)
        return await self._connections.hand_over(letter, address, password)

    def letter_to(self, target: Target, box: Mailbox) -> Letter:
        """What that mailbox is handed of the target's first bulk."""
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
    """What is kept of who got it, beside the incident: a letter's Message-ID is made of that again."""
    return int.from_bytes(hashlib.sha256(bulk.id.encode()).digest()[:8]) >> 2 or 1


def leave_address(pages: str, token: str) -> str:
    """Where the choices are, and where one request unsubscribes."""
    return f"{pages}/mail/{token}"

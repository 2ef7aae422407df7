"""One alert to a channel's own subscribers: an SMS for each, which is handed to the provider once and never again.

Where it is unclear if the provider took one, it counts as failed, and as perhaps received: what comes of the incident
goes to that telephone too. How to leave stands at the end of each, since no other place shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from alerts.channels.budget import BookedAhead
from alerts.channels.sms.channel import budget_of, is_urgent, life_until, reference_of
from alerts.channels.sms.providers import Campaign, provider_of
from alerts.channels.sms.settings import SmsSettings, codes_on
from alerts.model.delivery import Bulk, SendOutcome, SendResult, Target
from alerts.model.errors import BadCredential, DeliveryError, Gone, InDoubt, Rejected, Retry
from alerts.model.gsm import size_of, spelled
from alerts.model.ports import Resources, TextHeard
from alerts.model.post import Message
from alerts.model.reason import Reason, because
from alerts.model.subscriber import Telephone

Word = Callable[[Reason, str], str]
"""A reason as a sentence of that language."""
log = structlog.get_logger(__name__)


class SmsBulk:
    """`alerts.model.ports.Tells` for telephones.

    Neither numbers nor a provider's words about them appear in any log.
    """

    def __init__(self, name: str, settings: SmsSettings, resources: Resources, word: Word) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._word = word
        self._provider = provider_of(name, settings, resources)
        self._budget = budget_of(settings, resources)
        self._money = BookedAhead(self._budget)
        self._is_open = False

    async def close(self) -> None:
        """Give back the money that was booked for messages which never left."""
        await self._money.close()

    async def tell(self, target: Target) -> SendResult:
        """One attempt, the only one: what is in doubt counts as failed.

        Raises Retry where it certainly isn't out and may leave later, as over a ceiling, and BadCredential where none
        can be sent. Over a ceiling one that isn't urgent fails: the money is for what may come.
        """
        telephone, bulk = target.endpoint, target.bulks[0]
        if not isinstance(telephone, Telephone):
            return SendResult(target, SendOutcome.FAILED)
        text, urgent = self.text_to(telephone, bulk, target.language), is_urgent(bulk.notice.severity)
        cost = size_of(text).parts * self._settings.price
        try:
            await self._money.take(bulk.id, cost, urgent=urgent)
        except Retry as error:
            if urgent or error.reason.code != "budget_reached":
                raise
            log.warning("sms.over_budget", channel=self._name, bulk=bulk.id, reason=str(error.reason))
            return SendResult(target, SendOutcome.FAILED)
        try:
            paid = await self._send(telephone.digits, text, f"{bulk.id} {target.chat}", bulk.expires)
        except InDoubt:
            log.warning("sms.in_doubt", channel=self._name, bulk=bulk.id)
            return SendResult(target, SendOutcome.FAILED, unsure=True)
        except (Gone, Rejected) as error:
            self._money.put_back(bulk.id, cost)
            log.info("sms.refused", channel=self._name, bulk=bulk.id)
            return SendResult(target, SendOutcome.NOBODY if isinstance(error, Gone) else SendOutcome.FAILED)
        except DeliveryError:
            self._money.put_back(bulk.id, cost)
            raise
        if paid is not None:
            self._money.put_back(bulk.id, cost - paid)
        return SendResult(target, SendOutcome.SENT, target.message or _number_of(bulk))

    async def write_to(self, number: str, message: Message, name: str) -> None:
        """One SMS that is no alert's, of this name. Raises DeliveryError where it certainly isn't out now."""
        text = spelled(message.text)
        cost, today = size_of(text).parts * self._settings.price, self._now.astimezone(self._resources.zone).date()
        post, most = codes_on(today), self._settings.codes * self._settings.price
        await self._budget.book(post, cost, urgent=False, most=most)
        try:
            paid = await self._send(number, text, name, None)
        except (Gone, InDoubt, Rejected):
            return  # who asked learns nothing about the number; and what is in doubt counts as paid
        except DeliveryError:
            await self._budget.correct(post, -cost)
            raise
        if paid is not None and paid != cost:
            await self._budget.correct(post, paid - cost)

    async def heard(self, after: int) -> Sequence[TextHeard]:
        """Return what people wrote to the town's number (`alerts.model.ports.HearsTexts`)."""
        self._open()
        try:
            return await self._provider.heard(after)
        except BadCredential:
            self._is_open = False
            raise

    def text_to(self, telephone: Telephone, bulk: Bulk, language: str) -> str:
        """Return the SMS about that bulk: its words, then how to leave."""
        if self._settings.number is not None:
            leave = self._word(because("sms_leave_by_word", number=self._settings.number), language)
        else:
            # The address last, and alone: a full stop behind it would be taken for its end.
            link = telephone.own_page(self._resources.pages or "")
            leave = f"{self._word(because('sms_leave_by_link'), language)} {link}"
        return spelled(f"{bulk.text(language)}\n{leave}")

    @property
    def _now(self) -> datetime:
        return self._resources.clock.now()

    async def _send(self, number: str, text: str, name: str, ends: datetime | None) -> float | None:
        """Return the euros that were paid, if the provider says it. What is raised says nothing of the number."""
        life = life_until(ends, self._resources.clock)
        campaign = Campaign(text, 1, life=life, to=number)
        self._open()
        try:
            return (await self._provider.send(campaign, reference_of(name)))[1]
        except BadCredential as error:
            self._is_open = False  # keys that were changed in their files are taken without a restart
            raise BadCredential(_without(error.reason, number)) from None
        except Retry as error:
            raise Retry(_without(error.reason, number), error.after, sent=error.sent) from None

    def _open(self) -> None:
        if not self._is_open:
            self._provider.open()
            self._is_open = True


def _number_of(bulk: Bulk) -> int:
    """Return the number stored for a recipient and incident: that there is one says that they have it."""
    return bulk.seq or 1


def _without(reason: Reason, number: str) -> Reason:
    """Return a provider's reason without the number, however it spells that."""
    digits = number.removeprefix("+")
    hidden = [
        (name, "…" if isinstance(each, str) and digits[-9:] in each.replace(" ", "") else each)
        for name, each in reason.values
    ]
    return replace(reason, values=tuple(hidden))

"""SMS to people's telephones, by a French aggregator: OVHcloud, Octopush or smsmode.

Each post goes once to a list of numbers, and each part of it (`alerts.model.gsm`) costs money for each number. So:

- **Nothing is sent twice by itself.** An attempt without an answer is looked up by its reference, which is made of the
  post's id; what isn't found waits for an officer (`never_repeats`), for a second SMS costs money and frightens people.
- **The ceiling holds before the request.** What a post may cost is written down first (`budget.py`), and put right
  by what the answer says. One that would go over `daily_budget` or `monthly_budget` waits, with its reason;
  an administrator alone lifts a ceiling, for a day. What may be out counts as paid for.

Without a list a post costs nothing: it is out once its subscribers may be told (`bulk.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.channels import ChannelKind
from alerts.channels.answer import SLACK, identity_of
from alerts.channels.budget import Budget
from alerts.channels.sms.providers import LONGEST_LIFE, provider_of
from alerts.channels.sms.settings import SmsSettings
from alerts.model.alert import Severity
from alerts.model.errors import DeliveryError, InDoubt, Rejected
from alerts.model.gsm import room_in, size_of, spelled
from alerts.model.ports import Clock, Probe, Resources
from alerts.model.post import Message, Quota, Receipt, TextFormat
from alerts.model.reason import because


class Sms:
    """A list of telephones. Sends once, and finds what is out where the provider can say it."""

    never_repeats = True

    def __init__(self, name: str, settings: SmsSettings, resources: Resources) -> None:
        self._settings, self._clock = settings, resources.clock
        self._budget = budget_of(settings, resources)
        self._provider = provider_of(name, settings, resources)
        self.never_repeats = settings.has_list
        # Without a list nothing is sent for a post itself: it is out once its subscribers may be told.
        self.drops_repeats = self.proves_nothing = not settings.has_list

    async def open(self) -> None:
        """Read the keys; raises BadCredential where one is missing. Sends nothing."""
        self._provider.open()

    async def close(self) -> None:
        """Forget the keys; the session is the process's."""
        self._provider.close()

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Send the words to everybody on the list. Raises Retry where that would cost more than may be spent."""
        text, post = spelled(message.text), identity_of(message, reply_to)
        if not self._settings.has_list:
            self._provider.check_open()
            return Receipt(reference_of(post))
        size = size_of(text)
        if size.parts > self._settings.parts:
            raise Rejected(because("sms_too_many_parts", parts=size.parts, most=self._settings.parts))
        each = size.parts * self._settings.price
        # Before the provider is asked for anything: what is too dear isn't prepared again and again.
        urgent = message.about is None or is_urgent(message.about.severity)
        await self._budget.afford(each * (self._provider.people() or 0), urgent=urgent)
        life = life_until(message.about.expires if message.about else None, self._clock)
        campaign = replace(await self._provider.prepare(text), life=life)
        await self._provider.keep(campaign.people)
        if not campaign.people:
            raise Rejected(because("sms_nobody", provider=self._provider.called))
        euros = campaign.euros if campaign.euros is not None else each * campaign.people
        await self._budget.book(post, euros, urgent=urgent)
        try:
            remote_id, paid = await self._provider.send(campaign, reference_of(post))
        except DeliveryError as error:
            if not isinstance(error, InDoubt):
                await self._budget.correct(post, -euros)
            raise
        if paid is not None:
            await self._budget.correct(post, paid - euros)
        return Receipt(remote_id)

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,  # noqa: ARG002 the reference tells
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """Search what was sent under the post's reference. Raises InDoubt where the provider can't say."""
        found = await self._provider.find(reference_of(identity_of(message, reply_to)), since - SLACK)
        return Receipt(found) if found is not None and found not in known else None

    async def probe(self) -> Probe:
        """Ask for the account and how many are on the list. The keys are read anew before."""
        self._provider.open()
        account, people, warnings = await self._provider.look()
        if not self._settings.has_list:
            return Probe(account, warnings)
        if people is not None:
            await self._provider.keep(people)
        empty = (because("sms_nobody", provider=self._provider.called),) if people == 0 else ()
        return Probe(account, (*warnings, *empty), self._provider.people() if people is None else people)

    def quotas(self) -> Sequence[Quota]:
        """Always empty: a provider tells of its limits in a refusal alone."""
        return ()


def life_until(ends: datetime | None, clock: Clock) -> timedelta:
    """Until the alert is over: nobody is to be told of it when a telephone is switched on the day after."""
    left = ends - clock.now() if ends else LONGEST_LIFE
    return max(min(left, LONGEST_LIFE), timedelta(minutes=5))


def reference_of(post: str) -> str:
    """Return what names a post at a provider: short enough for a tag of OVHcloud's."""
    return hashlib.sha256(post.encode()).hexdigest()[:20]


def is_urgent(severity: Severity) -> bool:
    """True if it may spend what is kept for such alerts; one of unknown severity is often grave."""
    return severity is Severity.UNKNOWN or severity.at_least(Severity.SEVERE)


def budget_of(settings: SmsSettings, resources: Resources) -> Budget:
    """Return the ceilings of that channel."""
    return Budget(resources, settings.daily_budget, settings.monthly_budget, settings.urgent_share)


KIND = ChannelKind(SmsSettings, TextFormat(limit=room_in(2), count="gsm"), "alerts.channels.sms.channel:Sms")

"""SMS that people write to the town's number: a word subscribes, a word ends it, a word says who sends.

    ALERTE, INSCRIPTION     the number that wrote is subscribed: all alerts, the whole town; the answer has its choices
    STOP, ARRET             everything about that number is removed, without an answer
    ALLO, CONTACT, AIDE     who sends, where to ask, and how to leave

The first word decides, in any case and with or without accents; whatever else is written is not kept and not answered,
for each answer costs money, and two machines could answer each other for ever. A number gets three answers a day, and
all together the channel's `codes`. What an SMS asks for is done in the transaction that notes it as heard: a kill loses
no STOP. Its answer follows, and is never said twice.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from functools import partial

import structlog

from alerts.access.sessions import digest
from alerts.bot.chat import words_of
from alerts.delivery.lease import LeasedWorker
from alerts.delivery.worker import Work
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.errors import DeliveryError
from alerts.model.hazard import fold
from alerts.model.lease import Lease
from alerts.model.ports import HearsTexts, TextHeard
from alerts.model.post import Message
from alerts.model.rate_limit import SlidingWindow, take_each
from alerts.model.subscriber import MOST_ADDRESSES, TELEPHONE_TOKEN, Subscriber, Telephone
from alerts.model.telephone import mobile_number
from alerts.model.town import Town

HEARD_EVERY = 20.0
"""Seconds between two questions for what was written: a provider calls nobody."""
ANSWERS_A_DAY = 3
MOST_NUMBERS = 20_000
"""Numbers whose answers are counted: more than `codes` of a day are never answered."""
_LATE = 120.0
_WORD = re.compile(r"[a-z]+")

log = structlog.get_logger()


class TextWord(Enum):
    """The meanings of an SMS's first word."""

    SUBSCRIBE = auto()
    STOP = auto()
    WHO = auto()


WORDS = (
    {"alerte", "alertes", "inscription", "abonnement", "alert", "alerts", "subscribe"},
    {"stop", "stopsms", "arret", "arreter", "desinscription", "desabonnement", "unsubscribe"},
    {"allo", "contact", "aide", "help", "info", "qui"},
)
_MEANS = {word: what for what, words in zip(TextWord, WORDS, strict=True) for word in words}


def word_in(text: str) -> TextWord | None:
    """Return what an SMS asks for, by its first word. Returns None for anything else."""
    first = _WORD.search(fold(text[:200]))
    return _MEANS.get(first[0]) if first is not None else None


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """An answer to one SMS, in words."""

    number: str
    text: str
    name: str


class Texting:
    """Hears what is written to one channel's number; only who holds the lease does."""

    def __init__(
        self,
        channel: str,
        town: Town,
        service: DeskService,
        *,
        provider: HearsTexts,
        join: Callable[[Callable[[], None]], LeasedWorker],
        write: Callable[[str, Message, str], Awaitable[None]],
        prefixes: Collection[str],
    ) -> None:
        self._channel = channel
        self._town = town
        self._service = service
        self._provider = provider
        self._write = write
        self._prefixes = prefixes
        self._hold = join(lambda: None)
        self._answers = SlidingWindow[int](timedelta(days=1).total_seconds(), MOST_NUMBERS)

    @property
    def work(self) -> Work:
        """Asks for ever; what fails is tried again, less and less often."""
        return Work(self._hold.name, self.hear, HEARD_EVERY, self._hold, late=HEARD_EVERY + _LATE)

    async def hear(self, lease: Lease) -> None:
        """Do what was written since the last time, the oldest first."""
        before = await self._service.ask(lambda unit: unit.subscribers.offset(self._channel))
        for each in await self._provider.heard(before):
            answer = await self._service.act(partial(self._do, lease, each), posts=False)
            if answer is not None and self._may_answer(answer.number):
                said = Message(answer.text, answer.text, None, language=self._town.language)
                with suppress(DeliveryError):  # it isn't out, or is over a ceiling: whoever asks again is answered
                    await self._write(answer.number, said, answer.name)

    def _do(self, lease: Lease, heard: TextHeard, unit: DeskUnit) -> TextAnswer | None:
        unit.leases.check(lease, unit.now)
        unit.subscribers.handled(self._channel, heard.id + 1)
        what, number = word_in(heard.text), mobile_number(heard.number, self._prefixes)
        known = unit.subscribers.get(self._channel, Telephone(heard.number, "").number)
        if what is TextWord.STOP:
            # Also of a number whose prefix the town no longer names.
            if known is not None:
                unit.subscribers.forget(self._channel, known.chat)
            log.info("sms.stopped", channel=self._channel, known=known is not None)
            return None
        if what is None or number is None:
            return None
        gettext, station = words_of(self._language).gettext, self._town.name
        if what is TextWord.WHO:
            contact = self._town.sender if "@" in self._town.sender else f"{self._town.public_url}"
            text = gettext("{town} sends its alerts by SMS from this number. Contact: {contact}. To get no more: STOP")
            said = text.format(town=station, contact=contact)
        else:
            telephone = self._subscribed(unit, number, known)
            if telephone is None:
                return None
            text = gettext("{town}: you get our alerts by SMS. Your choices: {link} To get no more: STOP")
            said = text.format(town=station, link=telephone.own_page(self._town.public_url or ""))
        return TextAnswer(number, said, f"answer {heard.id}")

    def _subscribed(self, unit: DeskUnit, number: str, known: Subscriber | None) -> Telephone | None:
        """Subscribe that number, or leave it as it is. None: there is no room."""
        if known is not None and isinstance(known.endpoint, Telephone):
            return known.endpoint
        if unit.subscribers.count(self._channel) >= MOST_ADDRESSES:
            return None
        telephone = Telephone(number, secrets.token_urlsafe(TELEPHONE_TOKEN))
        one = Subscriber(telephone.number, self._language, endpoint=telephone, token=digest(telephone.token))
        unit.subscribers.put(self._channel, one)
        return telephone

    def _may_answer(self, number: str) -> bool:
        key = Telephone(number, "").number
        return take_each([(self._answers, key, ANSWERS_A_DAY)], self._service.now().timestamp())

    @property
    def _language(self) -> str:
        return self._town.language.partition("-")[0]

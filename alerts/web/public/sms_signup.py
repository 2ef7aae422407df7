"""Subscribing to SMS, without an account and without script: a number, choices, and a code that confirms them.

    GET/POST /sms                 the form; it sends a code by SMS, and nothing is stored
    POST     /sms/confirm         the code, typed back with the seal that has the number and the choices
    GET/POST /sms/TOKEN           the choices, and leaving

Each code costs the town an SMS. So a number gets three a day, ten minutes apart, a network and all networks have their
pace, and the channel its own ceiling of a day (`codes`). A code is made of its seal and a secret of the town's: it is
stored nowhere. It is good for ten minutes and five tries; these, and fifteen a day of each number, are counted here, in
memory.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import web

from alerts.desk.service import DeskService
from alerts.model.bounds import same
from alerts.model.errors import DeliveryError
from alerts.model.post import Message
from alerts.model.rate_limit import SlidingWindow, take_each
from alerts.model.subscriber import TELEPHONE_TOKEN, Subscriber, Telephone
from alerts.model.telephone import FRENCH, mobile_number
from alerts.web.console.arrival import address_of
from alerts.web.posted import must_be_from_here
from alerts.web.public.asking import DayDigests
from alerts.web.public.choices import by_choice
from alerts.web.public.page import words_of
from alerts.web.public.publisher import Publisher
from alerts.web.public.signup import (
    A_DAY,
    LONGEST_SEAL,
    STATUS_OF,
    Invited,
    LinkSeal,
    Signup,
    SignupPages,
    SignupRequest,
    chosen_in,
    read_choices,
)

LASTS = timedelta(minutes=10)
"""How long a code confirms."""
TRIES = 5
"""How often a code may be typed."""
ALL_NETWORKS = 60
"""Codes that all networks together may have sent in ten minutes."""
MOST_SEALS = 10_000
"""Seals whose tries are counted: far more than are sent while one lasts."""


@dataclass(frozen=True, slots=True)
class SmsSignup(Signup):
    """The channel of SMS, which sends to these prefixes."""

    prefixes: Collection[str] = FRENCH


class SmsSignupPages(SignupPages):
    """Takes subscriptions to SMS, for one town."""

    way, template = "sms", "sms.html"

    def __init__(self, publisher: Publisher, service: DeskService, signup: SmsSignup) -> None:
        super().__init__(publisher, service, signup, all_networks=ALL_NETWORKS)
        self._prefixes = signup.prefixes
        self._digests = DayDigests()
        self._tries = SlidingWindow[str](LASTS.total_seconds(), MOST_SEALS)
        self._tries_today = SlidingWindow[str](timedelta(days=1).total_seconds(), MOST_SEALS)

    def routes(self) -> list[web.RouteDef]:
        """Each address in each language."""
        found: list[web.RouteDef] = []
        for language in self._setting.languages:
            asking = self._setting.path(language, self.way)
            own = f"{asking}/{{token:[A-Za-z0-9_-]{{12}}}}"
            found += [web.get(asking, self._form), web.post(asking, self._ask)]
            found += [web.post(f"{asking}/confirm", self._confirm)]
            found += [web.get(own, self._show), web.post(own, self._change)]
        return found

    async def _ask(self, request: web.Request) -> web.Response:
        """Send the code. Whoever asks learns nothing about the number."""
        must_be_from_here(request)
        sent, language = await read_choices(request), self._setting.language_of(request.path)
        text, choices = str(sent.get("number", "")).strip()[:40], chosen_in(sent, self._codes)
        typed: dict[str, Any] = {"typed": text, "chosen": choices and by_choice(Subscriber(0), choices, language)}
        number = mobile_number(text, self._prefixes)
        if number is None:
            return await self._page(request, "no_number", status=HTTPStatus.UNPROCESSABLE_ENTITY, **typed)
        if choices is None:
            return await self._page(request, "wrong", status=HTTPStatus.UNPROCESSABLE_ENTITY, **typed)
        seal = (await self._seal()).made(SignupRequest(number, choices, language), self._service.now())
        network = address_of(request, self._setting.town.web.trusted)
        outcome = await self._invite(number, seal, language, network, is_program=bool(sent.get("website")))
        if outcome != "sent":
            return await self._page(request, outcome, status=STATUS_OF[outcome], **typed)
        return await self._page(request, "code", seal=seal)

    async def _invite(self, number: str, seal: str, language: str, network: str, *, is_program: bool) -> Invited:
        now = self._service.now()
        if not self._networks.takes(network, now):
            return "too_many"
        if is_program or not self._recipients.takes(number, now):
            return "sent"
        words = words_of(language).gettext
        station, code = self._setting.town.name, await self._code(seal)
        text = words("%(station)s: your code is %(code)s, valid for 10 minutes. If you didn’t ask for it, ignore this.")
        said = text % {"station": station, "code": code}
        try:
            await self._signup.write(number, Message(said, said, None, language=language), seal)
        except DeliveryError:
            self._recipients.gives_back(number, self._service.now())
            return "later"
        return "sent"

    async def _confirm(self, request: web.Request) -> web.Response:
        must_be_from_here(request)
        sent, now = await read_choices(request), self._service.now()
        seal, typed = str(sent.get("seal", ""))[:LONGEST_SEAL], "".join(str(sent.get("code", "")).split())
        ask = (await self._seal()).read(seal, now)
        if ask is None:
            return await self._page(request, "expired", status=HTTPStatus.GONE)
        name = LinkSeal.number(seal)
        if not self._may_try(name, self._digests.of(ask.address, now), now.timestamp()):
            return await self._page(request, "expired", status=HTTPStatus.GONE)
        if not same(typed, await self._code(seal)):
            return await self._page(request, "wrong_code", status=HTTPStatus.UNPROCESSABLE_ENTITY, seal=seal)
        # Before the transaction, which is to look at one row and not at half a million.
        await self._places.count()
        telephone = Telephone(ask.address, secrets.token_urlsafe(TELEPHONE_TOKEN))
        kept = await self._service.keep(lambda unit: self._keep(unit, telephone, ask, name))
        if kept is None:
            return await self._page(request, "later", status=HTTPStatus.SERVICE_UNAVAILABLE)
        if kept.token is None:
            return await self._page(request, "expired", status=HTTPStatus.GONE)
        return self._to_own(request, kept.token)

    def _may_try(self, seal: str, number: str, now: float) -> bool:
        """Return True if that code, and its number that day, may be tried once more, which then counts."""
        return take_each([(self._tries, seal, TRIES), (self._tries_today, number, A_DAY * TRIES)], now)

    async def _seal(self) -> LinkSeal:
        return LinkSeal(await self._service.secret("sms"), LASTS)

    async def _code(self, seal: str) -> str:
        """Return the code of a seal: six digits that nobody can compute without the town's secret."""
        key = await self._service.secret("sms")
        made = hmac.digest(key, f"code {LinkSeal.number(seal)}".encode(), hashlib.sha256)
        return f"{int.from_bytes(made[:8]) % 1_000_000:06}"

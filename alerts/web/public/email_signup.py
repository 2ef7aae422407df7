"""Subscribing to e-mails, without an account and without script: an address, choices, and a link that confirms them.

    GET/POST /mail                       the form; it sends an e-mail with a link, and nothing is stored
    GET/POST /mail/confirm/SEAL          a button; pressed, the address in the seal subscribes
    GET/POST /mail/TOKEN                 the choices, and leaving; one-click unsubscribing (RFC 8058) posts here

The answer is the same for known and unknown addresses. Opening a link does nothing, for programs on the way open the
links in e-mails.
"""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import web

from alerts.desk.service import DeskService
from alerts.model.errors import DeliveryError
from alerts.model.post import Message
from alerts.model.subscriber import MAILBOX, Mailbox, Subscriber
from alerts.web.console.arrival import address_of
from alerts.web.posted import must_be_from_here
from alerts.web.public.choices import by_choice
from alerts.web.public.page import words_of
from alerts.web.public.publisher import Publisher
from alerts.web.public.signup import (
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

LASTS = timedelta(hours=24)
"""How long a link confirms."""
ALL_NETWORKS = 600
"""Letters that all networks together may have sent in ten minutes."""


class EmailSignupPages(SignupPages):
    """Takes subscriptions to letters, for one town."""

    way, template = "mail", "letters.html"

    def __init__(self, publisher: Publisher, service: DeskService, signup: Signup) -> None:
        super().__init__(publisher, service, signup, all_networks=ALL_NETWORKS)

    def routes(self) -> list[web.RouteDef]:
        """Each address in each language."""
        found: list[web.RouteDef] = []
        for language in self._setting.languages:
            asking = self._setting.path(language, "mail")
            confirming = f"{asking}/confirm/{{seal:[A-Za-z0-9_-]{{60,{LONGEST_SEAL}}}}}"
            own = f"{asking}/{{token:[A-Za-z0-9_-]{{43}}}}"
            found += [web.get(asking, self._form), web.post(asking, self._ask)]
            found += [web.get(confirming, self._show_link), web.post(confirming, self._confirm)]
            found += [web.get(own, self._show), web.post(own, self._change)]
        return found

    # --- asking for a link

    async def _ask(self, request: web.Request) -> web.Response:
        """Send a letter with the link. Whoever asks learns nothing about the address."""
        must_be_from_here(request)
        sent, language = await read_choices(request), self._setting.language_of(request.path)
        address = address_in(sent)
        choices = chosen_in(sent, self._codes)
        typed: dict[str, Any] = {"typed": address, "chosen": choices and by_choice(Subscriber(0), choices, language)}
        if not re.fullmatch(MAILBOX, address):
            return await self._page(request, "no_address", status=HTTPStatus.UNPROCESSABLE_ENTITY, **typed)
        if choices is None:
            return await self._page(request, "wrong", status=HTTPStatus.UNPROCESSABLE_ENTITY, **typed)
        ask, network = SignupRequest(address, choices, language), address_of(request, self._setting.town.web.trusted)
        outcome = await self.invite(ask, network, is_program=bool(sent.get("website")))
        values = {} if outcome == "sent" else typed
        return await self._page(request, outcome, status=STATUS_OF[outcome], **values)

    async def invite(self, ask: SignupRequest, network: str, *, is_program: bool = False) -> Invited:
        """Send the letter with the link, at the pace of networks and of mailboxes, in a language of these pages.

        `is_program`: it filled in every field. Such a one, and who asks too often, learns nothing from the answer.
        """
        now, language = self._service.now(), ask.language
        if not self._networks.takes(network, now):
            return "too_many"
        if is_program or not self._recipients.takes(_mailbox_of(ask.address), now):
            return "sent"
        if language not in self._pages:
            language = self._setting.languages[0]
        seal = (await self._seal()).made(replace(ask, language=language), now)
        try:
            await self._signup.write(ask.address, self._invitation(seal, language), seal)
        except DeliveryError:
            self._recipients.gives_back(_mailbox_of(ask.address), self._service.now())
            return "later"
        return "sent"

    def _invitation(self, seal: str, language: str) -> Message:
        words = words_of(language).gettext
        link = self._setting.address(self._setting.path(language, f"mail/confirm/{seal}"))
        station = self._setting.town.name
        lines = (
            words("%(station)s: confirm your subscription to alerts") % {"station": station},
            "",
            words("Somebody, probably you, asked to get the town’s alerts (%(station)s) at this address.")
            % {"station": station},
            words("Open this link within 24 hours and press the button:"),
            link,
            "",
            words("If it wasn’t you, do nothing: you won’t get any alerts, and your address isn’t kept."),
        )
        text = "\n".join(lines)
        return Message(html.escape(text, quote=False), text, link, language=language)

    # --- confirming

    async def _show_link(self, request: web.Request) -> web.Response:
        seal = request.match_info["seal"]
        ask = (await self._seal()).read(seal, self._service.now())
        if ask is None:
            return await self._page(request, "expired", status=HTTPStatus.GONE)
        return await self._page(request, "confirm", rest=f"mail/confirm/{seal}", address=ask.address)

    async def _confirm(self, request: web.Request) -> web.Response:
        ask = (await self._seal()).read(request.match_info["seal"], self._service.now())
        if ask is None:
            return await self._page(request, "expired", status=HTTPStatus.GONE)
        # Before the transaction, which is to look at one row and not at half a million.
        await self._places.count()
        name = LinkSeal.number(request.match_info["seal"])
        box = Mailbox(ask.address, secrets.token_urlsafe(32))
        kept = await self._service.keep(lambda unit: self._keep(unit, box, ask, name))
        if kept is None:
            return await self._page(request, "later", status=HTTPStatus.SERVICE_UNAVAILABLE)
        if kept.token is None:
            return await self._page(request, "spent", status=HTTPStatus.GONE)
        return self._to_own(request, kept.token)

    async def _seal(self) -> LinkSeal:
        return LinkSeal(await self._service.secret("letters"), LASTS)


def address_in(sent: Mapping[str, Any]) -> str:
    """The address that was typed, whether it can be one or not."""
    return str(sent.get("email", "")).strip()[:400]


def _mailbox_of(address: str) -> str:
    """Return one name for all spellings of a mailbox."""
    # What stands after a plus is the reader's own mark: the letters are in one mailbox all the same.
    name, _, domain = address.lower().rpartition("@")
    name = name.partition("+")[0]
    # Google has one mailbox for all places of the dots, under two names of its own.
    if domain in ("gmail.com", "googlemail.com"):
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}"

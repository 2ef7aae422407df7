"""Subscribing to e-mails, without an account and without script: an address, choices, and a link that confirms them.

    GET/POST /mail                       the form; it sends an e-mail with a link, and nothing is stored
    GET/POST /mail/confirm/SEAL          a button; pressed, the address in the seal subscribes
    GET/POST /mail/TOKEN                 the choices, and leaving; one-click unsubscribing (RFC 8058) posts here

Of an unconfirmed address nothing is stored: address and choices are in the link itself, sealed and unreadable, and for
a day alone. A link subscribes once: used ones are known for two days, by a number that reveals nothing of the address;
so another owner of an old link can't resubscribe somebody who left. The answer is the same for known and unknown
addresses. Opening a link does nothing, for programs on the way open the links in e-mails. Networks and addresses are
rate-limited by digests under a secret of the day that never leaves the memory.
"""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import ValidationError

from alerts.access.sessions import digest
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.errors import DeliveryError
from alerts.model.post import Message
from alerts.model.rate_limit import SlidingWindow
from alerts.model.subscriber import MAILBOX, Mailbox, Subscriber
from alerts.reports.forgetting import SECRETS_KEPT
from alerts.web.console.arrival import address_of
from alerts.web.posted import must_be_from_here, read_posted
from alerts.web.public.answers import HTML, UNKEPT, answer, respond
from alerts.web.public.asking import DayDigests, QuestionPace
from alerts.web.public.choices import MOST, SubscriberChoices, SubscriberPlaces, by_choice
from alerts.web.public.page import Pages, safety, words_of
from alerts.web.public.publisher import Publisher, nothing_there, own_page

LASTS = timedelta(hours=24)
"""How long a link confirms."""
A_NETWORK, ALL_NETWORKS = 20, 600
"""Letters that one network, and all, may have sent in ten minutes."""
A_DAY, INTERVAL = 3, timedelta(minutes=10)
"""Letters that one address gets in a day, and how far apart."""
MOST_MAILBOXES = 144 * ALL_NETWORKS
"""Addresses that are remembered: as many as all networks may have written to in a day."""
MOST_BYTES = 64 * 1024
MOST_DISTRICTS = 100
"""More of them make a link that not every program keeps whole."""
LONGEST_SEAL = 7000
Invited = Literal["sent", "too_many", "later"]
"""The result of a request: an e-mail was sent (or, at the mailbox's limit, none: nobody learns it), or the refusal."""
STATUS_OF: Mapping[Invited, HTTPStatus] = {
    "sent": HTTPStatus.OK,
    "too_many": HTTPStatus.TOO_MANY_REQUESTS,
    "later": HTTPStatus.SERVICE_UNAVAILABLE,
}
_ONE_CLICK = "List-Unsubscribe"
_NONCE = 12
_SPENT = ""


@dataclass(frozen=True, slots=True)
class EmailSignup:
    """The channel of letters. `write` hands over one, known by a name; raises DeliveryError where it isn't out."""

    channel: str
    write: Callable[[str, Message, str], Awaitable[None]]


class MailboxPace:
    """Which addresses were written to today, as digests: nobody can have a stranger's mailbox flooded."""

    def __init__(self) -> None:
        self._digests = DayDigests()
        self._windows = (
            (A_DAY, SlidingWindow[str](timedelta(days=1).total_seconds(), MOST_MAILBOXES)),
            (1, SlidingWindow[str](INTERVAL.total_seconds(), MOST_MAILBOXES)),
        )

    def takes(self, address: str, now: datetime) -> bool:
        """Return True if one more e-mail may go there, which then counts."""
        own, at = self._own(address, now), now.timestamp()
        if any(window.wait(own, count, at) for count, window in self._windows):
            return False
        for _, window in self._windows:
            window.take(own, at)
        return True

    def gives_back(self, address: str, now: datetime) -> None:
        """The letter that was counted then never left: whoever asks once more gets one."""
        for _, window in self._windows:
            window.give_back(self._own(address, now))

    def _own(self, address: str, now: datetime) -> str:
        # What stands after a plus is the reader's own mark: the letters are in one mailbox all the same.
        name, _, domain = address.lower().rpartition("@")
        name = name.partition("+")[0]
        # Google has one mailbox for all places of the dots, under two names of its own.
        if domain in ("gmail.com", "googlemail.com"):
            name, domain = name.replace(".", ""), "gmail.com"
        return self._digests.of(f"{name}@{domain}", now)


@dataclass(frozen=True, slots=True)
class SignupRequest:
    """A request for e-mails to this address, by these choices, in this language."""

    address: str = field(repr=False)
    choices: SubscriberChoices
    language: str


@dataclass(frozen=True, slots=True)
class LinkSeal:
    """Makes a link's last part of an ask, and reads it again within a day; nobody else can do either.

    Its first bytes are chance: the `number` of the link, however the rest is spelled.
    """

    key: bytes

    def made(self, ask: SignupRequest, now: datetime) -> str:
        """The seal, for an address."""
        content = [ask.address, ask.language, int((now + LASTS).timestamp()), ask.choices.model_dump(mode="json")]
        # Encrypted, and not only signed: every program on its way sees a link, and none the address.
        nonce = secrets.token_bytes(_NONCE)
        closed = AESGCM(self.key).encrypt(nonce, json.dumps(content, separators=(",", ":")).encode(), None)
        return base64.urlsafe_b64encode(nonce + closed).decode().rstrip("=")

    def read(self, seal: str, now: datetime) -> SignupRequest | None:
        """Return the sealed request. Returns None if it isn't ours, is too old, or has impossible choices."""
        try:
            raw = _bytes_of(seal)
            content = json.loads(AESGCM(self.key).decrypt(raw[:_NONCE], raw[_NONCE:], None))
            address, language, until, choices = content
            # A link may be older than this version, which no longer knows what somebody chose.
            ask = SignupRequest(address, SubscriberChoices.model_validate(choices), language)
        except (ValueError, InvalidTag):
            return None
        return ask if now.timestamp() < until else None

    @staticmethod
    def number(seal: str) -> str:
        """The same for every spelling of one link: base64 has several for the same bytes."""
        return _bytes_of(seal)[:_NONCE].hex()


def _bytes_of(seal: str) -> bytes:
    return base64.urlsafe_b64decode(seal + "=" * (-len(seal) % 4))


class EmailSignupPages:
    """Takes subscriptions to letters, for one town."""

    def __init__(self, publisher: Publisher, service: DeskService, signup: EmailSignup) -> None:
        self._publisher = publisher
        self._service = service
        self._signup = signup
        self._setting = setting = publisher.setting
        self._pages = {language: Pages(setting, language) for language in setting.languages}
        self._codes = {each.code for each in setting.town.districts}
        self._networks = QuestionPace(a_network=A_NETWORK, all_networks=ALL_NETWORKS)
        self._mailboxes = MailboxPace()
        self._places = SubscriberPlaces(service, signup.channel, MOST)

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

    async def _form(self, request: web.Request) -> web.Response:
        """The empty form is the same for all: it alone is packed, and may be found by who searches for it."""
        language, headers = self._setting.language_of(request.path), safety(self._setting, posts=True)
        page = await self._made(language, "form", rest="mail")
        return await respond(answer(page, HTML, extra=headers), request)

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
        if is_program or not self._mailboxes.takes(ask.address, now):
            return "sent"
        if language not in self._pages:
            language = self._setting.languages[0]
        seal = (await self._seal()).made(replace(ask, language=language), now)
        try:
            await self._signup.write(ask.address, self._invitation(seal, language), seal)
        except DeliveryError:
            self._mailboxes.gives_back(ask.address, self._service.now())
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
        number = LinkSeal.number(request.match_info["seal"])
        token = await self._service.keep(lambda unit: self._keep(unit, ask, number))
        if token is None:
            return await self._page(request, "later", status=HTTPStatus.SERVICE_UNAVAILABLE)
        if token == _SPENT:
            return await self._page(request, "spent", status=HTTPStatus.GONE)
        path = self._setting.path(self._setting.language_of(request.path), f"mail/{token}?kept")
        # In a fleet the door puts the town's own path before it.
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={**UNKEPT, "Location": path})

    def _keep(self, unit: DeskUnit, ask: SignupRequest, link: str) -> str | None:
        """Subscribe the address; its token, the same as long as it is subscribed. None: there is no room.

        Pressed again, a link leads to the page of who is subscribed and changes nothing, and is spent for who left.
        """
        channel, number = self._signup.channel, Mailbox(ask.address, "").number
        known = unit.subscribers.get(channel, number)
        if not self._places.has_one_for(unit, number):
            return None
        # The links of letters that were sent already go on working.
        before = known.endpoint if known is not None else None
        if not _is_first_use(unit, link):
            return before.token if isinstance(before, Mailbox) else _SPENT
        token = before.token if isinstance(before, Mailbox) else secrets.token_urlsafe(32)
        unit.subscribers.put(channel, subscriber_by(Mailbox(ask.address, token), ask.choices, ask.language))
        return token

    # --- the page of who subscribed

    async def _show(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        known = await self._service.ask(lambda unit: self._known(unit, token))
        if known is None:
            return await nothing_there(self._publisher, request)
        return await self._own(request, known, is_kept="kept" in request.query)

    async def _change(self, request: web.Request) -> web.Response:
        sent, token = await read_choices(request), request.match_info["token"]
        if _ONE_CLICK in sent or sent.get("act") == "leave":
            # One click is one click: there is nothing to be asked, and twice is the same as once.
            await self._service.keep(lambda unit: self._forget(unit, token))
            return await self._page(request, "left")
        if sent.get("act") != "keep":  # a request that says nothing changes nothing
            return await self._show(request)
        choices = chosen_in(sent, self._codes)
        if choices is None:
            return await self._page(request, "wrong", status=HTTPStatus.UNPROCESSABLE_ENTITY)

        def keep(unit: DeskUnit) -> Subscriber | None:
            known = self._known(unit, token)
            if known is None or not isinstance(known.endpoint, Mailbox):
                return None
            changed = subscriber_by(known.endpoint, choices, known.language)
            unit.subscribers.put(self._signup.channel, changed)
            return changed

        known = await self._service.keep(keep)
        if known is None:
            return await nothing_there(self._publisher, request)
        return await self._own(request, known, is_kept=True)

    def _known(self, unit: DeskUnit, token: str) -> Subscriber | None:
        return unit.subscribers.by_token(self._signup.channel, digest(token))

    def _forget(self, unit: DeskUnit, token: str) -> None:
        known = self._known(unit, token)
        if known is not None:
            unit.subscribers.forget(self._signup.channel, known.chat)

    # --- what they have in common

    async def _seal(self) -> LinkSeal:
        return LinkSeal(await self._service.secret("letters"))

    async def _own(self, request: web.Request, known: Subscriber, *, is_kept: bool) -> web.Response:
        # In the language that was chosen: every letter has the same link, whatever language the town's pages begin in.
        language = known.language if known.language in self._pages else None
        rest = f"mail/{request.match_info['token']}"
        return await self._page(request, "own", language=language, rest=rest, known=known, is_kept=is_kept)

    async def _page(
        self,
        request: web.Request,
        what: str,
        *,
        status: int = HTTPStatus.OK,
        rest: str = "mail",
        language: str | None = None,
        **values: Any,
    ) -> web.Response:
        page = await self._made(language or self._setting.language_of(request.path), what, rest=rest, **values)
        return own_page(self._setting, page, status)

    async def _made(self, language: str, what: str, *, rest: str, **more: Any) -> str:
        snapshot = (await self._publisher.edition()).snapshot
        values = {"address": None, "known": None, "is_kept": False, "typed": "", "chosen": None, **more}
        return self._pages[language].reported("letters.html", snapshot, rest, what=what, posts_to=rest, **values)


def _is_first_use(unit: DeskUnit, link: str) -> bool:
    """Return True on the first use of a link. That record is deleted with the secrets of its day."""
    unit.reports.drop_day_secrets(unit.now - SECRETS_KEPT)
    fresh = secrets.token_hex(16)
    return unit.reports.secret(f"day letter {link}", fresh, unit.now) == fresh


def subscriber_by(box: Mailbox, choices: SubscriberChoices, language: str) -> Subscriber:
    """Return the subscriber at that mailbox, with these choices."""
    return by_choice(Subscriber(box.number, endpoint=box, token=digest(box.token)), choices, language)


async def read_choices(request: web.Request, *more: str) -> Mapping[str, Any]:
    """The fields of a form; `district`, `topic` and whatever `more` are lists, however many were ticked."""
    form = await read_posted(request, MOST_BYTES)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    many = ("district", "topic", *more)
    return fields | {name: [each for each in form.getall(name, []) if isinstance(each, str)] for name in many}


def address_in(sent: Mapping[str, Any]) -> str:
    """The address that was typed, whether it can be one or not."""
    return str(sent.get("email", "")).strip()[:400]


def chosen_in(sent: Mapping[str, Any], codes: Collection[str] = ()) -> SubscriberChoices | None:
    """The choices of a form, among districts of these codes; None where they can't be."""
    districts = set(sent["district"])
    if districts == set(codes):
        districts = set()
    start, _, end = str(sent.get("quiet", "")).partition("-")
    quiet = (start, end) if start else None
    chosen = {"districts": sorted(districts), "topics": sorted(set(sent["topic"])), "quiet": quiet}
    if "severity" in sent:
        chosen["severity"] = sent["severity"]
    if districts - set(codes) or len(districts) > MOST_DISTRICTS:
        return None
    try:
        return SubscriberChoices.model_validate(chosen)
    except ValidationError:
        return None

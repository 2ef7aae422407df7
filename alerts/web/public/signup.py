"""Subscribing on the town's pages: what e-mails and SMS have in common.

Of an address that isn't confirmed nothing is stored: address and choices are sealed and unreadable (`LinkSeal`), in a
link or in a form, and for a time alone. A seal subscribes once: used ones are known for two days, by a number that
reveals nothing of the address; so another owner of an old link can't resubscribe somebody who left. Networks and
addresses are rate-limited by digests under a secret of the day that never leaves the memory.

Who subscribed has a page of their own, at an address that nobody can guess: their choices, and leaving.
"""

from __future__ import annotations

import base64
import json
import secrets
from abc import ABC, abstractmethod
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
from alerts.model.post import Message
from alerts.model.rate_limit import SlidingWindow, take_each
from alerts.model.subscriber import MOST_ADDRESSES, Mailbox, Subscriber, Telephone
from alerts.reports.forgetting import SECRETS_KEPT
from alerts.web.posted import read_posted
from alerts.web.public.answers import HTML, UNKEPT, answer, respond
from alerts.web.public.asking import DayDigests, QuestionPace
from alerts.web.public.choices import SubscriberChoices, SubscriberPlaces, by_choice
from alerts.web.public.page import Pages, safety
from alerts.web.public.publisher import Publisher, nothing_there, own_page

A_NETWORK = 20
"""Confirmations that one network may have sent in ten minutes."""
A_DAY, INTERVAL = 3, timedelta(minutes=10)
"""Confirmations that one address gets in a day, and how far apart."""
MOST_BYTES = 64 * 1024
MOST_DISTRICTS = 100
"""More of them make a link that not every program keeps whole."""
LONGEST_SEAL = 7000
Invited = Literal["sent", "too_many", "later"]
"""The result of a request: a word was sent (or, at the address's limit, none: nobody learns it), or the refusal."""
STATUS_OF: Mapping[Invited, HTTPStatus] = {
    "sent": HTTPStatus.OK,
    "too_many": HTTPStatus.TOO_MANY_REQUESTS,
    "later": HTTPStatus.SERVICE_UNAVAILABLE,
}
_ONE_CLICK = "List-Unsubscribe"
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Signup:
    """The channel that people subscribe to. `write` hands over a message to one address, known by a name.

    It raises DeliveryError where that isn't out.
    """

    channel: str
    write: Callable[[str, Message, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kept:
    """The token of who is subscribed; None: they left since, and what they used to subscribe is spent."""

    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignupRequest:
    """A request for alerts to this address or number, by these choices, in this language."""

    address: str = field(repr=False)
    choices: SubscriberChoices
    language: str


@dataclass(frozen=True, slots=True)
class LinkSeal:
    """Makes a link's last part of an ask, and reads it again while it `lasts`; nobody else can do either.

    Its first bytes are chance: the `number` of the link, however the rest is spelled.
    """

    key: bytes
    lasts: timedelta

    def made(self, ask: SignupRequest, now: datetime) -> str:
        """The seal, for an address."""
        content = [ask.address, ask.language, int((now + self.lasts).timestamp()), ask.choices.model_dump(mode="json")]
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


class RecipientPace:
    """Which addresses were written to today, as digests: nobody can have a stranger's telephone flooded.

    `most` addresses are remembered. Each gets `A_DAY` messages a day, `INTERVAL` apart.
    """

    def __init__(self, most: int) -> None:
        self._digests = DayDigests()
        self._windows = (
            (A_DAY, SlidingWindow[str](timedelta(days=1).total_seconds(), most)),
            (1, SlidingWindow[str](INTERVAL.total_seconds(), most)),
        )

    def takes(self, address: str, now: datetime) -> bool:
        """Return True if one more message may go there, which then counts."""
        own, at = self._digests.of(address, now), now.timestamp()
        return take_each([(window, own, count) for count, window in self._windows], at)

    def gives_back(self, address: str, now: datetime) -> None:
        """The message that was counted then never left: whoever asks once more gets one."""
        for _, window in self._windows:
            window.give_back(self._digests.of(address, now))


class SignupPages(ABC):
    """Takes subscriptions to one channel, for one town: `way` is the first part of its addresses."""

    way: str
    template: str

    def __init__(self, publisher: Publisher, service: DeskService, signup: Signup, *, all_networks: int) -> None:
        self._publisher = publisher
        self._service = service
        self._signup = signup
        self._setting = setting = publisher.setting
        self._pages = {language: Pages(setting, language) for language in setting.languages}
        self._codes = {each.code for each in setting.town.districts}
        self._networks = QuestionPace(a_network=A_NETWORK, all_networks=all_networks)
        self._recipients = RecipientPace(144 * all_networks)  # as many as all networks may have written to in a day
        self._places = SubscriberPlaces(service, signup.channel, MOST_ADDRESSES)

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """Each address in each language."""

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
            if known is None or not isinstance(known.endpoint, Mailbox | Telephone):
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

    def _keep(self, unit: DeskUnit, endpoint: Mailbox | Telephone, ask: SignupRequest, name: str) -> Kept | None:
        """Subscribe that endpoint, with the token that it has already as long as it is subscribed. None: no room.

        A second time under one `name` changes nothing, and is spent for who left.
        """
        channel = self._signup.channel
        known = unit.subscribers.get(channel, endpoint.number)
        if not self._places.has_one_for(unit, endpoint.number):
            return None
        # The links that were sent already go on working.
        before = known.endpoint if known is not None else None
        token = before.token if isinstance(before, Mailbox | Telephone) else None
        if not is_first_use(unit, name):
            return Kept(token)
        token = token or endpoint.token
        unit.subscribers.put(channel, subscriber_by(replace(endpoint, token=token), ask.choices, ask.language))
        return Kept(token)

    def _to_own(self, request: web.Request, token: str) -> web.Response:
        path = self._setting.path(self._setting.language_of(request.path), f"{self.way}/{token}?kept")
        # In a fleet the door puts the town's own path before it.
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={**UNKEPT, "Location": path})

    async def _own(self, request: web.Request, known: Subscriber, *, is_kept: bool) -> web.Response:
        # In the language that was chosen: every letter has the same link, whatever language the town's pages begin in.
        language = known.language if known.language in self._pages else None
        rest = f"{self.way}/{request.match_info['token']}"
        return await self._page(request, "own", language=language, rest=rest, known=known, is_kept=is_kept)

    async def _form(self, request: web.Request) -> web.Response:
        """The empty form is the same for all: it alone is packed, and may be found by who searches for it."""
        language, headers = self._setting.language_of(request.path), safety(self._setting, posts=True)
        page = await self._made(language, "form", rest=self.way)
        return await respond(answer(page, HTML, extra=headers), request)

    async def _page(
        self,
        request: web.Request,
        what: str,
        *,
        status: int = HTTPStatus.OK,
        rest: str | None = None,
        language: str | None = None,
        **values: Any,
    ) -> web.Response:
        language = language or self._setting.language_of(request.path)
        return own_page(self._setting, await self._made(language, what, rest=rest or self.way, **values), status)

    async def _made(self, language: str, what: str, *, rest: str, **more: Any) -> str:
        snapshot = (await self._publisher.edition()).snapshot
        values = {"address": None, "known": None, "is_kept": False, "typed": "", "chosen": None, **more}
        return self._pages[language].reported(self.template, snapshot, rest, what=what, posts_to=rest, **values)


def is_first_use(unit: DeskUnit, link: str) -> bool:
    """Return True on the first use of a link, or of a code. That record is deleted with the secrets of its day."""
    unit.reports.drop_day_secrets(unit.now - SECRETS_KEPT)
    fresh = secrets.token_hex(16)
    return unit.reports.secret(f"day letter {link}", fresh, unit.now) == fresh


def subscriber_by(endpoint: Mailbox | Telephone, choices: SubscriberChoices, language: str) -> Subscriber:
    """Return the subscriber at that address, with these choices."""
    return by_choice(Subscriber(endpoint.number, endpoint=endpoint, token=digest(endpoint.token)), choices, language)


async def read_choices(request: web.Request, *more: str) -> Mapping[str, Any]:
    """The fields of a form; `district`, `topic` and whatever `more` are lists, however many were ticked."""
    form = await read_posted(request, MOST_BYTES)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    many = ("district", "topic", *more)
    return fields | {name: [each for each in form.getall(name, []) if isinstance(each, str)] for name in many}


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

"""SMS to people's telephones, by a French aggregator: OVHcloud, Octopush or smsmode.

Each post goes once to a list of numbers, and each part of it (`alerts.model.gsm`) costs money for each number. So:

- **Nothing is sent twice by itself.** An attempt without an answer is looked up by its reference, which is made of the
  post's id; what isn't found waits for an officer (`never_repeats`), for a second SMS costs money and frightens people.
- **The ceiling holds before the request.** What a post may cost is written down first (`budget.py`), and put right
  by what the answer says. One that would go over `daily_budget` or `monthly_budget` waits, with its reason;
  an administrator alone lifts a ceiling, for a day. What may be out counts as paid for.
- **No marketing.** Each provider is told that it is information (`noStopClause`, `alert`, `stop`): marketing is held
  back at night and on Sundays. Who wants no more SMS says so to the provider, which then leaves that number out.

OVHcloud sends to a list of receivers that lies there (`POST /sms/{service}/jobs`, signed; docs.ovh.com/fr/sms), under a
`tag` by which what is out is found. Octopush computes a campaign on one of its lists first, with its exact price, and
sends it once it is confirmed (dev.octopush.com); it doesn't say what it has sent, so that is left to officers. smsmode
takes the numbers themselves, which lie in a secret file, and finds a campaign by its `refClient` (dev.smsmode.com).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field, model_validator

from alerts.channels import ChannelKind
from alerts.channels.answer import (
    SLACK,
    Answer,
    RequestPurpose,
    count_of,
    id_of,
    identity_of,
    name_of,
    quote,
    unreadable,
)
from alerts.channels.budget import Budget
from alerts.channels.hearing import moment_of
from alerts.channels.json_api import JsonApi
from alerts.channels.settings import ChannelSettings, KeptPassword, Limit, SecretSource
from alerts.model.alert import Severity
from alerts.model.bounds import read_json, rows, table, tables
from alerts.model.errors import BadCredential, DatabaseRefused, DeliveryError, InDoubt, Rejected, Retry
from alerts.model.gsm import room_in, size_of, spelled
from alerts.model.ports import Probe, Resources
from alerts.model.post import Means, Message, Quota, Receipt, TextFormat
from alerts.model.reason import Reason, because
from alerts.model.town import RateLimit

_NAMES = {"ovh": "OVHcloud", "octopush": "Octopush", "smsmode": "smsmode"}
_OF_OVH, _OF_OCTOPUSH = ("secret", "consumer_key", "service", "contacts"), ("login", "contacts")
_NEEDS = {"ovh": _OF_OVH, "octopush": _OF_OCTOPUSH, "smsmode": ("numbers",)}
"""The keys that each provider needs, of those that not all have."""
_NUMBER = re.compile(r"\+[1-9]\d{7,14}")
_ON_LIST = "/v1/public/sms-campaign-on-list"
_PEOPLE = "people"
"""The fact that keeps how many are on the list, so that a restart doesn't have to ask before it sends."""
_LONGEST_LIFE = timedelta(days=2)


class SmsSettings(ChannelSettings):
    """`kind = "sms"`: a list of numbers at a provider, and what an SMS may cost.

    `key` is the provider's API key. `contacts` is a list there: OVHcloud's receivers by number, Octopush's by name;
    smsmode gets `numbers`. `price` is that of a part to one number, in euros; a text has `parts` at the most.
    """

    kind: Literal["sms"]
    api_url: str = ""
    provider: Literal["ovh", "octopush", "smsmode"]
    sender: str = Field(pattern=r"^[A-Za-z0-9]{3,11}$", examples=["STMARTIN"])
    key: SecretSource
    secret: SecretSource | None = None
    consumer_key: SecretSource | None = None
    login: str | None = Field(default=None, pattern=r"^[\x21-\x7e]{1,200}$", examples=["mairie@saint-martin.example"])
    service: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{1,60}$", examples=["sms-ab12345-1"])
    contacts: str | None = Field(default=None, pattern=r"^[^\s/?#][^/?#\r\n]{0,59}$", examples=["1234"])
    numbers: SecretSource | None = None
    price: float = Field(gt=0, le=10, examples=[0.07])
    daily_budget: float = Field(gt=0, le=1_000_000, examples=[200])
    monthly_budget: float = Field(gt=0, le=1_000_000, examples=[600])
    parts: int = Field(default=2, ge=1, le=8)
    severity: Severity = Severity.SEVERE
    limits: tuple[Limit, ...] = (RateLimit(10, timedelta(hours=1)),)
    on_update: Means = Means.NEW
    on_end: Means = Means.NEW

    def written(self, text: TextFormat) -> TextFormat:
        """As long as so many parts."""
        return replace(text, limit=room_in(self.parts))

    @model_validator(mode="after")
    def _fits_its_provider(self) -> SmsSettings:
        own, name = _NEEDS[self.provider], _NAMES[self.provider]
        for key in dict.fromkeys(each for needed in _NEEDS.values() for each in needed):
            if key in own and getattr(self, key) is None:
                raise ValueError(because("sms_key_missing", key=key, provider=name))
            if key not in own and getattr(self, key) is not None:
                raise ValueError(because("sms_key_of_another", key=key, provider=name))
        return self


@dataclass(frozen=True, slots=True)
class _Campaign:
    """A campaign about to be sent: to how many, for how much if the provider says it, and under which id there.

    `life` is for how long a network may try to reach a telephone that is off.
    """

    text: str
    people: int
    euros: float | None = None
    ticket: str = ""
    life: timedelta = _LONGEST_LIFE


class _Provider(ABC):
    """The requests of a provider, with its keys in headers. Each raises DeliveryError; only `send` costs money."""

    url: str

    def __init__(self, name: str, settings: SmsSettings, resources: Resources) -> None:
        self.called = _NAMES[settings.provider]
        self._settings = settings.model_copy(update={"api_url": settings.api_url or self.url})
        self._resources = resources
        self._json = JsonApi(self.called, name, self._settings, resources, settings.key)
        sources = (settings.secret, settings.consumer_key)
        self._kept = tuple(KeptPassword(name, source, resources.folder) for source in sources)

    def open(self) -> None:
        self._json.open()
        for each in self._kept:
            each.read()

    def close(self) -> None:
        self._json.close()
        for each in self._kept:
            each.forget()

    def people(self) -> int | None:
        """How many were on the list when it was counted last; None: it never was."""
        kept = self._resources.recall(_PEOPLE)
        return int(kept) if kept else None

    async def keep(self, people: int) -> None:
        """Keep how many are on the list."""
        if people != self.people():
            with contextlib.suppress(DatabaseRefused):  # it is counted again
                await self._resources.remember(_PEOPLE, str(people))

    @abstractmethod
    async def prepare(self, text: str) -> _Campaign:
        """Return what will be sent, to how many."""

    @abstractmethod
    async def send(self, campaign: _Campaign, reference: str) -> tuple[str, float | None]:
        """Send it, once. Returns its id, and the euros that were paid if the provider says it."""

    @abstractmethod
    async def find(self, reference: str, since: datetime) -> str | None:
        """Return the id of what was sent under that reference. Raises InDoubt where nobody can say."""

    @abstractmethod
    async def look(self) -> tuple[str, int | None, tuple[Reason, ...]]:
        """Return the account, how many are on the list, and what is wrong."""

    @abstractmethod
    async def _headers(self, method: str, route: str, content: bytes) -> dict[str, str]: ...

    async def _ask(self, method: str, route: str, act: RequestPurpose, body: Mapping[str, Any] | None = None) -> Answer:
        content = json.dumps(body).encode() if body is not None else b""
        headers = {"Content-Type": "application/json", **await self._headers(method, route, content)}
        answer = await self._json.request(method, route, act, content or None, headers=headers, token="")
        if answer.status == 402:
            raise BadCredential(because("sms_no_credit", provider=self.called))
        return self._json.check(answer, act)

    async def _read(self, route: str) -> dict[str, Any]:
        return (await self._ask("GET", route, RequestPurpose.READ)).read() or {}


class _Ovh(_Provider):
    url = "https://eu.api.ovh.com"
    # By how much its clock is ahead of ours; None: nobody asked yet.
    _ahead: timedelta | None = None

    async def prepare(self, text: str) -> _Campaign:
        return _Campaign(text, self.people() or await self._count())

    async def send(self, campaign: _Campaign, reference: str) -> tuple[str, float | None]:
        text, coding = campaign.text, "8bit" if size_of(campaign.text).foreign else "7bit"
        body = {"message": text, "charset": "UTF-8", "coding": coding, "class": "phoneDisplay", "priority": "high"}
        body |= {"sender": self._settings.sender, "receiversSlotId": self._settings.contacts or "", "tag": reference}
        job = {**body, "noStopClause": True, "validityPeriod": int(campaign.life / timedelta(minutes=1))}
        answer = await self._ask("POST", f"{self._route}/jobs", RequestPurpose.PUBLISH, job)
        removed = _amount((answer.read() or {}).get("totalCreditsRemoved"))
        if removed is None:
            raise unreadable(self.called, answer, RequestPurpose.PUBLISH)
        return reference, removed * self._settings.price

    async def find(self, reference: str, since: datetime) -> str | None:
        asked = {"tag": reference, "creationDatetime.from": since.astimezone(UTC).isoformat(timespec="seconds")}
        found = await self._ask("GET", f"{self._route}/outgoing?{urlencode(asked)}", RequestPurpose.READ)
        # A list of ids, one for each number: thousands.
        if not isinstance(ids := read_json(found.body), list):
            raise unreadable(self.called, found, RequestPurpose.READ)
        return reference if ids else None

    async def look(self) -> tuple[str, int | None, tuple[Reason, ...]]:
        self._ahead = None
        account, people = await self._read(self._route), await self._count()
        sender = await self._read(f"{self._route}/senders/{self._settings.sender}")
        warnings = []
        if sender.get("status") != "enable":
            warnings.append(because("sms_sender_waits", sender=self._settings.sender, provider=self.called))
        if (left := _amount(account.get("creditsLeft"))) is not None and left < people:
            warnings.append(because("sms_credit_low", provider=self.called, left=int(left), people=people))
        return name_of(account.get("name")) or str(self._settings.service), people, tuple(warnings)

    @property
    def _route(self) -> str:
        return f"/1.0/sms/{self._settings.service}"

    async def _count(self) -> int:
        answer = await self._ask("GET", f"{self._route}/receivers/{self._settings.contacts}", RequestPurpose.READ)
        people = count_of((answer.read() or {}).get("records"))
        if people is None:
            raise unreadable(self.called, answer, RequestPurpose.READ)
        return people

    async def _headers(self, method: str, route: str, content: bytes) -> dict[str, str]:
        secret, consumer = (kept.reveal() if (kept := each.value()) else "" for each in self._kept)
        if self._ahead is None:
            clock = await self._json.request("GET", "/1.0/auth/time", RequestPurpose.READ, token="")
            # A bare number, which is no JSON object as refusals are.
            seconds = clock.body[:11].strip() if clock.ok else self._json.check(clock, RequestPurpose.READ).body
            now = self._resources.clock.now()
            self._ahead = datetime.fromtimestamp(int(seconds), UTC) - now if seconds.isdigit() else timedelta()
        at = str(int((self._resources.clock.now() + self._ahead).timestamp()))
        signed = "+".join((secret, consumer, method, self._settings.api_url + route, content.decode(), at))
        headers = {"X-Ovh-Application": self._json.secret, "X-Ovh-Consumer": consumer, "X-Ovh-Timestamp": at}
        return headers | {"X-Ovh-Signature": f"$1${hashlib.sha1(signed.encode()).hexdigest()}"}  # noqa: S324 its own form


class _Octopush(_Provider):
    url = "https://api.octopush.com"

    async def prepare(self, text: str) -> _Campaign:
        body: dict[str, Any] = {"list_name": self._settings.contacts, "text": text, "sender": self._settings.sender}
        # Optimised, it would lose accents that are in the alphabet, and be counted otherwise than was shown.
        body |= {"type": "sms_premium", "purpose": "alert", "auto_optimize_text": False}
        body["auto_remove_blacklisted_numbers"] = True
        # A campaign that isn't confirmed is never sent: made twice, it costs nothing.
        made = await self._ask("POST", f"{_ON_LIST}/create", RequestPurpose.READ, body)
        ticket = id_of((made.read() or {}).get("ticket_number"))
        if ticket is None:
            raise unreadable(self.called, made, RequestPurpose.READ)
        for _ in range(8):  # seconds
            state = await self._state(ticket)
            # Its documentation has both "ready_to_be_sent" and "ready_to_be_send".
            people = count_of(state.get("number_of_contacts"))
            if str(state.get("status")).startswith("ready") and people is not None:
                return _Campaign(text, people, _amount(state.get("cost")), ticket)
            if state.get("status") == "failed":
                raise Rejected(because("content_refused", platform=self.called, said=quote(state.get("message"))))
            await self._resources.clock.sleep(1.0)
        raise Retry(because("sms_still_computed", provider=self.called), sent=False)

    async def send(self, campaign: _Campaign, reference: str) -> tuple[str, float | None]:  # noqa: ARG002 the ticket is it
        act = RequestPurpose.PUBLISH
        answer = await self._ask("POST", f"{_ON_LIST}/send", act, {"ticket_number": campaign.ticket})
        if name_of((answer.read() or {}).get("sending_date")) is None:
            raise unreadable(self.called, answer, act)
        return campaign.ticket, campaign.euros

    async def find(self, reference: str, since: datetime) -> str | None:  # noqa: ARG002 it has no references
        raise InDoubt(because("sms_not_searched", provider=self.called))

    async def look(self) -> tuple[str, int | None, tuple[Reason, ...]]:
        asked = urlencode({"product_name": "sms_premium", "country_code": "FR"})
        await self._read(f"/v1/public/wallet/check-balance?{asked}")
        return str(self._settings.login), None, ()

    async def _state(self, ticket: str) -> dict[str, Any]:
        try:
            return await self._read(f"{_ON_LIST}/status?{urlencode({'ticket_number': ticket})}")
        except Rejected:  # 400 as long as it isn't ready
            return {}

    async def _headers(self, method: str, route: str, content: bytes) -> dict[str, str]:  # noqa: ARG002
        return {"api-key": self._json.secret, "api-login": self._settings.login or ""}


class _Smsmode(_Provider):
    url = "https://rest.smsmode.com"

    async def prepare(self, text: str) -> _Campaign:
        return _Campaign(text, len(self._numbers()))

    async def send(self, campaign: _Campaign, reference: str) -> tuple[str, float | None]:
        text, encoding = campaign.text, "UNICODE" if size_of(campaign.text).foreign else "GSM7"
        recipients = [{"to": number.removeprefix("+")} for number in self._numbers()]
        body = {"name": reference, "refClient": reference, "from": self._settings.sender, "recipients": recipients}
        whole = {**body, "body": {"text": text, "encoding": encoding, "stop": False}}
        answer = await self._ask("POST", "/sms/v1/campaigns", RequestPurpose.PUBLISH, whole)
        made = answer.read() or {}
        if id_of(made.get("campaignId")) is None:
            raise unreadable(self.called, answer, RequestPurpose.PUBLISH)
        return reference, _amount(table(made.get("price")).get("amount"))

    async def find(self, reference: str, since: datetime) -> str | None:
        asked = urlencode({"refClient": reference, "pageSize": 100})
        answer = await self._ask("GET", f"/sms/v1/campaigns?{asked}", RequestPurpose.READ)
        for each in tables(self._json.part(answer, "items", list)):
            at = moment_of(each.get("acceptedAt"))
            if each.get("refClient") == reference and at is not None and at >= since:
                return reference
        return None

    async def look(self) -> tuple[str, int | None, tuple[Reason, ...]]:
        listed = rows((await self._read("/commons/v1/organisations")).get("items"))
        return name_of(table(next(iter(listed), None)).get("name")) or self.called, len(self._numbers()), ()

    def _numbers(self) -> list[str]:
        """Read anew each time: somebody may have asked to be left out since."""
        source = self._settings.numbers
        lines = source.read(self._resources.folder).reveal().split() if source else []
        wrong = next((place for place, each in enumerate(lines, 1) if not _NUMBER.fullmatch(each)), None)
        if wrong is not None:
            raise BadCredential(because("sms_no_number", line=wrong))
        return list(dict.fromkeys(lines))

    async def _headers(self, method: str, route: str, content: bytes) -> dict[str, str]:  # noqa: ARG002
        return {"X-Api-Key": self._json.secret}


_PROVIDERS: Mapping[str, type[_Provider]] = {"ovh": _Ovh, "octopush": _Octopush, "smsmode": _Smsmode}


class Sms:
    """A list of telephones. Sends once, and finds what is out where the provider can say it."""

    never_repeats = True

    def __init__(self, name: str, settings: SmsSettings, resources: Resources) -> None:
        self._settings, self._clock = settings, resources.clock
        self._budget = Budget(resources, settings.daily_budget, settings.monthly_budget)
        self._provider = _PROVIDERS[settings.provider](name, settings, resources)

    async def open(self) -> None:
        """Read the keys; raises BadCredential where one is missing. Sends nothing."""
        self._provider.open()

    async def close(self) -> None:
        """Forget the keys; the session is the process's."""
        self._provider.close()

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Send the words to everybody on the list. Raises Retry where that would cost more than may be spent."""
        text, post = spelled(message.text), identity_of(message, reply_to)
        size = size_of(text)
        if size.parts > self._settings.parts:
            raise Rejected(because("sms_too_many_parts", parts=size.parts, most=self._settings.parts))
        each = size.parts * self._settings.price
        # Before the provider is asked for anything: what is too dear isn't prepared again and again.
        await self._budget.afford(each * (self._provider.people() or 0))
        campaign = replace(await self._provider.prepare(text), life=self._life(message))
        await self._provider.keep(campaign.people)
        if not campaign.people:
            raise Rejected(because("sms_nobody", provider=self._provider.called))
        euros = campaign.euros if campaign.euros is not None else each * campaign.people
        await self._budget.book(post, euros)
        try:
            remote_id, paid = await self._provider.send(campaign, _reference(post))
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
        found = await self._provider.find(_reference(identity_of(message, reply_to)), since - SLACK)
        return Receipt(found) if found is not None and found not in known else None

    async def probe(self) -> Probe:
        """Ask for the account and how many are on the list. The keys are read anew before."""
        self._provider.open()
        account, people, warnings = await self._provider.look()
        if people is not None:
            await self._provider.keep(people)
        empty = (because("sms_nobody", provider=self._provider.called),) if people == 0 else ()
        return Probe(account, (*warnings, *empty), self._provider.people() if people is None else people)

    def quotas(self) -> Sequence[Quota]:
        """Always empty: a provider tells of its limits in a refusal alone."""
        return ()

    def _life(self, message: Message) -> timedelta:
        """Until the alert is over: nobody is to be told of it when a telephone is switched on the day after."""
        ends = message.about.expires if message.about else None
        left = ends - self._clock.now() if ends else _LONGEST_LIFE
        return max(min(left, _LONGEST_LIFE), timedelta(minutes=5))


def _reference(post: str) -> str:
    """Return what names a post at a provider: short enough for a tag of OVHcloud's."""
    return hashlib.sha256(post.encode()).hexdigest()[:20]


def _amount(value: object) -> float | None:
    """Return a value from an answer as an amount of money or credits. Returns None if it can't be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e9 else None


KIND = ChannelKind(SmsSettings, TextFormat(limit=room_in(2), count="gsm"), "alerts.channels.sms:Sms")

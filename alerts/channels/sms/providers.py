"""The requests of three SMS providers, each by its own API, to a whole list or to one number.

OVHcloud sends to a list of receivers that lies there, or to numbers (`POST /sms/{service}/jobs`, signed;
docs.ovh.com/fr/sms), under a `tag` by which what is out is found. Octopush computes a campaign on one of its lists
first, with its exact price, and sends it once it is confirmed; to one number it sends at once (dev.octopush.com). It
doesn't say what it has sent, so that is left to officers. smsmode takes the numbers themselves, which lie in a secret
file, and finds a campaign by its `refClient` (dev.smsmode.com).

Each provider is told that it is information (`noStopClause`, `alert`, `stop`): marketing is held back at night and on
Sundays.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from alerts.channels.answer import Answer, RequestPurpose, count_of, id_of, name_of, quote, unreadable
from alerts.channels.hearing import moment_of
from alerts.channels.json_api import JsonApi
from alerts.channels.settings import KeptPassword
from alerts.channels.sms.settings import NAMES, SmsSettings
from alerts.model.bounds import read_json, rows, table, tables
from alerts.model.errors import BadCredential, DatabaseRefused, Gone, InDoubt, Rejected, Retry
from alerts.model.gsm import size_of
from alerts.model.ports import Resources, TextHeard
from alerts.model.reason import Reason, because
from alerts.model.telephone import E164

_ON_LIST, _AT_ONCE = "/v1/public/sms-campaign-on-list", "/v1/public/sms-campaign/send"
_PEOPLE = "people"
"""The fact that keeps how many are on the list, so that a restart doesn't have to ask before it sends."""
LONGEST_LIFE = timedelta(days=2)
MOST_HEARD = 50
"""SMS from people that are read at once."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign about to be sent: to how many, for how much if the provider says it, and under which id there.

    `life` is for how long a network may try to reach a telephone that is off. `to` is the one number that it is for;
    None: it is for the list.
    """

    text: str
    people: int
    euros: float | None = None
    ticket: str = ""
    life: timedelta = LONGEST_LIFE
    to: str | None = field(default=None, repr=False)


class Provider(ABC):
    """The requests of a provider, with its keys in headers. Each raises DeliveryError; only `send` costs money."""

    url: str

    def __init__(self, name: str, settings: SmsSettings, resources: Resources) -> None:
        self.called = NAMES[settings.provider]
        self._settings = settings.model_copy(update={"api_url": settings.api_url or self.url})
        self._resources = resources
        self._json = JsonApi(self.called, name, self._settings, resources, settings.key)
        sources = (settings.secret, settings.consumer_key)
        self._kept = tuple(KeptPassword(name, source, resources.folder) for source in sources)

    def open(self) -> None:
        """Read the keys anew; raises BadCredential where one is missing."""
        self._json.open()
        for each in self._kept:
            each.read()

    def check_open(self) -> None:
        """Raise BadCredential unless the keys are read."""
        assert self._json.secret  # noqa: S101 a credential isn't empty

    def close(self) -> None:
        """Forget the keys."""
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
    async def prepare(self, text: str) -> Campaign:
        """Return what will be sent, to how many."""

    @abstractmethod
    async def send(self, campaign: Campaign, reference: str) -> tuple[str, float | None]:
        """Send it, once. Returns its id, and the euros that were paid if the provider says it.

        Raises Gone where it was for one number, and the provider says that there is no such telephone.
        """

    @abstractmethod
    async def find(self, reference: str, since: datetime) -> str | None:
        """Return the id of what was sent under that reference. Raises InDoubt where nobody can say."""

    async def heard(self, after: int) -> Sequence[TextHeard]:  # noqa: ARG002 most have no number that takes answers
        """Return what people wrote to the town's number, from that id on, oldest first: `MOST_HEARD` at once."""
        return ()

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


class _Ovh(Provider):
    url = "https://eu.api.ovh.com"
    # By how much its clock is ahead of ours; None: nobody asked yet.
    _ahead: timedelta | None = None

    async def prepare(self, text: str) -> Campaign:
        return Campaign(text, self.people() or await self._count())

    async def send(self, campaign: Campaign, reference: str) -> tuple[str, float | None]:
        text, coding = campaign.text, "8bit" if size_of(campaign.text).foreign else "7bit"
        body: dict[str, Any] = {
            "message": text,
            "charset": "UTF-8",
            "coding": coding,
            "class": "phoneDisplay",
            "priority": "high",
        }
        # From a number that can be answered, or from the town's name, which can't.
        body |= {"senderForResponse": True} if self._settings.number else {"sender": self._settings.sender}
        body |= {"receivers": [campaign.to]} if campaign.to else {"receiversSlotId": self._settings.contacts or ""}
        body |= {"tag": reference, "noStopClause": True, "validityPeriod": int(campaign.life / timedelta(minutes=1))}
        answer = await self._ask("POST", f"{self._route}/jobs", RequestPurpose.PUBLISH, body)
        said = answer.read() or {}
        removed = _amount(said.get("totalCreditsRemoved"))
        if removed is None:
            raise unreadable(self.called, answer, RequestPurpose.PUBLISH)
        if campaign.to and said.get("invalidReceivers") == [campaign.to]:
            raise Gone(because("sms_no_telephone", provider=self.called))
        return reference, removed * self._settings.price

    async def find(self, reference: str, since: datetime) -> str | None:
        asked = {"tag": reference, "creationDatetime.from": since.astimezone(UTC).isoformat(timespec="seconds")}
        found = await self._ask("GET", f"{self._route}/outgoing?{urlencode(asked)}", RequestPurpose.READ)
        # A list of ids, one for each number: thousands.
        if not isinstance(ids := read_json(found.body), list):
            raise unreadable(self.called, found, RequestPurpose.READ)
        return reference if ids else None

    async def heard(self, after: int) -> Sequence[TextHeard]:
        since = (self._resources.clock.now() - LONGEST_LIFE).astimezone(UTC).isoformat(timespec="seconds")
        asked = urlencode({"creationDatetime.from": since})
        listed = await self._ask("GET", f"{self._route}/incoming?{asked}", RequestPurpose.READ)
        if not isinstance(found := read_json(listed.body), list):
            raise unreadable(self.called, listed, RequestPurpose.READ)
        ids = sorted({each for each in found if isinstance(each, int) and after <= each < 2**53})
        return [await self._one_heard(each) for each in ids[:MOST_HEARD]]

    async def _one_heard(self, number: int) -> TextHeard:
        said = await self._read(f"{self._route}/incoming/{number}")
        sender, text = said.get("sender"), said.get("message")
        return TextHeard(number, str(sender or "")[:40], str(text or "")[:200])

    async def look(self) -> tuple[str, int | None, tuple[Reason, ...]]:
        self._ahead = None
        account = await self._read(self._route)
        people = await self._count() if self._settings.has_list else None
        sender = await self._read(f"{self._route}/senders/{self._settings.sender}")
        warnings = []
        if sender.get("status") != "enable":
            warnings.append(because("sms_sender_waits", sender=self._settings.sender, provider=self.called))
        if (left := _amount(account.get("creditsLeft"))) is not None and left < (people or 1):
            warnings.append(because("sms_credit_low", provider=self.called, left=int(left), people=people or 1))
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


class _Octopush(Provider):
    url = "https://api.octopush.com"

    async def prepare(self, text: str) -> Campaign:
        body: dict[str, Any] = {"list_name": self._settings.contacts, "text": text, **self._sent_as}
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
                return Campaign(text, people, _amount(state.get("cost")), ticket)
            if state.get("status") == "failed":
                raise Rejected(because("content_refused", platform=self.called, said=quote(state.get("message"))))
            await self._resources.clock.sleep(1.0)
        raise Retry(because("sms_still_computed", provider=self.called), sent=False)

    async def send(self, campaign: Campaign, reference: str) -> tuple[str, float | None]:
        act = RequestPurpose.PUBLISH
        if campaign.to is not None:
            body = {"recipients": [{"phone_number": campaign.to}], "text": campaign.text, **self._sent_as}
            answer = await self._ask("POST", _AT_ONCE, act, body)
            self._json.id_in(answer, act, "sms_ticket")
            return reference, _amount((answer.read() or {}).get("total_cost"))
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

    @property
    def _sent_as(self) -> dict[str, Any]:
        # Optimised, it would lose accents that are in the alphabet, and be counted otherwise than was shown.
        how = {"type": "sms_premium", "purpose": "alert", "auto_optimize_text": False}
        return {"sender": self._settings.sender, **how}

    async def _state(self, ticket: str) -> dict[str, Any]:
        try:
            return await self._read(f"{_ON_LIST}/status?{urlencode({'ticket_number': ticket})}")
        except Rejected:  # 400 as long as it isn't ready
            return {}

    async def _headers(self, method: str, route: str, content: bytes) -> dict[str, str]:  # noqa: ARG002
        return {"api-key": self._json.secret, "api-login": self._settings.login or ""}


class _Smsmode(Provider):
    url = "https://rest.smsmode.com"

    async def prepare(self, text: str) -> Campaign:
        return Campaign(text, len(self._numbers()))

    async def send(self, campaign: Campaign, reference: str) -> tuple[str, float | None]:
        text, encoding = campaign.text, "UNICODE" if size_of(campaign.text).foreign else "GSM7"
        numbers = [campaign.to] if campaign.to else self._numbers()
        recipients = [{"to": number.removeprefix("+")} for number in numbers]
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
        people = len(self._numbers()) if self._settings.has_list else None
        return name_of(table(next(iter(listed), None)).get("name")) or self.called, people, ()

    def _numbers(self) -> list[str]:
        """Read anew each time: somebody may have asked to be left out since."""
        source = self._settings.numbers
        lines = source.read(self._resources.folder).reveal().split() if source else []
        wrong = next((place for place, each in enumerate(lines, 1) if not re.fullmatch(E164, each)), None)
        if wrong is not None:
            raise BadCredential(because("sms_no_number", line=wrong))
        return list(dict.fromkeys(lines))

    async def _headers(self, method: str, route: str, content: bytes) -> dict[str, str]:  # noqa: ARG002
        return {"X-Api-Key": self._json.secret}


_PROVIDERS: Mapping[str, type[Provider]] = {"ovh": _Ovh, "octopush": _Octopush, "smsmode": _Smsmode}


def provider_of(name: str, settings: SmsSettings, resources: Resources) -> Provider:
    """Return the provider of that channel; its keys aren't read yet."""
    return _PROVIDERS[settings.provider](name, settings, resources)


def _amount(value: object) -> float | None:
    """Return a value from an answer as an amount of money or credits. Returns None if it can't be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e9 else None

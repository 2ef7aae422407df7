"""A stand-in of three SMS providers: OVHcloud, Octopush and smsmode, each with its rules, and one timeline.

It bills each number for each part, as 3GPP TS 23.038 counts them, and refuses what the real ones refuse: a signature or
a clock that is off, a sender that isn't validated, a list that isn't there, a campaign that is sent before it is
computed, and whatever there is no credit for.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.settings import (
    OCTOPUSH_KEY,
    OCTOPUSH_LOGIN,
    OVH_CONSUMER,
    OVH_KEY,
    OVH_SECRET,
    OVH_SERVICE,
    SMS_LIST,
    SMS_PEOPLE,
    SMS_SENDER,
    SMSMODE_KEY,
)
from tocsin_sandbox.state import Post, State

PRICE = 0.06
"""Euros of a part to one number, at Octopush and smsmode."""
LONGEST = 1224
"""Characters that a provider takes at the most."""
CREDITS = 5_000_000
COMPUTED_AFTER = 2
"""Questions after a campaign's state until it is ready."""
_SLACK, _LONGEST_TAG = 30, 20
_OVH, _ON_LIST = f"/1.0/sms/{OVH_SERVICE}", "/v1/public/sms-campaign-on-list"
_AT_ONCE = "/v1/public/sms-campaign/send"
_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_NUMBER = re.compile(r"[1-9]\d{7,14}")


def parts_of(text: str) -> int:
    """How many SMS a text takes on one telephone."""
    if all(each in _ALPHABET or each in _EXTENSION for each in text):
        weights, alone, part = [2 if each in _EXTENSION else 1 for each in text], 160, 153
    else:
        weights, alone, part = [1 if each <= "\uffff" else 2 for each in text], 70, 67
    if sum(weights) <= alone:
        return 1
    parts, filled = 1, 0
    for weight in weights:
        parts, filled = (parts + 1, weight) if filled + weight > part else (parts, filled + weight)
    return parts


@dataclass(slots=True)
class Campaign:
    """A campaign of Octopush: how often its state was asked, and whether it was sent."""

    text: str
    asked: int = 0
    sent: bool = False


class Sms:
    """What was sent, by whichever provider, and what is left of the credit."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._campaigns: dict[str, Campaign] = {}
        self.credits = CREDITS
        self.gone: set[str] = set()
        self.written: list[tuple[str, str]] = []

    def answer(self, asked: Asked) -> Answer:
        """What the provider says whose path it is."""
        if asked.path == "/1.0/auth/time":
            return Answer(200, str(int(asked.at)).encode())
        if asked.path.startswith("/1.0/"):
            return self._of_ovh(asked)
        return self._of_octopush(asked) if asked.path.startswith("/v1/public/") else self._of_smsmode(asked)

    def _of_ovh(self, asked: Asked) -> Answer:
        if (wrong := _unsigned(asked)) is not None:
            return wrong
        asked_for = asked.method, asked.path.removeprefix(_OVH)
        known: dict[tuple[str, str], Any] = {
            ("GET", ""): {"name": OVH_SERVICE, "creditsLeft": self.credits, "status": "enable"},
            ("GET", f"/receivers/{SMS_LIST}"): {"slotId": int(SMS_LIST), "records": SMS_PEOPLE, "autoUpdate": False},
            ("GET", f"/senders/{SMS_SENDER}"): {"sender": SMS_SENDER, "status": "enable"},
        }
        if asked_for in known:
            return answer_json(known[asked_for])
        if asked_for == ("GET", "/outgoing"):
            return self._outgoing(asked)
        if asked_for[0] == "GET" and asked_for[1].startswith("/incoming"):
            return self._incoming(asked_for[1].removeprefix("/incoming").removeprefix("/"))
        if asked_for == ("POST", "/jobs"):
            return self._job(asked, asked.json if isinstance(asked.json, dict) else {})
        return refused(404, "The requested object does not exist")

    def _job(self, asked: Asked, told: dict[str, Any]) -> Answer:
        text, tag = told.get("message"), told.get("tag", "")
        to = told.get("receivers")
        is_listed = to is None and told.get("receiversSlotId") == SMS_LIST
        if not is_listed and not (
            isinstance(to, list) and len(to) == 1 and re.fullmatch(r"\+[1-9]\d{7,14}", str(to[0]))
        ):
            return refused(400, "Invalid parameter: receivers or receiversSlotId")
        if told.get("sender") != (None if told.get("senderForResponse") else SMS_SENDER):
            return refused(400, "Invalid parameter: sender")
        if not told.get("noStopClause"):
            return refused(400, "marketing is not taken here: it would wait until the morning")
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST or len(tag) > _LONGEST_TAG:
            return refused(400, "Invalid parameter: message or tag")
        if to and to[0] in self.gone:
            return answer_json({"totalCreditsRemoved": 0, "ids": [], "validReceivers": [], "invalidReceivers": to})
        cost = parts_of(text) * (1 if to else SMS_PEOPLE)
        if cost > self.credits:
            return refused(402, "Not enough credits")
        self.credits -= cost
        self._keep(asked, tag, text, "ovh", to[0] if to else "")
        return answer_json({"totalCreditsRemoved": cost, "ids": [1], "validReceivers": [], "invalidReceivers": []})

    def write(self, number: str, text: str) -> int:
        """Somebody writes to the town's number; returns the id under which it is kept."""
        self.written.append((number, text))
        return len(self.written)

    def _incoming(self, wanted: str) -> Answer:
        if not wanted:
            return Answer(200, json.dumps(list(range(1, len(self.written) + 1))).encode())
        if not wanted.isdecimal() or not 0 < int(wanted) <= len(self.written):
            return refused(404, "The requested object does not exist")
        number, text = self.written[int(wanted) - 1]
        return answer_json({"id": int(wanted), "sender": number, "message": text, "tag": "", "credits": 0})

    def _outgoing(self, asked: Asked) -> Answer:
        told = dict(asked.query)
        since = datetime.fromisoformat(told["creationDatetime.from"]).timestamp()
        there = [each for each in self._state.posts("sms").values() if each.id.partition("#")[0] == told.get("tag")]
        seen = [each for each in there if since <= each.created_at <= asked.at - asked.lag]
        return Answer(200, json.dumps([SMS_PEOPLE + place for place, _ in enumerate(seen)]).encode())

    def _of_octopush(self, asked: Asked) -> Answer:
        if (asked.headers.get("api-key"), asked.headers.get("api-login")) != (OCTOPUSH_KEY, OCTOPUSH_LOGIN):
            return revoked()
        told = asked.arguments()
        if asked.path == "/v1/public/wallet/check-balance":
            return answer_json({"amount": self.credits, "unit": "SMS"})
        return self._at_once(asked, told) if asked.path == _AT_ONCE else self._on_list(asked, told)

    def _on_list(self, asked: Asked, told: dict[str, Any]) -> Answer:
        asked_for = asked.method, asked.path.removeprefix(_ON_LIST)
        if asked_for == ("POST", "/create"):
            return self._create(told)
        ticket = str(told.get("ticket_number"))
        campaign = self._campaigns.get(ticket)
        if campaign is None or campaign.sent:
            return refused(400, "No such campaign is waiting to be sent")
        if asked_for == ("GET", "/status"):
            return self._state_of(campaign)
        if asked_for != ("POST", "/send"):
            return refused(404, "Not found")
        if campaign.asked <= COMPUTED_AFTER:
            return refused(400, "The campaign is not ready")
        campaign.sent = True
        self._keep(asked, ticket, campaign.text, "octopush")
        return answer_json({"sending_date": datetime.fromtimestamp(asked.at, UTC).isoformat()})

    def _state_of(self, campaign: Campaign) -> Answer:
        campaign.asked += 1
        if campaign.asked <= COMPUTED_AFTER:
            return answer_json({"number_of_contacts": 0, "cost": 0, "status": "under_computation"})
        cost = round(PRICE * parts_of(campaign.text) * SMS_PEOPLE, 2)
        return answer_json({"number_of_contacts": SMS_PEOPLE, "cost": cost, "status": "ready_to_be_sent"})

    def _create(self, told: dict[str, Any]) -> Answer:
        text = told.get("text")
        if told.get("list_name") != SMS_LIST or told.get("sender") != SMS_SENDER or told.get("purpose") != "alert":
            return refused(400, "list_name, sender or purpose is wrong")
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
            return refused(400, "text: from 1 to 1224 characters")
        ticket = f"sms_{len(self._campaigns) + 1:08d}"
        self._campaigns[ticket] = Campaign(text)
        return answer_json({"ticket_number": ticket}, 201)

    def _at_once(self, asked: Asked, told: dict[str, Any]) -> Answer:
        text, to = told.get("text"), told.get("recipients")
        if (
            told.get("sender") != SMS_SENDER
            or told.get("purpose") != "alert"
            or not isinstance(to, list)
            or len(to) != 1
        ):
            return refused(400, "recipients, sender or purpose is wrong")
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
            return refused(400, "text: from 1 to 1224 characters")
        ticket = f"sms_{len(self._campaigns) + 1:08d}"
        self._campaigns[ticket] = Campaign(text, sent=True)
        self._keep(asked, ticket, text, "octopush", str(to[0].get("phone_number")))
        cost = round(PRICE * parts_of(text), 2)
        return answer_json({"sms_ticket": ticket, "number_of_contacts": 1, "total_cost": cost}, 201)

    def _of_smsmode(self, asked: Asked) -> Answer:
        if asked.headers.get("X-Api-Key") != SMSMODE_KEY:
            return revoked()
        if asked.method == "GET" and asked.path == "/commons/v1/organisations":
            return answer_json({"items": [{"name": "Mairie de Saint-Martin", "balance": {"amount": 250.0}}]})
        if asked.path != "/sms/v1/campaigns":
            return refused(404, "Not found")
        if asked.method == "GET":
            wanted = dict(asked.query).get("refClient")
            there = [each for each in self._state.posts("sms").values() if each.id.partition("#")[0] == wanted]
            return answer_json({"items": [_listed(each) for each in there if each.created_at <= asked.at - asked.lag]})
        told = asked.json if isinstance(asked.json, dict) else {}
        body, to = told.get("body") or {}, [str(each.get("to")) for each in told.get("recipients") or ()]
        text = body.get("text")
        if not to or not all(map(_NUMBER.fullmatch, to)) or told.get("from") != SMS_SENDER or body.get("stop"):
            return refused(400, "recipients, from or stop is wrong")
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
            return refused(400, "body.text is empty or too long")
        alone = f"+{to[0]}" if len(to) == 1 else ""
        made = self._keep(asked, str(told.get("refClient")), text, "smsmode", alone)
        price = {"amount": round(PRICE * parts_of(text) * len(to), 4), "currency": "EUR"}
        return answer_json({**_listed(made), "price": price, "quantity": len(to)}, 201)

    def _keep(self, asked: Asked, reference: str, text: str, provider: str, to: str = "") -> Post:
        # A reference may come twice; then there are two messages on each telephone.
        id_, times = reference, 1
        while id_ in self._state.posts("sms"):
            times += 1
            id_ = f"{reference}#{times}"
        kind = f"{parts_of(text)} SMS, {to}" if to else f"{parts_of(text)} SMS"
        post = Post("sms", id_, provider, text, asked.at, "", kind=kind)
        self._state.keep(post)
        return post


def _listed(post: Post) -> dict[str, Any]:
    at = datetime.fromtimestamp(post.created_at, UTC).isoformat()
    return {"campaignId": f"c-{post.id}", "refClient": post.id.partition("#")[0], "acceptedAt": at}


def _unsigned(asked: Asked) -> Answer | None:
    """The refusal of a request to OVHcloud that isn't signed as it has to be; None: it is."""
    headers, at = asked.headers, asked.headers.get("X-Ovh-Timestamp", "")
    if headers.get("X-Ovh-Application") != OVH_KEY or headers.get("X-Ovh-Consumer") != OVH_CONSUMER:
        return revoked()
    if not at.isdecimal() or abs(int(at) - asked.at) > _SLACK:
        return answer_json({"errorCode": "QUERY_TIME_OUT", "message": "Query out of time"}, 400)
    query = f"?{urlencode(asked.query)}" if asked.query else ""
    signed = "+".join([OVH_SECRET, OVH_CONSUMER, asked.method, asked.url + query, asked.body.decode(), at])
    right = f"$1${hashlib.sha1(signed.encode()).hexdigest()}"  # noqa: S324 OVHcloud's own form
    return None if headers.get("X-Ovh-Signature") == right else refused(403, "Invalid signature")


def refused(status: int, words: str) -> Answer:
    """A refusal with its reason."""
    return answer_json({"message": words}, status)


def revoked() -> Answer:
    """What is said to a key that isn't known."""
    return refused(403, "This credential is not valid")


def faulty(fault: FaultRequest) -> Answer:
    """What a provider says under a fault; `code` is an account without credit."""
    if fault.kind == "rate_limit":
        after = 60 if fault.retry_after is None else int(fault.retry_after)
        return answer_json({"message": "Too many requests"}, 429, {"Retry-After": str(after)})
    if fault.kind == "revoked":
        return revoked()
    if fault.kind == "code":
        return refused(402, fault.message or "Not enough credits")
    return refused(fault.status or 500, fault.message or "Internal server error")

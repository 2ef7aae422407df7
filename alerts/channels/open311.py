"""Another server of citizens' reports, by Open311 GeoReport v2 in JSON: reports are forwarded to it, and followed up.

The standard has no key by which a server recognises a repeated request. So an end without a readable answer, and any
5xx, is `InDoubt`: the report may be there. Its words contain our number, by which `look` finds it there. Some servers
wrap their lists (FixMyStreet: `{"service_requests": […]}`), so both forms are read. Redirects are never followed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote as quoted
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from alerts.channels.answer import LONGEST_WAIT, Answer, RequestPurpose, ask, id_of, quote, unreadable
from alerts.channels.settings import SecretSource, read_credential
from alerts.model.backoff import retry_after
from alerts.model.bounds import bounded, read_json, seen
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.model.reports import HandedOver, Handover, RemoteRequest, ReportForward

# Generous: an end without an answer leaves the report in doubt.
TIMEOUT = timedelta(seconds=20)
LARGEST = 1024 * 1024
"""Bytes of an answer that are read."""
# Characters that are kept of another server's words.
LONGEST_SAID, LONGEST_WORDS = 500, 5000
MOST_ASKED = 50
"""Reports that are asked after in one request."""
WAIT = timedelta(minutes=1)
_WHO = "the receiver"

Addresses = Callable[[URL], Awaitable[list[str] | None]]
"""Where an address may be asked for: at these IP addresses alone, or (None) wherever its name leads. Raises Retry or
BadCredential."""


class Open311:
    """One `[reports.forward.NAME]`. Every method raises a `DeliveryError` when it isn't simply done."""

    def __init__(
        self,
        forward: ReportForward,
        key: SecretSource | None,
        *,
        session: aiohttp.ClientSession,
        clock: Clock,
        folder: Path,
        addresses: Addresses,
    ) -> None:
        self._forward = forward
        self._key = key
        self._session = session
        self._clock = clock
        self._folder = folder
        self._addresses = addresses

    async def hand_over(self, report: Handover) -> HandedOver:
        """`POST requests.json`. Raises InDoubt where it may have been taken, whatever was answered."""
        fields = {
            "service_code": report.service,
            "lat": f"{report.lat:.6f}",
            "long": f"{report.lon:.6f}",
            "description": report.words,
            **({"address_string": report.address} if report.address else {}),
            # Read at each request, so that a key that was changed is taken without a restart.
            **({"api_key": read_credential(self._key, self._folder).reveal()} if self._key is not None else {}),
            **self._jurisdiction,
        }
        answer = await self._ask("POST", "requests.json", RequestPurpose.PUBLISH, urlencode(fields).encode())
        if not answer.ok:
            raise self._refusal(answer)
        item = next(_items(answer), None)
        if item is None:
            raise unreadable(_WHO, answer, RequestPurpose.PUBLISH)
        # A server that never tells an id (`blackbox`) has taken it all the same.
        return HandedOver(id_of(item.get("service_request_id")), id_of(item.get("token")))

    async def look(self, service: str, since: datetime, until: datetime) -> Sequence[RemoteRequest]:
        """Return the requests of that service between these times."""
        answer = await self._read(
            "requests.json", service_code=service, start_date=_moment(since), end_date=_moment(until)
        )
        return [found for each in _items(answer) if (found := _request(each)) is not None]

    async def statuses(self, ids: Sequence[str]) -> Sequence[RemoteRequest]:
        """How far these are, `MOST_ASKED` at the most; one that isn't shown there is left out."""
        answer = await self._read("requests.json", service_request_id=",".join(ids[:MOST_ASKED]))
        return [found for each in _items(answer) if (found := _request(each)) is not None and found.remote_id in ids]

    async def id_of_token(self, token: str) -> str | None:
        """The id that a report has there by now; None: not yet."""
        answer = await self._read(f"tokens/{quoted(token, safe='')}.json")
        return next((id_of(each.get("service_request_id")) for each in _items(answer)), None)

    @property
    def _jurisdiction(self) -> dict[str, str]:
        return {"jurisdiction_id": self._forward.jurisdiction} if self._forward.jurisdiction else {}

    async def _read(self, path: str, **query: str) -> Answer:
        parameters = urlencode({**query, **self._jurisdiction})
        answer = await self._ask("GET", f"{path}?{parameters}" if parameters else path, RequestPurpose.READ)
        # What isn't shown to everybody isn't there: that is an answer.
        if answer.status == 404:
            return Answer(200, answer.headers, b"[]")
        if not answer.ok:
            raise self._refusal(answer, RequestPurpose.READ)
        if _list_of(answer) is None:
            raise unreadable(_WHO, answer, RequestPurpose.READ)
        return answer

    async def _ask(self, method: str, path: str, act: RequestPurpose, body: bytes | None = None) -> Answer:
        url = URL(f"{self._forward.url.rstrip('/')}/{path}", encoded=True)
        found = await self._addresses(url)
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"} if body is not None else {}
        if found:
            # At the address that was looked at, whatever the name leads to by now.
            headers["Host"] = url.host_port_subcomponent or ""
        return await ask(
            self._session,
            method,
            url.with_host(found[0]) if found else url,
            platform=_WHO,
            act=act,
            timeout=TIMEOUT,
            data=body,
            headers=headers,
            largest=LARGEST,
            server_hostname=url.raw_host if found and url.scheme == "https" else None,
        )

    def _refusal(self, answer: Answer, act: RequestPurpose = RequestPurpose.PUBLISH) -> DeliveryError:
        status = answer.status
        if 300 <= status < 400:
            return BadCredential(because("receiver_redirects", status=status))
        if status in (401, 403):
            return BadCredential(because("forward_key_refused", status=status, name=self._forward.name))
        if status == 429:
            now = self._clock.now()
            after = retry_after(answer.headers.get("Retry-After"), now, LONGEST_WAIT) or now + WAIT
            return Retry(because("receiver_asks_to_wait", until=after), after, whole_channel=True)
        if status >= 500 or status == 408:
            trouble = because("receiver_trouble", status=status)
            # It may have been made before the server stumbled.
            return InDoubt(because("may_be_out", why=trouble)) if act.once else Retry(trouble)
        said = _said(answer)
        if said:
            return Rejected(because("receiver_refuses_saying", status=status, said=said))
        return Rejected(because("receiver_refuses", status=status))


def _list_of(answer: Answer) -> list[Any] | None:
    """The list that an answer is, bare or wrapped; None where it is none."""
    value = read_json(answer.body)
    for name in ("service_requests", "requests", "errors", "request"):
        if isinstance(value, dict) and name in value:
            value = value[name]
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else None


def _items(answer: Answer) -> Iterator[dict[str, Any]]:
    return (each for each in _list_of(answer) or () if isinstance(each, dict))


def _request(item: dict[str, Any]) -> RemoteRequest | None:
    identity = id_of(item.get("service_request_id"))
    if identity is None:
        return None
    said = _text(item.get("status_notes"), LONGEST_SAID)
    return RemoteRequest(
        identity,
        is_closed=item.get("status") == "closed",
        said=" ".join(said.split()) or None,
        words=_text(item.get("description"), LONGEST_WORDS),
        lat=_number(item.get("lat")),
        lon=_number(item.get("long")),
    )


def _text(value: object, most: int) -> str:
    return seen(bounded(value, most)) if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


def _said(answer: Answer) -> str:
    words = next((each.get("description") for each in _items(answer)), None)
    return quote(words) if isinstance(words, str) and words.strip() else ""


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

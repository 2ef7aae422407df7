"""What a webhook's receiver means by its answer: pure decisions, no request is made here.

The statuses are read as Standard Webhooks has them ("Deliverability and reliability"): 2xx is taken, 410 is an address
that is no more, 429 and 503 name a time by `Retry-After`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from alerts.channels.answer import Answer, address_of, id_of, quote
from alerts.model.errors import BadCredential, DeliveryError, Rejected, Retry
from alerts.model.reason import because

LONGEST_WAIT = timedelta(hours=1)
"""A receiver of the town's own may name a time by mistake; beyond this it is asked again."""
WAIT = timedelta(minutes=1)
_UNSURE = frozenset({408, 425})
_NO_SUCH_PLACE = frozenset({404, 405, 410})


def refusal(answer: Answer, now: datetime) -> DeliveryError | None:
    """What to do about an answer; None when the receiver took it.

    What is wrong with the address or the secret would be wrong with every post: it blocks the channel, so that all is
    kept until somebody has seen to it. What the receiver says of this one post alone is final.
    """
    if answer.ok:
        return None
    if (error := _of_the_address(answer.status)) is not None:
        return error
    if answer.status in (429, 503):
        return _wait(answer, now)
    if answer.status >= 500 or answer.status in _UNSURE:
        return Retry(because("receiver_trouble", status=answer.status))
    said = _said(answer)
    if said:
        return Rejected(because("receiver_refuses_saying", status=answer.status, said=said))
    return Rejected(because("receiver_refuses", status=answer.status))


def _of_the_address(status: int) -> DeliveryError | None:
    if 300 <= status < 400:
        return BadCredential(because("receiver_redirects", status=status))
    if status in (401, 403):
        return BadCredential(because("receiver_refuses_signature", status=status))
    if status in _NO_SUCH_PLACE:
        return BadCredential(because("receiver_gone", status=status))
    return None


def _wait(answer: Answer, now: datetime) -> Retry:
    named = retry_after(answer.headers, now)
    if named is None and answer.status == 503:
        return Retry(because("receiver_trouble", status=503))
    until = min(named or now + WAIT, now + LONGEST_WAIT)
    return Retry(because("receiver_asks_to_wait", until=until), until, whole_channel=True)


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """The time that `Retry-After` names, in seconds or as a date (RFC 9110, 10.2.3); None where it names none."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return now + min(timedelta(seconds=int(value[:9])), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _said(answer: Answer) -> str:
    told = answer.read() or {}
    words = told.get("error") or told.get("detail") or told.get("message")
    return quote(words) if isinstance(words, str) and words else ""


def place_of(answer: Answer, identity: str) -> tuple[str, str | None]:
    """The receiver's own id of the post and its address, where the answer tells them; else the id that we gave."""
    told = answer.read() or {}
    return id_of(told.get("id")) or identity, address_of(told.get("url"))

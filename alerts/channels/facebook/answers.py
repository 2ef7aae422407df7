"""The meaning of the Graph API's answers: pure decisions, no request is made here.

Nearly every error is HTTP 400 and of type OAuthException, an outage too: the code decides, then the subcode. Sources:
Meta's "Handle Errors", "Rate Limits" and "Pages API" pages; beyond these, others' experience in production.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.channels.answer import Answer, RequestPurpose, id_of, name_of, quote, unclear, unreadable, wait_of
from alerts.model.errors import BadCredential, DeliveryError, Duplicate, Gone, Rejected, Retry
from alerts.model.post import Quota
from alerts.model.reason import Reason, because

WAIT = timedelta(minutes=15)
"""How long to wait without a header that gives a time."""

BLOCKED = timedelta(hours=1)
"""How long to wait when Facebook holds the posting too fast: it says no time."""

MUCH = 75
"""Percent of a limit from where what can wait doesn't ask any more."""
_SLOW_FROM = 90  # percent of a limit, from where Meta slows calls down
# Codes and percentages are small; a number beyond this is nonsense that must not reach a timedelta.
_HIGHEST = 10**9
# Error codes, by Meta's "Handle Errors": API unknown and API service; too many calls; access token; API permission.
_TROUBLE = frozenset({1, 2})
# Meta's "Rate Limits": the app's, the user's and the Page's limits, and the business use cases' codes.
_LIMITED = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
# Meta's "Handle Errors": the session is invalid, or the access token has expired.
_EXPIRED = frozenset({102, 190})
# Meta's "Handle Errors": the app lacks a capability or a permission.
_PERMISSION = frozenset({3, 10, *range(200, 300)})
_PERMISSION_SUBCODES = frozenset({1404078, 4854002})
# "Some of the aliases you requested do not exist", and "Invalid parameter", which subcode 33 makes the same.
_GONE = 803
# An invalid parameter; with the subcode 33 the object doesn't exist, or isn't visible.
_INVALID = 100
# Meta refuses a post with the words of the one before.
_SAME_AS_LAST = 506
# Meta blocks an account for a while after content that it takes for abuse.
_BLOCKED = 368
_CONTENT = frozenset({1346003, 1404102})
_NOT_THE_WORDS = frozenset({100, 324, 1366046, 1609005, 2061006, 1609008})  # a parameter, a photo, a link
_WHY_EXPIRED = {
    458: because("facebook_app_removed"),
    459: because("facebook_check_wanted"),
    460: because("facebook_password_changed"),
    463: because("facebook_token_expired"),
    464: because("facebook_check_wanted"),
    467: because("facebook_token_revoked"),
    492: because("facebook_role_lost"),
}


@dataclass(frozen=True, slots=True)
class GraphError:
    """The `error` object of an answer."""

    code: int
    subcode: int
    words: str
    transient: bool


def error_of(answer: Answer) -> GraphError | None:
    """Return the error in an answer, whatever its status. Returns None if there is none."""
    error = (answer.read() or {}).get("error")
    if not isinstance(error, dict):
        return None
    return GraphError(
        code=_number(error.get("code")),
        subcode=_number(error.get("error_subcode")),
        words=str(error.get("error_user_msg") or error.get("message") or "no reason"),
        transient=error.get("is_transient") is True,
    )


def refusal(answer: Answer, act: RequestPurpose, page: str, now: datetime) -> DeliveryError | None:
    """Return the error for an answer; None if it succeeded. `page` is the Page whose usage headers are read."""
    error = error_of(answer)
    if error is None:
        if answer.ok and answer.read() is not None:
            return None
        return unreadable("Facebook", answer, act)
    if error.code in _LIMITED:
        until = now + (_regained_after(answer.headers, page) or WAIT)
        return Retry(because("limit_until", platform="Facebook", until=until), until, whole_channel=True)
    if decided := _decide(error, act, now):
        return decided
    if error.code in _TROUBLE or error.transient or answer.status >= 500:
        # Code 2 with HTTP 500 has been answered while the post was made; a blind repetition made seven of it.
        return unclear(_said("facebook_trouble", error), act)
    return Rejected(_said("facebook_refuses", error))


def _said(code: str, error: GraphError) -> Reason:
    return because(code, number=error.code, said=quote(error.words))


def maybe_not_the_words(answer: Answer) -> bool:
    """True if Facebook refuses for good, yet perhaps only the link or the picture: worth one try without."""
    error = error_of(answer)
    if error is None or answer.status >= 500 or error.transient or _is_gone(error):
        return False
    return error.code in _NOT_THE_WORDS or error.subcode in _NOT_THE_WORDS


def is_gone(answer: Answer) -> bool:
    """True if Facebook says that the object of a request doesn't exist, or isn't visible to us."""
    error = error_of(answer)
    return error is not None and _is_gone(error)


def _decide(error: GraphError, act: RequestPurpose, now: datetime) -> DeliveryError | None:
    """Return the error that the code alone decides. Returns None if the status must decide."""
    if error.code in _EXPIRED:
        why = _WHY_EXPIRED.get(error.subcode, because("said", said=quote(error.words)))
        return BadCredential(because("facebook_token_refused", why=why))
    if error.code in _PERMISSION or error.subcode in _PERMISSION_SUBCODES:
        return BadCredential(because("facebook_permission", said=quote(error.words)))
    if _is_gone(error):
        if act.on_a_post:
            return Gone(because("post_gone", platform="Facebook"))
        return BadCredential(because("facebook_page_unknown"))
    if error.code == _SAME_AS_LAST:
        return Duplicate(because("has_it_already", platform="Facebook"))
    return _blocked(error, now) if error.code == _BLOCKED else None


def _is_gone(error: GraphError) -> bool:
    return error.code == _GONE or (error.code, error.subcode) == (_INVALID, 33)


def _blocked(error: GraphError, now: datetime) -> DeliveryError:
    """Code 368 covers three things: the same post again, a content that isn't wanted, and too fast a pace."""
    if "already posted this" in error.words.lower():
        return Duplicate(because("has_it_already", platform="Facebook"))
    if error.subcode in _CONTENT:
        return Rejected(because("content_refused", platform="Facebook", said=quote(error.words)))
    said = because("facebook_holds_back", said=quote(error.words))
    return Retry(said, now + BLOCKED, whole_channel=True)


def limits(headers: Mapping[str, str], page: str, now: datetime) -> tuple[Quota, ...]:
    """Return the exhausted quotas in the usage headers: from 90 % of a limit on, until access is regained.

    Meta slows calls down from there; if it gives no time, one call a minute lets the usage fall.
    """
    return tuple(
        Quota(0, now + (regained or timedelta(minutes=1)), None, name)
        for name, percent, regained in _usage(headers, page)
        if percent >= _SLOW_FROM
    )


def used(headers: Mapping[str, str], page: str) -> float:
    """Return the highest usage of any limit, in percent; 0 if there is none."""
    return max((percent for _, percent, _ in _usage(headers, page)), default=0)


def _regained_after(headers: Mapping[str, str], page: str) -> timedelta | None:
    return max((regained for _, _, regained in _usage(headers, page) if regained), default=None)


def _usage(headers: Mapping[str, str], page: str) -> Iterator[tuple[str, float, timedelta | None]]:
    """Yield each limit's name, percentage used, and the time until access is regained (given in minutes)."""
    for header, name in (("X-App-Usage", "app"), ("X-Page-Usage", "page")):
        if usage := _object(headers.get(header)):
            yield name, _percent(usage), None
    cases = _object(headers.get("X-Business-Use-Case-Usage")).get(page, ())
    for usage in cases if isinstance(cases, list) else ():
        if isinstance(usage, dict):
            seconds = 60 * _number(usage.get("estimated_time_to_regain_access"))
            yield name_of(usage.get("type")) or "business", _percent(usage), wait_of(seconds) or None


def _percent(usage: Mapping[str, Any]) -> float:
    return max(_number(usage.get(name)) for name in ("call_count", "total_time", "total_cputime"))


def _object(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) and abs(value) < _HIGHEST else 0


def posts_of(answer: Answer) -> Sequence[Mapping[str, Any]] | None:
    """The `data` of a list; None where there is none."""
    listed = (answer.read() or {}).get("data")
    return [post for post in listed if isinstance(post, dict)] if isinstance(listed, list) else None


def next_page(answer: Answer) -> str | None:
    """The cursor of a list's next page; None: there is none. The address that is given for it holds the token."""
    paging = (answer.read() or {}).get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return None
    cursors = paging.get("cursors")
    return id_of(cursors.get("after")) if isinstance(cursors, dict) else None

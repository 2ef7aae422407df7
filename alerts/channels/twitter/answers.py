"""The meaning of X's answers (X API v2, response codes and rate limits): pure decisions, no request is made here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.channels.answer import LONGEST_WAIT, Answer, RequestPurpose, count_of, normal, quote, unclear, unreadable
from alerts.channels.hearing import moment_of
from alerts.model.bounds import table, tables, unescaped
from alerts.model.errors import BadCredential, DeliveryError, Duplicate, Gone, Rejected, Retry, Unexplained
from alerts.model.post import Quota
from alerts.model.reason import because

WINDOW = timedelta(minutes=15)
"""The window of X's rate limits, which is also the wait without a header that gives a time."""

SPENT = timedelta(hours=1)
"""How long to wait where no time helps, only someone who pays."""

_FORBIDDEN = 403
# X names the same trouble of the app by a problem type, by a code or in words alone.
_APP_PROBLEMS = frozenset({"client-forbidden", "unsupported-authentication", "oauth1-permissions"})
_APP_WORDS = ("app permissions", "access to a subset of", "access level")
_NO_ACCESS = 453  # the old number of an app whose plan doesn't hold this call
_ACCOUNT_WORDS = ("suspended", "temporarily locked")
_NO_REPLY_WORDS = (
    "reply to this conversation is not allowed",
    "you can only reply to",
    "deleted or not visible to you",
)
# X appends a link of its own for each picture; our text had none.
_OF_A_PICTURE = re.compile(r"https://(?:x|twitter)\.com/\w+/status/\d+/(?:photo|video)/\d+")
# X puts the names of the answered accounts in front of a reply.
_NAMES = re.compile(r"\A(?:@\w{1,15}\s+)+")
# Links of one post that are put back: more than 280 characters hold.
_MOST_LINKS = 100
_PREFIXES = (
    ("x-rate-limit", "15m"),
    ("x-user-limit-24hour", "user-24h"),  # undocumented, yet seen on writes
    ("x-app-limit-24hour", "app-24h"),
)


def refusal(answer: Answer, act: RequestPurpose, now: datetime) -> DeliveryError | None:
    """Return the error for an answer; None if it succeeded."""
    if answer.ok:
        return None
    body = answer.read()
    if answer.status >= 500 or answer.status == 408:
        trace = answer.headers.get("x-transaction-id")  # what X's support asks for
        number = f"{answer.status}, transaction {trace[:64]}" if trace else answer.status
        return unclear(because("platform_trouble", platform="X", status=number), act)
    if body is None:
        return unreadable("X", answer, act)
    words = _words(body)
    # Before a 429 is read: spent credits may come as one, and no window gives them back.
    if _usage_capped(body, answer.status):
        return Retry(because("x_credits", said=quote(words)), now + SPENT, whole_channel=True)
    if answer.status == 429:
        return _limited(answer, now)
    return _refused(answer.status, body, words, act)


def _refused(status: int, body: Mapping[str, Any], words: str, act: RequestPurpose) -> DeliveryError:
    # X tells its many refusals by a 403 and words alone, so the order is from what is sure to what is guessed.
    said = quote(words)
    lower = words.lower()
    if status == 401:
        return BadCredential(because("x_keys_refused", said=said))
    # It may be our own post of a try that went unanswered: whoever asks looks for it on the timeline.
    if status == _FORBIDDEN and "duplicate content" in lower:
        return Duplicate(because("has_it_already", platform="X"))
    # Since February 2026 X lets replies through by rules of its own; the words go out as a post then.
    if act is RequestPurpose.REPLY and any(phrase in lower for phrase in _NO_REPLY_WORDS):
        return Gone(because("x_no_reply", said=said))
    if status == _FORBIDDEN and any(phrase in lower for phrase in _ACCOUNT_WORDS):
        return BadCredential(because("x_account_refused", said=said))
    if status == _FORBIDDEN and _about_app(body, lower):
        return BadCredential(because("x_app_refused", said=said))
    if status == 404 and act.on_a_post:
        return Gone(because("post_gone", platform="X"))
    # The type of the problem is `about:blank` for words, app and account alike: a second text tells them apart.
    if status == _FORBIDDEN and act.once:
        return Unexplained(because("x_forbids", said=said), because("x_forbids_all", said=said))
    return Rejected(because("refused", platform="X", said=said))


def _about_app(body: Mapping[str, Any], lower: str) -> bool:
    codes = [each.get("code") for each in tables(body.get("errors"))]
    is_named = _problem(body) in _APP_PROBLEMS or _NO_ACCESS in codes
    return is_named or any(phrase in lower for phrase in _APP_WORDS)


def _usage_capped(body: Mapping[str, Any], status: int) -> bool:
    return status == 402 or _problem(body) in ("usage-capped", "credits-depleted")


def _limited(answer: Answer, now: datetime) -> Retry:
    """Of exhausted windows the latest reset wins; one that is past already (our clock) is no reason to hurry."""
    spent = [quota.reset for quota in limits(answer.headers) if quota.remaining <= 0]
    until = min(max([*spent, now + timedelta(seconds=5)]), now + LONGEST_WAIT) if spent else now + WINDOW
    return Retry(because("limit_until", platform="X", until=until), until, whole_channel=True)


def limits(headers: Mapping[str, str]) -> tuple[Quota, ...]:
    """Return the windows in `headers`: the route's own 15 minutes, the user's and the app's 24 hours.

    A window with a reset but no remainder counts as exhausted: only a 429 says so little.
    """
    return tuple(quota for prefix, name in _PREFIXES if (quota := _limit(headers, prefix, name)))


def _limit(headers: Mapping[str, str], prefix: str, name: str) -> Quota | None:
    try:
        reset = datetime.fromtimestamp(int(headers[f"{prefix}-reset"]), UTC)
        remaining = int(headers.get(f"{prefix}-remaining", "0"))
        limit = headers.get(f"{prefix}-limit")
        return Quota(remaining, reset, int(limit) if limit else None, name)
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def find_words(timeline: Sequence[object], text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the posts of `timeline` (X's `data`, newest first) with the words of `text`.

    X returns a text with its links shortened (the real ones are in `entities.urls[].expanded_url`), with a link of its
    own for each picture, and with `& < >` as entities.
    """
    wanted = normal(text)
    for post in timeline:
        if isinstance(post, dict) and wanted in (normal(words := as_written(post)), normal(without_names(words))):
            yield post


def without_names(words: str) -> str:
    """The words of a reply: X puts the names of all whom it goes to before them."""
    return _NAMES.sub("", words) or words


def as_written(post: Mapping[str, Any]) -> str:
    """The words of a post as its author wrote them, links included."""
    text = str(post.get("text", ""))
    # t.co stands in the text, the real address beside it; a picture's own link wasn't in what we sent.
    for url in tables(table(post.get("entities")).get("urls"))[:_MOST_LINKS]:
        if url.get("url") and url.get("expanded_url"):
            real = str(url["expanded_url"])
            text = text.replace(str(url["url"]), "" if _OF_A_PICTURE.fullmatch(real) else real)
    # "&", "<" and ">" come back as entities, and nothing else does.
    return unescaped(text)


def _problem(body: Mapping[str, Any]) -> str:
    """The end of the problem's `type`: its host is x.com or twitter.com."""
    return str(body.get("type", "")).rstrip("/").rpartition("/")[2]


def _words(body: Mapping[str, Any]) -> str:
    """The detail of each error; where there is none, the answer's own detail or title."""
    single = [str(each.get("detail") or each.get("message") or "") for each in tables(body.get("errors"))]
    detail = str(body.get("detail") or "")
    return "; ".join(dict.fromkeys(word for word in (detail, *single) if word)) or str(body.get("title") or "no reason")


def followers(answer: Answer) -> int | None:
    """Return the followers of a user answer, by its `public_metrics`. Returns None if they are missing."""
    return count_of(table(data_of(answer).get("public_metrics")).get("followers_count"))


def data_of(answer: Answer) -> Mapping[str, Any]:
    """Return the object in an answer's `data`, an empty one if there is none."""
    return table((answer.read() or {}).get("data"))


def poll_of(body: Mapping[str, Any]) -> tuple[Mapping[str, int], datetime | None] | None:
    """Return a poll's votes by option, and when it ends (None: it is closed, or X didn't say). None: there is none."""
    poll = next(iter(tables(table(body.get("includes")).get("polls"))), {})
    if not isinstance(options := poll.get("options"), list):
        return None
    votes = {str(each.get("label")): votes for each in tables(options) if isinstance(votes := each.get("votes"), int)}
    is_open = poll.get("voting_status") == "open"
    return votes, moment_of(poll.get("end_datetime")) if is_open else None

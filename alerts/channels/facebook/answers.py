"""The meaning of the Graph API's answers for a Page: pure decisions, no request is made here.

What the codes mean everywhere is in `alerts/channels/graph.py`. Sources of what is a Page's: Meta's "Pages API" pages;
beyond these, others' experience in production.
"""

from __future__ import annotations

from datetime import datetime

from alerts.channels.answer import Answer, RequestPurpose, quote, unclear, unreadable
from alerts.channels.graph import BLOCKED, GraphError, Meaning, error_of, regained_after
from alerts.model.errors import BadCredential, DeliveryError, Duplicate, Gone, Rejected, Retry
from alerts.model.reason import Reason, because

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


def refusal(answer: Answer, act: RequestPurpose, page: str, now: datetime) -> DeliveryError | None:
    """Return the error for an answer; None if it succeeded. `page` is the Page whose usage headers are read."""
    error = error_of(answer)
    if error is None:
        if answer.ok and answer.read() is not None:
            return None
        return unreadable("Facebook", answer, act)
    if error.meaning is Meaning.LIMIT:
        until = now + regained_after(answer.headers, page)
        return Retry(because("limit_until", platform="Facebook", until=until), until, whole_channel=True)
    if decided := _decide(error, act, now):
        return decided
    if error.meaning is Meaning.TROUBLE:
        return unclear(_said("facebook_trouble", error), act)
    return Rejected(_said("facebook_refuses", error))


def _said(code: str, error: GraphError) -> Reason:
    return because(code, number=error.code, said=quote(error.words))


def maybe_not_the_words(answer: Answer) -> bool:
    """True if Facebook refuses for good, yet perhaps only the link or the picture: worth one try without."""
    error = error_of(answer)
    if error is None or answer.status >= 500 or error.transient or error.is_gone:
        return False
    return error.code in _NOT_THE_WORDS or error.subcode in _NOT_THE_WORDS


def _decide(error: GraphError, act: RequestPurpose, now: datetime) -> DeliveryError | None:
    """Return the error that the code alone decides. Returns None if the status must decide."""
    match error.meaning:
        case Meaning.TOKEN:
            why = _WHY_EXPIRED.get(error.subcode, because("said", said=quote(error.words)))
            return BadCredential(because("facebook_token_refused", why=why))
        case Meaning.PERMISSION:
            return BadCredential(because("facebook_permission", said=quote(error.words)))
        case Meaning.GONE if act.on_a_post:
            return Gone(because("post_gone", platform="Facebook"))
        case Meaning.GONE:
            return BadCredential(because("facebook_page_unknown"))
        case _ if error.code == _SAME_AS_LAST:
            return Duplicate(because("has_it_already", platform="Facebook"))
        case _:
            return _blocked(error, now) if error.code == _BLOCKED else None


def _blocked(error: GraphError, now: datetime) -> DeliveryError:
    """Code 368 covers three things: the same post again, a content that isn't wanted, and too fast a pace."""
    if "already posted this" in error.words.lower():
        return Duplicate(because("has_it_already", platform="Facebook"))
    if error.subcode in _CONTENT:
        return Rejected(because("content_refused", platform="Facebook", said=quote(error.words)))
    said = because("facebook_holds_back", said=quote(error.words))
    return Retry(said, now + BLOCKED, whole_channel=True)

"""The meaning of a relay's answers, and of its silence: pure decisions about one step of a dialogue.

A relay has the e-mail from the moment at which it gets the final dot (RFC 5321, 4.1.1.4): a message that fails before
that is certainly not out, and is tried again. One that fails after it is in doubt, and can't be verified.

A 4xx is a refusal for now and a 5xx one for good (RFC 5321, 4.2.1), but not every 5xx is about the e-mail: an error
that would meet every other one as well, a rejected login or sender, stops the channel, so that all is kept until
somebody has fixed it. A refused address or content is the e-mail's own failure.
"""

from __future__ import annotations

import re
import socket
import ssl
from enum import IntEnum, StrEnum

from alerts.channels.answer import quote
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry
from alerts.model.reason import Reason, because

PLATFORM = "the mail relay"
# RFC 5321, 4.2.3: the service closes, the mailbox is unavailable, its storage is exceeded.
_CLOSING, _NO_MAILBOX, _STORAGE = 421, 550, 552
# Without a login, with a wrong one, with one that is too weak or that takes a safe connection (RFC 4954, 6).
_LOGIN = frozenset({530, 534, 535, 538})
# An enhanced status code (RFC 3463) at the beginning of the text: its subject and its detail.
_ENHANCED = re.compile(r"[45]\.(\d{1,3})\.(\d{1,3})(?!\d)")
# Subjects of an enhanced status (RFC 3463): the relay's own state and the town's limits there; the letter's contents.
_OF_THE_RELAY = frozenset({"3", "4", "7"})
# A quota that is used up is told as "congestion" (5.4.5) by some who mean it for good: tomorrow it is none.
_QUOTA = ("4", "5")
# RFC 3463: X.1.1 is a bad destination mailbox, X.3.4 and X.2.3 a message that is too big.
_UNKNOWN = ("1", "1")
_TOO_LARGE = frozenset({("3", "4"), ("2", "3")})


class DialogueStep(IntEnum):
    """How far a dialogue has come: what was asked of the relay last."""

    CONNECT = 0
    HELLO = 1
    LOGIN = 2
    SENDER = 3
    LIST = 4
    CONTENT = 5
    DOT = 6

    @property
    def counts(self) -> bool:
        """True if the relay may count the attempt as an e-mail, and not only as a connection."""
        return self >= DialogueStep.SENDER


class OneAnswer(StrEnum):
    """A relay's answer about one mailbox of many: accepted, later, unknown mailbox, or refused."""

    TAKEN = "taken"
    LATER = "later"
    NOBODY = "nobody"
    REFUSED = "refused"


def about_one(step: DialogueStep, code: int, words: str) -> OneAnswer | None:
    """Return the meaning of an answer for a mailbox. Returns None if it concerns more than that one."""
    found = _ENHANCED.match(words.strip())
    status = (found[1], found[2]) if found else ("", "")
    if step is not DialogueStep.LIST or code == _CLOSING or code in _LOGIN or status == _QUOTA:
        return None
    if 400 <= code < 500:
        return OneAnswer.LATER
    if not 500 <= code < 600:
        return None
    return OneAnswer.NOBODY if code == _NO_MAILBOX and status == _UNKNOWN else OneAnswer.REFUSED


def without(words: str, address: str) -> str:
    """A relay's words without the mailbox that they are about: whose it is belongs into no log."""
    return re.sub(re.escape(address), "…", words, flags=re.IGNORECASE)


def refusal(step: DialogueStep, code: int, words: str) -> DeliveryError:
    """Return the error for an answer other than the one that `step` expects."""
    found = _ENHANCED.match(words.strip())
    status = (found[1], found[2]) if found else ("", "")
    # A full mailbox may be emptied again, whatever the class of the code.
    if 400 <= code < 500 or (500 <= code < 600 and status == _QUOTA):
        whole = code == _CLOSING or step < DialogueStep.SENDER or status[0] in _OF_THE_RELAY
        reason = because("mail_asks_to_wait", status=code, said=quote(words))
        return Retry(reason, whole_channel=whole, sent=step.counts)
    if not 500 <= code < 600:
        return broken_off(step, because("mail_unreadable"))
    if code in _LOGIN or step is DialogueStep.LOGIN:
        return BadCredential(because("mail_login_refused", status=code, said=quote(words)))
    if step < DialogueStep.LOGIN:
        return BadCredential(because("mail_relay_refuses", status=code, said=quote(words)))
    if step is DialogueStep.LIST:
        return Rejected(because("mail_list_refused", status=code, said=quote(words)))
    if step is DialogueStep.SENDER and code != _STORAGE and status not in _TOO_LARGE:
        return BadCredential(because("mail_sender_refused", status=code, said=quote(words)))
    return Rejected(because("mail_refused", status=code, said=quote(words)))


def broken_off(step: DialogueStep, reason: Reason) -> DeliveryError:
    """Return the error for a dialogue that ended without a readable answer."""
    if step is DialogueStep.DOT:
        return InDoubt(because("may_be_out", why=reason))
    return Retry(reason, sent=step.counts)


def why_broken(step: DialogueStep, error: Exception, seconds: float) -> Reason:
    """Why it ended; `seconds` is how long it was waited for."""
    if isinstance(error, ssl.SSLError):
        return _unreached(because("no_tls"))
    if step is not DialogueStep.CONNECT:
        if isinstance(error, TimeoutError):
            return because("no_answer_within", platform=PLATFORM, seconds=f"{seconds:g}")
        return because("closed_unanswered", platform=PLATFORM)
    # The library wraps the system's error in one of its own.
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        return _unreached(because("no_tls"))
    if isinstance(cause, socket.gaierror):
        return _unreached(because("mail_unresolved"))
    if isinstance(cause, TimeoutError):
        return _unreached(because("no_connection_within", seconds=f"{seconds:g}"))
    if isinstance(cause, ConnectionRefusedError):
        return _unreached(because("mail_connection_refused"))
    return _unreached(because("mail_no_connection"))


def no_starttls() -> DeliveryError:
    """The relay offers no safe connection where one is wanted: nothing is said over the other one."""
    return Retry(_unreached(because("mail_no_starttls")), sent=False)


def no_login() -> DeliveryError:
    """The relay takes no login that we know, as one does that wants TLS first."""
    return BadCredential(because("mail_no_login"))


def _unreached(why: Reason) -> Reason:
    return because("unreachable", platform=PLATFORM, why=why)

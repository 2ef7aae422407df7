"""The meaning of the Bot API's answers: pure decisions, no request is made here.

The server describes an error in words only; those are telegram-bot-api's own (`Client.cpp`), compared without case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.channels.answer import LONGEST_WAIT, Answer, RequestPurpose, count_of, quote, unclear, wait_of
from alerts.model.backoff import retry_after
from alerts.model.bounds import table
from alerts.model.errors import BadCredential, DeliveryError, Gone, ReaderGone, Rejected, Retry
from alerts.model.reason import because

# Characters of a complaint that are kept.
_LONGEST = 1000
# No chat's id has more than 52 bits (Bot API, "Chat").
_HIGHEST = 2**53
OVERLOAD = timedelta(seconds=60)
"""The wait after a 429 without a time: an overloaded server asks for it."""

# Said of a private chat alone: the person blocked the bot, is no more on Telegram, or never spoke to it.
_PERSON_LEFT = ("bot was blocked", "user is deactivated", "bot can't initiate")
# Said of any chat. Of a reader's it means that nobody reads there; of the channel's own, that someone has to mend it.
_CHAT_CLOSED = (
    "chat not found",
    "chat was deleted",
    "chat was deactivated",
    "bot was kicked",
    "bot is not a member",
    "peer_id_invalid",
)
_MISCONFIGURED = (
    *_CHAT_CLOSED,
    "not enough rights",
    "need administrator rights",
    "have no rights",
    "chat_write_forbidden",
    "chat_admin_required",
    "user_banned_in_channel",
    "channel_private",
)
# The words of telegram-bot-api, whose status alone doesn't distinguish these errors.
_PARENT_GONE = ("replied not found", "replied message not found")
_PICTURE = ("photo", "image", "caption is too long", "file is too big", "wrong type of the web page")


@dataclass(frozen=True, slots=True)
class Complaint:
    """An answer that is not `ok`: its status, its words, its `parameters`, and its header `Retry-After`."""

    status: int
    words: str
    migrated_to: int | None = None
    retry_after: float | None = None
    header: str | None = None

    def says(self, *phrases: str) -> bool:
        """True if its words contain one of `phrases`."""
        lower = self.words.lower()
        return any(phrase in lower for phrase in phrases)

    @property
    def unparsable(self) -> bool:
        """True if the markup is at fault, so that the same words can go out without it."""
        return self.status == 400 and self.says("can't parse")

    @property
    def about_picture(self) -> bool:
        """True if the picture is at fault, or the caption's shorter limit: the words can go out alone."""
        return self.status == 413 or (self.status == 400 and self.says(*_PICTURE))

    @property
    def reader_left(self) -> bool:
        """True if nobody reads any more in the chat of a person or a group that talks with the bot."""
        return self.status in (400, 403) and self.says(*_PERSON_LEFT, *_CHAT_CLOSED)

    @property
    def not_modified(self) -> bool:
        """True if the message already has the form that an edit would give it."""
        return self.says("message is not modified")


def complaint_of(answer: Answer) -> Complaint | None:
    """Return the server's complaint. Returns None if the answer isn't the Bot API's (a gateway's page)."""
    if answer.status == 413:  # the web server's own page: the body was too large, nobody read it
        return Complaint(413, "the request is too large")
    body = answer.read()
    if body is None or body.get("ok") is not False:
        return None
    # A 200 that isn't `ok` means its own number; without one, nobody knows what was done.
    code, status = count_of(body.get("error_code")), answer.status
    status = status if not answer.ok else code if code is not None and 400 <= code < 600 else 500
    known = table(body.get("parameters"))
    migrated = known.get("migrate_to_chat_id")
    return Complaint(
        status,
        str(body.get("description") or "no reason")[:_LONGEST],
        migrated if isinstance(migrated, int) and abs(migrated) < _HIGHEST else None,
        None if (named := wait_of(known.get("retry_after"))) is None else named.total_seconds(),
        answer.headers.get("Retry-After"),
    )


def outcome(complaint: Complaint, act: RequestPurpose, now: datetime) -> DeliveryError:
    """Return the error for a complaint."""
    said = quote(complaint.words)
    # Answered before anything was sent, so nothing is in doubt.
    if complaint.status == 429:
        until = retry_after(complaint.header, now, LONGEST_WAIT) or now + OVERLOAD
        if complaint.retry_after is not None:
            until = now + timedelta(seconds=complaint.retry_after)
        return Retry(
            because("asked_to_wait", platform="Telegram", seconds=f"{(until - now).total_seconds():g}"),
            until,
            whole_channel=True,
        )
    if complaint.status >= 500:
        return unclear(because("platform_trouble_said", platform="Telegram", status=complaint.status, said=said), act)
    return _refused(complaint, act, said)


def outcome_elsewhere(complaint: Complaint, act: RequestPurpose, now: datetime) -> DeliveryError:
    """The same where the chat isn't the channel's own: nothing that is so in one chat holds for others.

    Who blocked the bot, a group that it may not write to and a pause for one chat keep no alert from the channel.
    """
    said, meant = quote(complaint.words), outcome(complaint, act, now)
    if complaint.status in (401, 404):  # the token, which is one for all chats
        return meant
    if complaint.reader_left:
        return ReaderGone(because("reader_left", said=said))
    if isinstance(meant, BadCredential):
        return ReaderGone(because("telegram_may_not_act", said=said))
    return Retry(meant.reason, meant.after) if isinstance(meant, Retry) and meant.whole_channel else meant


def _refused(complaint: Complaint, act: RequestPurpose, said: str) -> DeliveryError:
    # The address holds the token: one that Telegram doesn't know is a path that it doesn't know.
    if complaint.status in (401, 404):
        return BadCredential(because("telegram_token_refused", said=said))
    if complaint.says(*_PERSON_LEFT):
        return Rejected(because("reader_left", said=said))
    # Most of these come as a 400, though they are about rights (telegram-bot-api, `Client.cpp`).
    if complaint.status == 403 or complaint.says(*_MISCONFIGURED):
        return BadCredential(because("telegram_may_not_post", said=said))
    if _is_gone(complaint, act):
        return Gone(because("post_gone_said", platform="Telegram", said=said))
    return Rejected(because("refused", platform="Telegram", said=said))


def _is_gone(complaint: Complaint, act: RequestPurpose) -> bool:
    """Too old to be deleted (48 h) isn't gone: it is still there, and someone must know."""
    if act is RequestPurpose.REPLY:
        return complaint.says(*_PARENT_GONE)
    if act is RequestPurpose.EDIT:
        return complaint.says("message to edit not found", "message can't be edited", "message_id_invalid")
    return act is RequestPurpose.DELETE and complaint.says("message to delete not found", "message_id_invalid")


@dataclass(frozen=True, slots=True)
class Form:
    """How a message is put: to which chat, with its markup or as plain text, with its picture or without."""

    chat: str
    html: bool = True
    picture: bool = False
    migrated: bool = False

    def after(self, complaint: Complaint) -> Form | None:
        """The form that `complaint` leaves worth trying at once; None where none is. Each way is gone once at most."""
        if complaint.migrated_to is not None and not self.migrated:
            return replace(self, chat=str(complaint.migrated_to), migrated=True)
        if complaint.unparsable and self.html:
            return replace(self, html=False)
        if complaint.about_picture and self.picture:
            return replace(self, picture=False)
        return None


def chat_in(value: object) -> int | None:
    """Return a value from an answer as a chat's id, if it can be one; a group's and a channel's are negative."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _HIGHEST else None


def address(chat: str, message_id: int) -> str | None:
    """Where people read the message; None in a basic group, whose messages have no address."""
    if chat.startswith("@"):
        return f"https://t.me/{chat[1:]}/{message_id}"
    if chat.startswith("-100"):
        return f"https://t.me/c/{chat[4:]}/{message_id}"
    return None

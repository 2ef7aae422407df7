"""Errors named by the next step. A lane never reads a status code: a channel raises one of these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.model.reason import Reason, as_reason, because


class TocsinError(Exception):
    """The family: its reason says the cause, then the fix, in one line, and never holds a secret.

    `str()` words it in English, for the log; whoever shows it to people words `reason` in their language.
    """

    def __init__(self, reason: Reason | str) -> None:
        self.reason = as_reason(reason)
        super().__init__(str(self.reason))


class DatabaseRefused(Exception):
    """The database took nothing, or gave no answer: locked, full, broken. Its words may be shown to anybody."""


class Unstorable(DatabaseRefused):
    """A work was to store what a constraint forbids, or what fits in no column: other works are stored."""


class Busy(DatabaseRefused):
    """A question to the database that wasn't answered, so that others are: too many wait, or it took too long."""


class Lost(DatabaseRefused):
    """The connection to the database is gone, or it asks to begin again: nothing of the transaction was done."""


class ConfigurationError(TocsinError):
    """The configuration can't be used; `problems` holds one line for each error, all of the file's at once.

    `language` is the town's as far as the file could be read: outside any page, the lines are worded in it.
    """

    def __init__(self, problems: Sequence[Reason], language: str = "en") -> None:
        super().__init__(because("lines", each=problems))
        self.problems = tuple(problems)
        self.language = language


class Unreadable(TocsinError):
    """A document that is not what it should be: what, where, what was expected."""


class SourceFailed(TocsinError):
    """A source could not be read this time; it is asked again, not before `retry_at` if the server named a time."""

    def __init__(self, reason: Reason | str, retry_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.retry_at = retry_at


class FailedForGood(SourceFailed):
    """Asking again would give the same: the document is gone, too large, or not allowed."""


class Refused(TocsinError):
    """The user's wish can't be carried out, and nothing was stored: the message says why and what is allowed."""


class Forbidden(Refused):
    """Somebody may not do this, whatever its state: the message says who may."""


class Conflict(Refused):
    """Somebody was faster, or it has changed since it was displayed: the message names the person or the change."""


class Misuse(TocsinError):
    """An option, a file or a name is wrong: which, what is wrong with it and what is allowed. Nothing was stored."""


class DeliveryError(TocsinError):
    """Raised by a channel when a post isn't simply out."""


class Retry(DeliveryError):
    """It is certain that the post is not out; try again.

    `after` is the earliest time the platform named (None: the lane's own back-off). `whole_channel` means that the
    platform's limit was hit and every post of the channel waits; `sent` says whether a request reached the platform,
    so whether the attempt counts against the windows.
    """

    def __init__(
        self, reason: Reason | str, after: datetime | None = None, *, whole_channel: bool = False, sent: bool = True
    ) -> None:
        super().__init__(reason)
        self.after = after
        self.whole_channel = whole_channel
        self.sent = sent


class InDoubt(DeliveryError):
    """The post may be out: no answer, half of one, a 5xx, or not the platform's. Verify before sending again."""


class Duplicate(DeliveryError):
    """The platform says that it has this post already.

    If it is found, adopt it; if it isn't, it is refused for good.
    """


class Rejected(DeliveryError):
    """The platform will never take this post as it is."""


class Unexplained(Rejected):
    """The platform refuses this post and doesn't say whether for its words or for our app or account.

    `of_all` is the reason where it turns out to refuse whatever is said.
    """

    def __init__(self, reason: Reason | str, of_all: Reason) -> None:
        super().__init__(reason)
        self.of_all = of_all


class Gone(DeliveryError):
    """The post to be updated, answered or deleted is not there any more."""


class BadCredential(DeliveryError):
    """The platform rejects our credential or rights: the lane stops, all posts are kept, the officers are notified."""


class ReaderGone(Rejected):
    """The recipient blocked the bot, left, or no longer exists: never send there again.

    It concerns that one chat, so the channel works as before.
    """


class ChatMoved(DeliveryError):
    """The chat goes on under another id, `to`; nothing was sent."""

    def __init__(self, reason: Reason | str, to: int) -> None:
        super().__init__(reason)
        self.to = to


class Occupied(DeliveryError):
    """Somebody else takes what comes in for this bot: another program with its token, or a webhook."""

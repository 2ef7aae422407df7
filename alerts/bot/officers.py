"""The officers' side: a private chat that belongs to an account is told what waits, and may decide it.

Whoever decides there is the account, under the rules of the desk: its role as it is now, four eyes, the same record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alerts.access.deeds import Deed
from alerts.access.linking import digest_of
from alerts.bot.events import Command, Event, Press
from alerts.bot.reply import Reply, Say, buttons, safe
from alerts.bot.town import Town
from alerts.bot.words import language_for, words_of
from alerts.desk.approval import fingerprint
from alerts.desk.officer import Officer
from alerts.desk.sitting import Sitting
from alerts.model.actor import Actor, Origin
from alerts.model.errors import Conflict, Forbidden, Misuse
from alerts.model.incident import Record
from alerts.model.person import Account
from alerts.model.ports import Keyboard, Linked
from alerts.model.post import Image, Post, PostState

_SEEN = 24
"""Digits of a fingerprint that a button carries, 96 bits: beside an alert's id, 64 bytes have no room for more."""
_LONGEST = 3500
"""UTF-16 units of one message with exact posts: Telegram's limit is 4096, and markup is to fit too."""
ADDRESS = "telegram"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that waits: its message and posts, and what is said above and below them in the officer's language."""

    record: Record
    posts: Sequence[Post]
    lead: str
    detail: str
    may_approve: bool = True

    @property
    def to_see(self) -> list[Post]:
        """The posts that go out when it is validated."""
        return [post for post in self.posts if post.state is PostState.WAITING]

    @property
    def images(self) -> list[Image]:
        """Their pictures, each once."""
        return list(dict.fromkeys(post.message.image for post in self.to_see if post.message.image))


def is_theirs(event: Event) -> bool:
    """Whether the event is for here: linking, or a button under what waits. In groups nobody decides anything."""
    match event.what:
        case Command(name=name):
            return name in ("link", "unlink") and event.private
        case Press(data=data):
            return data.startswith(("ok:", "no:", "why:")) and event.private
        case _:
            return False


def answer(sitting: Sitting, channel: str, event: Event, town: Town) -> Reply:
    """Link, unlink, validate or reject. Raises TocsinError, and then nothing is done."""
    match event.what:
        case Command(name="link", argument=code):
            return _link(sitting, channel, event, town, code)
        case Command():
            return _unlink(sitting, channel, event, town)
        case Press():
            return _decide(sitting, channel, event.chat, event.what, town)
        case _:
            return Reply()


def sheets(waiting: Waiting, language: str, *, blind: bool = False) -> list[Say]:
    """All that is to be seen to validate it: each post word for word, then the buttons bound to what was shown.

    `blind`: its pictures were refused here.
    """
    _ = words_of(language).gettext
    parts = [f"<b>{safe(waiting.lead)}</b>\n{safe(waiting.detail)}".rstrip()]
    for post in waiting.to_see:
        parts += _spelled(post, _("picture"))
    unseen = any(blind or not Path(image.path).is_file() for image in waiting.images)
    if unseen:
        parts.append(_("Its picture can't be shown here: validate it at the desk."))
    elif not waiting.may_approve:
        parts.append(_("You wrote it: somebody else validates it."))
    pictures = [] if unseen else [Say(image.alt, picture=image.path) for image in waiting.images]
    messages = _packed(parts)
    keyboard = decision_keys(waiting, language, unseen=unseen)
    return [*pictures, *(Say(text) for text in messages[:-1]), Say(messages[-1], keyboard)]


def decision_keys(waiting: Waiting, language: str, *, unseen: bool = False) -> Keyboard:
    """Validate and reject; what can't be seen here, or is one's own, can only be rejected."""
    _ = words_of(language).gettext
    seen = fingerprint(waiting.record, waiting.posts)[:_SEEN] if waiting.may_approve and not unseen else "-"
    validate = [(_("✅ Validate"), f"ok:{waiting.record.id}:{seen}")] if seen != "-" else []
    return buttons([*validate, (_("❌ Reject"), f"no:{waiting.record.id}:{seen}")])


def officer_of(sitting: Sitting, account: Account) -> Officer:
    """The account, acting by way of the bot."""
    return Officer(sitting, Actor(account.name, account.role, Origin.BOT, ADDRESS))


def language_of(account: Account, town_language: str) -> str:
    """What to speak with an officer."""
    return language_for(account.language, town_language)


def _link(sitting: Sitting, channel: str, event: Event, town: Town, code: str) -> Reply:
    name = sitting.officer_chats.redeem(digest_of(code), sitting.now) if code else None
    account = sitting.accounts.account(name) if name else None
    if account is None or account.disabled_at is not None:
        _ = words_of(language_for(event.language, town.language)).gettext
        return Reply((Say(_("That code links nothing: make a new one at the desk, under “Your account”.")),))
    sitting.officer_chats.link(Linked(channel, event.chat, account.name))
    officer_of(sitting, account).write(Deed.CHAT_LINKED, account.name)
    _ = words_of(language_of(account, town.language)).gettext
    text = _(
        "This chat now belongs to the account <b>%(name)s</b>. What waits for a validation is told here; "
        "/unlink ends it. Whoever holds this phone can decide in your name: keep it locked.",
        name=safe(account.name),
    )
    return Reply((Say(text),))


def _unlink(sitting: Sitting, channel: str, event: Event, town: Town) -> Reply:
    _ = words_of(language_for(event.language, town.language)).gettext
    name = sitting.officer_chats.linked(channel, event.chat)
    if name is None:
        return Reply((Say(_("This chat belongs to no account.")),))
    sitting.officer_chats.unlink(channel, event.chat)
    if (account := sitting.accounts.account(name)) is not None:
        officer_of(sitting, account).write(Deed.CHAT_UNLINKED, account.name)
    return Reply((Say(_("This chat belongs to no account any more.")),))


def _decide(sitting: Sitting, channel: str, chat: int, press: Press, town: Town) -> Reply:
    name = sitting.officer_chats.linked(channel, chat)
    account = sitting.accounts.account(name) if name else None
    if account is None:
        raise Forbidden("this chat belongs to no account; link it with a code of the desk (/link CODE)")
    language = language_of(account, town.language)
    act, _, rest = press.data.partition(":")
    alert, _, more = rest.partition(":")
    record = next((each for each in sitting.books.by_id(alert) if each.id == alert), None)
    if record is None:
        raise Misuse("there is no such alert any more; look at the desk")
    if act == "no":
        return Reply((_ask_why(record, more, language, press),))
    officer = officer_of(sitting, account)
    said = _approve(officer, record, more, language) if act == "ok" else _reject(officer, record, more, language)
    sitting.officer_chats.settle(channel, chat, record.id)
    return Reply((Say(said, buttons(), press.message),))


def _approve(officer: Officer, record: Record, seen: str, language: str) -> str:
    """What is validated is what that button stood under: its fingerprint must be the one of now."""
    now = fingerprint(record, officer.sitting.books.posts_of(record.id))
    if len(seen) != _SEEN or not now.startswith(seen):
        raise Conflict(f"{record.id} is not what was shown: it has changed since; look at it again, then validate")
    officer.approve(record.id, seen=now)
    _ = words_of(language).gettext
    return _("✅ Validated by you: %(what)s", what=safe(_headline(record)))


def _reject(officer: Officer, record: Record, which: str, language: str) -> str:
    reasons = _reasons(language)
    reason = reasons[int(which)] if which.isdigit() and int(which) < len(reasons) else reasons[-1]
    officer.reject(record.id, reason)
    _ = words_of(language).gettext
    return _("❌ Rejected by you (%(why)s): %(what)s", why=safe(reason), what=safe(_headline(record)))


def _ask_why(record: Record, seen: str, language: str, press: Press) -> Say:
    """Rejecting takes a second tap, which says why: its author reads it. The other button stays within reach."""
    _ = words_of(language).gettext
    rows = [[(reason, f"why:{record.id}:{place}")] for place, reason in enumerate(_reasons(language))]
    back = [(_("✅ Validate"), f"ok:{record.id}:{seen}")] if seen != "-" else []
    text = _("Why is “%(what)s” not to go out? Its author reads it.", what=safe(_headline(record)))
    return Say(text, buttons(*rows, back), press.message)


def _reasons(language: str) -> list[str]:
    _ = words_of(language).gettext
    return [_("the words are wrong"), _("the place is wrong"), _("the time is wrong"), _("it is not needed")]


def _headline(record: Record) -> str:
    info = record.alert.infos[0] if record.alert and record.alert.infos else None
    return (info.headline or info.event) if info else record.id


def _spelled(post: Post, picture: str) -> list[str]:
    """One post word for word, in as many parts as it needs, under its channel's name."""
    text = post.message.plain
    if post.message.link and post.message.link not in text:
        text = f"{text}\n{post.message.link}"
    pieces = _pieces(text)
    image = f"\n<i>{safe(picture)}: {safe(post.message.image.alt)}</i>" if post.message.image else ""
    named = [f"<b>{safe(post.channel)}</b>\n<blockquote>{safe(pieces[0])}</blockquote>"]
    rest = [f"<blockquote>{safe(piece)}</blockquote>" for piece in pieces[1:]]
    parts = named + rest
    return [*parts[:-1], parts[-1] + image]


def _pieces(text: str) -> list[str]:
    """A text in pieces that each fit a message, whatever its characters are."""
    pieces, piece, size = [], "", 0
    for character in text:
        units = 2 if ord(character) > 0xFFFF else 1
        if size + units > _LONGEST - 200:
            pieces.append(piece)
            piece, size = "", 0
        piece += character
        size += units
    return [*pieces, piece]


def _packed(parts: Sequence[str]) -> list[str]:
    """As few messages as hold them, in order; counted with their markup, which is more than Telegram counts."""
    messages = [parts[0]]
    for part in parts[1:]:
        together = f"{messages[-1]}\n\n{part}"
        if len(together.encode("utf-16-le")) // 2 <= _LONGEST:
            messages[-1] = together
        else:
            messages.append(part)
    return messages

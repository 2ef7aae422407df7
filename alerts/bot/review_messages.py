"""An officer's messages about a waiting alert: the alert, each post as it would be, and the buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alerts.bot.acts import SEEN
from alerts.bot.chat import Say, buttons, pieces, safe, words_of
from alerts.bot.officers import headline
from alerts.desk.approve import fingerprint
from alerts.desk.out import in_full
from alerts.model.bounds import utf16_units
from alerts.model.incident import StoredAlert
from alerts.model.ports import Keyboard
from alerts.model.post import Message, Post, PostImage, PostState

# UTF-16 units of one message with exact posts: Telegram's limit is 4096, and markup is to fit too.
_LONGEST = 3500
# Messages that somebody reads before a button: what takes more is validated at the desk.
_MOST = 6


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that waits: its message and posts, and what is said above and below them in the officer's language.

    `twins` are the messages by which the public knows of the same event, `desk_url` where it is validated otherwise.
    """

    stored: StoredAlert
    posts: Sequence[Post]
    lead: str
    detail: str
    may_approve: bool = True
    twins: Sequence[StoredAlert] = ()
    desk_url: str | None = None

    @property
    def to_see(self) -> list[Post]:
        """The posts that go out when it is validated."""
        return [post for post in self.posts if post.state is PostState.WAITING]

    @property
    def images(self) -> list[PostImage]:
        """Their pictures, each once."""
        return list(dict.fromkeys(post.message.image for post in self.to_see if post.message.image))


def sheets(waiting: Waiting, language: str, *, blind: bool = False) -> list[Say]:
    """All that is let out by validating it, word for word, then the buttons bound to what was shown.

    That is each post, what subscribers get in each language, and every word of the message, which the town's page has.
    Where that doesn't fit, or a picture can't be shown (`blind`: it was refused here), there is a link to the desk and
    no button to validate: what was not shown is not validated. Nor is an event published a second time from here.
    """
    _ = words_of(language).gettext
    lead = f"<b>{safe(waiting.lead)}</b>\n{safe(waiting.detail)}".rstrip()
    parts = [lead]
    for post in waiting.to_see:
        parts += _spelled(post, _)
        for spoken, message in sorted(post.subscribers.items()):
            parts += _quoted(
                _("%(channel)s, subscribers (%(language)s)", channel=post.channel, language=spoken), message
            )
    parts += _page_words(waiting.stored, language)
    unseen = any(blind or not Path(image.path).is_file() for image in waiting.images)
    # Nobody reads a seventh message before a button at 3 a.m.; what isn't read isn't validated.
    long = len(_packed(parts)) > _MOST
    if long:
        parts = [lead]
    if why := _why_at_the_desk(waiting, language, unseen=unseen, long=long):
        parts.append(why)
    elif not waiting.may_approve:
        parts.append(_("You wrote it: somebody else must validate it."))
    hidden = unseen or long
    pictures = [] if hidden else [Say(image.alt, picture=image.path) for image in waiting.images]
    messages = _packed(parts)
    keyboard = decision_keys(waiting, language, unseen=hidden or bool(waiting.twins))
    return [*pictures, *(Say(text) for text in messages[:-1]), Say(messages[-1], keyboard)]


def _why_at_the_desk(waiting: Waiting, language: str, *, unseen: bool, long: bool) -> str | None:
    """Why it can't be validated in the chat, with where it can."""
    _ = words_of(language).gettext
    why = None
    if waiting.twins:
        named = ", ".join(f"{headline(twin)} ({twin.source})" for twin in waiting.twins)
        why = _("The same event is out: %(what)s. Reject it, or publish it a second time at the desk.", what=named)
    elif unseen:
        why = _("Its picture can’t be shown here: validate it at the desk.")
    elif long:
        why = _("It is too long to be shown here in full: validate it at the desk.")
    if why is None:
        return None
    where = f"{waiting.desk_url}/waiting/{waiting.stored.id}" if waiting.desk_url else ""
    return "\n".join(filter(None, (safe(why), safe(where))))


def _page_words(stored: StoredAlert, language: str) -> list[str]:
    """Every word of the message, language by language."""
    _ = words_of(language).gettext
    names = {
        "headline": _("Headline"),
        "event": _("Event"),
        "description": _("Description"),
        "instruction": _("What to do"),
        "audience": _("For whom"),
        "contact": _("Contact"),
        "sender_name": _("Sender"),
        "web": _("Link"),
        "source": _("Source"),
        "restriction": _("Restriction"),
        "note": _("Note"),
        "picture": _("Picture"),
        "parameter": _("Further element"),
        "area": _("Area"),
    }
    parts = []
    for page in in_full(stored.alert) if stored.alert else ():
        text = "\n".join(_("%(name)s: %(text)s", name=names[each.name], text=each.words) for each in page.said)
        where = _("Town’s page (%(language)s)", language=page.language or "–")
        parts += _quoted(where, Message(text, text))
    return parts


def decision_keys(waiting: Waiting, language: str, *, unseen: bool = False) -> Keyboard:
    """Validate and reject; what can't be seen here, or is one's own, can only be rejected."""
    _ = words_of(language).gettext
    seen = fingerprint(waiting.stored, waiting.posts)[:SEEN] if waiting.may_approve and not unseen else "-"
    validate = [(_("✅ Validate"), f"ok:{waiting.stored.id}:{seen}")] if seen != "-" else []
    return buttons([*validate, (_("❌ Reject"), f"no:{waiting.stored.id}:{seen}")])


def _spelled(post: Post, _: Callable[..., str]) -> list[str]:
    """One post word for word, in as many parts as it needs, under its channel's name."""
    parts = _quoted(post.channel, post.message)
    image, name = post.message.image, _("picture")
    below = "\n" + _("<i>%(name)s: %(text)s</i>", name=safe(name), text=safe(image.alt)) if image else ""
    return [*parts[:-1], parts[-1] + below]


def _quoted(title: str, message: Message) -> list[str]:
    """A text word for word, with where it leads to."""
    text = message.plain
    if message.link and message.link not in text:
        text = f"{text}\n{message.link}"
    # Room for the title and the markup around it.
    first, *others = pieces(text, _LONGEST - 200)
    named = [f"<b>{safe(title)}</b>\n<blockquote>{safe(first)}</blockquote>"]
    return named + [f"<blockquote>{safe(piece)}</blockquote>" for piece in others]


def _packed(parts: Sequence[str]) -> list[str]:
    """As few messages as hold them, in order; counted with their markup, which is more than Telegram counts."""
    messages = [parts[0]]
    for part in parts[1:]:
        together = f"{messages[-1]}\n\n{part}"
        if utf16_units(together) <= _LONGEST:
            messages[-1] = together
        else:
            messages.append(part)
    return messages

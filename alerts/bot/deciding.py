"""What an officer decides in a chat: a button under what waits, or the words that say why it is not to go out.

What is refused is told in the officer's language, and then nothing was done; the desk checks all of it once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from alerts.bot.events import ChatEvent, FreeText, Press
from alerts.bot.officers import SEEN, headline, language_here, language_of, officer_of
from alerts.bot.reply import BotReply, Say, buttons, safe, words_of
from alerts.bot.town import Town
from alerts.desk.approve import fingerprint, is_vetoed, wrote
from alerts.desk.officer import Officer
from alerts.desk.service import DeskService, DeskUnit
from alerts.model.incident import StoredAlert
from alerts.model.person import MAY, Account, Act
from alerts.model.post import Post, PostState
from alerts.model.subscriber import Asked

ANSWERED_WITHIN = timedelta(minutes=10)
"""How long what is typed is taken for the reason that was asked for."""
LONGEST_REASON = 300
"""Characters of a reason: its author reads it on a line beside the alert."""


@dataclass(frozen=True, slots=True)
class _Case:
    """An officer before an alert that waits."""

    unit: DeskUnit
    channel: str
    chat: int
    language: str
    officer: Officer
    record: StoredAlert
    posts: tuple[Post, ...]

    def settled(self) -> None:
        """It is decided: this chat is told of it no more, and asked nothing about it."""
        self.unit.officer_chats.settle(self.channel, self.chat, self.record.id)


def answer(unit: DeskUnit, channel: str, event: ChatEvent, town: Town) -> BotReply:
    """Validate, ask why not, or reject. Raises TocsinError, and then nothing is done."""
    match event.what:
        case Press():
            return _press(unit, channel, event, event.what, town)
        case FreeText(text=text):
            return _typed(unit, channel, event, town, text)
        case _:
            return BotReply()


async def is_reason(service: DeskService, channel: str, event: ChatEvent) -> bool:
    """Whether it is typed where an officer was asked why. What anybody else says is nothing to us."""
    if not event.private or not isinstance(event.what, FreeText):
        return False
    return await service.ask(lambda unit: unit.officer_chats.asked(channel, event.chat) is not None)


def _press(unit: DeskUnit, channel: str, event: ChatEvent, press: Press, town: Town) -> BotReply:
    act, _, rest = press.data.partition(":")
    alert, _, more = rest.partition(":")
    case = _case(unit, channel, event, town, alert, validates=act == "ok")
    if isinstance(case, str):
        return BotReply((Say(case),))
    if act == "no":
        unit.officer_chats.ask(channel, event.chat, Asked(alert, press.message, unit.now))
        return BotReply((_ask_why(case, more, press),))
    if act == "ok":
        said = _approve(case, more)
    else:
        reasons = _reasons(case.language)
        said = _reject(case, {str(place): each for place, each in enumerate(reasons)}.get(more, reasons[-1]))
    return BotReply((Say(said, buttons(), press.message),))


def _typed(unit: DeskUnit, channel: str, event: ChatEvent, town: Town, text: str) -> BotReply:
    """The reason in the officer's own words. What comes too late rejects nothing, and says so once."""
    chats = unit.officer_chats
    asked = chats.asked(channel, event.chat)
    if asked is None:
        return BotReply()
    case = _case(unit, channel, event, town, asked.alert)
    if isinstance(case, str):
        chats.unask(channel, event.chat)
        return BotReply((Say(case),))
    _ = words_of(case.language).gettext
    if unit.now - asked.at > ANSWERED_WITHIN:
        chats.unask(channel, event.chat)
        what = safe(headline(case.record))
        return BotReply(
            (Say(_("Too long ago: “%(what)s” was not rejected and still waits. Tap Reject again.", what=what)),)
        )
    reason = _tidy(text)
    if not 0 < len(reason) <= LONGEST_REASON:
        return BotReply(
            (Say(_("Say why in at most %(n)s characters, or tap a reason: it still waits.", n=LONGEST_REASON)),)
        )
    said = _reject(case, reason)
    return BotReply((Say(said), Say(said, buttons(), asked.message)))


def _case(
    unit: DeskUnit, channel: str, event: ChatEvent, town: Town, alert: str, *, validates: bool = False
) -> _Case | str:
    """The officer of that chat and what they may decide; or why they may not, in their words."""
    name = unit.officer_chats.linked(channel, event.chat)
    account = unit.accounts.account(name) if name else None
    if account is None:
        _ = words_of(language_here(unit, channel, event, town)).gettext
        return _("This chat belongs to no account: link it with a code of the desk (/link CODE).")
    language = language_of(account, town.language)
    _ = words_of(language).gettext
    record = next((each for each in unit.alerts.by_id(alert) if each.id == alert), None)
    if record is None:
        return _("That alert isn't there any more: look at the desk.")
    officer, posts = officer_of(unit, account), tuple(unit.alerts.posts_of(record.id))
    case = _Case(unit, channel, event.chat, language, officer, record, posts)
    return _why_not(case, account, validates=validates) or case


def _why_not(case: _Case, account: Account, *, validates: bool) -> str | None:
    _ = words_of(case.language).gettext
    is_own = wrote(case.officer.actor, case.record)
    # Taking back what one wrote oneself, or what a veto time lets everybody stop, needs no right to reject.
    is_light = not validates and (is_own or is_vetoed(case.record, case.posts))
    needed = MAY[Act.POST] if is_light else MAY[Act.APPROVE if validates else Act.REJECT]
    if account.disabled_at is not None:
        return _("Your account is disabled: an administrator can enable it.")
    if not account.role.at_least(needed):
        return _("Your account's role may not decide this any more: an administrator can change it.")
    if not any(post.state is PostState.WAITING for post in case.posts):
        what = safe(headline(case.record))
        return _("“%(what)s” doesn't wait any more: somebody decided, or it was replaced.", what=what)
    if validates and is_own and not case.unit.desk.station.alone:
        return _("You wrote it: somebody else validates it.")
    return None


def _approve(case: _Case, seen: str) -> str:
    """What is validated is what that button stood under: its fingerprint must be the one of now."""
    _ = words_of(case.language).gettext
    now, what = fingerprint(case.record, case.posts), safe(headline(case.record))
    # A shorter prefix would fit more than one version: the button carries exactly so many digits.
    if len(seen) != SEEN or not now.startswith(seen):
        return _("“%(what)s” is not what was shown here: it has changed since. Look at it again.", what=what)
    case.officer.approve(case.record.id, seen=now)
    case.settled()
    return _("✅ Validated by you: %(what)s", what=what)


def _reject(case: _Case, reason: str) -> str:
    _ = words_of(case.language).gettext
    case.officer.reject(case.record.id, reason)
    case.settled()
    return _("❌ Rejected by you (%(why)s): %(what)s", why=safe(reason), what=safe(headline(case.record)))


def _ask_why(case: _Case, seen: str, press: Press) -> Say:
    """Rejecting takes a second step, which says why: its author reads it. The other button stays within reach."""
    _ = words_of(case.language).gettext
    rows = [[(reason, f"why:{case.record.id}:{place}")] for place, reason in enumerate(_reasons(case.language))]
    back = [(_("✅ Validate"), f"ok:{case.record.id}:{seen}")] if seen != "-" else []
    text = _(
        "Why is “%(what)s” not to go out? Its author reads it: tap a reason, or write yours within %(n)s minutes.",
        what=safe(headline(case.record)),
        n=ANSWERED_WITHIN // timedelta(minutes=1),
    )
    return Say(text, buttons(*rows, back), press.message)


def _reasons(language: str) -> list[str]:
    _ = words_of(language).gettext
    return [_("the words are wrong"), _("the place is wrong"), _("the time is wrong"), _("it is not needed")]


def _tidy(text: str) -> str:
    """One line of what can be read."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())

"""The officers' side: a private chat linked to an account gets its waiting alerts, and decides on them.

Linking binds a chat to an account by a code of the desk (`/link CODE`). `sheets` shows in it everything that would be
published by validating an alert, word for word, and below that the buttons, which carry the fingerprint of the shown
version. A press (`answer`) is checked again by the desk: the account decides, under the same rules as at the desk (its
role as it is now, four eyes) and in the same audit log. Rejecting takes a second step: the bot asks why, and the
officer's next message (`is_reason`) is the reason. A refusal is explained in the officer's language, and then nothing
was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from alerts.access.audit import NEWS_FOR, AuditEvent, changes_of
from alerts.access.sessions import digest_of
from alerts.bot.acts import SEEN, act_named, pressed, rejected
from alerts.bot.chat import (
    BotReply,
    ChatEvent,
    Command,
    FreeText,
    Press,
    Say,
    TownNow,
    buttons,
    language_for,
    safe,
    words_of,
)
from alerts.desk.act import deciding
from alerts.desk.approve import fingerprint, is_vetoed, why_not_theirs, wrote
from alerts.desk.officer import Officer
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.listening.forgetting import forget_said
from alerts.model.incident import StoredAlert
from alerts.model.person import MAY, Account, Act, Actor, Origin
from alerts.model.ports import Keyboard
from alerts.model.post import Post, PostState
from alerts.model.subscriber import Asked, Linked
from alerts.rendering.i18n import word
from alerts.reports.forgetting import erased

MOST_REPORTS = 100
"""Reports of one chat that are read at once."""
ADDRESS = "telegram"
CHANGE = "change "
"""Prefix of the number of a line of the audit log in a chat's notices, which otherwise name alerts."""
ANSWERED_WITHIN = timedelta(minutes=10)
"""How long what is typed is taken for the reason that was asked for."""
LONGEST_REASON = 300
"""Characters of a reason: its author reads it on one line with the alert."""


@dataclass(frozen=True, slots=True)
class _Case:
    """An officer before an alert that waits."""

    unit: DeskUnit
    channel: str
    chat: int
    language: str
    officer: Officer
    stored: StoredAlert
    posts: tuple[Post, ...]

    def settled(self) -> None:
        """Record the decision: this chat gets no more notices or questions about it."""
        self.unit.officer_chats.settle(self.channel, self.chat, self.stored.id)


def is_theirs(event: ChatEvent) -> bool:
    """True if the event is an officer's: linking, or a button under a waiting alert. Groups decide nothing.

    A code that is typed in a group was read by others: it is handled here too, so that it becomes invalid.
    """
    match event.what:
        case Command(name=name):
            return name == "link" or (name == "unlink" and event.private)
        case Press(data=data):
            return event.private and (data.startswith(("ok:", "no:", "why:")) or act_named(data) is not None)
        case _:
            return False


async def is_reason(service: DeskService, channel: str, event: ChatEvent) -> bool:
    """True if it is text in a chat whose officer was asked why."""
    if not event.private or not isinstance(event.what, FreeText):
        return False
    return await service.ask(lambda unit: unit.officer_chats.asked(channel, event.chat) is not None)


def answer(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow) -> BotReply:
    """Link the chat or unlink it; validate, ask why not, or reject. Raises TocsinError, and then nothing is done."""
    match event.what:
        case Command(name="link", argument=code):
            return _link(unit, channel, event, town, code)
        case Command():
            return _unlink(unit, channel, event, town)
        case Press():
            return _press(unit, channel, event, event.what, town)
        case FreeText(text=text):
            return _typed(unit, channel, event, town, text)
        case _:
            return BotReply()


def forget(unit: DeskUnit, channel: str, chat: int, *, asked: bool = False) -> None:
    """Remove all that is kept of a chat. That it belonged to an account is written down, as when it is unlinked.

    What was reported from it is erased where who has it `asked` for that; else nobody reads there any more, and the
    matter stays the town's to see to.
    """
    _part(unit, channel, chat)
    unit.subscribers.forget(channel, chat)
    if unit.desk.station.listens:
        for each in unit.listening.said_to_bot(channel, chat):
            forget_said(unit, each)
    if unit.desk.station.reports is not None:
        while asked and (reports := unit.reports.of_chat(channel, chat, MOST_REPORTS)):
            for report in reports:
                erased(unit, report)
        unit.report_chats.part(channel, chat)


# --- linking a chat to an account -----------------------------------------------------------------------------------


def _link(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow, code: str) -> BotReply:
    name = unit.officer_chats.redeem(digest_of(code), unit.now) if code else None
    account = unit.accounts.account(name) if name else None
    # Silent in a group: an answer to any code that somebody tries would fill it.
    if account is None and not event.private:
        return BotReply(())
    # One answer to every code that opens nothing: another would tell a guesser that he is near.
    if account is None or account.disabled_at is not None:
        _ = words_of(language_here(unit, channel, event, town)).gettext
        return BotReply((Say(_("That code doesn’t work: get a new one at the desk, under “Your account”.")),))
    if not event.private:
        _ = words_of(language_of(account, town.language)).gettext
        text = _(
            "Others can read this chat, so that code no longer works: get a new one, and send it in a private chat."
        )
        return BotReply((Say(text),))
    _part(unit, channel, event.chat)
    unit.officer_chats.link(Linked(channel, event.chat, account.name))
    officer_of(unit, account).write(AuditEvent.CHAT_LINKED, account.name)
    for line in changes_of(unit, account.name, unit.now - NEWS_FOR):  # what was before this chat is no news to it
        unit.officer_chats.tell(channel, event.chat, change_key(line.seq), unit.now)
    _ = words_of(language_of(account, town.language)).gettext
    text = _(
        "This chat is now linked to the account <b>%(name)s</b>. Anything waiting "
        "to be validated is announced here; /unlink stops that. Anyone holding "
        "this phone can decide in your name: keep it locked.",
        name=safe(account.name),
    )
    return BotReply((Say(text),))


def _unlink(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow) -> BotReply:
    _ = words_of(language_here(unit, channel, event, town)).gettext
    if not _part(unit, channel, event.chat):
        return BotReply((Say(_("This chat isn’t linked to an account.")),))
    return BotReply((Say(_("This chat is no longer linked to an account.")),))


def _part(unit: DeskUnit, channel: str, chat: int) -> bool:
    """Unlink a chat, and write it down; whether it belonged to an account."""
    name = unit.officer_chats.linked(channel, chat)
    if name is None:
        return False
    unit.officer_chats.unlink(channel, chat)
    if (account := unit.accounts.account(name)) is not None:
        officer_of(unit, account).write(AuditEvent.CHAT_UNLINKED, account.name)
    return True


# --- deciding -------------------------------------------------------------------------------------------------------


def _press(unit: DeskUnit, channel: str, event: ChatEvent, press: Press, town: TownNow) -> BotReply:
    act, _, rest = press.data.partition(":")
    alert, _, more = rest.partition(":")
    if act_named(press.data) is not None or (act != "ok" and deciding(unit, "reject", alert) is not None):
        return _press_act(unit, channel, event, press, town)
    case = _case(unit, channel, event, town, alert, validates=act == "ok")
    if isinstance(case, str):
        return BotReply((Say(case),))
    if act == "no":
        unit.officer_chats.ask(channel, event.chat, Asked(alert, press.message, unit.now))
        return BotReply((_ask_why(case, more, press),))
    said = _approve(case, more) if act == "ok" else _reject(case, _tapped(more, case.language))
    return BotReply((Say(said, buttons(), press.message),))


def _press_act(unit: DeskUnit, channel: str, event: ChatEvent, press: Press, town: TownNow) -> BotReply:
    """Carry out the act that a button names; one that rejects once it is said why."""
    account = _account_here(unit, channel, event, town)
    if isinstance(account, str):
        return BotReply((Say(account),))
    language, officer = language_of(account, town.language), officer_of(unit, account)
    step, identity, more = f"{press.data}::".split(":", 2)
    if step == "no":
        unit.officer_chats.ask(channel, event.chat, Asked(identity, press.message, unit.now))
        return BotReply((Say(_why(language), _reason_keys(identity, language), press.message),))
    if step == "why":
        said = rejected(officer, identity, _tapped(more.rstrip(":"), language), language)
    else:
        said = pressed(officer, press.data, language)
    unit.officer_chats.settle(channel, event.chat, identity)
    return BotReply((Say(said, buttons(), press.message),))


def _typed(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow, text: str) -> BotReply:
    """The reason in the officer's own words. What comes too late rejects nothing, and says so once."""
    chats = unit.officer_chats
    asked = chats.asked(channel, event.chat)
    if asked is None:
        return BotReply()
    is_act = deciding(unit, "reject", asked.alert) is not None
    case = (_account_here if is_act else partial(_case, alert=asked.alert))(unit, channel, event, town)
    if isinstance(case, str):
        chats.unask(channel, event.chat)
        return BotReply((Say(case),))
    language = case.language if isinstance(case, _Case) else language_of(case, town.language)
    _ = words_of(language).gettext
    if unit.now - asked.at > ANSWERED_WITHIN:
        chats.unask(channel, event.chat)
        what = safe(headline(case.stored)) if isinstance(case, _Case) else asked.alert
        return BotReply(
            (Say(_("Too late: “%(what)s” was not rejected and is still waiting. Tap Reject again.", what=what)),)
        )
    reason = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    if not 0 < len(reason) <= LONGEST_REASON:
        return BotReply(
            (Say(_("Say why in at most %(n)s characters, or tap a reason: it is still waiting.", n=LONGEST_REASON)),)
        )
    if isinstance(case, _Case):
        said = _reject(case, reason)
    else:
        said = rejected(officer_of(unit, case), asked.alert, reason, language)
        chats.settle(channel, event.chat, asked.alert)
    return BotReply((Say(said), Say(said, buttons(), asked.message)))


def _account_here(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow) -> Account | str:
    """The account that the chat belongs to; or that it belongs to none, in words."""
    name = unit.officer_chats.linked(channel, event.chat)
    account = unit.accounts.account(name) if name else None
    if account is None:
        _ = words_of(language_here(unit, channel, event, town)).gettext
        return _("This chat isn’t linked to an account: link it with a code from the desk (/link CODE).")
    return account


def _case(
    unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow, alert: str, *, validates: bool = False
) -> _Case | str:
    """The officer of that chat and what they may decide; or why they may not, in their words."""
    account = _account_here(unit, channel, event, town)
    if isinstance(account, str):
        return account
    language = language_of(account, town.language)
    _ = words_of(language).gettext
    stored = next((each for each in unit.alerts.by_id(alert) if each.id == alert), None)
    if stored is None:
        return _("That alert is no longer there: look at the desk.")
    officer, posts = officer_of(unit, account), tuple(unit.alerts.posts_of(stored.id))
    case = _Case(unit, channel, event.chat, language, officer, stored, posts)
    return _why_not(case, account, validates=validates) or case


def _why_not(case: _Case, account: Account, *, validates: bool) -> str | None:
    _ = words_of(case.language).gettext
    is_own = wrote(case.officer.actor, case.stored)
    # Taking back what one wrote oneself, or what a veto time lets everybody stop, needs no right to reject.
    is_light = not validates and (is_own or is_vetoed(case.stored, case.posts))
    needed = MAY[Act.POST] if is_light else MAY[Act.APPROVE if validates else Act.REJECT]
    if account.disabled_at is not None:
        return _("Your account is disabled: an administrator can enable it.")
    if not account.role.at_least(needed):
        return _("Your role no longer allows you to decide this: an administrator can change it.")
    if not any(post.state is PostState.WAITING for post in case.posts):
        what = safe(headline(case.stored))
        return _("“%(what)s” is no longer waiting: somebody has decided, or it was replaced.", what=what)
    if validates and is_own and not case.unit.desk.station.desk.alone:
        return _("You wrote it: somebody else must validate it.")
    town, brought = case.unit.desk.station, case.unit.reports.brought_by([case.stored.id]).get(case.stored.id, ())
    if validates and (why := why_not_theirs(case.officer.actor, case.stored, town, brought)) is not None:
        return safe(word(why, case.language, town.zone))
    return None


def _approve(case: _Case, seen: str) -> str:
    """Validate the version above the button: its fingerprint must be the current one."""
    _ = words_of(case.language).gettext
    now, what = fingerprint(case.stored, case.posts), safe(headline(case.stored))
    # A shorter prefix would fit more than one version: the button carries exactly so many digits.
    if len(seen) != SEEN or not now.startswith(seen):
        return _("“%(what)s” has changed since it was shown here. Look at it again.", what=what)
    case.officer.approve(case.stored.id, seen=now)
    case.settled()
    return _("✅ Validated by you: %(what)s", what=what)


def _reject(case: _Case, reason: str) -> str:
    _ = words_of(case.language).gettext
    case.officer.reject(case.stored.id, reason)
    case.settled()
    return _("❌ Rejected by you (%(why)s): %(what)s", why=safe(reason), what=safe(headline(case.stored)))


def _ask_why(case: _Case, seen: str, press: Press) -> Say:
    """Rejecting takes a second step, which says why: its author reads it. The other button stays within reach."""
    _ = words_of(case.language).gettext
    back = [(_("✅ Validate"), f"ok:{case.stored.id}:{seen}")] if seen != "-" else []
    text = _(
        "Why shouldn’t “%(what)s” go out? Its author will read it: tap a reason, or write yours within %(n)s minutes.",
        what=safe(headline(case.stored)),
        n=ANSWERED_WITHIN // timedelta(minutes=1),
    )
    return Say(text, _reason_keys(case.stored.id, case.language, back), press.message)


def _why(language: str) -> str:
    _ = words_of(language).gettext
    asked = _("Why shouldn’t it go out? Its author will read it: tap a reason, or write yours within %(n)s minutes.")
    return asked % {"n": ANSWERED_WITHIN // timedelta(minutes=1)}


def _reason_keys(identity: str, language: str, *more: Sequence[tuple[str, str]]) -> Keyboard:
    return buttons(*([(reason, f"why:{identity}:{at}")] for at, reason in enumerate(_reasons(language))), *more)


def _tapped(place: str, language: str) -> str:
    """The prepared reason of a button."""
    reasons = _reasons(language)
    return {str(at): each for at, each in enumerate(reasons)}.get(place, reasons[-1])


def _reasons(language: str) -> list[str]:
    _ = words_of(language).gettext
    return [_("the words are wrong"), _("the place is wrong"), _("the time is wrong"), _("it is not needed")]


# --- shared ---------------------------------------------------------------------------------------------------------


def headline(stored: StoredAlert) -> str:
    """Return the title by which an officer recognises the alert."""
    info = stored.alert.infos[0] if stored.alert and stored.alert.infos else None
    return (info.headline or info.event) if info else stored.id


def change_key(seq: int) -> str:
    """Return the key of a chat's notice about a line of the audit log."""
    return f"{CHANGE}{seq}"


def officer_of(unit: DeskUnit, account: Account) -> Officer:
    """The account, acting by way of the bot."""
    return Officer(unit, Actor(account.name, account.role, Origin.BOT, ADDRESS))


def language_of(account: Account, town_language: str) -> str:
    """Return an officer's language."""
    return language_for(account.language, town_language)


def language_here(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow) -> str:
    """Return the language for somebody who may be no officer: the chat's choice, else that of the person's app."""
    known = unit.subscribers.get(channel, event.chat)
    return known.language if known else language_for(event.language, town.language)


def language_of_chat(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow) -> str:
    """Return the language of a chat: its officer's, if it belongs to one."""
    name = unit.officer_chats.linked(channel, event.chat)
    account = unit.accounts.account(name) if name else None
    return language_of(account, town.language) if account else language_here(unit, channel, event, town)

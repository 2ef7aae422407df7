"""Tocsin's own warnings in words: cause, then fix, one short message each.

They are written here in English, with names in braces; their French is in `rendering/locale/fr/notices.po`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from alerts.health.monitor import HealthNotice, Phase, Trouble, What
from alerts.rendering.words import word as reason_in
from alerts.rendering.words import words_in


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of trouble is told: what is wrong, what to do, and that it is over."""

    wrong: str
    fix: str
    over: str


@dataclass(frozen=True, slots=True)
class Words:
    """The parts of one warning; `detail` is what was reported, word for word."""

    headline: str
    fix: str | None = None
    detail: str | None = None


_WORDINGS: Mapping[What, Wording] = {
    What.CYCLE: Wording("“{name}” stands still", "Read the log, then restart the service.", "“{name}” goes on"),
    What.CREDENTIAL: Wording(
        "the channel {name} can't publish, its credential is refused",
        "Renew it: what waits will go out by itself.",
        "the credential of the channel {name} works again",
    ),
    What.PLATFORM: Wording(
        "the platform of the channel {name} doesn't answer or makes us wait",
        "Nothing is lost. In an emergency, use another channel.",
        "the platform of the channel {name} answers again",
    ),
    What.LANE: Wording(
        "on the channel {name}, posts tried since {since} don't get out (how many: {posts})",
        "“tocsin status” says which, and why. In an emergency, use another channel.",
        "the posts of the channel {name} get out again",
    ),
    What.RIGHTS: Wording(
        "the account of the channel {name} lacks rights",
        "Grant them on the platform.",
        "the account of the channel {name} has all its rights",
    ),
    What.UNDECIDED: Wording(
        "on the channel {name}, posts wait for your decision (how many: {posts})",
        "Look at the channel, then “tocsin retry” or “tocsin drop”.",
        "nothing waits for a decision on the channel {name}",
    ),
    What.FEED: Wording(
        "the source {name} can't be read (last read: {since})",
        "Check its address and the network (“tocsin check --live”), and watch for its alerts yourself.",
        "the source {name} is read again",
    ),
    What.QUIET: Wording(
        "the source {name} answers but has said nothing new since {since}, far longer than usual",
        "Ask its publisher whether it still lives.",
        "the source {name} says new things again",
    ),
    What.SIGN_INS: Wording(
        "sign-ins to the duty desk have failed again and again since {since}: {name} (how many: {posts})",
        "If it isn't you, somebody tries passwords. Each try is slowed down; tell the administrator.",
        "no more failed sign-ins: {name}",
    ),
    What.RESTORED: Wording(
        "the database was replaced by an older one: it knows nothing of what went out between {since} and {name}",
        "What may be out is looked for before it is sent. What officers published or ended meanwhile isn't known here "
        "any more: look at the channels.",
        "what may have gone out before the database was put back ({name}) has been looked for",
    ),
    What.STORE: Wording(
        "the database {name} takes nothing any more, or soon won't (a full disk?): nothing can be stored or sent",
        "Make room on the disk. In an emergency, publish on the platforms by hand.",
        "the database {name} takes everything again",
    ),
}


def word(news: HealthNotice, language: str, zone: tzinfo) -> Words:
    """The warning in that language; times are in `zone`."""
    _ = words_in(language).gettext
    trouble, wording = news.trouble, _WORDINGS[news.trouble.what]
    since, begun = spell_time(trouble.since, zone, _), spell_time(news.since, zone, _)
    name = _named(trouble, _)
    if news.say is Phase.RESOLVED:
        over = _(wording.over).format(name=name)
        return Words(_("Over: {over} (in trouble since {begun}).").format(over=over, begun=begun))
    wrong = _(wording.wrong).format(name=name, since=since, posts=trouble.posts)
    lead = _("Warning: {wrong}.") if news.say is Phase.FIRING else _("Still, since {begun}: {wrong}.")
    detail = reason_in(trouble.reason, language, zone) if trouble.reason else None
    return Words(lead.format(wrong=wrong, begun=begun), _(wording.fix), detail)


def spell_time(time: datetime | None, zone: tzinfo, _: Callable[[str], str]) -> str:
    """A time as the officer's clock shows it."""
    return _("never") if time is None else _("{:%Y-%m-%d %H:%M}").format(time.astimezone(zone))


def _named(trouble: Trouble, _: Callable[[str], str]) -> str:
    """What is in trouble. Of a cycle (`lane x`) the first word is ours, and said in the reader's language."""
    if trouble.what is not What.CYCLE:
        return trouble.name
    kind, blank, name = trouble.name.partition(" ")
    return f"{_(kind)}{blank}{name}"
